"""A mirror is opened, replaced, and refused where it is none."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sedsql.errors import Error
from sedsql.files import atomic
from sedsql.mirror.database import open_mirror
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample


def rows_in(path):
    with open_mirror(path) as con:
        return con.execute("SELECT count(*) FROM sed.photometry").fetchone()[0]


def interrupt(done):
    raise KeyboardInterrupt


def test_an_interrupted_write_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "sky", 1000, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_replacement_leaves_the_old_mirror(tmp_path, tiny_sky):
    shutil.copytree(tiny_sky, tmp_path / "sky")
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "sky", 1000, force=True, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["sky"]
    assert rows_in(tmp_path / "sky") == 50


def test_what_exists_is_replaced_by_force_alone_and_only_a_mirror(tmp_path, tiny_sky):
    target = tmp_path / "sky"
    shutil.copytree(tiny_sky, target)
    with pytest.raises(FileExistsError, match="exists already; name another folder, or replace it with --force"):
        write_sample(target, 60)
    assert rows_in(target) == 50
    write_sample(target, 60, force=True)
    assert rows_in(target) == 60
    assert [path.name for path in tmp_path.iterdir()] == ["sky"]

    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "chapter.tex").touch()
    with pytest.raises(FileExistsError, match="is not a mirror, so it is not replaced"):
        write_sample(precious, 60, force=True)
    assert (precious / "chapter.tex").exists()


def test_a_moved_mirror_works_from_anywhere(tmp_path, tiny_sky, monkeypatch):
    moved = tmp_path / "it's here"
    shutil.copytree(tiny_sky, moved)
    monkeypatch.chdir("/")
    assert rows_in(moved) == 50
    monkeypatch.chdir(tmp_path)
    assert rows_in("it's here") == 50


def test_a_mirror_that_cannot_be_written_works_and_stays_as_it_is(tmp_path, tiny_sky):
    copy = tmp_path / "sky"
    shutil.copytree(tiny_sky, copy)
    before = (copy / "mirror.duckdb").read_bytes()
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert rows_in(copy) == 50
        with open_mirror(copy) as con, pytest.raises(duckdb.Error, match="read-only"):
            con.execute("CREATE TABLE mirror.main.mine (a INTEGER)")
    finally:
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755)
    assert (copy / "mirror.duckdb").read_bytes() == before
    assert sorted(path.name for path in copy.iterdir()) == [
        "README.txt",
        "gaiadr1",
        "gaiadr3",
        "mirror.duckdb",
        "sample",
    ]


def test_a_mirror_can_be_opened_to_be_changed(tmp_path, tiny_sky):
    shutil.copytree(tiny_sky, tmp_path / "sky")
    with open_mirror(tmp_path / "sky", read_only=False) as con:
        con.execute("CREATE TABLE mine AS SELECT 7 AS a")
    with open_mirror(tmp_path / "sky") as con:
        assert con.execute("SELECT a FROM mine").fetchone() == (7,)


def test_what_is_no_mirror_is_told_how_to_become_one(tmp_path):
    with pytest.raises(MirrorError, match=r"absent does not exist; `sedsql mirror sample .*absent` makes"):
        open_mirror(tmp_path / "absent")
    with pytest.raises(MirrorError, match=r"is no mirror \(it has no mirror.duckdb\)"):
        open_mirror(tmp_path)
    (tmp_path / "mirror.duckdb").write_bytes(b"x" * 20_000)
    with pytest.raises(MirrorError, match="cannot be opened as a mirror"):
        open_mirror(tmp_path)
    assert issubclass(MirrorError, Error)


@pytest.mark.parametrize("name", ["what?", "a\\b"])
def test_a_path_that_duckdb_cannot_open_is_refused_in_words(tmp_path, tiny_sky, name):
    shutil.copytree(tiny_sky, tmp_path / name)
    with pytest.raises(MirrorError, match=r"has a [?\\] in its path"):
        open_mirror(tmp_path / name)


def test_the_duckdb_shell_opens_it_from_inside(tiny_sky):
    """The shell is an older DuckDB than the module, where both are installed."""
    query = "SELECT count(*) AS n FROM sed.photometry"
    shell = Path(sys.executable).parent / "duckdb"
    if shell.exists():
        command = [shell, "-readonly", "-csv", "-noheader", "mirror.duckdb", query]
    else:
        code = f"import duckdb; print(duckdb.connect('mirror.duckdb').execute({query!r}).fetchone()[0])"
        command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tiny_sky, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "50"


def test_the_database_file_is_readable_by_duckdb_1_2_and_later(tiny_sky):
    header = (tiny_sky / "mirror.duckdb").read_bytes()[:64]
    assert header[8:12] == b"DUCK"
    # 65 is the number of v1.2.0 (DuckDB documentation, Internals, Storage Versions).
    assert struct.unpack("<Q", header[12:20])[0] <= 65


def test_a_failure_while_renaming_brings_the_old_one_back(tmp_path, tiny_sky, monkeypatch):
    target = tmp_path / "sky"
    shutil.copytree(tiny_sky, target)
    rename = Path.rename

    def fail(self, to):
        if self.name.endswith(".partial"):
            raise OSError("no")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    # As on a system that cannot have two folders change names.
    monkeypatch.setattr(atomic.ctypes, "CDLL", lambda *_, **__: object())
    with pytest.raises(OSError, match="no"), Mirror.new(target, force=True) as mirror:
        (mirror.folder / "mirror.duckdb").touch()
    assert os.listdir(tmp_path) == ["sky"]
    assert rows_in(target) == 50
