"""A server of jobs and its workers are killed at any moment: no job is lost or COMPLETED too early, no file left over.

Five kills, and fifty in `make crashes`, which take some minutes.
"""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import sedsql
from sedsql.service.errors import ServiceError
from sedsql.service.jobs import Jobs, Phase, Spool
from sedsql.service.jobs.job import Job, now
from sedsql.service.jobs.store import Store
from sedsql.service.workers import Task

HERE = Path(__file__).parent
KILLS = 50 if os.environ.get("CRASHES") == "all" else 5

pytestmark = pytest.mark.slow


class Servers:
    """Servers one after another on a spool folder, and what their clients were told so far."""

    def __init__(self, mirror: Path, spool: Path):
        self._command = [sys.executable, HERE / "job_server.py", mirror, spool]
        self.spool = spool
        self.created: dict[str, str] = {}
        self.ended: dict[str, str] = {}
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()
        self.last: dict = {}
        self.seen: Counter[str] = Counter()
        self.workers_killed = 0

    def killed_at_start(self, seconds: float) -> None:
        """Start a server, and kill it while it puts in order what it finds."""
        with self._load() as server:
            time.sleep(seconds)
            self._kill(server)

    def killed_after(self, seconds: float, *, worker: bool) -> None:
        """Run a server under load for so long, and kill it; half-way its worker, perhaps."""
        with self._load() as server:
            for line in server.stdout:
                self._note(line)
                if "processes" in line:
                    break
            time.sleep(seconds / 2)
            if worker:
                self.workers_killed += 1
                for process in json.loads(line)["processes"]:
                    os.kill(process, signal.SIGKILL)
            time.sleep(seconds / 2)
            self._kill(server)

    def _load(self) -> subprocess.Popen:
        return subprocess.Popen([*self._command, "load"], stdout=subprocess.PIPE, text=True)

    def _kill(self, server: subprocess.Popen) -> None:
        server.send_signal(signal.SIGKILL)
        self._note(server.stdout.read())

    def finish(self) -> None:
        """Run a server until nothing is left to run."""
        done = subprocess.run([*self._command, "finish"], capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        self._note(done.stdout)

    def _note(self, said: str) -> None:
        for line in said.splitlines():
            words = json.loads(line)
            self.seen.update(dict.fromkeys(words, 1))
            if "jobs" in words:
                self.check(words)
            elif "created" in words:
                self.created[words["created"]] = words["query"]
            elif "ended" in words:
                self.ended[words["ended"]] = words["phase"]
            elif "deleting" in words:
                self.deleting.add(words["deleting"])
            elif "deleted" in words:
                self.deleted.add(words["deleted"])
            else:
                assert "processes" in words, words

    def check(self, start: dict) -> None:
        """Look at what a server found when it started, against what clients were told before."""
        self.last, jobs = start, start["jobs"]
        assert not set(self.created) - self.deleting - set(jobs), "a job is lost"
        assert not self.deleted & set(jobs), "a deleted job is there again"
        for job_id, phase in self.ended.items():
            if job_id in jobs:
                assert jobs[job_id][0] == phase, "a job that had ended has another phase"
        expected = set()
        lost = [error for phase, _, error, _ in jobs.values() if error and "process that ran the query ended" in error]
        assert len(lost) <= self.workers_killed
        for job_id, (phase, _, error, uploads) in jobs.items():
            assert phase != Phase.EXECUTING
            assert phase != Phase.ERROR or error in lost or "stopped 2 times" in error, "a job failed that ran once"
            expected |= {f"jobs/{job_id}/result"} if phase == Phase.COMPLETED else set()
            expected |= {f"jobs/{job_id}/{file}" for file in uploads if phase in (Phase.PENDING, Phase.QUEUED)}
        assert set(start["files"]) == expected, "files are left over, or gone"


def rows_of(query: str) -> int:
    most = int(re.search(r"TOP (\d+)", query)[1])
    return min(most, 2_000**2 if " AS b" in query else 2_000)


@pytest.mark.timeout(1800)
def test_a_server_that_is_killed_at_any_moment_loses_nothing(sky, tmp_path):
    servers, moments = Servers(sky, tmp_path / "spool"), random.Random(os.environ.get("SEED", "11"))
    before = time.monotonic()
    servers.finish()
    start = time.monotonic() - before
    for number in range(KILLS):
        if number % 3 == 1:
            servers.killed_at_start(moments.uniform(0.3, 1) * start)
        else:
            servers.killed_after(moments.uniform(0, 3), worker=number % 3 == 2)
    servers.finish()
    servers.finish()
    completed = {job_id: size for job_id, (phase, size, *_) in servers.last["jobs"].items() if phase == Phase.COMPLETED}
    for job_id, size in completed.items():
        result = (tmp_path / "spool" / "jobs" / job_id / "result").read_bytes()
        assert len(result) == size
        if job_id in servers.created:
            assert len(result.splitlines()) == 1 + rows_of(servers.created[job_id]), "a result is not whole"
    phases = Counter(phase for phase, *_ in servers.last["jobs"].values())
    assert set(phases) <= {Phase.PENDING, Phase.COMPLETED, Phase.ABORTED, Phase.ERROR}
    assert phases[Phase.COMPLETED] >= KILLS, phases
    assert servers.seen["created"] >= 5 * KILLS
    assert not list((tmp_path / "spool" / "temporary").rglob("*.*"))


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    yield spool
    spool.close()


@pytest.fixture
def kept(ask, spool):
    """`kept(phase, ...)` is a job as a killed server has left it."""

    def kept(phase: Phase, name: str, **values) -> Job:
        async def insert() -> Job:
            store = Store(spool.database)
            await store.open()
            job = Job(name, phase, now(), now().replace(year=9000), 60, "someone", parameters=(), **values)
            await store.insert(job)
            await store.close()
            return job

        return ask(insert())

    return kept


def put(spool: Spool, name: str, content: bytes = b"1234") -> Path:
    path = spool.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def started(ask, spool, pool, query="SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"):
    """What a server finds, and all jobs when those that it ran have ended."""

    async def start():
        jobs = Jobs(spool, pool, lambda job: Task(query, format="csv"))
        recovered = await jobs.start()
        for job in recovered.queued:
            while (job := await jobs.wait(job.id, 10)).is_active:
                pass
        every = {job.id: job for job in await jobs.find()}
        await jobs.stop()
        return recovered, every

    return ask(start())


def test_what_ran_runs_again_once(ask, spool, pool, kept):
    kept(Phase.EXECUTING, "first", attempts=1, started=now())
    kept(Phase.EXECUTING, "second", attempts=2, started=now())
    kept(Phase.QUEUED, "third")
    put(spool, "jobs/first/.result.partial")
    put(spool, "jobs/first/result")  # it was written, and the job not yet COMPLETED
    recovered, jobs = started(ask, spool, pool)
    assert [job.id for job in recovered.queued] == ["first", "third"]
    assert [job.id for job in recovered.failed] == ["second"]
    assert jobs["second"].phase == Phase.ERROR
    assert "stopped 2 times while this query ran" in jobs["second"].error
    for name in ("first", "third"):
        assert jobs[name].phase == Phase.COMPLETED
        assert (spool.result(name)).read_text() == "n\n2000\n"
    assert jobs["first"].attempts == 2


def test_a_result_that_is_gone_or_cut_is_told(ask, spool, pool, kept):
    for name in ("gone", "cut", "whole"):
        kept(Phase.COMPLETED, name, bytes=4)
    put(spool, "jobs/cut/result", b"123")
    put(spool, "jobs/whole/result")
    put(spool, "jobs/whole/upload-1")
    _, jobs = started(ask, spool, pool)
    assert [jobs[name].phase for name in ("gone", "cut", "whole")] == [Phase.ERROR, Phase.ERROR, Phase.COMPLETED]
    assert "is gone from the disk" in jobs["cut"].error
    assert [path.name for path in (spool.folder / "jobs").rglob("*")] == ["whole", "result"]


def test_files_of_no_job_are_removed(ask, spool, pool, kept, tmp_path):
    kept(Phase.PENDING, "mine", uploads=(("t", "upload-1"),))
    kept(Phase.ABORTED, "aborted", uploads=(("t", "upload-1"),))
    for name in ("mine/upload-1", "mine/upload-2", "aborted/upload-1", "nobody/upload-1", "nobody/result"):
        put(spool, f"jobs/{name}")
    put(spool, "incoming/abc")
    put(spool, "temporary/duckdb_temp_storage.tmp")
    started(ask, spool, pool)
    spool.close()
    again = Spool(spool.folder)
    spool.lock = again.lock
    left = [path for path in spool.folder.rglob("*") if path.is_file() and path.parent != spool.folder]
    assert left == [spool.folder / "jobs" / "mine" / "upload-1"]


def test_a_server_waits_for_the_workers_of_the_one_before(sky, tmp_path):
    """Workers hold the spool's lock too, so that none writes a result after another server has begun."""
    command = [sys.executable, HERE / "job_server.py", sky, tmp_path / "spool", "load"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        for line in server.stdout:
            if "processes" in (words := json.loads(line)):
                break
        (worker,) = words["processes"]
        os.kill(worker, signal.SIGSTOP)
        server.kill()
        server.stdout.read()
    with pytest.raises(ServiceError, match="is used by another server"):
        Spool(tmp_path / "spool", wait=0.2)
    os.kill(worker, signal.SIGCONT)
    Spool(tmp_path / "spool").close()
    assert not Path(f"/proc/{worker}").exists() or Path(f"/proc/{worker}/cmdline").read_bytes() == b""


def test_workers_that_are_killed_lose_no_job(ask, spool, pool_of, sky):
    one = pool_of(sky, workers=2)
    query = "SELECT TOP 200000 a.ra * b.ra AS x FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"

    async def kill():
        jobs = Jobs(spool, one, lambda job: Task(query, format="csv"))
        await jobs.start()
        made = [await jobs.create([], client=f"client-{i % 3}") for i in range(12)]
        for job in made:
            await jobs.run(job.id)
        chance = random.Random(3)
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.1, 1))
            for process in one.processes[:1]:
                os.kill(process, signal.SIGKILL)
        ended = []
        for job in made:
            while (job := await jobs.wait(job.id, 10)).is_active:
                pass
            ended.append(job)
        await asyncio.sleep(0.5)  # what a killed worker has left is removed after its job has ended
        files = [path for path in (spool.folder / "jobs").rglob("*") if path.is_file()]
        await jobs.stop()
        return ended, files

    jobs, files = ask(kill())
    failed = [job for job in jobs if job.phase == Phase.ERROR]
    assert len(failed) <= 3
    assert all("process that ran the query ended before it" in job.error for job in failed)
    done = [job for job in jobs if job.phase == Phase.COMPLETED]
    assert len(done) + len(failed) == 12
    assert {path.parent.name for path in files} == {job.id for job in done}
    assert all(spool.result(job.id).read_bytes().count(b"\n") == 200_001 for job in done)


def test_the_server_of_these_tests_gives_right_answers(sky):
    from job_server import LONG, ROWS

    with sedsql.connect(sky) as con:
        for query in (ROWS, LONG):
            assert len(con.execute(query.format(9_999)).arrow()) == rows_of(query.format(9_999))
