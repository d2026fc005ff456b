"""What a stranger sends on purpose: documents stay well-formed, files and workers are let go, and nobody else waits."""

import base64
import socket
import threading
import time
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests
from serving import serving

from sedsql.service import log, receive, respond
from sedsql.service.multipart import ALL_IN_MEMORY, Parts
from sedsql.service.users import SECURITY, Accounts
from sedsql.service.users.accounts import add

QUERY = "SELECT TOP 3 ra FROM gaiadr3.gaia_source"
ENDLESS = "SELECT a.ra, b.dec FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def alone(sky, folder):
    """The URL of a service of one worker, whose spool is in `folder`."""
    with serving(sky, folder) as url:
        yield url


def incoming(folder):
    return list((folder / "spool" / "incoming").iterdir())


def until(true, seconds=20):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("name", ["a\x01", "\x00", "\ufffe", '<&>"\x1b'])
def test_documents_of_jobs_are_xml_whatever_parameters_are_called(alone, name):
    job = requests.post(f"{alone}/async", {name: "\x02", "RUNID": "\x1b<"}, allow_redirects=False, timeout=60)
    for path in ("", "/parameters"):
        ElementTree.fromstring(requests.get(job.headers["Location"] + path, timeout=60).content)
    ElementTree.fromstring(requests.get(f"{alone}/async", timeout=60).content)


def test_parts_of_one_name_leave_no_file(alone, folder):
    for first, second in [("; filename=t", ""), ("", "; filename=t"), ("; filename=t", "; filename=t")]:
        body = "".join(
            f'--b\r\nContent-Disposition: form-data; name="t"{file}\r\n\r\nabc\r\n' for file in (first, second)
        )
        header = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = requests.post(f"{alone}/sync", f"{body}--b--\r\n", headers=header, timeout=60)
        assert answer.status_code == 400
        assert not incoming(folder)


def test_many_short_parts_are_not_kept_in_memory(tmp_path):
    paths = (tmp_path / str(number) for number in range(1000))
    parts = Parts("b", lambda: next(paths))
    text = b"a" * 1_000_000
    for _ in range(100):
        parts.take(b'--b\r\nContent-Disposition: form-data; name="t"\r\n\r\n' + text + b"\r\n")
    assert sum(len(part.content) for part in parts.parts) <= ALL_IN_MEMORY
    parts.close()


def test_a_result_that_is_gone_is_no_fault_of_the_service(alone, folder):
    job = requests.post(f"{alone}/async", {"LANG": "ADQL", "QUERY": QUERY, "PHASE": "RUN"}, timeout=60).url
    assert until(lambda: requests.get(f"{job}/phase", timeout=60).text == "COMPLETED")
    (folder / "spool" / "jobs" / job.rpartition("/")[2] / "result").unlink()
    assert requests.get(f"{job}/results/result", timeout=60).status_code == 404


def send(url, text):
    where = urlsplit(url)
    con = socket.create_connection((where.hostname, where.port), timeout=60)
    con.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    con.sendall(text)
    return con


@pytest.mark.slow
def test_a_client_that_takes_nothing_is_not_waited_for(alone, monkeypatch, capfd):
    monkeypatch.setattr(respond, "STALLED", 0.5)
    path = requests.Request("GET", f"{alone}/sync", params={"LANG": "ADQL", "QUERY": ENDLESS}).prepare().path_url
    with send(alone, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()):
        time.sleep(1)
        before = time.monotonic()
        answer = requests.get(f"{alone}/sync", {"LANG": "ADQL", "QUERY": QUERY, "FORMAT": "csv"}, timeout=60)
        assert answer.text.count("\n") == 4
        assert time.monotonic() - before < 20
    assert "Traceback" not in capfd.readouterr().err


def test_a_body_that_stops_coming_is_given_up(alone, folder, monkeypatch):
    monkeypatch.setattr(receive, "SILENCE", 0.5)
    head = b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\nContent-Type: multipart/form-data; "
    body = b'boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\nabc'
    with send(alone, head + body) as con:
        assert until(lambda: incoming(folder))
        assert con.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert not incoming(folder)


@pytest.mark.slow
def test_users_do_not_wait_for_those_who_try_passwords(sky, tmp_path):
    add(tmp_path / "users.txt", "anna", "correct horse")
    with serving(sky, tmp_path, accounts=Accounts(tmp_path / "users.txt"), security=SECURITY) as url:
        ask = f"{url}/async"
        assert requests.get(ask, auth=("anna", "correct horse"), timeout=60).status_code == 200
        guesses = [
            threading.Thread(target=requests.get, args=(ask,), kwargs={"auth": ("anna", f"{number}"), "timeout": 60})
            for number in range(60)
        ]
        for guess in guesses:
            guess.start()
        time.sleep(0.2)
        requests.get(ask, auth=("anna", "correct horse"), timeout=60)
        waiting = sum(guess.is_alive() for guess in guesses)
        for guess in guesses:
            guess.join()
    assert waiting > 10


def test_nul_in_a_password_makes_no_other_user(tmp_path):
    add(tmp_path / "users.txt", "anna", "long\0enough")
    accounts = Accounts(tmp_path / "users.txt")
    assert accounts.of_password("anna", "long\0enough") == "anna"
    assert accounts.of_password("anna\0long", "enough") is None


@pytest.mark.parametrize("client", ["1.2.3.4 anna GET /tap 200", "a\nb", ""])
def test_no_client_writes_words_of_the_log(alone, client):
    lines = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing(message):
        pass

    scope = {"type": "http", "raw_path": b"/tap/\n200 x", "client": (client, 1), "method": "GET"}
    logged = log.Log(app, lines.append)(scope, None, nothing)
    with pytest.raises(StopIteration):
        logged.send(None)
    assert lines[0].split()[2:6] == ["-", "GET", "/tap/?200?x", "200"]


@pytest.mark.parametrize("header", ["", "Basic", "Basic Og==", b"Basic \xff", "Bearer " + "x" * 50_000])
def test_headers_that_log_nobody_in(sky, tmp_path_factory, header, guarded):
    answer = requests.get(f"{guarded}/async", headers={"Authorization": header}, timeout=60)
    assert answer.status_code == 401


@pytest.fixture(scope="module")
def guarded(sky, tmp_path_factory):
    path = tmp_path_factory.mktemp("guarded")
    add(path / "users.txt", "anna", "correct horse")
    with serving(sky, path, accounts=Accounts(path / "users.txt"), security=SECURITY) as url:
        yield url


def test_nul_and_empty_names_log_nobody_in(guarded):
    for text in (b"anna\0:correct horse", b":", b"anna:\xed\xa0\x80", b"anna", b"anna:" + b"x" * 30_000):
        header = {"Authorization": f"Basic {base64.b64encode(text).decode()}"}
        assert requests.get(f"{guarded}/async", headers=header, timeout=60).status_code == 401
