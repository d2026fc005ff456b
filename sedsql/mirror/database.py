"""Open DIR/mirror.duckdb, the database of a mirror, and change it by editing a copy that takes its name.

Of a mirror on object storage a copy of the database is opened, whose views read the files where they lie.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import duckdb

from sedsql.files.atomic import flush
from sedsql.files.errors import StorageError
from sedsql.files.object_storage import duckdb_files, objects
from sedsql.files.object_storage.addresses import address_of, place_of
from sedsql.files.object_storage.store import NoObjectError
from sedsql.mirror import manifest
from sedsql.mirror.commit import commit
from sedsql.mirror.layout import escaped, hidden
from sedsql.mirror.manifest import DATABASE, MirrorError
from sedsql.sql_text import identifier, literal

STORAGE_VERSION = "v1.2.0"
"""A database file of this version opens in DuckDB 1.2 and later."""
OWN_MACROS = "own_macros"
"""An empty schema in mirrors that have their own `sed_*` macros in `main`, where any client finds them."""


def open_mirror(
    path: str | os.PathLike, read_only: bool = True, *, unsigned: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection whose current database is the mirror in folder `path`, attached as `mirror`.

    unsigned : whether the connection may load extensions that are not signed, such as sedsql's

    path : may be the address of a mirror on object storage, such as s3://bucket/sky, which is only read

    Raises MirrorError where there is no mirror, or one whose views read files in the current directory; StorageError
    where the object storage cannot be read.
    """
    statements, place = attaching(path, read_only), place_of(path)
    con = duckdb.connect(config={"allow_unsigned_extensions": unsigned})
    try:
        for statement in statements:
            con.execute(statement)
        read_objects(con)
        if manifest.version(con) == manifest.RELATIVE:
            raise MirrorError(
                f"{place} was made by an earlier sedsql, whose views read files in the current directory; "
                f"`sedsql mirror repair {place}` mends it"
            )
    except duckdb.Error as error:
        con.close()
        raise MirrorError(
            f"{place} cannot be opened as a mirror: {error}; `sedsql mirror repair {place}` may mend it"
        ) from error
    except BaseException:
        con.close()
        raise
    return con


def attaching(path: str | os.PathLike, read_only: bool = True) -> list[str]:
    """Write the statements that make the mirror in folder `path` the current database of any DuckDB, as `mirror`.

    Raises MirrorError where there is no mirror.
    """
    if address := address_of(path):
        if not read_only:
            raise MirrorError(_only_read(address))
        attach = f"ATTACH {literal(_copied(address))} AS mirror (READ_ONLY)"
        return [*_reading_from(f"{duckdb_files.PREFIX}{address}"), attach, "USE mirror"]
    mirror = Path(path).absolute()
    if not (mirror / DATABASE).is_file():
        what = "does not exist" if not mirror.exists() else f"is no mirror (it has no {DATABASE})"
        raise MirrorError(
            f"{path} {what}; `sedsql mirror sample {path}` makes a simulated one, `sedsql mirror sed {path}` a real one"
        )
    attach = f"ATTACH {literal(mirror / DATABASE)} AS mirror{' (READ_ONLY)' if read_only else ''}"
    return [*_reading_from(mirror), attach, "USE mirror"]


def on_this_machine(path: str | os.PathLike) -> Path:
    """The folder of a mirror that is written to, absolute. Raises MirrorError for an address of object storage."""
    if address := address_of(path):
        raise MirrorError(_only_read(address))
    return Path(path).absolute()


def _only_read(address: str) -> str:
    return f"{address} is on object storage, where mirrors are only read; change it on a disk, and copy it there"


def _copied(address: str, age: float = objects.AGE) -> Path:
    """A copy of the database of a mirror on object storage."""
    try:
        return objects.copy_of(f"{address}/{DATABASE}", age)
    except NoObjectError as error:
        raise MirrorError(f"{address} is no mirror (it has no {DATABASE}); check its name") from error


def read_objects(con: duckdb.DuckDBPyConnection) -> None:
    """Let a connection that has a mirror as its current database read the tables of it that lie on object storage."""
    try:
        needed = con.execute(
            f"SELECT starts_with(current_setting('file_search_path'), '{duckdb_files.PREFIX}') "
            "OR EXISTS (FROM manifest.tables WHERE contains(place, '://'))"
        ).fetchall()
    except duckdb.Error:  # the manifest is of another version, or gone
        return
    if needed[0][0]:
        with suppress(StorageError):  # the packages for it are missing, which a query of such a table tells
            duckdb_files.register(con)


