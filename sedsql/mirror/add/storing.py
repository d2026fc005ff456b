"""Store the rows of a piece that came, without those that another piece brought."""

import errno
from dataclasses import asdict
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from sedsql.catalogue import CELL
from sedsql.mirror.add.fetch_strategy import FetchStrategy
from sedsql.mirror.add.matched import Matched
from sedsql.mirror.add.pieces import Counted
from sedsql.mirror.layout import read_as
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.rows import sort_cells
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import TableWriter
from sedsql.sql_text import identifier


class Storing:
    """Stores pieces of a table in a mirror, and notes them in its journal."""

    def __init__(self, mirror: Mirror, state: TableState, strategy: FetchStrategy):
        self._mirror, self._state, self._strategy = mirror, state, strategy

    def store(self, counted: Counted, rows: pa.Table) -> int:
        """Store the rows of a piece; gives how many were new. Raises MirrorError where the disk is full."""
        state, folder = self._state, self._mirror.folder
        try:
            rows = self._new(rows)
            piece = Piece(
                self._name(counted),
                counted.ranges,
                rows.num_rows,
                counted.rows,
                self._strategy.question(counted.ranges),
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            about = {"source": self._strategy.service.url}
            with TableWriter(folder, state.table, state.order, piece.name, about, [asdict(piece)]) as writer:
                writer.write(rows)
                files = writer.close()
            self._mirror.add_piece(state, piece, files)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise MirrorError(
                f"The disk of {folder} is full; make room, and go on with `sedsql mirror resume {folder}`"
            ) from None
        return rows.num_rows

    def _name(self, counted: Counted) -> str:
        """A name for the piece that no other has."""
        name = f"{counted.ranges[0][0]}-{counted.ranges[-1][1]}"
        while name in self._state.pieces:  # a part of that one was lost, and is fetched now
            name += "a"
        return name

    def _new(self, rows: pa.Table) -> pa.Table:
        """Leave out the rows that came in another piece, where that is possible."""
        partitioning = self._strategy.partitioning
        if not isinstance(partitioning, Matched) or not rows.num_rows:
            return rows
        rows = sort_cells(self._state.table, rows)
        files = list(self._state.files.values())
        if CELL in rows.column_names:
            at = rows[CELL].to_numpy() >> self._state.table.cell_shift
            files = [file for file in files if file.meets(int(at.min()), int(at.max()))]
        if not files:
            return rows
        near = [read_as(self._mirror.folder, file) for file in files]
        key = partitioning.key
        with duckdb.connect() as con:
            con.register("came", rows.select([key]))
            column = identifier(key)
            there = con.execute(
                f"SELECT DISTINCT {column} FROM read_parquet(?) SEMI JOIN came USING ({column})", [near]
            ).fetchall()
        known = pa.array([value for (value,) in there], rows[key].type)
        return rows.filter(pa.compute.invert(pa.compute.is_in(rows[key], value_set=known)))
