"""`sedsql query` writes what other programs read: in a pipe, to a file, in each format."""

import csv
import io
import json
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from refusal import refused
from test_terminal import in_terminal

COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]
QUERY = "SELECT source_id, ra, parallax, designation FROM gaiadr3.gaia_source ORDER BY source_id"


@pytest.fixture(scope="module")
def expected(sky):
    with duckdb.connect() as con:
        query = f"SELECT source_id, ra, parallax, designation FROM '{sky}/gaiadr3/gaia_source/**/*.parquet' ORDER BY 1"
        return con.execute(query).fetchall()


def rows_of(text, delimiter=","):
    header, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    assert header == ["source_id", "ra", "parallax", "designation"]
    return [(int(i), float(ra), float(p) if p else None, name) for i, ra, p, name in rows]


@pytest.mark.parametrize("options", [[], ["--csv"], ["--format", "CSV"], ["-o", "-"], ["-o", "-", "--csv"]])
def test_a_pipe_gets_all_rows_as_csv(sedsql, sky, expected, options):
    ran = sedsql("query", QUERY, "-m", sky, *options)
    assert (ran.code, ran.err) == (0, "")
    assert rows_of(ran.out) == expected
    assert len(expected) == 2_000


def test_tsv_and_json(sedsql, sky, expected):
    assert rows_of(sedsql("query", QUERY, "-m", sky, "--format", "tsv").out, "\t") == expected
    for options in (["--json"], ["--format", "json"], ["-o", "-", "--json"]):
        found = json.loads(sedsql("query", QUERY, "-m", sky, *options).out)
        assert [tuple(row.values()) for row in found] == expected


@pytest.mark.parametrize("format", ["votable", "parquet", "arrow", "fits", "ecsv"])
def test_every_format_on_standard_output_and_under_any_name(sky, expected, tmp_path, format):
    for options in (["--format", format], ["--format", format, "-o", str(tmp_path / "answer.dat")]):
        done = subprocess.run([*COMMAND, "query", QUERY, "-m", str(sky), *options], capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        content = (tmp_path / "answer.dat").read_bytes() if "-o" in options else done.stdout
        if format == "arrow":
            # A file has the file format, and a pipe the stream format.
            opened = pa.ipc.open_file if "-o" in options else pa.ipc.open_stream
            assert opened(content).read_all()["source_id"].to_pylist() == [row[0] for row in expected]
        elif format == "parquet":
            found = pq.read_table(io.BytesIO(content)).to_pydict()
            assert found["source_id"] == [row[0] for row in expected]
        else:
            table = Table.read(io.BytesIO(content), format="ascii.ecsv" if format == "ecsv" else format)
            assert table["source_id"].tolist() == [row[0] for row in expected]
            assert str(table["ra"].unit) == "deg"
    assert [path.name for path in tmp_path.iterdir()] == ["answer.dat"]


BIG = "SELECT i, i * 0.5 AS x, 'star ' || i AS word FROM range({}) AS r(i)"
MEASURED = "import atexit, resource as r; atexit.register(lambda: print(r.getrusage(r.RUSAGE_SELF).ru_maxrss)); "


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["vot", "fits", "parquet", "json"])
def test_ten_times_the_rows_take_no_more_memory(tmp_path, ending):
    def kilobytes(rows):
        command = [sys.executable, "-c", MEASURED + COMMAND[-1], "query", "--sql", BIG.format(rows), "--force", "-o"]
        done = subprocess.run([*command, str(tmp_path / f"a.{ending}")], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1])

    assert kilobytes(1_000_000) - kilobytes(100_000) < 60_000


