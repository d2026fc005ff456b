"""A mirror of a mirror: sedsql's own client fetches from a service of sedsql, and every row is the same."""

import subprocess
import sys

import pytest

import sedsql
from sedsql.mirror.add import Download, pieces
from sedsql.mirror.database import open_mirror
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.verify import verify_remote
from sedsql.tap.errors import TapError
from sedsql.tap.service import Service

pytestmark = pytest.mark.slow

REGION = "CIRCLE(266.4, -29, 60)"


def command(*arguments):
    ran = subprocess.run([sys.executable, "-m", "sedsql", *arguments], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def rows_of(mirror, table, columns="*"):
    with open_mirror(mirror) as con:
        return con.sql(f"SELECT {columns} FROM {table} ORDER BY ALL").to_arrow_table()


@pytest.fixture(scope="module")
def fetched(url, sky, tmp_path_factory):
    """A mirror into which each table of another was fetched from its service."""
    mirror = tmp_path_factory.mktemp("fetched") / "m"
    with Download.to(mirror) as download:
        for table in Mirror.read(sky).tables:
            download.table(table, Service(url))
    return mirror


def test_every_table_is_the_same_row_for_row(fetched, sky):
    tables = Mirror.read(sky).tables
    assert len(tables) == 7
    for name in tables:
        got, expected = rows_of(fetched, name), rows_of(sky, name)
        assert got.schema.types == expected.schema.types, name
        assert got.equals(expected.rename_columns(got.column_names)), name
    assert list(verify_remote(Mirror.read(fetched), Service, lambda what, done, of=None: None)) == []


def test_columns_have_the_same_meaning(fetched, sky):
    ours, theirs = Mirror.read(fetched).tables, Mirror.read(sky).tables
    for name, state in theirs.items():
        for key, column in state.table.columns.items():
            got = ours[name].table.columns[key]
            assert (got.unit, got.ucd, got.description) == (column.unit, column.ucd, column.description), (name, key)


def test_what_is_classified_there_is_classified_alike_here(fetched, sky):
    query = "SELECT source_id, sed_class(s) AS class FROM sed.photometry AS s ORDER BY source_id"
    answers = []
    for mirror in (fetched, sky):
        with sedsql.connect(mirror) as con:
            answers.append(con.execute(query).fetchall())
    assert len(answers[0]) == 2_000
    assert answers[0] == answers[1]


def test_classes_are_fetched_as_columns(url, sky, tmp_path):
    columns = "source_id, class, class_probability"
    with Download.to(tmp_path / "m") as download:
        download.table("sed.classified", Service(url), columns=columns.split(", "))
    with sedsql.connect(sky) as con:
        expected = con.execute(f"SELECT {columns} FROM sed.classified ORDER BY source_id").fetchall()
    got = rows_of(tmp_path / "m", "sed.classified", columns)
    assert [tuple(row.values()) for row in got.to_pylist()] == expected


def test_the_seds_of_a_region(url, sky, tmp_path):
    command("mirror", "sed", tmp_path / "m", "--from", url, "--region", REGION, "--joined")
    with sedsql.connect(sky) as con, sedsql.connect(tmp_path / "m") as mine:
        query = f"SELECT * FROM sed.photometry AS s WHERE 1 = CONTAINS(POINT(s.ra, s.dec), {REGION}) ORDER BY source_id"
        expected = con.execute(query).fetchall()
        assert len(expected) > 100
        assert mine.execute(query).fetchall() == expected


def test_a_table_with_neither_positions_nor_an_index_comes_whole_or_not_at_all(url, sky, tmp_path, monkeypatch):
    table, where = "gaiadr3.tmass_psc_xsc_join", "clean_tmass_psc_xsc_oid > 100"
    with Download.to(tmp_path / "m") as download:
        rows = download.table(table, Service(url), where=where)
    with open_mirror(sky) as con:
        assert con.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone() == (rows,)
    assert rows > 100
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1_000)
    with pytest.raises(TapError, match="add a condition with --where"), Download.to(tmp_path / "n") as download:
        download.table(table, Service(url))
