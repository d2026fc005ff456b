import pytest

from sedsql.mirror.database import open_mirror


@pytest.fixture
def con(sky_of):
    with open_mirror(sky_of(100_000, seed=3)) as con:
        yield con
