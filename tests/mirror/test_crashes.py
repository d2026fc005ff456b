"""Whatever kills a command that writes to a mirror, or wherever the disk is full, the mirror is as before or as after.

Some points of each command are tried. SEDSQL_CRASHES=all tries all of them, in some minutes (`make crashes`).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALL = os.environ.get("SEDSQL_CRASHES") == "all"
COMMANDS = {
    "compact": ("compact", "compact to smaller partitions"),
    "import": ("import", "import more", "import --replace", "replace by HATS"),
    "repair": ("repair", "repair a database"),
    "settings": ("rules", "models export"),
    "sample": ("sample", "sample --force"),
    "add": ("add", "add more"),
}


@pytest.fixture(scope="module")
def faulty_disk(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("a disk that fails needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    command = [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, HERE / "faulty_disk.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("names", COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_ends_anywhere_leaves_the_mirror_as_before_or_as_after(faulty_disk, faulty, tmp_path, names):
    faulty.limit = 60
    settings = {"scenarios": names, "url": faulty.url, "most": None if ALL else 2}
    run = subprocess.run(
        [sys.executable, HERE / "crashes.py", tmp_path / "crashes", json.dumps(settings)],
        env=os.environ | {"LD_PRELOAD": str(faulty_disk)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr or run.stdout
    outcomes = [json.loads(line) for line in run.stdout.splitlines()]
    assert {(outcome["scenario"], outcome["fault"]) for outcome in outcomes} == {
        (name, fault) for name in names for fault in ("killed", "full once", "full")
    }
    assert [outcome for outcome in outcomes if outcome["wrong"]] == []
