"""polars: the functions of models as expressions, which run in lazy and streamed queries too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from sedsql.inference.batch_columns import renamed
from sedsql.inference.classify_batch import by_name, classify_batch, session_of
from sedsql.inference.model import DEFAULT_MODEL

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def with_functions(
    frame: Frame,
    functions: str | Iterable[str] | Mapping[str, str] = "sed_class",
    model: str = DEFAULT_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Frame:
    """Add a column for each function to a frame; all arguments are those of `sedsql.classify_batch`.

    Examples
    --------
    >>> import polars as pl, sedsql
    >>> stars = pl.LazyFrame({"j_m": [12.9], "h_m": [11.6], "ks_m": [10.6], "w1mpro": [9.4], "w2mpro": [8.6]})
    >>> sedsql.polars.with_functions(stars, {"what": "sed_class"}).collect_schema()["what"]
    String
    """
    answers = expression(functions, model, models=models, columns=columns)
    return frame.with_columns(answers.struct.unnest())


def expression(
    functions: str | Iterable[str] | Mapping[str, str] = "sed_class",
    model: str = DEFAULT_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
) -> pl.Expr:
    """Give functions as one expression, a struct with a field for each: the model is asked once for all.

    The arguments are those of `sedsql.classify_batch`.

    Examples
    --------
    >>> import polars as pl, sedsql
    >>> young = sedsql.polars.expression({"p": "sed_proba('yso')"}).struct.field("p") > 0.9
    """
    written = by_name(functions)
    folders = list(models or ())
    bands = session_of(model, tuple(map(str, folders))).model.bands
    nothing = pa.record_batch({band: pa.array([], pa.float32()) for band in bands})
    kind = _struct(classify_batch(nothing, written, model, models=folders)).dtype

    def compute(row: pl.Series) -> pl.Series:
        batch = row.struct.unnest()
        return _struct(classify_batch(batch, written, model, models=folders, columns=columns, threads=None))

    row = pl.struct(cs.by_name(*renamed(columns or {}).values(), require_all=False))
    return row.map_batches(compute, return_dtype=kind, is_elementwise=True)


def _struct(found: pa.RecordBatch) -> pl.Series:
    return pl.DataFrame(found).to_struct("answers")
