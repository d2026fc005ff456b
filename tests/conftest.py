"""What several folders of tests share: the shared real data, a small simulated sky, and the command itself."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sedsql import cli
from sedsql.mirror.sample import write_sample

SHARED = Path(__file__).resolve().parents[2] / "shared"


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
