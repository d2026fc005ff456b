"""Two workers of a cluster, asked over Spark Connect, give what DuckDB gives, also when one is killed as they write."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import asked
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.spark
HERE = Path(__file__).parent
PATIENCE = max(200, asked.ROWS // 1000)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    from cluster import started

    with started(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def client(cluster, source, answers, select, *models):
    from cluster import CHECKOUT, SPARK

    command = [sys.executable, str(HERE / "client.py"), cluster.remote, source, answers, select, *models]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{CHECKOUT}:{SPARK.parent}"}
    return subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(process):
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    return said


def test_awkward_rows_get_the_bits_of_duckdb_over_connect(cluster, tmp_path):
    source, answers, mine = tmp_path / "rows.parquet", tmp_path / "answers", tmp_path / "mine-1"
    asked.write_awkward(source, asked.ROWS)
    shutil.copytree(Path("models/lite-2").resolve(), mine)
    card = json.loads((mine / "card.json").read_text())
    (mine / "card.json").write_text(json.dumps(card | {"name": "mine-1"}))
    own = asked.SELECT.replace("'lite-2'", "'mine-1'")
    assert own != asked.SELECT
    said = finished(client(cluster, source, answers, f"id, {own}", mine))
    assert "sed_class takes a row as a struct, such as struct(s.*), not int64." in said
    assert "Traceback" not in said
    assert asked.differences(f"{answers}/*.parquet", source) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"rows.parquet", "answers"}


def test_a_worker_that_is_killed_while_it_writes_loses_no_row_and_writes_none_twice(cluster, tmp_path):
    from cluster import kill

    source, answers = tmp_path / "rows.parquet", tmp_path / "answers"
    rows = max(150_000, asked.ROWS)
    asked.write_awkward(source, rows)
    select = f"sed_answer({asked.BANDS}, 'shape-2') AS answer, sed_class({asked.BANDS}) AS class"
    process = client(cluster, source, answers, f"id, {select}")
    end = time.monotonic() + PATIENCE
    while not (done := list(answers.rglob("task_*/*.parquet"))) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert done, "nothing was written that a kill could have spared"
    kill(cluster.workers[1])
    assert not (answers / "_SUCCESS").exists(), "all was written before the worker was killed"
    finished(process)
    assert (answers / "_SUCCESS").exists()
    assert asked.differences(f"{answers}/*.parquet", source, select) == {}
    assert sum(pq.read_metadata(file).num_rows for file in answers.glob("*.parquet")) == rows
