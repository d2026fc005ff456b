"""Run one query at a time, and give its answer as rows, Arrow, DataFrames or an astropy table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import duckdb
import pyarrow as pa

from sedsql.dbapi.answer import Answer
from sedsql.dbapi.interrupt import interruptible, uninterrupted
from sedsql.dbapi.module import of_stream, own_errors
from sedsql.dbapi.notebook import SHOWN, rows_html
from sedsql.dbapi.open_database import ClosedError, OpenDatabase
from sedsql.dbapi.translator import Parameters, Translator, plain_query, values_to_bind
from sedsql.errors import InterfaceError, ProgrammingError
from sedsql.forked import in_child, keep

if TYPE_CHECKING:
    import astropy.io.votable.tree
    import astropy.table
    import pandas
    import polars

T = TypeVar("T")
Row = tuple[Any, ...]
Language = Literal["adql", "sql"]

BATCH = 122_880
"""Rows of a batch unless told: DuckDB's row group."""


class Cursor:
    """The answer to one query at a time (PEP 249, "Cursor Objects"); DuckDB computes it when it is first fetched.

    Attributes
    ----------
    connection : the Connection that made it (PEP 249, "Optional DB API Extensions")
    duckdb : the DuckDB cursor beneath
    lang : what queries are written in unless they say so
    arraysize : rows that `fetchmany` gives unless told
    adql, parameters : the query, None where it is not ADQL, and the values that came with it

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> cursor = con.execute("SELECT ra AS alpha, parallax FROM gaiadr3.gaia_source")
    >>> table = cursor.table()
    >>> len(table), table["alpha"].unit, table["parallax"].unit
    (20000, Unit("deg"), Unit("mas"))
    >>> cursor.arrow().column_names
    ['alpha', 'parallax']
    >>> sum(batch.num_rows for batch in cursor.batches(5_000))
    20000
    >>> con.close()
    """

    def __init__(self, connection: Any, database: OpenDatabase, translator: Translator, lang: Language):
        """Open a cursor in a database; `connection` is for its users alone."""
        self.connection = connection
        self.lang = lang
        self.duckdb = database.new_cursor()
        self.arraysize = 1
        self._database, self._translator = database, translator
        self._closed = False
        self.adql: str | None = None
        self.parameters: Any = ()
        self._answer = Answer(database, self.duckdb)
        in_child(self, Cursor._leave)

    def _leave(self) -> None:
        """Leave the answer, in a child process, to the parent."""
        keep(self.duckdb)
        keep(self._answer.relation)

    def execute(self, query: str, parameters: Parameters = (), *, lang: Language | None = None) -> Cursor:
        """Run a query.

        Parameters
        ----------
        query : in the language of the connection, ADQL unless told
        parameters : values for `?` by their order, or for `:name` (in SQL `$name`) by their names; they are bound.
            In ADQL astropy's quantities, times and positions are taken too
        lang : 'adql' or 'sql', DuckDB's, for this query

        Raises
        ------
        AdqlError
            A ProgrammingError with the place in the query, where the ADQL is not good.
        DatabaseError
            Of the kind that PEP 249 has for what DuckDB says.
        """
        self._check_open()
        lang = lang or self.lang
        if lang not in ("adql", "sql"):
            raise InterfaceError(f"lang is 'adql' or 'sql', not {lang!r}.")
        self._answer.abandon()
        self._answer = Answer(self._database, self.duckdb)
        query, values = plain_query(query, parameters, in_adql=lang == "adql")
        self.adql, self.parameters = query if lang == "adql" else None, values
        with own_errors(self.adql):
            self._database.follow()
            if lang == "adql":
                self._execute_adql(query, values)
            else:
                self._execute_sql(query, values)
        return self

    def _execute_adql(self, query: str, values: Any) -> None:
        def translated() -> tuple[str, Any]:
            again = self._translator.translate(query, values)
            return again.sql, values_to_bind(again, values)

        translation = self._translator.translate(query, values)
        bound = values_to_bind(translation, values)
        self._answer = Answer(
            self._database,
            self.duckdb,
            translation.sql,
            bound,
            translation.columns,
            renew=translated,
            query=query,
            models=translation.models,
            is_select=True,
        )

    def _execute_sql(self, query: str, values: Any) -> None:
        answer = Answer(self._database, self.duckdb, query, values)
        statements = self.duckdb.extract_statements(query)
        if len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT:
            answer.is_select = True
            answer.bind()
        else:
            answer.execute(statements)
        self._answer = answer

    def executemany(self, query: str, parameters: Iterable[Parameters], *, lang: Language | None = None) -> Cursor:
        """Run a query with each set of parameters; the answer to the last can be fetched."""
        changed, known = 0, True
        for one in parameters:
            self.execute(query, one, lang=lang)
            known &= self.rowcount >= 0
            changed += max(self.rowcount, 0)
        self._answer.rowcount = changed if known else -1
        return self

    @property
    def description(self) -> list[Row] | None:
        """Name, DuckDB type and five times None for each column; None where there are no rows to fetch."""
        with own_errors(self.adql):
            return self._answer.description

    @property
    def rowcount(self) -> int:
        """Rows that a statement changed; -1 where it is not known, as for every SELECT."""
        return self._answer.rowcount

    def fetchone(self) -> Row | None:
        """The next row; None after the last."""
        return self._fetched(lambda rows: rows.fetchone())

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next rows, `arraysize` unless told."""
        return self._fetched(lambda rows: rows.fetchmany(self.arraysize if size is None else size))

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return self._fetched(lambda rows: rows.fetchall())

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def _fetched(self, take: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        self._check_open()
        with own_errors(self.adql):
            return self._answer.fetch(take)

    def _whole(self, take: Callable[[Any], Any]) -> Any:
        self._check_open()
        with own_errors(self.adql):
            return self._answer.whole(take)

    def arrow(self) -> pa.Table:
        """The whole answer as an Arrow table; fields of columns of the catalogue have its units, UCDs, descriptions.

        The metadata of the schema say which models gave the classes, when, and for which query.
        """
        table = self._whole(lambda answer: answer.to_arrow_table())
        return pa.Table.from_arrays(table.columns, schema=self._answer.described(table.schema))

    def batches(self, rows: int = BATCH) -> pa.RecordBatchReader:
        """The answer as Arrow record batches of at most `rows` rows, computed as they are read."""
        reader = self._whole(lambda answer: answer.to_arrow_reader(rows))
        schema, adql = self._answer.described(reader.schema), self.adql

        def next_batch() -> pa.RecordBatch | None:
            try:
                return next(reader, None)
            except (OSError, pa.ArrowException) as error:  # DuckDB's error has come through Arrow's stream
                raise of_stream(error) from error

        def read() -> Iterator[pa.RecordBatch]:
            with own_errors(adql):
                while (batch := interruptible(self.duckdb, next_batch)) is not None:
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                    self._database.check_process()

        return pa.RecordBatchReader.from_batches(schema, read())

    @property
    def schema(self) -> pa.Schema:
        """The columns as `arrow` and `batches` have them; nothing is computed for it."""
        self._check_open()
        with own_errors(self.adql):
            first = self._answer.first(0)
        if first is None:
            raise ProgrammingError("There are no columns to tell of before the rows; execute a SELECT first.")
        return first.schema

    def df(self) -> pandas.DataFrame:
        """The whole answer as a pandas DataFrame, whose `attrs` say where its classes come from."""
        _needs("pandas", "notebook")
        frame = self._whole(lambda answer: answer.df())
        frame.attrs.update(self._answer.provenance())
        return frame

    def pl(self) -> polars.DataFrame:
        """The whole answer as a polars DataFrame."""
        _needs("polars", "polars")
        import polars

        # DuckDB's own way cannot be stopped.
        return polars.DataFrame(self._whole(lambda answer: answer.to_arrow_table()))

    def table(self) -> astropy.table.Table:
        """The whole answer as an astropy table, with the catalogue's units, UCDs (`meta['ucd']`) and descriptions.

        Its `meta['sedsql']` says where its classes come from: models, their SHA-256, the query, the time.
        """
        from sedsql.files import from_arrow

        return from_arrow(self.arrow())

    def votable(self) -> astropy.io.votable.tree.VOTableFile:
        """The whole answer as a VOTable (IVOA VOTable 1.4), ready for `to_xml`, which writes BINARY2."""
        from sedsql.files.votables import to_votable

        return to_votable(self.table())

    def __repr__(self) -> str:
        """Name the columns; nothing is computed for it."""
        if self._closed or self._database.is_closed:
            return "<sedsql cursor, closed>"
        names = [str(name) for name, *_ in self.description or ()]
        return f"<sedsql cursor: {', '.join(names)}>" if names else "<sedsql cursor without rows to fetch>"

    def _repr_html_(self) -> str | None:
        """The first rows, in a notebook; they are computed for it, and can still be fetched."""
        if self._closed or self._database.is_closed:
            return None
        with own_errors(self.adql):
            rows = self._answer.first(SHOWN + 1)
        return None if rows is None else rows_html(rows)

    def abandon(self) -> None:
        """Let go of the answer, and stop what computes it: rows that were not taken are gone. The cursor stays open."""
        self._check_open()
        self._answer.abandon()
        self._answer = Answer(self._database, self.duckdb)

    def interrupt(self) -> None:
        """Stop the running query, from another thread."""
        self.duckdb.interrupt()

    def progress(self) -> float:
        """How much of the running query is done, in per cent; negative while DuckDB cannot tell."""
        return self.duckdb.query_progress()

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Nothing: DuckDB needs no sizes (PEP 249 allows that)."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Nothing: DuckDB needs no sizes (PEP 249 allows that)."""

    def _check_open(self) -> None:
        self._database.check_process()
        if self._closed:
            raise ClosedError("The cursor is closed; make a new one with con.cursor().")
        self._database.check_open()

    def close(self) -> None:
        """Let go of the answer; the cursor cannot be used any more."""
        if not self._closed:
            self._closed = True
            if not self._database.is_closed:
                self._answer.abandon()
            self._answer = Answer(self._database, self.duckdb)
            self._database.close_one(self.duckdb)

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _needs(package: str, extra: str) -> None:
    try:
        with uninterrupted():
            __import__(package)
    except ImportError:
        raise InterfaceError(
            f"This needs {package}, which is not installed; `pip install 'sedsql[{extra}]'` installs it."
        ) from None
