"""The page as a datalab: below a path, behind the platform's proxy, in a frame of another site."""

from urllib.parse import quote, urlsplit

import pytest
from exploring import exploring
from servers.datalabs import proxied, site

BASE = "/datalabs/lab-7"
PLATFORM = """<!doctype html><title>Platform</title><link rel=icon href="data:,"><style>body{margin:0}
iframe{border:0;width:100vw;height:100vh}</style><iframe name=datalab></iframe><script>
document.querySelector("iframe").src = decodeURIComponent(location.hash.slice(1));</script>"""


@pytest.fixture(scope="session")
def platform():
    """The origin of a site that shows what its hash says in a frame."""
    with site(PLATFORM) as origin:
        yield origin


@pytest.fixture(scope="session")
def url(sky, platform, tmp_path_factory):
    folder = tmp_path_factory.mktemp("framed")
    settings = {"base": BASE, "any_host": True, "frames": (platform,)}
    with exploring(sky, folder, **settings) as (at, _), proxied(urlsplit(at).port, BASE) as url:
        yield url


class Framed:
    """A frame that is used as a tab is: what is in it is its own, and mouse, keys and downloads are the tab's."""

    def __init__(self, frame):
        self._frame = frame

    def __getattr__(self, name):
        return getattr(self._frame if hasattr(self._frame, name) else self._frame.page, name)


@pytest.fixture(scope="session")
def show(platform):
    def show(tab, url):
        tab.goto(f"{platform}/#{quote(url)}")
        return Framed(tab.frame("datalab"))

    show.hosts = {urlsplit(platform).netloc}
    return show
