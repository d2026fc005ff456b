"""A browser, and tabs that fail their test if anything is wrong in them."""

import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from exploring import exploring

import sedsql
from sedsql.service.explore.page_files import FOLDER

if importlib.util.find_spec("playwright"):
    from tab import VIEWPORT, Tab
else:  # `make browser` installs it
    collect_ignore_glob = ["test_*.py", "framed/*"]

# Without a graphics card, WebGL is computed.
WITH_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
WITHOUT_WEBGL = ["--disable-gpu", "--disable-3d-apis"]
SLOW_MS = 60_000


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(SLOW_MS)
    assert (FOLDER / "index.html").is_file(), "the page is not built: make page"
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium_of(playwright):
    """`chromium_of(arguments)` is Chromium, without WebGL unless they say so."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium; tests/servers/install-browser installs it")
    started = {}

    def start(arguments=WITHOUT_WEBGL):
        key = tuple(arguments)
        if key not in started:
            # Root, as in containers, has no sandbox.
            sandbox = [] if os.geteuid() else ["--no-sandbox"]
            started[key] = playwright.chromium.launch(executable_path=program, args=[*arguments, *sandbox])
        return started[key]

    yield start
    for browser in started.values():
        browser.close()


@pytest.fixture(scope="session")
def url(sky, tmp_path_factory):
    """The URL of a page of 2,000 simulated sources."""
    with exploring(sky, tmp_path_factory.mktemp("browser")) as (url, _):
        yield f"{url}/"


@pytest.fixture(scope="session")
def sql(sky):
    """A connection to the same mirror."""
    with sedsql.connect(sky) as connection:
        yield connection


@pytest.fixture
def open_tab(chromium_of, url):
    """`open_tab(hash="", ...)` is a `Tab` of its own with the page.

    may_fail : parts of the errors that a test expects
    """
    opened = []

    def open_tab(hash="", *, at=None, webgl=False, may_fail=()):
        tab = opening(chromium_of, at or url, hash, webgl=webgl)
        opened.append((tab, may_fail))
        return tab

    yield open_tab
    wrong = []
    for tab, may_fail in opened:
        wrong += [one for one in tab.wrong if not any(part in one for part in may_fail)]
        tab.page.context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def shared_tabs():
    """The tabs that tests share, by whether they have WebGL."""
    tabs = {}
    yield tabs
    for tab in tabs.values():
        tab.page.context.close()


@pytest.fixture
def tab_of(chromium_of, url, shared_tabs, request):
    """`tab_of(webgl=False)` is a `Tab` that tests share, for a page and its session take seconds to start.

    Each begins by `tab.show(query)`. After a test that failed the next one gets another tab.
    """
    failed, used = request.session.testsfailed, []

    def tab_of(*, webgl=False):
        if webgl not in shared_tabs:
            shared_tabs[webgl] = opening(chromium_of, url, webgl=webgl)
        shared_tabs[webgl].reset()
        used.append(shared_tabs[webgl])
        return shared_tabs[webgl]

    yield tab_of
    wrong = [one for tab in used for one in tab.wrong]
    if wrong or request.session.testsfailed > failed:
        while shared_tabs:
            shared_tabs.popitem()[1].page.context.close()
    assert wrong == []


@pytest.fixture
def tab(tab_of):
    """A tab that tests share, where cells are drawn."""
    return tab_of()


def opening(chromium_of, url, hash="", *, webgl=False):
    """Open the page in a tab of its own."""
    context = chromium_of(WITH_WEBGL if webgl else WITHOUT_WEBGL).new_context(
        viewport=VIEWPORT, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(SLOW_MS)
    tab = Tab(context.new_page(), urlsplit(url).netloc)
    tab.page.goto(f"{url}{hash}")
    tab.page.wait_for_selector(".sedsql main")
    return tab
