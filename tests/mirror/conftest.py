import pytest

from sedsql.mirror.sample import write_sample
from sedsql.mirror.store import open_mirror

ROWS = 100_000


@pytest.fixture(scope="session")
def sample_sky(tmp_path_factory):
    path = tmp_path_factory.mktemp("sky") / "sample"
    write_sample(path, ROWS, seed=3)
    return path


@pytest.fixture
def con(sample_sky):
    with open_mirror(sample_sky) as con:
        yield con


@pytest.fixture(scope="session")
def tiny_sky(tmp_path_factory):
    """A handful of rows, not to be changed."""
    path = tmp_path_factory.mktemp("tiny") / "sample"
    write_sample(path, 50, seed=3)
    return path
