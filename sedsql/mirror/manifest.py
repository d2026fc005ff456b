"""What a mirror holds: its tables, the files they are in, the pieces they came in, and what is still wanted.

It stands in the schema `manifest` of DIR/mirror.duckdb. While a download runs, pieces that are done are
noted in DIR/journal.jsonl first, a line each, and go into the database file now and then.
"""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ..catalogue import Catalogue, Table
from ..errors import Error
from .cells import Ranges, minus, union
from .layout import File

VERSION = 2
RELATIVE = 1
"""The version of mirrors whose views have paths that DuckDB seeks in the current directory first."""
DATABASE = "mirror.duckdb"
JOURNAL = "journal.jsonl"


class MirrorError(Error):
    """A folder that is no mirror, or cannot be used as one."""


class LaterVersion(MirrorError):  # noqa: N818
    """A mirror that a later sedsql made."""


@dataclass(frozen=True)
class Piece:
    """Part of a table that came in one answer.

    name : begins the names of the files it went to
    ranges : of HEALPix cells of order 12, or of the values of an index column
    rows : how many are stored
    remote_rows : COUNT(*) of the service for the same question
    count_query : that question, in ADQL
    fetched : UTC, ISO 8601
    """

    name: str
    ranges: Ranges
    rows: int
    remote_rows: int | None = None
    count_query: str | None = None
    fetched: str | None = None


@dataclass
class Stored:
    """A table of the mirror.

    order : HEALPix order of its partitions; None for a table without cells
    service : URL of the TAP service that it came from
    condition : ADQL that every row meets besides
    slicing : how the question for it is cut in pieces, see `slices`
    wanted : the ranges that were asked for
    place : where it lies, if it is not in the mirror
    """

    table: Table
    order: int | None = None
    service: str | None = None
    condition: str | None = None
    slicing: dict | None = None
    place: str | None = None
    wanted: Ranges = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    pieces: dict[str, Piece] = field(default_factory=dict)

    @property
    def covered(self) -> Ranges:
        return union(range_ for piece in self.pieces.values() for range_ in piece.ranges)

    @property
    def missing(self) -> Ranges:
        """What was asked for and is not there."""
        return minus(self.wanted, self.covered)

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files.values())

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())


OWN_SCHEMAS = ("manifest", "tap_schema", "information_schema", "pg_catalog")
"""Schemas of a mirror that hold no table of an archive."""


def check_name(table: Table) -> None:
    """Raise MirrorError for a name that no table of a mirror can have, as a service may give it."""
    if table.parts[0].lower() in OWN_SCHEMAS:
        raise MirrorError(f"{table.name} cannot be in a mirror, which has a schema {table.parts[0]} of its own")
    if len(table.name) > 200 or not table.name.isprintable() or not table.name.strip():
        raise MirrorError(f"{table.name[:50]!r} is no name for a table: it is empty, too long, or has signs unseen")


Manifest = dict[str, Stored]
"""The tables of a mirror by lower-case name."""

_RANGES = pa.list_(pa.list_(pa.int64()))
_SCHEMAS = {
    "tables": pa.schema(
        {
            "table_name": pa.string(),
            "partition_order": pa.int32(),
            "service": pa.string(),
            "condition": pa.string(),
            "slicing": pa.string(),
            "place": pa.string(),
            "wanted": _RANGES,
        }
    ),
    "pieces": pa.schema(
        {
            "table_name": pa.string(),
            "name": pa.string(),
            "ranges": _RANGES,
            "rows": pa.int64(),
            "remote_rows": pa.int64(),
            "count_query": pa.string(),
            "fetched": pa.string(),
        }
    ),
    "files": pa.schema(
        {
            "table_name": pa.string(),
            "path": pa.string(),
            "rows": pa.int64(),
            "bytes": pa.int64(),
            "sha256": pa.string(),
            "low": pa.int64(),
            "high": pa.int64(),
            "pieces": pa.list_(pa.string()),
            "reach": pa.float64(),
        }
    ),
}


