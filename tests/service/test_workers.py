"""Processes that run queries: the same answers as `sedsql.connect`, ended by limits and by clients, and shut in."""

import asyncio
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from asking import answer, body, forget_peak, peak_memory, table_of

import sedsql
from sedsql.files.resources import folder
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.service.errors import ServiceError
from sedsql.service.workers import Task
from sedsql.service.workers.faults import LimitError
from sedsql.service.workers.run import StoppedError

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("query", QUERIES)
def test_answers_are_those_of_connect(ask, pool, sky, query):
    data, outcome = ask(answer(pool, query))
    with sedsql.connect(sky) as con:
        expected = con.execute(query).arrow()
    found = table_of(data)
    assert found.equals(expected)
    assert [field.metadata for field in found.schema] == [field.metadata for field in expected.schema]
    assert (outcome.rows, outcome.bytes, outcome.overflow) == (len(expected), len(data), False)


@pytest.mark.parametrize("engine", ["onnx", "native"])
def test_a_users_model_answers_in_a_worker(ask, pool_of, sky, tmp_path, engine):
    """It is read after the database is shut in."""
    mine = shutil.copytree(folder("models") / "lite-2", tmp_path / "mine-7")
    card = json.loads((mine / "card.json").read_text())
    (mine / "card.json").write_text(json.dumps({**card, "name": "mine-7"}))
    query = "SELECT s.source_id, sed_class(s, 'mine-7') AS c FROM sed.photometry AS s ORDER BY source_id"
    found = table_of(ask(answer(pool_of(sky, engine=engine, models=(mine,)), query))[0])
    with sedsql.connect(sky) as con:
        expected = con.execute(query.replace("mine-7", "lite-2")).arrow()
    assert found.equals(expected)


def test_maxrec_cuts_and_says_so(ask, pool):
    query = "SELECT source_id FROM gaiadr3.gaia_source"
    for maxrec, rows, overflow in [(0, 0, True), (7, 7, True), (2_000, 2_000, False), (9_999, 2_000, False)]:
        data, outcome = ask(answer(pool, Task(query, maxrec, "arrow")))
        assert (len(table_of(data)), outcome.rows, outcome.overflow) == (rows, rows, overflow)


def test_maxrec_0_computes_nothing(ask, pool):
    before = time.monotonic()
    data, _ = ask(answer(pool, Task(LONG, 0, "arrow")))
    assert time.monotonic() - before < 10
    assert table_of(data).num_columns == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("SELECT rax FROM gaiadr3.gaia_source", "There is no column 'rax' (line 1, column 8): did you mean ra?"),
        ("SELECT ra\nFROM gaia", "line 2, column 6"),
        ("DROP TABLE gaiadr3.gaia_source", "line 1, column 1"),
        ("SELECT CAST(designation AS INTEGER) AS x FROM gaiadr3.gaia_source", "is no whole number"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(ask, pool, query, sentence):
    with pytest.raises(ServiceError) as error:
        ask(answer(pool, query))
    assert sentence in error.value.message
    assert "\n" not in error.value.message
    assert error.value.status == 400


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM read_parquet('{mirror}/**')",
        "SELECT read_text('/etc/passwd') FROM gaiadr3.gaia_source",
        "SELECT getenv('HOME') FROM gaiadr3.gaia_source",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM information_schema.tables",
        "COPY gaiadr3.gaia_source TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.duckdb'",
        "SELECT sed_class(s, '/etc/passwd') FROM sed.photometry AS s",
        "SELECT 1 AS x FROM gaiadr3.gaia_source; SELECT * FROM read_csv('/etc/passwd')",
        "SET memory_limit = '1TB'",
    ],
)
def test_a_query_reads_nothing_but_tables(ask, pool, sky, query):
    with pytest.raises(ServiceError) as error:
        ask(answer(pool, query.format(mirror=sky)))
    assert error.value.status == 400


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


def test_a_pool_counts_what_it_does(ask, pool_of, sky):
    one = pool_of(sky)

    async def some() -> None:
        data = (await answer(one, QUERIES[0]))[0]
        with pytest.raises(ServiceError):
            await answer(one, "SELECT nothing FROM gaiadr3.gaia_source")
        run = one.submit(Task(LONG), client="someone", is_job=True)
        await run.started()
        assert (one.running, one.waiting, one.waiting_jobs) == (1, 0, 0)
        run.cancel()
        await run.outcome()
        counts = one.counts
        assert (counts.queries, counts.jobs, counts.failed, counts.stopped, counts.refused) == (2, 1, 1, 1, 0)
        assert (counts.rows, counts.bytes) == (2_000, len(data))
        assert counts.seconds > 0
        assert one.running == 0

    ask(some())


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


def test_a_worker_that_is_killed_while_it_waits_costs_no_query(ask, pool_of, sky):
    one = pool_of(sky)
    (worker,) = one.processes
    os.kill(worker, signal.SIGKILL)
    assert ask(answer(one, QUERIES[3]))[1].rows == 1
    assert worker not in one.processes


def test_clients_take_turns(ask, pool_of, sky):
    async def order() -> list[str]:
        one = pool_of_one
        runs = [one.submit(Task(QUERIES[3], format="csv"), client=name) for name in "aaaaabac"]
        for run in runs:
            await body(run)
        return [run.client for run in sorted(runs, key=lambda run: run.began)]

    pool_of_one = pool_of(sky)
    # The first runs at once; of the others, a's wait for their turns.
    assert "".join(ask(order())) in ("abcaaaaa", "aabcaaaa")


