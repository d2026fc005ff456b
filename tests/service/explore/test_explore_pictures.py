"""Counts, cells, points and picks are those that DuckDB and numpy give of the same rows."""

import json

import numpy as np
import pytest
from exploring import arrays
from hypothesis import given, settings
from hypothesis import strategies as st

import sedsql
from sedsql.photometry.looks import BRANCHES, CLASSES
from sedsql.service.explore.explorer import counting
from sedsql.service.explore.explorer.explorer import Explorer, prepare
from sedsql.service.workers.child import Asked
from sedsql.service.workers.frames import DATA, END, ERROR, HEAD
from sedsql.service.workers.settings import Settings

FEW = settings(max_examples=25)
QUERY = """
SELECT s.*, CASE WHEN s.dec > 60 THEN NULL ELSE sed_class(s) END AS class, sed_probability(s) AS probability,
       s.ra - 180.0 AS around, s.phot_g_mean_mag - 15 AS both_signs, CAST(s.ra AS INTEGER) AS whole
FROM   sed.photometry AS s ORDER BY s.source_id
"""


class Local:
    """An explorer in the process of the tests."""

    def __init__(self, mirror):
        self.connection = sedsql.connect(mirror)
        self.cursor = self.connection.cursor()
        self._sent = []
        prepare(self)
        self._explorer = Explorer(self, Settings(mirror, mirror), lambda *frame: self._sent.append(frame))

    def follow(self):
        pass

    def ask(self, operation, **values):
        self._sent.clear()
        asked = Asked(json.dumps({"operation": operation, "values": values}).encode())
        kind, told = self._explorer.run(asked)
        assert kind == END, told
        assert [kind for kind, _ in self._sent if kind != DATA] == [HEAD]
        return b"".join(bytes(data) for kind, data in self._sent if kind == DATA)

    def query(self, query, points=10**6):
        return json.loads(self.ask("query", query=query, rows=10**6, points=points).splitlines()[-1])["result"]

    def axes(self, views, points=False):
        return arrays(self.ask("axes", views=views, points=points))

    def select(self, *filter):
        return arrays(self.ask("select", filter=list(filter)))


@pytest.fixture(scope="module")
def local(sky):
    local = Local(sky)
    local.result = local.query(QUERY)
    frame = local.connection.execute(QUERY).arrow()
    local.rows = {name: frame[name].to_numpy(zero_copy_only=False) for name in frame.column_names}
    local.names = [one["name"] for one in local.result["classes"]]
    local.codes = np.array([local.names.index(c) if c else len(local.names) for c in local.rows["class"]])
    yield local
    local.connection.close()


@pytest.fixture(scope="module")
def other(sky):
    """An explorer for other queries."""
    other = Local(sky)
    yield other
    other.connection.close()


def value_of(rows, axis):
    """The values of an axis, by numpy; NaN where there is none."""
    if "column" in axis:
        return rows[axis["column"]].astype(float)
    if "minus" in axis:
        return np.subtract(*(rows[name].astype(float) for name in axis["minus"]))
    parallax = rows["parallax"].astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = rows[axis["absolute"]].astype(float) + 5 * np.log10(parallax) - 10
    return np.where(parallax > 0, found, np.nan)


def step_of(values, low, high, size, is_log):
    with np.errstate(invalid="ignore", divide="ignore"):
        values, low, high = (np.log10(values), np.log10(low), np.log10(high)) if is_log else (values, low, high)
        return np.minimum(np.floor((values - low) * (size / (high - low))), size - 1)


def cells_of(rows, view, domain):
    """The cell of each row; -1 where it is in none."""
    axes = [view["x"], view["y"]] if view["kind"] == "plane" else [view["x"]]
    sizes = view["size"] if view["kind"] == "plane" else [view["bins"]]
    cell, inside, factor = 0.0, True, 1
    for axis, size, low, high in zip(axes, sizes, domain[::2], domain[1::2], strict=True):
        values = value_of(rows, axis)
        inside = inside & (values >= low) & (values <= high)
        cell = cell + factor * step_of(values, low, high, size, axis.get("log", False))
        factor *= size
    return np.where(inside, cell, -1).astype(int)


