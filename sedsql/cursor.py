"""A cursor: one query at a time, and its answer as rows, Arrow, DataFrames or an astropy table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

import duckdb
import pyarrow as pa

from .adql.parameters import UnfitError, plain
from .adql.scope import Column
from .dbapi import own_errors
from .errors import InterfaceError, ProgrammingError
from .forked import in_child, keep
from .waiting import waited

if TYPE_CHECKING:
    import astropy.io.votable.tree
    import astropy.table
    import pandas
    import polars

    from .db import Connection

T = TypeVar("T")
Language = Literal["adql", "sql"]
Parameters = Sequence[Any] | Mapping[str, Any]

BATCH = 122_880
"""Rows of a batch unless told: DuckDB's row group."""


class ClosedError(InterfaceError):
    """A connection or cursor that was closed is used."""


class Cursor:
    """The answer to one query at a time (PEP 249, "Cursor Objects"); DuckDB computes it when it is first fetched.

    Attributes
    ----------
    connection : that it is of
    duckdb : the DuckDB cursor beneath
    arraysize : rows that `fetchmany` gives unless told

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

    def __init__(self, connection: Connection, con: duckdb.DuckDBPyConnection):
        self.connection = connection
        self.duckdb = con
        self.arraysize = 1
        self._closed, self._forked = False, False
        self._forget()
        in_child(self, Cursor._leave)

    def _leave(self) -> None:
        """In a child process: it is its parent's."""
        self._forked = True
        keep(self.duckdb)
        keep(self._relation)

    def _forget(self) -> None:
        self._sql: tuple[str, Any] = ("", None)
        # A SELECT is a relation, which gives Arrow without a copy, until its first row is fetched.
        self._relation: duckdb.DuckDBPyRelation | None = None
        self._fetching = False
        self._rowcount = -1
        self._columns: Mapping[str, Column] = {}

    def execute(self, query: str, parameters: Parameters = (), *, lang: Language | None = None) -> Cursor:
        """Run a query.

        Parameters
        ----------
        query : in the language of the connection, ADQL unless told
        parameters : values for `?` by their order, or for `:name` (in SQL `$name`) by their names; they are bound
        lang : 'adql' or 'sql', DuckDB's, for this query

        Raises
        ------
        AdqlError
            A ProgrammingError with the place in the query, where the ADQL is not good.
        DatabaseError
            Of the kind that PEP 249 has for what DuckDB says.
        """
        self._open()
        lang = lang or self.connection.lang
        if lang not in ("adql", "sql"):
            raise InterfaceError(f"lang is 'adql' or 'sql', not {lang!r}.")
        self._forget()
        try:
            (query,) = plain([query])
            bound = plain(parameters)
        except UnfitError as reason:
            raise ProgrammingError(f"{reason}.") from None
        if not isinstance(query, str):
            raise ProgrammingError(f"A query is a text, and this is a {type(query).__name__}.")
        with own_errors():
            self.connection.follow()
            if lang == "adql":
                sql = self._translated(query, bound)
                self._ask(sql, self._used(sql, bound) if "$" in sql else None)
                return self
            if len(statements := self.duckdb.extract_statements(query)) == 1 and _is_select(statements[0]):
                self._ask(query, bound)
            else:
                self._sql = query, bound
                waited(self.duckdb, lambda: self.duckdb.execute(query, bound))
                self._after(statements)
        return self

    def _translated(self, query: str, parameters: Parameters) -> str:
        translation = self.connection.translation(query, parameters)
        self._columns = translation.columns
        return translation.sql

    def _used(self, sql: str, parameters: Parameters) -> dict[str, Any]:
        """The values that DuckDB is to bind: numbers that regions were computed from are no parameters any more."""
        given = parameters if isinstance(parameters, Mapping) else dict(enumerate(parameters, 1))
        names = self.duckdb.extract_statements(sql)[0].named_parameters
        return {name: given[int(name) if name.isdigit() else name] for name in names}  # type: ignore[index]

    def _ask(self, select: str, values: Any) -> None:
        self._sql = select, values
        # With values DuckDB computes it here and now.
        self._relation = self._following(lambda: self.duckdb.sql(select, params=values or None))

    def _following(self, ask: Callable[[], T]) -> T:
        """What `ask` gives; it is asked again where files or tables are gone because the mirror was changed."""
        while True:
            state = self.connection.follow()
            try:
                return waited(self.duckdb, ask)
            except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException):
                if self.connection.follow() == state:
                    raise

    def _after(self, statements: list) -> None:
        """What there is to fetch after a statement that is no SELECT."""
        kinds = statements[-1].expected_result_type if statements else []
        self._fetching = duckdb.ExpectedResultType.QUERY_RESULT in kinds
        names = [name for name, *_ in self.duckdb.description or []]
        if duckdb.ExpectedResultType.CHANGED_ROWS in kinds and names == ["Count"]:  # with RETURNING, it is rows
            (self._rowcount,) = self.duckdb.fetchone() or (-1,)
            self._fetching = False

    def executemany(self, query: str, parameters: Iterable[Parameters], *, lang: Language | None = None) -> Cursor:
        """Run a query with each set of parameters; what is to be fetched is the answer to the last."""
        changed, known = 0, True
        for one in parameters:
            self.execute(query, one, lang=lang)
            known &= self._rowcount >= 0
            changed += max(self._rowcount, 0)
        self._rowcount = changed if known else -1
        return self

    @property
    def description(self) -> list[tuple] | None:
        """Name, DuckDB type and five times None for each column; None where there are no rows to fetch."""
        answer = self._relation if self._relation is not None else self.duckdb if self._fetching else None
        return answer.description or None if answer is not None else None

    @property
    def rowcount(self) -> int:
        """Rows that a statement changed; -1 where it is not known, as for every SELECT."""
        return self._rowcount

    def fetchone(self) -> tuple | None:
        """The next row; None after the last."""
        return self._fetched(lambda rows: rows.fetchone())

    def fetchmany(self, size: int | None = None) -> list[tuple]:
        """The next rows, `arraysize` unless told."""
        return self._fetched(lambda rows: rows.fetchmany(self.arraysize if size is None else size))

    def fetchall(self) -> list[tuple]:
        """All rows that are left."""
        return self._fetched(lambda rows: rows.fetchall())

    def __iter__(self) -> Iterator[tuple]:
        return self

    def __next__(self) -> tuple:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def _fetched(self, take: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Rows of the answer, which DuckDB computes no sooner than the first of them are taken."""
        self._open()
        if self._relation is None and not self._fetching:
            self._nothing()
        with own_errors():
            if not self._fetching:
                rows = self._following(lambda: take(self.duckdb.execute(*self._sql)))
                self._fetching = True
                return rows
            return take(self.duckdb)

    def _nothing(self) -> NoReturn:
        if self._sql[0]:
            raise ProgrammingError("The statement gives no rows to fetch.")
        raise ProgrammingError("There is no answer to fetch from; execute a query first.")

    def _whole(self, take: Callable[[Any], Any]) -> Any:
        self._open()
        answer = self._relation if self._relation is not None else self.duckdb if self._fetching else self._nothing()
        with own_errors():
            return self._following(lambda: take(answer))

    def arrow(self) -> pa.Table:
        """The whole answer as an Arrow table; fields of columns of the catalogue have its units, UCDs, descriptions."""
        table = self._whole(lambda answer: answer.to_arrow_table())
        return pa.Table.from_arrays(table.columns, schema=self._told(table.schema)) if self._columns else table

    def batches(self, rows: int = BATCH) -> pa.RecordBatchReader:
        """The answer as Arrow record batches of at most `rows` rows, computed as they are read."""
        reader = self._whole(lambda answer: answer.to_arrow_reader(rows))
        schema = self._told(reader.schema)

        def read() -> Iterator[pa.RecordBatch]:
            with own_errors():
                for batch in reader:
                    yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
                    self._of_this_process()

        return pa.RecordBatchReader.from_batches(schema, read())

    def _told(self, schema: pa.Schema) -> pa.Schema:
        """The schema with what the catalogue tells of its columns."""
        fields = []
        for field in schema:
            column = self._columns.get(field.name.lower())
            about = {key: getattr(column, key) for key in ("unit", "ucd", "description") if getattr(column, key, None)}
            fields.append(field.with_metadata({**(field.metadata or {}), **about}) if about else field)
        return pa.schema(fields, schema.metadata)

    def df(self) -> pandas.DataFrame:
        """The whole answer as a pandas DataFrame."""
        _needs("pandas", "notebook")
        return self._whole(lambda answer: answer.df())

    def pl(self) -> polars.DataFrame:
        """The whole answer as a polars DataFrame."""
        _needs("polars", "polars")
        import polars

        # DuckDB's own way cannot be stopped.
        return polars.DataFrame(self._whole(lambda answer: answer.to_arrow_table()))

    def table(self) -> astropy.table.Table:
        """The whole answer as an astropy table, with the catalogue's units, UCDs (`meta['ucd']`) and descriptions."""
        from .tables import from_arrow

        return from_arrow(self.arrow())

    def votable(self) -> astropy.io.votable.tree.VOTableFile:
        """The whole answer as a VOTable (IVOA VOTable 1.4), ready for `to_xml`."""
        from astropy.io.votable import from_table

        return from_table(self.table())

    def interrupt(self) -> None:
        """Stop the running query, from another thread."""
        self.duckdb.interrupt()

    def progress(self) -> float:
        """How much of the running query is done, in per cent; negative while DuckDB cannot tell."""
        return self.duckdb.query_progress()

    def setinputsizes(self, sizes: Sequence) -> None:
        """Nothing: DuckDB needs no sizes (PEP 249 allows that)."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Nothing: DuckDB needs no sizes (PEP 249 allows that)."""

    def _of_this_process(self) -> None:
        if self._forked:
            self.connection.check_open()

    def _open(self) -> None:
        self._of_this_process()
        if self._closed:
            raise ClosedError("The cursor is closed; make a new one with con.cursor().")
        self.connection.check_open()

    def close(self) -> None:
        """Let go of the answer; the cursor cannot be used any more."""
        if not self._closed:
            self._closed = True
            self._forget()
            if not self._forked:
                self.duckdb.close()

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _is_select(statement: Any) -> bool:
    return statement.type == duckdb.StatementType.SELECT


def _needs(package: str, extra: str) -> None:
    try:
        __import__(package)
    except ImportError:
        raise InterfaceError(
            f"This needs {package}, which is not here; `pip install 'sedsql[{extra}]'` brings it."
        ) from None
