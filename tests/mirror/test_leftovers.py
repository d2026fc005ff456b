"""The rest of a process that was cut off is reported, removed, and never read as rows of the mirror."""

import os
import shutil
import threading
from pathlib import Path

import pyarrow.dataset
import pytest
from crash_scenarios import fetched

from sedsql.files.atomic import new_folder
from sedsql.mirror.database import open_mirror
from sedsql.mirror.lock import LOCK, is_cut_off, writing
from sedsql.mirror.manifest import DATABASE, MirrorError
from sedsql.mirror.mirror import Mirror


def rows_of(mirror):
    """By the views, by the manifest, and in the table's folder."""
    with open_mirror(mirror) as con:
        ((views,),) = con.execute("SELECT count(*) FROM gaia.t").fetchall()
    folder = mirror / "gaia/t/dataset"
    rows = Mirror.read(mirror).tables["gaia.t"].rows
    return views, rows, pyarrow.dataset.dataset(folder, format="parquet").count_rows()


@pytest.fixture
def compacted(tmp_path, sedsql):
    """A mirror after it was compacted, with the files of before beside those of after, as they once were left."""
    fetched(tmp_path)
    mirror = tmp_path / "m"
    shutil.copytree(mirror, tmp_path / "before")
    old = sorted(path.relative_to(mirror) for path in mirror.rglob("*.parquet"))
    assert sedsql("mirror", "compact", mirror).code == 0
    new = sorted(path.relative_to(mirror) for path in mirror.rglob("*.parquet"))
    for path in old:
        shutil.copy(tmp_path / "before" / path, mirror / path)
    return mirror, old, new


def test_files_that_the_manifest_does_not_name_are_told_and_removed(compacted, sedsql):
    mirror, old, new = compacted
    rows = Mirror.read(mirror).tables["gaia.t"].rows
    assert rows_of(mirror) == (rows, rows, 2 * rows)
    verified = sedsql("mirror", "verify", mirror)
    assert verified.code == 1
    assert all(f"{path} is not in the manifest" in verified.out for path in old)
    assert "sedsql mirror repair" in verified.out
    assert sedsql("mirror", "repair", mirror).out.count("was removed") == len(old)
    assert sorted(path.relative_to(mirror) for path in mirror.rglob("*.parquet")) == new
    assert rows_of(mirror) == (rows, rows, rows)
    assert "All is well" in sedsql("mirror", "verify", mirror).out


@pytest.mark.parametrize("left", ["all", "all old, one new", "all new, one old", "all new", "all old"])
def test_a_lost_manifest_has_each_row_once(compacted, sedsql, left):
    mirror, old, new = compacted
    rows = Mirror.read(mirror).tables["gaia.t"].rows
    gone = {"all old, one new": new[1:], "all old": new, "all new, one old": old[1:], "all new": old}
    for path in gone.get(left, []):
        (mirror / path).unlink()
    (mirror / DATABASE).unlink()
    assert sedsql("mirror", "repair", mirror).code == 0
    assert rows_of(mirror) == (rows, rows, rows)
    assert "All is well" in sedsql("mirror", "verify", mirror).out


def test_pieces_of_which_no_generation_is_whole_are_fetched_again(compacted, sedsql):
    mirror, old, new = compacted
    wanted = Mirror.read(mirror).tables["gaia.t"].wanted
    for path in (old[0], new[0]):  # files of one partition
        (mirror / path).unlink()
    (mirror / DATABASE).unlink()
    assert "sedsql mirror resume" in sedsql("mirror", "repair", mirror).out
    stored = Mirror.read(mirror).tables["gaia.t"]
    views, named, there = rows_of(mirror)
    assert views == named == there
    assert stored.rows == sum(piece.rows for piece in stored.pieces.values())
    assert stored.wanted == wanted
    assert stored.missing


def test_a_mirror_that_is_written_to_is_not_replaced(tmp_path):
    fetched(tmp_path)
    replacing = Mirror.new(tmp_path / "m", force=True)
    with writing(tmp_path / "m") as lock:
        with pytest.raises(MirrorError, match="is writing to"), replacing:
            pass
        lock.truncate(0)
    assert Mirror.read(tmp_path / "m").tables["gaia.t"].rows > 0
    assert os.listdir(tmp_path) == ["m"]


def test_who_waits_for_a_mirror_that_is_replaced_holds_the_new_one(tmp_path):
    fetched(tmp_path)
    mirror = tmp_path / "m"
    held = []

    def wait():
        with writing(mirror, wait=True) as lock:
            held.append(os.path.samestat(os.fstat(lock.fileno()), os.stat(mirror / LOCK)))
            lock.truncate(0)

    waiting = threading.Thread(target=wait)
    with Mirror.new(mirror, force=True) as new:
        shutil.copy(mirror / DATABASE, new.folder)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(30)
    assert held == [True]
    assert not is_cut_off(mirror)


def test_folders_of_killed_processes_go_and_others_stay(tmp_path):
    """The folder of a process that is at work is locked by it."""
    left = tmp_path / ".m.12345.partial"
    left.mkdir()
    (left / "half").touch()
    for other in (".m.x.partial", ".mm.1.partial"):
        (tmp_path / other).mkdir()
    with new_folder(tmp_path / "m", what="mirror", mark="x") as mine:
        assert not left.exists()
        with new_folder(tmp_path / "m2", what="mirror", mark="x"):
            pass
        shutil.copytree(mine, left)
        theirs = Path(f"{mine}").rename(tmp_path / ".m.54321.partial")
        with new_folder(tmp_path / "m", what="mirror", mark="x"):
            assert theirs.exists()
            assert not left.exists()
        shutil.rmtree(tmp_path / "m")
        theirs.rename(mine)
    assert sorted(os.listdir(tmp_path)) == [".m.x.partial", ".mm.1.partial", "m", "m2"]
