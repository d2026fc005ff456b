"""Write dates and times as DALI has them (DALI 1.1, Section 3.3.3): T after the day, and UTC where a zone is known."""

import pyarrow as pa
import pyarrow.compute as pc


def is_time(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind)


def time_text(column: pa.Array) -> pa.Array:
    """Write a column of dates or timestamps as strings."""
    kind = column.type
    if not pa.types.is_timestamp(kind):
        return pc.cast(column, pa.string())
    if kind.tz is not None:
        column = pc.cast(column, pa.timestamp(kind.unit))
    text = pc.cast(column, pa.string())
    return pc.replace_substring(text, " ", "T", max_replacements=1)


def with_time_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Replace the columns of dates and timestamps by strings."""
    if not any(is_time(one.type) for one in batch.schema):
        return batch
    columns = [time_text(column) if is_time(column.type) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
