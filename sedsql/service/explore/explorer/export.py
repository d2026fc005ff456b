"""Write selected rows of a result in a format of files, with the units, UCDs and descriptions of their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.dbapi.described import described
from sedsql.files.streams import Output, StreamFormat, write_stream
from sedsql.service.explore.explorer.result import DRAWN, RESULT, Result

_VALUES = 1 << 20
"""Of a batch of rows, about."""
_VECTOR = 2048


def writer_of(
    con: duckdb.DuckDBPyConnection, result: Result, condition: str, query: str, format: StreamFormat
) -> Callable[[Output, Callable[[], object]], None]:
    """Ask for the rows for which a condition on `drawn` holds, in their order; what comes back writes them.

    con : a DuckDB cursor of its own: the rows are those of now, whatever becomes of the result
    query : the ADQL that has these rows
    """
    asked = result.asked.translation
    columns = len(list(result.columns))
    rows = con.sql(
        f"SELECT r.* FROM {RESULT} AS r POSITIONAL JOIN (SELECT ({condition}) AS is_selected FROM {DRAWN}) AS d "
        "WHERE d.is_selected"
    )
    reader = rows.to_arrow_reader(max(_VALUES // columns, _VECTOR))
    schema = described(reader.schema, asked.columns, query, asked.models)

    def write(file: Output, check: Callable[[], object]) -> None:
        """Write them; `check` is called between batches, and may raise."""

        def batches() -> Iterator[pa.RecordBatch]:
            check()
            for batch in reader:
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                check()

        with con:
            write_stream(file, format, schema, batches(), infos={"QUERY": query})

    return write


def numbers(con: duckdb.DuckDBPyConnection, condition: str) -> NDArray[np.uint32]:
    """The numbers of these rows, in the order in which they are written."""
    rows = con.sql(f"SELECT rowid::UINTEGER AS row FROM {DRAWN} WHERE {condition} ORDER BY row")
    found: NDArray[np.uint32] = rows.to_arrow_table()["row"].to_numpy()
    return found
