"""What several folders of tests share: the shared real data, a small simulated sky, and the command itself."""

import sys
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from sedsql import cli
from sedsql.mirror.sample import write_sample

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("sedsql", deadline=None)
hypothesis.settings.load_profile("sedsql")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_collection_modifyitems(items):
    """What asks the real TAP server is left out of `make quick`."""
    for item in items:
        if "dachs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared():
    """The folder of real data that stands beside the repository; it is no part of it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: there is no folder {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def sky(tmp_path_factory):
    """A simulated mirror of 2,000 sources, not to be changed."""
    path = tmp_path_factory.mktemp("sky") / "sky"
    write_sample(path, 2_000, seed=5)
    return path


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def sedsql(monkeypatch, capfd):
    """Runs the command in this process: `sedsql("classify", file, "-o", target)`."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sedsql", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