def check_picture(local, view, told, array, chosen, domain):
    """Compare the picture of a view with the counts of the chosen rows by numpy."""
    cells, codes, classes = cells_of(local.rows, view, domain)[chosen], local.codes[chosen], len(local.names) + 1
    shown, codes = cells[cells >= 0], codes[cells >= 0]
    total = factor = np.prod(view["size"]) if view["kind"] == "plane" else view["bins"]
    table = np.bincount(shown * classes + codes, minlength=factor * classes).reshape(total, classes)
    if view["kind"] == "line":
        assert (array(told["all"]) == table.ravel()).all()
        return
    full = np.flatnonzero(table.sum(axis=1))
    assert (array(told["cell"]) == full).all()
    assert (array(told["n"]) == table[full].sum(axis=1)).all()
    most = table[full].argmax(axis=1)
    assert (array(told["class"]) == np.where(most == classes - 1, 255, most)).all()


VIEWS = {
    "sky": {"kind": "plane", "x": {"column": "ra"}, "y": {"column": "dec"}, "size": [36, 18]},
    "cmd": {
        "kind": "plane",
        "x": {"minus": ["phot_bp_mean_mag", "phot_rp_mean_mag"]},
        "y": {"absolute": "phot_g_mean_mag"},
        "size": [31, 17],
    },
    "log": {"kind": "plane", "x": {"column": "parallax", "log": True}, "y": {"column": "both_signs"}, "size": [9, 9]},
    "real": {"kind": "line", "x": {"column": "ks_m"}, "bins": 23},
    "whole": {"kind": "line", "x": {"column": "whole"}, "bins": 360},
}


def test_pictures_are_those_of_numpy(local):
    head, array = local.axes(VIEWS)
    assert head["count"] == len(local.codes) == sum(head["counts"])
    assert head["counts"] == np.bincount(local.codes, minlength=len(local.names) + 1).tolist()
    assert not head["points"]
    for name, view in VIEWS.items():
        told = head["views"][name]
        check_picture(local, view, told, array, slice(None), told["domain"])
        assert told["outside"] == (cells_of(local.rows, view, told["domain"]) < 0).sum()
        assert told.get("size", told.get("bins")) == view.get("size", view.get("bins"))


def test_domains_hold_nearly_all_rows(local):
    head, _ = local.axes(VIEWS)
    assert head["views"]["sky"]["domain"] == [0, 360, -90, 90]
    for name in ("cmd", "real", "whole"):
        values = value_of(local.rows, VIEWS[name]["x"])
        low, high = head["views"][name]["domain"][:2]
        inside = np.mean((values >= low) & (values <= high)) / np.mean(np.isfinite(values))
        assert inside > 0.998, name
        assert high - low < 1.3 * np.ptp(values[np.isfinite(values)])
    assert head["views"]["log"]["domain"][0] > 0


def test_points_are_the_rows(local):
    head, array = local.axes(VIEWS, points=True)
    assert head["points"]
    codes = np.where(local.codes == len(local.names), 255, local.codes)
    assert (array(head["class"]) == codes).all()
    for name in ("sky", "cmd"):
        for key in "xy":
            found, expected = array(head["views"][name][key]), value_of(local.rows, VIEWS[name][key]).astype("f4")
            assert np.array_equal(found, expected, equal_nan=True)
    assert "all" in head["views"]["real"]
    head, array = local.select({"view": "sky", "range": [90, 180, -30, 30]})
    ra, dec = local.rows["ra"], local.rows["dec"]
    chosen = (ra >= 90) & (ra <= 180) & (dec >= -30) & (dec <= 30)
    assert (np.unpackbits(array(head["rows"]), count=len(ra), bitorder="little") == chosen).all()
    assert head["count"] == chosen.sum()
    assert set(head["views"]) == {"real", "whole"}


