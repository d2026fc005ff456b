"""Ctrl-C and a notebook's stop button end a query at once, a bar is shown, and the connection is as it was."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from jupyter_client.manager import start_new_kernel

LONG = "SELECT sum(sqrt(a.range + b.range)) FROM range(10000000) AS a, range(100000) AS b"
OF_MODELS = (
    "SELECT sum(sed_proba(s, 'yso')) FROM (SELECT s.* REPLACE (s.phot_g_mean_mag + r.range * 1e-7 AS phot_g_mean_mag) "
    "FROM sed.photometry AS s, range(100000) AS r) AS s"
)
PROGRAM = """
import sys, sedsql
mirror, engine, form, query = sys.argv[1:]
con = sedsql.connect(mirror, engine=engine)
if form == "pl":
    import polars
cursor = con.sql(query)
print("asking", flush=True)
try:
    found = getattr(cursor, form)()
    print("found", found.read_all() if form == "batches" else found)
except KeyboardInterrupt:
    print("stopped,", con.sql("SELECT count(*) FROM gaiadr3.gaia_source").fetchone())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "form", "query"),
    [
        ("native", "fetchall", LONG),
        ("native", "arrow", OF_MODELS),
        ("native", "pl", LONG),
        ("onnx", "df", OF_MODELS),
    ],
)
def test_ctrl_c_ends_a_query(sky, engine, form, query):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(sky), engine, form, query]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "asking\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert out.startswith("stopped, (2000,)"), out + err
    assert process.returncode == 0, err


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
def test_a_notebook_has_a_bar_and_a_stop_button(sky, kernel):
    manager, client = kernel
    said = []

    def run(code, *, stopped=False):
        def hear(message):
            said.append((message["msg_type"], message["content"]))
            if stopped and message["msg_type"] == "display_data":
                manager.interrupt_kernel()

        reply = client.execute_interactive(textwrap.dedent(code), output_hook=hear, timeout=60)
        return reply["content"]

    assert run(f"import sedsql; con = sedsql.connect({os.fspath(sky)!r})")["status"] == "ok"
    ended = run(f"con.sql({LONG!r}).fetchall()", stopped=True)
    assert ended["ename"] == "KeyboardInterrupt"
    shown = [content["data"] for kind, content in said if kind == "display_data"]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown)
    assert run("print(con.sql('SELECT count(*) FROM gaiadr3.gaia_source').fetchone())")["status"] == "ok"
    assert any("(2000,)" in content.get("text", "") for _, content in said)
