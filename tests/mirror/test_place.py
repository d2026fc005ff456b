"""A mirror answers with its own rows, whatever the current directory and wherever it lies."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sedsql import connect
from sedsql.mirror.database import open_mirror
from sedsql.mirror.manifest import RELATIVE, MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample

COUNT = "SELECT COUNT(*) AS n, MIN(source_id) AS least FROM gaiadr3.gaia_source"
ROWS = 60


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another mirror than `tiny_sky`, with files at the same places."""
    path = tmp_path_factory.mktemp("place") / "other"
    write_sample(path, ROWS, seed=99, rich=True)
    return path


def expected(mirror):
    files = [mirror / path for path in Mirror.read(mirror).tables["gaiadr3.gaia_source"].files]
    ids = pa.concat_tables([pq.read_table(path, columns=["source_id"]) for path in files])["source_id"]
    return len(ids), min(ids.to_pylist())


def planted(folder, mirror):
    """A copy of the mirror's files in which each has one row, as someone could plant it."""
    for stored in Mirror.read(mirror).tables.values():
        for file in stored.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pq.read_table(mirror / file).slice(0, 1), folder / file)
    return folder


@pytest.mark.parametrize("inside", ["other", "planted", "root", "itself"])
def test_the_current_directory_has_no_say(tmp_path, tiny_sky, other, monkeypatch, sedsql, inside):
    mirror = tmp_path / "mine"
    shutil.copytree(tiny_sky, mirror)
    folders = {"other": other, "planted": tmp_path, "root": Path("/"), "itself": mirror}
    planted(tmp_path, mirror)
    right = expected(mirror)
    monkeypatch.chdir(folders[inside])
    relative = Path(*[".."] * (len(Path.cwd().parts) - 1), *mirror.parts[1:])
    for path in (mirror, relative):
        with open_mirror(path) as con:
            assert con.execute(COUNT).fetchone() == right
        with connect(path) as con:
            assert con.execute(COUNT).fetchone() == right
            assert con.execute("SELECT COUNT(*) AS n FROM sed.photometry").fetchone() == (right[0],)
        (answer,) = json.loads(sedsql("query", COUNT, "-m", path, "--json").out)
        assert (answer["n"], answer["least"]) == right
    with connect(relative) as con:
        monkeypatch.chdir(other)
        assert con.execute(COUNT).fetchone() == right


@pytest.mark.parametrize("name", ["it's, here", "a[1]*", "[!a]{b}", "50%20#~$HOME", "ein Spiegel: völlig", "-m"])
def test_a_mirror_may_lie_anywhere(tmp_path, tiny_sky, name):
    shutil.copytree(tiny_sky, tmp_path / name / name)
    write_sample(tmp_path / name / "new", ROWS, seed=3)
    with connect(tmp_path / name / name) as con:
        assert con.execute(COUNT).fetchone() == expected(tiny_sky)
    with connect(tmp_path / name / "new") as con:
        assert con.execute(COUNT).fetchone()[0] == ROWS


def test_a_shell_in_another_mirror_finds_no_file_rather_than_another(tmp_path, tiny_sky, other):
    """By itself mirror.duckdb reads what lies in the current directory; a file's name tells its content."""
    code = (
        f"import duckdb; print(duckdb.connect({str(tiny_sky / 'mirror.duckdb')!r}, True).execute({COUNT!r}).fetchone())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], cwd=other, capture_output=True, text=True)
    assert elsewhere.returncode != 0
    assert "No files found" in elsewhere.stderr
    for setting, folder in (("", tiny_sky), (f"SET file_search_path = '{tiny_sky}'", other)):
        told = code.replace(".execute(", f".execute({setting!r}).execute(" if setting else ".execute(", 1)
        done = subprocess.run([sys.executable, "-c", told], cwd=folder, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(expected(tiny_sky))


def test_no_two_mirrors_have_different_files_of_one_name(tiny_sky, other):
    files = [
        {file.path for stored in Mirror.read(mirror).tables.values() for file in stored.files.values()}
        for mirror in (tiny_sky, other)
    ]
    assert not files[0] & files[1]


def test_a_mirror_of_before_is_mended_and_until_then_refused(tmp_path, tiny_sky, sedsql):
    shutil.copytree(tiny_sky, tmp_path / "old")
    with duckdb.connect(tmp_path / "old" / "mirror.duckdb") as con:
        con.execute("UPDATE manifest.mirror SET version = ?", [RELATIVE])
        files = [
            path
            for (path,) in con.execute("SELECT path FROM manifest.files WHERE path LIKE '%gaia_source/%'").fetchall()
        ]
        con.execute("SET file_search_path = ?", [str(tmp_path / "old")])
        con.execute(f"CREATE OR REPLACE VIEW gaiadr3.gaia_source AS FROM read_parquet({files})")
    with pytest.raises(MirrorError, match=r"earlier sedsql.*`sedsql mirror repair .*old` mends it"):
        connect(tmp_path / "old")
    assert sedsql("mirror", "repair", tmp_path / "old").code == 0
    with connect(tmp_path / "old") as con:
        assert con.execute(COUNT).fetchone() == expected(tiny_sky)
