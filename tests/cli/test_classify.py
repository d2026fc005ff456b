"""Test the classes of `sedsql classify`, on simulated and real tables, large ones, and a full disk."""

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
from classify_files import ADDED, BANDS, read_output, write_input


def test_what_is_no_magnitude_is_told(sedsql, tmp_path):
    rows = {band: [12.0, 13.0, 14.0, None] for band in BANDS} | {"j_m": [-50.0, 13.0, -50.0, None], "h_m": [35.0] * 4}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    ran = sedsql("classify", "--model", "shape-2", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet", "--json")
    assert ran.code == 0
    assert sum(json.loads(ran.out)["classes"].values()) == 4
    (told,) = ran.err.splitlines()
    assert told.startswith("The magnitude j_m, in column j_m, is brighter than -10 or fainter than 35 in 2 rows")


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
from sedsql.cli.main import main
sys.argv = ["sedsql", *sys.argv[1:]]
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.thorough
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
def test_a_full_disk_leaves_nothing(sedsql, tmp_path, target, monkeypatch):
    # Of modules that are first imported here, Python would keep half the bytecode, which no later test can load.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
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
