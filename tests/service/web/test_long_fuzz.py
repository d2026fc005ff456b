"""What strangers may send, over HTTP: never a fault of the service, no process that dies or grows.

FUZZ_SECONDS has other seconds; five are in the suite.
"""

import gzip
import os
import random
import socket
import string
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_from_bytes, urlsplit
from xml.etree import ElementTree

import pytest
import requests
from serving import serving

SECONDS = float(os.environ.get("FUZZ_SECONDS", "25"))
COUNT = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
FAULTS = (400, 403, 404, 405, 408, 413, 415)
_NAMES = """QUERY LANG REQUEST MAXREC FORMAT RESPONSEFORMAT UPLOAD RUNID VERSION PHASE WAIT LAST AFTER ACTION
    DESTRUCTION EXECUTIONDURATION detail"""
NAMES = _NAMES.split()
VALUES = [
    *(
        "",
        "ADQL",
        "ADQL-2.1",
        "doQuery",
        "csv",
        "votable/td",
        "fits",
        "parquet",
        "arrow",
        "json",
        "0",
        "1",
        "-1",
        "9" * 30,
    ),
    *(
        "RUN",
        "ABORT",
        "DELETE",
        "t,param:t",
        "t,param:t;u,param:t",
        "t,http://127.0.0.1/",
        "t,file:///etc/passwd",
        "\0",
    ),
    *("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "a\r\nSet-Cookie: x", "\ufffe\x1b", "x" * 5000, '<&">]]>'),
    *(
        COUNT,
        "SELECT * FROM TAP_UPLOAD.t",
        "SELECT TOP 5 * FROM gaiadr3.gaia_source",
        "SELECT t.* FROM TAP_UPLOAD.t AS t",
    ),
    *('SELECT TOP 1 ra AS "\x01<é>" FROM gaiadr3.gaia_source', "SELECT " + "(" * 3000, "SELECT 1" + " + 1" * 2000),
    *("SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "ATTACH '/tmp/x'", "SET threads = 1"),
]
_PATHS = """sync async async/{} async/{}/phase async/{}/parameters async/{}/results/result
    async/{}/error
    async/{}/destruction
    async/{}/executionduration async/{}/owner async/{}/quote tables tables/gaiadr3.gaia_source capabilities availability
    examples nothing async/../../jobs.sqlite async/%2e%2e%2fjobs.sqlite tables/%00"""
PATHS = _PATHS.split()
FIELD = '<FIELD name="x" datatype="int"/>'
BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {after} '{('&' + before + ';') * 10}'>" for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)
CELLS = "<DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA>"

FILE = "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"


def votable(inside: str, before: str = "") -> bytes:
    return f"{before}<VOTABLE><RESOURCE type='results'><TABLE>{inside}</TABLE></RESOURCE></VOTABLE>".encode()


TABLES = [
    votable(FIELD + CELLS),
    votable(f"{FIELD}<DATA><TABLEDATA><TR><TD>&j;</TD></TR></TABLEDATA></DATA>", BOMB + "]>"),
    votable(
        f"{FIELD}<DATA><TABLEDATA><TR><TD>&f;</TD></TR></TABLEDATA></DATA>",
        FILE,
    ),
    votable(FIELD + CELLS, "<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'>"),
    *(
        votable(f'<FIELD name="x" datatype="double" arraysize="{size}"/>{CELLS}')
        for size in ("99999999999", "9x9x" * 99 + "9", "*", "-1", "1e9*")
    ),
    *(
        votable(f"{FIELD}<DATA><{kind}><STREAM encoding='base64'>{text}</STREAM></{kind}></DATA>")
        for kind in ("BINARY", "BINARY2")
        for text in ("!!!!", "AAAA", "A" * 9999, "=" * 99, "/////w" * 50)
    ),
    votable(
        '<FIELD name="x" datatype="char" arraysize="*"/>'
        '<DATA><BINARY><STREAM encoding="base64">f////w==</STREAM></BINARY></DATA>'
    ),
    votable(f"{FIELD}<DATA><BINARY><STREAM href='file:///etc/passwd'/></BINARY></DATA>"),
    votable(
        "".join(f'<FIELD name="f{number}" datatype="int"/>' for number in range(5_000))
        + "<DATA><TABLEDATA></TABLEDATA></DATA>"
    ),
    b"<VOTABLE>" + b"<RESOURCE>" * 100_000,
    votable("<GROUP>" * 20_000),
    votable(FIELD + CELLS).decode().encode("utf-16"),
    b'<?xml version="1.0" encoding="utf-7"?>' + votable(FIELD),
    b'<?xml version="1.0" encoding="x"?>' + votable(FIELD),
    gzip.compress(b"<VOTABLE>" + b" " * 20_000_000),
    votable(f"<FIELD name='{'n' * 100_000}' datatype='int'/>{CELLS}"),
    votable("<FIELD name='&#1;' datatype='int'/>" + CELLS),
    votable(FIELD * 2 + CELLS),
    b"",
]


