"""Behind the proxy and in the frame the page does what it does without, and needs nothing that frames may lack."""

from expected import QUERY
from playwright.sync_api import expect
from test_query import test_a_long_query_is_cancelled  # noqa: F401
from test_source_panel import test_the_class_follows_bands_that_are_switched_off  # noqa: F401
from test_take_away import chosen, test_files_have_the_selection  # noqa: F401

NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"])
Object.defineProperty(window, name, {get() { throw new DOMException("no storage here", "SecurityError"); }});
document.__defineGetter__("cookie", () => { throw new DOMException("no cookies here", "SecurityError"); });"""


def test_it_needs_no_cookies_and_no_storage(framed):
    tab = framed(NO_STORAGE)
    tab.show(QUERY)
    assert tab.counts() == (2_000, 2_000)
    tab.show("SELECT TOP 7 * FROM sed.photometry")
    assert tab.counts() == (7, 7)
    assert [cookie["name"] for cookie in tab.page.context.cookies()] == ["platform"]


def test_a_query_is_copied_where_the_frame_may_not_use_the_clipboard(framed, platform):
    tab = framed(may_fail=["The Clipboard API has been blocked"])
    tab.page.context.grant_permissions(["clipboard-read"], origin=platform)
    tab.show(QUERY)
    tab.page.get_by_role("button", name="Copy as ADQL").click()
    expect(tab.page.get_by_text("The query is copied.")).to_be_visible()
    assert "sed_class(s)" in tab.page.main_frame.evaluate("navigator.clipboard.readText()")
