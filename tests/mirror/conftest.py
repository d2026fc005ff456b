import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sedsql.mirror.database import open_mirror

ROWS = 100_000


@pytest.fixture(scope="session")
def sample_sky(sky_of):
    return sky_of(ROWS, seed=3)


@pytest.fixture
def con(sample_sky):
    with open_mirror(sample_sky) as con:
        yield con


@pytest.fixture(scope="session")
def tiny_sky(sky_of):
    """A handful of rows, not to be changed."""
    return sky_of(50, seed=3)


KILLED = """
import os, signal, sys
from sedsql.mirror.mirror import Mirror

left = int(sys.argv[2])
add_piece = Mirror.add_piece

def counted(self, *given):
    global left
    add_piece(self, *given)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

Mirror.add_piece = counted
with Mirror.change(sys.argv[1]) as mirror:
    exec(sys.argv[3])
"""


@pytest.fixture
def killed():
    """`killed(folder, pieces, code)` runs code on an open `mirror` in a process that is killed after so many pieces."""

    def killed(folder, pieces, code):
        done = subprocess.run([sys.executable, "-c", KILLED, folder, str(pieces), code])
        assert done.returncode == -signal.SIGKILL

    return killed


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory):
    """The library of faulty_disk.c."""
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    command = [
        "gcc",
        "-O1",
        "-Wall",
        "-shared",
        "-fPIC",
        "-pthread",
        "-o",
        library,
        Path(__file__).with_name("faulty_disk.c"),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return library
