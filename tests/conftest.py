"""What several folders of tests share: the shared real data, simulated skies, TAP servers, and the command itself."""

import csv
import fcntl
import hashlib
import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from sedsql.cli import main
from sedsql.mirror.sample import write_sample
from sedsql.photometry.bands import COLUMNS

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("sedsql", deadline=None)
hypothesis.settings.load_profile("sedsql")

SHARED = Path(__file__).resolve().parents[2] / "shared"


ELSEWHERE = ("wheel", "thorough", "peers", "old_duckdb", "clients", "dachs", "tap_clients", "browser", "spark", "s3")
"""Marks of what has a target of its own in the Makefile."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What asks the real TAP server is marked; what has a target of its own is left out of `make quick`."""
    for item in items:
        if "dachs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.dachs)
        if any(item.get_closest_marker(name) for name in ELSEWHERE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared():
    """The folder of real data that stands beside the repository; it is no part of it."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: there is no folder {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def sky_of(tmp_path_factory):
    """`sky_of(rows)` is a simulated mirror of so many sources, with many of the rare kinds unless `rich=False`;
    it is not to be changed, as all processes of a run share it. Its sed.photometry is a join."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent

    @cache
    def sky_of(rows, seed=5, *, rich=True):
        folder = run / f"sky-{rows}-{seed}{'-rich' * rich}"
        folder.mkdir(exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "sky").exists():
                write_sample(folder / "sky", rows, seed=seed, rich=rich, stores=False)
        return folder / "sky"

    return sky_of


@pytest.fixture(scope="session")
def sky(sky_of):
    return sky_of(2_000)


@pytest.fixture(scope="session")
def small_mirror(sky_of):
    """A simulated mirror of 3,000 sources, not to be changed."""
    return sky_of(3_000, seed=7)


@pytest.fixture(scope="session")
def dachs(sky_of):
    """A running DaCHS, `servers.dachs.Dachs`, over 30,000 simulated sources; one for each process of tests."""
    from servers import dachs

    try:
        dachs.check_installed()
    except dachs.NoDachsError as reason:
        pytest.skip(str(reason))
    with dachs.serve(sky_of(30_000, seed=11)) as server:
        yield server


@pytest.fixture(autouse=True)
def _limit_of_dachs(request):
    """`@pytest.mark.limit(rows)` is the limit that DaCHS has for a test; it starts again where it had another."""
    if "dachs" in request.fixturenames:
        server, mark = request.getfixturevalue("dachs"), request.node.get_closest_marker("limit")
        if mark:
            server.limit(*mark.args)
        else:
            server.configure()


@pytest.fixture
def faulty_server():
    """Starts a `servers.faulty.FaultyServer` on a mirror: `faulty_server(path)`."""
    from servers.faulty import FaultyServer

    with ExitStack() as started:
        yield lambda mirror: started.enter_context(FaultyServer(mirror))


@pytest.fixture
def faulty(faulty_server, small_mirror):
    """A running `servers.faulty.FaultyServer` over 3,000 sources, without a fault so far."""
    return faulty_server(small_mirror)


@pytest.fixture
def samp_hub(tmp_path, monkeypatch):
    """A running SAMP hub."""
    from servers import samp

    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    with samp.hub(tmp_path / "samp"):
        yield


@pytest.fixture
def program(samp_hub):
    """Starts a client of the hub: `program(name)`, see `servers.samp.program`."""
    from servers import samp

    with ExitStack() as started:
        yield lambda *given, **more: started.enter_context(samp.program(*given, **more))


@pytest.fixture
def topcat(program):
    return program("topcat")


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
            main.main()
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
def sky_model(write_model):
    """The folder of a model `sky-1` that takes parallax and position: see `skymodel`."""
    import skymodel

    return write_model(skymodel.graph(), name="sky-1", **skymodel.CARD)


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
