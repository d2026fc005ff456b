"""CSV and TSV: Python's csv module and Arrow read what was written."""

import csv
import io

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest
from hypothesis import given

from .answers import INTEGERS, REALS, TEXT, TIMES, everything, same, tables, written


@pytest.mark.parametrize(("name", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_pythons_csv_module_reads_every_type(name, delimiter):
    table = everything()
    content, _ = written(name, table)
    found = list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))
    assert list(found[0]) == table.column_names
    assert len(found) == 7
    assert [row["word"] or None for row in found] == [text or None for text in table["word"].to_pylist()]
    assert [int(row["source_id"] or 0) for row in found] == [value or 0 for value in table["source_id"].to_pylist()]
    assert [row["when"] for row in found][:3] == ["2016-01-01T12:00:00.250000", "", "2016-01-03T12:00:00.250000"]
    assert [row["zoned"] for row in found][5:] == ["1995-07-02T00:00:00", ""]
    assert [row["day"] for row in found][:3] == ["2016-01-01", "", "2000-07-02"]
    assert [row["doubles"] for row in found][:4] == ["[1.5, 2.5]", "", "[]", "[null, null]"]
    assert [row["price"] for row in found][:3] == ["1.25", "", "-0.50"]


def test_null_is_not_empty_text():
    content, _ = written("csv", pa.table({"a": [1, 2], "word": ["", None]}))
    assert content == b'a,word\n1,""\n2,\n'


def test_only_the_names_where_there_are_no_rows():
    assert written("csv", everything().select(["ra", "mag"]).slice(0, 0))[0] == b"ra,mag\n"


@given(tables({**REALS, **INTEGERS, **TIMES, pa.string(): TEXT}))
def test_any_table_is_read_back_by_arrow(table):
    content, _ = written("csv", table)
    kinds = {field.name: field.type for field in table.schema}
    found = arrow_csv.read_csv(
        pa.py_buffer(content),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    same(found, table)