class Stranger:
    """Sends one thing after another, and looks at what comes."""

    def __init__(self, url: str, seed: int):
        self.url, self.chance, self.counts = url, random.Random(seed), Counter()
        self.host, self.port = urlsplit(url).hostname, urlsplit(url).port
        self.jobs = ["x", "..", "%00"]

    def text(self) -> str:
        if self.chance.random() < 0.75:
            return self.chance.choice(VALUES)
        return "".join(self.chance.choices(string.printable + "é\u2028\U0001f600", k=self.chance.randrange(20)))

    def name(self) -> str:
        name = self.chance.choice(NAMES) if self.chance.random() < 0.9 else self.text()
        return name.lower() if self.chance.random() < 0.2 else name

    def pairs(self) -> list[tuple[str, str]]:
        pairs = [(self.name(), self.text()) for _ in range(self.chance.randrange(5))]
        return pairs + [("LANG", "ADQL"), ("QUERY", self.chance.choice(VALUES))] * (self.chance.random() < 0.5)

    def damaged(self, data: bytes) -> bytes:
        """The bytes, cut, doubled or changed in places, or as they were."""
        data = bytearray(data)
        for _ in range(self.chance.choice([0, 0, 1, 3])):
            at = self.chance.randrange(len(data) + 1)
            data[at : at + self.chance.randrange(9)] = self.chance.choice(
                [b"", b"\0", b"\r\n", b"--b", b"\xff", b"<", b"&", bytes(data[at : at + 99]), self.chance.randbytes(8)]
            )
        return bytes(data)

    def body(self) -> tuple[str, bytes]:
        """A Content-Type and a body."""
        kind = self.chance.random()
        if kind < 0.3:
            text = "&".join(f"{quote(name)}={quote(value)}" for name, value in self.pairs()).encode()
            return "application/x-www-form-urlencoded", self.damaged(text)
        if kind < 0.4:
            odd = self.chance.choice(
                ["text/xml", "multipart/form-data", "multipart/mixed; boundary=b", "a", "=;=", "/"]
            )
            return odd, self.chance.randbytes(99)
        parts = [*self.pairs(), ("UPLOAD", "t,param:t"), ("QUERY", "SELECT * FROM TAP_UPLOAD.t"), ("LANG", "ADQL")]
        made = b"".join(
            b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode())
            for name, value in parts * self.chance.choice([1, 1, 1, 400])
        )
        table = self.damaged(self.chance.choice(TABLES))
        made += b'--b\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n%s\r\n--b--\r\n' % table
        boundary = self.chance.choice(["b"] * 9 + ["c", "", "b" * 300, '"b'])
        return f"multipart/form-data; boundary={boundary}", made if self.chance.random() < 0.7 else self.damaged(made)

    def path(self, method: str) -> str:
        likely = ["sync", "sync", "async", "async/{}/parameters", "async/{}/phase"]
        path = self.chance.choice(likely if method == "POST" and self.chance.random() < 0.9 else PATHS).format(
            self.chance.choice(self.jobs[:3] + self.jobs[-5:])
        )
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in self.pairs() if self.chance.random() < 0.5)
        if "WAIT" in query.upper():
            query = ""  # it is to wait
        if self.chance.random() < 0.05:
            path += quote_from_bytes(self.chance.randbytes(6))
        return f"{path}?{query}"

    def ask(self) -> None:
        method = self.chance.choice(["GET"] * 5 + ["POST"] * 12 + ["HEAD", "DELETE", "PUT", "OPTIONS"])
        headers, data = {}, None
        if method == "POST":
            headers["Content-Type"], data = self.body()
        if self.chance.random() < 0.1:
            name = self.chance.choice(
                ["Host", "Range", "X-Forwarded-For", "Authorization", "Origin", "Accept-Encoding"]
            )
            headers[name] = self.chance.choice(["", "x", "<&>", "bytes=0-1,3-4", "[", "a b", "x" * 9000])
        answer = requests.request(
            method, f"{self.url}/{self.path(method)}", data=data, headers=headers, timeout=60, allow_redirects=False
        )
        self.counts[answer.status_code] += 1
        self.check(answer, data)
        if answer.status_code == 303 and "/async/" in answer.headers["Location"]:
            self.jobs.append(answer.headers["Location"].rpartition("/")[2])

    def check(self, answer: requests.Response, data: bytes | None) -> None:
        what = (answer.status_code, answer.request.method, answer.url[:300], (data or b"")[-600:], answer.text[:300])
        assert answer.status_code in (200, 206, 303, 307, 416, *FAULTS), what
        assert "Set-Cookie" not in answer.headers, what
        assert "root:x:0" not in answer.text, what
        kind = answer.headers.get("Content-Type", "")
        if answer.content and "xml" in kind:
            try:
                ElementTree.fromstring(answer.content)
            except ElementTree.ParseError as error:
                raise AssertionError((str(error), *what)) from None

    def go_away(self) -> None:
        """Begin a request, and go in the middle of it or of its answer."""
        kind, data = self.body()
        length = len(data) + self.chance.choice([0, 0, 1, 99, -1])
        head = f"POST /tap/{self.chance.choice(['sync', 'async'])} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
        text = f"{head}Content-Length: {max(length, 0)}\r\n\r\n".encode() + data
        if self.chance.random() < 0.3:
            text = self.damaged(text)
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=10) as con:
            cut = self.chance.randrange(len(text) + 1)
            con.sendall(text[:cut])
            time.sleep(self.chance.choice([0, 0, 0.02]))
            con.sendall(text[cut:] if self.chance.random() < 0.5 else b"")
        self.counts["gone"] += 1


