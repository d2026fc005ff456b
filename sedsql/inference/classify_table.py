"""Classify the rows of a table: give the same table with a model's output for each source."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql import files
from sedsql.files import TableError
from sedsql.files.atomic import new_file
from sedsql.files.json import to_json
from sedsql.files.provenance import PROVENANCE
from sedsql.inference.card import PARALLAX, POSITION
from sedsql.inference.class_query import Classes, ClassQuery
from sedsql.inference.findings import Findings
from sedsql.inference.model import Model, ModelError
from sedsql.inference.provenance import provenance

if TYPE_CHECKING:
    from astropy.table import Table

ADDED = ("sed_class", "sed_probability", "sed_path", "sed_n_bands")

Prior = Literal["sky", "flat"]
_Answer = tuple[NDArray[np.float32], Classes]
Progress = Callable[[int, int | None], None]


class Summary(NamedTuple):
    """What was read of a table, and found.

    Attributes
    ----------
    findings : the rows of each class, how many of them are to be right, bands, low probabilities
    mapping : the columns that were taken, as `files.Inputs.mapping` has them
    provenance : where the classes come from
    """

    findings: Findings
    mapping: list[dict[str, Any]]
    provenance: dict[str, Any]


class Piece(NamedTuple):
    """Rows of a table: their number, that of the first in the table from 1, and the columns by name."""

    rows: int
    first_row: int
    column_of: Callable[[str], Any]


def classify_table(
    source: Path,
    target: Path,
    model: Model,
    *,
    prior: Prior | None = None,
    options: files.ReadOptions | None = None,
    force: bool = False,
    whole: bool = False,
    progress: Progress = lambda done, of: None,
    note: Callable[[str], None] = lambda text: None,
) -> Summary:
    """Write `source` as `target`, with the columns ADDED.

    Every row comes out, in order, with its columns as they were. Parquet, Arrow and CSV are worked through in
    pieces; ECSV, VOTable and FITS that are read, and ECSV that is written, are held whole.

    Parameters
    ----------
    source, target : the formats are taken from the names' endings
    prior : 'flat' keeps positions from a model whose prior goes by them; 'sky' asks for that prior, and without either
        it holds wherever a row has a position
    options : what the user says of the table's columns
    whole : whether the findings are to have outliers, expected numbers and rows for pictures
    progress : called with the number of rows done and of all rows (None while that is not known)
    note : called with a sentence on what the model takes and the table lacks, and on how columns were taken
    """
    file, _ = files.file_and_part(source)
    files.refuse_pipe(file)
    if not file.is_file():
        raise TableError(f"{file} does not exist." if not file.exists() else f"{file} is a folder, not a file.")
    classifier = Classifier(model, prior, options, whole=whole)
    files.file_format(source), files.file_format(target)  # an unknown format is told before any work
    work = _classify_pieces if files.in_pieces(source) and files.written_in_pieces(target) else _classify_whole
    with new_file(target, force=force) as partial:
        work(classifier, source, partial, progress)
    for text in classifier.notes():
        note(text)
    return classifier.summary()


class Classifier:
    """Find the columns of a table, compute those that are added, and count classes."""

    def __init__(
        self,
        model: Model,
        prior: Prior | None = None,
        options: files.ReadOptions | None = None,
        *,
        whole: bool = False,
    ):
        if prior not in (None, "sky", "flat"):
            raise ModelError(
                f"prior is 'sky' or 'flat', not {str(prior)!r}; `sedsql classify --prior` takes a file too."
            )
        if prior == "sky" and not set(POSITION) <= set(model.extra):
            raise ModelError(f"Model {model.name} takes no position, so it has no prior of the sky; leave --prior out.")
        self.model, self.prior, self.options = model, prior, options
        self._query = ClassQuery(model, whole=whole)
        self._wanted = [name for name in model.extra if prior != "flat" or name not in POSITION]
        # A Hertzsprung-Russell diagram has parallaxes, even if the model takes none.
        self._read = list(dict.fromkeys([*self._wanted, *(PARALLAX if whole else ())]))
        self._findings = Findings(model, whole=whole)
        self._inputs: files.Inputs
        self._provenance: dict[str, Any]

    def find(self, table: Table | pa.Schema) -> None:
        """Find the columns of a table; raise TableError where they are too few for the model."""
        names = table.names if isinstance(table, pa.Schema) else table.colnames
        taken = [name for name in ADDED if name in names]
        if taken:
            raise TableError(f"The table has a column {taken[0]} already; leave it out or rename it.")
        self._inputs = files.Inputs.find(table, self.options)
        self._inputs.require(self.model.min_bands, self.model.bands, self.model.name)
        self._provenance = provenance(self.model, self._prior(), self._inputs, [*self.model.bands, *self._wanted])

    def _prior(self) -> str | None:
        """Say which prior a table's rows have; None of a model without one."""
        if not set(POSITION) <= set(self.model.extra):
            return None
        there = self.prior != "flat" and all(name in self._inputs.columns for name in POSITION)
        return "sky" if there else "flat"

    def fields(self) -> list[pa.Field]:
        """Describe the added columns."""
        model = f"sedsql model {self.model.name}"
        if prior := self._prior():
            model += ", with its prior where a position is there" if prior == "sky" else ", flat prior"
        tree = bool(self.model.card.parents)
        what = "Deepest node of the tree of classes that reaches 0.5" if tree else "Most probable class"
        about = {
            "sed_class": (pa.string(), f"{what} ({model})"),
            "sed_probability": (pa.float64(), f"Probability of sed_class ({model})"),
            "sed_path": (pa.string(), "sed_class with what is above it in the tree of classes"),
            "sed_n_bands": (pa.int32(), "Number of bands that are there"),
        }
        return [pa.field(name, kind, metadata={"description": text}) for name, (kind, text) in about.items()]

    def metadata(self) -> dict[str, Any]:
        """Say where the classes come from, under PROVENANCE."""
        return {PROVENANCE: self._provenance}

    def added(
        self, pieces: Iterable[Piece], progress: Progress, of: int | None, threads: int | None = None
    ) -> Iterator[list[pa.Array]]:
        """Compute the added columns of each piece of the table, in order; `of` is the number of all rows.

        Threads, as many as there are processors unless told, work on some of the next pieces.
        """
        threads, done = threads or os.cpu_count() or 1, 0
        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[tuple[int, Future[_Answer]]] = deque()
            try:
                for piece in pieces:
                    progress(done, of)  # where Ctrl-C counts that pyarrow swallowed when it read the first rows
                    waiting.append((piece.rows, pool.submit(self._classes, piece)))
                    if len(waiting) > threads:
                        rows, result = waiting.popleft()
                        yield self._counted(result.result())
                        done += rows
                while waiting:
                    progress(done, of)
                    rows, result = waiting.popleft()
                    yield self._counted(result.result())
                    done += rows
                progress(done, of)
            finally:
                for _, result in waiting:
                    result.cancel()

    def _classes(self, piece: Piece) -> _Answer:
        inputs = self._inputs.read(piece.rows, piece.column_of, self._read, piece.first_row)
        return inputs, self._query(inputs)

    def _counted(self, answer: _Answer) -> list[pa.Array]:
        inputs, classes = answer
        self._findings.add(inputs, classes)
        return [classes.label, classes.probability, classes.path, classes.n_bands]

    def summary(self) -> Summary:
        """Sum up what was read and found so far."""
        mapping = self._inputs.mapping([*self.model.bands, *self._wanted])
        return Summary(self._findings, mapping, self._provenance)

    def notes(self) -> Iterator[str]:
        """Tell what the table lacks, and how its columns and numbers were taken."""
        lacking = self._lacking()
        if lacking:
            yield (
                f"The table has no column {', '.join(map(files.would_do, lacking))}: {self.model.name} answers "
                f"{' and '.join(self._consequences(lacking))}. Name columns with --map {lacking[-1]}=COLUMN."
            )
        yield from self._inputs.notes([*self.model.bands, *self._wanted])

    def _lacking(self) -> list[str]:
        """What the model takes besides bands and the table lacks, though the user did not say so."""
        lacking = self._inputs.lacking(self._wanted)
        if self.prior == "sky":  # which is asked for in vain, whatever --map says
            lacking += [name for name in POSITION if name not in self._inputs.columns and name not in lacking]
        if "parallax" not in self._inputs.columns and "parallax_error" in lacking:
            lacking.remove("parallax_error")
        return lacking

    def _consequences(self, lacking: list[str]) -> Iterator[str]:
        if "parallax" in lacking:
            yield "without luminosities"
        elif "parallax_error" in lacking:
            yield "as if parallaxes were exact"
        if not {*POSITION}.isdisjoint(lacking):
            yield "with a flat prior"


