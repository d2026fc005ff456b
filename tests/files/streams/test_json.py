"""JSON: Python's json module reads what was written."""

import json
import math

import pyarrow as pa
from hypothesis import given

from .answers import INTEGERS, REALS, TEXT, everything, tables, written


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


def read(content):
    return json.loads(content.decode(), parse_constant=refuse)


def test_every_type():
    table = everything()
    found = read(written("json", table, infos={"query": 'SELECT "a"'})[0])
    names = table.column_names
    columns = dict(zip(names, zip(*found["data"], strict=True), strict=True))
    assert columns["ra"] == (1.5, None, None, None, None, 1e-300, 0)
    assert columns["mag"][0] == 0.1
    for name in ("source_id", "uint", "ulong", "flag", "word", "large", "kind", "words", "record", "nothing"):
        assert list(columns[name]) == table[name].to_pylist(), name
    assert columns["when"][:2] == ("2016-01-01T12:00:00.250000", None)
    assert columns["sum"][:4] == (1, None, -5, 2**53)
    assert columns["price"][:3] == (1.25, None, -0.5)
    assert columns["doubles"][:4] == ([1.5, 2.5], None, [], [None, None])
    assert columns["blob"][:2] == ("00ff", None)
    assert found["query_status"] == "OK"
    assert found["infos"] == {"query": 'SELECT "a"'}


def test_columns_are_described_as_in_a_votable():
    columns = read(written("json", everything())[0])["metadata"]
    assert all({"unit", "ucd", "description"} <= set(one) for one in columns)
    about = {one["name"]: {word: value for word, value in one.items() if value is not None} for one in columns}
    assert about["ra"] == {
        **{"name": "ra", "datatype": "double", "unit": "deg", "ucd": "pos.eq.ra"},
        "description": 'Right <ascension> & "more"',
    }
    assert about["mag"]["description"] == "Größe in two lines"
    assert about["when"] == {"name": "when", "datatype": "char", "arraysize": "*", "xtype": "timestamp"}
    assert about["pair"] == {"name": "pair", "datatype": "double", "arraysize": "2"}
    assert about["point"] == {**about["pair"], "name": "point", "xtype": "point"}
    kinds = [about[name]["datatype"] for name in ("tiny", "byte", "ushort", "uint", "ulong", "sum", "flag", "kind")]
    assert kinds == ["short", "short", "int", "long", "long", "double", "boolean", "unicodeChar"]


def test_an_overflow_is_told():
    assert read(written("json", everything(), maxrec=3)[0])["query_status"] == "OVERFLOW"


def test_no_rows_and_two_columns_of_one_name():
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert read(written("json", table)[0])["data"] == [[1, 2]]
    assert read(written("json", table.slice(0, 0))[0])["data"] == []


@given(tables({**REALS, **INTEGERS, pa.string(): TEXT}))
def test_any_table(table):
    rows = read(written("json", table)[0])["data"]
    for row, expected in zip(rows, table.to_pylist(), strict=True):
        for value, wanted, field in zip(row, expected.values(), table.schema, strict=True):
            if not isinstance(wanted, float):
                assert value == wanted
            elif not math.isfinite(wanted):
                assert value is None
            else:
                assert pa.scalar(float(value), field.type).as_py() == wanted
