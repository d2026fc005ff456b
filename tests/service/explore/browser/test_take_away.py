"""What is selected, as files, as ADQL and as pictures."""

import csv
import io
import xml.etree.ElementTree as ElementTree

import pyarrow.parquet as parquet
import pytest
from astropy.table import Table
from expected import QUERY, rows_of, selected
from matplotlib.image import imread
from playwright.sync_api import expect

WEBGL = [True, False]


@pytest.fixture
def chosen(tab, sql):
    """A tab with a brush, and the rows that it selects."""
    tab.show(QUERY)
    tab.brush("Colour–magnitude", (0.3, 0.2), (0.6, 0.7))
    table, _ = rows_of(sql, QUERY), tab.settle()
    link = tab.link()
    return tab, table.filter(selected(table, link["views"], link["ranges"]))


def saved(tab, name, *, within=None):
    with tab.page.expect_download() as download:
        (within or tab.page).get_by_role("button", name=name, exact=True).click()
    return download.value


def test_files_have_the_selection(chosen, tmp_path):
    tab, table = chosen
    ids = sorted(table["source_id"].to_pylist())
    files = {}
    for name in ("CSV", "VOTable", "FITS", "Parquet"):
        download = saved(tab, name)
        files[name] = tmp_path / download.suggested_filename
        download.save_as(files[name])
    assert [file.name for file in files.values()] == [
        f"sedsql-selection.{ending}" for ending in ("csv", "vot", "fits", "parquet")
    ]
    rows = list(csv.DictReader(io.StringIO(files["CSV"].read_text())))
    assert sorted(int(row["source_id"]) for row in rows) == ids
    assert sorted(parquet.read_table(files["Parquet"])["source_id"].to_pylist()) == ids
    for name, format in [("VOTable", "votable"), ("FITS", "fits")]:
        read = Table.read(files[name], format=format)
        assert sorted(read["source_id"].tolist()) == ids
        assert str(read["parallax"].unit) == "mas"


def test_the_query_of_the_selection_gives_it(chosen, sql):
    tab, table = chosen
    tab.page.get_by_role("button", name="Copy as ADQL").click()
    expect(tab.page.get_by_text("The query is copied.")).to_be_visible()
    adql = tab.page.evaluate("navigator.clipboard.readText()")
    assert sorted(rows_of(sql, adql)["source_id"].to_pylist()) == sorted(table["source_id"].to_pylist())
    tab.page.get_by_role("button", name="Copy as notebook cell").click()
    expect(tab.page.get_by_text("The cell is copied.")).to_be_visible()
    compile(tab.page.evaluate("navigator.clipboard.readText()"), "cell", "exec")


def test_a_query_that_may_give_other_rows_is_told(tab):
    tab.show("SELECT TOP 20 * FROM sed.photometry")
    tab.page.get_by_role("button", name="Copy as ADQL").click()
    expect(tab.page.get_by_text("The query is copied. TOP and OFFSET take any rows")).to_be_visible()


@pytest.mark.parametrize("webgl", WEBGL, ids=["points", "cells"])
def test_pictures_have_the_data_and_the_axes(tab_of, tmp_path, webgl):
    tab = tab_of(webgl=webgl)
    tab.show(f"{QUERY} WHERE sed_class(s) = 'main_sequence'")
    view = tab.page.get_by_role("region", name="Sky")
    files = []
    for ending in ("SVG", "PNG"):
        view.get_by_role("button", name="Sky: save the picture").click()
        download = saved(tab, ending)
        files.append(tmp_path / download.suggested_filename)
        download.save_as(files[-1])
    svg, png = files
    texts = [text.text for text in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"ra [deg]", "dec [deg]"} <= set(texts)
    pixels = imread(png)[..., :3]
    blue = abs(pixels - [0x56 / 255, 0xB4 / 255, 0xE9 / 255]).max(axis=2) < 0.1
    assert blue.sum() > 100


def test_the_sed_is_a_picture_too(tab, tmp_path):
    tab.show(f"{QUERY} WHERE w4mpro IS NOT NULL")
    tab.page.locator(".table tbody button").first.click()
    tab.page.get_by_role("button", name="SED: save the picture").click()
    download = saved(tab, "SVG")
    download.save_as(tmp_path / "sed.svg")
    texts = [text.text for text in ElementTree.parse(tmp_path / "sed.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert "wavelength [µm]" in texts
