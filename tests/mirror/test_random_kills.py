"""Kills of each command that writes to a mirror, at random moments; test_crashes.py kills at chosen calls.

Four each, and thirty in `make crashes`, which takes twenty minutes.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALL = os.environ.get("CRASHES") == "all"
KILLS = 30 if ALL else 4
# What a kill between two calls that change the disk leaves, one before the second leaves too: see test_crashes.py.
FEW = ["classify", "compact"]
EVERY = [*FEW, "refresh", "refresh what is stale", "import more", "sample --force"]

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        sys.platform != "linux" or not shutil.which("gcc"), reason="a library is preloaded, as on Linux"
    ),
]


@pytest.mark.parametrize("scenario", EVERY if ALL else FEW)
def test_a_kill_at_any_moment_leaves_the_mirror_as_it_was_or_as_it_is_after(tmp_path, scenario, faulty_disk):
    settings = json.dumps({"scenario": scenario, "kills": KILLS, "seed": 17})
    environment = {**os.environ, "LD_PRELOAD": str(faulty_disk), "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    command = [sys.executable, HERE / "random_kills.py", tmp_path / "d", settings]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or done.stdout
    tried = [json.loads(line) for line in done.stdout.splitlines()]
    assert not any(one["wrong"] for one in tried), "\n".join(str(one) for one in tried if one["wrong"])
    assert len(tried) == KILLS
    assert sum(one["code"] is None for one in tried) >= KILLS // 4  # the others had ended already
