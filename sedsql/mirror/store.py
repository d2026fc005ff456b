"""A mirror on disk: the tables' Parquet files, and DIR/mirror.duckdb, which views them and has the manifest.

The views carry the archive's names. They name every file, so that a reader sees just what the manifest has,
and is told when a file is gone. A file's path begins with DuckDB's setting `file_search_path`, which every
connection of sedsql sets to DIR: so a mirror can be moved, and the current directory has no say in what is read.
Where the setting is empty, as in a DuckDB shell that opens mirror.duckdb, paths begin at the current directory.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import duckdb

from ..catalogue import Key
from ..output import flush, new_folder
from ..resources import folder
from ..sqltext import identifier, literal
from . import archive, hats, manifest, tapschema
from .commit import commit
from .layout import PARTIAL, hidden, with_cells
from .lock import LOCK, writing
from .manifest import DATABASE, JOURNAL, Manifest, MirrorError, Stored

DAMAGED = "mirror.duckdb.damaged"
"""What `repair` calls a database that it cannot read."""
STORAGE_VERSION = "v1.2.0"
"""A database file of this version opens in DuckDB 1.2 and later."""
OWN_MACROS = "own_macros"
"""An empty schema in mirrors that have `sed_*` macros of their own, in `main`, where any client finds them."""


@contextmanager
def new_mirror(path: str | os.PathLike, *, force: bool = False) -> Iterator[Path]:
    """A folder to write a mirror into; it takes its name `path` only when the block ends well.

    A mirror that it replaces is locked meanwhile. While there are both, each says in its lock's file that work on it is
    not in order: who is killed leaves the one or the other, of which the next process that opens it removes the rest.
    """
    mirror = Path(path).absolute()
    replaces = force and (mirror / DATABASE).is_file()
    with writing(mirror) if replaces else nullcontext():
        try:
            with new_folder(path, what="mirror", mark=DATABASE, force=force) as folder:
                yield folder
                if replaces:
                    (folder / LOCK).write_text("another mirror was here", encoding="utf-8")
        finally:
            if replaces:
                os.truncate(mirror / LOCK, 0)


def load(path: str | os.PathLike) -> Manifest:
    """The manifest of the mirror in folder `path`, with what a download that was cut off had done."""
    with duckdb.connect() as con:
        try:
            for statement in attaching(path):
                con.execute(statement)
        except duckdb.Error as error:
            raise MirrorError(f"{path} cannot be opened as a mirror: {error}") from error
        return manifest.read(con, Path(path))


def unreadable(mirror: Path) -> str | None:
    """Why not all of DIR/mirror.duckdb can be read, which DuckDB tells only where it reads; None if it can."""
    try:
        with duckdb.connect() as con:
            for statement in attaching(mirror):
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
    """Paths of files, relative to the mirror, that are there with a change of it, and that no longer are."""

    appear: list[str]
    vanish: list[str]


@contextmanager
def changed(mirror: Path, *, anew: bool = False) -> Iterator[tuple[duckdb.DuckDBPyConnection, Files]]:
    """A connection to change DIR/mirror.duckdb by, in one transaction; who reads it meanwhile reads it as it was.

    A copy is changed and takes its name, so that no reader bars a writer. With it the files appear and vanish that the
    block puts into the two lists that it gets besides. The caller holds the lock.

    anew : begin with an empty database
    """
    target, partial = mirror / DATABASE, hidden(mirror / DATABASE)
    log = partial.with_name(f"{partial.name}.wal")
    files = Files([], [])
    try:
        # DuckDB would take what is left of another's log for this database's.
        log.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)
        if target.exists() and not anew:
            shutil.copyfile(target, partial)
        with duckdb.connect() as con:
            for statement in _looking_in(mirror):
                con.execute(statement)
            con.execute(f"ATTACH {literal(partial)} AS mirror (STORAGE_VERSION '{STORAGE_VERSION}')")
            con.execute("USE mirror")
            con.execute("BEGIN")
            yield con, files
            con.execute("COMMIT")
            # DETACH does it as well, and does not tell when it fails.
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


def save(mirror: Path, tables: Manifest, *, note: str = "", keys: list[Key] | None = None, anew: bool = False) -> None:
    """Make the mirror what the manifest says: its files, and in DIR/mirror.duckdb the manifest, a view for each table,
    the views of sql/, and TAP_SCHEMA.

    Files of the manifest that are hidden get their names, those that only the manifest before has are removed. What
    else is in the database, such as a user's own tables, stays.

    note : what the descriptions of the views of sql/views.sql begin with
    keys : foreign keys to add to TAP_SCHEMA
    anew : leave nothing of the database that is there
    """
    with changed(mirror, anew=anew) as (con, files):
        before, needed = hats.owned(manifest.names(con)), hats.owned(tables)
        files.vanish.extend(before - needed)
        files.appear.extend(path for path in needed if hidden(mirror / path).exists())
        files.appear.extend(hats.begin(mirror, tables))
        con.execute(_in_mirror(files.appear))
        for stored in tables.values():
            _view(con, stored)
        manifest.write(con, tables)
        _sed_views(con, tables)
        tapschema.write(con, tables, note, keys or [])
        con.execute(_in_mirror())
    (mirror / JOURNAL).unlink(missing_ok=True)
    hats.write(mirror, tables)


def _view(con: duckdb.DuckDBPyConnection, stored: Stored) -> None:
    schema, name = map(identifier, stored.table.parts)
    columns = "*"
    if not stored.files:
        types = {column.name: column.datatype for column in with_cells(stored.table).columns.values()}
        columns = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(column)}" for column, kind in types.items())
        rows = "range(0)"
    elif stored.place is None:
        rows = f"manifest.in_mirror([{', '.join(map(literal, sorted(stored.files)))}])"
    else:
        rows = f"[{', '.join(literal(escaped(path)) for path in sorted(stored.files))}]"
        # A catalogue of others may have columns that are none of the table.
        columns = ", ".join(identifier(column.name) for column in stored.table.columns.values())
    read = f"read_parquet({rows}, hive_partitioning = false)" if stored.files else rows
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    con.execute(f"CREATE OR REPLACE VIEW {schema}.{name} AS SELECT {columns} FROM {read}")


def _in_mirror(appear: Iterable[str] = ()) -> str:
    """Statements that make the macro which the views give their files to: it puts the mirror's folder before each.

    appear : files that are hidden still: DuckDB looks at the files of a view when it is made
    """
    path, listed = "path", ", ".join(map(literal, appear))
    if listed:
        path = f"CASE WHEN path IN ({listed}) THEN regexp_replace(path, '[^/]+$', '{PARTIAL}\\0') ELSE path END"
    beginning = "current_setting('file_search_path')"
    return f"""
        CREATE SCHEMA IF NOT EXISTS manifest;
        CREATE OR REPLACE MACRO manifest.in_mirror(paths) AS CASE {beginning} WHEN '' THEN paths
        ELSE list_transform(paths, lambda path: concat({beginning}, '/', {path})) END
    """


def escaped(path: str | os.PathLike) -> str:
    """A path that DuckDB takes letter by letter, and not for a pattern."""
    return re.sub(r"[*?\[]", r"[\g<0>]", os.fspath(path))


def _sed_views(con: duckdb.DuckDBPyConnection, tables: Manifest) -> None:
    """Make the views of sql/, once all their tables are there with the columns that the archive's have."""
    views = (folder("sql") / "views.sql").read_text(encoding="utf-8")
    for name, known in archive.TABLES.items():
        columns = tables[name].table.columns if name in tables else {}
        if any(column not in columns and re.search(rf"\b{column}\b", views) for column in known.columns):
            return
    there = con.execute(
        "SELECT count(*) FROM duckdb_views() "
        "WHERE database_name = 'mirror' AND schema_name = 'sed' AND view_name = 'photometry'"
    ).fetchone()
    if not there or not there[0]:
        con.execute((folder("sql") / "rules.sql").read_text(encoding="utf-8"))
        con.execute(views)


