"""Files are added to a table that is there, and broken files are refused: no row is doubled or changed."""

import gzip
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from bulk import NAME, files_in, rows_in, stars, write_bulk

from sedsql.files import TableError
from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import import_files
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror

# What is there already


@pytest.fixture
def sky(tmp_path):
    write_bulk(tmp_path / "first.csv.gz", stars(100))
    import_files(tmp_path / "sky", [tmp_path / "first.csv.gz"], NAME)
    return tmp_path / "sky"


def refused(mirror, error, words, *arguments, **options):
    """The import fails in these words and leaves every file as it was."""
    before = files_in(mirror)
    rows = rows_in(mirror)
    with pytest.raises(error, match=words):
        import_files(mirror, *arguments, **options)
    after = files_in(mirror)
    assert before.keys() == after.keys()
    assert {p for p in after if before[p] != after[p]} <= {mirror / "mirror.duckdb"}
    assert rows_in(mirror).equals(rows)


def test_other_rows_are_added(sky, tmp_path):
    write_bulk(tmp_path / "more.csv.gz", stars(60, 100))
    assert import_files(sky, [tmp_path / "more.csv.gz"], NAME) == 60
    assert rows_in(sky).equals(pa.concat_tables([stars(100), stars(60, 100)]))


def test_no_row_comes_twice(sky, tmp_path):
    write_bulk(tmp_path / "more.csv.gz", pa.concat_tables([stars(100).slice(90), stars(60, 100)]))
    refused(
        sky,
        MirrorError,
        "^10 values of source_id of the files are in gaiadr3.gaia_source of this mirror already.*--replace",
        [tmp_path / "more.csv.gz"],
        NAME,
    )
    again = [write_bulk(tmp_path / f"{k}.csv.gz", stars(60, 200)) for k in range(2)]
    refused(sky, MirrorError, "^60 values of source_id appear more than once in the files", again, NAME)
    with pytest.raises(TableError, match="is named twice"):
        import_files(sky, [again[0], again[0]], NAME)


def test_rows_of_a_match_table_are_compared_as_a_whole(tmp_path):
    match = pa.table({"source_id": [5, 5, 7], "allwise_oid": [1, 2, None], "angular_distance": [0.1, 0.2, None]})
    pq.write_table(match, tmp_path / "a.parquet")
    pq.write_table(match.slice(2), tmp_path / "b.parquet")
    import_files(tmp_path / "sky", [tmp_path / "a.parquet"], "gaiadr3.allwise_neighbourhood")
    with pytest.raises(MirrorError, match=r"^1 rows of the files are in"):
        import_files(tmp_path / "sky", [tmp_path / "b.parquet"], "gaiadr3.allwise_neighbourhood")
    with pytest.raises(MirrorError, match=r"^1 rows appear more than once"):
        import_files(
            tmp_path / "new", [tmp_path / "a.parquet", tmp_path / "b.parquet"], "gaiadr3.allwise_neighbourhood"
        )


def test_replace_leaves_nothing_of_the_old_table(sky, tmp_path):
    rows = stars(20, 50).drop_columns(["rv_nb_transits"])
    write_bulk(tmp_path / "new.csv.gz", rows)
    import_files(sky, [tmp_path / "new.csv.gz"], NAME, replace=True)
    with open_mirror(sky) as con:
        assert con.sql(f"SELECT * FROM {NAME}").to_arrow_table().column_names == rows.column_names
    files = [path.relative_to(sky).as_posix() for path in sky.rglob("*.parquet")]
    assert files == list(Mirror.read(sky).tables[NAME].files)
    schema = pq.read_schema(next(sky.rglob("_common_metadata")))
    assert schema.names == rows.column_names


def test_another_table_is_not_mixed_in(sky, tmp_path, tiny_sky):
    write_bulk(tmp_path / "a.csv.gz", stars(5, 300).drop_columns(["ra"]))
    refused(sky, MirrorError, r"a.csv.gz lacks the column ra, which .* has", [tmp_path / "a.csv.gz"], NAME)
    more = stars(5, 300).append_column("extra", pa.array(range(5)))
    write_bulk(tmp_path / "b.csv.gz", more)
    refused(sky, MirrorError, r"b.csv.gz has the column extra, which .* has not", [tmp_path / "b.csv.gz"], NAME)
    refused(
        sky,
        TableError,
        "a.csv.gz has no column ra, extra, which .*b.csv.gz has",
        [tmp_path / "b.csv.gz", tmp_path / "a.csv.gz"],
        NAME,
    )
    shutil.copytree(tiny_sky, tmp_path / "simulated")
    with pytest.raises(MirrorError, match="comes from `sedsql mirror sample`, which is not mixed with files"):
        import_files(tmp_path / "simulated", [tmp_path / "b.csv.gz"], NAME)


