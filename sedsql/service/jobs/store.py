"""Keep jobs in SQLite: one thread writes and another reads, so that no event loop waits for the disk."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sedsql.service.errors import ServiceError
from sedsql.service.jobs.job import Job, Phase
from sedsql.service.workers.faults import NoRoomError

T = TypeVar("T")

_VERSION = 1
_TABLE = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, phase TEXT NOT NULL, created INTEGER NOT NULL,
    destruction INTEGER NOT NULL, duration INTEGER NOT NULL, client TEXT NOT NULL, owner TEXT, runid TEXT,
    uploads TEXT NOT NULL, started INTEGER, ended INTEGER, error TEXT, status INTEGER, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, overflow INTEGER NOT NULL, mime TEXT, attempts INTEGER NOT NULL,
    parameters TEXT NOT NULL -- last, for it may be long and the others are read without it
);
CREATE INDEX jobs_owner ON jobs (owner, created);
CREATE INDEX jobs_destruction ON jobs (destruction);
CREATE INDEX jobs_phase ON jobs (phase);
CREATE INDEX jobs_bytes ON jobs (bytes);
"""
_COLUMNS = [field.name for field in fields(Job)]
_BUT_PARAMETERS = ", ".join("'[]' AS parameters" if name == "parameters" else name for name in _COLUMNS)
_TIMES = {"created", "destruction", "started", "ended"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES = """
SELECT (SELECT coalesce(sum(bytes), 0) FROM jobs) - coalesce((SELECT bytes FROM jobs WHERE id = ?), 0)
    + (page_count - freelist_count) * page_size
FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()
"""


class Kept(NamedTuple):
    """What is kept at a moment.

    jobs, own : all jobs, and those of one owner, or of a client without a name
    bytes : of the files of all jobs and of the database
    """

    jobs: int
    own: int
    bytes: int


class Store:
    """The jobs of a service. Each call is one transaction, which is on the disk when the call ends."""

    def __init__(self, path: Path):
        self._path = path
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="jobs-write")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="jobs-read")
        self._writer: sqlite3.Connection
        self._reader: sqlite3.Connection

    async def open(self) -> None:
        """Open the database, and make it where there is none. ServiceError where it is of another version."""
        await self._write(self._open)

    def _open(self) -> None:
        def connect() -> sqlite3.Connection:
            con = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
            con.row_factory = sqlite3.Row
            return con

        self._writer = connect()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")  # a job that was announced is on the disk
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._writer.executescript(f"BEGIN; {_TABLE} PRAGMA user_version = {_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise ServiceError(
                f"The jobs in {self._path} were kept by another version of sedsql; name another spool folder.", 503
            )
        self._reader = connect()

    async def close(self) -> None:
        """Close the database."""
        await self._read(lambda: self._reader.close())
        await self._write(lambda: self._writer.close())
        self._writing.shutdown()
        self._reading.shutdown()

    async def insert(self, job: Job, allow: Callable[[Kept], object] = lambda kept: None) -> None:
        """Keep a new job, if `allow` raises nothing of what is kept already."""
        row = {name: _stored(name, getattr(job, name)) for name in _COLUMNS}
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)

        def insert() -> None:
            allow(self._kept(job))
            self._writer.execute(f"INSERT INTO jobs ({names}) VALUES ({places})", row)

        await self._write(insert)

    async def change(
        self, job_id: str, phases: Collection[Phase], *, room: int | None = None, **values: Any
    ) -> Job | None:
        """Change a job that is in one of these phases; gives it as it is then, or None where there is no such job.

        room : bytes that all jobs may have with the `bytes` of this one; NoRoomError where they would have more
        """
        sets = ", ".join(f"{name} = ?" for name in values)
        marks = ", ".join("?" for _ in phases)
        statement = f"UPDATE jobs SET {sets} WHERE id = ? AND phase IN ({marks}) RETURNING *"
        bound = [*(_stored(name, value) for name, value in values.items()), job_id, *phases]

        def update() -> Job | None:
            if room is not None and values["bytes"] > (left := room - self._bytes(job_id)):
                raise NoRoomError(left)
            rows = self._writer.execute(statement, bound).fetchall()
            return _job(rows[0]) if rows else None

        return await self._write(update)

    async def delete(self, job_id: str) -> bool:
        """Forget a job; tell whether there was one."""
        return await self._write(lambda: self._writer.execute("DELETE FROM jobs WHERE id = ?", [job_id]).rowcount > 0)

    async def get(self, job_id: str) -> Job | None:
        """The job of that name."""
        found = await self._select("*", "WHERE id = ?", [job_id])
        return found[0] if found else None

    async def find(
        self,
        owner: str | None = None,
        *,
        every: bool = False,
        phases: Collection[Phase] = (),
        after: datetime | None = None,
        last: int | None = None,
    ) -> list[Job]:
        """Jobs in the order of their creation, without parameters; with `last` the latest ones, the latest first.

        owner : whose jobs, None for those of anonymous users
        every : whether the jobs of all owners are meant
        after : created after that moment
        """
        tests = ["TRUE" if every else "owner IS ?"]
        values: list[Any] = [] if every else [owner]
        if phases:
            tests.append(f"phase IN ({', '.join('?' for _ in phases)})")
            values += phases
        if after is not None:
            tests.append("created > ?")
            values.append(_milliseconds(after))
        order = "ORDER BY created, number" if last is None else "ORDER BY created DESC, number DESC LIMIT ?"
        values += [] if last is None else [max(last, 0)]
        return await self._select(_BUT_PARAMETERS, f"WHERE {' AND '.join(tests)} {order}", values)

    async def due(self, time: datetime) -> list[str]:
        """The jobs whose time of destruction has come."""
        query, until = "SELECT id FROM jobs WHERE destruction <= ?", _milliseconds(time)
        return [row[0] for row in await self._read(lambda: self._reader.execute(query, [until]).fetchall())]

    async def next_destruction(self) -> datetime | None:
        """When the next job is to be destroyed."""
        rows = await self._read(lambda: self._reader.execute("SELECT min(destruction) FROM jobs").fetchall())
        return None if rows[0][0] is None else _time(rows[0][0])

    def _kept(self, job: Job) -> Kept:
        """What is kept besides a job, by its owner or client."""
        of, value = ("owner = ?", job.owner) if job.owner is not None else ("owner IS NULL AND client = ?", job.client)
        query = f"SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM jobs WHERE {of})"
        jobs, own = self._writer.execute(query, [value]).fetchone()
        return Kept(jobs, own, self._bytes(job.id))

    def _bytes(self, but: str | None = None) -> int:
        return self._writer.execute(_BYTES, [but]).fetchone()[0]

    async def bytes(self, but: str | None = None) -> int:
        """The bytes of the files of all jobs, without those of one, and of the database."""
        return await self._write(lambda: self._bytes(but))

    async def phases(self) -> dict[Phase, int]:
        """How many jobs are in each phase."""
        query = "SELECT phase, count(*) FROM jobs GROUP BY phase"
        found = dict(map(tuple, await self._read(lambda: self._reader.execute(query).fetchall())))
        return {phase: found.get(phase, 0) for phase in Phase}

    async def _select(self, columns: str, rest: str, values: Collection[Any]) -> list[Job]:
        query = f"SELECT {columns} FROM jobs {rest}"
        return await self._read(lambda: [_job(row) for row in self._reader.execute(query, list(values))])

    async def _write(self, do: Callable[[], T]) -> T:
        return await self._in(self._writing, do)

    async def _read(self, do: Callable[[], T]) -> T:
        return await self._in(self._reading, do)

    async def _in(self, thread: ThreadPoolExecutor, do: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, do)
        except sqlite3.Error as error:
            print(f"sedsql serve: the jobs in {self._path} cannot be read or written: {error}", file=sys.stderr)
            raise ServiceError("The service cannot keep jobs at present; its log has the reason.", 503, 60) from error


def _stored(name: str, value: Any) -> Any:
    if name in _TIMES and value is not None:
        return _milliseconds(value)
    return json.dumps(value) if name in ("parameters", "uploads") else value


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in _COLUMNS}
    for name in _TIMES:
        values[name] = None if values[name] is None else _time(values[name])
    for name in ("parameters", "uploads"):
        values[name] = tuple((one, other) for one, other in json.loads(values[name]))
    return Job(**{**values, "phase": Phase(values["phase"]), "overflow": bool(values["overflow"])})


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _time(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
