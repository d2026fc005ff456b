"""Every command that writes to a mirror, killed before each call that changes the disk, and with no space for it.

`make crashes` tries every call of every command; here some of each are tried.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from crash_scenarios import scenarios

HERE = Path(__file__).parent
ALL = os.environ.get("CRASHES") == "all"
MOST = None if ALL else 2
"""Calls of each command and fault that are tried."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000 if ALL else 240),
    pytest.mark.skipif(
        sys.platform != "linux" or not shutil.which("gcc"), reason="a library is preloaded, as on Linux"
    ),
]


@pytest.fixture(scope="module")
def faulty_disk(tmp_path_factory):
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    command = ["gcc", "-O1", "-shared", "-fPIC", "-pthread", "-o", library, HERE / "faulty_disk.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.mark.parametrize("name", scenarios(None))
def test_a_mirror_is_as_it_was_before_or_as_it_is_after(tmp_path, faulty_disk, name):
    settings = json.dumps({"scenarios": [name], "most": MOST})
    environment = {**os.environ, "LD_PRELOAD": str(faulty_disk), "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    done = subprocess.run(
        [sys.executable, HERE / "crashes.py", tmp_path / "d", settings], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr or done.stdout
    tried = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [one for one in tried if one["wrong"]]
    assert {one["fault"] for one in tried} == {"killed", "full once", "full"}
    # A fault that befalls nothing tests nothing.
    assert sum(one["code"] == 1 for one in tried if one["fault"] == "full") >= 1
    assert len({one["at"] for one in tried if one["fault"] == "killed"}) >= 2
