"""axe finds nothing serious, in light and in dark, empty and full."""

from pathlib import Path

import pytest
from expected import QUERY
from tab import VIEWPORT

ROOT = Path(__file__).parents[4]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
COLOURS = ["light", "dark"]


def faults(tab):
    """What axe finds, but for what it counts as minor."""
    # The page's policy refuses scripts that are not its own; the browser's tools are not bound by it.
    tab.page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    found = tab.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        (one["id"], one["impact"], [node["html"][:160] for node in one["nodes"]][:5])
        for one in found
        if one["impact"] in ("moderate", "serious", "critical")
    ]


def test_axe_finds_nothing_serious_before_a_query(open_tab):
    tab = open_tab()
    found = {}
    for colours in COLOURS:
        tab.page.emulate_media(color_scheme=colours)
        found[colours] = faults(tab)
    assert found == {colours: [] for colours in COLOURS}


@pytest.mark.parametrize("colours", COLOURS)
def test_axe_finds_nothing_serious(tab, colours):
    tab.page.emulate_media(color_scheme=colours)
    tab.show(f"{QUERY} WHERE dec > 0 AND w3mpro IS NOT NULL")
    tab.brush("Sky", (0.3, 0.3), (0.7, 0.7))
    tab.page.locator(".table tbody button").first.click()
    tab.settle()
    tab.page.get_by_label("Use W1", exact=True).click()
    tab.settle()
    found = {}
    for width in (1440, 1024, 800):
        tab.page.set_viewport_size({**VIEWPORT, "width": width})
        found[width] = faults(tab)
    assert found == {1440: [], 1024: [], 800: []}