def test_a_busy_pool_says_when_to_come_again(ask, pool_of, sky):
    async def refused() -> None:
        runs = [busy.submit(Task(LONG), client="a")]
        await runs[0].started()
        runs += [busy.submit(Task(LONG), client=name) for name in "bc"]
        with pytest.raises(ServiceError, match="2 queries wait, the most that it lets wait") as error:
            busy.submit(Task(LONG), client="d")
        assert error.value.status == 503
        assert error.value.retry_after >= 1
        jobs = [busy.submit(Task(LONG), client="d", is_job=True) for _ in range(5)]  # they may wait for long
        for run in runs + jobs:
            run.cancel()
            await run.outcome()
        assert busy.counts.refused == 1

    busy = pool_of(sky, queue=2)
    ask(refused())


def test_who_has_most_queries_waiting_gives_way(ask, pool_of, sky):
    async def full() -> None:
        runs = [busy.submit(Task(LONG), client="hog")]
        await runs[0].started()
        runs += [busy.submit(Task(LONG), client="hog") for _ in range(3)]
        other = [busy.submit(Task(LONG), client="other") for _ in range(1)]
        with pytest.raises(ServiceError, match="3 queries wait") as error:
            await runs[-1].head()
        assert error.value.status == 503
        assert error.value.retry_after >= 1
        for client in ("other", "hog"):  # neither has more than one more than it would have then
            with pytest.raises(ServiceError, match="3 queries wait"):
                busy.submit(Task(LONG), client=client)
        assert busy.waiting == 3
        for run in runs + other:
            run.cancel()
            await run.outcome()

    busy = pool_of(sky, queue=3)
    ask(full())


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


def test_jobs_leave_a_worker_to_queries_and_have_one(ask, pool):
    async def both() -> None:
        jobs = [pool.submit(Task(LONG, format="csv"), client=name, is_job=True) for name in "ab"]
        await jobs[0].started()
        await asyncio.sleep(0.1)
        assert jobs[1].phase == "QUEUED"
        assert (await answer(pool, QUERIES[3]))[1].rows == 1
        for job in jobs:
            job.cancel()
            await job.outcome()
        queries = [pool.submit(Task(LONG), client="c") for _ in range(4)]
        job = pool.submit(Task(QUERIES[3], format="csv"), client="a", is_job=True)
        queries[0].cancel()
        await body(job)  # before the queries that came earlier
        assert queries[2].phase == "QUEUED"
        for query in queries:
            query.cancel()
            await query.outcome()

    ask(both())


def test_a_slow_client_fills_no_memory(ask, pool_of, sky):
    one = pool_of(sky)

    async def slow() -> None:
        run = one.submit(Task(ROWS, 300_000, "csv"), client="someone")
        await run.head()
        (worker,) = one.processes
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

    outcome = ask(write(ROWS, seconds=1))
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
def test_a_votable_tells_an_error_in_the_middle_of_its_rows(ask, pool, sky, form):
    """Each of four million rows is a text that spells a number, but for one."""
    with sedsql.connect(sky) as con:
        (most,) = con.execute("SELECT MAX(ra) FROM gaiadr3.gaia_source").fetchone()
    word = f"CASE WHEN a.ra + b.ra > {2 * most - 1e-9} THEN 'much' ELSE '1' END"
    query = f"SELECT CAST({word} AS INTEGER) AS n FROM {{0}} AS a, {{0}} AS b"

    async def read():
        run = pool.submit(Task(query.format("gaiadr3.gaia_source"), format=form), client="someone")
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


def test_a_mirror_that_changes_is_followed(ask, pool_of, tmp_path):
    write_sample(tmp_path / "sky", 500, seed=1, stores=False)
    one = pool_of(tmp_path / "sky")
    count = "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source"
    assert table_of(ask(answer(one, count))[0])["n"].to_pylist() == [500]
    write_sample(tmp_path / "sky", 300, seed=1, stores=False, force=True)
    assert table_of(ask(answer(one, count))[0])["n"].to_pylist() == [300]


def test_a_catalogue_that_is_used_where_it_lies_can_be_added(ask, pool_of, tmp_path):
    """A worker opens files in the mirror's folders alone, and the mirror has one more now."""
    write_sample(tmp_path / "sky", 300, seed=1, stores=False)
    write_sample(tmp_path / "other", 200, seed=2, stores=False)
    one = pool_of(tmp_path / "sky")
    count = "SELECT COUNT(*) AS n FROM {}"
    assert table_of(ask(answer(one, count.format("gaiadr3.gaia_source")))[0])["n"].to_pylist() == [300]
    import_files(tmp_path / "sky", [tmp_path / "other" / "gaiadr3" / "gaia_source"], "other.gaia", stores=False)
    assert Mirror.read(tmp_path / "sky").tables["other.gaia"].place is not None
    assert table_of(ask(answer(one, count.format("other.gaia")))[0])["n"].to_pylist() == [200]


def test_a_folder_that_is_no_mirror_is_told(loop, tmp_path, pool_of):
    with pytest.raises(ServiceError, match=r"No worker can be started: .* does not exist"):
        pool_of(tmp_path / "nothing")
    shutil.rmtree(tmp_path)
