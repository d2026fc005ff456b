"""The page asks over HTTP: what it is told, how a query is followed and stopped, and what becomes of its session."""

import json
import threading
import time
from dataclasses import replace

import pytest
import requests
from asking import LONG
from exploring import HEADERS, SECONDS, Page, arrays, exploring, sentence

import sedsql
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.photometry.looks import CLASSES
from sedsql.service.explore.examples import _WHOLE_ROWS

pytestmark = pytest.mark.slow

ALL = "SELECT * FROM sed.photometry"


def test_about_tells_what_the_mirror_has(shown, sky):
    answer = requests.get(f"{shown[0]}/explore/about", headers=HEADERS, timeout=SECONDS)
    about = answer.json()
    tables = {table["name"]: table for table in about["tables"]}
    with sedsql.connect(sky) as con:
        assert (
            tables["gaiadr3.gaia_source"]["rows"]
            == con.execute("SELECT COUNT(*) FROM gaiadr3.gaia_source").fetchone()[0]
        )
        (ra,) = [column for column in tables["sed.classified"]["columns"] if column["name"] == "ra"]
        assert ra == {
            **dict.fromkeys(("name", "datatype", "unit", "ucd", "description")),
            **{key: getattr(con.catalogue.tables["sed.classified"].columns["ra"], key) for key in ra},
        }
        for example in about["examples"]:
            columns = {name for name, *_ in con.execute(example["query"]).description}
            assert set(COLUMNS) <= columns or example["name"] not in _WHOLE_ROWS
    assert not any(name.startswith("manifest") for name in tables)
    assert {one["name"]: (one["colour"], one["marker"]) for one in about["classes"]} == {
        name: CLASSES[name] for name in (one["name"] for one in about["classes"])
    }
    assert [band["short"] for band in about["photometry"]] == [band.short for band in BANDS]
    assert {"sed_class", "ivo_healpix_index", "CIRCLE"} <= {function["name"] for function in about["functions"]}
    assert "SELECT" in about["keywords"]


def test_a_query_is_checked_before_it_runs(page):
    found = page.post("check", {"query": "SELECT ra AS alpha, source_id FROM gaiadr3.gaia_source"}).json()
    assert [(one["name"], one["unit"], one["kind"]) for one in found["columns"]] == [
        ("alpha", "deg", "number"),
        ("source_id", None, "number"),
    ]
    times = []
    for _ in range(5):
        began = time.monotonic()
        answer = page.post("check", {"query": "SELECT ra,\n  raa FROM gaiadr3.gaia_source"})
        times.append(time.monotonic() - began)
    assert answer.status_code == 200
    told = answer.json()
    assert not told["ok"]
    assert told["error"].pop("message").startswith("There is no column 'raa' (line 2, column 3): did you mean")
    assert told["error"] == {"line": 2, "column": 3, "length": 3}
    assert min(times) < 0.05


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("M 45", {"ra": 56.75, "dec": 24.12, "radius": 2.0}),
        ("pleiades, 30'", {"ra": 56.75, "dec": 24.12, "radius": 0.5}),
        ("83.8 -5.4", {"ra": 83.8, "dec": -5.4}),
        ("05 35 17.3 -05 23 28", {"ra": 83.82208, "dec": -5.39111}),
        ("83.8 -5.4, 1", {"ra": 83.8, "dec": -5.4, "radius": 1.0}),
    ],
)
def test_regions_have_places(page, text, place):
    assert page.post("region", {"text": text}).json() == pytest.approx(place, abs=1e-4)


def test_a_region_that_is_none_is_told(page):
    for text, said in [
        ("Pleyades", "did you mean pleiades"),
        ("orion", "did you mean orion nebula cluster or orion nebula or orion a"),
        ("Vega", "those with a name"),
        ("10 95", "-90 and 90"),
    ]:
        message = sentence(page.post("region", {"text": text}), 200)
        assert said in message.lower()
        assert "--resolve" not in message


