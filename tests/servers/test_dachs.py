"""The real server gives back every column and row that was put in, NULLs too, and stops at its limit."""

import warnings

import duckdb
import numpy as np
import pytest
from astropy.table import Table
from pyvo.dal import DALFormatError, DALOverflowWarning, TAPService

from . import resources

TYPES = {"BIGINT": np.int64, "SMALLINT": np.int16, "REAL": np.float32, "DOUBLE": np.float64, "VARCHAR": object}
QUERY = "SELECT source_id, ra FROM gaiadr3.gaia_source"


@pytest.mark.parametrize("table", resources.ARCHIVE, ids=lambda table: table.name)
def test_every_row_and_column(dachs, table):
    columns = ", ".join(table.columns)
    service = TAPService(dachs.url)
    got = service.run_sync(f"SELECT {columns} FROM {table.name}", maxrec=100_000).to_table()
    with duckdb.connect() as con:
        parquet = dachs.mirror / table.name.replace(".", "/") / "**/*.parquet"
        expected = con.sql(f"SELECT {columns} FROM '{parquet}'").to_arrow_table()
    assert len(got) == expected.num_rows > 10_000
    got, expected = in_order(got), in_order(Table({c: masked(expected[c]) for c in expected.column_names}))
    for column in table.columns.values():
        mine, archive = got[column.name], expected[column.name]
        assert mine.dtype == TYPES[column.datatype], column
        # The words of the unit may differ, as in mas.yr**-1 and mas / yr.
        assert (mine.unit is None) == (column.unit is None), column
        if column.datatype == "VARCHAR":
            # astropy reads a NULL string as an empty one, so the server is asked for their number.
            counted = service.run_sync(f"SELECT COUNT({column.name}) AS n FROM {table.name}")["n"][0]
            assert counted == np.ma.count(archive), column
            assert np.array_equal(mine, np.ma.filled(archive, "")), column
        else:
            assert np.array_equal(np.ma.getmaskarray(mine), np.ma.getmaskarray(archive)), column
            assert np.array_equal(np.ma.compressed(mine), np.ma.compressed(archive)), column


def masked(column):
    filled = column.fill_null("" if str(column.type) == "string" else 0)
    return np.ma.array(filled.to_numpy(), mask=column.is_null().to_numpy())


def in_order(table):
    """The rows by the first of the numbers that is another in each row."""
    key = next(name for name in table.colnames if table[name].dtype == np.int64 and len(set(table[name])) == len(table))
    return table[np.argsort(table[key])]


@pytest.mark.parametrize("rows", [pytest.param(rows, marks=pytest.mark.limit(rows)) for rows in (2_000, 20_000)])
def test_it_stops_at_its_limit(dachs, rows):
    service = TAPService(dachs.url)
    assert service.hardlimit == rows
    with pytest.warns(DALOverflowWarning):
        assert len(service.run_sync(QUERY, maxrec=100_000)) == rows
    assert service.run_sync("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source")["n"][0] == 30_000


def test_it_can_be_killed_and_comes_back(dachs):
    service = TAPService(dachs.url)
    dachs.kill()
    with pytest.raises(DALFormatError):
        service.run_sync(QUERY)
    dachs.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(service.run_sync(QUERY, maxrec=7)) == 7
