"""Processes that run queries: the same answers as `sedsql.connect`, and nothing else is read."""

import json
import os
import resource
import shutil
import time

import pytest
from asking import LONG, QUERIES, answer, table_of

import sedsql
from sedsql.files.resources import folder
from sedsql.mirror.ingest import import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.service.errors import ServiceError
from sedsql.service.workers import Task

pytestmark = pytest.mark.slow


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
        "SELECT * FROM manifest.files",
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


def test_a_mirror_that_changes_is_followed(ask, pool_of, tmp_path):
    """Also where it has files in another folder then, such as a catalogue that is used where it lies."""
    write_sample(tmp_path / "sky", 300, seed=1, stores=False)
    one = pool_of(tmp_path / "sky")

    def count(table: str) -> int:
        return table_of(ask(answer(one, f"SELECT COUNT(*) AS n FROM {table}"))[0])["n"].to_pylist()[0]

    assert count("gaiadr3.gaia_source") == 300
    write_sample(tmp_path / "other", 200, seed=2, stores=False)
    write_sample(tmp_path / "sky", 250, seed=1, stores=False, force=True)
    assert count("gaiadr3.gaia_source") == 250
    with pytest.raises(ServiceError, match="There is no table"):
        count("manifest.files")
    import_files(tmp_path / "sky", [tmp_path / "other" / "gaiadr3" / "gaia_source"], "other.gaia", stores=False)
    assert Mirror.read(tmp_path / "sky").tables["other.gaia"].place is not None
    assert count("other.gaia") == 200


def test_a_folder_that_is_no_mirror_is_told(loop, tmp_path, pool_of):
    with pytest.raises(ServiceError, match=r"No worker can be started: .* does not exist"):
        pool_of(tmp_path / "nothing")
    shutil.rmtree(tmp_path)


def test_a_worker_is_stopped_whatever_the_number_of_its_socket(ask, pool_of, sky):
    """The server has a number for each connection, of which there may be thousands when a worker is started again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4_096), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        one = pool_of(sky)
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    before = one.processes

    async def stop() -> None:
        run = one.submit(Task(LONG), client="someone")
        await run.started()
        run.cancel()
        await run.outcome()

    ask(stop())
    assert ask(answer(one, QUERIES[3]))[1].rows == 1
    assert one.processes == before
