"""Readers of a mirror go on reading while others change it."""

import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest

from sedsql import connect
from sedsql.catalogue import Column, table_of
from sedsql.mirror.compact import compact
from sedsql.mirror.ingest import import_files
from sedsql.mirror.layout import hidden
from sedsql.mirror.lock import writing
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import TableWriter

TABLE = table_of("gaia.t", "Some sources", [Column("source_id", "BIGINT"), Column("g", "REAL")])
PIECES = 24
ROWS = 400


def in_pieces(mirror):
    """A mirror of one table in many small files, the same each time."""
    mirror.mkdir(exist_ok=True)
    one = TableState(TABLE, 0, "http://tap.example.org", partitioning={"kind": "cells"}, wanted=[(0, PIECES * ROWS)])
    held = Mirror(mirror, {"gaia.t": one})
    for low in range(0, PIECES * ROWS, ROWS):
        piece = Piece(f"{low}-{low + ROWS}", [(low, low + ROWS)], ROWS, ROWS)
        ids = pa.array(range(low << 35, low + ROWS << 35, 1 << 35))
        with TableWriter(mirror, TABLE, 0, piece.name) as writer:
            writer.write(pa.table({"source_id": ids, "g": pa.array([1.0] * ROWS, pa.float32())}))
            held.add_piece(one, piece, writer.close())
    with writing(mirror) as lock:
        held.save()
        lock.truncate(0)
    return mirror


@pytest.fixture
def mirror(tmp_path):
    return in_pieces(tmp_path / "sky")


def compacted(mirror):
    with Mirror.change(mirror, wait=True) as held:
        compact(held, held.tables["gaia.t"], lambda *_: None)


def replaced(mirror, rows):
    file = mirror.parent / f"{rows}.csv"
    file.write_text("source_id,g\n" + "".join(f"{k << 35},2.5\n" for k in range(rows)))
    import_files(mirror, [file], "gaia.t", replace=True)


def told(con, query):
    explain = []
    con.translate(query, explain)
    return explain


COUNT = "SELECT COUNT(*) AS n, COUNT(DISTINCT source_id) AS d FROM gaia.t"
WHOLE = (PIECES * ROWS, PIECES * ROWS)


@pytest.mark.parametrize("fetch", ["rows", "arrow", "batches", "df", "table"])
def test_an_answer_that_is_fetched_after_a_change_is_whole(mirror, fetch):
    take = {
        "rows": lambda cursor: len(cursor.fetchall()),
        "arrow": lambda cursor: cursor.arrow().num_rows,
        "batches": lambda cursor: sum(batch.num_rows for batch in cursor.batches(100)),
        "df": lambda cursor: len(cursor.df()),
        "table": lambda cursor: len(cursor.table()),
    }[fetch]
    with connect(mirror) as con:
        asked = con.execute("SELECT source_id, g FROM gaia.t")
        prepared = con.execute("SELECT source_id FROM gaia.t WHERE source_id >= ?", [0])
        some = f"SELECT g FROM gaia.t WHERE source_id < {ROWS << 35}"
        assert told(con, some) == ["t is read from 1 of its 24 files"]
        named = con.execute(some)
        compacted(mirror)
        assert take(asked) == take(prepared) == PIECES * ROWS
        assert take(named) == ROWS
        assert con.execute(COUNT).fetchone() == WHOLE


def test_an_open_mirror_has_what_came_since(mirror, tmp_path):
    with connect(mirror) as con, connect(mirror) as sql:
        con.upload("mine", pa.table({"source_id": [0, 1 << 35]}))
        assert con.execute(COUNT).fetchone() == WHOLE
        replaced(mirror, 7)
        (tmp_path / "more.csv").write_text("a,b\n1,2\n")
        import_files(mirror, [tmp_path / "more.csv"], "s.more")
        assert con.execute(COUNT).fetchone() == (7, 7)
        assert con.execute("SELECT a, b FROM s.more").fetchall() == [(1, 2)]
        assert con.execute("SELECT t.g FROM gaia.t AS t JOIN TAP_UPLOAD.mine AS m USING (source_id)").fetchall() == [
            (2.5,),
            (2.5,),
        ]
        assert sql.sql("SELECT count(*) FROM gaia.t").fetchall() == [(7,)]


def test_a_file_that_is_gone_is_still_told(mirror):
    with connect(mirror) as con:
        (mirror / next(iter(Mirror.read(mirror).tables["gaia.t"].files))).unlink()
        with pytest.raises(con.Error, match=r"dataset/Norder=0.*\.parquet"):
            con.execute("SELECT g FROM gaia.t").fetchall()


READER = """
import sys, time
import sedsql
con = sedsql.connect(sys.argv[1])
seen = set()
print("reading", flush=True)
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    cursor = con.execute("SELECT source_id, g FROM gaia.t")
    rows = cursor.arrow() if len(seen) % 2 else cursor.fetchall()
    seen.add(len(rows))
    assert len(rows) in (9600, 7), len(rows)
print(sorted(seen))
"""


@pytest.mark.thorough
def test_two_processes_and_threads_read_while_a_third_changes(mirror):
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(mirror), "6"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert all(reader.stdout.readline() == "reading\n" for reader in readers)
    stop, failed, counted = threading.Event(), [], set()
    with connect(mirror) as con:

        def read():
            try:
                while not stop.is_set():
                    counted.add(con.execute(COUNT).fetchone())
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        changes, until = 0, time.monotonic() + 4
        while time.monotonic() < until:
            compacted(mirror)
            replaced(mirror, 7)
            restored(mirror)
            changes += 1
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    assert counted <= {WHOLE, (7, 7)}
    for reader in readers:
        _, err = reader.communicate()
        assert reader.returncode == 0, err
    assert changes >= 1


def restored(mirror):
    """The table in many files again, in one change."""
    other = in_pieces(mirror.parent / f"other-{time.monotonic_ns()}")
    with Mirror.change(mirror, wait=True) as held:
        held.tables["gaia.t"] = Mirror.read(other).tables["gaia.t"]
        for path in held.tables["gaia.t"].files:
            (mirror / path).parent.mkdir(parents=True, exist_ok=True)
            (other / path).rename(hidden(mirror / path))
        held.save()