def write(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Write the schema `manifest` of the connection's current database anew."""
    rows: dict[str, list[dict]] = {name: [] for name in _SCHEMAS}
    for stored in manifest.values():
        table = {"table_name": stored.table.name}
        slicing = json.dumps(stored.slicing) if stored.slicing else None
        rows["tables"].append(
            table
            | {"partition_order": stored.order, "service": stored.service, "condition": stored.condition}
            | {"slicing": slicing, "place": stored.place, "wanted": stored.wanted}
        )
        rows["pieces"] += [table | asdict(piece) for piece in stored.pieces.values()]
        rows["files"] += [table | asdict(file) for file in stored.files.values()]
    con.execute("CREATE SCHEMA IF NOT EXISTS manifest")
    con.execute(f"CREATE OR REPLACE TABLE manifest.mirror AS SELECT {VERSION} AS version")
    for name, schema in _SCHEMAS.items():
        con.register("_new", pa.Table.from_pylist(rows[name], schema))
        con.execute(f"CREATE OR REPLACE TABLE manifest.{name} AS SELECT * FROM _new")
        con.unregister("_new")


def version(con: duckdb.DuckDBPyConnection) -> int | None:
    """The version of the manifest in the connection's current database; None where there is none."""
    try:
        found = con.execute("SELECT version FROM manifest.mirror").fetchall()
    except duckdb.Error:
        return None
    return found[0][0] if found else None


def names(con: duckdb.DuckDBPyConnection) -> Manifest:
    """The tables in the connection's current database, if it has some, with no more than the names of their files."""
    there = con.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'manifest' "
        "AND table_name IN ('tables', 'files')"
    ).fetchall()
    if there != [(2,)]:
        return {}
    tables = con.execute("SELECT table_name, place FROM manifest.tables").fetchall()
    manifest = {name.lower(): Stored(Table(name), place=place) for name, place in tables}
    for name, path in con.execute("SELECT table_name, path FROM manifest.files").fetchall():
        manifest[name.lower()].files[path] = File(path, 0, 0, None, None, None)
    return manifest


def read(con: duckdb.DuckDBPyConnection, mirror: Path) -> Manifest:
    """The manifest in the connection's current database, and in the journal of the mirror.

    Raises MirrorError where it is damaged, or written by a later sedsql.
    """
    written = version(con)
    if written is None:
        raise MirrorError(f"{mirror} has no manifest; `sedsql mirror repair {mirror}` makes one from its files")
    if written > VERSION:
        raise LaterVersion(
            f"{mirror} was made by a later sedsql (manifest {written}, this one reads up to {VERSION}); "
            "upgrade with `pip install --upgrade sedsql`"
        )
    manifest: Manifest = {}
    try:
        catalogue = Catalogue.of(con)
        for row in _rows(con, "tables"):
            manifest[row["table_name"].lower()] = Stored(
                catalogue.tables[row["table_name"].lower()],
                row["partition_order"],
                row["service"],
                row["condition"],
                json.loads(row["slicing"]) if row["slicing"] else None,
                row["place"],
                _pairs(row["wanted"]),
            )
        for row in _rows(con, "pieces"):
            name = row.pop("table_name").lower()
            manifest[name].pieces[row["name"]] = Piece(**row | {"ranges": _pairs(row["ranges"])})
        for row in _rows(con, "files"):
            name = row.pop("table_name").lower()
            if manifest[name].place is None and (row["path"].startswith("/") or ".." in row["path"].split("/")):
                raise ValueError(f"{row['path']} is outside of the mirror")
            manifest[name].files[row["path"]] = File(**row | {"pieces": tuple(row["pieces"])})
    except (duckdb.Error, KeyError, TypeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise MirrorError(
            f"The manifest of {mirror} is damaged ({reason}); `sedsql mirror repair {mirror}` makes it anew"
        ) from error
    replay(manifest, mirror)
    return manifest


def _rows(con: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    return con.sql(f"SELECT * FROM manifest.{name}").to_arrow_table().to_pylist()


def _pairs(ranges: Iterable[Iterable[int]] | None) -> Ranges:
    return [(low, high) for low, high in ranges or ()]


def note(mirror: Path, stored: Stored, piece: Piece, files: Iterable[File]) -> None:
    """Add a piece that is on disk to the manifest and to the journal."""
    files = list(files)
    _add(stored, piece, files)
    line = {"table": stored.table.name, "piece": asdict(piece), "files": [asdict(file) for file in files]}
    with open(mirror / JOURNAL, "a", encoding="utf-8") as journal:
        journal.write(json.dumps(line) + "\n")
        journal.flush()
        os.fsync(journal.fileno())


def _add(stored: Stored, piece: Piece, files: Iterable[File]) -> None:
    stored.pieces[piece.name] = piece
    for file in files:
        stored.files[file.path] = file


def replay(manifest: Manifest, mirror: Path, is_there: Callable[[File], bool] = lambda file: True) -> None:
    """Add what stands in the journal; a line that was not written to its end is no line.

    is_there : whether a file is; pieces with others are left out
    """
    try:
        lines = (mirror / JOURNAL).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return
    for line in lines[:-1]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a line torn by a crash, after which another process went on
        if stored := manifest.get(entry["table"].lower()):
            piece = Piece(**entry["piece"] | {"ranges": _pairs(entry["piece"]["ranges"])})
            files = [File(**file | {"pieces": tuple(file["pieces"])}) for file in entry["files"]]
            if all(map(is_there, files)):
                _add(stored, piece, files)
