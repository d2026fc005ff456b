"""Kill every command that writes to a mirror before each call that changes the disk, and give it a full disk there.

`make crashes` tries all calls of all commands; here some of each are tried.
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
COMMANDS = {
    "compact": ("compact", "compact to smaller partitions"),
    "import": ("import", "import more"),
    "replace": ("import --replace", "replace by HATS"),
    "repair": ("repair", "repair a database"),
    "settings": ("rules", "models export"),
    "refresh": ("refresh", "refresh what is stale"),
    "classify": ("classify",),
    "sample": ("sample", "sample --force"),
    "add": ("add",),
    "add more": ("add more",),
}

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(3000 if ALL else 900),
    pytest.mark.skipif(
        sys.platform != "linux" or not shutil.which("gcc"), reason="a library is preloaded, as on Linux"
    ),
]


@pytest.mark.parametrize("names", COMMANDS.values(), ids=COMMANDS)
def test_a_mirror_is_as_it_was_before_or_as_it_is_after(tmp_path, faulty_disk, faulty, names):
    faulty.limit = 60  # so that a table comes in several pieces
    settings = json.dumps({"scenarios": names, "url": faulty.url, "most": None if ALL else 2})
    environment = {**os.environ, "LD_PRELOAD": str(faulty_disk), "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    done = subprocess.run(
        [sys.executable, HERE / "crashes.py", tmp_path / "d", settings], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr or done.stdout
    tried = [json.loads(line) for line in done.stdout.splitlines()]
    assert not any(one["wrong"] for one in tried), "\n".join(str(one) for one in tried if one["wrong"])
    for name in names:
        mine = [one for one in tried if one["scenario"] == name]
        assert {one["fault"] for one in mine} == {"killed", "full once", "full"}
        # A fault that befalls nothing tests nothing.
        assert any(one["code"] == 1 for one in mine if one["fault"] == "full")
        assert len({one["at"] for one in mine if one["fault"] == "killed"}) >= 2
