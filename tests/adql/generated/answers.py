"""Answers of several ways to ask one query, and what differs between them."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import sedsql
from sedsql.dbapi import own_errors
from sedsql.errors import DataError, Error, OperationalError

from .queries import Query
from .tables import tables, uploads

LONGEST = 20.0
"""Seconds after which a query is stopped, and not compared."""
SUMS = 1e-9
"""Relative: how far sums of some thousand numbers lie apart that were added in another order."""
ENGINES = 2e-5
"""Probabilities are float32: engines differ by a few of its last bits, and what is computed of them by more."""


@dataclass(frozen=True)
class Answer:
    """Names and types of an answer's columns with its rows, or the error."""

    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple, ...] = ()
    error: BaseException | None = None

    @property
    def stopped(self) -> bool:
        return isinstance(self.error, OperationalError) and "stopped" in str(self.error)

    @property
    def refusal(self) -> tuple[str, str]:
        """The error's class and its first sentence."""
        return type(self.error).__name__, str(self.error).splitlines()[0]


class Side:
    """One way to ask: a connection of its own."""

    def __init__(self, name: str, mirror: Path, **how: Any):
        self.name = name
        self.connection = sedsql.connect(mirror, **how)
        self.connection.duckdb.execute("SET threads = 1")
        for table, rows in uploads(self.connection).items():
            self.connection.upload(table, rows)
        self.tables = tables(self.connection)
        self.cursor = self.connection.cursor()

    def ask(self, text: str, parameters: list | dict, rewrites: Collection[str] | None = None) -> Answer:
        """The answer to a query; `rewrites` are those of the connection unless told.

        A relation of the cursor would be bound twice, which takes half of the time.
        """
        con = self.connection
        before = con._rewrites
        con._rewrites = before if rewrites is None else rewrites
        try:
            sql = con.translation(text, parameters).sql
        except Exception as error:
            return Answer(error=error)
        finally:
            con._rewrites = before
        try:
            with own_errors(), _stopped_after(self.cursor.duckdb, LONGEST):
                used = self.cursor._used(sql, parameters) if "$" in sql and parameters else None
                answer = self.cursor.duckdb.execute(sql, used)
                columns = tuple((name, str(kind)) for name, kind, *_ in answer.description or [])
                return Answer(columns, tuple(answer.fetchall()))
        except Exception as error:
            return Answer(error=error)


class _Watch:
    """A thread that stops a query which runs too long."""

    def __init__(self) -> None:
        self.running: tuple[duckdb.DuckDBPyConnection, float] | None = None
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(0.5)
            running = self.running
            if running and time.monotonic() > running[1]:
                running[0].interrupt()


_watches: list[_Watch] = []


@contextmanager
def _stopped_after(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    if not _watches:
        _watches.append(_Watch())
    _watches[0].running = con, time.monotonic() + seconds
    try:
        yield
    finally:
        _watches[0].running = None


# --- comparison -------------------------------------------------------------------------------------------


def difference(query: Query, one: Answer, other: Answer, *, engines: bool = False, whole: Answer | None = None) -> str:
    """What differs between two answers to a query, in a few words; nothing where they agree.

    engines : whether two engines answered, which agree but for the last bits of probabilities
    whole : the answer to the query without TOP and OFFSET, for a query that has them
    """
    if one.stopped or other.stopped:
        return ""
    for answer in (one, other):
        if answer.error and not isinstance(answer.error, Error):
            return f"an error that is no sentence: {type(answer.error).__name__}"
    if one.error or other.error:
        return _refusals(query, one, other)
    if [name for name, _ in one.columns] != [name for name, _ in other.columns]:
        return "names of columns"
    if one.columns != other.columns:
        return "types of columns"
    if len(one.rows) != len(other.rows):
        return "numbers of rows"
    within = ENGINES if engines else SUMS if "sums" in query.notes else 0.0
    if query.cut:
        if whole is None or whole.error:
            return ""
        # Which of the rows come first is open; that they are rows of the answer, and what they are ordered by, is not.
        for answer in (one, other):
            if _unmatched(answer.rows, whole.rows, within):
                return "rows of the first ones that are none of the whole answer"
    elif _unmatched(one.rows, other.rows, within):
        return "rows"
    if query.keys and not engines:
        for left, right in zip(one.rows, other.rows, strict=True):
            if not all(_close(left[key], right[key], within) for key in query.keys):
                return "order of rows"
    return ""


def _refusals(query: Query, one: Answer, other: Answer) -> str:
    errors = [answer.error for answer in (one, other) if answer.error]
    if "fails" in query.notes and all(isinstance(error, Error) and _of_values(error) for error in errors):
        return ""  # SQL does not say which rows are looked at, nor in what order
    if len(errors) == 1:
        return f"one way refuses: {type(errors[0]).__name__}"
    return "" if one.refusal == other.refusal else "sentences of refusals"


def _of_values(error: BaseException) -> bool:
    """Whether a value was the reason, and not the query."""
    return isinstance(error, DataError) or "Division by zero" in str(error) or "verflow" in str(error)


def _unmatched(some: tuple[tuple, ...], others: tuple[tuple, ...], within: float) -> list[tuple]:
    """Rows that are none of the others, each of which is taken once."""
    left = Counter(map(_key, others))
    lacking = []
    for row in some:
        key = _key(row)
        if left[key] > 0:
            left[key] -= 1
        else:
            lacking.append(row)
    if not lacking or not within:
        return lacking
    candidates = [row for row in others if left[_key(row)] > 0]
    taken: set[int] = set()
    unmatched = []
    for row in lacking:
        for place, candidate in enumerate(candidates):
            if place not in taken and _close(row, candidate, within):
                taken.add(place)
                break
        else:
            unmatched.append(row)
    return unmatched


def _key(value: Any) -> Any:
    """What equal values have in common: NaN is equal to itself here, and 0 to -0."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    if isinstance(value, tuple | list):
        return tuple(map(_key, value))
    if isinstance(value, dict):
        return tuple((key, _key(inner)) for key, inner in value.items())
    return value


def _close(one: Any, other: Any, within: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        if _key(one) == _key(other):
            return True
        return abs(one - other) <= within * max(1.0, abs(one), abs(other)) if within else False
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_close, one, other, [within] * len(one)))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key], within) for key in one)
    return one == other
