"""Files, folders and cells of a table, compared with astropy_healpix."""

import json
import os
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix
from hypothesis import example, given
from hypothesis import strategies as st

from sedsql.catalogue import CELL, Column, table_of
from sedsql.mirror import layout
from sedsql.mirror import writer as parquet
from sedsql.mirror.columns import as_stored
from sedsql.mirror.layout import partition_order
from sedsql.mirror.rows import sort_cells
from sedsql.mirror.writer import TableWriter, sha256

NUMBERS = table_of("s.t", "Numbers", [Column("a", "BIGINT", "mag", "phot.mag", "A number")])
PLACES = table_of("s.places", "Places", [Column("ra", "DOUBLE"), Column("dec", "DOUBLE"), Column("n", "INTEGER")])


def places(n, seed=0):
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    return pa.table({"ra": ra, "dec": dec, "n": np.arange(n, dtype=np.int32)})


def test_row_groups_are_even_whatever_the_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP", 1000)
    with TableWriter(tmp_path, NUMBERS, None, "all", {"source": "here"}) as writer:
        start = 0
        for size in (1, 999, 700, 700, 2500, 0, 99):
            writer.write(pa.table({"a": np.arange(start, start + size)}))
            start += size
        (about,) = writer.close()
    assert about.path == f"s/t/dataset/all-{about.sha256[:12]}.parquet"
    file = pq.ParquetFile(layout.on_disk(tmp_path, about))
    groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [1000, 1000, 1000, 1000, 999]
    assert groups[2].column(0).statistics.min == 2000
    assert groups[2].column(0).statistics.max == 2999
    assert groups[0].column(0).compression == "SNAPPY"
    np.testing.assert_array_equal(file.read()["a"].to_numpy(), np.arange(start))
    assert file.schema_arrow.field("a").metadata[b"unit"] == b"mag"
    assert file.schema_arrow.metadata[b"source"] == b"here"
    assert (about.rows, about.sha256) == (start, sha256(layout.on_disk(tmp_path, about)))


def test_a_reader_of_one_row_needs_few_pages(tmp_path):
    """By the bytes that DuckDB reads; before 2.0 it does not use the index of pages."""
    with TableWriter(tmp_path, NUMBERS, None, "all") as writer:
        writer.write(pa.table({"a": np.random.default_rng(1).integers(0, 2**40, 100_000).cumsum()}))
        (file,) = writer.close()
    path = layout.on_disk(tmp_path, file)
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    assert column.has_column_index
    assert column.has_offset_index
    with duckdb.connect() as con:
        con.execute("SET enable_profiling = 'json'; SET profiling_mode = 'detailed'")
        con.execute(f"SET profiling_output = '{tmp_path / 'profile.json'}'")
        wanted = pq.read_table(path)["a"][77_777].as_py()
        assert con.execute(f"SELECT a FROM read_parquet('{path}') WHERE a = {wanted}").fetchall() == [(wanted,)]
        con.execute("SET enable_profiling = 'no_output'")
    if int(duckdb.__version__.split(".")[0]) >= 2:
        read = json.loads((tmp_path / "profile.json").read_text())["io"]["total_bytes_read"]
        assert read < column.total_compressed_size / 8


def test_each_row_is_in_the_partition_of_its_position(tmp_path):
    """Against astropy_healpix, another implementation."""
    rows = places(5000)
    with TableWriter(tmp_path, PLACES, 2, "p") as writer:
        for start in range(0, 5000, 700):
            writer.write(rows.slice(start, 700))
        files = writer.close()
    assert len(files) == 192
    seen = []
    healpix = HEALPix(4, order="nested", frame="icrs")
    for file in files:
        part = pq.read_table(layout.on_disk(tmp_path, file), partitioning=None)
        at = SkyCoord(part["ra"].to_numpy() * u.deg, part["dec"].to_numpy() * u.deg)
        pixels = np.unique(healpix.skycoord_to_healpix(at))
        assert pixels.tolist() == [int(file.path.split("Npix=")[1].split("/")[0])]
        cells = part[CELL].to_numpy()
        assert (file.low, file.high) == (cells.min() >> 34, cells.max() >> 34)
        assert part.num_rows == file.rows
        seen += part["n"].to_pylist()
    assert sorted(seen) == list(range(5000))


