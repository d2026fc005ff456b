"""The two servers that the tests ask: a real one, and one that can be made to fail."""

from contextlib import ExitStack

import pytest

from sedsql.mirror.sample import write_sample

from . import dachs as real
from .faulty import FaultyServer


@pytest.fixture(scope="session")
def dachs(tmp_path_factory):
    """A running DaCHS, `tap.dachs.Dachs`, over 30,000 simulated sources; one for each process of tests."""
    try:
        real.check_installed()
    except real.NoDachsError as reason:
        pytest.skip(str(reason))
    mirror = tmp_path_factory.mktemp("dachs") / "sky"
    write_sample(mirror, 30_000, seed=11)
    with real.serve(mirror) as server:
        yield server


@pytest.fixture(scope="session")
def small_mirror(tmp_path_factory):
    """A simulated mirror of 3,000 sources, not to be changed."""
    mirror = tmp_path_factory.mktemp("faulty") / "sky"
    write_sample(mirror, 3_000, seed=7)
    return mirror


@pytest.fixture
def faulty_server():
    """Starts a `tap.faulty.FaultyServer` on a mirror: `faulty_server(path)`."""
    with ExitStack() as started:
        yield lambda mirror: started.enter_context(FaultyServer(mirror))


@pytest.fixture
def faulty(faulty_server, small_mirror):
    """A running `tap.faulty.FaultyServer` over 3,000 sources, without a fault so far."""
    return faulty_server(small_mirror)