def state() -> tuple[dict[int, int], int]:
    """The workers' memory in MB, and this process's open files."""
    pids = [int(word) for task in Path("/proc/self/task").iterdir() for word in (task / "children").read_text().split()]
    memory = {}
    for pid in pids:
        with suppress(OSError, StopIteration):
            if b"workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                memory[pid] = memory_of(pid)
    return memory, len(list(Path("/proc/self/fd").iterdir()))


def memory_of(pid: int | str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("RssAnon"))


def fuzz(sky, folder, seconds: float) -> None:
    stranger = Stranger("", 0)
    with serving(sky, folder, worker={"memory": 1 << 30}) as url:
        stranger = Stranger(url, int(os.environ.get("SEED", "18")))
        good = {"LANG": "ADQL", "QUERY": COUNT, "FORMAT": "csv"}
        assert requests.get(f"{url}/sync", good, timeout=60).text.split() == ["n", "2000"]
        before, own, until = state(), memory_of("self"), time.monotonic() + seconds
        number = 0
        while time.monotonic() < until:
            number += 1
            stranger.go_away() if number % 10 == 0 else stranger.ask()
            if number % 100 == 0:
                assert requests.get(f"{url}/sync", good, timeout=60).text.split() == ["n", "2000"]
        assert requests.get(f"{url}/sync", good, timeout=60).text.split() == ["n", "2000"]
        until = time.monotonic() + 20
        while (left := list((folder / "spool" / "incoming").iterdir())) and time.monotonic() < until:
            time.sleep(0.1)
        after, own_after = state(), memory_of("self")
    print(
        f"{number} requests: {dict(stranger.counts)}; "
        f"workers' MB and files {before} -> {after}; own MB {own} -> {own_after}"
    )
    assert not left, "files are left over"
    assert after[0].keys() == before[0].keys(), "a worker died"
    assert max(after[0].values()) < max(before[0].values()) + 300
    assert own_after < own + 200
    assert after[1] < before[1] + 20


@pytest.mark.slow
def test_some_seconds_of_what_strangers_send(sky, tmp_path):
    fuzz(sky, tmp_path, 5)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_half_a_minute_of_what_strangers_send(sky, tmp_path):
    fuzz(sky, tmp_path, SECONDS)
