"""Test that `sedsql classify` keeps every value in every pair of formats."""

import csv
import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table
from classify_files import (
    ADDED,
    BANDS,
    COUNTS,
    FLUXES,
    IDS,
    INPUTS,
    MAGNITUDES,
    NAMES,
    OUTPUTS,
    numbers,
    read_output,
    write_input,
)


@pytest.mark.parametrize("target", OUTPUTS)
@pytest.mark.parametrize("source", INPUTS)
def test_every_pair_of_formats_keeps_every_value(sedsql, tmp_path, source, target):
    out = tmp_path / f"out.{target}"
    ran = sedsql("classify", "--model", "shape-2", write_input(tmp_path / f"in.{source}"), "-o", out)
    assert (ran.code, ran.err) == (0, "")
    found = read_output(out)
    assert list(found) == ["source_id", "name", *BANDS, "count", "flux", *ADDED]
    assert numbers(found["source_id"], int) == IDS
    assert found["name"] == [name or None for name in NAMES]
    assert numbers(found["count"], int) == COUNTS
    assert numbers(found["flux"]) == [None if value is None or value != value else value for value in FLUXES]
    for band, values in zip(BANDS, zip(*MAGNITUDES, strict=True), strict=True):
        np.testing.assert_allclose(np.array(numbers(found[band]), float), np.array(values, float), rtol=1e-6)
    assert numbers(found["sed_n_bands"], int) == [10, 0, 2, 10, 10]
    assert [value is None for value in found["sed_class"]] == [False, True, True, False, False]
    assert [value is None for value in numbers(found["sed_probability"])] == [False, True, True, False, False]
    assert sorted(os.listdir(tmp_path)) == [f"in.{source}", f"out.{target}"]


@pytest.mark.parametrize("target", ["vot", "fits", "ecsv", "parquet"])
@pytest.mark.parametrize("source", ["vot", "fits", "ecsv"])
def test_units_and_descriptions_are_kept(sedsql, tmp_path, source, target):
    out = tmp_path / f"out.{target}"
    assert sedsql("classify", "--model", "shape-2", write_input(tmp_path / f"in.{source}"), "-o", out).code == 0
    if target == "parquet":
        about = {field.name: field.metadata or {} for field in pq.read_schema(out)}
        assert about["j_m"][b"unit"] == b"mag"
        assert about["flux"][b"unit"] == b"Jy"
        assert about["j_m"][b"description"] == b"magnitude j_m"
    else:
        table = Table.read(out, format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(target, target))
        assert (str(table["j_m"].unit), str(table["flux"].unit)) == ("mag", "Jy")
        assert table["j_m"].description == "magnitude j_m"
        assert "shape-2" in table["sed_class"].description


def test_csv_values_stay_as_they_are_written(sedsql, tmp_path):
    header = ["id", "名前", 'a "quoted" name', "x", "x", *BANDS]
    first = ["007", "π, or so", " spaced ", "1.10", "1e3", "+12.50", *["12.0"] * 9]
    second = ["18446744073709551616", "", 'say "no"', "0x10", "2026-01-01", " 12.5 ", *["nan", "null", "--"] * 3]
    (tmp_path / "in.csv").write_bytes(
        ("﻿" + ",".join('"' + v.replace('"', '""') + '"' for v in header) + "\r\n").encode()
        + "".join(",".join('"' + v.replace('"', '""') + '"' for v in row) + "\r\n" for row in (first, second)).encode()
    )
    assert sedsql("classify", "--model", "shape-2", tmp_path / "in.csv", "-o", tmp_path / "out.csv").code == 0
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    assert names == [*header, *ADDED]
    assert [row[:-4] for row in rows] == [first, second]
    assert [row[-1] for row in rows] == ["10", "1"]


def test_a_csv_with_leading_zeros_or_too_many_digits_keeps_them_in_other_formats(sedsql, tmp_path):
    lines = ["hip,big,when,ok," + ",".join(BANDS), "007,99999999999999999999,05:35:17,3," + ",".join(["12"] * 10)]
    (tmp_path / "in.csv").write_text("\n".join([*lines, ""]))
    assert sedsql("classify", "--model", "shape-2", tmp_path / "in.csv", "-o", tmp_path / "out.parquet").code == 0
    row = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    assert (row["hip"], row["big"], row["when"], row["ok"]) == ("007", "99999999999999999999", "05:35:17", 3)


def test_csv_with_comments_semicolons_and_a_late_change_of_type(sedsql, tmp_path):
    rows = [f"{k};" + ";".join(["12.5"] * 10) for k in range(100_000)]
    rows[-1] = "last;" + ";".join(["null"] * 10)
    text = "# %ECSV 1.0\n# ---\nid;" + ";".join(BANDS) + "\n" + "\n".join(rows) + "\n"
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert sedsql("classify", "--model", "shape-2", tmp_path / "in.csv.gz", "-o", tmp_path / "out.parquet").code == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["id"].to_pylist() == [*map(str, range(99_999)), "last"]
    assert table["j_m"].null_count == 1
    assert table["sed_n_bands"][-1].as_py() == 0


