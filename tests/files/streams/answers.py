"""Answers as DuckDB gives them, and a pipe that they are written into."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
from hypothesis import strategies as st

from sedsql.files.streams import FORMATS, write_stream

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


class Pipe:
    """Something to write to that can nothing else."""

    def __init__(self):
        self.blocks = []

    def write(self, data):
        assert isinstance(data, bytes | memoryview)
        self.blocks.append(bytes(data))

    @property
    def content(self):
        return b"".join(self.blocks)


def written(name, table, *, rows_a_batch=2, maxrec=None, infos=None):
    """What a format makes of a table: (bytes, Written)."""
    pipe = Pipe()
    batches = iter(table.to_batches(max_chunksize=rows_a_batch))
    said = write_stream(pipe, FORMATS[name], table.schema, batches, maxrec=maxrec, infos=infos)
    return pipe.content, said


class BrokenError(Exception):
    """What a query fails with in the middle."""


def broken_off(name, table, *, after=1):
    """What is written of an answer that fails after some batches of two rows."""

    def batches():
        yield from table.to_batches(max_chunksize=2)[:after]
        raise BrokenError("Out of memory & <time>")

    pipe = Pipe()
    try:
        write_stream(pipe, FORMATS[name], table.schema, batches())
    except BrokenError:
        return pipe.content
    raise AssertionError("the error is swallowed")


_NAN, _INF = math.nan, math.inf
_SEVEN = range(7)
_TEXT = ["a", None, "", "é\U0001f52d", "q\"<&>,\n'", " b ", "longer than the others\t"]
_PAIRS = [[1.5, 2.5], None, [3.0, _NAN], [0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]
_COLUMNS = {
    "ra": (pa.float64(), [1.5, None, _NAN, _INF, -_INF, 1e-300, -0.0]),
    "mag": (pa.float32(), [0.1, None, _NAN, _INF, -_INF, 3.4e38, -0.0]),
    "short": (pa.int16(), [1, None, -(2**15) + 1, 2**15 - 1, 0, 5, 6]),
    "int": (pa.int32(), [1, None, -(2**31) + 1, 2**31 - 1, 0, 5, 6]),
    "source_id": (pa.int64(), [1, None, -(2**63) + 1, 2**63 - 1, 0, 2**53 + 1, 6]),
    "tiny": (pa.int8(), [1, None, -128, 127, 0, 5, 6]),
    "byte": (pa.uint8(), [1, None, 255, 0, 1, 5, 6]),
    "ushort": (pa.uint16(), [1, None, 65535, 0, 1, 5, 6]),
    "uint": (pa.uint32(), [1, None, 2**32 - 1, 0, 1, 5, 6]),
    "ulong": (pa.uint64(), [1, None, 2**63 - 1, 0, 1, 5, 6]),
    "flag": (pa.bool_(), [True, None, False, True, True, False, True]),
    "word": (pa.string(), _TEXT),
    "large": (pa.large_string(), _TEXT),
    "kind": (pa.dictionary(pa.int8(), pa.string()), ["yso", None, "agn", "yso", "agn", "yso", "yso"]),
    "when": (pa.timestamp("us"), [datetime(2016, 1, 1 + k, 12, 0, 0, 250000) if k != 1 else None for k in _SEVEN]),
    "zoned": (pa.timestamp("us", "Asia/Tokyo"), [datetime(1990 + k, 7, 2, tzinfo=UTC) for k in range(6)] + [None]),
    "day": (pa.date32(), [date(2016, 1, 1), None, *(date(2000 + k, 7, 2) for k in range(5))]),
    "sum": (pa.decimal128(38, 0), [Decimal(1), None, Decimal(-5), Decimal(2**53), *map(Decimal, range(3))]),
    "price": (pa.decimal128(18, 2), [Decimal("1.25"), None, Decimal("-0.50"), *map(Decimal, range(4))]),
    "doubles": (pa.list_(pa.float64()), [[1.5, 2.5], None, [], [_NAN, None], [_INF], [1.0], [2.0]]),
    "longs": (pa.list_(pa.int64()), [[1, 2**62], None, [], [None, 3], [4], [5, 6, 7], [8]]),
    "flags": (pa.list_(pa.bool_()), [[True, False], None, [], [None, True], [True], [False], [True]]),
    "pair": (pa.list_(pa.float64(), 2), _PAIRS),
    "point": (pa.list_(pa.float64()), _PAIRS),
    "words": (pa.list_(pa.string()), [["a", "b"], None, [], ["c", None], ["é"], ["<"], ["f"]]),
    "record": (pa.struct([("a", pa.int32()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None, *[{"a": 2}] * 5]),
    "blob": (pa.binary(), [b"\x00\xff", None, b"", b"abc", b"<", b"\n", b"z"]),
    "nothing": (pa.null(), [None] * 7),
}
_ABOUT = {
    "ra": {"unit": "deg", "ucd": "pos.eq.ra", "description": 'Right <ascension> & "more"'},
    "mag": {"unit": "mag", "description": "Größe\nin two lines"},
    "source_id": {"ucd": "meta.id;meta.main"},
    "point": {"xtype": "point", "arraysize": "2"},
}


def everything():
    """Seven rows of every type that DuckDB gives, with a NULL in each column."""
    fields = [pa.field(name, kind, metadata=_ABOUT.get(name)) for name, (kind, _) in _COLUMNS.items()]
    return pa.table([pa.array(values, kind) for kind, values in _COLUMNS.values()], schema=pa.schema(fields))


def tables(values):
    """Tables of up to twenty rows, a column of each type in `values`: {Arrow type: strategy of values}."""

    @st.composite
    def table(draw):
        rows = draw(st.integers(0, 20))
        cells = {kind: st.lists(st.none() | each, min_size=rows, max_size=rows) for kind, each in values.items()}
        columns = [pa.array(draw(cell), kind) for kind, cell in cells.items()]
        return pa.table(columns, names=[f"c{k} {kind}" for k, kind in enumerate(cells)])

    return table()


REALS = {pa.float64(): st.floats(), pa.float32(): st.floats(width=32)}
INTEGERS = {
    kind: st.integers(-(2**bits) + 1, 2**bits - 1)
    for kind, bits in ((pa.int16(), 15), (pa.int32(), 31), (pa.int64(), 63))
}
TIMES = {pa.timestamp("us"): st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))}


def same(found, expected):
    """Compare tables value by value: NaN is NaN, and -0.0 is not 0.0."""
    assert found.column_names == expected.column_names
    for name in expected.column_names:
        assert list(map(repr, found[name].to_pylist())) == list(map(repr, expected[name].to_pylist())), name
