"""connect(): ADQL or SQL in, rows or Arrow out."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from . import adql
from .adql.rewrite import REWRITES
from .catalogue import Catalogue
from .errors import Error
from .inference.bounds import Bounds
from .inference.calls import RowFunction, functions
from .inference.engines import Engine, install
from .inference.model import DEFAULT_MODEL, find_models
from .mirror.store import OWN_MACROS, open_mirror


class ClosedError(Error):
    """A connection or cursor that was closed is used."""


def connect(
    mirror: str | Path | None = None,
    *,
    models: Iterable[str | Path] | None = None,
    engine: Engine | None = None,
    rewrites: Collection[str] = tuple(REWRITES),
) -> "Connection":
    """A connection to a mirror, or to an empty database, in which the `sed_*` functions can be called.

    Parameters
    ----------
    mirror : folder of a mirror; it is opened read-only
    models : folders of models to add to the shipped ones
    engine : 'native', the C extension, 'onnx', ONNX Runtime, or 'sql', plain SQL; the fastest that runs a model
        unless told
    rewrites : what is done to make ADQL fast, which leaves its answers as they are: 'views' without the joins that
        a query has no use for, 'ranges' of cells for regions, 'joins' of cells for positions, 'bounds' before a model
        is asked, and 'models' asked last and once; all unless told

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect()
    >>> con.execute("SELECT sed_stage(9.8, 8.9, 8.1, 7.4, 6.5, 5.8, 4.1, 3.3, 1.9, 0.1)", lang="sql").fetchone()
    ('II',)
    >>> con.close()
    """
    con = open_mirror(mirror, unsigned=True) if mirror else duckdb.connect(config={"allow_unsigned_extensions": True})
    try:
        # The macros are not temporary, but in the memory of this process: cursors see them, the file does not.
        con.execute("USE memory")
        engines = install(con, models, engine=engine, temporary=False)
        con.execute("SET allow_unsigned_extensions = false")  # ours is loaded
        search_path = _search_path(con, mirror)
        con.execute(f"SET search_path = '{search_path}'")
        rows = math.inf if mirror is None else _most_rows(con)
        called = functions(Bounds(find_models(models), DEFAULT_MODEL, engines, rows))
        return Connection(con, Catalogue.of(con), search_path, called, rewrites)
    except BaseException:
        con.close()
        raise


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
    """An open mirror.

    Attributes
    ----------
    duckdb : the DuckDB connection beneath, for all that DuckDB offers
    catalogue : the tables and columns that ADQL names mean
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        catalogue: Catalogue,
        search_path: str,
        functions: dict[str, RowFunction],
        rewrites: Collection[str],
    ):
        self.duckdb = con
        self.catalogue = catalogue
        self._search_path = search_path
        self._functions = functions
        self._rewrites = rewrites
        self._closed = False

    def cursor(self) -> "Cursor":
        if self._closed:
            raise ClosedError("The connection is closed; open a new one with sedsql.connect().")
        con = self.duckdb.cursor()
        con.execute(f"SET search_path = '{self._search_path}'")
        return Cursor(self, con)

    def translate(self, query: str, explain: list[str] | None = None) -> str:
        """The DuckDB SQL of an ADQL query, its names resolved against the mirror."""
        return adql.translate(query, self.catalogue, self._functions, explain=explain, rewrites=self._rewrites)

    def execute(self, query: str, parameters: Sequence[Any] = (), *, lang: str = "adql") -> "Cursor":
        """Run a query on a new cursor: see `Cursor.execute`."""
        return self.cursor().execute(query, parameters, lang=lang)

    def close(self) -> None:
        self._closed = True
        self.duckdb.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_) -> None:
        self.close()


class Cursor:
    """The answer to one query at a time; DuckDB computes it when it is first fetched."""

    def __init__(self, connection: Connection, con: duckdb.DuckDBPyConnection):
        self.connection = connection
        self.duckdb = con
        self._query: tuple[str, list] = ("", [])
        # A SELECT is a relation, which gives Arrow without a copy, until its first row is fetched.
        self._relation: duckdb.DuckDBPyRelation | None = None
        self._fetching = False
        self._executed = False

    def execute(self, query: str, parameters: Sequence[Any] = (), *, lang: str = "adql") -> "Cursor":
        """Run a query, written in ADQL, or with `lang="sql"` in DuckDB's SQL.

        `parameters` are bound to the `?` of a SQL query; ADQL has none.
        """
        if lang not in ("adql", "sql"):
            raise ValueError(f"lang is 'adql' or 'sql', not {lang!r}")
        sql = self.connection.translate(query) if lang == "adql" else query
        self._query = sql, list(parameters)
        self._relation, self._fetching = None, True
        statements = self.duckdb.extract_statements(sql)
        if len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT:
            self._relation, self._fetching = self.duckdb.sql(sql, params=list(parameters)), False
        else:
            self.duckdb.execute(sql, list(parameters))
        self._executed = True
        return self

    @property
    def description(self) -> list[tuple] | None:
        """Name, DuckDB type and five times None for each column (PEP 249); None for what gives no rows."""
        return self._answer().description or None if self._executed else None

    def _rows(self) -> duckdb.DuckDBPyConnection:
        self._answer()
        if not self._fetching:
            self.duckdb.execute(*self._query)
            self._fetching = True
        return self.duckdb

    def _answer(self) -> Any:
        if not self._executed:
            raise ClosedError("There is no answer to fetch from; execute a query first.")
        return self.duckdb if self._relation is None else self._relation

    def fetchone(self) -> tuple | None:
        return self._rows().fetchone()

    def fetchmany(self, size: int = 1) -> list[tuple]:
        return self._rows().fetchmany(size)

    def fetchall(self) -> list[tuple]:
        return self._rows().fetchall()

    def __iter__(self) -> Iterator[tuple]:
        while (row := self.fetchone()) is not None:
            yield row

    def arrow(self) -> pa.Table:
        """The whole answer as an Arrow table."""
        return self._answer().to_arrow_table()

    def interrupt(self) -> None:
        """Stop the running query, from another thread."""
        self.duckdb.interrupt()

    def progress(self) -> float:
        """How much of the running query is done, in per cent; negative while DuckDB cannot tell."""
        return self.duckdb.query_progress()

    def close(self) -> None:
        self._executed = False
        self.duckdb.close()
