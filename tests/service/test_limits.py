"""Queries are ended by clients and by limits, and workers that die are replaced."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from asking import LONG, QUERIES, ROWS, answer, body, forget_peak, peak_memory, table_of

import sedsql
from sedsql.service.errors import ServiceError
from sedsql.service.workers import Task
from sedsql.service.workers.faults import LimitError
from sedsql.service.workers.run import StoppedError

pytestmark = pytest.mark.slow


def test_a_query_is_stopped_at_once_and_its_worker_goes_on(ask, pool):
    before = pool.processes

    async def stop() -> float:
        run = pool.submit(Task(LONG), client="someone")
        await run.started()
        await asyncio.sleep(0.3)
        stopped = time.monotonic()
        run.cancel()
        with pytest.raises(StoppedError):
            await run.head()
        assert isinstance((await run.outcome()).error, StoppedError)
        return time.monotonic() - stopped

    assert ask(stop()) < 1
    assert len(table_of(ask(answer(pool, QUERIES[0]))[0])) == 2_000
    assert pool.processes == before


def test_a_query_that_waits_is_stopped_without_a_worker(ask, pool):
    async def stop() -> None:
        running = [pool.submit(Task(LONG), client="someone") for _ in range(2)]
        run = pool.submit(Task(LONG), client="someone")
        await asyncio.sleep(0.1)
        assert run.phase == "QUEUED"
        run.cancel()
        assert run.phase == "ENDED"
        assert pool.waiting == 0
        for one in running:
            one.cancel()
            await one.outcome()

    ask(stop())


def test_a_query_ends_at_its_limit_of_time(ask, pool):
    before = pool.processes
    with pytest.raises(LimitError, match=r"took longer than 0\.5 seconds, its limit"):
        ask(answer(pool, LONG, seconds=0.5))
    assert pool.processes == before


def test_an_answer_that_takes_too_long_is_cut_off_and_says_so(ask, pool):
    async def read() -> int:
        run = pool.submit(Task(ROWS, format="csv"), client="someone", seconds=1.5)
        await run.head()
        size = 0

        async def take() -> None:
            nonlocal size
            async for chunk in run.body():
                size += len(chunk)
                await asyncio.sleep(0.05)

        with pytest.raises(LimitError, match="took longer"):
            await take()
        assert isinstance((await run.outcome()).error, LimitError)
        return size

    assert ask(read()) > 1_000_000


def test_a_query_ends_at_the_limit_of_memory_that_duckdb_has(ask, pool_of, sky):
    small = pool_of(sky, memory=500 << 20, disk=50 << 20)
    query = (
        "SELECT DISTINCT a.ra + b.ra AS x, a.designation || b.designation AS y FROM {0} AS a, {0} AS b ORDER BY x, y"
    )
    query = query.format("gaiadr3.gaia_source")
    with pytest.raises(LimitError, match=r"needs more than 500 MB of memory and 50 MB of disk"):
        ask(answer(small, query))
    assert ask(answer(small, QUERIES[3]))[1].rows == 1


def test_a_worker_that_grows_beyond_its_memory_is_ended(ask, pool_of, sky):
    tiny = pool_of(sky, memory=100 << 20)  # less than a worker has when it starts
    before = tiny.processes
    with pytest.raises(LimitError, match="needs more than 100 MB of memory"):
        ask(answer(tiny, LONG))

    async def another() -> list[int]:
        while not tiny.processes:
            await asyncio.sleep(0.1)
        return tiny.processes

    assert len(ask(another())) == 1
    assert tiny.processes != before


def test_a_worker_that_is_killed_is_replaced_and_its_query_is_an_error(ask, pool):
    async def killed() -> None:
        before = set(pool.processes)
        run = pool.submit(Task(LONG), client="someone")
        await run.started()
        await asyncio.sleep(0.2)
        (worker,) = [one for one in before if _is_busy(one)]
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(ServiceError, match="process that ran the query ended before it") as error:
            await run.head()
        assert error.value.status == 500
        for _ in range(4):
            assert (await answer(pool, QUERIES[3]))[1].rows == 1
        while len(pool.processes) < 2:
            await asyncio.sleep(0.1)
        assert before - set(pool.processes) == {worker}

    ask(killed())


def _is_busy(process: int) -> bool:
    """Whether a process has computed within a tenth of a second."""

    def ticks() -> int:
        values = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(values[11]) + int(values[12])

    before = ticks()
    time.sleep(0.1)
    return ticks() > before


def test_a_worker_that_is_killed_while_it_waits_costs_no_query(ask, lone):
    (worker,) = lone.processes
    os.kill(worker, signal.SIGKILL)
    assert ask(answer(lone, QUERIES[3]))[1].rows == 1
    assert worker not in lone.processes


def test_workers_end_with_their_server_and_not_before(ask, pool):
    """A service manager sends SIGTERM to all processes of a service."""
    before = pool.processes

    async def go_on() -> None:
        run = pool.submit(Task(ROWS, 30_000, "csv"), client="someone")
        await run.started()
        for process in before:
            os.kill(process, signal.SIGTERM)
            os.kill(process, signal.SIGINT)
        assert (await body(run)).count(b"\n") == 30_001

    ask(go_on())
    assert pool.processes == before


def test_a_slow_client_fills_no_memory(ask, lone):
    async def slow() -> None:
        run = lone.submit(Task(ROWS, 300_000, "csv"), client="someone")
        await run.head()
        (worker,) = lone.processes
        for process in (os.getpid(), worker):
            forget_peak(process)
        before = peak_memory(os.getpid()), peak_memory(worker)
        await asyncio.sleep(2)
        size = 0
        async for chunk in run.body():
            size += len(chunk)
        assert size > 100_000_000
        assert peak_memory(os.getpid()) - before[0] < 20_000_000
        assert peak_memory(worker) - before[1] < 200_000_000
        assert (await run.outcome()).rows == 300_000

    ask(slow())


def test_a_client_that_goes_away_ends_its_query(ask, pool):
    async def leave() -> None:
        run = pool.submit(Task(ROWS, format="csv"), client="someone")
        chunks = run.body()
        await anext(chunks)
        await chunks.aclose()
        assert run.is_cancelled
        assert isinstance((await run.outcome()).error, StoppedError)
        assert pool.running == 0

    ask(leave())


def test_an_answer_in_a_file_is_there_whole_or_not_at_all(ask, pool, sky, tmp_path):
    async def write(query: str, **submitted):
        task = Task(query, format="arrow", output=tmp_path / "result")
        return await pool.submit(task, client="someone", **submitted).outcome()

    outcome = ask(write(ROWS, seconds=0.2))
    assert isinstance(outcome.error, LimitError)
    assert not list(tmp_path.iterdir())
    outcome = ask(write(QUERIES[0]))
    assert outcome.error is None
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    data = (tmp_path / "result").read_bytes()
    assert (outcome.rows, outcome.bytes) == (2_000, len(data))
    with sedsql.connect(sky) as con:
        assert table_of(data).equals(con.execute(QUERIES[0]).arrow())


def test_an_answer_that_is_larger_than_files_may_be_is_an_error(ask, pool_of, sky, tmp_path):
    small = pool_of(sky, disk=3 << 20)
    for form, output in [("csv", tmp_path / "result"), ("fits", None), ("fits", tmp_path / "result")]:
        with pytest.raises(LimitError, match="more than 3 MB, the most that this service writes"):
            raise ask(_outcome_of(small, Task(ROWS, 100_000, form, output=output)))
        assert not list(tmp_path.iterdir())
        assert not list(small.settings.temporary.rglob("*.*"))
    assert ask(answer(small, QUERIES[3]))[1].rows == 1


async def _outcome_of(pool, task: Task):
    run = pool.submit(task, client="someone")
    if task.output is None:
        with pytest.raises(ServiceError):
            await body(run)
    return (await run.outcome()).error


@pytest.mark.parametrize("form", ["votable", "votable-binary", "votable-td"])
def test_a_votable_tells_an_error_in_the_middle_of_its_rows(ask, lone, sky, form):
    """Each of four million rows is a text that spells a number, but for the last: DuckDB computes some rows ahead."""
    with sedsql.connect(sky) as con:
        (last,) = con.execute("SELECT MAX(source_id) FROM gaiadr3.gaia_source").fetchone()
    word = f"CASE WHEN a.source_id = {last} AND b.source_id = {last} THEN 'much' ELSE '1' END"
    query = f"SELECT CAST({word} AS INTEGER) AS n FROM {{0}} AS a, {{0}} AS b"

    async def read():
        run = lone.submit(Task(query.format("gaiadr3.gaia_source"), format=form), client="someone")
        await run.head()
        return await body(run), await run.outcome()

    data, outcome = ask(read())
    assert outcome.told
    assert "The text 'much' is no whole number" in outcome.error.message
    assert b'name="QUERY_STATUS" value="ERROR">The text' in data
    assert data.rstrip().endswith(b"</VOTABLE>")


def test_a_format_that_cannot_hold_the_answer_is_told(ask, pool):
    columns = ", ".join(f"ra AS c{i}" for i in range(1_000))
    with pytest.raises(ServiceError, match="1,000 columns, and FITS holds 999") as error:
        ask(answer(pool, Task(f"SELECT {columns} FROM gaiadr3.gaia_source", format="fits")))
    assert error.value.status == 400


def test_a_votable_that_takes_too_long_says_so_and_is_whole(ask, pool):
    async def read():
        run = pool.submit(Task(ROWS, format="votable"), client="someone", seconds=1)
        await run.head()
        return await body(run), await run.outcome()

    data, outcome = ask(read())
    assert isinstance(outcome.error, LimitError)
    assert b'value="ERROR">The query took longer than 1 second, its limit' in data
    assert data.rstrip().endswith(b"</VOTABLE>")
