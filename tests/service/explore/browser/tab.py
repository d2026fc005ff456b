"""What a test does with the page, and what it reads there."""

import json
import re
from itertools import count
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, expect

MAGNITUDES = "phot_g_mean_mag, phot_bp_mean_mag, phot_rp_mean_mag, j_m, h_m, ks_m, w1mpro, w2mpro, w3mpro, w4mpro"
MOST_TABS = 120
VIEWPORT = {"width": 1440, "height": 900}
_shown = count()


class Tab:
    """A tab with the page.

    Attributes
    ----------
    wrong : errors of its console, and what it asked other hosts for
    """

    def __init__(self, page: Page, host: str):
        self.page, self.wrong = page, []
        page.on("console", lambda told: told.type == "error" and self.wrong.append(told.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda asked: is_elsewhere(asked.url, host) and self.wrong.append(asked.url))

    # What it shows.

    def count(self) -> int:
        """The number of selected sources, when what is asked has been answered."""
        return self.counts()[0]

    def counts(self) -> tuple[int, int]:
        """The numbers of selected and of all sources."""
        self.settle()
        told = self.page.locator(".selected .told").inner_text()
        chosen, all_ = re.match(r"([\d,]+) of ([\d,]+) sources? selected", told).groups()
        return int(chosen.replace(",", "")), int(all_.replace(",", ""))

    def class_counts(self) -> dict[str, int]:
        self.settle()
        rows = self.page.locator(".class-row").all()
        found = {row.locator(".name").inner_text(): row.locator(".chosen").inner_text() for row in rows}
        return {name: int(n.replace(",", "")) for name, n in found.items()}

    def link(self) -> dict:
        """What the URL holds: query, views, and ranges by view."""
        parts = {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).fragment).items()}
        ranges = {
            name.removeprefix("in."): [float(x) for x in value.split(",")]
            for name, value in parts.items()
            if name.startswith("in.")
        }
        return {"query": parts["query"], "views": json.loads(parts.get("views", "{}")), "ranges": ranges}

    def settle(self) -> None:
        """Wait until nothing is under way, and all is drawn."""
        expect(self.page.locator(".sedsql > main")).to_have_attribute("aria-busy", "false")
        # Sizes are looked at before a frame is drawn, and views drawn in the next one.
        frame = "new Promise(requestAnimationFrame)"
        self.page.evaluate(f"async () => {{ {f'await {frame}; ' * 3} }}")

    # What a user does.

    def reset(self) -> None:
        """Be as a tab is that was opened now, but for the page in it, which `show` puts in order."""
        self.wrong.clear()
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(VIEWPORT)

    def show(self, query: str) -> None:
        """Follow a link: the result of a query in its own axes, with nothing selected and no source open."""
        link = urlencode({"query": query, "number": next(_shown)})
        self.page.evaluate("link => { location.hash = link }", link)
        # When the query has ended, the page writes its own link, which has no number.
        expect(self.page).not_to_have_url(re.compile("&number="))
        self.settle()

    def run(self, query: str) -> None:
        """Type a query and run it; its result is there, or its fault."""
        self.page.get_by_role("tab", name="ADQL").click()
        self.editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(query)
        self.page.keyboard.press("Control+Enter")
        self.wait_for_end()

    def wait_for_end(self) -> None:
        expect(self.page.get_by_label("Progress of the query")).to_be_hidden()

    @property
    def editor(self):
        return self.page.get_by_label(re.compile("^Query in ADQL"))

    def view(self, name: str):
        """The drawing of a view, which takes mouse and keys."""
        return self.page.get_by_role("application", name=re.compile(f"^{name}"))

    def brush(self, name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag across a view; places are parts of its drawing, from the left and from the top."""
        box = self.view(name).bounding_box()
        for k, (x, y) in enumerate((start, end)):
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
            if not k:
                self.page.mouse.down()
        self.page.mouse.up()

    def tab_to(self, name: str) -> None:
        """Press Tab until something of that name has the focus."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText || ''")
            if focused.strip().startswith(name):
                return
        raise AssertionError(f"Tab does not come to {name!r}")


def is_elsewhere(asked: str, host: str) -> bool:
    parts = urlsplit(asked)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host
