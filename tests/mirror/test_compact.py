"""Merging files keeps every row, and an interruption changes nothing."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sedsql.catalogue import Column, table_of
from sedsql.mirror import compact, layout
from sedsql.mirror.database import open_mirror
from sedsql.mirror.lock import writing
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import TableWriter

TABLE = table_of("gaia.t", None, [Column("source_id", "BIGINT"), Column("x", "DOUBLE", "mag", "phot.mag", "A number")])
CELLS = 12 << 24


def quiet(what, done, of=None):
    pass


def written(mirror, parts, order=0):
    """A mirror with a file for each part in each partition."""
    stored = TableState(TABLE, order, "http://tap.example.org", partitioning={"kind": "cells"}, wanted=[(0, CELLS)])
    for number, ids in enumerate(parts):
        piece = Piece(f"p{number}", [(number * 10, number * 10 + 10)], len(ids))
        about = [{"name": piece.name, "ranges": piece.ranges, "rows": piece.rows}]
        with TableWriter(mirror, TABLE, order, piece.name, None, about) as writer:
            writer.write(pa.table({"source_id": ids, "x": np.sqrt(ids)}))
            stored.files |= {file.path: file for file in writer.close()}
        stored.pieces[piece.name] = piece
    with writing(mirror):
        Mirror(mirror, {"gaia.t": stored}).save()
    return Mirror.read(mirror)


def all_rows(mirror):
    with open_mirror(mirror) as con:
        return con.sql("SELECT * FROM gaia.t ORDER BY source_id").to_arrow_table()


@pytest.mark.parametrize("how", ["one after the other", "mixed"])
def test_pieces_become_one_sorted_file_a_partition(tmp_path, how):
    ids = np.sort(np.random.default_rng(2).choice(CELLS, 3000, replace=False)) << 35
    parts = np.split(ids, 6) if how == "one after the other" else [ids[k::6] for k in range(6)]
    mirror = written(tmp_path, parts)
    before = all_rows(tmp_path)
    many = len(mirror.tables["gaia.t"].files)
    with writing(tmp_path):
        assert compact.compact(mirror, mirror.tables["gaia.t"], quiet) == (many, 12)
    assert many > 12
    assert all_rows(tmp_path).equals(before)
    mirror = Mirror.read(tmp_path)
    on_disk = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")}
    assert on_disk == set(mirror.tables["gaia.t"].files)
    for file in mirror.tables["gaia.t"].files.values():
        part = pq.ParquetFile(tmp_path / file.path)
        cells = part.read()["source_id"].to_numpy() >> 35
        assert (np.diff(cells) > 0).all()
        assert (file.low, file.high, file.rows) == (cells[0], cells[-1], len(cells))
        assert part.schema_arrow.field("x").metadata[b"unit"] == b"mag"
    # A second time there is nothing to do.
    with writing(tmp_path):
        assert compact.compact(mirror, mirror.tables["gaia.t"], quiet) == (12, 12)


def test_partitions_become_smaller_as_a_table_grows(tmp_path, monkeypatch):
    ids = np.sort(np.random.default_rng(3).choice(CELLS, 4000, replace=False)) << 35
    mirror = written(tmp_path, np.split(ids, 4))
    mirror.tables["gaia.t"].pieces = {"all": Piece("all", [(0, CELLS)], 4000)}
    before = all_rows(tmp_path)
    monkeypatch.setattr(layout, "PARTITION_ROWS", 100)
    with writing(tmp_path):
        compact.compact(mirror, mirror.tables["gaia.t"], quiet)
    (after,) = Mirror.read(tmp_path).tables.values()
    assert after.order == 1
    assert len(after.files) == 48
    assert all("/Norder=1/" in path for path in after.files)
    assert all_rows(tmp_path).equals(before)
    assert not (tmp_path / "gaia/t/dataset/Norder=0").exists()


def test_an_interrupted_compaction_changes_nothing(tmp_path):
    ids = np.arange(0, CELLS, CELLS // 600, dtype=np.int64) << 35
    mirror = written(tmp_path, [ids[k::5] for k in range(5)])
    before, files = all_rows(tmp_path), set(mirror.tables["gaia.t"].files)

    def stop(what, done, of=None):
        if done > 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(tmp_path):
        compact.compact(mirror, mirror.tables["gaia.t"], stop)
    mirror = Mirror.read(tmp_path)
    assert set(mirror.tables["gaia.t"].files) == files
    mirror.sweep()
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")} == files
    assert all_rows(tmp_path).equals(before)


def test_many_small_files_are_compacted_by_themselves(tmp_path):
    ids = np.arange(0, CELLS, CELLS // 1200, dtype=np.int64) << 35
    mirror = written(tmp_path, [ids[k::5] for k in range(5)])
    assert len(mirror.tables["gaia.t"].files) == 60
    with writing(tmp_path):
        compact.compact_small(mirror, quiet)
    assert len(mirror.tables["gaia.t"].files) == 12
