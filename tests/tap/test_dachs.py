"""The client works with a real service: GAVO DaCHS."""

import duckdb
import pytest

from sedsql.mirror.archive import TABLES
from sedsql.tap.columns import columns_of, same_columns
from sedsql.tap.errors import Refused
from sedsql.tap.service import Service

NAME = "gaiadr3.gaia_source"


@pytest.fixture(scope="module")
def real(dachs):
    return Service(dachs.url, timeout=60, attempts=2, delay=0.1, poll=0.1)


@pytest.mark.parametrize(
    "by_jobs, tables",
    [
        (False, (NAME, "gaiadr1.allwise_original_valid", "gaiadr1.tmass_original_valid")),
        (True, ("gaiadr1.allwise_original_valid",)),  # each job is a process
    ],
)
def test_every_row_of_every_table_comes(real, dachs, by_jobs, tables):
    real._by_jobs = by_jobs
    for name in tables:
        table = real.table(name)
        names = ", ".join(table.columns)
        answer = real.fetch(f"SELECT {names} FROM {name}", maxrec=100_000)
        same_columns(table, answer.table.schema)
        assert not answer.overflow
        files = dachs.mirror / name.replace(".", "/") / "**" / "*.parquet"
        ours = answer.table
        where = f"SELECT {names} FROM '{files}'"
        assert duckdb.sql(f"FROM ours EXCEPT ALL {where}").fetchall() == []
        assert duckdb.sql(f"{where} EXCEPT ALL FROM ours").fetchall() == []
        assert real.count(f"SELECT COUNT(*) FROM {name}") == len(ours) > 1_000
    real._by_jobs = False


def test_it_sends_binary2(real):
    real._know()
    assert "BINARY2" in real._format


def test_a_cut_answer_is_told(real):
    assert real.fetch(f"SELECT source_id FROM {NAME}", maxrec=10).overflow


def test_tables_and_their_columns(real):
    table = real.table(NAME.upper())
    assert table.name == NAME
    assert list(table.columns) == list(TABLES[NAME].columns)
    for name, column in TABLES[NAME].columns.items():
        assert (table.columns[name].unit, table.columns[name].ucd) == (column.unit, column.ucd)
        assert table.columns[name].datatype == column.datatype
    assert "source_id" in real.indexed(NAME)
    with pytest.raises(Refused, match=NAME):
        real.table("gaiadr3.gaia_sorce")


def test_a_wrong_query_is_refused(real):
    with pytest.raises(Refused, match="nope"):
        real.fetch(f"SELECT nope FROM {NAME}")


def test_the_schema_of_the_schema(real):
    answer = real.fetch("SELECT * FROM TAP_SCHEMA.columns")
    assert {"column_name", "datatype", "ucd"} <= {column.name for column in columns_of(answer.table.schema)}
