"""Test what is shown of long work where there is no terminal."""

import subprocess
import sys

STEPS = """
import time
from sedsql import progress
progress.LINE_SECONDS = 0.2
with progress.steps("comparing", 6) as step:
    for number in range(1, 7):
        step(f"fold {number}")
        time.sleep(0.15)
"""


def test_steps_are_lines_now_and_then_where_there_is_no_terminal():
    done = subprocess.run([sys.executable, "-c", STEPS], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert 2 <= len(lines) <= 3  # of six steps in 0.9 seconds
    assert lines[0] == "comparing: fold 3 (step 3 of 6, after 0.0 min)"