def test_large_results_are_counted_in_parts(local, monkeypatch):
    filter = [{"view": "sky", "range": [0, 100, -90, 90]}]
    expected = local.axes(VIEWS)[0]["views"], local.ask("select", filter=filter)
    monkeypatch.setattr(counting, "_PART", 300)
    assert (local.axes(VIEWS)[0]["views"], local.ask("select", filter=filter)) == expected


NUMBERS = st.floats(-400, 400, width=32)


@FEW
@given(st.data())
def test_any_axes_and_domain(local, data):
    columns = ["ra", "dec", "around", "both_signs", "whole", "parallax", "phot_g_mean_mag", "w3mpro", "probability"]
    axis = st.one_of(
        st.sampled_from(columns).map(lambda name: {"column": name}),
        st.tuples(st.sampled_from(columns), st.sampled_from(columns)).map(lambda pair: {"minus": list(pair)}),
        st.sampled_from(columns).map(lambda name: {"absolute": name}),
    )
    sides = st.tuples(NUMBERS, NUMBERS).filter(lambda pair: abs(pair[0] - pair[1]) > 1e-3)
    size = st.integers(1, 60)
    view = data.draw(
        st.one_of(
            st.fixed_dictionaries(
                {"kind": st.just("plane"), "x": axis, "y": axis, "size": st.tuples(size, size).map(list)}
            ).filter(lambda view: view["x"] != {"column": "ra"}),
            st.fixed_dictionaries({"kind": st.just("line"), "x": axis, "bins": size}),
        )
    )
    domain = [end for _ in range(2 if view["kind"] == "plane" else 1) for end in sorted(data.draw(sides))]
    given = {"v": {**view, "domain": domain}} if data.draw(st.booleans()) else {"v": view}
    head, array = local.axes(given)
    told = head["views"]["v"]
    if "domain" in given["v"]:
        assert told["domain"] == domain
    check_picture(local, view, told, array, slice(None), told["domain"])


@FEW
@given(st.data())
def test_any_filter_counts_as_sql_does(local, data):
    domains = {name: told["domain"] for name, told in local.axes(VIEWS)[0]["views"].items()}
    ranges = {name: st.lists(NUMBERS, min_size=n, max_size=n) for name, n in [("sky", 4), ("cmd", 4), ("real", 2)]}
    condition = st.one_of(
        *(st.fixed_dictionaries({"view": st.just(name), "range": numbers}) for name, numbers in ranges.items()),
        st.fixed_dictionaries({"classes": st.lists(st.sampled_from([*local.names, None]), max_size=4)}),
        st.fixed_dictionaries({"probability": st.floats(0, 1)}),
        st.fixed_dictionaries({"rows": st.lists(st.integers(0, 2_500), max_size=20)}),
        st.sampled_from([5, 100, 1_999]).map(
            lambda row: (
                {"view": "real", "range": [float(local.rows["ks_m"][row]), 30.0]}
                if np.isfinite(local.rows["ks_m"][row])
                else {"rows": [row]}
            )
        ),
    )
    filter = data.draw(st.lists(condition, max_size=3))
    chosen = np.ones(len(local.codes), bool)
    for one in filter:
        if "view" in one:
            view = VIEWS[one["view"]]
            pairs = zip([view["x"], view.get("y")], one["range"][::2], one["range"][1::2], strict=False)
            for axis, start, end in pairs:
                values = value_of(local.rows, axis)
                chosen &= (values >= min(start, end)) & (values <= max(start, end))
        elif "classes" in one:
            chosen &= np.isin(local.codes, [local.names.index(c) if c else len(local.names) for c in one["classes"]])
        elif "probability" in one:
            chosen &= local.rows["probability"] >= one["probability"]
        else:
            chosen &= np.isin(np.arange(len(chosen)), one["rows"])
    head, array = local.select(*filter)
    assert head["count"] == chosen.sum()
    assert head["counts"] == np.bincount(local.codes[chosen], minlength=len(local.names) + 1).tolist()
    for name, view in VIEWS.items():
        check_picture(local, view, head["views"][name], array, chosen, domains[name])
    assert json.loads(local.ask("rows", filter=filter, count=0))["total"] == chosen.sum()