def open_mirror(
    path: str | os.PathLike, read_only: bool = True, *, unsigned: bool = False
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection whose current database is the mirror in folder `path`, attached as `mirror`.

    unsigned : whether the connection may load extensions that are not signed, such as sedsql's

    Raises MirrorError where there is no mirror, or one whose views read what lies in the current directory.
    """
    statements = attaching(path, read_only)
    con = duckdb.connect(config={"allow_unsigned_extensions": unsigned})
    try:
        for statement in statements:
            con.execute(statement)
        if manifest.version(con) == manifest.RELATIVE:
            raise MirrorError(
                f"{path} was made by an earlier sedsql, whose views read what lies in the current directory; "
                f"`sedsql mirror repair {path}` mends it"
            )
    except duckdb.Error as error:
        con.close()
        raise MirrorError(
            f"{path} cannot be opened as a mirror: {error}; `sedsql mirror repair {path}` may mend it"
        ) from error
    except BaseException:
        con.close()
        raise
    return con


def attaching(path: str | os.PathLike, read_only: bool = True) -> list[str]:
    """The statements that make the mirror in folder `path` the current database of any DuckDB, as `mirror`.

    Raises MirrorError where there is no mirror.
    """
    mirror = Path(path).absolute()
    if not (mirror / DATABASE).is_file():
        what = "does not exist" if not mirror.exists() else f"is no mirror (it has no {DATABASE})"
        raise MirrorError(
            f"{path} {what}; `sedsql mirror sample {path}` makes a simulated one, `sedsql mirror sed {path}` a real one"
        )
    attach = f"ATTACH {literal(mirror / DATABASE)} AS mirror{' (READ_ONLY)' if read_only else ''}"
    return [*_looking_in(mirror), attach, "USE mirror"]


State = tuple[int, int]


def state_of(mirror: Path) -> State | None:
    """What differs between two states of a mirror, whose database is never changed in place; None where it is gone."""
    try:
        found = os.stat(mirror / DATABASE)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def attach_again(con: duckdb.DuckDBPyConnection, mirror: Path) -> None:
    """Attach the mirror as it is now in the place of what it was, which queries that run still read."""
    # ATTACH OR REPLACE does nothing for a path that is attached, though another file has taken it.
    con.execute(f"DETACH mirror; ATTACH {literal(mirror / DATABASE)} AS mirror (READ_ONLY)")


def _looking_in(mirror: Path) -> list[str]:
    """Statements that have the views read the files of this mirror."""
    # DuckDB takes what follows a question mark for parameters of a URL, and a backslash for a slash.
    if sign := re.search(r"[?\\]", str(mirror)):
        raise MirrorError(f"{mirror} has a {sign[0]} in its path, which DuckDB cannot open; move or rename it")
    return [
        f"SET GLOBAL file_search_path = {literal(escaped(mirror))}",
        # Reading it again for each query is half the time of a cone search in 50 million rows.
        "SET GLOBAL parquet_metadata_cache = true",
    ]
