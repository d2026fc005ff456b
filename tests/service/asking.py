"""An event loop in a thread, so that tests share workers, which take seconds to start; and what tests ask them."""

import asyncio
import threading
from pathlib import Path

import pyarrow as pa

from sedsql.service.workers import Outcome, Pool, Run, Task

SECONDS = 120

QUERIES = [
    "SELECT source_id, ra, dec, phot_g_mean_mag, designation FROM gaiadr3.gaia_source ORDER BY source_id",
    "SELECT s.source_id, sed_class(s) AS class, sed_proba(s, 'yso') AS p FROM sed.photometry AS s ORDER BY source_id",
    "SELECT source_id, class FROM sed.classified WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(83.8, -5.4, 30)) "
    "ORDER BY source_id",
    "SELECT COUNT(*) AS n, MAX(parallax) AS most FROM gaiadr3.gaia_source WHERE dec > 0",
    "SELECT table_name, description FROM TAP_SCHEMA.tables ORDER BY table_name",
    "SELECT TOP 0 ra FROM gaiadr3.gaia_source",
]
LONG = "SELECT SUM(SQRT(a.ra + b.ra * c.ra)) FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b, {table} AS c"
LONG = LONG.format(table="gaiadr3.gaia_source")
ROWS = "SELECT a.*, b.ra AS b_ra, b.dec AS b_dec FROM gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"
"""Four million rows, some 2 GB."""


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
