"""One Spark session for all tests of this folder; it needs what `make spark` installs."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """A session of Spark on two threads, which talks to this machine alone."""
    from session import start

    session = start(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
