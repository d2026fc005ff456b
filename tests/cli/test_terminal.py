"""Test how the command looks on a terminal and in a pipe, and how it ends when it is interrupted."""

import os
import pty
import re
import signal
import subprocess
import sys
import time

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from sedsql.cli.render import print_rows
from sedsql.photometry.bands import COLUMNS

COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]
CLASSES = "SELECT TOP 5 source_id, sed_class(s) AS class FROM sed.photometry AS s"


LEARN = ["train", "evaluate", "explain", "models", "models prior", "compare", "simulate", "census"]
MIRROR = [
    f"mirror {name}"
    for name in ("add", "sed", "import", "resume", "verify", "repair", "compact", "info", "rules", "sample", "regions")
]


def test_every_help_page_fits_80_columns_and_has_an_example(sedsql, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in ["query", "translate", "match", "send", "classify", *LEARN, *MIRROR, "shell", "demo"]:
        ran = sedsql(*command.split(), "--help")
        assert ran.code == 0
        assert f"Example: sedsql {command}" in " ".join(ran.out.split())
        assert max(map(len, ran.out.splitlines())) <= 80
    assert sedsql("--help").code == 0
    assert re.fullmatch(r"sedsql \S+, DuckDB \S+\n", sedsql("--version").out)


def test_every_command_that_prints_has_json(sedsql):
    """All but the shell, whose own options do that, and the demonstration."""
    for command in ["query", "translate", "match", "send", "classify", *LEARN, *MIRROR, "bench"]:
        words = " ".join(sedsql(*command.split(), "--help").out.split())
        assert "--json" in words, command


def test_rows_in_a_pipe_are_lines_with_numbers_whole_and_to_the_right(capsys):
    names = ["source_id", "g", "[name]", "flag", "p"]
    long = "a long description " * 20
    print_rows(names, [(2**63 - 1, 12.3456785202, "[bold]x", True, {"a": 0.1}), (5, None, long, None, None)])
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == names
    assert first.split() == ["9223372036854775807", "12.34567852", "[bold]x", "true", "{a:", "0.1}"]
    assert second.startswith("                  5         NULL  a long description a long")
    assert long.strip() in second


def in_terminal(arguments, columns=80, send=None):
    """Run the command on a terminal of that width; return its exit code and what it shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["COLUMNS"], os.environ["TERM"] = str(columns), "xterm"
        os.execv(COMMAND[0], [*COMMAND, *map(str, arguments)])
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:
            break
        if not part:
            break
        shown += part
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


@pytest.fixture(scope="module")
def long_table(tmp_path_factory):
    """Write a table that takes a second or two to classify."""
    path = tmp_path_factory.mktemp("long") / "long.parquet"
    with duckdb.connect() as con:
        bands = ", ".join(f"(10 + (i * {k + 3}) % 97 / 13)::FLOAT AS {band}" for k, band in enumerate(COLUMNS))
        con.execute(f"COPY (SELECT i AS source_id, {bands} FROM range(1500000) t(i)) TO '{path}'")
    return path


def test_a_bar_on_a_terminal_and_none_in_a_pipe(long_table, photometry, tmp_path):
    code, shown = in_terminal(["classify", "--model", "shape-2", long_table, "-o", tmp_path / "a.parquet"])
    assert code == 0
    assert "classifying" in shown
    assert "rows, " in shown
    done = subprocess.run(
        [*COMMAND, "classify", "--model", "shape-2", photometry, "-o", tmp_path / "b.parquet"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "classifying" not in done.stdout
    assert "\x1b" not in done.stdout


def test_evaluate_has_a_bar_of_its_steps(tmp_path):
    with duckdb.connect() as con:
        bands = ", ".join(f"(10 + i % 7 + {k / 10})::FLOAT AS {band}" for k, band in enumerate(COLUMNS))
        con.execute(f"COPY (SELECT 'giant' AS class, {bands} FROM range(500) t(i)) TO '{tmp_path}/giants.parquet'")
    code, shown = in_terminal(["evaluate", tmp_path / "giants.parquet", "--label", "class"])
    assert code == 0
    assert "evaluating" in shown
    assert "F1" in shown


def test_a_row_too_wide_for_a_terminal_is_shown_a_line_a_column(sky):
    code, shown = in_terminal(["query", "SELECT TOP 1 * FROM sed.photometry ORDER BY source_id", "-m", sky])
    assert code == 0
    assert re.search(r"^source_id +\d+\r?$", shown, re.MULTILINE)
    assert re.search(r"^w4mpro_error +\S+\r?$", shown, re.MULTILINE)
    code, shown = in_terminal(
        ["query", "SELECT TOP 1 source_id, ra, sed_predict(s) FROM sed.photometry AS s", "-m", sky]
    )
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 80


@pytest.mark.parametrize(
    "number, code, delay", [(signal.SIGINT, 130, 0), (signal.SIGINT, 130, 0.15), (signal.SIGTERM, 143, 0.5)]
)
def test_an_interrupt_leaves_nothing_half_written(long_table, tmp_path, number, code, delay):
    out = tmp_path / "out.parquet"
    with started("classify", "--model", "shape-2", long_table, "-o", out) as process:
        deadline = time.monotonic() + 20
        while not any(name.startswith(".partial") for name in os.listdir(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(delay)
        process.send_signal(number)
        shown, told = process.communicate(timeout=20)
    assert process.returncode == code
    assert shown == ""
    assert told.splitlines() == ["Interrupted; nothing was left half-written."]
    assert os.listdir(tmp_path) == []


def test_a_query_interrupted_in_a_hurry_ends_once():
    hours = "SELECT sum(sin(i)) FROM range(1000000000000) t(i)"
    terminal, stderr = pty.openpty()
    with started("query", "--sql", hours, stderr=stderr) as process:
        os.close(stderr)
        told = b""
        while b"query" not in told:
            told += os.read(terminal, 65_536)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        shown, _ = process.communicate(timeout=20)
    told += os.read(terminal, 65_536)
    os.close(terminal)
    assert (process.returncode, shown) == (130, "")
    assert b"Traceback" not in told
    assert told.rstrip().endswith(b"Interrupted; nothing was left half-written.")


def started(*arguments, stderr=subprocess.PIPE):
    """Start the command in a process that Ctrl-C can end, as in a shell."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize(
    "arguments", [["models"], ["query", CLASSES], ["query", CLASSES, "--json"], ["query", "SELECT x"]]
)
def test_nothing_on_standard_error_but_the_error(sky, arguments):
    more = ["-m", str(sky)] if arguments[0] == "query" else []
    done = subprocess.run([*COMMAND, *arguments, *more], capture_output=True, text=True)
    if done.returncode:
        assert done.stderr.startswith("Error: ")
    else:
        assert done.stderr == ""
    assert "nanobind" not in done.stderr


