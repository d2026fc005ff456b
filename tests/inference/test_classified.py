"""sed.classified: what a model says as columns, the same by ADQL, by DuckDB's SQL and in its shell."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import skymodel

import sedsql
from sedsql import native
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.inference import answers
from sedsql.inference.model import Model
from sedsql.inference.session import Session

ADDED = ["class", "class_probability", "class_path", "outlier", "class_model"]
ENGINES = [pytest.param("native", marks=pytest.mark.skipif(not native.path(), reason="no C extension")), "onnx"]


@pytest.fixture
def con(sky, sky_model):
    with sedsql.connect(sky, models=[sky_model]) as con:
        yield con


def inputs(con):
    """source_id and the fourteen inputs of each source, by source_id."""
    found = con.execute("SELECT * FROM sed.photometry ORDER BY source_id").arrow()
    names = (*sedsql.photometry.bands.COLUMNS, *skymodel.CARD["extra"])
    columns = [found[name].to_pandas().astype("float32").to_numpy() for name in names]
    return found["source_id"].to_pylist(), np.stack(columns, 1)


@pytest.fixture
def expected(con, sky_model):
    """ADDED of each source, by source_id, as ONNX Runtime and the tree of classes have them."""
    model = Model.read(sky_model)
    ids, rows = inputs(con)
    prediction = Session(model).predict(rows)
    parents = model.card.parents
    told = {}
    for k, source in enumerate(ids):
        p = dict(zip(model.classes, prediction.probabilities[k].astype(float), strict=True))
        nodes = {}
        for label, share in p.items():
            for node in (label, parents[label]):
                nodes[node] = nodes.get(node, 0) + share
        reached = [node for node, share in nodes.items() if share >= 0.5]
        node = next((node for node in reached if node in p), next(iter(reached), "source"))
        path = f"{parents[node]}/{node}" if node in parents else node
        there = prediction.class_index[k] >= 0
        told[source] = (node, nodes.get(node, 1.0), path, prediction.outlier[k]) if there else (None,) * 4
    return told


def is_as(rows, expected):
    """Rows of source_id and ADDED."""
    assert len(rows) == len(expected)
    for source, label, share, path, outlier, model in rows:
        node, *numbers = expected[source]
        assert (label, path, model) == (node, numbers[1], "sky-1")
        assert [share, outlier] == pytest.approx([numbers[0], numbers[2]], abs=1e-5)


@pytest.mark.parametrize("lang", ["adql", "sql"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_columns_are_what_the_model_says(sky, sky_model, expected, engine, lang):
    with sedsql.connect(sky, models=[sky_model], engine=engine) as con:
        rows = con.execute(f"SELECT source_id, {', '.join(ADDED)} FROM sed.classified", lang=lang).fetchall()
    is_as(rows, expected)
    assert {"evolved", "main_sequence", "yso", "agn", "source"} <= {row[1] for row in rows}


def test_a_star_has_all_of_photometry_and_what_a_model_says(con, expected):
    whole = con.execute("SELECT * FROM sed.classified ORDER BY source_id").arrow()
    plain = con.execute("SELECT * FROM sed.photometry ORDER BY source_id").arrow()
    assert whole.column_names == [*plain.column_names, *ADDED]
    assert whole.select(plain.column_names).equals(plain)
    is_as([tuple(row.values()) for row in whole.select(["source_id", *ADDED]).to_pylist()], expected)
    sql = con.sql("SELECT * FROM sed.classified ORDER BY source_id").arrow()
    assert sql.column_names == whole.column_names


JOINED = "FROM sed.classified AS c JOIN gaiadr3.gaia_source AS g ON g.source_id = c.source_id"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT class, COUNT(*) AS n FROM sed.classified GROUP BY class ORDER BY n DESC",
        "SELECT class AS c, COUNT(*) AS n FROM sed.classified GROUP BY c HAVING COUNT(*) > 9 ORDER BY c",
        "SELECT c.source_id, c.class FROM sed.classified AS c WHERE c.class = 'yso' ORDER BY c.source_id",
        "SELECT source_id, class_path FROM sed.classified WHERE class_path LIKE 'evol%' ORDER BY source_id",
        f"SELECT g.source_id, g.pm, c.class_probability {JOINED} AND c.class = 'agn' ORDER BY g.source_id",
        f"SELECT c.*, g.pm {JOINED} WHERE c.class IN ('yso', 'agn') AND g.pm > 2 ORDER BY c.source_id",
        f"SELECT g.source_id, c.* {JOINED.replace('JOIN', 'LEFT JOIN')} ORDER BY g.source_id",
        "SELECT * FROM sed.classified JOIN gaiadr3.allwise_best_neighbour USING (source_id) ORDER BY source_id",
        "SELECT source_id, class FROM sed.classified NATURAL JOIN gaiadr3.allwise_best_neighbour ORDER BY 1",
        "SELECT q.class, q.source_id FROM (SELECT * FROM sed.classified) AS q WHERE q.ra < 90 ORDER BY q.source_id",
        "SELECT COUNT(*) AS n FROM (SELECT * FROM sed.classified) AS q",
        "WITH q AS (SELECT class, ra FROM sed.classified) SELECT class, MAX(ra) FROM q GROUP BY class ORDER BY 1",
        "SELECT DISTINCT class, class_model FROM sed.classified ORDER BY class, class_model",
        "SELECT class_model, COUNT(*) FROM sed.classified GROUP BY class_model ORDER BY class_model",
        "SELECT MAX(class_probability) AS p, class FROM sed.classified GROUP BY class ORDER BY p, class",
        "SELECT class FROM sed.classified UNION SELECT 'other' FROM sed.classified ORDER BY class",
        (
            "SELECT g.source_id FROM gaiadr3.gaia_source AS g WHERE EXISTS (SELECT 1 FROM sed.classified AS c "
            "WHERE c.source_id = g.source_id AND c.class = 'yso') ORDER BY g.source_id"
        ),
        (
            "SELECT source_id FROM gaiadr3.gaia_source WHERE source_id IN (SELECT source_id FROM sed.classified "
            "WHERE class = 'yso' AND outlier < 0.9) ORDER BY source_id"
        ),
        "SELECT b.class, b.b FROM sed.classified AS b WHERE b.class <> 'agn' ORDER BY b.b",
        "SELECT sed.classified.class, classified.ra FROM sed.classified ORDER BY classified.ra",
        "SELECT L.CLASS FROM SED.Classified AS L JOIN sed.photometry AS p USING (source_id) ORDER BY source_id",
        "SELECT TOP 7 class_probability + 1 AS p, UPPER(class) AS u FROM sed.classified ORDER BY source_id",
    ],
)
def test_a_query_gives_what_the_same_sql_gives(con, query):
    """DuckDB's SQL has the view; ADQL makes its own of it."""
    same = re.sub(r"SELECT TOP (\d+) (.*)", r"SELECT \2 LIMIT \1", query)
    found, expected = con.execute(query).fetchall(), con.sql(same).fetchall()
    assert found
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_what_is_not_asked_for_is_not_computed(con):
    """A query without these columns is that of sed.photometry, to the letter."""
    asked = "SELECT c.source_id, c.ra FROM sed.{} AS c WHERE 1 = CONTAINS(POINT(c.ra, c.dec), CIRCLE(84, -5, 9))"
    assert con.translate(asked.format("classified")) == con.translate(asked.format("photometry"))
    assert "sky-1" not in con.translate("SELECT COUNT(*) AS n FROM (SELECT * FROM sed.classified) AS q WHERE q.ra > 3")
    plan = con.duckdb.execute("EXPLAIN SELECT ra FROM sed.classified").fetchall()[0][1]
    assert "sed_answer" not in plan
    model = "SELECT class_model, COUNT(*) AS n FROM sed.classified GROUP BY class_model"
    assert "sed_" not in con.translate(model).replace("sed.photometry", "")


