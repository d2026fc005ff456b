"""VOTables are read whole, in every serialization, or refused with the reason."""

import base64
import gzip
import io
import re
import warnings

import numpy as np
import pyarrow as pa
import pytest
from astropy.io.votable import parse
from astropy.table import MaskedColumn, Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedsql.tap.body import unpacked
from sedsql.tap.errors import Damaged, Refused, Reported, TooLarge, Unbounded
from sedsql.tap.limits import Limits, Room
from sedsql.tap.votable import read

from .votables import votable

KINDS = ("binary2", "binary", "tabledata")
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
NUMBERS = {
    "i2": st.integers(-(2**15) + 1, 2**15 - 1),
    "i4": st.integers(-(2**31) + 1, 2**31 - 1),
    "i8": st.integers(-(2**63) + 1, 2**63 - 1),
    "u1": st.integers(1, 255),
    "f4": st.floats(width=32, allow_nan=False),
    "f8": st.floats(allow_nan=False),
}
ARROW = {"u1": pa.int16(), "i2": pa.int16(), "i4": pa.int32(), "i8": pa.int64(), "f4": pa.float32(), "f8": pa.float64()}


def decoded(text: bytes):
    return read(unpacked([text]))


def one(fields: str, data: str, status: str = "OK") -> bytes:
    return f"""<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="{status}"/><TABLE>{fields}<DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>""".encode()