def test_a_terminal_shows_a_table_and_csv_when_told(sky):
    code, shown = in_terminal(["query", "SELECT TOP 50 source_id, ra FROM gaiadr3.gaia_source", "-m", sky])
    assert code == 0
    assert "more than 40 rows" in shown
    assert "," not in shown.splitlines()[0]
    code, shown = in_terminal(["query", "SELECT TOP 50 source_id, ra FROM gaiadr3.gaia_source", "-m", sky, "--csv"])
    assert (shown.splitlines()[0].strip(), len(shown.splitlines())) == ("source_id,ra", 51)
    code, shown = in_terminal(["query", QUERY, "-m", sky, "--format", "fits"])
    assert code == 2
    assert "is binary" in shown


def test_a_summary_in_json(sedsql, sky, tmp_path):
    ran = sedsql("query", QUERY, "-m", sky, "-o", tmp_path / "a.parquet", "--json")
    assert json.loads(ran.out) == {"output": str(tmp_path / "a.parquet"), "rows": 2_000}
    assert pq.read_metadata(tmp_path / "a.parquet").num_rows == 2_000
    sedsql("query", QUERY, "-m", sky, "-o", tmp_path / "a.json")
    assert len(json.loads((tmp_path / "a.json").read_text())) == 2_000


def test_formats_that_are_none(sedsql, sky, tmp_path):
    ran = sedsql("query", QUERY, "-m", sky, "--format", "cvs")
    assert ran.code == 2
    assert "did you mean csv" in " ".join(ran.err.split())
    assert sedsql("query", QUERY, "-m", sky, "--csv", "--json").code == 2
    assert sedsql("query", QUERY, "-m", sky, "--plot", "sky", "-o", "-").code == 2
    assert refused(sedsql("query", QUERY, "-m", sky, "-o", tmp_path / "a.doc"), ".parquet")


def test_uploads(sedsql, sky, expected, tmp_path):
    Table({"source_id": [row[0] for row in expected[:7]], "name": list("abcdefg")}).write(tmp_path / "mine.fits")
    Table({"name": ["b", "c"]}).write(tmp_path / "few.csv")
    query = "SELECT f.name, g.ra FROM TAP_UPLOAD.few AS f JOIN TAP_UPLOAD.mine AS m ON m.name = f.name "
    query += "JOIN gaiadr3.gaia_source AS g ON g.source_id = m.source_id ORDER BY f.name"
    uploads = ["--upload", f"mine={tmp_path / 'mine.fits'}", "--upload", f"few={tmp_path / 'few.csv'}"]
    found = json.loads(sedsql("query", query, "-m", sky, *uploads, "--json").out)
    assert found == [{"name": "b", "ra": expected[1][1]}, {"name": "c", "ra": expected[2][1]}]
    # An upload alone needs no mirror.
    ran = sedsql("query", "SELECT COUNT(*) AS n FROM TAP_UPLOAD.few", *uploads[2:])
    assert ran.out == "n\n2\n"
    assert refused(sedsql("query", query, "-m", sky, "--upload", f"few={tmp_path / 'no.csv'}"), "no.csv")
    assert sedsql("query", query, "-m", sky, "--upload", "few").code == 2
    assert refused(sedsql("query", query, "-m", sky, "--upload", f"a-b={tmp_path / 'few.csv'}"), "'a-b'", "letter")


def test_a_query_at_a_file_and_home(sedsql, sky, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "many.txt").write_text("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source")
    (tmp_path / "one.sql").write_text("SELECT 1 AS one")
    (tmp_path / "sky").symlink_to(sky)
    assert sedsql("query", f"@{tmp_path / 'many.txt'}", "-m", "~/sky").out == "n\n2000\n"
    assert sedsql("query", "@~/one.sql", "-o", "~/one.csv").code == 0
    assert (tmp_path / "one.csv").read_text() == "one\n1\n"
    ran = sedsql("query", "SELECT SUM(one) AS s FROM TAP_UPLOAD.a", "--upload", "a=~/one.csv")
    assert ran.out == "s\n1\n"
    monkeypatch.setenv("SEDSQL_MIRROR", "~/sky")
    assert sedsql("query", "@~/many.txt").out == "n\n2000\n"
    assert refused(sedsql("query", "@~/nowhere.adql"), "nowhere.adql: No such file")
