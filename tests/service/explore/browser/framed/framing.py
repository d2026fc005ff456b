"""The page as a datalab: below a path, behind the platform's proxy, in a frame of another site."""

from playwright.sync_api import Frame, Page
from tab import Tab

BASE = "/datalabs/lab-7"
PLATFORM = """<!doctype html><title>Platform</title><link rel=icon href="data:,"><style>body{margin:0}
iframe{border:0;width:100vw;height:100vh}</style><iframe name=datalab></iframe>"""
"""A site with a frame, for what is opened in it."""


def open_in_frame(tab: Page, url: str) -> Frame:
    tab.evaluate("url => { document.querySelector('iframe').src = url }", url)
    frame = tab.frame("datalab")
    frame.wait_for_url(lambda at: at.startswith(url))
    return frame


class FramedTab(Tab):
    """A tab of the platform with the page in its frame."""

    def __init__(self, page: Page, host: str, url: str):
        super().__init__(page, host)
        self.page = _Framed(open_in_frame(page, url))
        self.page.wait_for_selector(".sedsql main")

    def show(self, query: str) -> None:
        self.run(query)
        self.settle()


class _Framed:
    """A frame that is used as a tab is: what is in it is its own, and mouse, keys and downloads are the tab's."""

    def __init__(self, frame: Frame):
        self._frame = frame

    def __getattr__(self, name):
        return getattr(self._frame if hasattr(self._frame, name) else self._frame.page, name)
