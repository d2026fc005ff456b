"""Stored classes are compared, bit for bit, with those that the model gives to a mirror that has none."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import sedsql
from sedsql import native
from sedsql.adql.optimizer.rules import REWRITES
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY
from sedsql.files.resources import folder
from sedsql.inference.model import find_models
from sedsql.mirror import silent
from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.repair import repair
from sedsql.mirror.rules import switch
from sedsql.mirror.sample import write_sample
from sedsql.mirror.stored.classes import classes
from sedsql.mirror.stored.classify import classify
from sedsql.mirror.stored.refresh import refresh
from sedsql.mirror.verify import verify

ROWS = 700
STORED = "manifest.classes_"


def change(mirror, work, *given):
    with Mirror.change(mirror) as held:
        return work(held, *given)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mirror with stored photometry, and a copy that has the classes by sky-1 as well; not to be changed."""
    made = tmp_path_factory.mktemp("classes")
    write_sample(made / "plain", ROWS, seed=4, rich=True)
    shutil.copytree(made / "plain", made / "asked")
    assert change(made / "asked", classify, find_models()["sky-1"]) == ROWS
    return made


@pytest.fixture
def mirror(made, tmp_path):
    shutil.copytree(made / "asked", tmp_path / "m")
    return tmp_path / "m"


QUERIES = [
    "SELECT * FROM sed.classified ORDER BY source_id",
    "SELECT source_id, sed_class(s) AS c, sed_node(s, 0.5) AS n FROM sed.photometry AS s ORDER BY source_id",
    "SELECT source_id, sed_class(s, 'sky-1') AS c, sed_node(s, 0.7) AS n FROM sed.photometry AS s ORDER BY source_id",
    "SELECT source_id, sed_outlier(s) AS o, sed_probability(s) AS p FROM sed.photometry AS s ORDER BY source_id",
    "SELECT source_id FROM sed.photometry AS s WHERE sed_class(s) = 'yso' ORDER BY source_id",
    "SELECT sed_class(s), COUNT(*) AS n FROM sed.photometry AS s GROUP BY sed_class(s) ORDER BY n DESC, 1",
    "SELECT class AS c, COUNT(*) AS n, MAX(outlier) AS o FROM sed.classified GROUP BY c HAVING COUNT(*) > 3 ORDER BY c",
    "SELECT s.source_id, s.sed_class FROM (SELECT source_id, sed_class(p) AS sed_class FROM sed.photometry AS p) AS s "
    "ORDER BY s.source_id",
    "SELECT s.source_id, sed_class(s) AS c, sed_proba(s, 'yso') AS p, sed_predict(s) AS all_of_it "
    "FROM sed.photometry AS s WHERE sed_class(s) IN ('yso', 'agn') ORDER BY s.source_id",
    "SELECT g.source_id, sed_class(s) AS c FROM gaiadr3.gaia_source AS g JOIN sed.photometry AS s "
    "ON s.source_id = g.source_id WHERE g.phot_g_mean_mag < 18 ORDER BY g.source_id",
    "SELECT s.source_id, t.class FROM sed.photometry AS s JOIN sed.classified AS t USING (source_id) "
    "WHERE sed_class(s) <> t.class ORDER BY s.source_id",
    "SELECT s.source_id FROM sed.photometry AS s WHERE EXISTS (SELECT 1 FROM sed.classified AS c "
    "WHERE c.source_id = s.source_id AND c.class = sed_class(s)) ORDER BY s.source_id",
    "SELECT source_id, class, class_path FROM sed.classified WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(84, -5, 20)) "
    "ORDER BY source_id",
    "SELECT photometry.source_id, sed_class(photometry) AS c FROM sed.photometry ORDER BY source_id",
    "SELECT sed.photometry.source_id, sed_class(photometry) AS c FROM sed.photometry ORDER BY 1",
    "SELECT s.*, sed_class(s) AS c FROM sed.photometry AS s ORDER BY s.source_id",
    "SELECT a.source_id, sed_class(a) AS c FROM sed.photometry AS a NATURAL JOIN sed.photometry AS b ORDER BY 1",
    "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s GROUP BY class ORDER BY n DESC, class",
    "SELECT s.source_id, outlier, class_path FROM sed.photometry AS s JOIN (SELECT source_id, dec AS outlier, "
    "'a' AS class_path FROM gaiadr3.gaia_source) AS g ON g.source_id = s.source_id WHERE sed_class(s) = 'agn' "
    "ORDER BY 1",
    'SELECT sed_class(s) AS "_sed_class", COUNT(*) AS n FROM sed.photometry AS s GROUP BY "_sed_class" ORDER BY n, 1',
    "SELECT s.source_id, sed_class(s, 'lite-2') AS c, sed_class(s) AS d FROM sed.photometry AS s ORDER BY s.source_id",
]


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_stored_is_what_the_model_says(made, query):
    others = tuple(name for name in REWRITES if name != "stored")
    with sedsql.connect(made / "asked") as con, sedsql.connect(made / "plain") as plain:
        found, expected = con.execute(query).arrow(), plain.execute(query).arrow()
        assert found.equals(expected)
        assert found.num_rows > 0
        assert found.schema == expected.schema
        assert STORED not in plain.translate(query)
        assert STORED not in con.translation(query, rewrites=others).sql
        seen = ("sed.photometry.source_id", "s.*", "NATURAL")  # where other columns of the table would be seen
        sql = con.translate(query)  # of a region it names the files
        assert (STORED in sql or "sed/classified/" in sql) == (not any(word in query for word in seen))
        assert con.execute(con.translation(query, rewrites=others).sql, lang="sql").arrow().equals(expected)


