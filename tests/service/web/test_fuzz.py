"""Whatever is sent, the service answers, and tells its own faults as VOTables; it goes on after that."""

import socket
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow
_NAMES = """QUERY query LANG REQUEST MAXREC FORMAT RESPONSEFORMAT UPLOAD RUNID VERSION PHASE WAIT LAST AFTER ACTION
    DESTRUCTION EXECUTIONDURATION detail x"""
NAMES = st.sampled_from(_NAMES.split())
GOOD = st.sampled_from(
    [
        *("SELECT TOP 1 ra FROM gaiadr3.gaia_source", "SELECT", "ADQL", "ADQL-2.1", "PQL", "csv", "votable", "0", "1"),
        *("-1", "99999999999999999999", "a,param:a", "a,http://localhost/", "a,param:b;b,param:a", "RUN", "ABORT"),
        *("DELETE", "1.1", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "min"),
    ]
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
PAIRS = st.lists(st.tuples(NAMES | TEXT, GOOD | TEXT), max_size=6)
_PATHS = """/sync /async /async/x /async/x/phase /async/x/results/result /async/x/error /tables /tables/x /capabilities
    /availability /examples /nothing"""
PATHS = st.sampled_from(_PATHS.split())
_KINDS = ["multipart/form-data; boundary=b", "multipart/form-data"]
FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
ERRORS = (400, 403, 404, 405, 413, 415)


def check(answer):
    """Whether an answer is what DALI allows."""
    assert answer.status_code in (200, 303, *ERRORS), (answer.status_code, answer.text[:300])
    if answer.request.method == "HEAD":
        assert not answer.content
    elif answer.status_code in ERRORS:
        assert answer.text.strip(), answer.url
        if answer.headers["Content-Type"] == "application/x-votable+xml":
            assert 'value="ERROR"' in answer.text
            ElementTree.fromstring(answer.content)
    elif "xml" in answer.headers.get("Content-Type", "") and "votable" not in answer.headers["Content-Type"]:
        ElementTree.fromstring(answer.content)


@FUZZ
@given(path=PATHS, method=st.sampled_from(["GET", "POST", "HEAD", "DELETE", "PUT"]), url_pairs=PAIRS, body=PAIRS)
def test_parameters(url, path, method, url_pairs, body):
    data = body if method == "POST" else None
    check(requests.request(method, url + path, params=url_pairs, data=data, timeout=60, allow_redirects=False))


@FUZZ
@given(parts=st.lists(st.tuples(NAMES | TEXT, TEXT | st.none(), GOOD | TEXT | st.binary(max_size=50)), max_size=5))
def test_multipart(url, parts):
    files = [(name, (file, content)) for name, file, content in parts]
    check(requests.post(f"{url}/sync", files=files, timeout=60))


@FUZZ
@given(
    kind=TEXT | st.sampled_from(["multipart/form-data; boundary=b", "multipart/form-data"]), body=st.binary(max_size=90)
)
def test_bodies(url, kind, body):
    header = kind.encode("ascii", "ignore").decode().translate(dict.fromkeys((*range(32), 127))).strip()
    check(requests.post(f"{url}/sync", b"--b\r\n" + body, headers={"Content-Type": header}, timeout=60))


@FUZZ
@given(content=st.binary(max_size=200) | TEXT.map(lambda text: f"<VOTABLE><RESOURCE><TABLE>{text}".encode()))
def test_uploaded_tables(url, content):
    data = {"LANG": "ADQL", "QUERY": "SELECT * FROM TAP_UPLOAD.t", "UPLOAD": "t,param:t"}
    check(requests.post(f"{url}/sync", data, files={"t": ("t.vot", content)}, timeout=60))


@pytest.mark.parametrize(
    "request_text",
    [
        *(b"GET /tap/sync HTTP/1.1\r\nHost: " + host + b"\r\n\r\n" for host in (b"", b"<&>", b"a" * 5000)),
        b"GET /tap/%00%ff%0a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /tap/capabilities HTTP/1.0\r\n\r\n",
        b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary="
        + b"b" * 300
        + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_bytes(url, request_text):
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as con:
        con.sendall(request_text)
        con.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: con.recv(65536), b""))
    assert not answer or answer.split()[1][:1] in b"24"
    assert requests.get(f"{url}/availability", timeout=60).status_code == 200
