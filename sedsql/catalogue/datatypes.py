"""Name the data types of columns in TAP (TAP 1.1, Section 4.3), Arrow, DuckDB and VOTable."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class DataType:
    """A type of a column.

    name : in TAP
    arrow : its type in Arrow
    votable : its name in VOTable
    bytes : of a value; of text about so many
    words : other names of it in TAP_SCHEMA and databases, in lower case
    """

    name: str
    arrow: pa.DataType
    votable: str
    bytes: int
    words: tuple[str, ...] = ()


_TIMESTAMPS = ("datetime", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone")

DATATYPES: dict[str, DataType] = {
    one.name: one
    for one in (
        DataType("BIGINT", pa.int64(), "long", 8, ("int8", "count", "hugeint", "ubigint", "uinteger")),
        DataType("INTEGER", pa.int32(), "int", 4, ("int4", "usmallint")),
        DataType("SMALLINT", pa.int16(), "short", 2, ("unsignedbyte", "int2", "tinyint", "utinyint")),
        DataType("DOUBLE", pa.float64(), "double", 8, ("double precision", "numeric", "decimal", "float8")),
        DataType("REAL", pa.float32(), "float", 4, ("float4",)),
        DataType("VARCHAR", pa.string(), "char", 20, ("char", "unicodechar", "text", "string", "clob")),
        DataType("BOOLEAN", pa.bool_(), "boolean", 1, ("bool", "bit")),
        DataType("TIMESTAMP", pa.timestamp("us"), "char", 8, _TIMESTAMPS),
    )
}
"""By name."""

INTEGERS = ("SMALLINT", "INTEGER", "BIGINT")
"""The types of whole numbers, the smallest first."""

_OF_WORD = {one.votable: one.name for one in DATATYPES.values() if one.votable != "char"}
_OF_WORD |= {word: one.name for one in DATATYPES.values() for word in (one.name.lower(), *one.words)}
_OF_ARROW = {one.arrow: one.name for one in DATATYPES.values()} | {
    # The unsigned ones become what holds their values.
    pa.int8(): "SMALLINT",
    pa.uint8(): "SMALLINT",
    pa.uint16(): "INTEGER",
    pa.uint32(): "BIGINT",
    pa.uint64(): "BIGINT",
    pa.float16(): "REAL",
    pa.large_string(): "VARCHAR",
    pa.string_view(): "VARCHAR",
    pa.null(): "VARCHAR",
}


def arrow_type(datatype: str) -> pa.DataType:
    """The Arrow type of a TAP type, or of lists as DuckDB writes them, such as DOUBLE[]."""
    if datatype.endswith("[]"):
        return pa.list_(arrow_type(datatype[:-2]))
    return DATATYPES[datatype].arrow


def of_arrow(kind: pa.DataType) -> str | None:
    """The TAP type of an Arrow type, with [] for each list; None where TAP has none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if hasattr(kind, "value_type"):
        item = of_arrow(kind.value_type)
        return item and f"{item}[]"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "TIMESTAMP"
    if pa.types.is_decimal(kind):
        return "DOUBLE"
    return _OF_ARROW.get(kind)


def of_word(word: str) -> str | None:
    """The TAP type that TAP, VOTable or DuckDB calls by this word; None where none does."""
    return _OF_WORD.get(word.lower())


def tap_type(duckdb_type: str) -> str:
    """TAP's name of a DuckDB type; the type itself where TAP has none."""
    base = duckdb_type.split("(")[0]
    return of_word(base) or base
