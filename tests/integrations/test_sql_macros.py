"""Models as plain SQL in files: any client of DuckDB that opens the file has their functions."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from sedsql import connect
from sedsql.inference import answers
from sedsql.inference.model import find_models
from sedsql.inference.session import Session
from sedsql.integrations.duckdb_shell import find_shell
from sedsql.integrations.sql_macros import macro_script, write_database
from sedsql.photometry.bands import COLUMNS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.agreement import awkward  # noqa: E402

NODE, NODE_MODULES = shutil.which("node"), ROOT / ".venv" / "clients"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database with the macros and a table of sources, and the labels that ONNX Runtime gives them."""
    path = tmp_path_factory.mktemp("plain") / "sed.duckdb"
    write_database(path, macro_script(["lite-2"]))
    lite = find_models()["lite-2"]
    rows = awkward(lite, 400, seed=4)[:, : len(COLUMNS)]
    rows[np.isinf(rows)] = np.nan
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{path}' AS file")
        con.register("m", pa.table({name: pa.array(rows[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)}))
        con.execute("CREATE TABLE file.sources AS SELECT row_number() OVER () AS row, * FROM m")
    return path, answers.labels(lite, Session(lite).predict(rows)).to_pylist()


ASKED = "SELECT sed_class(s) AS label FROM sources AS s ORDER BY row"


def test_the_duckdb_shell_has_the_functions_of_a_file(database):
    path, labels = database
    command = [find_shell(), "-csv", "-nullvalue", "NULL", path, ASKED]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [row[0] for row in csv.reader(done.stdout.splitlines())][1:]
    assert found == [label or "NULL" for label in labels]


@pytest.mark.clients
@pytest.mark.parametrize("client", ["node_api.cjs", "wasm.cjs"])
def test_clients_in_javascript_have_them(database, client):
    path, labels = database
    command = [NODE, ROOT / "tests" / "clients" / client, NODE_MODULES, path, ASKED]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [row[0] for row in json.loads(done.stdout)] == labels


def test_a_mirror_has_them_and_connect_still_its_own(sky, sedsql, tmp_path):
    mirror = tmp_path / "sky"
    shutil.copytree(sky, mirror)
    ran = sedsql("models", "export", "lite-2", "--sql", "--mirror", mirror)
    assert ran.code == 0, ran.err
    # What adds to a mirror writes the file again, and leaves the macros there.
    table = tmp_path / "names.csv"
    table.write_text("source_id,name\n1,first\n")
    assert sedsql("mirror", "import", mirror, table, "--as", "own.names").code == 0
    asked = "SELECT sed_class(s) AS label, count(*) FROM sed.photometry AS s GROUP BY 1 ORDER BY 1"
    shell = [str(find_shell()), "-csv", "-nullvalue", "NULL", "mirror.duckdb"]
    done = subprocess.run([*shell, asked], capture_output=True, text=True, cwd=mirror)
    assert done.returncode == 0, done.stderr
    found = dict(list(csv.reader(done.stdout.splitlines()))[1:])
    with connect(mirror) as con:
        expected = con.execute(asked.replace("(s)", "(s, 'lite-2')"), lang="sql").fetchall()
        assert found == {label or "NULL": str(count) for label, count in expected}
        assert con.execute("SELECT sed_engine()", lang="sql").fetchone() != ("sql",)
        found = con.execute("SELECT sed_predict(s) FROM sed.photometry AS s LIMIT 3", lang="sql").fetchall()
        assert {row[0]["model"] for row in found} == {"shape-2"}


def test_files_of_the_command(sedsql, tmp_path):
    script, database = tmp_path / "lite.sql", tmp_path / "own.duckdb"
    assert sedsql("models", "export", "lite-2", "--sql", "-o", script).code == 0
    assert script.read_text() == macro_script(["lite-2"])
    ran = sedsql("models", "export", "lite-2", "--sql", "-o", script)
    assert ran.code == 1
    assert "exists already" in ran.err
    with duckdb.connect(str(database)) as con:
        con.execute("CREATE TABLE kept AS SELECT 7 AS x")
    ran = sedsql("models", "export", "lite-2", "--sql", "-o", database, "--json")
    assert json.loads(ran.out)["models"] == ["lite-2"]
    asked = "SELECT x, sed_engine(), sed_stage(9.8, 8.9, 8.1, 7.4, 6.5, 5.8, 4.1, 3.3, 1.9, 0.1) FROM kept"
    with duckdb.connect(str(database), read_only=True) as con:
        assert con.execute(asked).fetchall() == [(7, "sql", "II")]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope", "--sql"], "No model 'nope'; there are lite-2"),
        (["lite-2"], "say --sql"),
        (["lite-2", "--sql", "-o", "a.sql", "-m", "b"], "a file with -o, or a mirror with -m"),
        (["lite-2", "--sql", "-m", "nowhere"], "nowhere does not exist"),
        (["lite-2", "--sql", "-o", "text.duckdb"], "Macros cannot be written into text.duckdb"),
    ],
)
def test_what_the_command_refuses(sedsql, tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.duckdb").write_text("no database")
    ran = sedsql("models", "export", *arguments)
    assert ran.code
    assert says in " ".join(ran.err.replace("│", " ").split())
    assert (tmp_path / "text.duckdb").read_text() == "no database"


def test_models_lists_as_before(sedsql):
    listed = json.loads(sedsql("models", "--json").out)
    assert {"lite-2", "luminosity-2", "shape-2"} <= set(listed)
