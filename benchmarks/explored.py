"""Measure `sedsql serve`'s page in a browser: how long its user waits for the first picture, a brush, and a source.

Chromium draws without a graphics card, on the cores that the server uses too.
"""

import json
import os
import re
import shutil
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

import sedsql
from sedsql.photometry.bands import COLUMNS

from .measure import Section, Setting, figure, machine, versions
from .sedsql_server import running

if TYPE_CHECKING:
    from playwright.sync_api import Page

FULL, QUICK = 5_000_000, 20_000
COPIES = 10
"""Each source so many times is the largest result that a page takes: 50 million rows."""
QUERY = (
    f"SELECT s.source_id, s.ra, s.dec, s.parallax, {', '.join(f's.{name}' for name in COLUMNS)}, "
    "sed_class(s) AS class, sed_probability(s) AS probability FROM sed.photometry AS s"
)
COPIED = f"SELECT q.* FROM ({QUERY}) AS q, (SELECT TOP {COPIES} source_id AS copy FROM gaiadr3.gaia_source) AS copies"
MEMORY_GB = 14
STEPS = 40
CLICKS = 20
MB = 1 << 20
PATIENCE_MS = 200_000
_SETTLES_MS = 100
_OPEN_MS = 3000

_WATCH = """() => {
    const main = document.querySelector("main");
    const begins = (event) => { if (event.buttons || event.type === "click") window.since ??= performance.now(); };
    window.waited = [];
    window.since = null;
    for (const kind of ["pointermove", "click"]) addEventListener(kind, begins, true);
    new MutationObserver(() => {
        if (main.getAttribute("aria-busy") !== "false" || window.since === null) return;
        const began = window.since;
        window.since = null;
        requestAnimationFrame(() => window.waited.push(performance.now() - began));
    }).observe(main, { attributes: true, attributeFilter: ["aria-busy"] });
}"""
"""Notes how long it takes from an event to the frame in which all that it asked for is drawn."""
_CLICKS = """() => {
    const named = () => document.querySelector("aside.source .identity");
    window.seen = null;
    window.watching?.disconnect();
    addEventListener("pointerdown", () => {
        const began = performance.now();
        const before = named();
        window.watching = new MutationObserver((_, observer) => {
            if (!named() || named() === before) return;
            observer.disconnect();
            requestAnimationFrame(() => (window.seen = performance.now() - began));
        });
        window.watching.observe(document.querySelector("main"), { childList: true, subtree: true });
    }, { capture: true, once: true });
}"""
"""Notes how long it takes from the next click to the frame that has the source's class, and its spectrum below."""
_RAN = (
    """() => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("/query")).at(-1).duration"""
)
"""Milliseconds that the query took."""
_AGAIN = "() => { window.waited = []; window.since = null; }"
_HAS = "() => window.waited.length > 0"
_TAKE = "() => window.waited.splice(0)"


def run(setting: Setting) -> Section:
    """Measure 5 million rows, and 50 million."""
    section = Section("The page in a browser: sedsql explore", quick=setting.quick)
    mirror = setting.mirror or setting.sample(QUICK if setting.quick else FULL)
    section.say(
        f"{machine()}; {versions('starlette', 'uvicorn', 'playwright')}.",
        f"Chromium shows the page of `sedsql serve`, of all sources of a simulated sky with ten magnitudes and class. "
        f"A brush is dragged over the sky and over the colour-magnitude diagram in {STEPS} steps each; a time is that "
        f"from an event to the frame in which all views show what it selects. {CLICKS} sources are clicked on.",
    )
    with _chromium() as browser, running(mirror, "--memory", str(MEMORY_GB)) as server:
        lines = []
        for query, copies in ((QUERY, 1), (COPIED, COPIES)):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            try:
                seen = _look(page, server.url.removesuffix("tap"), query)
                section.agree(f"{seen.rows:,} rows: the brush selects what SQL counts", _check(mirror, page, copies))
            finally:
                page.close()
            lines.append(seen.line())
            if copies == 1:
                section.aim("First picture after the query, s", seen.first, most=3)
                section.aim("Brush, p95 in ms", p95(seen.brushes), most=300)
                section.aim("A click on a source, p95 in ms", p95(seen.clicks), most=200)
            else:
                section.aim(f"Brush of {seen.rows:,} rows, p95 in ms", p95(seen.brushes), most=1500)
        section.table(
            ["rows", "query, s", "first picture, s", "brush, median, ms", "p95", "click, median, ms", "p95", "MB sent"],
            lines,
        )
    return section


@dataclass(frozen=True)
class Seen:
    """What a user waited for: seconds of the query and of the first picture, milliseconds of all else."""

    rows: int
    query: float
    first: float
    brushes: Sequence[float]
    clicks: Sequence[float]
    bytes: int

    def line(self) -> list[str]:
        """A line of the table."""
        waited = [each(times) for times in (self.brushes, self.clicks) for each in (statistics.median, p95)]
        values = (self.query, self.first, *waited)
        return [f"{self.rows:,}", *map(figure, values), f"{self.bytes / MB:.1f}"]


