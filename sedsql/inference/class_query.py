"""Ask a model for the classes of many rows, in a DuckDB database in memory, by the fastest engine that runs it."""

from __future__ import annotations

from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sedsql.inference.card import EXTRA
from sedsql.inference.engines import install
from sedsql.inference.model import Model, ModelError
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import HALF
from sedsql.sql_text import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_INPUTS = [f"x{place}" for place in range(len(COLUMNS) + len(EXTRA))]
_ROWS = "_rows"


class Classes(NamedTuple):
    """What a model says of n rows; null where bands are too few.

    Attributes
    ----------
    label : the deepest node of the tree of classes that has HALF; the most probable class of a model without a tree
    probability : of the label
    path : the label with what is above it in the tree
    n_bands : how many of the model's bands are there
    outlier : how unusual a row is, where it was asked for and the model tells it
    probabilities : of all classes, shape (n, classes), NaN = null, where they were asked for
    """

    label: pa.Array
    probability: pa.Array
    path: pa.Array
    n_bands: pa.Array
    outlier: pa.Array | None = None
    probabilities: NDArray[np.float64] | None = None


class ClassQuery:
    """A model that is ready to classify; several threads may call it, each on rows of its own.

    whole : whether to ask for outliers and the probabilities of all classes too
    """

    def __init__(self, model: Model, *, whole: bool = False):
        self.model, self._whole = model, whole
        # Callers bring threads: a query runs in the thread that asks.
        self._con = duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 1})
        install(self._con, [model.folder], model.name, temporary=False)
        self._idle: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        row = ", ".join(_INPUTS[: len(COLUMNS) + len(model.extra)])
        name = literal(model.name)
        answer = f"sed_branch({row}, {HALF}, {name})" if model.card.parents else f"sed_predict({row}, {name})"
        self._query = f"SELECT {answer} AS answer FROM {_ROWS}"
        if whole:
            branch = f"sed_branch_of(a.probabilities, {HALF}, {name})" if model.card.parents else "a.prediction"
            self._query = (
                f"SELECT {branch} AS answer, a.prediction.outlier AS outlier, a.probabilities AS probabilities "
                f"FROM (SELECT sed_answer({row}, {name}) AS a FROM {_ROWS} OFFSET 0)"
            )
        self._bands = [COLUMNS.index(band) for band in model.bands]

    def __call__(self, inputs: NDArray[np.float32]) -> Classes:
        """Classify rows: magnitudes, parallax, its error and position, shape (n, 14), NaN = missing."""
        rows = pa.table([pa.array(column) for column in inputs.T], names=_INPUTS)
        with self._cursor() as con:
            con.register(_ROWS, rows)
            try:
                answered = con.sql(self._query).to_arrow_table()
            except duckdb.Error as error:
                raise ModelError(str(error).partition("\n")[0]) from None
            finally:
                con.unregister(_ROWS)
        answer = answered["answer"].combine_chunks()
        n_bands = pa.array(np.isfinite(inputs[:, self._bands]).sum(axis=1, dtype=np.int32))
        label, probability, *path = (
            pc.struct_field(answer, name)
            for name in (("node", "probability", "path") if self.model.card.parents else ("class", "probability"))
        )
        found = Classes(label, probability, path[0] if path else label, n_bands)
        if not self._whole:
            return found
        outlier = answered["outlier"].combine_chunks() if self.model.card.outlier else None
        return found._replace(outlier=outlier, probabilities=self._all(answered["probabilities"], label))

    def _all(self, probabilities: pa.ChunkedArray, label: pa.Array) -> NDArray[np.float64]:
        """Make lists of probabilities a matrix; a row without a class has none."""
        there = label.is_valid()
        matrix = np.full((len(label), len(self.model.classes)), np.nan)
        numbers = pc.list_flatten(probabilities.filter(there)).to_numpy()
        matrix[there.to_numpy(zero_copy_only=False)] = numbers.reshape(-1, matrix.shape[1])
        return matrix

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor that no other thread uses."""
        try:
            con = self._idle.get_nowait()
        except Empty:
            con = self._con.cursor()
        yield con
        self._idle.put(con)
