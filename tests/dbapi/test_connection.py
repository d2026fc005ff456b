import math
import random

import numpy as np
import pyarrow as pa
import pytest

import sedsql
from sedsql.dbapi.open_database import ClosedError
from sedsql.files.resources import folder
from sedsql.inference.model import DEFAULT_MODEL
from sedsql.inference.session import Session
from sedsql.mirror.manifest import MirrorError
from sedsql.photometry.bands import COLUMNS

ROWS = 20_000


@pytest.fixture(scope="module")
def sky(sky_of):
    return sky_of(ROWS)


@pytest.fixture
def con(sky):
    """One model answers in ADQL and in SQL."""
    with sedsql.connect(sky, default=DEFAULT_MODEL) as con:
        yield con


EXAMPLES = sorted((folder("sql") / "examples").glob("*.adql"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_gives_rows(sky, example):
    with sedsql.connect(sky) as con:
        cursor = con.execute(example.read_text())
        assert cursor.fetchall()
        assert all(name == name.lower() for name, *_ in cursor.description)


def test_classes_add_up_to_the_sources_of_the_mirror(con):
    rows = con.execute("SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s GROUP BY sed_class(s)")
    counts = dict(rows)
    assert sum(counts.values()) == ROWS
    assert counts["main_sequence"] > ROWS / 2


def test_adql_and_sql_give_the_same_classes(con):
    adql = con.execute(
        "SELECT s.source_id, sed_class(s) AS c, sed_proba(s, 'yso') AS p FROM sed.photometry AS s "
        "WHERE sed_proba(s, 'yso') > 0.2 AND s.ra BETWEEN 60 AND 120 ORDER BY s.source_id"
    ).fetchall()
    sql = con.execute(
        "SELECT source_id, sed_class(s), sed_proba(s, 'yso') FROM sed.photometry s "
        "WHERE sed_proba(s, 'yso') > ? AND ra BETWEEN 60 AND 120 ORDER BY ALL",
        [0.2],
        lang="sql",
    ).fetchall()
    assert adql == sql
    assert len(adql) > 20


def test_a_cone_search_finds_what_astropy_finds(con):
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    everything = con.execute("SELECT source_id, ra, dec FROM gaiadr3.gaia_source").arrow()
    positions = SkyCoord(everything["ra"].to_numpy() * u.deg, everything["dec"].to_numpy() * u.deg)
    near = positions.separation(SkyCoord(83.82 * u.deg, -5.39 * u.deg)) < 1.5 * u.deg
    found = con.execute(
        "SELECT source_id FROM gaiadr3.gaia_source "
        "WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 83.82, -5.39, 1.5)) ORDER BY source_id"
    )
    assert [row[0] for row in found] == np.sort(everything["source_id"].to_numpy()[near]).tolist()
    assert near.sum() > 10


def test_rows_come_one_by_one_some_or_all(con):
    cursor = con.execute("SELECT TOP 7 source_id FROM gaiadr3.gaia_source ORDER BY source_id")
    first = cursor.fetchone()
    rows = [first, *cursor.fetchmany(2), *cursor]
    assert len(rows) == 7
    assert cursor.fetchone() is None
    assert rows == con.execute("SELECT TOP 7 source_id FROM gaiadr3.gaia_source ORDER BY source_id").fetchall()
    arrow = con.execute("SELECT TOP 7 source_id FROM gaiadr3.gaia_source ORDER BY source_id").arrow()
    assert list(zip(arrow["source_id"].to_pylist(), strict=True)) == rows


def test_cursors_do_not_disturb_one_another(con):
    query = "SELECT TOP 5 source_id FROM gaiadr3.gaia_source ORDER BY source_id"
    first, second = con.execute(query), con.execute(query)
    assert [first.fetchone(), second.fetchone(), first.fetchone()][::2] == con.execute(query).fetchmany(2)


def test_a_query_that_is_wrong_tells_line_and_column(con):
    with pytest.raises(sedsql.AdqlError, match="phot_g_mean_mag") as caught:
        con.execute("SELECT source_id,\n       phot_g_mean_mg\nFROM gaiadr3.gaia_source")
    assert (caught.value.line, caught.value.column) == (2, 8)
    assert isinstance(caught.value, sedsql.Error)


def test_a_row_without_the_ten_bands_is_refused_with_their_names(con):
    with pytest.raises(sedsql.AdqlError, match=r"phot_bp_mean_mag.*w4mpro"):
        con.execute("SELECT sed_class(s) FROM (SELECT ra, dec, phot_g_mean_mag FROM gaiadr3.gaia_source) AS s")


@pytest.mark.parametrize(
    "statement", ["DROP TABLE gaiadr3.gaia_source", "COPY gaiadr3.gaia_source TO 'x.csv'", "DELETE FROM x"]
)
def test_adql_cannot_write(con, statement):
    with pytest.raises(sedsql.AdqlError):
        con.execute(statement)


def test_the_mirror_cannot_be_changed_by_sql(con):
    with pytest.raises(Exception, match="read-only"):
        con.execute("CREATE TABLE mirror.main.mine AS SELECT 1 AS one", lang="sql")


def test_no_mirror_at_all():
    with sedsql.connect() as con:
        assert con.execute("SELECT sed_stage(1, 1, 1, 1, 1, 9, 8, 7, 5, 3)", lang="sql").fetchone() == ("II",)


def test_a_folder_that_is_no_mirror(tmp_path):
    with pytest.raises(MirrorError, match="sedsql mirror sample"):
        sedsql.connect(tmp_path)


def test_a_closed_connection_says_so(sky):
    con = sedsql.connect(sky)
    con.close()
    with pytest.raises(ClosedError, match=r"The connection is closed; open a new one with sedsql\.connect"):
        con.execute("SELECT TOP 1 ra FROM gaiadr3.gaia_source")


def test_a_cursor_without_a_query_says_so(con):
    with pytest.raises(sedsql.ProgrammingError, match="execute a query first"):
        con.cursor().fetchone()


def test_an_unknown_language(con):
    with pytest.raises(sedsql.InterfaceError, match="'adql' or 'sql', not 'sparql'"):
        con.execute("SELECT 1", lang="sparql")


def test_one_inference_a_row_after_all_cheap_conditions(sky, monkeypatch):
    """However often the functions are named: in SELECT, WHERE and ORDER BY, with several labels."""
    con = sedsql.connect(sky, default=DEFAULT_MODEL, engine="onnx")
    inferred = []
    predict = Session.predict
    monkeypatch.setattr(Session, "predict", lambda self, rows: inferred.append(len(rows)) or predict(self, rows))
    bright = con.execute("SELECT COUNT(*) AS n FROM sed.photometry AS s WHERE s.phot_g_mean_mag < 14").fetchone()[0]
    rows = con.execute(
        "SELECT s.source_id, sed_class(s) AS c, sed_proba(s, 'yso') AS yso, sed_proba(s, 'giant') AS giant "
        "FROM sed.photometry AS s WHERE sed_class(s) <> 'agn' AND sed_proba(s, 'yso') < 0.9 AND s.phot_g_mean_mag < 14 "
        "ORDER BY sed_proba(s, 'giant') DESC, s.source_id"
    ).fetchall()
    assert sum(inferred) == bright
    sql = con.execute(
        "SELECT source_id, sed_class(s), sed_proba(s, 'yso'), sed_proba(s, 'giant') FROM sed.photometry s "
        "WHERE sed_class(s) <> 'agn' AND sed_proba(s, 'yso') < 0.9 AND phot_g_mean_mag < 14 "
        "ORDER BY sed_proba(s, 'giant') DESC, source_id",
        lang="sql",
    ).fetchall()
    assert rows == sql
    assert len(rows) > 100


def test_units_are_those_of_the_catalogue_where_a_model_is_asked_last(con):
    """A subquery then stands between a column and the catalogue."""
    rows = con.execute(
        "SELECT IN_UNIT(s.ra, 'rad') AS r, s.ra, IN_UNIT(s.ra, 'arcmin') + 1, sed_class(s) FROM sed.photometry AS s "
        "WHERE sed_class(s) = 'yso' AND sed_proba(s, 'yso') > 0.6 ORDER BY IN_UNIT(s.ra, 'rad')"
    ).fetchall()
    radians, degrees, minutes, _ = zip(*rows, strict=True)
    assert np.array(radians) == pytest.approx(np.radians(degrees))
    assert np.array(minutes) == pytest.approx(np.array(degrees) * 60 + 1)
    assert list(radians) == sorted(radians)


def test_an_unknown_label_in_adql_is_an_error_that_names_the_classes(con):
    with pytest.raises(Exception, match=r"has no class 'YSO'; it has .*yso"):
        con.execute(
            "SELECT TOP 3 sed_proba(s, 'YSO'), sed_class(s) FROM sed.photometry AS s WHERE sed_class(s) = 'giant'"
        ).fetchall()


def test_magnitudes_one_by_one_and_a_named_model_share_an_inference_too(con):
    ten = ", ".join(f"s.{name}" for name in COLUMNS)
    query = (
        "SELECT TOP 50 s.source_id, sed_class({0}, 'shape-2'), sed_proba({0}, 'yso', 'shape-2') "
        "FROM sed.photometry AS s WHERE sed_class({0}, 'shape-2') = 'giant' ORDER BY s.source_id"
    )
    by_ten = con.execute(query.format(ten)).fetchall()
    by_row = con.execute(query.format("s")).fetchall()
    assert by_ten == by_row
    assert len(by_row) == 50


def test_a_statement_without_rows_runs_once(con):
    con.execute("CREATE TABLE memory.main.numbers AS SELECT 1 AS n", lang="sql")
    con.execute("INSERT INTO memory.main.numbers VALUES (?)", [7], lang="sql")
    assert con.execute("SELECT sum(n) FROM memory.main.numbers", lang="sql").fetchall() == [(8,)]
    assert con.execute("EXPLAIN SELECT 1", lang="sql").fetchall()
    con.execute("DROP TABLE memory.main.numbers", lang="sql")


def test_the_probability_of_the_class_that_is_found(con):
    """A call within a call of a model."""
    of_young = "FROM sed.photometry AS s WHERE sed_class(s) = 'yso' ORDER BY s.source_id"
    found = con.execute(f"SELECT sed_proba(s, sed_class(s)) AS p, s.source_id {of_young}").fetchall()
    expected = con.sql(f"SELECT sed_predict(s).probability, s.source_id {of_young}").fetchall()
    assert len(found) > 10
    assert np.array(found) == pytest.approx(np.array(expected))


def test_probability_and_outlier_of_a_row_are_those_of_its_prediction(con):
    query = (
        "SELECT sed_probability(s) AS p, sed_outlier(s) AS o, sed_predict(s) AS whole, sed_class(s) AS c "
        "FROM sed.photometry AS s WHERE sed_outlier(s) > 0.5"
    )
    explain: list[str] = []
    con.translate(query, explain)
    assert any("models are asked 1 time" in line for line in explain)
    rows = con.execute(query).fetchall()
    assert len(rows) > 100
    assert all((p, o, c) == (whole["probability"], whole["outlier"], whole["class"]) for p, o, whole, c in rows)
    alone = con.execute("SELECT sed_probability(s, 'lite-2') AS p, s.source_id FROM sed.photometry AS s").fetchall()
    by_struct = con.sql("SELECT sed_predict(s, 'lite-2').probability, s.source_id FROM sed.photometry AS s").fetchall()
    assert sorted(map(str, alone)) == sorted(map(str, by_struct))


def test_a_list_of_the_likeliest_does_not_begin_with_null(con):
    few = {name: pa.array([13.0, None, 15.0], pa.float32()) for name in COLUMNS}
    con.upload("few", pa.table({"id": [1, 2, 3], **few}))
    for key in ("sed_proba(s, 'yso') DESC", "p DESC", "sed_proba(s, 'yso')"):
        query = f"SELECT id, sed_proba(s, 'yso') AS p FROM TAP_UPLOAD.few AS s ORDER BY {key}"
        found = [p for _, p in con.execute(query)]
        assert found[-1] is None
        assert found[:2] == sorted(found[:2], reverse="DESC" in key)
    assert con.execute("SELECT j_m FROM TAP_UPLOAD.few ORDER BY j_m DESC").fetchone() == (None,)


def test_reserved_words_are_names_unless_the_connection_is_strict(sky, con):
    query = "SELECT ra AS position, dec AS year, COUNT(*) AS count FROM gaiadr3.gaia_source GROUP BY ra, dec"
    assert [name for name, *_ in con.execute(query).description] == ["position", "year", "count"]
    with sedsql.connect(sky, strict=True) as strict, pytest.raises(sedsql.AdqlError, match="'position' is a reserved"):
        strict.execute(query)


def test_a_translation_is_kept_until_the_catalogue_changes(con):
    con.upload("numbers", pa.table({"n": pa.array([1], pa.int64())}))
    query = "SELECT n / 2 AS half FROM TAP_UPLOAD.numbers"
    assert con.translation(query) is con.translation(query)
    assert con.translation(query, rewrites=()) is not con.translation(query)
    assert con.execute(query).fetchall() == [(0,)]
    con.upload("numbers", pa.table({"n": pa.array([1], pa.float64())}))
    assert con.execute(query).fetchall() == [(0.5,)]
    con.drop_upload("numbers")
    with pytest.raises(sedsql.AdqlError, match="There is no table"):
        con.execute(query)
    marked = "SELECT TOP 1 ra FROM gaiadr3.gaia_source WHERE dec > ?"
    assert con.translation(marked)
    with pytest.raises(sedsql.AdqlError, match=r"There is no value for this '\?'"):
        con.execute(marked)


def test_a_cone_and_a_source_are_read_from_one_file(con):
    (source,) = con.execute("SELECT MAX(source_id) AS s FROM gaiadr3.gaia_source").fetchone()
    cone = "1 = CONTAINS(POINT(ra, dec), CIRCLE(83.82, -5.39, 1.5))"
    for condition in (cone, f"source_id = {source}"):
        query = f"SELECT source_id, ra FROM gaiadr3.gaia_source WHERE {condition} ORDER BY source_id"
        explain: list[str] = []
        named = con.translate(query, explain)
        assert "gaia_source is read from 1 of its 12 files" in explain
        assert named.count(".parquet") == 1
        every = con.duckdb.execute(con.translation(query, rewrites=()).sql).fetchall()
        assert con.execute(query).fetchall() == every
        assert every


OPEN, NOWHERE = ("FROM TAP_UPLOAD.awkward AS a, TAP_UPLOAD.awkward AS b WHERE", [None, math.nan, math.inf, 400.0, -1.0])
ATTACKS = [
    f"SELECT a.id, b.id AS other {OPEN} CONTAINS(POINT(a.ra, a.dec), CIRCLE(POINT(b.ra, b.dec), a.radius * 2)) <> 0",
    "SELECT a.id, q.id AS other FROM TAP_UPLOAD.awkward AS a, (SELECT TOP 20 id, ra, dec FROM TAP_UPLOAD.awkward "
    "ORDER BY id) AS q WHERE a.radius >= DISTANCE(a.ra, a.dec, q.ra, q.dec)",
    f"SELECT a.id {OPEN} 1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, a.radius)) UNION SELECT id "
    "FROM TAP_UPLOAD.awkward WHERE id < 3",
    "SELECT CASE WHEN 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(83.8, -5.4, 20)) THEN sed_class(s) ELSE 'out' END AS k, "
    "COUNT(*) AS n FROM sed.photometry AS s WHERE s.phot_g_mean_mag < 12 GROUP BY k",
    'SELECT s.ra AS "__cell", a.id AS "ra" FROM sed.photometry AS s JOIN TAP_UPLOAD.awkward AS a '
    "ON DISTANCE(s.ra, s.dec, a.ra, a.dec) < 5",
    "SELECT s.SOURCE_ID, sed_node(s, 0.5), sed_proba(s, 'yso') FROM sed.photometry AS s WHERE sed_class(s) = 'yso'",
]


@pytest.mark.parametrize("query", ATTACKS)
def test_what_an_attack_found_is_one_answer_with_rewrites_and_without(con, query):
    rng = random.Random(1)

    def numbers(low, high):
        return [rng.choice(NOWHERE) if rng.random() < 0.2 else rng.uniform(low, high) for _ in range(60)]

    columns = {"ra": numbers(80, 86), "dec": numbers(-8, -3), "radius": numbers(0, 2)}
    con.upload("awkward", pa.table({"id": list(range(60)), **columns}))
    found = con.execute(query)
    plain = con.duckdb.execute(con.translation(query, rewrites=()).sql)
    assert [name for name, *_ in found.description] == [name for name, *_ in plain.description]
    rows, expected = (sorted(map(str, cursor.fetchall())) for cursor in (found, plain))
    assert rows == expected
    assert rows


@pytest.mark.parametrize("engine", [None, "sql"])
def test_a_default_that_is_no_model_is_told(sky, engine):
    with pytest.raises(sedsql.Error, match="No model 'shape2'; there are lite-2, luminosity-2, shape-2, sky-1"):
        sedsql.connect(sky, default="shape2", engine=engine)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (pa.table({"gmag": [20.1], "x": [1], "Gmag": [17.3]}), "gmag and Gmag differ in case alone.*rename one"),
        (pa.table([[1], [2]], names=["x", "x"]), "are both called x.*rename one"),
        (pa.table({}), "The table 'mine' has no columns"),
    ],
)
def test_columns_that_a_query_cannot_tell_apart_are_not_uploaded(con, table, sentence):
    """ADQL's names do not differ in case: Gmag would be gmag."""
    with pytest.raises(sedsql.ProgrammingError, match=sentence):
        con.upload("mine", table)