def test_cells_of_order_29_are_those_of_another_implementation():
    rows = sort_cells(PLACES, places(2000))
    at = SkyCoord(rows["ra"].to_numpy() * u.deg, rows["dec"].to_numpy() * u.deg)
    expected = HEALPix(2**29, order="nested", frame="icrs").skycoord_to_healpix(at)
    np.testing.assert_array_equal(rows[CELL].to_numpy(), expected)
    assert (np.diff(rows[CELL].to_numpy()) > 0).all()


def test_a_row_without_a_position_is_kept(tmp_path):
    rows = pa.table({"ra": [1.0, None, 3.0], "dec": [1.0, 2.0, float("nan")], "n": pa.array([1, 2, 3], pa.int32())})
    with TableWriter(tmp_path, PLACES, 0, "p") as writer:
        writer.write(rows)
        files = writer.close()
    assert sum(file.rows for file in files) == 3


def test_only_gaia_s_source_id_stands_for_a_cell():
    columns = [Column("source_id", "BIGINT"), Column("ra", "DOUBLE"), Column("dec", "DOUBLE")]
    assert CELL not in as_stored(table_of("gaiadr3.gaia_source", None, columns)).columns
    assert as_stored(table_of("other.survey", None, columns)).sort_column == CELL
    assert as_stored(table_of("gaiadr3.match", None, columns[:1])).sort_column == "source_id"


def test_nothing_is_left_of_files_that_were_not_finished(tmp_path):
    with TableWriter(tmp_path, PLACES, 1, "p") as writer:
        writer.write(places(1000))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_partitions_hold_three_million_rows_at_most_on_average():
    assert [partition_order(rows) for rows in (1, 30_000_000, 50_000_000, 1_811_709_771)] == [0, 0, 1, 3]
    # A region is no sky: its few partitions hold all its rows.
    assert partition_order(10_000_000, sky=0.01) == 3


@pytest.mark.parametrize(
    ("name", "parts", "folder"),
    [
        ("gaiadr3.gaia_source", ("gaiadr3", "gaia_source"), "gaiadr3/gaia_source/dataset"),
        ("J/A+A/650/A1/table.2", ("main", "J/A+A/650/A1/table.2"), "main/J_A+A_650_A1_table.2-db42fdfc/dataset"),
        ("viz.I/355/gaiadr3", ("viz", "I/355/gaiadr3"), "viz/I_355_gaiadr3-5c1f2b80/dataset"),
        ("stars", ("main", "stars"), "main/stars/dataset"),
    ],
)
def test_names_of_tables_are_names_of_folders(name, parts, folder):
    table = table_of(name, None, [])
    assert (table.parts, layout.folder_of(table)) == (parts, folder)


NAMES = st.text(st.sampled_from("./\\aA\u0000 ~-_") | st.characters(codec="utf-8"), min_size=1, max_size=300)


@given(st.lists(NAMES, min_size=2, max_size=20, unique=True))
@example(["../../../x", "/x", "..", ".", "a..", "..a", "a.", ".a", "/etc/passwd", "a/b", "a_b", "a/b.c/d", "C:\\x"])
@example(["x" * 300, "x" * 299 + "y", "\u212b" * 300, "a_b-c14cddc0", "a/b"])
def test_every_table_has_a_folder_of_its_own_within_the_mirror(names):
    folders = [layout.folder_of(table_of(name, None, [])) for name in names]
    mirror = Path("/some/mirror")
    for folder in folders:
        place = Path(os.path.normpath(mirror / folder))
        assert place.parts[:3] == mirror.parts
        assert len(place.parts) == 6
        assert max(len(os.fsencode(part)) for part in place.parts) <= 255
    parts = [table_of(name, None, []).parts for name in names]
    assert len(set(folders)) == len(set(parts))
