"""FITS: astropy reads what was written, with units and NULLs."""

import io
import math
import tempfile
import warnings

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.files import TableError
from sedsql.files.streams import FORMATS, fits_columns, limited, write_stream
from sedsql.files.streams import fits as writer

from .answers import INTEGERS, REALS, Pipe, broken_off, everything, tables, written

LETTERS = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=8)


_TEXT = ["a", None, "", "b ", "q\"<&>,\n'", " b ", "longer than the others\t"]
_OTHERS = {
    "word": _TEXT,
    "large": _TEXT,
    "words": [["a", "b"], None, [], ["c"], ["d"], ["e"], [None]],
    "longs": [[1, 2], None, [], [3], [], [2**62, -1], [0]],
}


def ascii_only():
    """Every type, without other letters than ASCII's, and without NULL in lists of integers."""
    table = everything()
    for name, values in _OTHERS.items():
        field = table.field(name)
        table = table.set_column(table.column_names.index(name), field, pa.array(values, field.type))
    return table


def astropys(content):
    with fits.open(io.BytesIO(content)) as hdus:
        assert len(hdus) == 2
        hdus.verify("exception")
    assert len(content) % 2880 == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        warnings.filterwarnings("ignore", message=".*NULL .undefined. values")
        return Table.read(io.BytesIO(content), format="fits", mask_invalid=False)


def header(content):
    return fits.getheader(io.BytesIO(content), 1)


@pytest.mark.parametrize("rows_a_batch", [1, 3, 100])
def test_astropy_reads_every_type(rows_a_batch):
    table = ascii_only()
    found = astropys(written("fits", table, rows_a_batch=rows_a_batch)[0])
    assert found.colnames == table.column_names
    for name in ("short", "int", "source_id", "tiny", "byte", "ushort", "uint", "ulong", "flag", "sum", "price"):
        values = [None if isinstance(value, float) and math.isnan(value) else value for value in found[name].tolist()]
        assert values == table[name].to_pylist(), name
    for name in ("ra", "mag"):
        np.testing.assert_array_equal(found[name], table[name].to_numpy())
    for name in ("word", "large", "kind"):
        assert found[name].tolist() == [(value or "").rstrip() for value in table[name].to_pylist()], name
    assert found["when"][:2].tolist() == ["2016-01-01T12:00:00.250000", ""]
    assert found["zoned"][5:].tolist() == ["1995-07-02T00:00:00", ""]
    assert found["day"][:2].tolist() == ["2016-01-01", ""]
    assert found["words"][:3].tolist() == ['["a", "b"]', "", "[]"]
    assert found["record"][:2].tolist() == ['{"a": 1, "b": "x"}', ""]
    for name in ("doubles", "longs", "flags", "blob"):
        wanted = [list(value or []) for value in table[name].to_pylist()]
        missing = {"doubles": math.nan, "flags": False}.get(name)
        wanted = [[missing if item is None else item for item in value] for value in wanted]
        assert list(map(repr, map(np.ndarray.tolist, found[name]))) == list(map(repr, wanted)), name
    for name in ("pair", "point"):
        np.testing.assert_array_equal(np.ma.filled(found[name], np.nan)[2:], table[name].to_pylist()[2:])
        assert np.isnan(np.ma.filled(found[name], np.nan)[1]).all()


def test_columns_are_described():
    content, _ = written("fits", ascii_only(), infos={"query": "SELECT\n'é'"}, maxrec=6)
    cards, found = header(content), astropys(content)
    assert str(found["ra"].unit) == "deg"
    assert (cards["TUCD1"], cards["TCOMM1"]) == ("pos.eq.ra", 'Right <ascension> & "more"')
    assert cards["TNULL5"] == -(2**63)
    assert cards["TXTYP15"] == "timestamp"
    assert (cards["NAXIS2"], cards["OVERFLOW"]) == (6, True)
    assert cards["COMMENT"][0] == r"query: SELECT '\xe9'"
    assert "OVERFLOW" not in header(written("fits", ascii_only())[0])


def test_models_are_named_in_cards():
    table = pa.table({"a": [1]}).replace_schema_metadata({"sedsql": '{"model": "m-1", "query": "SELECT 1"}'})
    cards = header(written("fits", table)[0])
    assert (cards["SEDMODEL"], cards["SEDQUERY"]) == ("m-1", "SELECT 1")


