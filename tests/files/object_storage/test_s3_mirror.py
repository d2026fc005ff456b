"""A mirror on S3 answers as the same one on disk, and a cone reads no more than DuckDB reads from disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from servers.storage import BUCKET, forget

import sedsql
from sedsql.files.resources import folder

pytestmark = pytest.mark.s3

MOST = 1.2
"""Of the bytes that DuckDB reads from disk for the same cone."""

EXAMPLES = sorted((folder("sql") / "examples").glob("*.adql"))
CONE = "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({}, {}, {}))"
CENTRES = ((83.8, -5.4, 1), (266.4, -29.0, 0.5), (120.0, 30.0, 4))
CONES = {
    "gaia": "SELECT s.source_id, s.ra, s.dec, s.phot_g_mean_mag, s.parallax FROM gaiadr3.gaia_source AS s WHERE",
    "photometry": "SELECT * FROM sed.photometry AS s WHERE",
    "class": "SELECT s.source_id, sed_class(s) AS class, sed_proba(s, 'yso') AS yso FROM sed.photometry AS s WHERE",
    "classified": "SELECT s.source_id, s.class, s.outlier FROM sed.classified AS s WHERE",
}

QUERIES = [
    "SELECT COUNT(*) AS n, AVG(phot_g_mean_mag) AS g, MIN(ra) AS ra FROM gaiadr3.gaia_source",
    "SELECT class, COUNT(*) AS n FROM sed.classified GROUP BY class ORDER BY class",
    "SELECT TOP 20 source_id, sed_proba(s, 'agn') AS p FROM sed.photometry AS s ORDER BY p DESC, source_id",
    "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS g JOIN gaiadr3.allwise_best_neighbour AS b "
    "ON b.source_id = g.source_id WHERE g.dec > 60",
]

ON_DISK = """
import ctypes, json, sys
import sedsql
reads = ctypes.CDLL(sys.argv[1])
reads.parquet_bytes.restype = ctypes.c_long
with sedsql.connect(sys.argv[2]) as con:
    before = reads.parquet_bytes()
    rows = len(con.execute(sys.argv[3]).fetchall())
    print(json.dumps([rows, reads.parquet_bytes() - before]))
"""


@pytest.fixture(scope="session")
def counting(tmp_path_factory):
    """The library of reads.c."""
    library = tmp_path_factory.mktemp("reads") / "reads.so"
    source = Path(__file__).with_name("reads.c")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def read_from_disk(counting, sky, query):
    """Rows of a query on a mirror on disk and the bytes of Parquet that it reads."""
    command = [sys.executable, "-c", ON_DISK, counting, sky, query]
    preloaded = os.environ | {"LD_PRELOAD": str(counting)}
    ran = subprocess.run(command, env=preloaded, capture_output=True, check=True)
    return json.loads(ran.stdout)


@pytest.mark.parametrize("sky", ["joined", "stored"])
@pytest.mark.parametrize("cone", CONES)
def test_a_cone_reads_hardly_more_than_from_disk(s3, skies, counting, sky, cone):
    for centre in CENTRES:
        query = f"{CONES[cone]} {CONE.format(*centre)}"
        rows, query_alone = read_from_disk(counting, skies[sky], query)
        forget()
        with sedsql.connect(f"s3://{BUCKET}/{sky}") as con:
            s3.proxy.clear()
            found = con.execute(query).fetchall()
            first = s3.proxy.bytes_of(".parquet")
            s3.proxy.clear()
            assert con.execute(query).fetchall() == found
            again = s3.proxy.bytes_of(".parquet")
        with sedsql.connect(skies[sky]) as con:
            assert sorted(map(str, con.execute(query).fetchall())) == sorted(map(str, found))
        assert len(found) == rows
        print(f"{sky} {cone} {centre}: {rows} rows, disk {query_alone:,}, S3 {first:,} ({first / query_alone:.2f})")
        assert first <= MOST * query_alone
        assert again == 0


@pytest.mark.parametrize("sky", ["joined", "stored"])
def test_rows_are_those_from_disk(s3, skies, sky):
    queries = [path.read_text(encoding="utf-8") for path in EXAMPLES] + QUERIES
    with sedsql.connect(skies[sky]) as disk, sedsql.connect(f"s3://{BUCKET}/{sky}") as there:
        assert there.catalogue == disk.catalogue
        for query in queries:
            expected, found = disk.execute(query).arrow(), there.execute(query).arrow()
            key = [(name, "ascending") for name in expected.column_names if expected[name].type != "list<item: double>"]
            assert found.sort_by(key).equals(expected.sort_by(key)), query
            assert expected.num_rows
