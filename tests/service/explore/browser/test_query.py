"""The editor and the form."""

import re

from playwright.sync_api import expect


def test_an_error_is_underlined_where_it_is(tab):
    tab.run("SELECT source_id,\n  phot_g_mean_mg FROM sed.photometry")
    expect(tab.page.get_by_role("alert").filter(has_text="no column 'phot_g_mean_mg'")).to_be_visible()
    expect(tab.editor.locator(".fault")).to_have_text("phot_g_mean_mg")


def test_an_error_is_told_while_one_writes(tab):
    tab.page.get_by_role("tab", name="ADQL").click()
    tab.editor.click()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.type("SELECT sourceid FROM sed.photometry ", delay=5)
    expect(tab.page.get_by_role("alert").filter(has_text="sourceid")).to_be_visible()


def test_tables_columns_and_functions_are_completed(tab):
    tab.page.get_by_role("tab", name="ADQL").click()
    tab.editor.click()
    for written, offered in [
        ("SELECT s FROM sed.ph", "photometry"),
        ("SELECT TOP 5 * FROM sed.photometry AS s WHERE s.phot_g_m", "phot_g_mean_mag"),
        ("SELECT sed_cl", "sed_class"),
    ]:
        tab.page.keyboard.press("Control+a")
        tab.page.keyboard.type(written, delay=5)
        expect(tab.page.get_by_role("option", name=offered).first).to_be_visible()
        tab.page.keyboard.press("Escape")


def test_the_form_writes_the_query(open_tab, sql):
    tab = open_tab()
    page = tab.page
    page.get_by_label("Region: a name").fill("Orion Nebula")
    page.get_by_label("Region: a name").press("Tab")
    expect(page.get_by_label("Radius")).to_have_value("0.5")
    page.get_by_label("Radius").fill("40")
    page.get_by_label("G magnitude, faintest").fill("17.5")
    page.get_by_label("Parallax (mas), least").fill("0.2")
    page.get_by_text("Classes: all").click()
    page.locator(".form").get_by_label("yso", exact=True).check()
    page.locator(".form").get_by_label("main_sequence").check()
    page.get_by_role("button", name="Find sources").click()
    expect(page.get_by_text(re.compile(r"^[\d,]+ rows in"))).to_be_visible()
    expected = """SELECT COUNT(*) FROM sed.photometry AS s
        WHERE DISTANCE(POINT(s.ra, s.dec), POINT(83.819, -5.390)) < 40 AND s.phot_g_mean_mag <= 17.5
        AND s.parallax >= 0.2 AND sed_class(s) IN ('yso', 'main_sequence')"""
    (count,) = sql.execute(expected).fetchone()
    assert tab.count() == count > 0
    page.get_by_label("Region: a name").fill("Atlantis")
    page.get_by_role("button", name="Find sources").click()
    expect(page.get_by_role("alert").filter(has_text="Atlantis")).to_be_visible()


def test_examples_and_history(tab):
    tab.run("SELECT TOP 7 * FROM sed.photometry")
    assert tab.counts() == (7, 7)
    tab.page.get_by_role("button", name="Examples of queries").click()
    tab.page.locator(".choice").first.click()
    tab.wait_for_end()
    assert tab.count() != 7
    tab.page.get_by_role("button", name="History of queries").click()
    tab.page.get_by_role("button", name="SELECT TOP 7").click()
    tab.wait_for_end()
    assert tab.counts() == (7, 7)


def test_a_long_query_is_cancelled(tab):
    page = tab.page
    page.get_by_role("tab", name="ADQL").click()
    tab.editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(
        "SELECT SUM(SQRT(a.ra + b.ra * c.ra)) AS s FROM sed.photometry AS a, sed.photometry AS b, sed.photometry AS c"
    )
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Cancel").click()
    tab.wait_for_end()
    tab.run("SELECT TOP 3 * FROM sed.photometry")
    assert tab.counts() == (3, 3)
