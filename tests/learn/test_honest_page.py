"""The tables of docs/honest.md, as `make honest` writes them."""

import runpy
from dataclasses import replace
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


def test_origins_are_those_of_cards(tables):
    model = find_models()["shape-2"]
    assert "No card" in tables["origins"]([replace(model, card={"metrics": {}})])
    out = {
        "all": {"macro_f1": 0.5, "accuracy": 0.625, "calibration_error": 0.1, "rows": 1234, "per_class": {"agn": {}}}
    }
    card = {"metrics": {"all": {"macro_f1": 0.75}, "leave_one_origin_out": out}}
    *_, row = cells(tables["origins"]([replace(model, card=card)]))
    assert row == ["shape-2", "0.500", "0.625", "0.100", "0.750", "1,234", "agn"]
