"""Clients that keep a service waiting, on purpose or not, are let go, and hold neither workers, files nor memory."""

import socket
import time
from urllib.parse import urlsplit

import pytest
import requests
from serving import incoming, serving, until

from sedsql.service import connection, memory, receive
from sedsql.service.errors import ServiceError

QUERY = "SELECT TOP 3 ra FROM gaiadr3.gaia_source"
ENDLESS = "SELECT a.ra, b.dec FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"

WHOLE = b"GET /tap/availability HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("slow")


@pytest.fixture(scope="module")
def alone(sky, folder):
    """The URL of a service of one worker, whose spool is in `folder`."""
    with serving(sky, folder) as url:
        yield url


def send(url, text, window=4096):
    where = urlsplit(url)
    con = socket.create_connection((where.hostname, where.port), timeout=60)
    con.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    con.sendall(text)
    return con


@pytest.mark.slow
def test_a_client_that_takes_nothing_is_not_waited_for(alone, monkeypatch, capfd):
    monkeypatch.setattr(connection, "STALLED", 0.5)
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


@pytest.mark.parametrize(("asked", "begun"), [(b"", b""), (b"", b"GET /tap HT"), (WHOLE, b"GET /tap HT")])
def test_a_request_that_does_not_come_is_given_up(alone, monkeypatch, asked, begun):
    monkeypatch.setattr(connection, "HEAD", 0.5)
    with send(alone, asked) as con:
        while asked and b"</vosi:availability>" not in con.recv(65536):
            pass
        began = time.monotonic()
        con.sendall(begun)
        while con.recv(65536):
            pass
    assert time.monotonic() - began < 4


def test_who_asks_in_time_is_not_given_up(alone, monkeypatch):
    monkeypatch.setattr(connection, "HEAD", 0.3)
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(f"{alone}/availability", timeout=60).status_code == 200
            time.sleep(0.2)
        job = session.post(f"{alone}/async", {"QUERY": QUERY}, timeout=60).url
        assert session.get(f"{job}?WAIT=1", timeout=60).status_code == 200


def test_who_takes_nothing_of_a_result_is_cut_off(alone, monkeypatch):
    query = ENDLESS.replace("SELECT", "SELECT TOP 500000")
    job = requests.post(f"{alone}/async", {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN"}, timeout=60).url
    assert until(lambda: requests.get(f"{job}/phase", timeout=60).text == "COMPLETED")
    size = int(requests.head(f"{job}/results/result", timeout=60).headers["Content-Length"])
    monkeypatch.setattr(connection, "STALLED", 0.5)
    asked = f"GET {urlsplit(job).path}/results/result HTTP/1.1\r\nHost: x\r\n\r\n"
    with send(alone, asked.encode(), window=1 << 16) as con:
        time.sleep(1.5)
        taken = 0
        try:
            while block := con.recv(1 << 20):
                taken += len(block)
        except ConnectionResetError:
            pass
    assert taken < size


def test_bodies_hold_so_much_memory_and_no_more():
    bodies = memory.Memory(most=1_000_000)
    with bodies.holding() as one:
        one(900_000)
        with bodies.holding() as other:
            other(memory.FREE)
            with pytest.raises(ServiceError, match="too many long requests at once") as error:
                other(memory.FREE + 300_000)
            assert (error.value.status, error.value.retry_after) == (503, 60)
            one(100_000)
            other(memory.FREE + 300_000)
    with bodies.holding() as one:
        one(1_000_000)


def test_long_requests_that_do_not_end_leave_short_ones_alone(sky, tmp_path, monkeypatch):
    monkeypatch.setattr(memory.Memory.__init__, "__defaults__", (3_000_000,))
    head = b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with serving(sky, tmp_path) as url:
        slow = [send(url, head + kind + b"QUERY=" + b"x" * 800_000) for _ in range(3)]
        time.sleep(0.5)
        data = {"LANG": "ADQL", "QUERY": f"{QUERY} -- {'x' * 900_000}"}
        answer = requests.post(f"{url}/sync", data, timeout=60)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        assert requests.post(f"{url}/sync", {"LANG": "ADQL", "QUERY": QUERY}, timeout=60).status_code == 200
        for con in slow:
            con.close()
        assert until(lambda: requests.post(f"{url}/sync", data, timeout=60).status_code == 200)