def _classify_pieces(classifier: Classifier, source: Path, partial: Path, progress: Progress) -> None:
    # A CSV that stays a CSV keeps its values as they are written.
    as_text = files.file_format(source) == files.file_format(partial) == "csv"
    stream = files.read_pieces(source, as_text=as_text)
    classifier.find(stream.schema)
    metadata = {key: to_json(value) for key, value in classifier.metadata().items()}
    schema = pa.schema([*stream.schema, *classifier.fields()], {**(stream.schema.metadata or {}), **metadata})
    read: deque[pa.Table] = deque()

    def pieces() -> Iterator[Piece]:
        first_row = 1
        for table in stream.pieces:
            read.append(table)
            # By place, for a name may be there twice.
            columns = dict(zip(reversed(stream.schema.names), reversed(table.columns), strict=True))
            yield Piece(len(table), first_row, columns.__getitem__)
            first_row += len(table)

    def classified() -> Iterator[pa.Table]:
        for added in classifier.added(pieces(), progress, stream.rows):
            yield pa.table([*read.popleft().columns, *added], schema=schema)

    files.write_pieces(partial, schema, classified())


def _classify_whole(classifier: Classifier, source: Path, partial: Path, progress: Progress) -> None:
    files.write_table(partial, classified_table(classifier, files.read_table(source), progress))


def classified_table(classifier: Classifier, table: Table, progress: Progress = lambda done, of: None) -> Table:
    """Add the columns to an astropy table, in place."""
    readable = files.with_positions(table)
    classifier.find(readable)
    added = added_columns(classifier, readable.__getitem__, len(table), progress)
    for column in files.from_arrow(added).itercols():
        table[column.name] = column
    table.meta = {**table.meta, **classifier.metadata()}
    return table


def added_columns(
    classifier: Classifier,
    column_of: Callable[[str], Any],
    rows: int,
    progress: Progress = lambda done, of: None,
    threads: int | None = None,
) -> pa.Table:
    """Compute the added columns of a table that is held whole; its columns can be sliced."""
    schema = pa.schema(classifier.fields())

    def piece(start: int) -> Piece:
        return Piece(min(files.PIECE, rows - start), start + 1, lambda name: _slice(column_of(name), start))

    pieces = map(piece, range(0, rows, files.PIECE))
    parts = (pa.table(part, schema=schema) for part in classifier.added(pieces, progress, rows, threads))
    return pa.concat_tables([schema.empty_table(), *parts])


def _slice(column, start: int):
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return column.slice(start, files.PIECE)
    return column[start : start + files.PIECE]
