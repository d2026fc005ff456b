"""VOTables are written as BINARY2: astropy and sedsql's own decoder read the values that were written."""

import gzip

import numpy as np
import pytest
from astropy.io import votable
from astropy.table import MaskedColumn, Table

from sedsql import files
from sedsql.files import votables
from sedsql.tap.votable import read

ROWS = 7


def everything():
    rng = np.random.default_rng(0)
    gone = np.arange(ROWS) % 3 == 1
    table = Table()
    for kind in ("i2", "i4", "i8", "u1", ">i4", "f4", "f8", ">f8"):
        values = rng.integers(0, 200, ROWS).astype(kind)
        table[kind] = values
        table[f"{kind} masked"] = MaskedColumn(values, mask=gone)
    table["nan"] = np.where(gone, np.nan, 1.5)
    table["c"] = np.arange(ROWS) + 1j
    table["flag"] = rng.uniform(size=ROWS) < 0.5
    table["flag masked"] = MaskedColumn(table["flag"], mask=gone)
    table["word"] = np.array([f"é{'x' * k}" for k in range(ROWS)])
    table["word masked"] = MaskedColumn(np.array(["a", "bb", "", "d", "e", "f", "g"]), mask=gone)
    table["one"] = np.array(list("abcdefg"))
    table["bytes"] = np.array([b"a", b"bcd", b"", b"d", b"e", b"f", b"g"])
    table["vector"] = rng.integers(0, 9, (ROWS, 3))
    table["cube"] = rng.uniform(size=(ROWS, 2, 3)).astype("f4")
    table["vector masked"] = MaskedColumn(np.ones((ROWS, 2)), mask=np.stack([gone, gone], axis=1))
    table["f8"].unit, table["f8"].description, table["f8"].meta["ucd"] = "mag", "A <magnitude> & more", "phot.mag"
    return table


def same(found, expected):
    assert found.colnames == expected.colnames
    assert len(found) == len(expected)
    for name in expected.colnames:
        values, theirs = np.ma.getdata(expected[name]), np.ma.getdata(found[name])
        gone = np.ma.getmaskarray(expected[name])
        if values.dtype.kind == "S":
            values = np.char.decode(values)
        np.testing.assert_array_equal(np.asarray(theirs)[~gone].astype(values.dtype), values[~gone], err_msg=name)
        if values.dtype.kind == "U":  # astropy masks no text
            assert not any(np.asarray(theirs)[gone])
            continue
        if values.dtype.kind == "f" and values.ndim == 1:
            gone = gone | np.isnan(values)
        if name != "nan":
            np.testing.assert_array_equal(np.ma.getmaskarray(found[name]), gone, err_msg=name)


@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_astropy_reads_what_was_written(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(votables, "_PIECE", 3)
    table = everything()[:rows]
    files.write_table(tmp_path / "a.vot", table)
    content = (tmp_path / "a.vot").read_bytes()
    assert b"<BINARY2>" in content
    assert max(map(len, content.splitlines())) < 400
    found = Table.read(tmp_path / "a.vot", format="votable", use_names_over_ids=True)
    same(found, table)
    if rows:
        assert (str(found["f8"].unit), found["f8"].description) == ("mag", "A <magnitude> & more")


def test_our_decoder_of_tap_answers_reads_it(tmp_path):
    table = everything()
    table.remove_columns(["c", "cube"])
    files.write_table(tmp_path / "a.vot.gz", table)
    # A TAP service says that its answer is one.
    text = gzip.decompress((tmp_path / "a.vot.gz").read_bytes())
    text = text.replace(b"<TABLE>", b'<INFO name="QUERY_STATUS" value="OK"/><TABLE>')
    found = files.from_arrow(read([text]).table)
    for name in ("i8 masked", "f4 masked", "flag", "flag masked", "word", "word masked", "one", "bytes", "vector"):
        gone = np.ma.getmaskarray(table[name])
        values = np.ma.getdata(table[name]).astype(str if table[name].dtype.kind in "SU" else table[name].dtype)
        assert np.ma.getdata(found[name])[~gone].tolist() == values[~gone].tolist(), name


def test_text_beyond_ucs2_and_arrays_of_text_are_left_to_astropy(tmp_path):
    table = Table({"a": [1, 2], "text": ["\U0001f52d", "b"]})
    files.write_table(tmp_path / "a.vot", table)
    assert Table.read(tmp_path / "a.vot", format="votable")["a"].tolist() == [1, 2]


def test_what_says_where_classes_come_from_stays(tmp_path):
    table = Table({"a": [1]}, meta={"sedsql": {"model": "m-1"}})
    files.write_table(tmp_path / "a.vot", table)
    infos = {info.name: info.value for info in votable.parse(tmp_path / "a.vot").infos}
    assert infos["sedsql_model"] == "m-1"
    assert table.meta["sedsql"] == {"model": "m-1"}


def test_truth_values_are_booleans_of_the_standard(tmp_path):
    table = Table({"flag": MaskedColumn([True, False, True], mask=[False, False, True])})
    files.write_table(tmp_path / "file.vot", table)
    votables.to_votable(table).to_xml(str(tmp_path / "object.vot"))
    for name in ("file", "object"):
        one = votable.parse_single_table(tmp_path / f"{name}.vot")
        assert one.fields[0].datatype == "boolean"
        assert one.to_table()["flag"].tolist() == [True, False, None]
    with open(tmp_path / "upload.vot", "wb") as file:
        votables.write_tabledata(table, file)
    assert Table.read(tmp_path / "upload.vot", format="votable")["flag"].tolist() == [True, False, None]