@pytest.mark.parametrize("star", [False, True])
def test_a_row_is_asked_once_after_all_other_conditions(sky, sky_model, monkeypatch, star):
    asked = []
    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, rows: asked.append(len(rows)) or run(self, rows))
    with sedsql.connect(sky, models=[sky_model], engine="onnx") as con:
        few = "c.phot_g_mean_mag < 14"
        (bright,) = con.execute(f"SELECT COUNT(*) AS n FROM sed.photometry AS c WHERE {few}").fetchone()
        items = "c.*" if star else "c.class, c.class_probability, c.outlier, sed_class(c), sed_proba(c, 'yso')"
        rows = con.execute(
            f"SELECT {items} FROM sed.classified AS c WHERE c.class = 'main_sequence' AND {few} AND c.outlier < 1 "
            "ORDER BY c.class_probability DESC"
        ).fetchall()
    assert 10 < len(rows) < bright
    assert sum(asked) == bright


def test_a_model_that_the_user_chose_answers(sky, sky_model):
    asked = "SELECT source_id, class, class_model FROM sed.classified ORDER BY source_id"
    with sedsql.connect(sky, models=[sky_model], default="lite-2") as con:
        rows = con.execute(asked).fetchall()
        assert {row[2] for row in rows} == {"lite-2"}
        assert rows == con.sql(asked).fetchall()
        lite = con.sql("SELECT sed_node(s, 0.5, 'lite-2') FROM sed.photometry AS s ORDER BY source_id").fetchall()
        assert [row[1] for row in rows] == [node for (node,) in lite]


