"""A page that the tests share."""

import pytest
from exploring import Page, exploring


@pytest.fixture(scope="session")
def shown(sky, tmp_path_factory):
    """The URL of the page of a simulated mirror of 2,000 sources, and the Explore behind it."""
    with exploring(sky, tmp_path_factory.mktemp("explore")) as found:
        yield found


@pytest.fixture(scope="session")
def page(shown):
    """A page with a session, whose process takes a second to start; each test begins with a query of its own."""
    page = Page(shown[0]).begin()
    yield page
    page.end()