# What is broken


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda text: text + b"1,2\n", "line 66: .*Expected 8 columns, got 2"),
        (lambda text: text.replace(b"source_id,desig", b"sourceid,desig"), "its header and its line of names"),
        (lambda text: text.replace(b"float32", b"complex64"), "column phot_g_mean_mag is of ECSV's type complex64"),
        (lambda text: text[: text.index(b"source_id,desig")], "is empty: it has no line of column names"),
        (lambda text: text.replace(b"# - {name", b"# - {{name"), "cannot be read as ECSV"),
    ],
)
def test_a_broken_file_is_named_and_nothing_is_changed(sky, tmp_path, break_it, words):
    write_bulk(tmp_path / "good.csv.gz", stars(50, 300))
    write_bulk(tmp_path / "bad.csv.gz", stars(50, 400))
    broken = break_it(gzip.decompress((tmp_path / "bad.csv.gz").read_bytes()))
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(broken))
    refused(sky, TableError, f"bad.csv.gz.*({words})", [tmp_path / "good.csv.gz", tmp_path / "bad.csv.gz"], NAME)


def test_the_line_of_a_wrong_value_is_told(sky, tmp_path):
    write_bulk(tmp_path / "bad.csv.gz", stars(50, 400))
    lines = gzip.decompress((tmp_path / "bad.csv.gz").read_bytes()).split(b"\n")
    lines[39] = lines[39].replace(b'"Gaia', b'here,"Gaia').replace(b",here", b"x", 1)
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    refused(
        sky, TableError, "bad.csv.gz cannot be read, line 40, column source_id: .*x'", [tmp_path / "bad.csv.gz"], NAME
    )


@pytest.mark.parametrize("cut", [lambda whole: whole[:-4], lambda whole: whole[: len(whole) // 2]])
def test_a_download_that_was_cut_is_refused(sky, tmp_path, cut):
    whole = write_bulk(tmp_path / "a.csv.gz", stars(5000, 400)).read_bytes()
    (tmp_path / "a.csv.gz").write_bytes(cut(whole))
    refused(sky, TableError, "a.csv.gz cannot be read.*ended before", [tmp_path / "a.csv.gz"], NAME)


def test_a_bit_that_fell_over_is_found(sky, tmp_path):
    whole = bytearray(write_bulk(tmp_path / "a.csv.gz", stars(50, 400)).read_bytes())
    whole[-6] ^= 1  # in the checksum
    (tmp_path / "a.csv.gz").write_bytes(whole)
    refused(sky, TableError, "a.csv.gz cannot be read: CRC check failed", [tmp_path / "a.csv.gz"], NAME)


@pytest.mark.parametrize("ending", ["parquet", "fits", "vot"])
def test_half_a_file_is_refused(sky, tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    table = Table({"source_id": np.arange(2000) << 35, "ra": np.zeros(2000), "dec": np.zeros(2000)})
    table.write(path, format={"vot": "votable"}.get(ending, ending))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(sky, TableError, rf"a\.{ending} cannot be read", [path], NAME)


def test_what_is_no_file_or_no_name_is_said(tmp_path):
    with pytest.raises(TableError, match=r"nowhere.csv does not exist"):
        import_files(tmp_path / "sky", [tmp_path / "nowhere.csv"], NAME)
    (tmp_path / "a.txt").touch()
    with pytest.raises(TableError, match=r"a.txt: the ending of the name says the format"):
        import_files(tmp_path / "sky", [tmp_path / "a.txt"], NAME)
    with pytest.raises(MirrorError, match="'a b' is no name for a table"):
        import_files(tmp_path / "sky", [tmp_path / "a.txt"], "a b")
    assert not (tmp_path / "sky").exists()


def test_a_full_disk_is_told_before_anything_is_written(sky, tmp_path, monkeypatch):
    write_bulk(tmp_path / "a.csv.gz", stars(5000, 400))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    refused(sky, MirrorError, "has 0.0 GB left, and the files take about", [tmp_path / "a.csv.gz"], NAME)
