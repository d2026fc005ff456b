"""Write dates and times as DALI has them (DALI 1.1, Section 3.3.3): T after the day, and UTC where a zone is known."""

import pyarrow as pa
import pyarrow.compute as pc


def is_time(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind)


_NO_FRACTION = {"ms": ".000", "us": ".000000", "ns": ".000000000"}


def time_text(column: pa.Array) -> pa.Array:
    """Write a column of dates or timestamps as strings, with a fraction of a second where there is one."""
    kind = column.type
    if not pa.types.is_timestamp(kind):
        return pc.cast(column, pa.string())
    if kind.tz is not None:
        column = pc.cast(column, pa.timestamp(kind.unit))
    text = pc.cast(column, pa.string())
    text = pc.replace_substring(text, " ", "T", max_replacements=1)
    return pc.replace_substring(text, _NO_FRACTION[kind.unit], "") if kind.unit in _NO_FRACTION else text
