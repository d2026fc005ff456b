"""The way of a person who has never seen the page, as docs/explore.md tells it: each click is one of a step there."""

import re

from playwright.sync_api import expect


def test_the_young_stars_of_a_region_and_why_one_of_them_is_one(open_tab, sql):
    tab = open_tab()
    page = tab.page
    # 1. The first screen says what to do; a part of a name is told which names have it.
    expect(page.get_by_text("Name a region in the form")).to_be_visible()
    region = page.get_by_label("Region: a name or a position")
    region.fill("Orion")
    region.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="did you mean Orion Nebula Cluster or")).to_be_visible()
    region.fill("Orion Nebula")
    page.get_by_label("Radius").fill("20")
    page.get_by_role("button", name="Find sources").click()
    # 2. All views show the sources, and a line above them what can be done next.
    near = "FROM sed.photometry AS s WHERE DISTANCE(POINT(s.ra, s.dec), POINT(83.819, -5.390)) < 20"
    classes = dict(sql.execute(f"SELECT sed_class(s) AS c, COUNT(*) AS n {near} GROUP BY c").fetchall())
    young, all_ = classes["yso"] + classes["yso_discless"], sum(classes.values())
    told = page.locator(".selected .told")
    expect(told).to_have_text(f"{all_} of {all_} sources selected")
    expect(page.get_by_text("Drag across a view to select, click a source")).to_be_visible()
    # 3. One click selects all that is young.
    page.get_by_role("button", name="young", exact=True).click()
    expect(told).to_have_text(f"{young} of {all_} sources selected")
    # 4. A line of the table has a source; its panel says what it is, and why in words.
    for _ in range(2):
        page.get_by_role("button", name="probability", exact=True).click()
        tab.settle()
    line = page.locator(".table tbody tr").filter(has=page.get_by_text("yso", exact=True)).first
    source_id = line.locator("td").nth(1).inner_text()
    line.click()
    panel = page.get_by_role("complementary", name="Source")
    expect(panel.locator(".verdict")).to_have_text(re.compile("^yso *probability"))
    expect(panel).to_contain_text("young stars with a disc or an envelope")
    (why,) = sql.execute(f"SELECT sed_explain(s) FROM sed.photometry AS s WHERE source_id = {source_id}").fetchone()
    strongest = max(why, key=lambda one: one["contribution"])["band"]
    short = {"w1mpro": "W1", "w2mpro": "W2", "w3mpro": "W3", "w4mpro": "W4", "parallax": "Parallax"}.get(strongest)
    expect(panel.locator(".why")).to_have_text(re.compile(rf"^{short or ''}.* most for yso\."))
    # 5. Without the bands that show the disc it is no longer one, and that is seen without scrolling back.
    for name in ("W1", "W2", "W3", "W4"):
        box = panel.get_by_label(f"Use {name}", exact=True)
        if box.is_enabled():
            box.uncheck()
    expect(panel.locator(".verdict")).to_contain_text("of the bands")
    expect(panel.locator(".verdict strong")).not_to_have_text("yso")
    expect(panel.locator(".verdict strong")).to_be_in_viewport()
