"""HATS catalogues and files on S3 become tables of a mirror on disk: used where they lie, or copied."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mirror.test_hats import stars, write_hats
from servers.storage import forget

import sedsql
from sedsql.files import TableError
from sedsql.files.errors import StorageError
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.repair import repair
from sedsql.mirror.verify import verify

pytestmark = pytest.mark.s3

BUCKET = "catalogues"
CONE = "SELECT obj FROM my.survey WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(10, 80, 4)) ORDER BY obj"


@pytest.fixture(scope="module", autouse=True)
def bucket(s3):
    s3.make(BUCKET)


@pytest.mark.parametrize("nested", [False, True], ids=["file", "folder"])
def test_a_catalogue_is_used_where_it_lies(s3, tmp_path, nested):
    theirs = write_hats(tmp_path / "theirs", stars(2000), nested=nested)
    there = f"s3://{BUCKET}/nested-{nested}"
    s3.upload(theirs, BUCKET, f"nested-{nested}")
    assert import_files(tmp_path / "there", [there], "my.survey") == 2000
    assert import_files(tmp_path / "here", [theirs], "my.survey") == 2000
    here, remote = (Mirror.read(tmp_path / name).tables["my.survey"] for name in ("here", "there"))
    assert (remote.table, remote.rows, remote.bytes) == (here.table, here.rows, here.bytes)
    assert remote.place == there
    assert [file.low for file in remote.files.values()] == [file.low for file in here.files.values()]
    with sedsql.connect(tmp_path / "here") as disk, sedsql.connect(tmp_path / "there") as con:
        query = "SELECT obj, ra, dec, mag FROM my.survey ORDER BY obj"
        assert con.execute(query).fetchall() == disk.execute(query).fetchall()
        expected = disk.execute(CONE).fetchall()
        forget()
        s3.proxy.clear()
        assert con.execute(CONE).fetchall() == expected
        assert expected
        asked = {path for _, path, _ in s3.proxy.asked}
        assert 0 < len(asked) <= len(remote.files) / 8  # of the partitions around the cone alone
    assert list((tmp_path / "there").rglob("*.parquet")) == []


def test_verify_and_repair_tell_what_is_gone_from_what_does_not_answer(s3, tmp_path):
    theirs = write_hats(tmp_path / "theirs", stars(500))
    s3.upload(theirs, BUCKET, "verified")
    import_files(tmp_path / "sky", [f"s3://{BUCKET}/verified"], "my.survey")
    mirror = Mirror.read(tmp_path / "sky")
    assert list(verify(mirror, lambda *_: None)) == []
    forget()
    with (
        s3.proxy.going_wrong(lambda *_: ("status", 403, "AccessDenied")),
        pytest.raises(StorageError, match="may not be read"),
    ):
        repair(tmp_path / "sky", lambda *_: None)
    some = sorted(theirs.rglob("Npix=*.parquet"))[0].relative_to(theirs).as_posix()
    s3.delete(BUCKET, f"verified/{some}")
    forget()
    (problem,) = verify(mirror, lambda *_: None)
    assert (problem.file, problem.what) == (f"cached+s3://{BUCKET}/verified/{some}", "is gone")
    with (
        sedsql.connect(tmp_path / "sky") as con,
        pytest.raises(StorageError, match=f"no object s3://{BUCKET}/verified"),
    ):
        con.execute("SELECT COUNT(*) AS n, SUM(ra) AS s FROM my.survey").fetchall()


def test_what_is_no_catalogue_is_told(s3, tmp_path):
    with pytest.raises(TableError, match=r"^s3://catalogues/none is no HATS catalogue: it has neither hats.properties"):
        import_files(tmp_path / "sky", [f"s3://{BUCKET}/none"], "my.survey")
    with pytest.raises(StorageError, match="There is no bucket s3://nowhere-at-all"):
        import_files(tmp_path / "sky", ["s3://nowhere-at-all/none"], "my.survey")
    s3.put(BUCKET, "bare/hats.properties", b"dataproduct_type=object\n")
    with pytest.raises(TableError, match=r"^s3://catalogues/bare has no Parquet files under dataset"):
        import_files(tmp_path / "sky", [f"s3://{BUCKET}/bare"], "my.survey")
    theirs = write_hats(tmp_path / "theirs", stars(300))
    next(theirs.rglob("Npix=*.parquet")).unlink()
    s3.upload(theirs, BUCKET, "part")
    with pytest.raises(TableError, match="s3://catalogues/part is not whole"):
        import_files(tmp_path / "sky", [f"s3://{BUCKET}/part"], "my.survey")
    assert not (tmp_path / "sky").exists()


def test_files_are_copied(s3, tmp_path):
    rows = pa.table({"ra": np.arange(100.0), "dec": np.arange(100.0) / 2, "flux": np.arange(100)})
    for number in range(2):
        pq.write_table(rows.slice(50 * number, 50), tmp_path / f"part{number}.parquet")
        s3.put(BUCKET, f"files/part{number}.parquet", (tmp_path / f"part{number}.parquet").read_bytes())
    one, other = (f"s3://{BUCKET}/files/part{number}.parquet" for number in range(2))
    assert import_files(tmp_path / "a", [one, tmp_path / "part1.parquet"], "my.fluxes") == 100
    assert import_files(tmp_path / "b", [one], "my.fluxes") == 50
    assert import_files(tmp_path / "b", [other], "my.fluxes") == 50
    assert import_files(tmp_path / "c", [f"s3://{BUCKET}/files/*.parquet"], "my.fluxes") == 100
    for name in "abc":
        with open_mirror(tmp_path / name) as con:
            assert con.execute("SELECT count(*), sum(flux) FROM my.fluxes").fetchone() == (100, 4950)
    with pytest.raises(
        TableError, match=r"^No object in s3://catalogues/files is called s3://catalogues/files/\*.csv$"
    ):
        import_files(tmp_path / "d", [f"s3://{BUCKET}/files/*.csv"], "my.fluxes")


def test_a_catalogue_on_the_web(s3, tmp_path):
    theirs = write_hats(tmp_path / "theirs", stars(400))
    files = sorted(theirs.rglob("Npix=*.parquet"))
    orders = [(path.parts[-3].partition("=")[2], path.stem.partition("=")[2]) for path in files]
    lines = ["Norder,Npix,num_rows", *(f"{order},{pixel},1" for order, pixel in orders)]
    (theirs / "partition_info.csv").write_text("\n".join(lines))
    s3.upload(theirs, BUCKET, "web", public=True)
    assert import_files(tmp_path / "sky", [f"{s3.proxy.url}/{BUCKET}/web"], "my.survey") == 400
    with sedsql.connect(tmp_path / "sky") as con:
        assert con.execute("SELECT COUNT(*) AS n, SUM(obj) AS s FROM my.survey").fetchone() == (400, 79800)


WITHOUT = """
import sys
sys.modules["obstore"] = None
import sedsql
with sedsql.connect(sys.argv[1]) as con:
    print(con.execute("SELECT COUNT(*) AS n FROM my.own").fetchone())
    try:
        con.execute("SELECT COUNT(*) AS n FROM my.survey").fetchone()
    except sedsql.Error as error:
        print(error)