def test_the_columns_are_described(con, sky):
    table = con.catalogue.tables[CLASSIFIED]
    assert list(table.columns) == [*con.catalogue.tables[PHOTOMETRY].columns, *ADDED]
    assert table.position == ("ra", "dec")
    for column in table.columns.values():
        assert column.description, column.name
        assert column.ucd, column.name
    told = con.execute("SELECT TOP 2 class_probability AS p, class, ra FROM sed.classified").table()
    assert told["p"].description == table.columns["class_probability"].description
    assert told["class"].meta["ucd"] == "meta.code.class"
    assert str(told["ra"].unit) == "deg"
    listed = con.execute(
        "SELECT column_name, datatype, ucd, description FROM tap_schema.columns "
        "WHERE table_name = 'sed.classified' ORDER BY column_index"
    ).fetchall()
    assert [row[0] for row in listed] == list(table.columns)
    assert all(row[2] and row[3] for row in listed)
    assert {row[0]: row[1] for row in listed}["class_probability"] == "double"
    (about,) = con.execute("SELECT description FROM tap_schema.tables WHERE table_name = 'sed.classified'").fetchone()
    assert about.startswith("Simulated")


@pytest.mark.parametrize(
    ("query", "said", "place"),
    [
        ("SELECT clas FROM sed.classified", "no column 'clas'", (1, 8)),
        ("SELECT c.ra\nFROM sed.classified AS c\nWHERE c.klass = 'yso'", "'c' has no column 'klass'", (3, 9)),
        ("SELECT p.ra FROM sed.photometry AS p JOIN sed.classified AS c USING (class)", "which a model gives", (1, 70)),
        ("SELECT p.ra FROM sed.classified AS p NATURAL JOIN sed.classified AS c", "'class', which a model", (1, 69)),
        ("SELECT _class(c) FROM sed.classified AS c", "_class", (1, 8)),
    ],
)
def test_a_mistake_is_told_with_its_place(con, query, said, place):
    with pytest.raises(sedsql.AdqlError) as caught:
        con.execute(query)
    assert said in str(caught.value)
    assert (caught.value.line, caught.value.column) == place


def test_without_functions_there_is_no_class(con):
    with pytest.raises(sedsql.AdqlError, match=r"'class' is given by a model, and there are no models here"):
        sedsql.translate("SELECT class FROM sed.classified", con.catalogue)
    assert "gaia_source" in sedsql.translate("SELECT ra FROM sed.classified", con.catalogue)


def test_a_mirror_without_photometry_opens(tmp_path):
    from sedsql.mirror.mirror import Mirror

    with Mirror.new(tmp_path / "empty") as mirror:
        mirror.save()
    with sedsql.connect(tmp_path / "empty") as con:
        assert CLASSIFIED not in con.catalogue.tables
        assert con.sql("SELECT 1").fetchall() == [(1,)]