@st.composite
def tables(draw):
    """A table with columns of some types, and what Arrow should have for it."""
    rows = draw(st.integers(1, 12))
    table, wanted = Table(), {}
    for i in range(draw(st.integers(1, 10))):
        name = f"c{i}"
        kind = draw(st.sampled_from([*NUMBERS, "text", "fixed text", "array"]))
        mask = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        if kind in NUMBERS:
            values = draw(st.lists(NUMBERS[kind], min_size=rows, max_size=rows))
            fill = {"u1": 0, "i2": -(2**15), "i4": -(2**31), "i8": -(2**63)}.get(kind)
            table[name] = MaskedColumn(np.array(values, kind), mask=mask, fill_value=fill)
            values = np.array(values, kind).tolist()
            wanted[name] = pa.array(
                [None if no else value for value, no in zip(values, mask, strict=True)], ARROW[kind]
            )
        elif kind == "text":
            values = draw(st.lists(TEXT, min_size=rows, max_size=rows))
            table[name] = np.array([*values, None], object)[:-1]
            wanted[name] = pa.array(values)
        elif kind == "fixed text":
            values = draw(st.lists(TEXT, min_size=rows, max_size=rows))
            table[name] = np.array(values, "S")
            wanted[name] = pa.array(values)
        else:
            shape = (rows, draw(st.integers(2, 4)))
            values = np.arange(np.prod(shape), dtype="f4").reshape(shape) / 3
            table[name] = values
            wanted[name] = pa.array(values.tolist(), pa.list_(pa.float32()))
    return table, wanted


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.sampled_from(KINDS))
def test_a_table_comes_back_as_it_was_written_and_as_astropy_reads_it(both, kind):
    table, wanted = both
    text = votable(table, kind)
    answer = decoded(text)
    assert not answer.overflow
    assert answer.table.column_names == list(wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = parse(io.BytesIO(text)).get_first_table().to_table()
    for name, values in wanted.items():
        ours = answer.table[name]
        assert ours.type == values.type
        assert ours.combine_chunks().equals(values), (name, ours, values)
        if not pa.types.is_string(values.type):
            there = ~np.ma.getmaskarray(theirs[name])
            if pa.types.is_list(values.type):
                assert np.asarray(theirs[name]).tolist() == ours.to_pylist()
            else:
                there &= ~np.isnan(np.ma.filled(theirs[name], 0).astype(float))
                assert np.array_equal(ours.is_valid().to_numpy(), there)
                assert ours.drop_null().to_pylist() == np.ma.getdata(theirs[name])[there].tolist()
        else:
            assert ours.to_pylist() == [str(word) for word in theirs[name]]


def small(kind: str) -> bytes:
    table = Table({"id": [1, 2, 3], "name": np.array(["a", "bcd", "ef"], object), "mag": np.array([1.5, 2, 3], "f4")})
    return votable(table, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zipped", [False, True])
def test_cut_anywhere_is_damaged(kind, zipped):
    text = small(kind).rstrip()
    text = gzip.compress(text) if zipped else text
    assert len(decoded(text).table) == 3
    for end in range(len(text)):
        with pytest.raises(Damaged):
            decoded(text[:end])


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(KINDS))
def test_a_wrong_byte_never_loses_a_row(data, kind):
    text = bytearray(small(kind))
    place = data.draw(st.integers(text.index(b"<DATA"), len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    try:
        answer = decoded(bytes(text))
    except Damaged:
        return
    assert len(answer.table) == 3


def test_a_length_that_swallows_the_next_row_is_found():
    rows = b"".join(len(word).to_bytes(4, "big") + word for word in (b"abcd", b"efgh", b"ijkl", b"mnop"))
    swallowed = rows.replace(b"\4abcd", b"\14abcd")
    field = '<FIELD name="s" datatype="char" arraysize="*"/>'

    def stream(raw):
        return f'<BINARY><STREAM encoding="base64">{base64.b64encode(raw).decode()}</STREAM></BINARY>'

    assert decoded(one(field, stream(rows))).table["s"].to_pylist() == ["abcd", "efgh", "ijkl", "mnop"]
    with pytest.raises(Damaged, match="zero in its middle"):
        decoded(one(field, stream(swallowed)))


@pytest.mark.parametrize("kind", KINDS)
def test_overflow_and_errors_after_the_table(kind):
    table = Table({"id": [1, 2]})
    assert decoded(votable(table, kind, end="OVERFLOW")).overflow
    assert decoded(votable(table, kind, status="OVERFLOW")).overflow
    with pytest.raises(Reported, match="over") as error:
        decoded(votable(table, kind, end="ERROR"))
    assert error.value.after_rows


def test_an_error_document_gives_its_message():
    text = b"""<VOTABLE><RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">No column
      foo</INFO></RESOURCE></VOTABLE>"""
    with pytest.raises(Reported) as error:
        decoded(text)
    assert error.value.message == "No column foo"
    assert not error.value.after_rows


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<!DOCTYPE html><html><body><p>Bad gateway<br></body></html>",
        b"<html></html>",
        b"Service is down",
        small("binary2").replace(b"QUERY_STATUS", b"QUERY_STATES"),
        small("binary2").replace(b'encoding="base64"', b'encoding="gzip"'),
        small("tabledata").replace(b"<TABLE>", b'<TABLE nrows="4">'),
        small("tabledata").replace(b"<TD>bcd</TD>", b""),
        one('<FIELD name="a" datatype="int"/>', "<TABLEDATA><TR><TD>1.5</TD></TR></TABLEDATA>"),
        one('<FIELD name="a" datatype="short"/>', "<TABLEDATA><TR><TD>70000</TD></TR></TABLEDATA>"),
        one('<FIELD name="a" datatype="boolean"/>', '<BINARY><STREAM encoding="base64">AQ==</STREAM></BINARY>'),
        one('<FIELD name="a" datatype="int"/>', "<BINARY2></BINARY2>").replace(b"BINARY2", b"FITS"),
        b'<VOTABLE><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/></RESOURCE></VOTABLE>',
    ],
)
def test_what_is_no_whole_answer_is_damaged(text):
    with pytest.raises(Damaged):
        decoded(text)


def test_types_nulls_and_metadata():
    fields = """<FIELD name="t" datatype="char" arraysize="*" xtype="timestamp" unit="'s'"/>
      <FIELD name="b" datatype="boolean"/><FIELD name="n" datatype="int" ucd="meta.id" unit="d">
      <DESCRIPTION>A  number\n of days</DESCRIPTION><VALUES null="-1"/></FIELD>
      <FIELD name="x" datatype="double"/><FIELD name="l" datatype="float" arraysize="*"/>
      <FIELD name="w" datatype="char" arraysize="3x2"/><FIELD name="m" datatype="int" arraysize="3x2"/>
      <FIELD name="u" datatype="unicodeChar" arraysize="*"/>"""
    data = """<TABLEDATA><TR><TD>2016-01-01T12:00:00.25Z</TD><TD>T</TD><TD>+7</TD><TD>NaN</TD><TD>1 NaN +Inf</TD>
      <TD>abcde</TD><TD>1 2 3 4 5 6</TD><TD>\u03b1&lt;</TD></TR>
      <TR><TD/><TD/><TD>-1</TD><TD>-Inf</TD><TD/><TD/><TD/><TD/></TR></TABLEDATA>"""
    table = decoded(one(fields, data)).table
    assert table.schema.field("t").type == pa.timestamp("us")
    assert [row["t"] and row["t"].isoformat() for row in table.to_pylist()] == ["2016-01-01T12:00:00.250000", None]
    assert table["b"].to_pylist() == [True, None]
    assert table["n"].to_pylist() == [7, None]
    assert table["x"].to_pylist() == [None, -np.inf]
    assert table["l"].to_pylist() == [[1.0, None, np.inf], None]
    assert table["w"].to_pylist() == [["abc", "de"], None]
    assert table["m"].to_pylist() == [[[1, 2, 3], [4, 5, 6]], None]  # the first dimension is the fastest
    assert table["u"].to_pylist() == ["\u03b1<", None]
    assert table.schema.field("n").metadata == {b"unit": b"d", b"ucd": b"meta.id", b"description": b"A number of days"}
    assert table.schema.field("t").metadata[b"xtype"] == b"timestamp"


def test_a_time_that_is_none_leaves_the_column_text():
    field = '<FIELD name="t" datatype="char" arraysize="*" xtype="timestamp"/>'
    data = "<TABLEDATA><TR><TD>2016-01-01</TD></TR><TR><TD>spring</TD></TR></TABLEDATA>"
    assert decoded(one(field, data)).table["t"].to_pylist() == ["2016-01-01", "spring"]


def test_lists_of_any_length_in_binary():
    table = Table({"id": [1, 2, 3]})
    cells = [np.ma.array(numbers, mask=[False] * len(numbers)) for numbers in ([1.5, 2.5], [], [np.nan])]
    table["l"] = MaskedColumn(np.array([*cells, None], object)[:-1])
    for kind in ("binary", "binary2"):
        empty = None if kind == "binary" else []  # only BINARY2 can tell them apart
        assert decoded(votable(table, kind)).table["l"].to_pylist() == [[1.5, 2.5], empty, [None]]


def test_rows_across_blocks():
    """More than one block of base64, with rows that end anywhere in it."""
    rng = np.random.default_rng(3)
    words = np.array(["x" * (i % 40 + 1) for i in range(60_000)], object)
    table = Table({"id": np.arange(60_000), "name": words, "mag": rng.normal(size=60_000)})
    for kind in KINDS:
        ours = decoded(votable(table, kind)).table
        assert ours["id"].to_pylist() == list(range(60_000))
        assert ours["name"].to_pylist() == words.tolist()
        assert np.array_equal(ours["mag"].to_numpy(), table["mag"])


def test_what_is_not_read_is_refused_by_name():
    with pytest.raises(Refused, match="Column z"):
        decoded(one('<FIELD name="z" datatype="floatComplex"/>', "<TABLEDATA/>"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_answer_has_room_and_twice_its_rows_have_not(kind):
    """The room is that of rows and columns; all limits besides are so small here that they do not matter."""
    rng = np.random.default_rng(5)
    rows = 20_000
    table = Table({f"c{i}": rng.normal(size=rows) * 10.0 ** rng.integers(-300, 300, rows) for i in range(8)})
    table["f"], table["n"] = rng.normal(size=rows).astype("f4"), rng.integers(-(2**62), 2**62, rows)
    table["s"] = np.array(["&" * 40] * rows, "S")
    table["v"] = rng.normal(size=(rows, 5))
    text = votable(table, kind)
    limits = Limits(token=5_000, row=50_000, head=10_000)
    assert len(read(unpacked([text]), Room(rows=rows), limits).table) == rows
    assert len(read(unpacked([text]), Room(rows=rows // 2), limits).table) == rows  # a service that ignores MAXREC
    with pytest.raises(Unbounded, match="was asked for 9,000 rows at most, and sends more than 19,000"):
        read(unpacked([text]), Room(rows=9_000), limits)


def test_texts_have_the_room_that_is_given():
    table = Table({"s": np.array(["x" * 1000] * 2000, object)})
    limits = Limits(token=5_000, row=50_000, head=10_000)
    for kind in KINDS:
        assert len(read(unpacked([votable(table, kind)]), Room(rows=2000, texts=3_000_000), limits).table) == 2000
        with pytest.raises(TooLarge, match=r"for [0-9,]+ rows"):
            read(unpacked([votable(table, kind)]), Room(rows=2000, texts=100_000), limits)


def test_a_table_that_a_user_sends_need_not_say_that_a_query_went_well():
    text = re.sub(rb"<INFO [^>]*QUERY_STATUS[^>]*/>", b"", votable(Table({"x": [1, 2]})))
    assert b"QUERY_STATUS" not in text
    with pytest.raises(Damaged, match="QUERY_STATUS is missing"):
        read([text])
    assert read([text], is_answer=False).table["x"].to_pylist() == [1, 2]
    with pytest.raises(Reported):
        read([votable(Table({"x": [1]}), status="ERROR")], is_answer=False)
