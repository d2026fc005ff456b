"""What is taken away from the page: ADQL, files and cells of notebooks have the rows of a selection."""

import csv
import io
import random
from dataclasses import replace
from urllib.parse import urljoin

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table
from exploring import arrays, sentence

import sedsql

VIEWS = {
    "sky": {"kind": "plane", "x": {"column": "ra"}, "y": {"column": "dec"}, "size": [50, 50]},
    "cmd": {
        "kind": "plane",
        "x": {"minus": ["phot_bp_mean_mag", "phot_rp_mean_mag"]},
        "y": {"absolute": "phot_g_mean_mag"},
        "size": [50, 50],
    },
    "cc": {"kind": "plane", "x": {"minus": ["h_m", "ks_m"]}, "y": {"minus": ["j_m", "h_m"]}, "size": [50, 50]},
    "hist": {"kind": "line", "x": {"column": "phot_g_mean_mag", "log": True}, "bins": 20},
}
QUERIES = {
    "photometry": ("SELECT * FROM sed.photometry", VIEWS),
    "classified": ("SELECT * FROM sed.classified WHERE dec < 20", VIEWS),
    "over 0": (
        "SELECT source_id, ra, dec FROM gaiadr3.gaia_source WHERE (ra < 20 OR ra > 330) AND dec BETWEEN -60 AND 60",
        {"sky": {**VIEWS["sky"], "domain": [-30, 20, -60, 60]}},
    ),
    "over 360": (
        "SELECT ra, dec, 1 AS one FROM gaiadr3.gaia_source WHERE ra < 20 OR ra > 330 -- west and east\n;",
        {"sky": {**VIEWS["sky"], "domain": [330, 380, -90, 90]}},
    ),
    "aliases": (
        'SELECT ra AS "a ""b"" <i>", dec + 1 AS y, phot_g_mean_mag - 30 AS q FROM sed.photometry AS q WHERE q.dec > 0',
        {"sky": {**VIEWS["sky"], "x": {"column": 'a "b" <i>'}, "y": {"column": "y"}},
         "hist": {"kind": "line", "x": {"column": "q"}, "bins": 9}},
    ),
    "joined, with one name twice": (
        "SELECT p.*, g.ra, g.phot_g_mean_mag FROM sed.photometry AS p JOIN gaiadr3.gaia_source AS g USING (source_id)",
        {**VIEWS, "sky": {**VIEWS["sky"], "x": {"column": "ra_1"}}},
    ),
    "grouped": (
        "SELECT sed_class(s) AS class, COUNT(*) AS n, AVG(ra) AS ra, MIN(dec) AS dec FROM sed.photometry AS s "
        "GROUP BY class",
        {"sky": VIEWS["sky"], "hist": {"kind": "line", "x": {"column": "n"}, "bins": 9}},
    ),
    "TOP": ("SELECT TOP 500 * FROM sed.photometry ORDER BY phot_g_mean_mag, source_id", VIEWS),
    "WITH": (
        "WITH near AS (SELECT * FROM sed.photometry WHERE parallax > 1), q AS (SELECT * FROM near WHERE dec < 50) "
        "SELECT q.*, ra - dec AS d FROM q",
        VIEWS,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def con(sky):
    with sedsql.connect(sky) as con:
        yield con


def drawn(page, name):
    """Run a query and draw its views; its result, and the domain of each view."""
    query, views = QUERIES[name]
    result = page.query(query)
    answer = page.ask("axes", views=views)
    assert answer.status_code == 200, answer.text
    return result, {name: view["domain"] for name, view in arrays(answer.content)[0]["views"].items()}


def all_rows(page, filter=()):
    rows = []
    while True:
        found = page.ask("rows", filter=list(filter), offset=len(rows), count=500).json()
        rows += found["rows"]
        if len(rows) >= found["total"]:
            return rows


def filters(result, domains, rows, draw):
    """A selection: a brush in one view or two, whose ends may be values of rows, and classes or a probability."""
    names = [column["name"] for column in result["columns"]]
    for view in draw.sample(sorted(domains), draw.choice([1, min(2, len(domains))])):
        ends = []
        for low, high in zip(domains[view][::2], domains[view][1::2], strict=True):
            ends += sorted(draw.uniform(low, high) for _ in range(2)) if draw.random() < 0.7 else [low, high]
        if view == "hist" and "phot_g_mean_mag" in names and draw.random() < 0.5:
            values = [row[1 + names.index("phot_g_mean_mag")] for row in draw.sample(rows, 2)]
            ends = sorted(values) if None not in values else ends
        yield {"view": view, "range": ends}
    classes = [one["name"] for one in result["classes"]]
    if classes and draw.random() < 0.5:
        yield {"classes": draw.sample([*classes, None], draw.randrange(1, len(classes) + 2))}
    if classes and draw.random() < 0.3:
        yield {"probability": draw.random()}


def as_told(row):
    """A row as text, its numbers to 32 bits: JSON has so many of a REAL, and large integers as text."""
    return repr([str(x) if x is None or is_text(x) else float(np.float32(x)) for x in row])


def is_text(value):
    """Whether it is a text, or an integer of more digits than JavaScript has."""
    return len(str(value)) > 15 if isinstance(value, int) or str(value).isdigit() else isinstance(value, str)


@pytest.mark.parametrize("name", QUERIES)
def test_the_adql_of_a_selection_has_its_rows(page, con, name):
    """Counts and rows are those of `sedsql query`; ends of ranges that are values of rows count too."""
    result, domains = drawn(page, name)
    everything = all_rows(page)
    draw, counts = random.Random(name), []
    for _ in range(5):
        filter = list(filters(result, domains, everything, draw))
        head, _ = arrays(page.ask("select", filter=filter).content)
        answer = page.ask("where", filter=filter).json()
        cursor = con.execute(answer["adql"])
        found = cursor.fetchall()
        assert len(found) == head["count"], (filter, answer["adql"])
        assert [column for column, *_ in cursor.description] == [column["name"] for column in result["columns"]]
        counts.append(head["count"])
        shown = [row[1:] for row in all_rows(page, filter)]
        assert sorted(map(as_told, found)) == sorted(map(as_told, shown))
    assert len({*counts}) > 2


def test_without_a_selection_it_is_the_query(page, con):
    drawn(page, "classified")
    assert page.ask("where", filter=[]).json()["adql"] == QUERIES["classified"][0]


@pytest.mark.parametrize(
    ("query", "any_rows"),
    [
        ("SELECT TOP 5 ra FROM sed.photometry", True),
        ("SELECT TOP 5 ra FROM sed.photometry ORDER BY ra", False),
        ("SELECT ra FROM sed.photometry ORDER BY ra OFFSET 5", False),
        ("SELECT ra FROM sed.photometry OFFSET 5", True),
        ("SELECT q.ra FROM (SELECT TOP 5 ra FROM sed.photometry) AS q ORDER BY q.ra", True),
        ("WITH q AS (SELECT TOP 5 ra FROM sed.photometry) SELECT ra FROM q", True),
        ("SELECT ra FROM sed.photometry UNION SELECT TOP 5 ra FROM sed.photometry", True),
        ("SELECT COUNT(*) AS n FROM sed.photometry", False),
    ],
)
def test_a_query_that_may_have_other_rows_is_told(page, query, any_rows):
    page.query(query)
    note = page.ask("where", filter=[]).json()["note"]
    assert ("ORDER BY" in note) if any_rows else note is None


def test_rows_that_were_chosen_one_by_one(page, con):
    drawn(page, "photometry")
    rows = {row[0]: row[1:] for row in all_rows(page)}
    chosen = random.Random(1).sample(sorted(rows), 9)
    answer = page.ask("where", filter=[{"rows": chosen}]).json()
    found = con.execute(answer["adql"]).fetchall()
    assert sorted(str(row[0]) for row in found) == sorted(rows[row][0] for row in chosen)
    assert page.ask("where", filter=[{"rows": []}]).json()["adql"].endswith("WHERE 1 = 0")
    assert "are named by their source_id" in refused(page, "aliases", [{"rows": [1]}])
    twice = "SELECT source_id FROM gaiadr3.gaia_source UNION ALL SELECT source_id FROM gaiadr3.gaia_source"
    page.query(twice)
    assert "do not tell them from others" in sentence(page.ask("where", filter=[{"rows": [1]}]), 400)
    assert "ADQL is written for 1,000" in sentence(page.ask("where", filter=[{"rows": list(range(1001))}]), 400)


def refused(page, name, filter):
    drawn(page, name)
    return sentence(page.ask("where", filter=filter), 400)


def test_the_cell_makes_the_table(page):
    drawn(page, "photometry")
    filter = [{"view": "sky", "range": [10, 200, -50, 50]}, {"classes": ["yso", "white_dwarf"]}]
    names = {}
    exec(page.ask("where", filter=filter).json()["notebook"], names)
    names["con"].close()
    assert len(names["table"]) == page.ask("rows", filter=filter).json()["total"] > 0
    assert str(names["table"]["ra"].unit) == "deg"


@pytest.mark.parametrize("tap", ["/tap", "https://example.org/tap"])
def test_users_of_a_service_get_a_cell_that_asks_it_and_names_no_folder(shown, page, sky, monkeypatch, tap):
    url, explore = shown
    monkeypatch.setattr(explore, "settings", replace(explore.settings, tap=tap))
    page.query("SELECT TOP 3 ra, dec FROM sed.photometry")
    cell = page.ask("where", filter=[]).json()["notebook"]
    assert f"TAPService('{urljoin(url, tap)}')" in cell
    assert str(sky) not in cell


READERS = {
    "csv": lambda data: Table(list(zip(*list(csv.reader(io.StringIO(data.decode())))[1:], strict=True))),
    "votable": lambda data: parse_single_table(io.BytesIO(data)).to_table(use_names_over_ids=True),
    "fits": lambda data: Table.read(io.BytesIO(data), format="fits"),
    "parquet": lambda data: pq.read_table(io.BytesIO(data)),
}


@pytest.mark.parametrize("format", READERS)
def test_a_selection_is_written_with_units_and_descriptions(page, con, format):
    drawn(page, "photometry")
    filter = [{"view": "sky", "range": [0, 360, -30, 30]}, {"classes": ["yso", None]}]
    expected = all_rows(page, filter)
    answer = page.ask("export", filter=filter, format=format)
    table = READERS[format](answer.content)
    assert len(table) == len(expected) > 10
    if format == "csv":
        assert [str(x) for x in table.columns[0]] == [row[1] for row in expected]
        return
    ids = table["source_id"].to_pylist() if format == "parquet" else table["source_id"].tolist()
    assert [str(x) for x in ids] == [row[1] for row in expected]  # in the order of the result
    known = con.catalogue.tables["sed.photometry"].columns
    if format == "parquet":
        field = table.schema.field("parallax")
        assert field.metadata[b"unit"].decode() == "mas" == known["parallax"].unit
        assert field.metadata[b"ucd"].decode() == known["parallax"].ucd
        assert b'"model": "sky-1"' in table.schema.metadata[b"sedsql"]
    else:
        assert str(table["parallax"].unit) == "mas"
        assert str(table["class"][0]) in ("yso", "--", "")
    if format == "votable":
        assert table["parallax"].description == known["parallax"].description
        assert table["parallax"].meta["ucd"] == known["parallax"].ucd
        assert b'name="QUERY" value="SELECT *' in answer.content
    if format == "fits":
        with fits.open(io.BytesIO(answer.content)) as file:
            assert "BETWEEN" in str(file[1].header)


LARGE = (
    "SELECT a.designation, a.ra, b.dec FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b "
    "WHERE MOD(b.random_index, 8) = 0"
)
"""40 MB as text, more than waits anywhere for a client that does not read it."""


def test_brushes_and_queries_are_answered_while_a_large_file_is_taken_slowly(page, con):
    rows = page.query(LARGE)["rows"]
    page.ask("axes", views={"hist": {"kind": "line", "x": {"column": "dec"}, "bins": 9}})
    with page.post(f"sessions/{page.id}/export", {"filter": [], "format": "csv"}, stream=True) as answer:
        content = answer.iter_content(1 << 16)
        parts = [next(content)]
        (south,) = con.execute(f"SELECT COUNT(*) AS n FROM ({LARGE}) AS q WHERE dec < 0").fetchone()
        head, _ = arrays(page.ask("select", filter=[{"view": "hist", "range": [-90, 0]}]).content)
        assert head["count"] == south
        assert page.query("SELECT TOP 3 ra, dec FROM gaiadr3.gaia_source")["rows"] == 3
        parts += content
    assert b"".join(parts).count(b"\n") == rows + 1 > 400_000


def test_a_file_that_nobody_wants_is_stopped(page):
    page.query(LARGE)
    for _ in range(6):  # more than are written at once
        with page.post(f"sessions/{page.id}/export", {"filter": [], "format": "csv"}, stream=True) as answer:
            assert answer.status_code == 200
            next(answer.iter_content(1000))
        assert page.ask("rows").status_code == 200


def test_rows_chosen_one_by_one_are_written(page):
    drawn(page, "over 360")
    answer = page.ask("export", filter=[{"rows": [5, 3]}], format="csv")
    lines = answer.text.splitlines()
    rows = {row[0]: row[1:] for row in all_rows(page)}
    assert [float(line.split(",")[0]) for line in lines[1:]] == [rows[3][0], rows[5][0]]


def test_a_source_is_told_by_its_row(page, con):
    result, _ = drawn(page, "photometry")
    names = [column["name"] for column in result["columns"]]
    rows = all_rows(page)
    for row in random.Random(3).sample(rows, 10):
        found = page.ask("source", row=row[0], without=[]).json()
        assert found["row"] == row[0]
        assert found["identifiers"]["source_id"] == row[1]
        assert found["class"] == row[1 + names.index("class")]
        assert found["probability"] == row[1 + names.index("probability")]
    off = page.ask("source", row=rows[0][0], without=["j_m", "h_m"]).json()
    assert [one["used"] for one in off["bands"][3:5]] == [False, False]
    assert "row is a whole number from 0 to 1,999" in sentence(page.ask("source", row=2000), 400)
    assert "There is no band 'u'" in sentence(page.ask("source", row=1, without=["u"]), 400)
    assert "without has 11 items" in sentence(page.ask("source", row=1, without=["u"] * 11), 413)


def test_bad_requests_are_told(page):
    drawn(page, "photometry")
    assert "No format is called 'xls'" in sentence(page.ask("export", filter=[], format="xls"), 400)
    assert "There is no view 'map'" in sentence(page.ask("export", filter=[{"view": "map"}], format="csv"), 400)
    assert "filter is a list" in sentence(page.ask("where", filter=3), 400)
    assert "means nothing" in sentence(page.ask("where", filter=[], mirror="/etc"), 400)
    assert "no class" in sentence(page.ask("where", filter=[{"classes": ["x' OR 1=1"]}]), 400)
