"""connect(): a mirror as a connection of Python's DB-API (PEP 249)."""

import math
import re
import threading
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import get_args

import duckdb

from . import adql, errors
from .adql import Translation
from .adql.rewrite import REWRITES
from .catalogue import Catalogue, Column, table_of, tap_type
from .cursor import ClosedError, Cursor, Language, Parameters
from .dbapi import own_errors
from .errors import InterfaceError
from .forked import in_child, keep
from .inference.bounds import Bounds
from .inference.calls import Answering, RowFunction, functions
from .inference.classified import stubs, view
from .inference.engines import Engine, install
from .inference.model import find_models
from .mirror.change import settle_if_cut_off
from .mirror.manifest import MirrorError
from .mirror.store import OWN_MACROS, State, attach_again, open_mirror, state_of
from .tables import Rows, arrow_of
from .waiting import TELL_PROGRESS

UPLOADS = "tap_upload"
"""The schema of tables that are uploaded (TAP 1.1, Section 2.5), in the memory of this process."""

_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def connect(
    mirror: str | Path | None = None,
    *,
    models: Iterable[str | Path] | None = None,
    default: str | None = None,
    engine: Engine | None = None,
    read_only: bool = True,
    lang: Language = "adql",
    rewrites: Collection[str] = tuple(REWRITES),
) -> "Connection":
    """A connection to a mirror, or to an empty database, in which the `sed_*` functions can be called.

    Parameters
    ----------
    mirror : folder of a mirror
    models : folders of models to add to the shipped ones
    default : name of the model that answers where a query names none; unless told, 'sky-1' in ADQL for rows with a
        position, if it is there, else 'shape-2'
    engine : 'native', the C extension, 'onnx', ONNX Runtime, or 'sql', plain SQL, which has the models that answer
        where none is named and those in `models`, by folder or name; the fastest that runs a model unless told
    read_only : whether the mirror's database is left as it is; else tables of one's own can be made in it, and no one
        else can open it meanwhile
    lang : what queries are written in unless they say so: 'adql', or 'sql' for DuckDB's, for tools that send SQL
    rewrites : what is done to make ADQL fast, which leaves its answers as they are: 'views' without the joins that
        a query has no use for, 'ranges' of cells for regions, 'joins' of cells for positions, 'bounds' before a model
        is asked, and 'models' asked last and once; all unless told

    Raises
    ------
    MirrorError, ModelError, EngineError
        Where the folder is no mirror, or a model or the engine is not there.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect()
    >>> con.sql("SELECT sed_stage(9.8, 8.9, 8.1, 7.4, 6.5, 5.8, 4.1, 3.3, 1.9, 0.1)").fetchone()
    ('II',)
    >>> con.close()
    """
    models, found = list(models or ()), find_models(models)
    answering = Answering.of(found, default)
    if engine == "sql" and answering.sky != answering.default:
        models.append(answering.sky)
    if lang not in get_args(Language):
        raise InterfaceError(f"lang is 'adql' or 'sql', not {lang!r}.")
    if mirror:
        settle_if_cut_off(mirror)
    followed = Path(mirror).absolute() if mirror and read_only else None
    state = state_of(followed) if followed else None
    if mirror:
        con = open_mirror(mirror, read_only, unsigned=True)
    else:
        con = duckdb.connect(config={"allow_unsigned_extensions": True})
    try:
        # The macros are not temporary, but in the memory of this process: cursors see them, the file does not.
        con.execute("USE memory")
        classified = mirror is not None and _classified(con, answering)
        engines = install(con, models, default, engine, temporary=False)
        con.execute("SET allow_unsigned_extensions = false")  # ours is loaded
        con.execute(f"CREATE SCHEMA IF NOT EXISTS memory.{UPLOADS}")
        search_path = f"{_search_path(con, mirror)},memory.{UPLOADS}{',mirror.sed,memory.sed' if classified else ''}"
        con.execute(f"SET search_path = '{search_path}'")
        rows = math.inf if mirror is None else _most_rows(con)
        running = {name: model for name, model in found.items() if name in engines}
        called = functions(Bounds(running, answering.default, engines, rows), answering)
        return Connection(con, Catalogue.of(con), search_path, called, lang, rewrites, followed, state)
    except duckdb.Error as error:
        con.close()
        if mirror is None:
            raise
        raise MirrorError(f"{mirror} cannot be read: {error}; `sedsql mirror repair {mirror}` may mend it") from error
    except BaseException:
        con.close()
        raise


