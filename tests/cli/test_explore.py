"""`sedsql explore` as a user sees it."""

import re
import shlex
import signal
import socket
import time

import pytest
import requests
from running_command import running

pytestmark = pytest.mark.slow


def showing(folder, *arguments, **environment):
    """A running `sedsql explore`."""
    return running(["explore", *arguments], r"is shown at (\S+);", folder, TMPDIR=str(folder), **environment)


def about(url, **more):
    for _ in range(100):
        try:
            return requests.get(f"{url}explore/about", headers={"X-Sedsql": "explore", **more}, timeout=60)
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("nobody answers")


def test_a_page_is_shown_at_the_next_free_port_and_ends_cleanly(sky, tmp_path):
    opened = tmp_path / "opened.txt"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {shlex.quote(str(opened))}\n')
    script.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with showing(tmp_path, sky, "--port", port, BROWSER=f"{script} %s") as (url, process, out):
            assert re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", url)
            assert port < int(url.split(":")[-1].rstrip("/")) < port + 50
            assert about(url).json()["mirror"] == "sky"
            assert about(url, Host="evil.example").status_code == 403
            session = requests.post(f"{url}explore/sessions", headers={"X-Sedsql": "explore"}, timeout=60)
            assert session.status_code == 201
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert opened.read_text() == f"{url}\n"
    assert out.read_text().splitlines() == [f"{sky} is shown at {url}; Ctrl-C ends it", "The page has ended"]
    assert not list(tmp_path.glob("sedsql-explore-*"))


def test_others_are_warned_of_and_no_browser_opens(sky, tmp_path):
    opened = tmp_path / "opened.txt"
    options = ["--port", 0, "--no-browser", "--host", "0.0.0.0", "--base-path", "/datalabs/7"]
    with showing(tmp_path, sky, *options, BROWSER=f"touch {opened} ; true %s") as (url, _, out):
        port = url.split(":")[-1].rstrip("/")
        assert about(f"http://127.0.0.1:{port}/datalabs/7/", Host="datalabs.example").status_code == 200
        assert "Warning: other machines can reach 0.0.0.0" in out.read_text()
    assert not opened.exists()


def test_mistakes_are_told_in_one_sentence(sedsql, sky, tmp_path):
    for arguments, said in [
        ([tmp_path / "no"], "does not exist"),
        ([sky, "--host", "no.invalid"], "There is no host 'no.invalid'"),
        ([sky, "--frame", "javascript:alert(1)"], "--frame is an origin such as https://example.org"),
        ([sky, "--training", tmp_path / "none.csv"], "none.csv"),
    ]:
        ran = sedsql("explore", *arguments, "--no-browser", "--port", 0)
        assert ran.code == 1
        assert ran.err.startswith("Error: ")
        assert said in ran.err
        assert ran.err.count("\n") == 1
