"""Uploaded tables: read as they are, seen by their query alone, and refused in a sentence where they are too much."""

import io
import os
import time

import duckdb
import numpy as np
import pytest
from asking import answer, table_of
from astropy.table import Table

import sedsql
from sedsql.service.errors import ServiceError
from sedsql.service.workers import Settings, Task
from sedsql.service.workers.lockdown import lock, places
from sedsql.service.workers.settings import UploadLimits
from sedsql.service.workers.uploads import parse

pytestmark = pytest.mark.slow

MOST = UploadLimits(bytes=2_000_000, rows=1_000, columns=50, row=10_000)
QUERY = "SELECT t.name, t.x, g.source_id FROM TAP_UPLOAD.mine AS t JOIN gaiadr3.gaia_source AS g ON g.source_id = t.id"


@pytest.fixture(scope="module")
def pool(pool_of, sky):
    return pool_of(sky, workers=2, uploads=MOST)


@pytest.fixture
def uploaded(tmp_path):
    """`uploaded(table or bytes)` is a VOTable's file, as it comes."""

    def write(content: Table | bytes, kind: str = "binary2"):
        path = tmp_path / f"upload-{len(list(tmp_path.iterdir()))}"
        if isinstance(content, Table):
            file = io.BytesIO()
            content.write(file, format="votable", tabledata_format=kind)
            content = file.getvalue()
        path.write_bytes(content)
        return path

    return write


def task(query: str, **uploads) -> Task:
    return Task(query, format="arrow", uploads=tuple(uploads.items()))


@pytest.mark.parametrize("kind", ["binary2", "binary", "tabledata"])
def test_a_query_joins_an_upload(ask, pool, sky, uploaded, kind):
    with sedsql.connect(sky) as con:
        ids = con.execute("SELECT TOP 3 source_id FROM gaiadr3.gaia_source ORDER BY source_id").arrow()["source_id"]
        table = Table({"id": ids.to_numpy(), "name": ["a", "b", "c"], "x": [0.5, 1.5, np.nan]})
        con.upload("mine", table)
        expected = con.execute(QUERY + " ORDER BY t.name").arrow()
    found = table_of(ask(answer(pool, task(QUERY + " ORDER BY t.name", mine=uploaded(table, kind))))[0])
    assert found.select(["name", "source_id"]).to_pylist() == expected.select(["name", "source_id"]).to_pylist()
    assert found["x"].to_pylist()[:2] == [0.5, 1.5]


def test_no_other_query_sees_an_upload(ask, pool, uploaded):
    mine, yours = uploaded(Table({"x": [1]})), uploaded(Table({"x": [2, 3]}))
    query = "SELECT SUM(x) AS n FROM TAP_UPLOAD.mine"
    asked = [answer(pool, task(query, mine=path), client=name) for path in (mine, yours) for name in "abc"]
    found = [table_of(data)["n"].to_pylist() for data, _ in ask(*asked)]
    assert found == [[1]] * 3 + [[5]] * 3
    for _ in range(4):  # each worker is asked
        with pytest.raises(ServiceError, match=r"(?i)tap_upload\.mine"):
            ask(answer(pool, query))
    schema = "SELECT table_name FROM TAP_SCHEMA.tables WHERE table_name LIKE '%mine%'"
    assert ask(answer(pool, task(schema, mine=mine)))[1].rows == 0


@pytest.mark.parametrize("asked", ["y", "CAST(x AS INTEGER) AS y"])
def test_an_upload_is_gone_after_an_error(ask, lone, uploaded, asked):
    with pytest.raises(ServiceError):
        ask(answer(lone, task(f"SELECT {asked} FROM TAP_UPLOAD.mine", mine=uploaded(Table({"x": ["word"]})))))
    with pytest.raises(ServiceError, match=r"(?i)tap_upload\.mine"):
        ask(answer(lone, "SELECT x FROM TAP_UPLOAD.mine"))


def test_an_upload_is_gone_after_an_answer_that_was_not_read(ask, lone, uploaded):
    async def leave() -> None:
        query = "SELECT a.*, m.x FROM TAP_UPLOAD.mine AS m, gaiadr3.gaia_source AS a, gaiadr3.gaia_source AS b"
        run = lone.submit(task(query, mine=uploaded(Table({"x": [1]}))), client="someone")
        await run.head()
        run.cancel()
        await run.outcome()

    ask(leave())
    with pytest.raises(ServiceError, match=r"(?i)tap_upload\.mine"):
        ask(answer(lone, "SELECT x FROM TAP_UPLOAD.mine"))


