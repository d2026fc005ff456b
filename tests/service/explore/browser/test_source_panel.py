"""A source that is clicked: its class and why; bands that are switched off."""

import numpy as np
from expected import QUERY, rows_of
from playwright.sync_api import expect
from tab import MAGNITUDES


def shown_class(tab):
    tab.settle()
    return tab.page.locator(".verdict strong").inner_text().strip()


def test_a_click_shows_the_source_there(tab_of, sql):
    tab = tab_of(webgl=True)
    query = f"{QUERY} WHERE w4mpro IS NOT NULL AND parallax > 0.1"
    tab.show(query)
    table = rows_of(sql, query)
    x, y = (table[name].to_numpy(zero_copy_only=False) for name in ("ra", "dec"))
    # The source that is furthest from all others on the sky can be told from them.
    apart = np.hypot(x - x[:, None], y - y[:, None]) + 1e6 * np.eye(len(x))
    lonely = apart.min(axis=1).argmax()
    tab.page.mouse.click(*place_on_sky(tab, x[lonely], y[lonely]))
    tab.settle()
    expect(tab.page.get_by_role("complementary", name="Source")).to_contain_text(str(table["source_id"][lonely]))
    assert shown_class(tab) == table["class"][lonely].as_py()
    assert tab.page.locator(".view-sky .ring").count() == 1


def place_on_sky(tab, ra, dec):
    """Where a position is drawn, by the numbers along the axes of the sky."""
    box = tab.view("Sky").bounding_box()
    ticks = tab.page.locator(".view-sky text.tick").evaluate_all(
        "all => all.map(one => [one.textContent, one.getBoundingClientRect().toJSON()])"
    )
    found = [(float(text.replace("−", "-")), place) for text, place in ticks]
    bottom = max(place["y"] for _, place in found)
    across = [(value, place["x"] + place["width"] / 2) for value, place in found if place["y"] == bottom]
    up = [(value, place["y"] + place["height"] / 2) for value, place in found if place["y"] != bottom]
    # Right ascension grows to the left, and is written within 0 to 360.
    across.sort(key=lambda one: -one[1])
    values = [value for value, _ in across]
    for k in range(1, len(values)):
        while values[k] <= values[k - 1]:
            values[k] += 360
    slope, start = np.polyfit(values, [x for _, x in across], 1)
    assert slope < 0
    places = [slope * (ra + turn) + start for turn in (-360, 0, 360)]
    x = next(place for place in places if box["x"] < place < box["x"] + box["width"])
    slope, start = np.polyfit(*zip(*up, strict=True), 1)
    return x, slope * dec + start


def test_the_class_follows_bands_that_are_switched_off(tab, sql):
    young = "FROM sed.photometry AS s WHERE sed_class(s) = 'yso' AND w3mpro IS NOT NULL"
    (source_id,) = sql.execute(f"SELECT TOP 1 source_id {young} ORDER BY w2mpro").fetchone()
    tab.show(f"{QUERY} WHERE source_id = {source_id}")
    tab.page.get_by_role("button", name=f"Show source {source_id}").click()
    assert shown_class(tab) == "yso"
    panel = tab.page.get_by_role("complementary", name="Source")
    for name in ("W1", "W2", "W3", "W4", "Ks"):
        box = panel.get_by_label(f"Use {name}", exact=True)
        if box.is_enabled():
            box.uncheck()
    off = ("ks_m", "w1mpro", "w2mpro", "w3mpro", "w4mpro")
    columns = ", ".join(f"NULL AS {name}" if name in off else name for name in MAGNITUDES.split(", "))
    given = f"SELECT {columns}, ra, dec, parallax, parallax_error FROM sed.photometry WHERE source_id = {source_id}"
    told = f"SELECT sed_class(q) AS class, sed_probability(q) AS p FROM ({given}) AS q"
    name, probability = sql.execute(told).fetchone()
    assert shown_class(tab) == name
    expect(panel.locator(".verdict .p")).to_have_text(f"probability {probability:.2f}")


def test_links_are_links_alone(tab):
    tab.show(f"{QUERY} WHERE dec > 50")
    tab.page.locator(".table tbody button").first.click()
    links = tab.page.get_by_role("navigation", name="This position elsewhere").get_by_role("link")
    expect(links).to_have_count(3)
    for link in links.all():
        assert link.get_attribute("target") == "_blank"
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert link.get_attribute("href").startswith("https://")
