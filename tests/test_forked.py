"""A process that was forked after a connection was used: one sentence, or a connection of its own; never a hang.

Each test is a process of its own, which forks, as one that hangs is to be killed.
"""

import os
import subprocess
import sys

import pytest

from sedsql import native

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

ENGINES = [pytest.param("native", marks=pytest.mark.skipif(not native.path(), reason="no C extension")), "onnx"]
SECONDS = 60
REFUSED = (
    "InterfaceError: The connection is of the process that this one was forked from; open a new one in this process"
)

BEFORE = """
import multiprocessing, os, sys, traceback
import duckdb, numpy as np
import sedsql
from sedsql.inference.model import find_models
from sedsql.inference.session import Session

ENGINE = sys.argv[1]
ROWS = 20_000
QUERY = (
    "SELECT count(sed_class(12 + i % 7, 12.6, 11.4, 10.4, NULL, 9.8, 9.6, 9.5, 9.1, 8.0, 'lite-2')) AS n "
    f"FROM range({ROWS}) AS t(i)"
)

def own():
    con = duckdb.connect(config={"allow_unsigned_extensions": True, "threads": 2})
    con.execute("SET enable_progress_bar = false")
    sedsql.register(con, engine=ENGINE)
    return con

def opened():
    return sedsql.connect(engine=ENGINE, lang="sql")

def in_child(work):
    sys.stdout.flush()
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        print("status", status)
        return
    try:
        print(work())
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
    sys.exit()  # all is let go of, as at the end of any process
"""


def run(script, engine):
    """What a script prints, line by line."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BEFORE + script, engine]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_parents_connection_is_refused_and_a_new_one_answers(engine):
    script = """
con, cursor, running = opened(), opened().cursor(), opened().execute("SELECT i FROM range(9) AS t(i)")
assert con.execute(QUERY).fetchall() == cursor.execute(QUERY).fetchall() == [(ROWS,)]
running.fetchone()
in_child(lambda: con.execute(QUERY).fetchall())
in_child(lambda: con.cursor())
in_child(lambda: con.upload("t", "nothing.csv"))
in_child(lambda: cursor.execute(QUERY))
in_child(lambda: running.fetchall())
in_child(lambda: running.arrow())
in_child(lambda: next(iter(running)))
def renewed():
    global con, cursor, running
    con.close(), cursor.close()
    con = cursor = running = None
    with opened() as new:
        return new.execute(QUERY).fetchall() + new.cursor().execute(QUERY).fetchall()
in_child(renewed)
print(con.execute(QUERY).fetchall(), running.fetchall())
"""
    *refused, answer, status, parents = run(script, engine)
    assert len(refused) == 14
    assert set(refused[1::2]) == {"status 0"}
    assert all(line.startswith(REFUSED) and line.endswith("with sedsql.connect().") for line in refused[::2])
    assert (answer, status) == ("[(20000,), (20000,)]", "status 0")
    assert parents == f"[(20000,)] {[(k,) for k in range(1, 9)]}"


@pytest.mark.parametrize("engine", ENGINES)
def test_workers_of_multiprocessing_open_connections_of_their_own(engine):
    script = """
con, users = opened(), own()
assert con.execute(QUERY).fetchall() == users.execute(QUERY).fetchall()
def work(number):
    return (opened() if number % 2 else own()).execute(QUERY).fetchall()[0][0]
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(work, range(6)))
"""
    assert run(script, engine) == [str([20_000] * 6)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fork_while_threads_ask(engine):
    """Locks that other threads have at that moment are not waited for."""
    script = """
import threading
done = threading.Event()
def ask():
    con = own()
    while not done.is_set():
        con.execute(QUERY).fetchall()
asking = threading.Thread(target=ask)
asking.start()
for _ in range(2):
    in_child(lambda: own().execute(QUERY).fetchall())
done.set()
asking.join()
"""
    assert run(script, engine) == ["[(20000,)]", "status 0"] * 2


def test_onnx_runtime_in_a_users_own_connection_of_the_parent_is_refused():
    script = """
con = own()
con.execute(QUERY).fetchall()
in_child(lambda: con.execute(QUERY).fetchall())
os._exit(0)
"""
    assert any(REFUSED in line for line in run(script, "onnx"))


def test_a_session_is_loaded_again():
    script = """
session = Session(find_models()["lite-2"], threads=2)
rows = np.random.default_rng(1).normal(12, 1, (40_000, 10)).astype(np.float32)
told = session.predict(rows).class_index
in_child(lambda: (session.predict(rows).class_index == told).all())
print((session.predict(rows).class_index == told).all())
"""
    assert run(script, "onnx") == ["True", "status 0", "True"]