"""


def test_without_the_packages_other_tables_of_the_mirror_are_read(s3, tmp_path):
    s3.upload(write_hats(tmp_path / "theirs", stars(300)), BUCKET, "beside")
    import_files(tmp_path / "sky", [f"s3://{BUCKET}/beside"], "my.survey")
    pq.write_table(stars(20), tmp_path / "own.parquet")
    import_files(tmp_path / "sky", [tmp_path / "own.parquet"], "my.own")
    ran = subprocess.run([sys.executable, "-c", WITHOUT, tmp_path / "sky"], capture_output=True, text=True)
    count, told = ran.stdout.splitlines()
    assert count == "(20,)"
    assert told.endswith("and obstore is not installed; `pip install 'sedsql[s3]'` installs them")


def test_a_file_that_is_no_table_is_named_by_its_address(s3, tmp_path):
    s3.put(BUCKET, "bad/rows.parquet", b"no Parquet")
    with pytest.raises(TableError, match=r"^s3://catalogues/bad/rows\.parquet cannot be read as parquet: "):
        import_files(tmp_path / "sky", [f"s3://{BUCKET}/bad/rows.parquet"], "my.survey")
    with pytest.raises(TableError, match=r"^s3://catalogues is no HATS catalogue"):
        import_files(tmp_path / "sky", [f"s3://{BUCKET}"], "my.survey")
    assert not (tmp_path / "sky").exists()
