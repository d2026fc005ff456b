"""The extension's file: built by a compiler alone, left out where there is none, loaded by every supported DuckDB."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest

from sedsql import __version__, native
from sedsql.native.build import HERE, BuildError, build

ROOT = Path(__file__).parents[2]

LOADS = """
import duckdb, sys
con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
con.execute(f"LOAD '{sys.argv[1]}'")
print(duckdb.__version__, *con.execute("SELECT sed_native_version() FROM range(3)").fetchall()[2])
"""


def run_python(text, *arguments, path=None):
    """What a new process prints, with the folder `path` searched for packages first."""
    command = [sys.executable, "-c", text, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(path or "")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=path)
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "release", [*(pytest.param(old, marks=pytest.mark.old_duckdb) for old in ("1.4", "1.5")), duckdb.__version__]
)
def test_one_file_loads_in_every_supported_duckdb(release):
    beside = sorted(Path(sys.prefix).glob(f"duckdb-{release}.*"))
    shown = run_python(LOADS, native.EXTENSION, path=beside[-1] if beside else None)
    assert shown.startswith(release), f"DuckDB {release} is not installed; `make old-duckdb` installs it"
    assert shown.split()[1] == __version__


def test_what_is_wrong_with_the_compiler_is_said_and_nothing_changes(tmp_path, monkeypatch):
    target = tmp_path / "sedsql.duckdb_extension"
    target.write_bytes(b"before")
    monkeypatch.setenv("CC", "/nonexistent")
    with pytest.raises(BuildError, match="/nonexistent: No such file or directory"):
        build(target)
    monkeypatch.delenv("CC")
    monkeypatch.setenv("CFLAGS", "-fsyntax-only -include no_such_header.h")
    with pytest.raises(BuildError, match=r"failed \(.*no_such_header\.h"):
        build(target)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="there is no C compiler"):
        build(target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_bytes() == b"before"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what a wheel is built from."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    for name in ("sedsql", "models", "sql"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def wheel(checkout, tmp_path, **environment):
    """A wheel's file name, and the folder that it is unpacked into."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=checkout, env={**os.environ, **environment}, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as file:
        file.extractall(tmp_path / "unpacked")
    return built.name, tmp_path / "unpacked"


@pytest.mark.thorough
def test_a_wheel_carries_the_extension_of_its_platform(checkout, tmp_path):
    name, unpacked = wheel(checkout, tmp_path, CFLAGS="-O0")
    assert not name.endswith("-any.whl")
    assert "Root-Is-Purelib: false" in next(unpacked.glob("*.dist-info/WHEEL")).read_text()
    assert __version__ in run_python(LOADS, unpacked / "sedsql" / "native" / native.EXTENSION.name)
    left = run_python("import sedsql.native as native; print(native.why_not(), native.path())", path=unpacked).split()
    assert left == ["None", str(unpacked / "sedsql" / "native" / native.EXTENSION.name)]
    asks = "from sedsql.inference.classify_batch import session_of; print(session_of('lite-2').engine)"
    assert run_python(asks, path=unpacked) == "native\n"


def test_without_a_compiler_a_wheel_works_and_says_why_it_has_no_extension(checkout, tmp_path):
    name, unpacked = wheel(checkout, tmp_path, CC="/nonexistent")
    assert name.endswith("-py3-none-any.whl")
    asks = """
import sedsql, sedsql.native as native
print(native.path(), native.why_not())
with sedsql.connect() as con:
    print(con.execute("SELECT sed_class(14, 14.5, 13.4, 12.5, 12.1, 12, 11.9, 11.9, 11.8, 9)", lang="sql").fetchone())
"""
    said, answered = run_python(asks, path=unpacked).splitlines()
    assert said.startswith("None There is no C extension of sedsql here: /nonexistent: No such file or directory.")
    assert answered.startswith("('")
    assert (HERE / "build.py").read_bytes() == (unpacked / "sedsql" / "native" / "build.py").read_bytes()
