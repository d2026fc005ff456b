"""`sedsql classify`: what comes out is read back with the formats' own readers, not with ours."""

import csv
import gzip
import json
import os
import resource
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import MaskedColumn, Table

from sedsql.bands import COLUMNS

BANDS = list(COLUMNS)
ADDED = ["sed_class", "sed_probability", "sed_path", "sed_n_bands"]
INPUTS = ["csv", "csv.gz", "tsv", "ecsv", "vot", "fits", "parquet"]
OUTPUTS = [*INPUTS, "ecsv.gz", "vot.gz", "fits.gz", "tsv.gz"]

IDS = [2**53 + 1, 636411074052224, 2**63 - 1, 5, 7]
NAMES = ["a,b", 'x "q"', "", "null", "two\nlines"]
COUNTS = [999999, None, 3, 4, 5]
FLUXES = [1.5, float("nan"), None, 1e-30, 123456789.123456789]
MAGNITUDES = [
    [round(12 + 0.1 * k, 1) for k in range(10)],
    [None] * 10,
    [None] * 8 + [9.5, 8.25],
    [14.0] * 10,
    [15.5] * 10,
]


def write_input(path):
    """The same five rows in each format, written without sedsql."""
    if ".csv" in path.suffixes or ".tsv" in path.suffixes:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if ".tsv" in path.suffixes else ",")
            writer.writerow(["source_id", "name", *BANDS, "count", "flux"])
            for row in zip(IDS, NAMES, *zip(*MAGNITUDES, strict=True), COUNTS, FLUXES, strict=True):
                writer.writerow(row)
        return path
    flux = [np.nan if value is None else value for value in FLUXES]
    table = Table({"source_id": np.array(IDS), "name": NAMES})
    for band, values in zip(BANDS, zip(*MAGNITUDES, strict=True), strict=True):
        mask = [value is None for value in values]
        table[band] = MaskedColumn([value or np.nan for value in values], mask=mask, dtype=np.float32, unit="mag")
        table[band].description = f"magnitude {band}"
    table["count"] = MaskedColumn([value or 0 for value in COUNTS], mask=[value is None for value in COUNTS])
    table["count"].fill_value = -1  # FITS says so where a count is missing
    table["flux"] = MaskedColumn(flux, mask=[value is None for value in FLUXES], unit="Jy")
    if path.suffix == ".parquet":
        columns = {name: table[name].tolist() for name in table.colnames}
        types = {**dict.fromkeys(table.colnames, pa.float32()), "source_id": pa.int64(), "name": pa.string()}
        types |= {"count": pa.int64(), "flux": pa.float64()}
        arrays = [pa.array(columns[name], types[name]) for name in table.colnames]
        pq.write_table(pa.table(arrays, table.colnames), path)
    else:
        kinds = {".ecsv": "ascii.ecsv", ".vot": "votable", ".fits": "fits"}
        table.write(path, format=kinds[path.suffix])
    return path


def read_output(path):
    """Rows of Python values by the format's own reader; None is not there, and so is NaN."""
    if ".csv" in path.suffixes or ".tsv" in path.suffixes:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", newline="") as file:
            names, *rows = csv.reader(file, delimiter="\t" if ".tsv" in path.suffixes else ",")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    elif path.suffix == ".parquet":
        columns = pq.read_table(path).to_pydict()
    else:
        kind = next(
            k for e, k in (("ecsv", "ascii.ecsv"), ("vot", "votable"), ("fits", "fits")) if f".{e}" in path.name
        )
        table = Table.read(path, format=kind)
        columns = {name: table[name].tolist() for name in table.colnames}
    return {name: [_value(value) for value in values] for name, values in columns.items()}


def _value(value):
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str) and value.lower() == "nan":
        return None
    return None if value is None or value == "" or value != value else value


def numbers(values, kind=float):
    return [None if value is None else kind(value) for value in values]


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


# Each with a format that is read or written in pieces, and with one that is held whole.
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
    elif source == "parquet":
        pq.write_table(pa.table({band: pa.array([12.0] * rows, pa.float32()) for band in BANDS}), path)
    else:
        table = Table({band: np.full(rows, 12, np.float32) for band in BANDS})
        table.write(path, format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(source, source))
    out = tmp_path / f"out.{target}"
    ran = sedsql("classify", "--model", "shape-2", path, "-o", out)
    assert (ran.code, ran.err) == (0, "")
    if rows or target == "parquet":
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