def test_a_count_is_that_of_sql(local, sky):
    local.axes(VIEWS)
    cmd = {"view": "cmd", "range": [0.5, 2.5, -1, 8]}
    head, _ = local.select(cmd, {"classes": ["yso", "giant"]}, {"probability": 0.7})
    (expected,) = local.connection.sql(
        "SELECT count(*) FROM (SELECT s.*, sed_class(s, s.parallax, s.parallax_error, s.ra, s.dec, 'sky-1') AS class, "
        "sed_probability(s, s.parallax, s.parallax_error, s.ra, s.dec, 'sky-1') AS p FROM sed.photometry AS s) "
        "WHERE phot_bp_mean_mag::DOUBLE - phot_rp_mean_mag::DOUBLE BETWEEN 0.5 AND 2.5 AND parallax > 0 AND dec <= 60 "
        "AND phot_g_mean_mag::DOUBLE + 5 * log10(parallax) - 10 BETWEEN -1 AND 8 AND class IN ('yso', 'giant') "
        "AND p >= 0.7"
    ).fetchone()
    assert head["count"] == expected > 0


def test_a_region_over_0_is_in_one_piece(other):
    result = other.query("SELECT * FROM sed.photometry WHERE (ra > 340 OR ra < 25) AND dec < 50")
    view = {"kind": "plane", "x": {"column": "ra"}, "y": {"column": "dec"}, "size": [10, 10]}
    for domain, turn in ((None, -180), ([330, 400, -90, 90], 180)):
        given = {**view, "domain": domain} if domain else view
        head, array = other.axes({"sky": given}, points=True)
        low, high, *_ = head["views"]["sky"]["domain"]
        assert high - low < 75
        x = array(head["views"]["sky"]["x"])
        assert ((x >= low) & (x <= high)).all()
        assert head["views"]["sky"]["outside"] == 0
        middle = 0 if turn < 0 else 360
        head, _ = other.select({"view": "sky", "range": [middle - 5, middle + 5, -90, 90]})
        (expected,) = other.connection.execute(
            "SELECT COUNT(*) AS n FROM sed.photometry WHERE (ra >= 355 OR ra <= 5) AND dec < 50"
        ).fetchone()
        assert head["count"] == expected > 0
    assert result["rows"] == len(x)


def test_rows_are_sorted_and_exact(local):
    local.axes(VIEWS)
    filter = [{"view": "sky", "range": [0, 180, -90, 90]}]
    for order in ([], [("dec", False)], [("w4mpro", True), ("dec", False)]):
        asked = [{"column": name, "descending": descending} for name, descending in order]
        found = json.loads(local.ask("rows", filter=filter, order=asked, offset=3, count=50))
        numbers = np.flatnonzero(local.rows["ra"] <= 180)
        for name, descending in reversed(order):
            values = local.rows[name].astype(float)[numbers]
            values = np.where(np.isnan(values), np.inf, -values if descending else values)
            numbers = numbers[np.argsort(values, kind="stable")]
        assert found["total"] == len(numbers)
        assert [row[0] for row in found["rows"]] == numbers[3:53].tolist()
    row, names = found["rows"][0], list(local.rows)
    assert row[1 + names.index("source_id")] == str(local.rows["source_id"][row[0]])
    assert row[1 + names.index("ra")] == local.rows["ra"][row[0]]
    magnitude = local.rows["w3mpro"][row[0]]
    assert row[1 + names.index("w3mpro")] == (None if np.isnan(magnitude) else pytest.approx(magnitude, abs=1e-6))