def test_a_closed_pipe_is_no_error(sky):
    command = " ".join(["sedsql", "query", "'SELECT * FROM sed.photometry'", "-m", str(sky), "--json", "| head -c 20"])
    command = command.replace("sedsql", f"{sys.executable} -c 'from sedsql.cli.main import main; main()'", 1)
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert len(done.stdout) == 20
    assert done.stderr == ""


@pytest.mark.thorough
def test_demo_makes_everything_that_it_says(sedsql, tmp_path, photometry):
    ran = sedsql("demo", tmp_path / "demo", "--rows", 3000, "--catalogue", photometry)
    assert (ran.code, ran.err) == (0, "")
    assert (tmp_path / "demo" / "seds.png").read_bytes().startswith(b"\x89PNG")
    assert pq.read_metadata(tmp_path / "demo" / "in-classified.parquet").num_rows == 3
    assert "simulated" in ran.out
    again = sedsql("demo", tmp_path / "demo", "--rows", 3000)
    assert again.code == 0
    assert "already" in again.out
    # The table of simulated sources is as a user's; nearly all main-sequence stars and giants are found.
    found = pq.read_table(tmp_path / "demo" / "sources-classified.parquet").to_pydict()
    assert len(found["class"]) > 300
    assert np.mean([one == other for one, other in zip(found["class"], found["sed_class"], strict=True)]) > 0.5
    missing = sedsql("demo", tmp_path / "other", "--catalogue", tmp_path / "none.csv")
    assert missing.code == 1
    assert f"There is no table {tmp_path / 'none.csv'}" in missing.err
    assert not (tmp_path / "other").exists()
