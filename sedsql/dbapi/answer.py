"""Hold what a cursor has to fetch: a SELECT that is not yet computed, rows that are, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from weakref import ref

import duckdb
import pyarrow as pa

from sedsql.adql.resolver.scope import Column
from sedsql.dbapi.described import described, provenance
from sedsql.dbapi.interrupt import interruptible
from sedsql.dbapi.open_database import OpenDatabase
from sedsql.errors import ProgrammingError

T = TypeVar("T")


@dataclass(eq=False)
class Answer:
    """The answer to one statement.

    Attributes
    ----------
    database, cursor : where the statement is run, and the DuckDB cursor that runs it
    sql, values : the statement with what is bound to its parameters; no SQL before the first
    columns : the catalogue's columns that the answer has, by lower-case name
    is_select : whether it is a SELECT; DuckDB computes it when it is fetched
    relation : of a SELECT, once something needs it: it gives Arrow without a copy, and DuckDB takes half a millisecond
        to bind it
    fetching : whether the DuckDB cursor has rows to fetch
    rowcount : rows that the statement changed; -1 where that is not known
    query, models : the ADQL, and name and SHA-256 of each model that it asks
    batches : leads to DuckDB's reader of the answer while someone has it
    renew : translates the query again, for a mirror that was changed: its files are others; gives SQL and values
    """

    database: OpenDatabase
    cursor: duckdb.DuckDBPyConnection
    sql: str = ""
    values: Any = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    is_select: bool = False
    relation: duckdb.DuckDBPyRelation | None = None
    fetching: bool = False
    rowcount: int = -1
    query: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    renew: Callable[[], tuple[str, Any]] | None = None
    batches: ref[pa.RecordBatchReader] | None = None
    _again: Answer | None = None

    def __post_init__(self) -> None:
        self._catalogue = self.database.catalogue

    def bind(self) -> duckdb.DuckDBPyRelation:
        """Have DuckDB bind `sql`, which is a SELECT; it is computed at once where it has values."""
        if self.relation is None:
            self.relation = self.database.run(self.cursor, self._bound)
        return self.relation

    def _bound(self) -> duckdb.DuckDBPyRelation:
        if self._translate_again() or self.relation is None:
            self.relation = self.cursor.sql(self.sql, params=self.values or None)
        return self.relation

    def _translate_again(self) -> bool:
        """Translate the query again if the catalogue is another than it was; tell whether it was."""
        if self.renew is None or self.database.catalogue is self._catalogue:
            return False
        self._catalogue = self.database.catalogue
        self.sql, self.values = self.renew()
        return True

    def execute(self, statements: list[duckdb.Statement]) -> None:
        """Run `sql`, which is these statements, and find out what there is to fetch."""
        interruptible(self.cursor, lambda: self.cursor.execute(self.sql, self.values))
        kinds = statements[-1].expected_result_type if statements else []
        names = [name for name, *_ in self.cursor.description or []]
        if duckdb.ExpectedResultType.CHANGED_ROWS in kinds and names == ["Count"]:  # with RETURNING, it is rows
            (self.rowcount,) = self.cursor.fetchone() or (-1,)
        else:
            self.fetching = duckdb.ExpectedResultType.QUERY_RESULT in kinds

    def fetch(self, take: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Take the next rows; DuckDB computes none before the first are taken."""
        self._check()
        if self.fetching:
            return take(self.cursor)

        def execute() -> T:
            self._translate_again()
            return take(self.cursor.execute(self.sql, self.values))

        rows = self.database.run(self.cursor, execute)
        self.fetching = True
        return rows

    def whole(self, take: Callable[[Any], T]) -> T:
        """Take the whole answer, in a form that both a relation and a cursor of DuckDB have.

        If some rows were taken one by one or in batches, it is asked again by another cursor of DuckDB, and the rest
        can still be.
        """
        self._check()
        if not self.is_select:
            return self.database.run(self.cursor, lambda: take(self.cursor))
        if self.fetching or self._open_batches():
            if self._again is None:
                cursor = self.database.new_cursor()
                self._again = replace(self, cursor=cursor, relation=None, fetching=False, batches=None, _again=None)
            return self._again.whole(take)
        answer = self.database.run(self.cursor, lambda: take(self._bound()))
        if isinstance(answer, pa.RecordBatchReader):
            self.batches = ref(answer)
        return answer

    def _open_batches(self) -> pa.RecordBatchReader | None:
        """The stream of batches that someone still has."""
        return self.batches() if self.batches else None

    def abandon(self) -> None:
        """Let go of rows that were not taken: DuckDB does nothing else on a cursor that has some."""
        if self.fetching and hasattr(self.cursor, "abort"):  # since DuckDB 2.0
            self.cursor.abort()
        self.fetching = False
        if (batches := self._open_batches()) is not None:
            batches.close()
        self.batches = None
        if self._again is not None:
            self._again.abandon()
            self.database.close_one(self._again.cursor)
            self._again = None

    def first(self, rows: int) -> pa.Table | None:
        """Compute the first rows without taking them; None where there are none to fetch, or some were taken."""
        if not self.is_select or self.fetching:
            return None
        relation = self.bind().limit(rows)
        table = self.database.run(self.cursor, lambda: relation.to_arrow_table())
        return pa.Table.from_arrays(table.columns, schema=self.described(table.schema))

    def _check(self) -> None:
        if self.is_select or self.fetching:
            return
        if self.sql:
            raise ProgrammingError("The statement gives no rows to fetch.")
        raise ProgrammingError("There is no answer to fetch from; execute a query first.")

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """Name, DuckDB type and five times None for each column; None where there are no rows to fetch."""
        if self.fetching:
            return self.cursor.description or None
        return self.bind().description or None if self.is_select else None

    def provenance(self) -> dict[str, dict[str, str]]:
        """Say, under PROVENANCE, where the classes of the answer come from; nothing where the query asks no model."""
        return provenance(self.query, self.models)

    def described(self, schema: pa.Schema) -> pa.Schema:
        """Add the catalogue's units, UCDs and descriptions to the fields of a schema, and to it the provenance."""
        return described(schema, self.columns, self.query, self.models)