def test_a_mirror_whose_files_are_gone_opens(sky, tmp_path):
    import shutil

    mirror = tmp_path / "sky"
    shutil.copytree(sky, mirror)
    shutil.rmtree(mirror / "gaiadr1")
    with sedsql.connect(mirror) as con:
        assert con.execute("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source").fetchone() == (2_000,)
        with pytest.raises(sedsql.Error, match="gaiadr1"):
            con.execute("SELECT class FROM sed.classified").fetchall()


@pytest.mark.skipif(not native.path(), reason="no C extension")
def test_a_class_in_where_has_a_cheap_condition(sky, sky_model):
    graph = json.loads((sky_model / "card.json").read_text())["sha256"]
    (sky_model / "bounds.json").write_text(json.dumps({"sha256": graph, "nodes": 10**9, "parts": []}))
    explain = []
    asked = "SELECT source_id FROM sed.classified AS c WHERE c.class = {} ORDER BY source_id"
    with sedsql.connect(sky, models=[sky_model], engine="native") as con:
        sql = con.translate(asked.format("'yso'"), explain)
        condition = (
            "sed_log_odds(c, c.parallax, c.parallax_error, c.ra, c.dec, 'yso', 'main_sequence', 'sky-1') >= -0.0004"
        )
        assert condition in sql
        assert any("before a model is asked" in line for line in explain)
        assert "sed_log_odds" not in con.translate(asked.format("'evolved'"))  # a branch is of no one class
        node = "SELECT source_id FROM sed.photometry AS c WHERE sed_node(c, 0.7) = 'yso' ORDER BY source_id"
        assert "sed_log_odds" in con.translate(node)
        found = [con.execute(query).fetchall() for query in (asked.format("'yso'"), node)]
    others = tuple(name for name in sedsql.adql.optimizer.rules.REWRITES if name != "bounds")
    with sedsql.connect(sky, models=[sky_model], rewrites=others) as con:
        assert found == [con.execute(query).fetchall() for query in (asked.format("'yso'"), node)]
    assert len(found[0]) >= len(found[1]) > 0


COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]


@pytest.mark.skipif(not native.path(), reason="no C extension")
def test_the_shell_has_it(sky, sky_model, con):
    asked = "SELECT class, class_model, count(*) AS n FROM {} GROUP BY class, class_model ORDER BY ALL"
    expected = [[str(value) for value in row] for row in con.sql(asked.format("sed.classified")).fetchall()]
    adql = "adql('SELECT class, class_model FROM sed.classified')"
    for source in ("sed.classified", adql, "(SELECT * FROM sed.classified WHERE ra >= 0)"):
        command = [*COMMAND, "shell", sky, "--models", sky_model, "-c", asked.format(source), "--", "-csv"]
        done = subprocess.run([*map(str, command), "-nullvalue", "None"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert list(csv.reader(done.stdout.splitlines()))[1:] == expected
    assert len(expected) > 4


def test_the_command_has_it(sedsql, sky, sky_model, con, tmp_path):
    asked = "SELECT class, COUNT(*) AS n FROM sed.classified GROUP BY class ORDER BY n DESC"
    ran = sedsql("query", asked, "-m", sky, "--models", sky_model, "-o", tmp_path / "n.csv")
    assert ran.code == 0, ran.err
    rows = list(csv.reader((tmp_path / "n.csv").read_text().splitlines()))
    assert rows[0] == ["class", "n"]
    assert [(row[0] or None, int(row[1])) for row in rows[1:]] == con.execute(asked).fetchall()


def test_a_node_of_one_half_is_that_of_the_most_probable_class(sky_model):
    model = Model.read(sky_model)
    p = np.array([[0.5, 0.5, 0, 0, 0], [0, 0.5, 0.25, 0, 0.25], [0.25, 0.5, 0.25, 0, 0], [0.3, 0.2, 0.2, 0.3, 0]])
    assert answers.deepest_nodes(model, p, 0.5).to_pylist() == ["agb_carbon", "agn", "agn", "evolved"]