State = tuple[int, int]


def state_of(place: str | os.PathLike, age: float = objects.AGE) -> State | None:
    """Tell a state of a mirror from others, as each change replaces the database file; None where the file is gone.

    age : seconds for which the state of a mirror on object storage is believed
    """
    try:
        address = address_of(place)
        found = os.stat(_copied(address, age) if address else Path(place) / DATABASE)
    except (OSError, StorageError, MirrorError):
        return None
    return found.st_ino, found.st_mtime_ns


def attach_again(con: duckdb.DuckDBPyConnection, place: str | os.PathLike) -> None:
    """Attach the mirror as it is now; queries that are running still read its earlier state."""
    address = address_of(place)
    database = _copied(address) if address else Path(place) / DATABASE
    # ATTACH OR REPLACE does nothing for a path that is attached, even if the path now names another file.
    con.execute(f"DETACH mirror; ATTACH {literal(database)} AS mirror (READ_ONLY)")


def unreadable(folder: Path) -> str | None:
    """Read all of DIR/mirror.duckdb, and say why that fails; None if it does not.

    DuckDB finds damage only in the parts of a database that it reads.
    """
    try:
        with duckdb.connect() as con:
            for statement in attaching(folder):
                con.execute(statement)
            tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'mirror'")
            for schema, table in tables.fetchall():
                for _ in con.sql(f"FROM {identifier(schema)}.{identifier(table)}").to_arrow_reader():
                    pass
            con.execute("SELECT count(*) FROM duckdb_views()").fetchall()
    except duckdb.Error as error:
        return str(error).split("\n")[0]
    return None


class Files(NamedTuple):
    """Paths of files, relative to the mirror, that a change of it adds and removes."""

    appear: list[str]
    vanish: list[str]


@contextmanager
def edited_copy(
    folder: Path, files: Files, *, anew: bool = False, reads_objects: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Edit a copy of DIR/mirror.duckdb in one transaction, and rename it, so that readers never block the writer.

    The caller holds the lock.

    files : the block adds to its lists; the files appear and vanish together with the change
    anew : begin with an empty database
    reads_objects : whether tables of the mirror lie on object storage
    """
    target, partial = folder / DATABASE, hidden(folder / DATABASE)
    log = partial.with_name(f"{partial.name}.wal")
    try:
        # DuckDB would take the log of an earlier process for this database's.
        log.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)
        if target.exists() and not anew:
            shutil.copyfile(target, partial)
        with duckdb.connect() as con:
            for statement in _reading_from(folder):
                con.execute(statement)
            con.execute(f"ATTACH {literal(partial)} AS mirror (STORAGE_VERSION '{STORAGE_VERSION}')")
            con.execute("USE mirror")
            if reads_objects:
                duckdb_files.register(con)
            con.execute("BEGIN")
            yield con
            con.execute("COMMIT")
            # DETACH writes a checkpoint as well, but does not tell when that fails.
            con.execute("CHECKPOINT mirror")
            con.execute("USE memory")
            con.execute("DETACH mirror")
        if log.exists():
            raise OSError(errno.EIO, "the database cannot be written", str(target))
        flush(partial)
        commit(partial, target, *files)
    finally:
        partial.unlink(missing_ok=True)
        log.unlink(missing_ok=True)


def _reading_from(folder: str | os.PathLike) -> list[str]:
    """Write the statements that make the views read the files of this mirror."""
    # DuckDB takes what follows a question mark for parameters of a URL, and a backslash for a slash.
    if sign := re.search(r"[?\\]", str(folder)):
        named = str(folder).removeprefix(duckdb_files.PREFIX)
        raise MirrorError(f"{named} has a {sign[0]} in its path, which DuckDB cannot open; move or rename it")
    return [
        f"SET GLOBAL file_search_path = {literal(escaped(folder))}",
        # Without it, reading the metadata for each query is half the time of a cone search in 50 million rows.
        "SET GLOBAL parquet_metadata_cache = true",
    ]
