"""axe finds nothing serious, in light and in dark, empty and full."""

from pathlib import Path

import pytest
from expected import QUERY

ROOT = Path(__file__).parents[4]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"


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


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 800])
def test_axe_finds_nothing_serious(open_tab, colours, width):
    tab = open_tab(color_scheme=colours)
    tab.page.set_viewport_size({"width": width, "height": 900})
    if width == 1440:
        assert faults(tab) == []
    tab.run(f"{QUERY} WHERE dec > 0 AND w3mpro IS NOT NULL")
    tab.brush("Sky", (0.3, 0.3), (0.7, 0.7))
    tab.page.locator(".table tbody button").first.click()
    tab.settle()
    tab.page.get_by_label("Use W1", exact=True).click()
    tab.settle()
    assert faults(tab) == []