def votable(fields: str, data: str, before: str = "") -> bytes:
    table = f"<TABLE>{fields}<DATA>{data}</DATA></TABLE>"
    return f'<?xml version="1.0"?>{before}<VOTABLE version="1.4"><RESOURCE>{table}</RESOURCE></VOTABLE>'.encode()


X = '<FIELD name="x" datatype="int"/>'
LAUGHS = "<!DOCTYPE V [" + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(10))
ROW = "<TR><TD>1</TD></TR>"
TWO = "<TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA>"
LONG_CELL = '<FIELD name="x" datatype="double" arraysize="999999999"/>'
TEXTS = '<FIELD name="x" datatype="char" arraysize="1x9999"/>'
HOSTILE = {
    "entities": (votable(X, "<TABLEDATA><TR><TD>&l9;</TD></TR></TABLEDATA>", LAUGHS + "]>"), "declares entities", 413),
    "a file": (votable(X, "<TABLEDATA/>", '<!DOCTYPE V [<!ENTITY f SYSTEM "/etc/passwd">]>'), "declares entities", 413),
    "a link": (votable(X, '<BINARY2><STREAM href="file:///etc/passwd"/></BINARY2>'), "not written in it", 400),
    "long cells": (votable(LONG_CELL, "<BINARY2><STREAM encoding='base64'/>"), "announces rows of", 413),
    "many texts": (votable(TEXTS, f"<TABLEDATA>{ROW * 20_000}"), "more than", 413),
    "rows": (votable(X, f"<TABLEDATA>{ROW * 1_001}</TABLEDATA>"), "1,001 rows; uploads may have 1,000", 413),
    "columns": (votable(X * 51, "<TABLEDATA/>"), "more than 50 columns", 413),
    "bytes": (votable(X, f"<TABLEDATA>{' ' * 2_000_000}</TABLEDATA>"), "uploads may have 1.91 MB", 413),
    "depth": (votable(X, "<TABLEDATA/>", "<VOTABLE>" * 1_000), "elements in each other", 413),
    "no table": (b"<VOTABLE><RESOURCE/></VOTABLE>", "has no table", 400),
    "no XML": (b"id,x\n1,2\n", "The VOTable of mine", 400),
    "nothing": (b"", "The VOTable of mine", 400),
    "cut off": (votable(X, f"<TABLEDATA>{ROW}")[:-60], "not whole", 400),
    "two columns of a name": (votable(X + X, TWO), "both called x", 400),
    "no number": (votable(X, "<TABLEDATA><TR><TD>one</TD></TR></TABLEDATA>"), "a cell that is no int", 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_upload_is_refused_in_a_sentence(ask, pool, uploaded, name):
    content, sentence, status = HOSTILE[name]
    before, began = pool.processes, time.monotonic()
    with pytest.raises(ServiceError) as error:
        ask(answer(pool, task("SELECT * FROM TAP_UPLOAD.mine", mine=uploaded(content))))
    assert sentence in error.value.message, error.value.message
    assert "answer" not in error.value.message.lower()
    assert error.value.status == status
    assert "\n" not in error.value.message
    assert time.monotonic() - began < 10
    assert pool.processes == before


@pytest.mark.parametrize("name", ["a b", 'x"; DROP TABLE y; --', "1x", ""])
def test_a_bad_name_of_an_upload_is_refused(ask, pool, uploaded, name):
    with pytest.raises(ServiceError, match="cannot be a table's name"):
        ask(answer(pool, task("SELECT 1 AS x FROM gaiadr3.gaia_source", **{name: uploaded(Table({"x": [1]}))})))


def test_parsing_is_stopped_between_blocks(uploaded):
    class StopNow(Exception):  # noqa: N818
        pass

    def check():
        raise StopNow

    with pytest.raises(StopNow):
        parse("mine", uploaded(Table({"x": [1]})), MOST, check)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM read_parquet('http://localhost:1/x.parquet')",
        "COPY (SELECT 1) TO '{outside}.csv'",
        "ATTACH '{outside}.duckdb'",
        "INSTALL httpfs",
        "LOAD '{outside}'",
        "SET memory_limit = '1TB'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
    ],
)
def test_duckdb_is_shut_in_even_if_a_statement_got_through(sky, tmp_path, statement):
    outside = tmp_path / "outside"
    outside.write_text("secret")
    with sedsql.connect(sky) as con:
        cursor = con.cursor()
        lock(con.duckdb, Settings(sky, tmp_path / "temporary"), places(sky))
        with pytest.raises(duckdb.Error):
            con.duckdb.execute(statement.format(outside=outside)).fetchall()
        assert cursor.execute("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source").fetchone() == (2_000,)
    assert os.listdir(tmp_path) == ["outside"]