def test_a_query_has_rows_columns_classes_and_views(page, sky):
    found = page.query(ALL)
    with sedsql.connect(sky) as con:
        expected = con.execute(
            "SELECT s.*, sed_class(s) AS class, sed_probability(s) AS probability FROM sed.photometry AS s"
        ).arrow()
    assert found["rows"] == found["total"] == len(expected)
    assert not found["truncated"]
    assert [column["name"] for column in found["columns"]] == expected.column_names
    assert {one["name"] for one in found["classes"]} == set(expected["class"].unique().to_pylist()) - {None}
    assert found["suggested"]["sky"] == {"x": {"column": "ra"}, "y": {"column": "dec"}}
    assert set(found["suggested"]) == {"sky", "cmd", "cc", "hist"}
    assert "added by the models" in found["note"]


def test_classes_are_added_by_source_id_and_are_the_same(page, sky):
    page.query("SELECT source_id, parallax FROM gaiadr3.gaia_source WHERE parallax > 1")
    rows = page.ask("rows", order=[{"column": "source_id"}], count=500).json()["rows"]
    with sedsql.connect(sky) as con:
        expected = con.execute(
            "SELECT s.source_id, sed_class(s), sed_probability(s) FROM sed.photometry AS s"
        ).fetchall()
    assert len(rows) > 100
    assert {(int(row[1]), row[3], row[4]) for row in rows} <= set(expected)


def test_a_query_without_classes_says_what_to_select(page):
    found = page.query("SELECT ra, dec FROM gaiadr3.gaia_source")
    assert found["classes"] == []
    assert "select the column class of sed.classified" in found["note"]


def test_rows_keep_the_order_of_the_query(page, sky):
    for query in (
        "SELECT * FROM sed.photometry ORDER BY dec DESC",
        "SELECT TOP 50 ra, dec FROM gaiadr3.gaia_source ORDER BY dec",
    ):
        page.query(query)
        rows = page.ask("rows", count=50).json()["rows"]
        with sedsql.connect(sky) as con:
            expected = con.execute(query).fetchmany(50)
        assert [row[0] for row in rows] == list(range(50))
        dec = 3 if "*" in query else 2
        assert [row[dec] for row in rows] == [row[dec - 1] for row in expected]


def test_a_mistake_in_a_query_leaves_the_result_before(page):
    page.query("SELECT TOP 7 ra, dec FROM gaiadr3.gaia_source")
    for query, said in [
        ("SELECT nope FROM gaiadr3.gaia_source", "There is no column 'nope' (line 1, column 8)"),
        ("SELECT ra FROM gaiadr3.gaia_source WHERE ra = ?", "value"),
        ("DROP TABLE explore.result", "SELECT"),
        ("SELECT * FROM memory.explore.result", "There is no"),
        ("SELECT * FROM explore.result", "There is no"),
        ("SELECT * FROM read_parquet('/etc/passwd')", ""),
        ("SELECT ra FROM gaiadr3.gaia_source; SELECT 1", ""),
        ("SELECT * FROM manifest.files", "There is no table"),
        ("", "The query"),
    ]:
        (line,) = page.lines(query)
        assert said in line["error"]["message"], query
        assert "\n" not in line["error"]["message"]
        assert page.ask("rows").json()["total"] == 7


def test_an_error_while_a_query_runs_is_the_last_line(page):
    query = "SELECT CAST(designation AS INTEGER) AS x FROM gaiadr3.gaia_source"
    assert "is no whole number" in page.lines(query)[-1]["error"]["message"]


def test_progress_is_told_and_a_query_stopped(page):
    page.query("SELECT TOP 7 ra, dec FROM gaiadr3.gaia_source")
    lines = []

    def run():
        with page.post(f"sessions/{page.id}/query", {"query": LONG}, stream=True) as answer:
            lines.extend(json.loads(line) for line in answer.iter_lines())

    running = threading.Thread(target=run)
    running.start()
    time.sleep(1.3)
    began = time.monotonic()
    assert page.ask("cancel").status_code == 204
    running.join(SECONDS)
    assert time.monotonic() - began < 5
    assert len(lines) >= 2
    assert all(line["progress"] is None or 0 <= line["progress"] <= 1 for line in lines[:-1])
    assert lines[-1] == {"error": {"message": "The query was stopped.", "cancelled": True}}
    assert page.ask("rows").json()["total"] == 7


def test_a_page_that_goes_away_stops_its_query(page):
    with page.post(f"sessions/{page.id}/query", {"query": LONG}, stream=True) as answer:
        next(answer.iter_lines())
    began = time.monotonic()
    page.query("SELECT TOP 3 ra, dec FROM gaiadr3.gaia_source")
    assert time.monotonic() - began < 10


