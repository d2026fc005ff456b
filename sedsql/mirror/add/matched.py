"""Ask for the rows that belong to sources, by their source_id: by a join, or by a list of keys that is sent along."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import duckdb
import pyarrow as pa

from sedsql.adql.parser.identifiers import quoted
from sedsql.catalogue import SOURCE_ID_SHIFT
from sedsql.catalogue.datatypes import arrow_type
from sedsql.mirror.add.partitioning import Partitioning
from sedsql.mirror.layout import escaped, on_disk
from sedsql.mirror.ranges import Ranges
from sedsql.mirror.table_state import TableState
from sedsql.sql_text import identifier


@dataclass(frozen=True)
class Matched(Partitioning):
    """The rows of `table`, AS t, that match a source whose source_id is in the piece.

    joins : the FROM clause, from the match table AS m to t
    key : the column of t that tells its rows apart; several pieces can bring the same row
    match_table, match_column : where the mirror itself has the wanted keys
    """

    joins: str = ""
    key: str = ""
    match_table: str = ""
    match_column: str = ""

    kind: ClassVar[str] = "matched"

    def select(self, piece: Ranges) -> str:
        return f"SELECT DISTINCT {self._columns} FROM {self.joins} WHERE {self._where(piece)}"

    def count(self, piece: Ranges) -> str:
        inner = f"SELECT DISTINCT t.{quoted(self.key)} FROM {self.joins} WHERE {self._where(piece)}"
        return f"SELECT COUNT(*) AS n FROM ({inner}) AS d"

    @property
    def of_list(self) -> str:
        """The ADQL of the rows whose keys are in the table `wanted`, which is sent along."""
        key = quoted(self.key)
        return f"SELECT {self._columns} FROM {self.table} AS t JOIN TAP_UPLOAD.wanted AS u ON t.{key} = u.{key}"

    @property
    def _columns(self) -> str:
        return ", ".join(f"t.{quoted(name)}" for name in self.columns)

    def _tests(self, piece: Ranges) -> list[str]:
        return [f"m.source_id BETWEEN {low} AND {high - 1}" for low, high in _source_ids(piece)]

    def wanted(self, folder: Path, matches: TableState, piece: Ranges) -> pa.Table:
        """The keys that the mirror's matches name for a piece, each once."""
        first, last = piece[0][0], piece[-1][1] - 1
        near = [escaped(on_disk(folder, file)) for file in matches.files.values() if file.meets(first, last)]
        if not near:
            return pa.table({self.key: pa.array([], arrow_type(matches.table.columns[self.match_column].datatype))})
        column, key = identifier(self.match_column), identifier(self.key)
        tests = " OR ".join(f"(source_id >= {low} AND source_id < {high})" for low, high in _source_ids(piece))
        query = f"SELECT DISTINCT {column} AS {key} FROM read_parquet(?) WHERE ({tests}) AND {column} IS NOT NULL"
        with duckdb.connect() as con:
            return con.sql(f"{query} ORDER BY 1", params=[near]).to_arrow_table()


def _source_ids(piece: Ranges) -> Ranges:
    return [(low << SOURCE_ID_SHIFT, high << SOURCE_ID_SHIFT) for low, high in piece]
