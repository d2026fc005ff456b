"""Fetch DuckDB's own header of its C API for the tests: python fetch_header.py FOLDER VERSION ...

The source distributions of PyPI's `duckdb` hold it. FOLDER/VERSION gets duckdb.h and duckdb_extension.h alone.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HEADERS = ("duckdb.h", "duckdb_extension.h")


def fetch(folder: Path, version: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*download, "--no-binary", "duckdb", "--dest", scratch, f"duckdb=={version}"], check=True)
        found = Path(scratch, version)
        found.mkdir()
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as source:
            for member in source:
                path = Path(member.name)
                if path.name in HEADERS and path.parent.match("src/include"):
                    member.name = path.name
                    source.extract(member, found)
        shutil.rmtree(folder / version, ignore_errors=True)
        shutil.copytree(found, folder / version)


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        fetch(Path(sys.argv[1]), wanted)
