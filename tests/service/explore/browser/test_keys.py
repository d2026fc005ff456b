"""The whole way by the keyboard alone."""

import re

from expected import QUERY, rows_of, selected
from playwright.sync_api import expect


def test_query_brush_explain_and_export_by_keys(open_tab, sql):
    tab = open_tab()
    page, press = tab.page, tab.page.keyboard.press
    tab.tab_to("Form")
    press("ArrowRight")
    press("Tab")
    press("Control+a")
    page.keyboard.insert_text(QUERY)
    press("Control+Enter")
    tab.wait_for_end()
    tab.settle()
    tab.tab_to("Colour–magnitude, ")
    for key in ["ArrowDown", *["ArrowLeft"] * 6, *["Shift+ArrowLeft"] * 2, *["Shift+ArrowUp"] * 3, "Alt+ArrowRight"]:
        press(key)
    count, link, table = tab.count(), tab.link(), rows_of(sql, QUERY)
    assert 0 < count < len(table)
    assert count == selected(table, link["views"], link["ranges"]).sum()
    press("Enter")
    panel = page.get_by_role("complementary", name="Source")
    expect(panel.locator(".verdict")).to_be_visible()
    expect(panel).to_be_focused()
    press("Tab")
    press("Escape")
    expect(panel).to_be_hidden()
    expect(tab.view("Colour–magnitude")).to_be_focused()
    press("Escape")
    assert tab.count() == len(table)
    tab.tab_to("Show source")
    press("Enter")
    expect(panel.locator(".verdict")).to_be_visible()
    tab.tab_to("Use ")
    press("Space")
    expect(panel.get_by_text("without 1 of the bands")).to_be_visible()
    expect(panel.get_by_role("checkbox").and_(page.locator(":focus"))).to_have_count(1)
    press("Escape")
    tab.tab_to("CSV")
    with page.expect_download() as download:
        press("Enter")
    assert download.value.suggested_filename == "sedsql-selection.csv"


def test_the_focus_is_seen(tab):
    tab.show(f"{QUERY} WHERE dec > 0")
    seen = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        outline = tab.page.evaluate(
            """() => { const focused = document.activeElement, host = focused.shadowRoot ? focused : focused;
            return [host.tagName, getComputedStyle(host).outlineStyle]; }"""
        )
        seen.add(tuple(outline))
    assert {style for _, style in seen} == {"solid"}
    assert {"BUTTON", "INPUT", "svg"} <= {tag for tag, _ in seen}


def test_every_control_has_a_name(tab):
    tab.show(QUERY)
    tab.page.locator(".table tbody button").first.click()
    tab.settle()
    controls = tab.page.locator("main").locator("button, input, select, textarea, a, [tabindex='0']")
    named = controls.evaluate_all(
        "all => all.filter((e) => e.checkVisibility()).map((e) => [e.outerHTML, "
        "e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.getAttribute('aria-labelledby')])"
    )
    assert len(named) > 100
    assert [html for html, name in named if not re.search(r"\w|×", name or "")] == []
