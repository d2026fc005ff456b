"""A mirror on S3 answers as the same one on disk, and a cone reads no more than DuckDB reads from disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from servers.storage import forget

import sedsql
from sedsql.files import resources
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror

pytestmark = pytest.mark.s3

MOST = 1.2
"""Of the bytes that DuckDB reads from disk for the same cone."""

EXAMPLES = sorted((resources.folder("sql") / "examples").glob("*.adql"))
CONE = "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE({}, {}, {}))"
CENTRES = ((83.8, -5.4, 1), (266.4, -29.0, 0.5))
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
for query in sys.argv[3:]:
    with sedsql.connect(sys.argv[2]) as con:
        before = reads.parquet_bytes()
        rows = con.execute(query).fetchall()
        print(json.dumps([sorted(map(str, rows)), reads.parquet_bytes() - before]))
"""


@pytest.fixture(scope="session")
def counting(tmp_path_factory):
    """The library of reads.c."""
    library = tmp_path_factory.mktemp("reads") / "reads.so"
    source = Path(__file__).with_name("reads.c")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def read_from_disk(counting, sky, queries):
    """Rows of each query on a mirror on disk, just opened, and the bytes of Parquet that it reads."""
    command = [sys.executable, "-c", ON_DISK, counting, sky, *queries]
    preloaded = os.environ | {"LD_PRELOAD": str(counting)}
    ran = subprocess.run(command, env=preloaded, capture_output=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.parametrize("sky", ["joined", "stored"], indirect=True)
def test_a_cone_reads_hardly_more_than_from_disk(s3, counting, sky, tmp_path, monkeypatch):
    folder, address = sky
    queries = [f"{cone} {CONE.format(*centre)}" for cone in CONES.values() for centre in CENTRES]
    from_disk = read_from_disk(counting, folder, queries)
    for number, (query, (rows, on_disk)) in enumerate(zip(queries, from_disk, strict=True)):
        forget()
        monkeypatch.setenv("SEDSQL_CACHE", str(tmp_path / f"cache-{number}"))
        with sedsql.connect(address) as con:
            s3.proxy.clear()
            assert sorted(map(str, con.execute(query).fetchall())) == rows
            first, requests = s3.proxy.bytes_of(".parquet"), len(s3.proxy.asked)
            s3.proxy.clear()
            con.execute(query).fetchall()
            again = s3.proxy.bytes_of(".parquet")
        print(
            f"{address}: {len(rows)} rows, disk {on_disk:,}, S3 {first:,} ({first / on_disk:.2f}), {requests} requests"
        )
        assert rows
        assert first <= MOST * on_disk
        assert again == 0


@pytest.mark.parametrize("sky", ["joined", "stored"], indirect=True)
def test_rows_are_those_from_disk(s3, sky):
    folder, address = sky
    queries = [path.read_text(encoding="utf-8") for path in EXAMPLES] + QUERIES
    with sedsql.connect(folder) as disk, sedsql.connect(address) as there:
        assert there.catalogue == disk.catalogue
        for query in queries:
            expected, found = disk.execute(query).arrow(), there.execute(query).arrow()
            key = [(name, "ascending") for name in expected.column_names if expected[name].type != "list<item: double>"]
            assert found.sort_by(key).equals(expected.sort_by(key)), query
            assert expected.num_rows


def test_a_mirror_that_is_replaced_is_followed(s3, sky_of):
    s3.make("followed")
    s3.upload(sky_of(50, seed=3), "followed")
    count = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
    with sedsql.connect("s3://followed") as con:
        assert con.execute(count).fetchone() == (50,)
        s3.upload(sky_of(70, seed=4), "followed")
        con.follow()
        assert con.execute(count).fetchone() == (70,)


def test_a_mirror_whose_files_are_replaced_under_a_reader_is_read_anew(s3, sky_of):
    s3.make("swapped")
    old = sky_of(50, seed=3)
    s3.upload(old, "swapped")
    with sedsql.connect("s3://swapped") as con:
        for path in old.rglob("*.parquet"):
            s3.delete("swapped", path.relative_to(old).as_posix())
        s3.upload(sky_of(70, seed=4), "swapped")
        forget()
        assert con.execute("SELECT COUNT(*) AS n, SUM(ra) AS s FROM gaiadr3.gaia_source").fetchone()[0] == 70


def test_it_is_only_read(s3, joined):
    with pytest.raises(MirrorError, match=r"s3://sky-bucket/joined is on object storage, where mirrors are only read"):
        sedsql.connect(joined, read_only=False)
    for change in (Mirror.change, Mirror.change_or_make, Mirror.new):
        with pytest.raises(MirrorError, match="only read"), change(joined):
            pass
    with sedsql.connect(joined) as con:
        assert str(con.mirror) == "s3:/sky-bucket/joined"  # as pathlib writes it, which is understood
        assert f"to the mirror {joined}, " in repr(con)
        assert sedsql.connect(con.mirror).execute("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source").fetchone()[0] > 0


def test_batches_come_from_there(s3, joined, joined_sky):
    with sedsql.connect(joined) as con:
        rows = sum(batch.num_rows for batch in con.execute("SELECT ra, dec FROM gaiadr3.gaia_source").batches())
    assert rows == Mirror.read(joined_sky).tables["gaiadr3.gaia_source"].rows
