"""A service that the tests share."""

import pytest
from serving import serving


@pytest.fixture(scope="session")
def url(sky, tmp_path_factory):
    """The URL of a service of a simulated mirror of 2,000 sources."""
    with serving(sky, tmp_path_factory.mktemp("service"), workers=2) as url:
        yield url
