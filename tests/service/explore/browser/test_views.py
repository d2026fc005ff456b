"""Query, brush, classes and probability: what the page counts is what SQL counts."""

import re
from collections import Counter

import numpy as np
import pytest
from expected import QUERY, rows_of, selected
from playwright.sync_api import expect


@pytest.mark.parametrize("webgl", [True, False], ids=["points", "cells"])
def test_brushes_select_what_sql_selects(tab_of, sql, webgl):
    tab = tab_of(webgl=webgl)
    tab.show(QUERY)
    table = rows_of(sql, QUERY)
    assert tab.counts() == (len(table), len(table))
    tab.brush("Colour–magnitude", (0.3, 0.2), (0.6, 0.7))
    tab.brush("Histogram", (0.5, 0.5), (0.98, 0.6))
    count = tab.count()
    link = tab.link()
    assert set(link["ranges"]) == {"cmd", "hist"}
    chosen = selected(table, link["views"], link["ranges"])
    assert 0 < count < len(table)
    assert count == chosen.sum()
    classes = Counter(name or "no class" for name in np.array(table["class"].to_pylist())[chosen])
    assert +Counter(tab.class_counts()) == classes


def test_classes_and_probability_are_further_conditions(tab, sql):
    tab.show(QUERY)
    table = rows_of(sql, QUERY)
    classes, probability = np.array(table["class"].to_pylist()), table["probability"].to_numpy(zero_copy_only=False)
    tab.page.get_by_role("button", name="Only yso", exact=True).click()
    assert tab.count() == (classes == "yso").sum() > 0
    tab.page.get_by_role("region", name="Classes").get_by_label("agn", exact=True).check()
    assert tab.count() == np.isin(classes, ["yso", "agn"]).sum()
    tab.page.get_by_label("Probability at least").fill("0.9")
    expect(tab.page.get_by_text("Probability ≥ 0.90")).to_be_visible()
    assert tab.count() == (np.isin(classes, ["yso", "agn"]) & (probability >= 0.9)).sum()
    tab.page.get_by_role("button", name="Select all").click()
    assert tab.count() == len(table)


def test_axes_are_changed_and_a_brush_is_zoomed_to(tab, sql):
    tab.show(QUERY)
    tab.page.get_by_role("button", name="Histogram: axes").click()
    tab.page.get_by_label("Horizontal axis").select_option(label="parallax")
    tab.page.get_by_label("logarithmic").check()
    tab.page.keyboard.press("Escape")
    tab.brush("Histogram", (0.5, 0.5), (0.8, 0.6))
    tab.view("Histogram").press("+")
    tab.settle()
    table, link = rows_of(sql, QUERY), tab.link()
    assert link["views"]["hist"]["x"] == {"column": "parallax", "log": True}
    assert link["views"]["hist"]["domain"] == link["ranges"]["hist"]
    assert tab.count() == selected(table, link["views"], link["ranges"]).sum() > 0


def test_a_small_selection_of_the_histogram_has_all_sources_beside_it(tab, sql):
    tab.show(QUERY)
    tab.brush("Colour–magnitude", (0.5, 0.5), (0.55, 0.55))
    tab.settle()
    table, link = rows_of(sql, QUERY), tab.link()
    chosen = selected(table, link["views"], link["ranges"])
    assert 0 < chosen.sum() < 100
    told = tab.page.locator(".view-hist .note").inner_text()
    divisor = int(re.search(r"line: all sources ÷ ([\d,]+)", told)[1].replace(",", ""))
    # In bins as they may be drawn, the highest one of all sources is about so many times as high as that of the chosen.
    values = table["phot_g_mean_mag"].to_numpy(zero_copy_only=False)
    values, among = values[np.isfinite(values)], values[chosen & np.isfinite(values)]
    edges = np.linspace(values.min(), values.max(), 90)
    ratio = np.histogram(values, edges)[0].max() / np.histogram(among, edges)[0].max()
    assert ratio / 3 < divisor < 6 * ratio
    assert str(divisor)[0] in "125"
    ticks = tab.page.locator(".view-hist text.tick[text-anchor=end]").all_text_contents()
    assert all(float(tick).is_integer() for tick in ticks)
    tab.page.get_by_role("button", name="Select all").click()
    tab.settle()
    assert "÷" not in tab.page.locator(".view-hist .note").inner_text()


def test_the_table_is_sorted_and_paged(tab, sql):
    tab.show(QUERY)
    tab.page.get_by_role("button", name="phot_g_mean_mag mag").click()
    tab.settle()
    tab.page.get_by_role("button", name="Next").click()
    expect(tab.page.get_by_text("51 to 100 of 2,000")).to_be_visible()
    tab.settle()
    shown = tab.page.locator(".table tbody tr td:nth-child(2)").all_inner_texts()
    ids = rows_of(sql, f"{QUERY} ORDER BY phot_g_mean_mag")["source_id"].to_pylist()
    assert shown == [str(one) for one in ids[50:100]]


def test_names_and_values_are_text(tab):
    tab.show("SELECT TOP 5 ra, dec, '<img src=x onerror=alert(1)>' AS class, ra AS \"<b>bold</b>\" FROM sed.photometry")
    expect(tab.page.get_by_role("columnheader", name="<b>bold</b>")).to_be_visible()
    assert tab.class_counts() == {"<img src=x onerror=alert(1)>": 5}
    assert tab.page.locator(".sedsql img").count() == 0


def test_a_result_without_rows_or_numbers(tab):
    tab.show("SELECT * FROM sed.photometry WHERE ra > 400")
    assert tab.counts() == (0, 0)
    tab.show("SELECT table_name, description FROM TAP_SCHEMA.tables")
    assert tab.counts()[1] > 5
    expect(tab.page.get_by_text("The result has no columns for this view.").first).to_be_visible()
