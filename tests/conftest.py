"""What several folders of tests share: the shared real data, a small simulated sky, and the command itself."""

import csv
import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from sedsql import cli
from sedsql.bands import COLUMNS
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
def sky_of(tmp_path_factory):
    """`sky_of(rows)` is a simulated mirror of so many sources, made once and not to be changed."""

    @cache
    def sky_of(rows, seed=5):
        path = tmp_path_factory.mktemp("sky") / "sky"
        write_sample(path, rows, seed=seed)
        return path

    return sky_of


@pytest.fixture(scope="session")
def sky(sky_of):
    return sky_of(2_000)


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


@pytest.fixture
def photometry(tmp_path):
    """A CSV of three sources; the second has text for a magnitude where the test puts it."""
    path = tmp_path / "in.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["name", *COLUMNS], *([name, *range(10, 20)] for name in "abc")])
    return path


@pytest.fixture
def write_model(tmp_path):
    """`write_model(graph, name, classes, ...)` makes a model's folder of a graph and a card written by hand."""

    def write(graph, name="mine-1", classes=("cold", "hot"), bands=COLUMNS, **card):
        path = tmp_path / name
        path.mkdir()
        content = graph if isinstance(graph, bytes) else graph.SerializeToString()
        (path / "model.onnx").write_bytes(content)
        card = {
            "name": name,
            "classes": list(classes),
            "bands": list(bands),
            "min_bands": 2,
            "sha256": hashlib.sha256(content).hexdigest(),
            **card,
        }
        (path / "card.json").write_text(json.dumps(card))
        return path

    return write
