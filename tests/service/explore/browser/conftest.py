"""A browser, and tabs that fail their test if anything is wrong in them."""

import importlib.util
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from exploring import exploring

import sedsql
from sedsql.service.explore.page_files import FOLDER

if importlib.util.find_spec("playwright"):
    from tab import Tab
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
    """`chromium_of(arguments)` is Chromium."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium; tests/servers/install-browser installs it")
    started = {}

    def start(arguments):
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


@pytest.fixture(scope="session")
def show():
    """`show(tab, url)` shows the page in a new tab, and gives what it is in: here the tab itself."""

    def show(tab, url):
        tab.goto(url)
        return tab

    show.hosts = set()
    return show


@pytest.fixture
def open_tab(chromium_of, url, show):
    """`open_tab(hash="", ...)` is a `Tab` with the page.

    It asks no other host, and its console has no error; `may_fail` has parts of those that a test expects.
    """
    opened = []

    @contextmanager
    def context_of(webgl, **options):
        context = chromium_of(WITH_WEBGL if webgl else WITHOUT_WEBGL).new_context(
            viewport={"width": 1440, "height": 900}, **options
        )
        context.set_default_timeout(SLOW_MS)
        try:
            yield context
        finally:
            context.close()

    def open_tab(hash="", *, at=None, webgl=True, may_fail=(), init_script="", **options):
        entered = context_of(webgl, **options)
        context = entered.__enter__()
        context.add_init_script(init_script)
        page, wrong = context.new_page(), []
        page.on("console", lambda told: told.type == "error" and wrong.append(told.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        hosts = {urlsplit(at or url).netloc, *show.hosts}
        page.on("request", lambda asked: is_elsewhere(asked.url, *hosts) and wrong.append(asked.url))
        opened.append((entered, wrong, may_fail))
        shown = show(page, f"{at or url}{hash}")
        shown.wait_for_selector(".sedsql main")
        return Tab(shown)

    yield open_tab
    found = []
    for entered, wrong, may_fail in opened:
        entered.__exit__(None, None, None)
        found += [one for one in wrong if not any(part in one for part in may_fail)]
    assert found == []


def is_elsewhere(asked, *hosts):
    parts = urlsplit(asked)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in hosts
