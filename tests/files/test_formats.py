"""Tables are converted between Arrow and astropy."""

import io
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from sedsql import files


def test_arrow_to_astropy_and_back():
    table = pa.table(
        {
            "big": pa.array([2**63 - 1, None, 2**53 + 1]),
            "sum": pa.array([Decimal(2**60), None, Decimal(1)], pa.decimal128(38, 0)),
            "text": pa.array(["a", None, "é"], pa.string_view()),
            "real": pa.array([1.5, None, float("nan")], pa.float32()),
            "flag": pa.array([True, None, False]),
            "lists": pa.array([[1, 2], [3, 4], [5, 6]]),
            "ragged": pa.array([[1], None, [2, 3]]),
            "struct": pa.array([{"a": float("nan")}, None, {"a": 2.0}]),
            "bytes": pa.array([b"\xff\x00", None, b"ok"]),
            "when": pa.array([0, None, 1], pa.timestamp("s")),
        }
    )
    found = files.from_arrow(table)
    assert found["big"].tolist() == [2**63 - 1, None, 2**53 + 1]
    assert found["sum"].tolist() == [2**60, None, 1]
    assert found["text"].tolist() == ["a", None, "é"]
    assert found["real"].dtype == np.float32
    assert found["real"].mask.tolist() == [False, True, False]
    assert np.isnan(found["real"].data[2])
    assert found["flag"].tolist() == [True, None, False]
    assert found["lists"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert found["ragged"].tolist() == ["[1]", None, "[2, 3]"]
    assert found["struct"].tolist() == ['{"a": null}', None, '{"a": 2.0}']
    assert found["bytes"].tolist() == ["ff00", None, "6f6b"]
    assert found["when"].tolist() == ["1970-01-01 00:00:00", None, "1970-01-01 00:00:01"]
    again = files.to_arrow(found)
    assert again["big"].to_pylist() == [2**63 - 1, None, 2**53 + 1]
    assert again["lists"].to_pylist() == [[1, 2], [3, 4], [5, 6]]
    assert again["text"].to_pylist() == ["a", None, "é"]


def test_astropy_to_arrow_of_bytes_mixins_and_arrays_of_any_length():
    table = Table({"name": np.array([b"a", b""]), "place": SkyCoord([1, 2], [3, 4], unit="deg")})
    table["list"] = np.array([np.array([1.0]), np.array([2.0, 3.0])], dtype=object)
    table["swapped"] = np.array([1, 2**60], dtype=">i8")
    found = files.to_arrow(table).to_pydict()
    assert found["name"] == ["a", ""]
    assert found["place.ra"] == [1, 2]
    assert found["list"] == [[1.0], [2.0, 3.0]]
    assert found["swapped"] == [1, 2**60]


def test_two_columns_of_one_name_go_where_they_can():
    table = pa.table([pa.array([1]), pa.array([2])], names=["ra", "ra"])
    with pytest.raises(files.TableError, match="'ra'"):
        files.from_arrow(table)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters='\n",\t '), max_size=12)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=20), st.sampled_from(["csv", "tsv", "csv.gz"]))
def test_any_text_is_read_as_pythons_csv_module_writes_it(tmp_path_factory, rows, ending):
    import csv
    import gzip

    path = tmp_path_factory.mktemp("csv") / f"t.{ending}"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if ending == "tsv" else ",", quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two"), *rows])
    raw = text.getvalue().encode()
    path.write_bytes(gzip.compress(raw) if ending == "csv.gz" else raw)
    stream = files.read_pieces(path, as_text=True)
    pieces = list(stream.pieces)
    found = [tuple(row.values()) for piece in pieces for row in piece.to_pylist()]
    assert found == rows
    files.write_pieces(path, stream.schema, iter(pieces))
    raw = gzip.decompress(path.read_bytes()) if ending == "csv.gz" else path.read_bytes()
    again = csv.reader(io.StringIO(raw.decode(), newline=""), delimiter="\t" if ending == "tsv" else ",")
    assert [tuple(row) for row in again][1:] == rows


@pytest.mark.parametrize("ending", ["doc", "csv.zip", "fits.fz", ""])
def test_unknown_formats_are_told_the_known_ones(tmp_path, ending):
    with pytest.raises(files.TableError, match=r"may be \.parquet, \.csv"):
        files.file_format(tmp_path / f"x.{ending}")


def test_votables_of_rows_of_any_length_are_written_within_memory(tmp_path):
    """With Python's checks of memory, as a byte too many shows but now and then without."""
    code = f"""
from pathlib import Path
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from sedsql.files import write_table
write_table(Path({str(tmp_path)!r}, "t.vot"), Table({{"text": ["x" * n for n in range(300)]}}))
"""
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [len(text) for text in Table.read(tmp_path / "t.vot", format="votable")["text"]] == list(range(300))


def test_writing_a_votable_leaves_astropys_choice_of_a_writer(tmp_path):
    from astropy.io.votable import tree

    before = tree._has_c_tabledata_writer
    files.write_table(tmp_path / "t.vot", Table({"a": [1.5]}))
    assert tree._has_c_tabledata_writer == before


def test_text_in_fits_is_as_it_was(tmp_path):
    table = Table({"word": ["a", "", "a longer one"], "words": [["x", "yy"], ["", "z"], ["w", "v"]]})
    table["masked"] = MaskedColumn(["a", "b", "ccc"], mask=[False, True, False])
    files.write_table(tmp_path / "a.fits", table)
    found = fits.getdata(tmp_path / "a.fits")
    assert found["word"].tolist() == ["a", "", "a longer one"]
    assert found["words"].tolist() == [["x", "yy"], ["", "z"], ["w", "v"]]
    assert found["masked"].tolist() == ["a", "", "ccc"]
    files.write_table(tmp_path / "none.fits", table[:0])
    assert len(fits.getdata(tmp_path / "none.fits")) == 0
    table["words"] = [["x", "yy"], ["", "Orión"], ["w", "v"]]
    with pytest.raises(files.TableError, match="Column words has the text 'Orión', and FITS holds ASCII only"):
        files.write_table(tmp_path / "b.fits", table)
