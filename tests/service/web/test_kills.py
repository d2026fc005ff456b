"""`sedsql serve` is killed at any moment under load: no job is lost, none COMPLETED that is not, no file is left over.

Five kills, and fifty in `make crashes`, which take some minutes.
"""

import csv
import io
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

import sedsql

KILLS = 50 if os.environ.get("CRASHES") == "all" else 5
CLIENTS = 16
UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
PHASES = {"PENDING", "QUEUED", "EXECUTING", "COMPLETED", "ERROR", "ABORTED"}
TABLE = b"""<VOTABLE><RESOURCE type="results"><TABLE><FIELD name="x" datatype="int"/>
    <DATA><TABLEDATA><TR><TD>7</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
FEW = "SELECT TOP {} source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id"
UPLOAD = (
    "SELECT m.x, g.source_id FROM TAP_UPLOAD.m AS m, "
    "(SELECT TOP {} source_id FROM gaiadr3.gaia_source ORDER BY source_id) AS g ORDER BY g.source_id"
)
MANY = (
    "SELECT TOP {} a.source_id, b.source_id AS other FROM gaiadr3.gaia_source AS b, "
    "(SELECT TOP 20 source_id FROM gaiadr3.gaia_source ORDER BY source_id) AS a ORDER BY a.source_id, b.source_id"
)

pytestmark = pytest.mark.thorough


class Client(threading.Thread):
    """Makes jobs, waits for them and deletes some, until it is stopped; it knows what it was told."""

    def __init__(self, url: str, number: int):
        super().__init__(daemon=True)
        self._url, self._chance = f"{url}/async", random.Random(number)
        self._session = requests.Session()
        self.is_stopped = threading.Event()
        self.created: dict[str, str] = {}
        self.ended: dict[str, str] = {}
        self.run_told: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()
        self.faults: list[str] = []

    def run(self) -> None:
        while not self.is_stopped.is_set():
            try:
                self._job()
            except requests.RequestException:  # the server is killed
                time.sleep(0.1)

    def _ask(self, method: str, url: str, **how) -> requests.Response:
        answer = self._session.request(method, url, timeout=30, allow_redirects=False, **how)
        if answer.status_code not in (200, 303):
            self.faults.append(f"{method} {url}: {answer.status_code} {answer.text[:200]}")
            raise requests.RequestException
        return answer

    def _job(self) -> None:
        chance = self._chance
        kind = chance.choice([FEW, UPLOAD, MANY])
        query = kind.format(chance.randrange(1, 2_000) if kind != MANY else chance.randrange(1, 40_000))
        data = {"LANG": "ADQL", "FORMAT": "csv", "QUERY": query}
        files = None
        if kind == UPLOAD:
            data["UPLOAD"], files = "m,param:t", {"t": ("t.vot", TABLE)}
        job = self._ask("POST", self._url, data=data, files=files).headers["Location"].rpartition("/")[2]
        self.created[job] = query
        if chance.random() < 0.1:
            return  # it stays PENDING
        url = f"{self._url}/{job}"
        self._ask("POST", f"{url}/phase", data={"PHASE": "RUN"})
        self.run_told.add(job)
        while not self.is_stopped.is_set():
            phase = self._ask("GET", f"{url}/phase").text
            assert phase in PHASES
            if phase in ("COMPLETED", "ERROR", "ABORTED"):
                self.ended[job] = phase
                break
            if chance.random() < 0.05:
                self._ask("POST", f"{url}/phase", data={"PHASE": "ABORT"})
            self._ask("GET", url, params={"WAIT": "1"})
        if chance.random() < 0.3:
            self.deleting.add(job)
            self._ask("DELETE", url)
            self.deleted.add(job)


class Server:
    """`sedsql serve` as it is run, one after another at one port and on one spool folder."""

    def __init__(self, mirror: Path, spool: Path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        command = [
            *(sys.executable, "-c", "from sedsql.cli.main import main; main()", "serve", mirror),
            "--port",
            self._port,
            "--spool",
            spool,
        ]
        self._command = [*map(str, command), "--workers", "2", "--threads", "1"]
        self.url = f"http://127.0.0.1:{self._port}/tap"
        self.log = spool.with_name("log")

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/availability", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the server does not start: {self.log.read_text()[-2000:]}")

    def workers(self) -> list[int]:
        pid = self._process.pid
        with suppress(OSError):
            return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def kill(self, *, workers_first: bool) -> None:
        """Kill it and its workers; those end by themselves where the server is killed alone."""
        workers = self.workers()
        for pid in [*workers, self._process.pid] if workers_first else [self._process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


def jobs_of(url: str) -> dict[str, str]:
    """The phase of each job."""
    root = ElementTree.fromstring(requests.get(f"{url}/async", timeout=60).content)
    return {job.get("id"): job.findtext(f"{UWS}phase") for job in root}


def rows_of(text: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in csv.reader(io.StringIO(text))][1:]


class Mirror:
    """The rows of queries as the mirror itself gives them."""

    def __init__(self, con):
        ids = con.execute("SELECT source_id, ra FROM gaiadr3.gaia_source ORDER BY source_id").fetchall()
        self._ids = [str(one) for one, _ in ids]
        self._positions = [ra for _, ra in ids]

    def check(self, query: str, rows: list[tuple[str, ...]]) -> None:
        """Look whether a result is whole and right."""
        count = int(query.split("TOP ")[1].split()[0])
        assert len(rows) == count, query
        if " other " in query:
            most = len(self._ids)
            expected = ((self._ids[at // most], self._ids[at % most]) for at in range(count))
            assert all(row == wanted for row, wanted in zip(rows, expected, strict=True))
        elif "m.x" in query:
            assert rows == [("7", one) for one in self._ids[:count]]
        else:
            assert [row[0] for row in rows] == self._ids[:count]
            assert [float(row[1]) for row in rows] == self._positions[:count]


def files_of(spool: Path) -> set[str]:
    return {str(path.relative_to(spool)) for path in spool.rglob("*") if path.is_file() and path.parent != spool}


@pytest.mark.timeout(1800)
def test_a_service_that_is_killed_at_any_moment_loses_nothing(sky, tmp_path):
    spool, chance = tmp_path / "spool", random.Random(os.environ.get("SEED", "18"))
    server = Server(sky, spool)
    server.start()
    server.wait()
    clients = [Client(server.url, number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for number in range(KILLS):
        time.sleep(chance.uniform(0.2, 3))
        server.kill(workers_first=number % 2 == 0)
        server.start()
        if number % 5 == 3:  # killed while it puts in order what it finds
            time.sleep(chance.uniform(0.3, 2.5))
            server.kill(workers_first=False)
            server.start()
        server.wait()
    for client in clients:
        client.is_stopped.set()
    for client in clients:
        client.join(60)
    assert not [fault for client in clients for fault in client.faults]

    created = {job: query for client in clients for job, query in client.created.items()}
    run_told = set().union(*(client.run_told for client in clients))
    deleting = set().union(*(client.deleting for client in clients))
    deleted = set().union(*(client.deleted for client in clients))
    ended = {job: phase for client in clients for job, phase in client.ended.items()}
    until = time.monotonic() + 120
    while (found := jobs_of(server.url)) and {"QUEUED", "EXECUTING"} & set(found.values()):
        assert time.monotonic() < until, "jobs do not end"
        time.sleep(0.2)
    assert not set(created) - deleting - set(found), "a job is lost"
    assert not deleted & set(found), "a deleted job is there again"
    assert not {job for job, phase in ended.items() if job in found and found[job] != phase}, "a job ended twice"
    assert not {job for job in run_told & set(found) if found[job] == "PENDING"}, "a job does not run"
    for job, phase in found.items():
        if phase == "ERROR":
            assert "while this query ran" in requests.get(f"{server.url}/async/{job}/error", timeout=60).text
    with sedsql.connect(sky) as con:
        mirror = Mirror(con)
    for job, phase in found.items():
        if phase == "COMPLETED" and job in created:
            answer = requests.get(f"{server.url}/async/{job}/results/result", timeout=60)
            assert answer.status_code == 200
            mirror.check(created[job], rows_of(answer.text))
    server.stop()
    left = {path for path in files_of(spool) if not path.endswith("/result") and not path.startswith("jobs/")}
    assert not left
    results = {f"jobs/{job}/result" for job, phase in found.items() if phase == "COMPLETED"}
    pending = {job for job, phase in found.items() if phase == "PENDING"}
    others = {path for path in files_of(spool) - results if path.split("/")[1] not in pending}
    assert results <= files_of(spool)
    assert not others, "files are left over"
    counts = Counter(found.values())
    print(f"{KILLS} kills, {len(created)} jobs created, {len(deleted)} deleted, {len(ended)} ends told, then {counts}")
    assert counts["COMPLETED"] >= KILLS
    assert len(created) >= 5 * KILLS
