"""The fuzzer of the C readers links, and finds nothing in seconds; `tests/native/fuzz/run 600` takes longer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.thorough
def test_hostile_bytes_stop_no_reader(tmp_path):
    command = ["bash", str(Path(__file__).parent / "fuzz/run"), "3", str(tmp_path), sys.executable]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2_000:]
    assert re.search(r"[1-9]\d+ cases|number_of_executed_units", ran.stdout + ran.stderr)