def test_the_nearest_source_is_picked(local):
    local.axes(VIEWS)
    x, y = (value_of(local.rows, VIEWS["cmd"][key]) for key in "xy")
    rng = np.random.default_rng(3)
    for _ in range(10):
        at, within = rng.uniform([0, -5], [4, 15]), rng.uniform(0.05, [0.5, 2])
        ask = {"view": "cmd", "at": at.tolist(), "within": within.tolist()}
        for filter, chosen in (([], np.ones(len(x), bool)), ([{"classes": ["yso"]}], local.rows["class"] == "yso")):
            distance = np.where(chosen, ((x - at[0]) / within[0]) ** 2 + ((y - at[1]) / within[1]) ** 2, np.inf)
            distance = np.where(np.isnan(distance), np.inf, distance)
            expected = int(np.argmin(distance)) if distance.min() <= 1 else None
            assert json.loads(local.ask("pick", **ask, filter=filter)) == {"row": expected}


def test_without_rows_or_classes(other):
    for query, rows in [
        ("SELECT ra, dec, source_id FROM gaiadr3.gaia_source WHERE ra > 400", 0),
        ("SELECT * FROM sed.classified WHERE ra > 400", 0),
        ("SELECT TOP 5 ra, dec FROM gaiadr3.gaia_source", 5),
        ("SELECT table_name, description FROM TAP_SCHEMA.tables WHERE table_name = 'sed.photometry'", 1),
    ]:
        result = other.query(query)
        assert (result["rows"], result["classes"]) == (rows, [])
        views = {"sky": {**result["suggested"]["sky"], "kind": "plane", "size": [5, 5]}} if "ra" in query else {}
        for points in (True, False):
            head, array = other.axes(views, points)
            assert (head["count"], head["counts"]) == (rows, [rows])
            head, _ = other.select({"probability": 0.5})
            assert head["count"] == 0
            if views and not points:
                assert array(other.axes(views, points)[0]["views"]["sky"]["n"]).sum() == rows


def test_other_classes_than_the_models_have_colours_too(other):
    result = other.query(
        "SELECT ra, dec, CASE WHEN dec > 0 THEN 'north' WHEN dec > -50 THEN 'yso' ELSE 'south' END AS class "
        "FROM gaiadr3.gaia_source"
    )
    looks = {one["name"]: (one["colour"], one["marker"]) for one in result["classes"]}
    assert next(iter(looks)) == "yso"
    assert set(looks) == {"yso", "north", "south"}
    assert looks["yso"] == CLASSES["yso"]
    assert looks["north"] not in [*BRANCHES.values(), looks["south"]]


def test_columns_may_have_the_names_that_drawn_has(other):
    query = "SELECT ra AS code, dec AS a0, ra AS c0, dec AS a1, designation AS probability FROM gaiadr3.gaia_source"
    other.query(query)
    view = {"kind": "plane", "x": {"column": "c0"}, "y": {"minus": ["a1", "code"]}, "size": [7, 7]}
    head, array = other.axes({"v": view, "w": {"kind": "line", "x": {"column": "a0"}, "bins": 5}})
    ra, dec = np.transpose(other.connection.execute("SELECT ra, dec FROM gaiadr3.gaia_source").fetchall())
    cells = cells_of({"c0": ra, "a1": dec, "code": ra}, view, head["views"]["v"]["domain"])
    assert (array(head["views"]["v"]["n"]) == np.unique(cells[cells >= 0], return_counts=True)[1]).all()
    head, _ = other.select({"view": "v", "range": [100, 200, -200, -100]})
    assert head["count"] == ((ra >= 100) & (ra <= 200) & (dec - ra >= -200) & (dec - ra <= -100)).sum() > 0


def test_a_column_of_the_rows_number_is_told(other):
    asked = {"query": "SELECT ra AS rowid FROM gaiadr3.gaia_source", "rows": 10, "points": 10}
    kind, told = other._explorer.run(Asked(json.dumps({"operation": "query", "values": asked}).encode()))
    assert kind == ERROR
    assert told["error"] == "A column is called rowid, the number of a row here; give it another name with AS."