def test_no_model_is_asked(made):
    query = "SELECT source_id, class, outlier FROM sed.classified AS c WHERE c.class = 'yso' OR sed_class(c) = 'agn'"
    with sedsql.connect(made / "asked") as con:
        explain = []
        sql = con.translate(query, explain)
        assert "sed_" not in sql.replace('"stored _sed_class"', "")
        assert "the answers of sky-1 for c are taken as they are stored" in explain


def test_duckdb_s_own_sql_reads_what_is_stored(made):
    asked = "SELECT * FROM sed.classified ORDER BY source_id"
    with sedsql.connect(made / "asked") as con, sedsql.connect(made / "plain") as plain:
        assert con.sql(asked).arrow().equals(plain.sql(asked).arrow())
        plan = con.duckdb.execute("EXPLAIN SELECT class FROM sed.classified").fetchall()[0][1]
        assert "sed_answer" not in plan
        assert "_sed_class" not in con.sql(asked).arrow().column_names


@pytest.mark.parametrize("how", ["default", "card", "engine"])
def test_another_model_is_asked(made, tmp_path, how):
    given = {"default": {"default": "lite-2"}, "engine": {"engine": "onnx"}}.get(how, {})
    if how == "engine" and not native.path():
        pytest.skip("no C extension: the stored classes are ONNX Runtime's")
    if how == "card":
        shutil.copytree(folder("models") / "sky-1", tmp_path / "sky-1")
        card = json.loads((tmp_path / "sky-1" / "card.json").read_text())
        card["min_bands"] = 5
        (tmp_path / "sky-1" / "card.json").write_text(json.dumps(card))
        given = {"models": [tmp_path]}
    with sedsql.connect(made / "asked", **given) as con, sedsql.connect(made / "plain", **given) as plain:
        for query in (QUERIES[0], QUERIES[3]):
            assert STORED not in con.translate(query)
            assert con.execute(query).arrow().equals(plain.execute(query).arrow())
        assert con.sql(QUERIES[0]).arrow().equals(plain.sql(QUERIES[0]).arrow())


def _switch(held, rule, on):
    with held.edit_database() as con:
        switch(con, rule, on)


def test_a_connection_follows_the_mirror(made, tmp_path):
    shutil.copytree(made / "plain", tmp_path / "m")
    query = "SELECT class, COUNT(*) AS n FROM sed.classified GROUP BY class ORDER BY class"
    with sedsql.connect(tmp_path / "m") as con:
        expected, cursor = con.execute(query).fetchall(), con.cursor()
        change(tmp_path / "m", classify, find_models()["sky-1"])
        for lang in ("adql", "sql"):
            assert con.execute(query, lang=lang).fetchall() == expected
            assert cursor.execute(query, lang=lang).fetchall() == expected
        assert STORED in con.translate(query)
        change(tmp_path / "m", _switch, "ruwe", False)
        with sedsql.connect(tmp_path / "m") as new:
            for lang in ("adql", "sql"):
                assert con.execute(query, lang=lang).fetchall() == new.execute(query, lang=lang).fetchall()
            assert STORED not in con.translate(query)
        change(tmp_path / "m", _switch, "ruwe", True)
        assert con.sql(query).fetchall() == expected
        assert STORED in con.translate(query)
        change(tmp_path / "m", classify, find_models()["lite-2"])
        for lang in ("adql", "sql"):
            assert cursor.execute(query, lang=lang).fetchall() == expected
        assert STORED not in con.translate(query)


