"""Find the columns of a batch that a model takes, and cut them into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sedsql.errors import Error
from sedsql.inference.batch_functions import WITH_ERRORS, Call
from sedsql.inference.by_value import flat
from sedsql.inference.kernel_session import INPUTS
from sedsql.inference.macros import ERROR_COLUMNS
from sedsql.inference.model import Model
from sedsql.photometry.bands import COLUMNS

Found = Sequence[str | None]
"""What the batch calls each of INPUTS; None for what it has not."""


class ColumnError(Error, ValueError):
    """A batch without the columns that a model takes, or with one that holds no numbers."""


def renamed(columns: Mapping[str, str]) -> dict[str, str]:
    """Give what a batch may call each of INPUTS."""
    return {name: columns.get(name, name) for name in INPUTS}


def arrow_of(batch: Any) -> pa.RecordBatch | pa.Table:
    """Give a batch or table as Arrow's, without a copy where it can be."""
    if isinstance(batch, pa.RecordBatch | pa.Table):
        return batch
    if hasattr(batch, "__arrow_c_array__"):
        return pa.record_batch(batch)
    if hasattr(batch, "__arrow_c_stream__"):
        return pa.table(batch)
    raise ColumnError(
        f"classify_batch takes a record batch or table of Arrow, or what gives one, not {type(batch).__name__}; "
        "sedsql.classify takes tables of other kinds."
    )


def find_columns(schema: pa.Schema, model: Model, calls: Sequence[Call], columns: Mapping[str, str]) -> Found:
    """Find the columns that calls of a model take; raise ColumnError where the bands are too few for any row."""
    for name, column in columns.items():
        if name not in INPUTS:
            raise ColumnError(f"No function takes {name!r}; columns may be given for {', '.join(INPUTS)}.")
        if column not in schema.names:
            raise ColumnError(f"The batch has no column {column!r} for {name}; it has {', '.join(schema.names)}.")
    taken = {*model.bands, *model.extra}
    if any(call.name == WITH_ERRORS for call in calls):
        taken |= {error for band, error in zip(COLUMNS, ERROR_COLUMNS, strict=True) if band in model.bands}
    found = [columns.get(name, name if name in schema.names else None) if name in taken else None for name in INPUTS]
    lacking = [name for name, column in zip(INPUTS, found, strict=True) if name in model.bands and column is None]
    if len(model.bands) - len(lacking) < model.min_bands:
        raise ColumnError(
            f"The batch has no column {', '.join(lacking)}, and {model.name} needs {model.min_bands} bands; say what "
            f"they are called by columns={{{lacking[0]!r}: ...}}, or rename them."
        )
    for column in filter(None, found):
        _require_numbers(schema.field(column))
    return found


def _require_numbers(field: pa.Field) -> None:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    checks = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null)
    if not any(check(kind) for check in checks):
        raise ColumnError(f"Column {field.name} is {field.type}; a model takes numbers.")


def pieces(table: pa.RecordBatch | pa.Table, found: Found, size: int) -> Iterator[tuple[list[pa.Array | None], int]]:
    """Cut a batch into pieces of at most so many rows: INPUTS as FLOAT or DOUBLE, and their number; one at least."""
    whole = [None if name is None else _as_numbers(table.column(name)) for name in found]
    for start in range(0, max(1, table.num_rows), size):
        rows = min(size, table.num_rows - start)
        yield [None if column is None else flat(column.slice(start, rows)) for column in whole], rows


def _as_numbers(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_float32(column.type) or pa.types.is_float64(column.type):
        return column
    return pc.cast(column, pa.float32() if pa.types.is_float16(column.type) else pa.float64(), safe=False)
