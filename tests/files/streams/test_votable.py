"""VOTables in BINARY2, BINARY and TABLEDATA: astropy and sedsql's own reader of TAP answers read what was written."""

import io
import math
import tracemalloc
import warnings
from datetime import UTC
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import votable
from hypothesis import given, settings
from hypothesis import strategies as st
from pyvo.dal import TAPResults

from sedsql.files import TableError
from sedsql.files.streams import FORMATS, limited, write_stream
from sedsql.tap.votable import read

from .answers import INTEGERS, REALS, TEXT, TIMES, Pipe, broken_off, everything, tables, written

NAMES = ["votable", "votable-binary", "votable-td"]
XML = "{http://www.ivoa.net/xml/VOTable/v1.3}"


def astropys(content):
    """What astropy reads, which warns of what the standard forbids."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return votable.parse(io.BytesIO(content)).get_first_table()


def ours(content):
    return read([content])


def statuses(content):
    """QUERY_STATUS before the table, and after it: (value, text)."""
    resource = ElementTree.fromstring(content).find(f"{XML}RESOURCE")
    assert resource.get("type") == "results"
    place = [one.tag for one in resource].index(f"{XML}TABLE")
    infos = [one for one in resource if one.get("name") == "QUERY_STATUS"]
    before = [(one.get("value"), one.text) for one in infos if list(resource).index(one) < place]
    return before, [(one.get("value"), one.text) for one in infos][len(before) :]


TEXTS = {
    "kind": ["yso", "", "agn", "yso", "agn", "yso", "yso"],
    "when": ["2016-01-01T12:00:00.250000", "", *(f"2016-01-{day:02}T12:00:00.250000" for day in range(3, 8))],
    "zoned": [*(f"{year}-07-02T00:00:00" for year in range(1990, 1996)), ""],
    "day": ["2016-01-01", "", *(f"{year}-07-02" for year in range(2000, 2005))],
    "words": ['["a", "b"]', "", "[]", '["c", null]', '["é"]', '["<"]', '["f"]'],
    "record": ['{"a": 1, "b": "x"}', "", *['{"a": 2, "b": null}'] * 5],
    "nothing": [""] * 7,
}


def missing(value):
    """NaN is missing in a VOTable, and so in lists."""
    if isinstance(value, list | bytes):
        return [missing(item) for item in value]
    return None if value != value else value


def expected(name, column, values):
    """What astropy gives; it strips the text of TABLEDATA, and masks no text."""
    if column in ("word", "large"):
        return [(value or "").strip() if name == "votable-td" else value or "" for value in values]
    if column in ("pair", "point"):
        return [missing(value or [math.nan, math.nan]) for value in values]
    if column in ("doubles", "longs", "flags", "blob") and name != "votable":  # an empty list is none there
        return [missing(value or []) for value in values]
    return TEXTS.get(column) or [missing(value) for value in values]


def plain(value):
    return value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows_a_batch", [1, 3, 100])
def test_astropy_reads_every_type(name, rows_a_batch):
    table = everything()
    found = astropys(written(name, table, rows_a_batch=rows_a_batch)[0]).to_table(use_names_over_ids=True)
    assert found.colnames == table.column_names
    for column, values in table.to_pydict().items():
        read = [missing(plain(value)) for value in found[column].tolist()]
        if column == "mag":
            values = np.array(values, "f4").tolist()
        assert read == expected(name, column, values), column


@pytest.mark.parametrize("name", NAMES)
def test_fields_have_what_is_known_of_columns(name):
    fields = {field.name: field for field in astropys(written(name, everything())[0]).fields}
    ra = fields["ra"]
    assert (ra.datatype, ra.arraysize, str(ra.unit), ra.ucd) == ("double", None, "deg", "pos.eq.ra")
    assert ra.description == 'Right <ascension> & "more"'
    assert fields["mag"].description == "Größe in two lines"
    assert (fields["when"].datatype, fields["when"].arraysize, fields["when"].xtype) == ("char", "*", "timestamp")
    assert (fields["point"].arraysize, fields["point"].xtype) == ("2", "point")
    assert (fields["word"].datatype, fields["word"].arraysize) == ("unicodeChar", "*")
    # A mask or an empty cell says what is missing, but not in BINARY, nor within a list.
    assert (fields["source_id"].values.null is not None) == (name == "votable-binary")
    assert fields["longs"].values.null == -(2**63)


@pytest.mark.parametrize("name", NAMES)
def test_our_reader_of_tap_answers_reads_every_type(name):
    table = everything()
    found = ours(written(name, table)[0]).table
    for column in ("short", "int", "source_id", "flag", "kind", "ulong"):
        assert found[column].to_pylist() == table[column].to_pylist(), column
    assert found["when"].to_pylist() == table["when"].to_pylist()
    zoned = [when and when.astimezone(UTC).replace(tzinfo=None) for when in table["zoned"].to_pylist()]
    assert found["zoned"].to_pylist() == zoned
    assert found.field("ra").metadata == table.field("ra").metadata


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50)
@given(table=tables({**REALS, **INTEGERS, **TIMES, pa.string(): TEXT, pa.bool_(): st.booleans()}))
def test_our_reader_reads_any_table(name, table):
    found = ours(written(name, table, rows_a_batch=7)[0]).table
    for column, kind in zip(table.column_names, table.schema.types, strict=True):
        values, wanted = found[column].to_pylist(), table[column].to_pylist()
        if kind == pa.string() and name == "votable-td":
            wanted = [in_xml(value) for value in wanted]
        if kind == pa.string() and name != "votable":  # which writes NULL as it writes empty text
            values, wanted = ([value or "" for value in part] for part in (values, wanted))
        assert list(map(repr, map(missing, values))) == list(map(repr, map(missing, wanted))), column


def in_xml(text):
    """XML has no control characters."""
    return text and "".join("�" if (ord(c) < 32 and c not in "\t\r\n") or c in "\ufffe\uffff" else c for c in text)


@settings(max_examples=50)
@given(
    table=tables(
        {
            pa.list_(pa.float64()): st.lists(st.none() | st.floats()),
            pa.list_(pa.int32()): st.lists(INTEGERS[pa.int32()]),
            pa.list_(pa.float32(), 3): st.lists(REALS[pa.float32()], min_size=3, max_size=3),
        }
    )
)
@pytest.mark.parametrize("name", NAMES)
def test_our_reader_reads_any_lists(name, table):
    found = ours(written(name, table, rows_a_batch=7)[0]).table
    for column, kind in zip(table.column_names, table.schema.types, strict=True):
        nothing = None if name == "votable" else [None] * kind.list_size if pa.types.is_fixed_size_list(kind) else []
        wanted = [nothing if value is None else missing(value) for value in table[column].to_pylist()]
        values = [nothing if value is None else value for value in found[column].to_pylist()]
        assert list(map(repr, values)) == list(map(repr, wanted)), column


@pytest.mark.parametrize("name", NAMES)
def test_how_the_query_went_stands_before_and_after_the_table(name):
    table = everything()
    ok = [("OK", None)]
    assert statuses(written(name, table)[0]) == (ok, [])
    assert statuses(written(name, table, maxrec=7)[0]) == (ok, [])
    cut, _ = written(name, table, maxrec=3)
    assert statuses(cut) == (ok, [("OVERFLOW", None)])
    assert len(astropys(cut).array) == 3
    assert (ours(cut).overflow, ours(cut).table.num_rows) == (True, 3)
    none, _ = written(name, table, maxrec=0)
    assert statuses(none) == (ok, [("OVERFLOW", None)])
    assert len(astropys(none).fields) == len(table.column_names)
    assert len(astropys(written(name, table.slice(0, 0))[0]).array) == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_error_stands_after_the_rows_that_came(name):
    content = broken_off(name, everything(), after=2)
    assert statuses(content) == ([("OK", None)], [("ERROR", "Out of memory & <time>")])
    assert len(astropys(content).array) == 4


def test_what_cannot_be_written_is_an_error_after_the_rows_too():
    table = pa.table({"h": pa.array([1, 2, 2**64 - 1], pa.uint64())})
    pipe = Pipe()
    with pytest.raises(TableError, match="Column h has the value 18446744073709551615, beyond VOTable's long"):
        write_stream(pipe, FORMATS["votable"], table.schema, table.to_batches(max_chunksize=1))
    assert statuses(pipe.content)[1][0][0] == "ERROR"


@pytest.mark.parametrize(("name", "values"), [("votable-binary", [1, -32768]), ("votable-td", [[1, -32768]])])
def test_the_number_that_stands_for_null_is_no_value(name, values):
    table = pa.table({"a": pa.array(values, pa.int16() if name == "votable-binary" else pa.list_(pa.int16()))})
    with pytest.raises(TableError, match="Column a has the value -32768, which stands for NULL"):
        written(name, table)
    plain = pa.table({"a": pa.array([1, -32768], pa.int16())})
    assert astropys(written("votable", plain)[0]).array["a"].tolist() == [1, -32768]


def test_lists_of_other_lengths_than_the_arraysize():
    field = pa.field("p", pa.list_(pa.float64()), metadata={"arraysize": "2"})
    table = pa.table([pa.array([[1.0, 2.0], [3.0]])], schema=pa.schema([field]))
    for name in NAMES:
        with pytest.raises(TableError, match="Column p has lists of other lengths than 2"):
            written(name, table)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_answer_says_of_itself(name):
    table = pa.table({'a\x01"<&': [1]}).replace_schema_metadata({"sedsql": '{"model": "m-1"}'})
    content, _ = written(name, table, infos={"query": 'SELECT "a" <\x02'})
    infos = {one.get("name"): one.get("value") for one in ElementTree.fromstring(content).iter(f"{XML}INFO")}
    assert infos == {"QUERY_STATUS": "OK", "sedsql_model": "m-1", "query": 'SELECT "a" <�'}
    assert astropys(content).fields[0].name == 'a�"<&'


def test_pyvo_takes_it_for_an_answer():
    content, _ = written("votable", everything(), maxrec=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = TAPResults(votable.parse(io.BytesIO(content)))
    assert found.query_status == "OVERFLOW"
    assert found["source_id"].tolist()[3] == 2**63 - 1


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_any_size_make_one_answer(name, monkeypatch):
    table = pa.concat_tables([everything()] * 20)
    whole, _ = written(name, table, rows_a_batch=1000)
    assert max(map(len, whole.splitlines())) < 2000
    monkeypatch.setattr(limited, "PIECE_ROWS", 3)
    assert written(name, table, rows_a_batch=1000)[0] == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_many_columns_is_written_in_pieces(name):
    """Its bytes in memory are some times those of a piece, not those of the batch."""
    columns = {f"c{k}": np.arange(20_000) * 1.1 for k in range(500)}
    table = pa.table(columns)

    class Nothing:
        def write(self, data):
            pass

    tracemalloc.start()
    write_stream(Nothing(), FORMATS[name], table.schema, table.to_batches())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12 * limited.PIECE