def test_what_is_no_magnitude_is_told(sedsql, tmp_path):
    rows = {band: [12.0, 13.0, 14.0, None] for band in BANDS} | {"j_m": [-50.0, 13.0, -50.0, None], "h_m": [35.0] * 4}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    ran = sedsql("classify", "--model", "shape-2", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet", "--json")
    assert ran.code == 0
    assert sum(json.loads(ran.out)["classes"].values()) == 4
    (told,) = ran.err.splitlines()
    assert told.startswith("The magnitude j_m is brighter than -10 or fainter than 35 in 2 rows")


def test_the_same_class_as_in_sql(sedsql, tmp_path, sky):
    import sedsql as package

    with package.connect(sky) as con:
        rows = con.execute("SELECT * FROM sed.photometry ORDER BY source_id", lang="sql").arrow()
        expected = con.execute(
            "SELECT b.node, b.probability, b.path FROM (SELECT source_id, "
            "sed_branch_of(sed_answer(s, 'shape-2').probabilities, 0.5, 'shape-2') AS b FROM sed.photometry AS s) "
            "ORDER BY source_id",
            lang="sql",
        ).fetchall()
    pq.write_table(rows, tmp_path / "in.parquet")
    for target in ("parquet", "fits"):
        out = tmp_path / f"out.{target}"
        assert sedsql("classify", "--model", "shape-2", tmp_path / "in.parquet", "-o", out).code == 0
        found = read_output(out)
        assert found["sed_class"] == [row[0] for row in expected]
        assert found["sed_path"] == [row[2] for row in expected]
        probability = np.array([row[1] for row in expected], float)
        np.testing.assert_allclose(np.array(found["sed_probability"], float), probability, atol=1e-6)


def test_real_catalogue_comes_out_whole(sedsql, tmp_path, shared):
    source, out = shared / "catalogues" / "labelled.parquet", tmp_path / "out.parquet"
    assert sedsql("classify", "--model", "shape-2", source, "-o", out).code == 0
    before, after = pq.read_table(source), pq.read_table(out)
    assert after.select(before.column_names).equals(before)
    assert after.column_names == [*before.column_names, *ADDED]
    right = np.mean(np.array(after["class"]) == np.array(after["sed_class"]))
    assert right > 0.8


def test_real_votable_and_fits(sedsql, tmp_path, shared):
    none = [word for band in BANDS[3:] for word in ("--map", f"{band}=none")]
    source = shared / "archive" / "gaia_source_response.vot"
    assert sedsql("classify", "--model", "shape-2", source, "-o", tmp_path / "out.vot", *none).code == 0
    before, after = parse_single_table(source), parse_single_table(tmp_path / "out.vot")
    assert [f.name for f in after.fields] == [f.name for f in before.fields] + ADDED
    assert [(f.unit, f.ucd) for f in after.fields[:-4]] == [(f.unit, f.ucd) for f in before.fields]
    assert list(after.array["source_id"]) == list(
        before.array["SOURCE_ID" if "SOURCE_ID" in before.array.dtype.names else "source_id"]
    )
    source = shared / "archive" / "gbs_v3_gaiadr3-result.fits"
    assert sedsql("classify", "--model", "shape-2", source, "-o", tmp_path / "out.fits", *none).code == 0
    with fits.open(source) as before, fits.open(tmp_path / "out.fits") as after:
        assert after[1].columns.names == before[1].columns.names + ADDED
        assert after[1].columns.units[:-4] == before[1].columns.units
        for name in before[1].columns.names:
            np.testing.assert_array_equal(after[1].data[name], before[1].data[name], name)


# Not ru_maxrss: a process starts with that of the one that it was forked from.
_PEAK = """
import re, sys
from sedsql.cli import main
sys.argv = ["sedsql", *sys.argv[1:]]
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak of memory")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_memory_stays_flat(tmp_path, ending):
    import duckdb

    rows = 3_000_000
    bands = ", ".join(f"CASE WHEN i % 100 = 0 THEN 12.5 END::FLOAT AS {band}" for band in BANDS)
    query = f"SELECT i + {2**53 + 1} AS source_id, 'name ' || i AS name, {bands} FROM range({rows}) t(i)"
    source, out = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    duckdb.connect().execute(f"COPY ({query}) TO '{source}'")
    command = [sys.executable, "-c", _PEAK, "classify", str(source), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) / 1024 < 600
    counted = duckdb.connect().execute(f"SELECT count(*), max(source_id), min(source_id) FROM '{out}'").fetchone()
    assert counted == (rows, 9007199254740993 + rows - 1, 9007199254740993)


@pytest.mark.parametrize("target", ["out.csv", "out.parquet", "out.fits", "out.vot", "out.fits.gz"])
def test_a_full_disk_leaves_nothing(sedsql, tmp_path, target):
    header, row = write_input(tmp_path / "in.csv").read_text().splitlines()[:2]
    (tmp_path / "in.csv").write_text("\n".join([header, *[row] * 20_000, ""]))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
    try:
        ran = sedsql("classify", "--model", "shape-2", tmp_path / "in.csv", "-o", tmp_path / target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ran.code == 1
    assert ran.err.startswith("Error: ")
    assert len(ran.err.splitlines()) == 1
    assert os.listdir(tmp_path) == ["in.csv"]
