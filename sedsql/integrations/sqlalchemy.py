"""Open a mirror for tools that use SQLAlchemy, by `sqlalchemy.create_engine("sedsql:///PATH")`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer
from sqlalchemy.engine import URL
from sqlalchemy.engine.default import DefaultDialect, DefaultExecutionContext
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.exc import NoSuchTableError

from sedsql import errors
from sedsql.adql.parser.lexer import RESERVED
from sedsql.adql.writer import DUCKDB_WORDS
from sedsql.catalogue import Catalogue, Table
from sedsql.dbapi import module
from sedsql.dbapi.connection import connect

_OPTIONS = ("lang", "engine", "default", "models")
_TYPES: dict[str, Any] = {
    "BIGINT": types.BigInteger,
    "INTEGER": types.Integer,
    "SMALLINT": types.SmallInteger,
    "DOUBLE": types.Double,
    "REAL": types.REAL,
    "VARCHAR": types.String,
    "BOOLEAN": types.Boolean,
    "TIMESTAMP": types.TIMESTAMP,
}
"""SQLAlchemy's types by the catalogue's names of types; any other is left as it comes."""


class DBAPI:
    """What SQLAlchemy asks of a module of PEP 249."""

    apilevel, threadsafety, paramstyle = module.apilevel, module.threadsafety, module.paramstyle
    Binary = module.Binary
    Warning, Error = errors.Warning, errors.Error
    InterfaceError, DatabaseError, DataError = errors.InterfaceError, errors.DatabaseError, errors.DataError
    OperationalError, IntegrityError = errors.OperationalError, errors.IntegrityError
    InternalError, ProgrammingError = errors.InternalError, errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError


class _Preparer(PGIdentifierPreparer):
    """Quote what DuckDB or ADQL reserves."""

    reserved_words = PGIdentifierPreparer.reserved_words | DUCKDB_WORDS | {word.lower() for word in RESERVED}


class Dialect(PGDialect):
    """Write PostgreSQL's SQL, which DuckDB understands, for the mirror in the folder PATH, opened read-only.

    Each statement has a cursor of its own, so an answer stays while others are asked. Tables and columns are those of
    the catalogue, so a table has the type that TAP calls TABLE, though to DuckDB it is a view.
    """

    name = driver = "sedsql"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_sane_rowcount = False
    insert_returning = update_returning = delete_returning = False
    preparer = _Preparer
    inspector = Inspector  # type: ignore[assignment]
    execution_ctx_cls = DefaultExecutionContext  # type: ignore[assignment]

    @classmethod
    def import_dbapi(cls) -> Any:
        return DBAPI

    @classmethod
    def get_dialect_cls(cls, url: URL) -> type[Dialect]:
        return AdqlDialect if url.query.get("lang") == "adql" else Dialect

    def create_connect_args(self, url: URL) -> tuple[tuple[Any, ...], dict[str, Any]]:
        given = dict(url.query)
        if not url.database or set(given) - {*_OPTIONS}:
            known = " or ".join(f"{name}=" for name in _OPTIONS)
            raise errors.InterfaceError(f"sedsql:///PATH opens a mirror, and ? takes {known} after it; not {url}.")
        models = given.pop("models", ())
        return (), {
            "lang": "sql",
            **given,
            "mirror": url.database,
            "models": [models] if isinstance(models, str) else list(models),
        }

    def connect(self, *_: Any, **given: Any) -> Any:
        return connect(**given)

    def initialize(self, connection: Any) -> None:
        DefaultDialect.initialize(self, connection)

    def on_connect(self) -> None:
        return None

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Do nothing: what a statement does is done when it ends."""

    def get_isolation_level_values(self, dbapi_connection: Any) -> list[Any]:
        return ["AUTOCOMMIT"]

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        return "AUTOCOMMIT"

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        return "AUTOCOMMIT"

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Do nothing: there is one level."""

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        return (16,)  # of PostgreSQL, whose SQL is written

    def _get_default_schema_name(self, connection: Any) -> str:
        return _SED if any(_schema(table) == _SED for table in _catalogue(connection).tables.values()) else "main"

    # ---- reflection, from the catalogue ----

    def get_schema_names(self, connection: Any, **_: Any) -> list[str]:
        return sorted({_schema(table) for table in _catalogue(connection).tables.values()})

    def has_schema(self, connection: Any, schema: Any, **_: Any) -> bool:  # type: ignore[override]
        return str(schema).lower() in self.get_schema_names(connection)

    def get_table_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        wanted = (schema or self.default_schema_name or "main").lower()
        return sorted(t.parts[1] for t in _catalogue(connection).tables.values() if _schema(t) == wanted)

    def get_view_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return []

    get_materialized_view_names = get_temp_table_names = get_temp_view_names = get_sequence_names = get_view_names

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> bool:
        return self._find(connection, table_name, schema) is not None

    def _find(self, connection: Any, name: str, schema: str | None) -> Table | None:
        schema = (schema or self.default_schema_name or "main").lower()
        qualified = name.lower() if schema == "main" else f"{schema}.{name.lower()}"
        return _catalogue(connection).tables.get(qualified)

    def _table(self, connection: Any, name: str, schema: str | None) -> Table:
        table = self._find(connection, name, schema)
        if table is None:
            raise NoSuchTableError(f"{schema}.{name}" if schema else name)
        return table

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        table = self._table(connection, table_name, schema)
        return [
            {
                "name": column.name,
                "type": _type(column.datatype),
                "nullable": True,
                "default": None,
                "autoincrement": False,
                "comment": _comment(column.description, column.unit),
            }
            for key, column in table.columns.items()
            if key not in table.hidden
        ]

    def get_table_comment(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        return {"text": self._table(connection, table_name, schema).description}

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        self._table(connection, table_name, schema)
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        self._table(connection, table_name, schema)
        return []

    get_indexes = get_unique_constraints = get_check_constraints = get_foreign_keys

    def get_table_options(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        self._table(connection, table_name, schema)
        return {}


for _of_many in (
    *("columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints"),
    *("table_comment", "table_options"),
):  # PostgreSQL's dialect reads these, for many tables at once, from tables of its own
    _method = f"get_multi_{_of_many}"
    setattr(Dialect, _method, getattr(DefaultDialect, _method))


class _AdqlCompiler(PGCompiler):
    """Write TOP for LIMIT."""

    def get_select_precolumns(self, select: Any, **keywords: Any) -> str:
        text = str(super().get_select_precolumns(select, **keywords))  # type: ignore[no-untyped-call]
        if select._limit_clause is not None:
            keywords["literal_execute"] = True
            text += f"TOP {self.process(select._limit_clause, **keywords)} "
        return text

    def limit_clause(self, select: Any, **keywords: Any) -> str:
        if select._offset_clause is None:
            return ""
        keywords["literal_execute"] = True
        return f"\n OFFSET {self.process(select._offset_clause, **keywords)}"


class AdqlDialect(Dialect):
    """Send ADQL: `sedsql:///PATH?lang=adql`."""

    supports_statement_cache = True
    statement_compiler = _AdqlCompiler


_SED = "sed"
"""The schema in which a connection looks for tables whose names have none."""


def _schema(table: Table) -> str:
    return table.parts[0].lower()


def _catalogue(connection: Any) -> Catalogue:
    found: Catalogue = connection.connection.dbapi_connection.catalogue
    return found


def _type(datatype: str) -> Any:
    if datatype.endswith("[]"):
        return types.ARRAY(_type(datatype[:-2]))
    return _TYPES.get(datatype, types.NullType)()


def _comment(description: str | None, unit: str | None) -> str | None:
    """Write a column's description with its unit, which SQLAlchemy has no place for."""
    return " ".join(filter(None, (description, f"[{unit}]" if unit else None))) or None