def test_only_what_is_new_is_asked(mirror):
    model = find_models()["sky-1"]
    assert change(mirror, classify, model) == 0
    state = classes(Mirror.read(mirror).tables)
    path, lost = sorted((path, file.rows) for path, file in state.files.items())[1]
    (mirror / path).unlink()
    assert [problem.file for problem in verify(Mirror.read(mirror), silent)] == [path]
    assert any("sedsql mirror classify" in line for line in repair(mirror, silent))
    with sedsql.connect(mirror) as con:
        assert con.execute(f"SELECT COUNT(class_model) FROM {CLASSIFIED}").fetchone() == (ROWS,)
    assert change(mirror, classify, model) == lost
    change(mirror, _switch, "mates", False)
    change(mirror, refresh)
    assert not list(mirror.glob("sed/classified/**/*.parquet"))
    assert change(mirror, classify, model) == ROWS
    assert not list(verify(Mirror.read(mirror), silent))


def test_a_lost_manifest_is_made_from_the_files(mirror):
    (mirror / "mirror.duckdb").unlink()
    repair(mirror, silent)
    with sedsql.connect(mirror) as con:
        assert STORED in con.translate(QUERIES[0])
        assert con.execute(QUERIES[0]).arrow().num_rows == ROWS


CLASSIFY = """
from sedsql.inference.model import find_models
from sedsql.mirror.stored.classify import classify
classify(mirror, find_models()["sky-1"])
"""


def test_a_classification_that_is_killed_goes_on(made, killed, tmp_path):
    mirror, query = tmp_path / "m", QUERIES[0]
    shutil.copytree(made / "plain", mirror)
    with sedsql.connect(made / "plain") as con:
        expected = con.execute(query).arrow()
    for part in (2, 2):
        killed(mirror, part, CLASSIFY)
        with sedsql.connect(mirror) as con:
            assert con.execute(query).arrow().equals(expected)
            assert STORED not in con.translate(query)
    assert 0 < change(mirror, classify, find_models()["sky-1"]) < ROWS
    with sedsql.connect(mirror) as con:
        assert con.execute(query).arrow().equals(expected)
        assert STORED in con.translate(query)
    assert not list(verify(Mirror.read(mirror), silent))


def test_the_shell_of_duckdb_reads_them_without_a_model(mirror):
    shell = Path(sys.executable).parent / "duckdb"
    if not shell.exists():
        pytest.skip("no shell of DuckDB")
    query = f"SELECT class, count(*) AS n FROM {CLASSIFIED} GROUP BY ALL ORDER BY ALL"
    command = [shell, "-readonly", "-csv", "-noheader", "-nullvalue", "None", "mirror.duckdb", query]
    done = subprocess.run(command, cwd=mirror, capture_output=True, text=True, check=True)
    with sedsql.connect(mirror) as con:
        rows = con.sql(query).fetchall()
    assert list(csv.reader(io.StringIO(done.stdout))) == [[str(value) for value in row] for row in rows]


def test_the_catalogue_says_the_same(made):
    known = []
    for name in ("asked", "plain"):
        with sedsql.connect(made / name) as con:
            columns = "SELECT * FROM tap_schema.columns WHERE table_name LIKE 'sed.%' ORDER BY table_name, column_index"
            tables = "SELECT table_name, description FROM tap_schema.tables WHERE table_name LIKE 'sed.%' ORDER BY 1"
            known.append([con.catalogue.tables[PHOTOMETRY], con.catalogue.tables[CLASSIFIED]])
            known[-1] += [con.execute(query).fetchall() for query in (columns, tables)]
    assert known[0] == known[1]


def test_the_commands(made, tmp_path, sedsql):
    shutil.copytree(made / "plain", tmp_path / "m")

    def good(*words):
        ran = sedsql(*words)
        assert ran.code == 0, ran.err
        return ran.out + ran.err

    assert "lite-2 was asked about 700 rows" in good("mirror", "classify", tmp_path / "m", "--model", "lite-2")
    assert "lite-2 was asked about 0 rows" in good("mirror", "classify", tmp_path / "m", "--model", "lite-2")
    about = {row["table"]: row for row in json.loads(good("mirror", "info", tmp_path / "m", "--json"))}
    assert (about[CLASSIFIED]["rows"], about[CLASSIFIED]["from"]) == (700, "lite-2")
    good("mirror", "rules", tmp_path / "m", "--off", "mates")
    about = {row["table"]: row for row in json.loads(good("mirror", "info", tmp_path / "m", "--json"))}
    assert "stale" in about[CLASSIFIED]["from"]
    with open_mirror(tmp_path / "m") as con, pytest.raises(duckdb.Error):
        con.execute(f"SELECT class FROM mirror.{CLASSIFIED}")
    ran = sedsql("mirror", "classify", tmp_path / "m", "--model", "lit-2")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
