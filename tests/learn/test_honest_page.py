"""Test the tables of docs/honest.md, as `make honest` writes them."""

import runpy
from pathlib import Path

import pytest

from sedsql.inference.model import find_models
from sedsql.learn import sky_report

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def tables():
    return runpy.run_path(str(DOCS / "honest_tables.py"))


def cells(table):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]


def test_the_page_has_a_place_for_each_table(tables):
    page = (DOCS / "honest.md").read_text(encoding="utf-8")
    for name in ("sky", "origins", "field"):
        page = tables["written"](page, name, "| a |")
        assert f"<!-- {name} -->\n| a |\n<!-- end of {name} -->" in page
    assert page.count("| a |") == 3
    with pytest.raises(LookupError, match="no place marked"):
        tables["written"](page, "moon", "")


def test_the_sky_s_table_has_the_figures_of_the_report(tables):
    model = find_models()["shape-2"]
    header, _, *rows = cells(tables["sky"](model, 100, False))
    found = sky_report.report(model, 100)["classes"]
    assert [row[0] for row in rows] == list(found)
    place = header.index("completeness")
    for name, *others in rows:
        value = found[name]["completeness"]
        assert others[place - 1] == ("" if value is None else f"{100 * value:.3g} %")


def test_origins_are_those_that_evaluate_has_printed(tables):
    scores = {"macro_f1": 0.5, "accuracy": 0.625, "calibration_error": 0.1, "rows": 1234}
    agn = {"rows": 9, "precision": 0.25, "recall": 1.0, "f1": 0.4}
    one = {"origin": "liu", "rows": 175, "classes": ["massive"], "right": 0.8, "mostly_wrong": None}
    metrics = {"model": "shape-2", "all": {**scores, "per_class": {"agn": agn}}, "by_origin": [one]}
    text = tables["origins"](metrics, 0.84)
    assert "`shape-2`; its macro F1 on sky that training had not seen is 0.840" in text
    assert ["all", "1,234", "0.500", "0.625", "0.100"] in cells(text)
    assert ["agn", "9", "0.250", "1.000", "0.400"] in cells(text)
    assert ["liu", "175", "massive", "80 %", ""] in cells(text)