def p95(times: Sequence[float]) -> float:
    """95 % of the times are at most this."""
    return float(np.percentile(times, 95))


@contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise sedsql.Error("There is no Chromium; tests/servers/install-browser installs it")
    with sync_playwright() as playwright:
        # Root, as in containers, has no sandbox.
        arguments = [
            "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader",
            *([] if os.geteuid() else ["--no-sandbox"]),
        ]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def _look(page: "Page", url: str, query: str) -> Seen:
    """Run a query, brush in two views, and click on sources."""
    finished: list[Any] = []
    page.on("requestfinished", lambda request: finished.append(request))
    page.goto(url)
    page.get_by_role("tab", name="ADQL").click()
    page.locator(".cm-content").fill(query)
    page.wait_for_timeout(_OPEN_MS)
    began = perf_counter()
    page.keyboard.press("Control+Enter")
    told = page.get_by_text(re.compile(r"rows in \d"))
    told.wait_for()
    page.locator("main[aria-busy=false]").wait_for()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    whole = perf_counter() - began
    (rows,) = re.search(r"([\d,]+) rows in", told.inner_text()).groups()
    ran = page.evaluate(_RAN) / 1000
    page.evaluate(_WATCH)
    brushes = _brush(page, "Sky")
    page.get_by_role("button", name="Select all").click()
    page.wait_for_function(_HAS)
    page.evaluate(_AGAIN)
    clicks = _click(page)
    brushes += _brush(page, "Colour–magnitude")
    sent = sum(request.sizes()["responseBodySize"] for request in finished)
    return Seen(int(rows.replace(",", "")), ran, whole - ran, brushes, clicks, sent)


def _brush(page: "Page", view: str) -> list[float]:
    """Drag a brush in small steps, each of which is waited for; gives the milliseconds of each."""
    box = page.get_by_role("application", name=re.compile(f"^{view}")).bounding_box()
    x, y = box["x"] + 0.25 * box["width"], box["y"] + 0.2 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y + 10)
    page.wait_for_function(_HAS)
    found = []
    for step in range(1, STEPS + 1):
        page.evaluate(_AGAIN)
        page.mouse.move(x + 10 + 0.5 * box["width"] * step / STEPS, y + 10 + 0.5 * box["height"] * step / STEPS)
        page.wait_for_function(_HAS)
        found += page.evaluate(_TAKE)[:1]
    page.mouse.up()
    page.locator("main[aria-busy=false]").wait_for()
    page.evaluate(_AGAIN)
    return found


def _click(page: "Page") -> list[float]:
    """Click on sources on the sky; gives the milliseconds until each is shown."""
    found: list[float] = []
    for step in range(2 * CLICKS):
        box = page.get_by_role("application", name=re.compile("^Sky")).bounding_box()  # which the panel moves
        page.evaluate(_CLICKS)
        page.mouse.click(box["x"] + (0.3 + 0.2 * step / CLICKS) * box["width"], box["y"] + 0.5 * box["height"])
        page.wait_for_timeout(_SETTLES_MS)
        page.locator("main[aria-busy=false]").wait_for()
        page.wait_for_timeout(_SETTLES_MS)
        found += filter(None, [page.evaluate("() => window.seen")])  # a place may have no source
        if len(found) == CLICKS:
            break
    page.evaluate(_AGAIN)
    return found


def _check(mirror: Path, page: "Page", copies: int) -> list[str]:
    """Compare the number of selected sources with SQL's, by the ranges in the page's address."""
    shown = int(page.locator(".selected strong").inner_text().replace(",", ""))
    link = {name: values[0] for name, values in parse_qs(urlsplit(page.url).fragment).items()}
    views = json.loads(link["views"])
    tests = []
    for name, view in views.items():
        if f"in.{name}" in link:
            x0, x1, *rest = map(float, link[f"in.{name}"].split(","))
            ends = [(x0, x1), tuple(rest)] if rest else [(x0, x1)]
            tests += [
                f"{_value(view[side])} BETWEEN {low!r} AND {high!r}"
                for side, (low, high) in zip("xy", ends, strict=False)
            ]
    with sedsql.connect(mirror) as con:
        (count,) = con.sql(f"SELECT count(*) FROM sed.photometry WHERE {' AND '.join(tests)}").fetchone()
    return [] if tests and shown == count * copies else [f"the page shows {shown:,} sources, SQL {count * copies:,}"]


def _value(axis: dict[str, Any]) -> str:
    if "minus" in axis:
        return "({}::DOUBLE - {}::DOUBLE)".format(*axis["minus"])
    if "absolute" in axis:
        return f"(CASE WHEN parallax > 0 THEN {axis['absolute']}::DOUBLE + 5 * log10(parallax::DOUBLE) - 10 END)"
    return f"{axis['column']}::DOUBLE"