def _classified(con: duckdb.DuckDBPyConnection, answering: Answering) -> bool:
    """Make the view `sed.classified` in memory, and tell whether there is what it needs."""
    try:
        for statement in (*stubs(answering), *view("memory", answering)):
            con.execute(statement)
    except duckdb.Error:  # no such view in the mirror, or files of it are gone, which a query tells
        return False
    return True


def _most_rows(con: duckdb.DuckDBPyConnection) -> int:
    """The rows of a mirror's largest table."""
    tables = "SELECT sum(rows) AS rows FROM mirror.manifest.files GROUP BY table_name"
    return con.execute(f"SELECT coalesce(max(rows), 0)::BIGINT FROM ({tables})").fetchall()[0][0]


def _search_path(con: duckdb.DuckDBPyConnection, mirror) -> str:
    """The mirror is the current database; its own `sed_*` macros, if it has some, are found after the connection's."""
    if mirror is None:
        return "memory.main"
    own = con.execute("SELECT 1 FROM duckdb_schemas() WHERE database_name = 'mirror' AND schema_name = ?", [OWN_MACROS])
    return f"mirror.{OWN_MACROS},memory.main,mirror.main" if own.fetchone() else "mirror.main,memory.main"


class Connection:
    """An open mirror (PEP 249, "Connection Objects"). Every statement is a transaction of its own.

    Attributes
    ----------
    duckdb : the DuckDB connection beneath, for all that DuckDB offers
    catalogue : the tables and columns that ADQL names mean
    lang : what queries are written in unless they say so

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> con.execute("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE dec > ?", [0]).fetchone()
    (4075,)
    >>> con.sql("SELECT count(*) FROM gaiadr3.gaia_source WHERE dec > $least", {"least": 0}).fetchone()
    (4075,)
    >>> from astropy.table import Table
    >>> con.upload("edges", Table({"dec": [0, 30]}))
    >>> query = "SELECT e.dec, COUNT(*) AS n FROM TAP_UPLOAD.edges AS e, gaiadr3.gaia_source AS g"
    >>> con.execute(query + " WHERE g.dec > e.dec GROUP BY e.dec ORDER BY n").fetchall()
    [(30, 1596), (0, 4075)]
    >>> con.executemany("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source WHERE dec > ?", [[0], [30]]).fetchone()
    (1596,)
    >>> con.close()
    """

    Warning = errors.Warning
    Error = errors.Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        catalogue: Catalogue,
        search_path: str,
        functions: dict[str, RowFunction],
        lang: Language,
        rewrites: Collection[str],
        followed: Path | None = None,
        state: State | None = None,
    ):
        self.duckdb = con
        self.catalogue = catalogue
        self.lang = lang
        self._search_path = search_path
        self._functions = functions
        self._rewrites = rewrites
        self._followed, self._state, self._following = followed, state, threading.Lock()
        self._closed, self._forked = False, False
        in_child(self, Connection._leave)

    def _leave(self) -> None:
        """In a child process: it is its parent's."""
        self._forked = True
        keep(self.duckdb)

    def follow(self) -> State | None:
        """Read the mirror as it is now, if another process has changed it since; gives the state that is read."""
        if self._followed is None or (now := state_of(self._followed)) in (None, self._state):
            return self._state
        with self._following, self.duckdb.cursor() as con:
            if now != self._state:
                attach_again(con, self._followed)
                con.execute("USE mirror")
                uploads = {name: one for name, one in self.catalogue.tables.items() if name.startswith(f"{UPLOADS}.")}
                self.catalogue = Catalogue({**Catalogue.of(con).tables, **uploads})
                self._state = now
            return self._state

    def cursor(self) -> Cursor:
        """A cursor; those of one connection run beside one another."""
        self.check_open()
        con = self.duckdb.cursor()
        with self._following:
            con.execute(f"SET search_path = '{self._search_path}'; {TELL_PROGRESS}")
        return Cursor(self, con)

    def translate(self, query: str, explain: list[str] | None = None) -> str:
        """The DuckDB SQL of an ADQL query, its names resolved against the mirror; see `adql.translate`."""
        return self.translation(query, None, explain).sql

    def translation(
        self, query: str, parameters: Parameters | None = None, explain: list[str] | None = None
    ) -> Translation:
        """The same with the catalogue's columns that the answer has, for a query with the values of its parameters."""
        return adql.translation(
            query, self.catalogue, self._functions, values=parameters, explain=explain, rewrites=self._rewrites
        )

    def execute(self, query: str, parameters: Parameters = (), *, lang: Language | None = None) -> Cursor:
        """Run a query on a new cursor: see `Cursor.execute`."""
        return self.cursor().execute(query, parameters, lang=lang)

    def executemany(self, query: str, parameters: Iterable[Parameters], *, lang: Language | None = None) -> Cursor:
        """Run a query with each set of parameters on a new cursor: see `Cursor.executemany`."""
        return self.cursor().executemany(query, parameters, lang=lang)

    def sql(self, query: str, parameters: Parameters = ()) -> Cursor:
        """Run a query in DuckDB's SQL on a new cursor."""
        return self.execute(query, parameters, lang="sql")

    def upload(self, name: str, rows: Rows) -> None:
        """Make a table callable as `TAP_UPLOAD.name` in queries (TAP 1.1, Section 2.5), until the connection is closed.

        `rows` is an astropy or Arrow table, a DataFrame, pyvo's results or a file's path; units, UCDs and descriptions
        are kept. A table of that name is replaced.
        """
        self.check_open()
        table = arrow_of(rows)
        if not _REGULAR.fullmatch(name):
            raise errors.ProgrammingError(f"{name!r} cannot be a table's name; letters, digits and _ can.")
        self.duckdb.register("_upload", table)
        try:
            with own_errors():
                self.duckdb.execute(f'CREATE OR REPLACE TABLE memory.{UPLOADS}."{name}" AS FROM _upload')
        finally:
            self.duckdb.unregister("_upload")
        columns = []
        for field, (_, kind, *_) in zip(table.schema, self._uploaded(name), strict=True):
            about = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
            known = {key: about.get(key) for key in ("unit", "ucd", "description")}
            columns.append(Column(field.name, tap_type(str(kind)), **known))
        found = table_of(f"{UPLOADS}.{name}", None, columns)
        self.catalogue = Catalogue({**self.catalogue.tables, found.name.lower(): found})

    def _uploaded(self, name: str) -> list[tuple]:
        return self.duckdb.execute(f'FROM memory.{UPLOADS}."{name}" LIMIT 0').description or []

    def drop_upload(self, name: str) -> None:
        """Let go of a table that was uploaded; nothing where there is none."""
        kept = {key: table for key, table in self.catalogue.tables.items() if key != f"{UPLOADS}.{name}".lower()}
        if len(kept) < len(self.catalogue.tables):
            self.duckdb.execute(f'DROP TABLE memory.{UPLOADS}."{name}"')
            self.catalogue = Catalogue(kept)

    def commit(self) -> None:
        """Nothing: what a statement does is done when it ends."""
        self.check_open()

    def rollback(self) -> None:
        """Not there: what a statement does is done when it ends."""
        self.check_open()
        raise errors.NotSupportedError("Every statement is a transaction of its own; there is nothing to take back.")

    def check_open(self) -> None:
        """Raise ClosedError if it is closed, InterfaceError if it is of the process that this one was forked from."""
        if self._forked:
            raise InterfaceError(
                "The connection is of the process that this one was forked from; open a new one in this process with "
                "sedsql.connect()."
            )
        if self._closed:
            raise ClosedError("The connection is closed; open a new one with sedsql.connect().")

    def close(self) -> None:
        """Close the mirror; cursors of the connection cannot be used any more."""
        self._closed = True
        if not self._forked:
            self.duckdb.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()
