"""Open a mirror, or an empty database, and make what queries need callable in it: models, views, uploads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from sedsql.dbapi.open_database import OpenDatabase
from sedsql.dbapi.stored_classes import StoredClasses
from sedsql.dbapi.uploads import UPLOADS
from sedsql.files.errors import StorageError
from sedsql.files.object_storage.addresses import address_of, place_of
from sedsql.files.object_storage.duckdb_files import sentence_of
from sedsql.inference.answering import Answering
from sedsql.inference.calls import functions
from sedsql.inference.classified import stubs, view
from sedsql.inference.engines import Engine, install
from sedsql.inference.model import Model, ModelError, find_models
from sedsql.inference.necessary_conditions import Bounds
from sedsql.inference.row_function import RowFunction
from sedsql.mirror.database import OWN_MACROS, open_mirror, state_of
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import settle_if_cut_off


@dataclass(frozen=True)
class Models:
    """The models that a connection has, and which of them runs by which engine; see `sedsql.connect`."""

    given: list[str | Path]
    found: dict[str, Model]
    default: str | None
    engine: Engine | None
    answering: Answering

    @classmethod
    def find(cls, given: Iterable[str | Path] | None, default: str | None, engine: Engine | None) -> Models:
        """Find the shipped models and those in the folders that are given."""
        models = list(given or ())
        found = find_models(models)
        if default is not None and default not in found:
            raise ModelError(f"No model {default!r}; there are {', '.join(found)}.")
        answering = Answering.of(found, default)
        if engine == "sql" and answering.sky != answering.default:
            models.append(answering.sky)
        return cls(models, found, default, engine, answering)


def open_database(
    mirror: str | Path | None, models: Models, read_only: bool
) -> tuple[OpenDatabase, dict[str, RowFunction]]:
    """Open the mirror in a folder, or an empty database; return it with the functions of the models for ADQL."""
    if mirror:
        settle_if_cut_off(mirror)
    address = address_of(mirror) if mirror else None
    followed = (address or Path(mirror).absolute()) if mirror and read_only else None
    state = state_of(followed) if followed else None
    if mirror:
        con = open_mirror(mirror, read_only, unsigned=True)
    else:
        con = duckdb.connect(config={"allow_unsigned_extensions": True})
    try:
        search_path, engines, classified = _prepare(con, mirror, models)
        rows = math.inf if mirror is None else _most_rows(con)
        running = {name: model for name, model in models.found.items() if name in engines}
        answering = models.answering
        called = functions(Bounds(running, answering.default, engines, rows), answering)
        classes = StoredClasses(answering, running, engines) if classified else None
        return OpenDatabase(con, search_path, followed, state, classes), called
    except duckdb.Error as error:
        con.close()
        if mirror is None:
            raise
        if told := sentence_of(error):
            raise StorageError(told) from error
        place = place_of(mirror)
        raise MirrorError(f"{place} cannot be read: {error}; `sedsql mirror repair {place}` may mend it") from error
    except BaseException:
        con.close()
        raise


def _prepare(
    con: duckdb.DuckDBPyConnection, mirror: str | Path | None, models: Models
) -> tuple[str, dict[str, str], bool]:
    """Make functions, the view of classes and the schema of uploads.

    Return the search path, each model's engine, and whether there is the view.
    """
    # The macros are not temporary, but in the memory of this process: cursors see them, the file does not.
    con.execute("USE memory")
    classified = mirror is not None and _make_classified(con, models.answering)
    engines = install(con, models.given, models.default, models.engine, temporary=False)
    con.execute("SET allow_unsigned_extensions = false")  # ours is loaded
    con.execute(f"CREATE SCHEMA IF NOT EXISTS memory.{UPLOADS}")
    schemas = [*_schemas(con, mirror), f"memory.{UPLOADS}", *(("memory.sed", "mirror.sed") if classified else ())]
    search_path = ",".join(schemas)
    con.execute(f"SET search_path = '{search_path}'")
    return search_path, engines, classified


def _make_classified(con: duckdb.DuckDBPyConnection, answering: Answering) -> bool:
    """Make the view `sed.classified` in memory, and tell whether the mirror has what the view needs."""
    try:
        for statement in (*stubs(answering), *view("memory", answering)):
            con.execute(statement)
    except duckdb.Error as error:  # no such view in the mirror, or files of it are gone, which a query tells
        if sentence_of(error):
            raise
        return False
    return True


def _schemas(con: duckdb.DuckDBPyConnection, mirror: str | Path | None) -> list[str]:
    """List where names are looked up, the mirror first; its own `sed_*` macros come after the connection's."""
    if mirror is None:
        return ["memory.main"]
    own = con.execute("SELECT 1 FROM duckdb_schemas() WHERE database_name = 'mirror' AND schema_name = ?", [OWN_MACROS])
    if own.fetchone():
        return [f"mirror.{OWN_MACROS}", "memory.main", "mirror.main"]
    return ["mirror.main", "memory.main"]


def _most_rows(con: duckdb.DuckDBPyConnection) -> int:
    """Count the rows of a mirror's largest table."""
    tables = "SELECT sum(rows) AS rows FROM mirror.manifest.files GROUP BY table_name"
    return int(con.execute(f"SELECT coalesce(max(rows), 0)::BIGINT FROM ({tables})").fetchall()[0][0])
