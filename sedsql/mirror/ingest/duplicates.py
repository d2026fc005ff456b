"""Refuse rows that are twice in new files, or in the table already."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from sedsql.catalogue import Table
from sedsql.mirror.layout import escaped, on_disk
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.sort import SCRATCH
from sedsql.mirror.table_state import File, TableState
from sedsql.sql_text import identifier, literal

_MEMORY = "400MB"


def key_of(table: Table) -> str | None:
    """The column that tells the rows apart: source_id, or the main identifier by its UCD; None if it takes all.

    A table without positions, such as the matches of two catalogues, may have more rows of a source.
    """
    if not table.position:
        return None
    main = (column.name for column in table.columns.values() if column.ucd == "meta.id;meta.main")
    return "source_id" if "source_id" in table.columns else next(main, None)


def refuse(folder: Path, table: Table, files: Sequence[File], there: TableState | None, repeated: int | None) -> None:
    """Raise MirrorError where rows of new files are there twice, or in the table already.

    folder : of the mirror
    there : the table, if it has rows
    repeated : how many keys the files have more than once, where that is known
    """
    key = key_of(table)
    columns = [key] if key else list(table.columns)
    listed = ", ".join(map(identifier, columns))
    only = f"WHERE {listed} IS NOT NULL" if key else ""
    what = f"values of {key}" if key else "rows"
    with duckdb.connect() as con:
        con.execute(f"SET memory_limit = '{_MEMORY}'")
        con.execute("SET temp_directory = ?", [str(folder / SCRATCH)])
        new = f"SELECT {listed} FROM {_read(folder, files)} {only}" if files else None
        if new and repeated is None:
            repeated = _count(con, f"SELECT 1 FROM ({new}) GROUP BY {listed} HAVING count(*) > 1")
        if repeated:
            raise MirrorError(
                f"{repeated:,} {what} appear more than once in the files, and no row may be in {table.name} twice; "
                "leave out the file that repeats them"
            )
        old = [file for file in there.files.values() if any(_meet(file, other) for other in files)] if there else []
        if new and old:
            both = _count(con, f"{new} INTERSECT SELECT {listed} FROM {_read(folder, old)} {only}")
            if both:
                raise MirrorError(
                    f"{both:,} {what} of the files are in {table.name} of this mirror already; "
                    "import the other files alone, or put these in place of the whole table with --replace"
                )


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    found = con.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return found[0] if found else 0


def _meet(one: File, other: File) -> bool:
    """Whether two files may have rows of the same cell."""
    if one.low is None or other.low is None:
        return True
    return one.low <= (other.high or 0) and other.low <= (one.high or 0)


def _read(folder: Path, files: Sequence[File]) -> str:
    listed = ", ".join(literal(escaped(on_disk(folder, file))) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"
