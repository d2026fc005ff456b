"""Storing photometry and classes takes memory that does not grow with the mirror."""

import re
import subprocess
import sys

import pytest

from sedsql.mirror.sample import write_sample

ROWS = 3_000_000
MOST = 750
"""MB: two thirds of it are packages, DuckDB's buffers, and what is written next."""

MEASURED = """
import re, sys
from pathlib import Path
from sedsql.cli.main import main
sys.argv[0] = "sedsql"
try:
    main()
finally:
    # Not ru_maxrss: a process starts with that of the one that it was forked from.
    print("most", int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024, "MB")
"""


@pytest.mark.thorough
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it")
def test_the_memory_of_refresh_and_classify_is_bounded(tmp_path):
    write_sample(tmp_path / "m", ROWS, seed=5, stores=False)
    for words in (("refresh",), ("classify", "--model", "lite-2")):
        command = [sys.executable, "-c", MEASURED, "mirror", words[0], tmp_path / "m", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert int(re.search(r"most (\d+) MB", done.stdout)[1]) < MOST, words