CROSSED = "SELECT {columns} FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"
CROSSED = CROSSED.format(columns=", ".join(f"a.ra + b.ra * {k} AS c{k}" for k in range(12)))
"""Four million rows, 400 MB."""


@pytest.fixture(scope="module")
def limited(sky, tmp_path_factory):
    """A page whose process may take little, the process, and the Explore behind it."""
    process = {"memory": 900 << 20, "disk": 64 << 20}
    with exploring(sky, tmp_path_factory.mktemp("limited"), process=process, rows=1_000_000, points=50) as (
        url,
        explore,
    ):
        page = Page(url).begin()
        (session,) = explore.sessions._sessions.values()
        yield page, session._worker, explore


def test_rows_have_a_limit_and_their_number_is_told(limited):
    page, *_ = limited
    found = page.query(CROSSED)
    assert (found["rows"], found["total"], found["truncated"]) == (1_000_000, 4_000_000, True)
    assert page.ask("rows").json()["total"] == 1_000_000
    assert not page.query("SELECT TOP 51 ra, dec FROM gaiadr3.gaia_source")["truncated"]
    assert not arrays(page.ask("axes", views={}).content)[0]["points"]
    page.query("SELECT TOP 50 ra, dec FROM gaiadr3.gaia_source")
    assert arrays(page.ask("axes", views={}).content)[0]["points"]


def test_time_has_a_limit(limited, monkeypatch):
    page, _, explore = limited
    before = page.query("SELECT TOP 50 ra, dec FROM gaiadr3.gaia_source")["rows"]
    monkeypatch.setattr(explore, "settings", replace(explore.settings, seconds=1.0))
    message = page.lines(LONG)[-1]["error"]["message"]
    assert message.startswith("The query took longer than 1 second, its limit; ask for less of the sky, or for fewer")
    assert page.ask("rows").json()["total"] == before


def test_memory_is_given_back(limited):
    page, process, _ = limited
    before = process.memory()
    assert page.query(f"{CROSSED} WHERE a.ra < 270")["rows"] > 500_000
    taken = process.memory() - before
    assert taken > 50 << 20
    until = time.monotonic() + SECONDS
    while process.memory() - before > taken / 3 and time.monotonic() < until:
        page.query("SELECT TOP 3 ra, dec FROM gaiadr3.gaia_source")
        time.sleep(0.2)
    assert process.memory() - before < taken / 3


def test_memory_has_a_limit(limited):
    page, *_ = limited
    ordered = f"SELECT c.ra AS r, q.* FROM ({CROSSED}) AS q, gaiadr3.gaia_source AS c ORDER BY c1, c2"
    message = page.lines(ordered)[-1]["error"]["message"]
    assert message.startswith("The query needs more than 900 MB of memory and 64 MB of disk")


def test_a_process_that_dies_is_one_sentence(limited):
    page, process, explore = limited
    if not process.is_running:  # it may have died of too much memory
        page.begin()
        (session,) = explore.sessions._sessions.values()
        process = session._worker
    killed = threading.Timer(1.0, process.kill)
    killed.start()
    assert page.lines(LONG)[-1]["error"]["message"].startswith("The process that ran the query ended before it")
    assert "has ended; run the query again" in sentence(page.ask("rows"), 404)


def test_sessions_are_few_and_end_when_idle(sky, tmp_path):
    with exploring(sky, tmp_path, sessions=1, idle=3.0) as (url, explore):
        first, second = Page(url).begin(), Page(url).begin()
        sentence(first.ask("rows"), 404)
        told = []
        busy = threading.Thread(target=lambda: told.extend(second.lines(LONG)))
        busy.start()
        time.sleep(0.7)
        answer = first.post("sessions")
        assert "All sessions of this service run a query" in sentence(answer, 503)
        assert answer.headers["Retry-After"] == "60"
        assert second.ask("cancel").status_code == 204
        busy.join(SECONDS)
        assert told[-1]["error"]["cancelled"]
        until = time.monotonic() + SECONDS
        while explore.sessions._sessions and time.monotonic() < until:
            time.sleep(0.2)
        sentence(second.ask("rows"), 404)
    assert not list(tmp_path.iterdir())
