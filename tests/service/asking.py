"""An event loop in a thread, so that tests share workers, which take seconds to start; and what tests ask them."""

import asyncio
import threading
from pathlib import Path

import pyarrow as pa

from sedsql.service.workers import Outcome, Pool, Run, Task

SECONDS = 120


class Loop:
    """`ask(coroutine)` runs it and gives its result."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def ask(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(SECONDS)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def answer(pool: Pool, query: str | Task, **submitted) -> tuple[bytes, Outcome]:
    """The bytes of an answer, and how it ended; raises the error of a query that has no answer."""
    task = query if isinstance(query, Task) else Task(query, format="arrow")
    run = pool.submit(task, client=submitted.pop("client", "someone"), **submitted)
    await run.head()
    return await body(run), await run.outcome()


async def body(run: Run) -> bytes:
    return b"".join([chunk async for chunk in run.body()])


def table_of(data: bytes) -> pa.Table:
    """The table in Arrow's stream."""
    return pa.ipc.open_stream(data).read_all()


def peak_memory(pid: int) -> int:
    """The bytes of memory that a process had at most, since it began or `forget_peak`."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) << 10


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
