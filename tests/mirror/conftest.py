import pytest

from sedsql.mirror.store import open_mirror

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
