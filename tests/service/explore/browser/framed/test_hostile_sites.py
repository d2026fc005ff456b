"""A site that may not show the page does not; one that may can do nothing with it, though it has its user's cookies."""

from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from expected import QUERY
from exploring import exploring
from framing import BASE, PLATFORM, FramedTab
from playwright.sync_api import expect
from servers.datalabs import proxied, site

FAIL = {
    "reads the frame": "frames.datalab.document.title",
    "reads its storage": "frames.datalab.localStorage.length",
    "calls what is in it": "frames.datalab.eval('1')",
    "reads the page": "fetch(PAGE, {credentials: 'include'})",
    "asks as the page does": """fetch(PAGE + "explore/about?asked",
        {credentials: "include", headers: {"X-Sedsql": "explore"}})""",
    "begins a session": """fetch(PAGE + "explore/sessions?asked", {method: "POST", credentials: "include", body: "{}",
        headers: {"X-Sedsql": "explore", "Content-Type": "application/json"}})""",
}
"""What fails in the attacker's own script."""
ARE_REFUSED = {
    "text": """fetch(PAGE + "explore/sessions?text",
        {method: "POST", mode: "no-cors", credentials: "include", body: "{}"}).catch(() => 0)""",
    "beacon": """navigator.sendBeacon(PAGE + "explore/sessions/" + ID + "/end?beacon", "{}")""",
    "picture": """new Image().src = PAGE + "explore/about?picture" """,
    "script": """document.head.append(
        Object.assign(document.createElement("script"), {src: PAGE + "explore/about?script"}))""",
    "form": """(() => {
        document.body.insertAdjacentHTML("beforeend", "<form method=POST target=other></form><iframe name=other>");
        document.forms[0].action = PAGE + "explore/sessions?form"; document.forms[0].submit(); })()""",
}
"""What browsers send for another site."""
MESSAGES = """for (const message of ["*", {query: "SELECT 1"}, {id: 1, method: "POST", path: "sessions", body: {}},
    {type: "run", data: "SELECT TOP 1 ra FROM sed.photometry"}, JSON.stringify({event: "query", query: "SELECT 1"})])
    frames.datalab.postMessage(message, "*")"""


@contextmanager
def shown(sky, folder, chromium_of, *, is_allowed):
    """A tab with a site that has a frame, the page's URL, what it answered, and the Explore behind it.

    It is of the same site as the page, at another port, so the browser sends its user's cookies with what it asks.
    """
    with ExitStack() as stack:
        origin = stack.enter_context(site(PLATFORM, "127.0.0.1"))
        settings = {"base": BASE, "any_host": True, "frames": (origin if is_allowed else "https://datalabs.example",)}
        at, explore = stack.enter_context(exploring(sky, folder, **settings))
        seen = []
        url = stack.enter_context(proxied(urlsplit(at).port, BASE, asks_login=True, seen=seen))
        context = chromium_of().new_context(viewport={"width": 1440, "height": 900})
        stack.callback(context.close)
        tab = context.new_page()
        tab.goto(origin)  # which logs in
        yield tab, url, seen, explore


def test_a_site_that_is_not_allowed_does_not_show_the_page(sky, tmp_path, chromium_of):
    with shown(sky, tmp_path, chromium_of, is_allowed=False) as (tab, url, _, _):
        with tab.expect_console_message(lambda told: "frame-ancestors" in told.text):
            tab.evaluate("url => { document.querySelector('iframe').src = url }", url)
        expect(tab.frame_locator("iframe").locator(".sedsql, .loading")).to_have_count(0)
        tab.goto(url)  # by itself it is shown
        tab.wait_for_selector(".sedsql main")


def test_a_site_that_is_allowed_can_do_nothing_with_the_page(sky, tmp_path, chromium_of):
    with shown(sky, tmp_path, chromium_of, is_allowed=True) as (tab, url, seen, explore):
        framed = FramedTab(tab, urlsplit(url).netloc, url)
        framed.show(QUERY)
        assert framed.count() == 2_000
        (session,) = explore.sessions._sessions
        names = f"const PAGE = {url!r}, ID = {session!r};"
        seen.clear()
        for name, script in FAIL.items():
            failed = tab.evaluate(f"async () => {{ {names} try {{ await ({script}); }} catch {{ return true; }} }}")
            assert failed, name
        tab.evaluate(f"() => {{ {MESSAGES} }}")
        for script in ARE_REFUSED.values():
            tab.evaluate(f"async () => {{ {names} await ({script}); }}")
        tab.wait_for_timeout(500)
        # Before "asked" the browser asks without cookies whether it may.
        refused = sorted((path.partition("?")[2], status) for _, path, status in seen if "?" in path)
        assert refused == [(name, 403) for name in sorted(ARE_REFUSED)]
        assert not [path for _, path, _ in seen if path.endswith(("/query", "/sessions"))]  # it hears no message
        assert list(explore.sessions._sessions) == [session]
        assert framed.count() == 2_000
