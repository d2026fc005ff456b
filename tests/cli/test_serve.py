"""`sedsql serve` as whoever runs a service sees it."""

import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest
import requests
from running_command import COMMAND, running

pytestmark = pytest.mark.slow
COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"


def serving(folder, *arguments):
    """A running `sedsql serve`."""
    command = ["serve", *arguments, "--port", 0, "--spool", folder / "spool"]
    return running(command, r"is served at (\S+);", folder)


def ask(url, **more):
    for _ in range(100):
        try:
            return requests.get(f"{url}/sync", {"LANG": "ADQL", "FORMAT": "csv", "QUERY": COUNT}, timeout=60, **more)
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("nobody answers")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_service_tells_each_request_and_ends_cleanly(sky, tmp_path, how):
    with serving(tmp_path, sky, "--spool-gb", 0.001) as (url, process, out):
        refused = requests.post(f"{url}/async", {"QUERY": "x" * 1_100_000}, timeout=60)
        assert (refused.status_code, "and 1.02 MB at most; delete jobs" in refused.text) == (507, True), refused.text
        assert ask(url).text.split() == ["n", "2000"]
        session = url.replace("/tap", "/explore/sessions/hidden/rows")
        assert requests.post(session, headers={"X-Sedsql": "explore"}, timeout=60).status_code == 404
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard or soft >= 1 << 16
        requests.get(f"{url}/secret%0Aline?QUERY=hidden", timeout=60)
        process.send_signal(how)
        assert process.wait(30) == 0
    lines = out.read_text().splitlines()
    assert lines[0] == f"{sky} is served at {url}; Ctrl-C ends it"
    assert lines[1] == f"A page in the browser explores it: {url.removesuffix('tap')}"
    assert re.fullmatch(r"[\d-]+T[\d:]+Z 127.0.0.1 - GET /tap/sync 200 7 bytes, [\d.]+ s", lines[-4]), lines
    assert " POST /explore/sessions/-/rows 404 " in lines[-3]
    assert " GET /tap/secret%0Aline 404 " in lines[-2]
    assert lines[-1] == "The service has ended"
    assert "hidden" not in out.read_text()


def test_a_service_for_others_warns(sky, tmp_path):
    with serving(tmp_path, sky, "--host", "0.0.0.0") as (_, _, out):
        assert "Warning: other machines can reach 0.0.0.0, and may ask without a login" in out.read_text()


def test_mistakes_are_told_in_one_sentence(sedsql, sky, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = sedsql("serve", sky, "--port", port, "--spool", tmp_path / "spool")
    assert ran.code == 1
    words = f"Port {port} of 127.0.0.1 is taken; choose another one with --port, such as --port {port + 1}."
    assert ran.err == f"Error: {words}\n"
    assert "does not exist" in sedsql("serve", tmp_path / "no", "--port", 0, "--spool", tmp_path / "spool").err
    assert "There is no host 'no.invalid'" in sedsql("serve", sky, "--host", "no.invalid").err
    assert "a mirror is missing" in sedsql("serve").err
    assert "--add-user needs --auth FILE" in sedsql("serve", "--add-user", "anna").err
    missing = sedsql("serve", sky, "--port", 0, "--auth", tmp_path / "none.txt", "--spool", tmp_path / "spool")
    assert "none.txt cannot be read" in missing.err
    (tmp_path / "file").write_text("")
    assert "cannot be written" in sedsql("serve", sky, "--port", 0, "--spool", tmp_path / "file" / "spool").err


def test_without_the_extra_it_is_told_what_to_install(sky, tmp_path):
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError('No module named uvicorn', name='uvicorn')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [*COMMAND, "serve", str(sky)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (
        1,
        "Error: `sedsql serve` needs uvicorn; install it with: pip install 'sedsql[serve]'\n",
    )


def test_a_user_is_added_and_asks(sky, tmp_path):
    file = tmp_path / "users.txt"
    added = subprocess.run(
        [*COMMAND, "serve", "--auth", str(file), "--add-user", "anna"],
        input="correct horse\ncorrect horse\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert added.returncode == 0, added.stderr
    token = added.stdout.split()[-1]
    with serving(tmp_path, sky, "--auth", file) as (url, _, out):
        assert ask(url).status_code == 401
        assert ask(url, auth=("anna", "correct horse")).text.split() == ["n", "2000"]
        assert ask(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert " anna GET /tap/sync 200 " in out.read_text()
