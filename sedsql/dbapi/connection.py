"""Connect to a mirror, as Python's DB-API has it (PEP 249)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import duckdb

from sedsql import errors
from sedsql.adql import Translation
from sedsql.adql.optimizer.rules import REWRITES
from sedsql.catalogue import Catalogue
from sedsql.dbapi.cursor import Cursor, Language
from sedsql.dbapi.notebook import tables_html
from sedsql.dbapi.open_database import OpenDatabase
from sedsql.dbapi.opening import Models, open_database
from sedsql.dbapi.translator import DatabaseTranslator, Parameters
from sedsql.dbapi.uploads import UPLOADS, drop_upload, store_upload
from sedsql.errors import InterfaceError
from sedsql.files.object_storage.addresses import place_of
from sedsql.files.object_storage.duckdb_files import PREFIX
from sedsql.files.place import at_home
from sedsql.inference.answering import Answering
from sedsql.inference.engines import Engine
from sedsql.inference.row_function import RowFunction

if TYPE_CHECKING:
    from sedsql.files import Rows


def connect(
    mirror: str | Path | None = None,
    *,
    models: Iterable[str | Path] | None = None,
    default: str | None = None,
    engine: Engine | None = None,
    read_only: bool = True,
    lang: Language = "adql",
    rewrites: Collection[str] = tuple(REWRITES),
    strict: bool = False,
) -> Connection:
    """Connect to a mirror, or to an empty database, in which the `sed_*` functions can be called.

    Parameters
    ----------
    mirror : folder of a mirror, or its address on object storage, such as s3://bucket/sky, where it is only read
    models : folders of models to add to the shipped ones
    default : name of the model that answers where a query names none; unless told, 'sky-1' in ADQL for rows with a
        position, if it is there, else 'shape-2'
    engine : 'native', the C extension, 'onnx', ONNX Runtime, or 'sql', plain SQL, which has the models that answer
        where none is named and those in `models`, by folder or name; the fastest that runs a model unless told
    read_only : whether the mirror's database is left as it is; else tables of one's own can be made in it, and no one
        else can open it meanwhile
    lang : what queries are written in unless they say so: 'adql', or 'sql' for DuckDB's, for tools that send SQL
    rewrites : what is done to make ADQL fast, which leaves its answers as they are: 'stored' answers are read instead
        of asking their model, 'views' without the joins that a query has no use for, 'ranges' of cells for regions,
        'joins' of cells for positions, 'files' with such cells or source_ids alone, 'bounds' before a model is asked,
        and 'models' asked last and once; all unless told
    strict : whether words that ADQL reserves are refused as names, such as `position`, `date` and `count`, which the
        Gaia Archive takes

    Raises
    ------
    MirrorError, ModelError, EngineError
        Where the folder is no mirror, or a model or the engine is not there.
    StorageError
        Where the object storage cannot be read.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect()
    >>> con.sql("SELECT sed_stage(9.8, 8.9, 8.1, 7.4, 6.5, 5.8, 4.1, 3.3, 1.9, 0.1)").fetchone()
    ('II',)
    >>> con.close()
    """
    chosen = Models.find(models, default, engine)
    if lang not in get_args(Language):
        raise InterfaceError(f"lang is 'adql' or 'sql', not {lang!r}.")
    return Connection(*open_database(at_home(mirror) if mirror else None, chosen, read_only), lang, rewrites, strict)


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
        database: OpenDatabase,
        functions: Mapping[str, RowFunction],
        lang: Language,
        rewrites: Collection[str],
        strict: bool = False,
    ):
        self.duckdb: duckdb.DuckDBPyConnection = database.duckdb
        self.lang = lang
        self._database = database
        self._translator = DatabaseTranslator(database, functions, rewrites, strict)

    @property
    def catalogue(self) -> Catalogue:
        """The tables and columns that ADQL names mean."""
        return self._database.catalogue

    @catalogue.setter
    def catalogue(self, catalogue: Catalogue) -> None:
        self._database.catalogue = catalogue

    @property
    def mirror(self) -> Path | None:
        """The folder of the mirror, or its address on object storage; None of an empty database."""
        self.check_open()
        query = (
            "SELECT path, current_setting('file_search_path') FROM duckdb_databases() WHERE database_name = 'mirror'"
        )
        with self.duckdb.cursor() as con:
            found = con.execute(query).fetchone()
        if found and found[1].startswith(PREFIX):
            return Path(found[1].removeprefix(PREFIX))
        return Path(found[0]).parent if found else None

    @property
    def answering(self) -> Answering:
        """The models, and which of them answers where a query names none."""
        found = self._translator.functions["sed_class"].answering
        assert found is not None
        return found

    @property
    def functions(self) -> Mapping[str, RowFunction]:
        """What the translator knows of the functions of models, by name."""
        return self._translator.functions

    def cursor(self) -> Cursor:
        """Make a cursor; those of one connection run beside one another."""
        self.check_open()
        return Cursor(self, self._database, self._translator, self.lang)

    def translate(self, query: str, explain: list[str] | None = None) -> str:
        """The DuckDB SQL of an ADQL query, its names resolved against the mirror; see `adql.translate`."""
        return self.translation(query, None, explain).sql

    def translation(
        self,
        query: str,
        parameters: Parameters | None = None,
        explain: list[str] | None = None,
        rewrites: Collection[str] | None = None,
    ) -> Translation:
        """The same with the catalogue's columns that the answer has, for a query with the values of its parameters.

        rewrites : instead of the connection's
        """
        return self._translator.translate(query, parameters, explain=explain, rewrites=rewrites)

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

        `rows` is an astropy or Arrow table, a DataFrame, a cursor, pyvo's results or a file's path; units, UCDs and
        descriptions are kept. A table of that name is replaced.
        """
        self.check_open()
        table = store_upload(self.duckdb, name, rows)
        self.catalogue = Catalogue({**self.catalogue.tables, table.name.lower(): table})

    def drop_upload(self, name: str) -> None:
        """Let go of a table that was uploaded; nothing where there is none."""
        kept = {key: table for key, table in self.catalogue.tables.items() if key != f"{UPLOADS}.{name}".lower()}
        if len(kept) < len(self.catalogue.tables):
            drop_upload(self.duckdb, name)
            self.catalogue = Catalogue(kept)

    def follow(self) -> None:
        """Read the mirror as it is now, if another process has changed it; cursors do so at each query.

        A mirror on object storage is looked at by a query at most every ten seconds, and by this at once.
        """
        self.check_open()
        self._database.follow(0)

    def hide(self, schema: str) -> None:
        """Let ADQL name no table of a schema; DuckDB's SQL can still."""
        self._database.hide(schema)

    def __repr__(self) -> str:
        return f"<sedsql {self._title()}>"

    def _repr_html_(self) -> str | None:
        """The tables, in a notebook."""
        return None if self._database.is_closed else tables_html(self._title(), self.catalogue.tables)

    def _title(self) -> str:
        if self._database.is_closed:
            return "connection, closed"
        mirror = self.mirror
        where = f"to the mirror {place_of(mirror)}" if mirror else "without a mirror"
        return f"connection {where}, {len(self.catalogue.tables)} tables; queries are in {self.lang.upper()}"

    def commit(self) -> None:
        """Nothing: what a statement does is done when it ends."""
        self.check_open()

    def rollback(self) -> None:
        """Not there: what a statement does is done when it ends."""
        self.check_open()
        raise errors.NotSupportedError("Every statement is a transaction of its own; there is nothing to roll back.")

    def check_open(self) -> None:
        """Raise ClosedError if it is closed, InterfaceError if it is of the process that this one was forked from."""
        self._database.check_open()

    def close(self) -> None:
        """Close the mirror; cursors of the connection cannot be used any more."""
        self._database.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
