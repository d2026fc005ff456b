"""A session of Spark that all its tests of a process share."""

import pytest


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """A local session of two threads, not to be stopped."""
    from session import start

    session = start(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