def test_parquet_keeps_its_schema_and_its_metadata(sedsql, tmp_path):
    fields = [pa.field(band, pa.float32(), metadata={"unit": "mag"}) for band in BANDS]
    fields += [
        pa.field("points", pa.list_(pa.struct([("f", pa.float64())]))),
        pa.field("kind", pa.dictionary(pa.int8(), pa.string())),
        pa.field("when", pa.timestamp("us")),
    ]
    rest = [
        pa.array([[{"f": 1.0}], None]),
        pa.array(["a", None]).dictionary_encode(),
        pa.array([1, None], pa.timestamp("us")),
    ]
    schema = pa.schema(fields, {"survey": "mine"})
    arrays = [pa.array([12.0, 13.0], pa.float32())] * 10
    rest[1] = rest[1].cast(fields[11].type)
    rows = pa.table([*arrays, *rest], schema=schema)
    pq.write_table(rows, tmp_path / "in.parquet")
    assert sedsql("classify", "--model", "shape-2", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet").code == 0
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.drop_columns(ADDED).to_pylist() == rows.to_pylist()
    assert found.schema.metadata[b"survey"] == b"mine"
    assert found.schema.field("j_m").metadata[b"unit"] == b"mag"
    assert [field.type for field in found.schema][:-4] == [field.type for field in schema]
    for target in ("vot", "fits", "ecsv", "csv"):
        assert (
            sedsql("classify", "--model", "shape-2", tmp_path / "in.parquet", "-o", tmp_path / f"out.{target}").code
            == 0
        )
    assert read_output(tmp_path / "out.csv")["points"] == ['[{"f": 1.0}]', None]


def test_a_parquet_file_of_astropy_stays_one_that_it_reads(sedsql, tmp_path):
    table = Table({band: np.array([12.5, 13.5], np.float32) for band in BANDS})
    table["j_m"].unit = "mag"
    table.write(tmp_path / "in.parquet")
    assert sedsql("classify", "--model", "shape-2", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet").code == 0
    assert Table.read(tmp_path / "out.parquet").colnames == [*BANDS, *ADDED]
    assert pq.read_schema(tmp_path / "out.parquet").field("j_m").metadata[b"unit"] == b"mag"


def test_arrays_and_truth_values_go_through(sedsql, tmp_path):
    table = Table({band: np.array([12.5, 13.5], np.float32) for band in BANDS})
    table["vector"] = np.arange(4.0).reshape(2, 2)
    table["flag"] = MaskedColumn([True, False], mask=[False, True])
    table["small"] = MaskedColumn(np.arange(2, dtype=np.uint8), mask=[True, False])
    table.write(tmp_path / "in.vot", format="votable")
    for target in ("fits", "ecsv", "vot"):
        assert sedsql("classify", "--model", "shape-2", tmp_path / "in.vot", "-o", tmp_path / f"out.{target}").code == 0
        found = Table.read(tmp_path / f"out.{target}", format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(target))
        assert found["vector"].tolist() == [[0, 1], [2, 3]]
        assert found["flag"].tolist() == [True, None]
        assert found["small"].tolist() == [None, 1]
    assert (
        sedsql("classify", "--model", "shape-2", tmp_path / "out.fits", "-o", tmp_path / "x.csv").code == 1
    )  # sed_class is there already
    assert sedsql("classify", "--model", "shape-2", tmp_path / "in.vot", "-o", tmp_path / "out.parquet").code == 0
    assert pq.read_table(tmp_path / "out.parquet")["vector"].to_pylist() == [[0, 1], [2, 3]]


# One format is read or written in pieces, the other is held in memory.
PAIRS = sorted(
    {(one, target) for one in INPUTS for target in ("parquet", "fits")}
    | {(source, other) for other in INPUTS for source in ("csv", "vot")}
)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("source, target", PAIRS)
def test_tables_of_no_row_and_of_one(sedsql, tmp_path, source, target, rows):
    path = tmp_path / f"in.{source}"
    if source in ("csv", "tsv", "csv.gz"):
        delimiter = "\t" if source == "tsv" else ","
        text = "\n".join([delimiter.join(BANDS), *[delimiter.join(["12"] * 10)] * rows, ""])
        path.write_bytes(gzip.compress(text.encode()) if source == "csv.gz" else text.encode())
    elif source in ("parquet", "arrow"):
        write = pq.write_table if source == "parquet" else feather.write_feather
        write(pa.table({band: pa.array([12.0] * rows, pa.float32()) for band in BANDS}), path)
    else:
        table = Table({band: np.full(rows, 12, np.float32) for band in BANDS})
        table.write(path, format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(source, source))
    out = tmp_path / f"out.{target}"
    ran = sedsql("classify", "--model", "shape-2", path, "-o", out)
    assert (ran.code, ran.err) == (0, "")
    if rows or target in ("parquet", "arrow"):
        assert [len(values) for values in read_output(out).values()] == [rows] * 14
    elif ".csv" in out.suffixes or target == "tsv":
        opened = gzip.open if target == "csv.gz" else open
        assert len(opened(out, "rt").read().splitlines()) == 1


def test_fits_holds_ascii_only(sedsql, tmp_path):
    (tmp_path / "in.csv").write_text(
        "name," + ",".join(BANDS) + "\nOrión," + ",".join(["12"] * 10) + "\n", encoding="utf-8"
    )
    ran = sedsql("classify", "--model", "shape-2", tmp_path / "in.csv", "-o", tmp_path / "out.fits")
    assert ran.code == 1
    assert "name" in ran.err
    assert "Orión" in ran.err
    assert not (tmp_path / "out.fits").exists()
