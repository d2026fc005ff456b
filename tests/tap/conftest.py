"""The two servers that the tests ask: a real one, and one that can be made to fail."""

import pytest

from sedsql.mirror.sample import write_sample

from . import dachs as real


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The real server is started once, so all its tests run in one process."""
    for item in items:
        if "dachs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("dachs"))


@pytest.fixture(scope="session")
def dachs(tmp_path_factory):
    """A running DaCHS, `tap.dachs.Dachs`, over 30,000 simulated sources."""
    try:
        real.check_installed()
    except real.NoDachsError as reason:
        pytest.skip(str(reason))
    mirror = tmp_path_factory.mktemp("dachs") / "sky"
    write_sample(mirror, 30_000, seed=11)
    with real.serve(mirror) as server:
        yield server