def test_null_is_a_number_that_no_value_is():
    low, high = -(2**15), 2**15 - 1
    table = pa.table(
        {
            "both": pa.array([low, high, None], pa.int16()),
            "low": pa.array([low, 0, None], pa.int16()),
            "high": pa.array([0, high, None], pa.int16()),
            "all": pa.array([low, high, 0], pa.int16()),
            "none": pa.array([None, None, None], pa.int16()),
        }
    )
    content, _ = written("fits", table, rows_a_batch=1)
    assert astropys(content).to_pandas().notna().sum().tolist() == [2, 2, 2, 3, 0]
    assert [astropys(content)[name].tolist() for name in table.column_names] == list(table.to_pydict().values())
    assert [header(content).get(f"TFORM{k}") for k in range(1, 6)] == ["1J", "1I", "1I", "1I", "1I"]
    longs = pa.table({"a": pa.array([-(2**63), 2**63 - 1, None])})
    with pytest.raises(TableError, match="Column a has the smallest and the largest integer and NULL"):
        written("fits", longs)


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows):
    table = ascii_only().slice(0, rows)
    assert len(astropys(written("fits", table)[0])) == rows
    assert len(astropys(written("fits", table, maxrec=0)[0])) == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", "Orión"], "Column a has the text 'Orión', and FITS holds ASCII only"),
        ([[1, None], [2]], "Column a has lists with NULL in them"),
        (pa.array([1, 2**64 - 1], pa.uint64()), "Column a has the value 18446744073709551615, beyond"),
    ],
)
def test_what_fits_cannot_hold_is_told_before_the_first_byte(values, message):
    pipe, table = Pipe(), pa.table({"a": values})
    with pytest.raises(TableError, match=message):
        write_stream(pipe, FORMATS["fits"], table.schema, table.to_batches(max_chunksize=1))
    assert pipe.content == b""


def test_a_long_query_is_cut_in_the_header():
    query = "SELECT source_id FROM t WHERE source_id IN (" + ", ".join(map(str, range(20_000)))
    header = fits.open(io.BytesIO(written("fits", pa.table({"a": [1]}), infos={"QUERY": query})[0]))[1].header
    text = "".join(header["COMMENT"])
    assert text.startswith("QUERY: SELECT source_id FROM t")
    assert text.endswith("...")
    assert len(text) < 11_000
    assert len(header) < 200


def test_two_columns_of_one_name_are_told_for_astropy_reads_no_such_file():
    table = pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["b", "a", "a"])
    with pytest.raises(TableError, match="Two columns are called a, and readers of FITS take one; name them with AS"):
        written("fits", table)


def test_too_many_columns_and_too_long_texts(monkeypatch):
    with pytest.raises(TableError, match="1,000 columns, and FITS holds 999"):
        written("fits", pa.table({f"c{k}": [k] for k in range(1000)}))
    monkeypatch.setattr(writer, "_MOST_BYTES", 5000)
    written("fits", pa.table({"a": ["x" * 400] * 10}))
    with pytest.raises(TableError, match="pads a to 600 letters in each row"):
        written("fits", pa.table({"a": ["x" * 600, *["y"] * 10]}))


def test_an_answer_that_fails_has_no_byte_and_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert broken_off("fits", ascii_only(), after=2) == b""
    written("fits", ascii_only())
    assert list(tmp_path.iterdir()) == []


def test_a_heap_of_more_than_two_gigabytes(monkeypatch):
    """Descriptors have four bytes a number up to there; here the boundary is near."""
    table = pa.table({"a": [[1.0, 2.0], [3.0], [], None, [4.0, 5.0, 6.0]], "b": [[1], [2], [3, 4], [], [5]]})
    small, _ = written("fits", table)
    monkeypatch.setattr(fits_columns, "SMALL_HEAP", 10)
    large, _ = written("fits", table)
    assert [header(small)["TFORM1"], header(large)["TFORM1"]] == ["1PD(3)", "1QD(3)"]
    for content in (small, large):
        found = astropys(content)
        assert [value.tolist() for value in found["a"]] == [[1, 2], [3], [], [], [4, 5, 6]]
        assert [value.tolist() for value in found["b"]] == [[1], [2], [3, 4], [], [5]]


def test_pieces_of_any_size_make_one_answer(monkeypatch):
    table = pa.concat_tables([ascii_only().drop_columns(["doubles", "longs", "flags", "blob"])] * 9)
    whole, _ = written("fits", table, rows_a_batch=1000)
    monkeypatch.setattr(limited, "PIECE_ROWS", 5)
    assert written("fits", table, rows_a_batch=1000)[0] == whole


@settings(max_examples=50)
@given(tables({**REALS, **INTEGERS, pa.string(): LETTERS, pa.bool_(): st.booleans()}))
def test_any_table(table):
    found = astropys(written("fits", table, rows_a_batch=7)[0])
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        values, wanted = found[name].tolist(), table[name].to_pylist()
        if pa.types.is_floating(kind):
            wanted = [math.nan if value is None else value for value in wanted]
        if kind == pa.string():
            wanted = [(value or "").rstrip() for value in wanted]
            values = [value.rstrip() for value in values]
        if kind == pa.bool_():
            values = [None if value is None else bool(value) for value in values]
        assert list(map(repr, values)) == list(map(repr, wanted)), name
