"""Test the command as a user sees it: what it prints, where, and how it ends."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from importlib.metadata import version

import duckdb
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from refusal import refused

from sedsql.photometry.bands import COLUMNS

COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]
CLASSES = (
    "SELECT sed_class(s, 'shape-2') AS class, COUNT(*) AS n FROM sed.photometry AS s "
    "GROUP BY sed_class(s, 'shape-2') ORDER BY n DESC, class"
)


# ---- query ----


def test_query_prints_the_rows_that_duckdb_has(sedsql, sky):
    ran = sedsql("query", "SELECT TOP 3 source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id DESC", "-m", sky)
    with duckdb.connect() as con:
        expected = con.execute(
            f"SELECT source_id, ra FROM '{sky}/gaiadr3/gaia_source/**/*.parquet' ORDER BY source_id DESC LIMIT 3"
        ).fetchall()
    header, *rows = ran.out.splitlines()
    assert (ran.code, ran.err, header) == (0, "", "source_id,ra")
    assert [(int(one), float(other)) for one, other in (row.split(",") for row in rows)] == expected


def test_query_from_a_file_and_from_standard_input(sedsql, sky, tmp_path, monkeypatch):
    (tmp_path / "classes.adql").write_text(CLASSES)
    (tmp_path / "classes.sql").write_text(CLASSES.replace("'shape-2') AS", "'shape-2')::VARCHAR AS"))
    answers = [sedsql("query", tmp_path / f"classes.{ending}", "-m", sky, "--json").out for ending in ("adql", "sql")]
    monkeypatch.setattr("sys.stdin", io.StringIO(CLASSES))
    answers.append(sedsql("query", "-", "-m", sky, "--json").out)
    assert answers[0] == answers[1] == answers[2]
    assert sum(row["n"] for row in json.loads(answers[0])) == 2_000


@pytest.mark.parametrize("comment", ["-- which are they?", "--which?", "--", "-- a=b --x"])
def test_a_query_may_begin_with_a_comment(sedsql, sky, comment):
    text = "SELECT MAX(dec) AS d FROM gaiadr3.gaia_source"
    ran = sedsql("query", f"{comment}\n{text}", "-m", sky)
    assert ran.code == 0
    assert ran.out == sedsql("query", text, "-m", sky).out
    assert sedsql("translate", f"{comment}\n{text}").out == f"{text}\n"
    assert "is nothing but a comment" in sedsql("query", f"{comment}\n", "-m", sky).err
    assert "No such option" in sedsql("query", "--nosuch", "-m", sky).err


def test_one_row_is_one_row(sedsql, sky, tmp_path):
    text = "SELECT TOP 1 * FROM sed.photometry ORDER BY source_id"
    assert sedsql("query", text, "-m", sky, "-o", tmp_path / "a.csv").out == f"1 row written to {tmp_path / 'a.csv'}\n"
    ran = sedsql("query", text, "-m", sky, "--plot", "sed", "-o", tmp_path / "a.png")
    assert ran.out == f"A picture of 1 row is in {tmp_path / 'a.png'}\n"


@pytest.mark.parametrize("ending", ["csv", "parquet", "fits", "vot", "ecsv"])
def test_query_writes_every_format(sedsql, sky, tmp_path, ending):
    out = tmp_path / f"answer.{ending}"
    columns = "source_id, w4mpro, sed_predict(s, 'shape-2') AS p, sed_points(s) AS points"
    text = f"SELECT {columns} FROM sed.photometry AS s ORDER BY source_id"
    ran = sedsql("query", text, "-m", sky, "-o", out)
    assert (ran.code, ran.err, ran.out) == (0, "", f"2,000 rows written to {out}\n")
    with duckdb.connect() as con:
        ids = con.execute(f"SELECT source_id FROM '{sky}/gaiadr3/gaia_source/**/*.parquet' ORDER BY 1").fetchall()
    expected = [source_id for (source_id,) in ids]
    if ending == "csv":
        with open(out, newline="") as file:
            rows = list(csv.DictReader(file))
        assert [int(row["source_id"]) for row in rows] == expected
        assert json.loads(rows[0]["points"])[0]["band"] in COLUMNS
    elif ending == "parquet":
        rows = pq.read_table(out).to_pydict()
        assert rows["source_id"] == expected
        assert rows["p"][0]["model"] == "shape-2"
    else:
        table = Table.read(out, format={"vot": "votable", "ecsv": "ascii.ecsv"}.get(ending))
        assert table["source_id"].tolist() == expected
        assert json.loads(str(table["p"][0]))["model"] == "shape-2"
    assert refused(sedsql("query", "SELECT 1 AS x FROM sed.photometry", "-m", sky, "-o", out), "exists", "--force")
    assert sedsql("query", "SELECT TOP 1 ra FROM sed.photometry", "-m", sky, "-o", out, "--force").code == 0


def test_query_json_is_json(sedsql):
    text = """SELECT 'nan'::DOUBLE AS n, '-inf'::REAL AS i, NULL AS nothing, 1.50::DECIMAL(5, 2) AS d, sum(k) AS total,
        {'a': 1, 'b': ['nan'::DOUBLE]} AS s, MAP {1: 2} AS m, '\\xFF'::BLOB AS b, DATE '2026-11-22' AS day,
        TIMESTAMP '2026-11-22 10:00:00' AS t, INTERVAL 1 DAY AS iv, 9007199254740993 AS big, 'é "x"' AS word
        FROM range(3) AS r(k)"""
    ran = sedsql("query", "--sql", text, "--json")

    def no_constant(word):
        pytest.fail(f"{word} is no JSON")

    (row,) = json.loads(ran.out, parse_constant=no_constant)
    expected = {"n": None, "i": None, "nothing": None, "d": 1.5, "total": 3, "s": {"a": 1, "b": [None]}, "m": {"1": 2}}
    expected |= {"b": "ff", "day": "2026-11-22", "t": "2026-11-22T10:00:00", "big": 9007199254740993, "word": 'é "x"'}
    assert {name: value for name, value in row.items() if name != "iv"} == expected
    assert refused(sedsql("query", "--sql", "SELECT 1 AS a, 2 AS a", "--json"), "AS")


@pytest.mark.parametrize(
    "text, words",
    [
        ("SELECT TOP 3 source_id FROM sed.photmetry", ["sed.photmetry", "line 1, column 29", "sed.photometry?"]),
        ("SELECT rx FROM sed.photometry", ["'rx'", "line 1, column 8"]),
        ("SELECT\n ra FRM sed.photometry", ["line 2"]),
        ("SELEC 1", ["'SELEC'", "column 1"]),
        ("DROP TABLE sed.photometry", ["DROP"]),
        ("", ["empty"]),
        (
            "SELECT TOP 3 sed_class(s, 'nope') FROM sed.photometry AS s",
            ["Error: No model 'nope'; there are", "shape-2"],
        ),
        (
            "SELECT sed_proba(s, 'nope', 'shape-2') FROM sed.photometry AS s",
            ["Error: Model shape-2 has no class 'nope'"],
        ),
        ("nowhere.adql", ["nowhere.adql: No such file"]),
    ],
)
def test_bad_queries(sedsql, sky, text, words):
    ran = sedsql("query", text, "-m", sky)
    assert refused(ran, *words)
    assert "functions.py" not in ran.err


def test_sql_cannot_write_to_a_mirror(sedsql, sky):
    for text in ("DROP VIEW sed.photometry", "CREATE TABLE mirror.x AS SELECT 1", "DELETE FROM tap_schema.columns"):
        assert refused(sedsql("query", "--sql", text, "-m", sky), "read-only")


def test_folders_that_are_no_mirror(sedsql, tmp_path):
    assert refused(
        sedsql("query", "SELECT 1 AS x FROM sed.photometry", "-m", tmp_path), "no mirror", "sedsql mirror sample"
    )
    assert refused(sedsql("query", "SELECT 1 AS x FROM sed.photometry", "-m", tmp_path / "no"), "does not exist")
    (tmp_path / "mirror.duckdb").write_bytes(b"garbage" * 1000)
    assert refused(sedsql("query", "SELECT 1 AS x FROM sed.photometry", "-m", tmp_path), "cannot be opened")


def test_translate(sedsql, sky):
    ran = sedsql("translate", "SELECT TOP 5 ra FROM gaiadr3.gaia_source", "-m", sky, "--explain")
    assert ran.code == 0
    with duckdb.connect() as con:
        assert con.extract_statements(ran.out)
    in_json = json.loads(sedsql("translate", "SELECT TOP 5 ra FROM gaiadr3.gaia_source", "-m", sky, "--json").out)
    assert in_json["sql"] == ran.out.splitlines()[0]
    assert refused(sedsql("translate", "SELECT FROM"), "line 1")


# ---- classify ----


def test_classify_says_how_many_of_each_class(sedsql, photometry, tmp_path):
    ran = sedsql("classify", "--model", "shape-2", photometry, "-o", tmp_path / "a.csv", "--json")
    answer = json.loads(ran.out)
    assert (answer["output"], answer["model"], sum(answer["classes"].values())) == (
        str(tmp_path / "a.csv"),
        "shape-2",
        3,
    )
    ran = sedsql("classify", "--model", "shape-2", photometry, "-o", tmp_path / "b.csv")
    assert ran.out.splitlines()[-1] == f"3 rows written to {tmp_path / 'b.csv'} (model shape-2)"


def test_classify_bad_input(sedsql, photometry, tmp_path):
    out = tmp_path / "out.csv"
    text = photometry.read_text().replace("b,10,11", "b,10,eleven")
    assert refused(sedsql("classify", "--model", "shape-2", tmp_path / "no.csv", "-o", out), "no.csv does not exist")
    assert refused(sedsql("classify", "--model", "shape-2", tmp_path, "-o", out), "is a folder")
    assert refused(sedsql("classify", "--model", "shape-2", photometry, "-o", tmp_path / "out.doc"), ".parquet")
    assert refused(sedsql("classify", "--model", "shape-2", photometry, "-o", tmp_path / "no" / "out.csv"), "no folder")
    assert refused(
        sedsql("classify", "--model", "shape-2", photometry, "-o", out, "--map", "jmag=j_m"),
        "'jmag'",
        "phot_g_mean_mag",
    )
    assert refused(sedsql("classify", "--model", "shape-2", photometry, "-o", out, "--map", "j_m=jay"), "'jay'")
    assert refused(sedsql("classify", photometry, "-o", out, "--model", "nope"), "'nope'", "shape-2")
    photometry.write_text(text)
    assert refused(
        sedsql("classify", "--model", "shape-2", photometry, "-o", out), "phot_bp_mean_mag", "row 2", "'eleven'"
    )
    few = ("--bands", "gaia", "--map", "phot_g_mean_mag=none")
    assert refused(
        sedsql("classify", "--model", "shape-2", photometry, "-o", out, *few),
        "columns for 2 of the bands, and shape-2 needs 3: none for phot_g_mean_mag (Gmag or ",
        "--map phot_g_mean_mag=COLUMN",
    )
    photometry.write_text(text.replace("name", "sed_class"))
    assert refused(sedsql("classify", "--model", "shape-2", photometry, "-o", out), "sed_class already")
    assert os.listdir(tmp_path) == ["in.csv"]
    assert sedsql("classify", "--model", "shape-2", photometry, "-o", out, "--map", "j_m").code == 2
    out.write_text("mine")
    assert refused(sedsql("classify", "--model", "shape-2", photometry, "-o", out), "exists", "--force")
    assert out.read_text() == "mine"


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "ecsv", "vot", "fits", "fits.gz", "vot.gz", "parquet"])
@pytest.mark.parametrize(
    "content", [b"", bytes(range(256)) * 20, b"not,a\ntable,of,any\nkind", "cut"], ids=["empty", "bytes", "text", "cut"]
)
def test_broken_files(sedsql, photometry, tmp_path, ending, content):
    path, out = tmp_path / f"broken.{ending}", tmp_path / "out.csv"
    if content == "cut":
        photometry.write_text(photometry.read_text() + "name,1,2,3,4,5,6,7,8,9,10\n" * 2_000)
        assert sedsql("classify", "--model", "shape-2", photometry, "-o", path).code == 0
        content = gzip.decompress(path.read_bytes()) if ending.endswith(".gz") else path.read_bytes()
        content = content.replace(b"sed_", b"was_")
        content = gzip.compress(content) if ending.endswith(".gz") else content
        content = content[: len(content) * 2 // 3 - 5]
    path.write_bytes(content)
    ran = sedsql("classify", "--model", "shape-2", path, "-o", out)
    assert refused(ran)
    assert path.name in ran.err or "no column for" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not out.exists()


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "command",
    [
        ("classify", "{pipe}", "-o", "{out}"),
        ("mirror", "import", "{out}", "{pipe}", "--as", "mine.t"),
        ("evaluate", "{pipe}", "--label", "class"),
        ("train", "{pipe}", "--label", "class", "-o", "{out}"),
    ],
)
def test_a_pipe_is_refused_and_not_waited_for(sedsql, tmp_path, command):
    """No process writes to the pipe, so opening it would wait for ever."""
    os.mkfifo(tmp_path / "in.csv")
    words = [word.format(pipe=tmp_path / "in.csv", out=tmp_path / "out.csv") for word in command]
    ran = sedsql(*words)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "is a pipe or a device" in ran.err
    assert os.listdir(tmp_path) == ["in.csv"]


def test_python_runs_the_command():
    ran = subprocess.run([sys.executable, "-m", "sedsql", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"sedsql {version('sedsql')}, DuckDB ")
