"""Write dates and times as DALI has them (DALI 1.1, Section 3.3.3): T after the day, and UTC where a zone is known."""

import pyarrow as pa
import pyarrow.compute as pc


def is_time(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind)


_NO_FRACTION = {"ms": ".000", "us": ".000000", "ns": ".000000000"}
_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAYS = (-719_528, 2_932_897)
"""From 0000-01-01 to before 10000-01-01, since 1970."""


def time_text(column: pa.Array) -> pa.Array:
    """Write a column of dates or timestamps as strings, with a fraction of a second where there is one.

    What DALI cannot write is NULL: DuckDB's infinity, and years that do not have four digits.
    """
    kind = column.type
    column = _of_four_digits(column)
    if not pa.types.is_timestamp(kind):
        return pc.cast(column, pa.string())
    if kind.tz is not None:
        column = pc.cast(column, pa.timestamp(kind.unit))
    text = pc.cast(column, pa.string())
    text = pc.replace_substring(text, " ", "T", max_replacements=1)
    return pc.replace_substring(text, _NO_FRACTION[kind.unit], "") if kind.unit in _NO_FRACTION else text


def _of_four_digits(column: pa.Array) -> pa.Array:
    """The column with NULL for times that are infinite, or in years before 0 or after 9999."""
    kind = column.type
    numbers = column.view(pa.int32() if kind == pa.date32() else pa.int64())
    day = 1 if kind == pa.date32() else 86_400 * (_SECOND[kind.unit] if pa.types.is_timestamp(kind) else 1000)
    most = (1 << numbers.type.bit_width - 1) - 1  # which is infinity, whatever the unit
    first, after = max(_DAYS[0] * day, 1 - most), min(_DAYS[1] * day, most)
    found = pc.min_max(numbers).as_py()
    if found["min"] is None or first <= found["min"] <= found["max"] < after:
        return column
    is_good = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, after))
    return pc.if_else(is_good, column, pa.nulls(1, kind)[0])
