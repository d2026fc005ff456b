"""Tabs with the page in a frame."""

import importlib.util
from urllib.parse import urlsplit

import pytest
from exploring import exploring
from servers.datalabs import proxied, site

if importlib.util.find_spec("playwright"):
    from framing import BASE, PLATFORM, FramedTab
    from tab import VIEWPORT


@pytest.fixture(scope="session")
def platform():
    """The origin of a site that may show the page in its frame."""
    with site(PLATFORM) as origin:
        yield origin


@pytest.fixture(scope="session")
def url(sky, platform, tmp_path_factory):
    folder = tmp_path_factory.mktemp("framed")
    settings = {"base": BASE, "any_host": True, "frames": (platform,)}
    with exploring(sky, folder, **settings) as (at, _), proxied(urlsplit(at).port, BASE) as url:
        yield url


@pytest.fixture
def framed(chromium_of, platform, url):
    """`framed(init_script, may_fail=...)` is a `FramedTab` of its own.

    may_fail : parts of the errors that a test expects
    """
    opened = []

    def framed(init_script="", may_fail=()):
        context = chromium_of().new_context(viewport=VIEWPORT)
        context.add_init_script(init_script)
        page = context.new_page()
        page.goto(platform)
        opened.append((FramedTab(page, urlsplit(url).netloc, url), context, may_fail))
        return opened[-1][0]

    yield framed
    wrong = []
    for tab, context, may_fail in opened:
        wrong += [one for one in tab.wrong if not any(part in one for part in may_fail)]
        context.close()
    assert wrong == []


@pytest.fixture
def tab(framed):
    return framed()
