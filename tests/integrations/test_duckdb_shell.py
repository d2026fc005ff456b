"""The DuckDB shell, opened on a mirror or told by hand, answers as Python does."""

import contextlib
import csv
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

import sedsql
from sedsql import native
from sedsql.integrations.duckdb_shell import ShellError, find_shell, shell_lines

COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]
CONE = """SELECT source_id, ra FROM gaiadr3.gaia_source
          WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(266, -29, 30)) AND phot_g_mean_mag < 18"""

pytestmark = pytest.mark.skipif(native.path() is None, reason=str(native.why_not()))


def run(*command, text="", cwd=None, env=None):
    """Status, standard output and standard error of a command that is given `text`."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run([*map(str, command)], input=text, capture_output=True, text=True, cwd=cwd, env=environment)
    return done.returncode, done.stdout, done.stderr


def shell(mirror, *arguments, text=""):
    """The rows that `sedsql shell` prints as CSV."""
    code, out, err = run(*COMMAND, "shell", mirror, *arguments, "--", "-csv", text=text)
    assert code == 0, err
    return list(csv.reader(out.splitlines()))[1:]


def python_rows(mirror, query, lang="adql"):
    with sedsql.connect(mirror) as con:
        return sorted([str(value) for value in row] for row in con.execute(query, lang=lang).fetchall())


def test_one_statement(sky):
    asked = "SELECT coalesce(sed_stage(s), '') AS stage, count(*) FROM sed.photometry AS s GROUP BY 1"
    rows = shell(sky, "-c", asked)
    assert len(rows) > 2
    assert sorted(rows) == python_rows(sky, asked, "sql")


def test_the_page_makes_tables_of_ones_own(sky, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "shell.md"
    (made,) = re.findall(r"```sql\n(CREATE TEMP TABLE.+?)```", page.read_text(), re.DOTALL)
    rows = shell(sky, text=made + "SELECT count(*) FROM 'young.parquet' UNION ALL SELECT count(*) FROM memory.near;")
    counts = ("sed.classified WHERE class = 'yso'", "gaiadr3.gaia_source WHERE parallax > 10")
    expected = [python_rows(sky, f"SELECT COUNT(*) AS n FROM {what}")[0] for what in counts]
    assert int(expected[0][0]) > 0
    assert rows[-2:] == expected
    code, _, err = run(*COMMAND, "shell", sky, "-c", "CREATE TABLE young AS SELECT 1 AS a")
    assert code
    assert "read-only" in err


def test_translated_adql_is_piped_in(sky):
    code, sql, err = run(*COMMAND, "translate", "-m", sky, "-", text=CONE)
    assert code == 0, err
    rows = shell(sky, text=sql)
    assert len(rows) > 5
    assert sorted(rows) == python_rows(sky, CONE)


def test_adql_is_a_table_in_sql(sky):
    rows = shell(sky, "-c", f"SELECT source_id, ra FROM adql($${CONE}$$) WHERE ra > 260")
    assert rows
    assert sorted(rows) == [row for row in python_rows(sky, CONE) if float(row[1]) > 260]


@pytest.mark.parametrize(
    "query, said",
    [
        ("SELECT raa FROM gaiadr3.gaia_source", "There is no column 'raa' (line 1, column 8): did you mean ra?"),
        ("SELECT", "line 1"),
        ("", "Error"),
    ],
)
def test_wrong_adql_is_told_as_everywhere_and_the_shell_goes_on(sky, query, said):
    code, out, err = run(*COMMAND, "shell", sky, text=f"FROM adql('{query}');\nSELECT 6 * 7 AS alive;\n")
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert "42" in out


def test_three_lines_in_a_shell_of_ones_own_give_classes(sky, tmp_path):
    mirror = tmp_path / "it's a sky"
    shutil.copytree(sky, mirror)
    clean = tmp_path / "clean"
    clean.mkdir()
    code, printed, err = run(*COMMAND, "shell", mirror, "--print")
    assert code == 0, err
    (clean / "sky.sql").write_text(printed)
    asked = "SELECT source_id, sed_class(s), round(sed_alpha(s), 9) FROM sed.photometry AS s"
    code, out, err = run(find_shell(), "-unsigned", "-csv", "-init", "sky.sql", text=f"{asked};\n", cwd=clean)
    assert (code, "Error" in err) == (0, False)
    with sedsql.connect(sky, engine="onnx") as con:
        answer = con.execute(asked, lang="sql").fetchall()
    assert len(answer) > 100
    expected = sorted([str(value if value is not None else "NULL") for value in row] for row in answer)
    assert sorted(csv.reader(out.splitlines()[1:])) == expected
    code, _, err = run(find_shell(), "-unsigned", "-init", "sky.sql", "-c", "FROM adql('SELECT 1')", cwd=clean)
    assert code == 1
    assert "open the shell with `sedsql shell MIRROR`" in err
    nowhere = {"SEDSQL_PYTHON": "/nonexistent"}
    asked = [find_shell(), "-unsigned", "-init", "sky.sql", "-c", "FROM adql('SELECT 1')"]
    assert "/nonexistent: No such file or directory" in run(*asked, cwd=clean, env=nowhere)[2]


RUNS = """
import duckdb, sys
con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
con.execute(sys.stdin.read())
print(duckdb.__version__, con.execute("SELECT sed_class(s) FROM sed.photometry AS s ORDER BY source_id").fetchall())
"""


@pytest.mark.parametrize(
    "release", [*(pytest.param(old, marks=pytest.mark.old_duckdb) for old in ("1.4", "1.5")), duckdb.__version__]
)
def test_what_is_printed_runs_in_every_supported_duckdb(sky, release):
    beside = sorted(Path(sys.prefix).glob(f"duckdb-{release}.*"))
    lines = ";\n".join(shell_lines(sky))
    code, out, err = run(sys.executable, "-c", RUNS, text=lines, env={"PYTHONPATH": str(beside[-1]) if beside else ""})
    assert code == 0, err
    version, classes = out.split(maxsplit=1)
    assert version.startswith(release), f"DuckDB {release} is not installed; `make old-duckdb` installs it"
    with sedsql.connect(sky, engine="onnx") as con:
        asked = "SELECT sed_class(s) FROM sed.photometry AS s ORDER BY source_id"
        assert classes.strip() == str(con.execute(asked, lang="sql").fetchall())


def test_without_a_mirror_magnitudes_are_given_one_by_one():
    code, out, err = run(*COMMAND, "shell", "-c", "SELECT sed_stage(9, 9, 8, 7.4, 6.5, 5.8, 4.1, 3.3, 1.9, 0.1)")
    assert code == 0, err
    assert "II" in out
    code, _, err = run(*COMMAND, "shell", "-c", "FROM adql('SELECT 1')")
    assert code == 1
    assert "ADQL needs a mirror to ask" in err


ASKED_OF_A_TERMINAL = {
    b"\x1b[c": b"\x1b[?1;2c",  # what it is
    b"\x1b[6n": b"\x1b[1;1R",  # where the cursor is
}


def test_typed_on_a_terminal_ctrl_c_stops_the_query_and_not_the_shell(sky):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(COMMAND[0], [*COMMAND, "shell", str(sky)])

    def until(wanted):
        """Read, and answer as a terminal does, until this is shown and all is quiet."""
        shown, stop = b"", time.monotonic() + 60
        while (ready := select.select([terminal], [], [], 0.3)[0]) or not re.search(wanted, shown):
            assert time.monotonic() < stop, shown
            try:
                part = os.read(terminal, 65_536) if ready else b""
            except OSError:  # the shell has ended
                return
            shown += part
            for asked, answer in ASKED_OF_A_TERMINAL.items():
                os.write(terminal, answer * part.count(asked))

    try:
        until(rb"is open, read-only(?s:.)* D ")
        os.write(terminal, b"SELECT count(*) FROM range(1000000000000) AS a WHERE sin(a.range) > 2;\r")
        until(rb"2\S*;\s*\n")
        os.write(terminal, b"\x03")
        until(rb"\^C(?s:.)* D ")
        os.write(terminal, b"SELECT 'stage ' || sed_stage(9, 9, 8, 7.4, 6.5, 5.8, 4.1, 3.3, 1.9, 0.1) AS typed;\r")
        until(rb"stage II\b(?s:.)* D ")
        os.write(terminal, b".exit\r")
        until(rb"$never")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        os.close(terminal)
    assert os.WIFEXITED(status)


def test_what_is_missing_is_said(sedsql, tmp_path, monkeypatch):
    assert "is no mirror" in sedsql("shell", tmp_path).err
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ShellError, match=r"No DuckDB shell is installed; `pip install 'sedsql\[shell\]'`"):
        find_shell()
    monkeypatch.setattr(native, "EXTENSION", tmp_path / "none")
    with pytest.raises(ShellError, match="There is no C extension of sedsql here"):
        shell_lines()


@pytest.mark.parametrize("options", [(), ("--print",)], ids=["open", "print"])
def test_an_extension_of_another_version_is_one_sentence(options):
    later = "from sedsql import native; native.INTERFACE += 1; from sedsql.cli.main import main; main()"
    code, out, err = run(sys.executable, "-c", later, "shell", *options, text="SELECT sed_class(1)")
    assert (code, out) == (1, "")
    assert " ".join(err.split()).removeprefix("Error: ") == native.OTHER_VERSION


def test_a_file_that_is_no_extension_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "sedsql.duckdb_extension").write_bytes(b"nothing" * 1000)
    monkeypatch.setattr(native, "EXTENSION", tmp_path / "sedsql.duckdb_extension")
    with pytest.raises(ShellError, match=r"^DuckDB does not load sedsql's C extension: [^\n]+$"):
        shell_lines()
