"""Some hundred cases of the fuzzer, which runs longer by itself: `python -m tests.inference.fuzz --seconds 600`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = {"cards": 150, "graphs": 150, "bounds": 150}


@pytest.mark.parametrize("target", CASES)
def test_mutated_files_are_taken_or_refused_in_a_sentence(target):
    """In a process of its own, as a graph may end it, or ask for all memory."""
    command = [sys.executable, "-m", "tests.inference.fuzz", "--target", target, "--batch", "0"]
    ran = subprocess.run([*command, "--cases", str(CASES[target])], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2_000:]
