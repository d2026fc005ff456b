import shutil

import pytest
from the_join import ROWS

from sedsql.mirror.sample import write_sample


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A mirror that has sed.photometry stored in several partitions, and one that has not; not to be changed."""
    folder = tmp_path_factory.mktemp("stored")
    for name, stores in (("stored", True), ("joined", False)):
        write_sample(folder / name, ROWS, seed=4, rich=True, stores=stores)
    return folder


@pytest.fixture
def mirror(made, tmp_path):
    shutil.copytree(made / "stored", tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def plain(made, tmp_path):
    """A mirror whose sed.photometry is a join."""
    shutil.copytree(made / "joined", tmp_path / "m")
    return tmp_path / "m"
