"""Answers of several ways to ask one query, and what differs between them."""

from __future__ import annotations

import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import sedsql
from sedsql.dbapi.module import own_errors
from sedsql.dbapi.translator import values_to_bind
from sedsql.errors import DataError, Error, OperationalError

from .queries import Query
from .tables import tables, uploads

LONGEST = 20.0
"""Seconds after which a query is stopped, and not compared."""
SUMS = 1e-9
"""Relative: how far sums of some thousand numbers lie apart that were added in another order."""
ENGINES = 2e-5
"""Probabilities are float32: engines differ by a few of its last bits, and what is computed of them by more."""

DISTANCES = 5e-4
"""An `outlier` is the place of a distance among others, which is a square root of float32 differences: where it is
short, their last bits are worth 1e-4 of a place."""
DECIMAL = re.compile(r"-?\d+\.\d+(e-?\d+)?")
"""A number as a text, with a decimal point."""

AMPLIFYING = re.compile(
    r"\b(?:COT|TAN|LOG|LOG10|ACOS|ASIN|SQRT|CBRT|POWER|EXP|ATAN2|DEGREES|SUM)\(|[\w)] [*/] [\w(]", re.IGNORECASE
)
"""What makes any difference out of that: COT(outlier) is 31.4 by one engine and 31.5 by another."""


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
        try:
            translation = self.connection.translation(text, parameters, rewrites=rewrites)
        except Exception as error:
            return Answer(error=error)
        try:
            with own_errors(), stopped_after(self.cursor.duckdb, LONGEST):
                bound = values_to_bind(translation, parameters)
                answer = self.cursor.duckdb.execute(translation.sql, bound or None)
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
def stopped_after(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    if not _watches:
        _watches.append(_Watch())
    _watches[0].running = con, time.monotonic() + seconds
    try:
        yield
    finally:
        _watches[0].running = None


# --- comparison -------------------------------------------------------------------------------------------


def difference(query: Query, one: Answer, other: Answer, *, engines: bool = False, whole: Callable[[], Answer]) -> str:
    """What differs between two answers to a query, in a few words; nothing where they agree.

    engines : whether two engines answered, which agree but for the last bits of probabilities
    whole : gives the answer to the query without TOP and OFFSET, which counts for a query that has them
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
    within = tolerance(query, engines)
    if engines and "COUNT(DISTINCT" in query.text:
        return ""  # of probabilities that are one by one engine, and differ in the last bit by the other
    if len(one.rows) != len(other.rows):
        # What is one value by one engine may be two by the other, that differ in the last bit.
        merges = engines and re.search("DISTINCT|GROUP BY|UNION", query.text)
        return "" if merges and _alike(one.rows, other.rows, within) else "numbers of rows"
    if _unmatched(one.rows, other.rows, within):
        # Which rows come first is open; that they are rows of the whole answer, and what they are ordered by, is not.
        if not query.cut:
            return "rows"
        every = whole().rows
        if any(_unmatched(answer.rows, every, within) for answer in (one, other)):
            return "rows that are none of the whole answer"
    if query.keys and not engines:
        for left, right in zip(one.rows, other.rows, strict=True):
            if not all(_close(left[key], right[key], within) for key in query.keys):
                return "order of rows"
    return ""


def _alike(some: tuple[tuple, ...], others: tuple[tuple, ...], within: float) -> bool:
    """Whether each row is near one of the others, and each of these near one of them."""
    pairs = ((some, others), (others, some))
    return all(any(_close(row, other, within) for other in there) for here, there in pairs for row in here)


def tolerance(query: Query, engines: bool) -> float:
    """How far numbers may lie apart, relative to themselves or to 1; infinite where only the rest can be compared."""
    if engines and "outlier" in query.text.lower() and AMPLIFYING.search(query.text):
        return math.inf
    if engines and re.search("outlier|sed_predict|classified", query.text, re.IGNORECASE):
        return DISTANCES
    return ENGINES if engines else SUMS if "sums" in query.notes else 0.0


def _refusals(query: Query, one: Answer, other: Answer) -> str:
    errors = [answer.error for answer in (one, other) if answer.error]
    if "fails" in query.notes and all(isinstance(error, Error) and _of_values(error) for error in errors):
        return ""  # SQL does not say which rows are looked at, nor in what order
    if other.error and not one.error and isinstance(other.error, Error) and _of_values(other.error):
        return ""  # a rewrite may look at fewer rows, and at no more
    if len(errors) == 1:
        return f"one way refuses: {type(errors[0]).__name__}"
    return "" if one.refusal == other.refusal else "sentences of refusals"


def _of_values(error: BaseException) -> bool:
    """Whether a value was the reason, and not the query."""
    return isinstance(error, DataError) or "Division by zero" in str(error) or "verflow" in str(error)


def _unmatched(some: tuple[tuple, ...], others: tuple[tuple, ...], within: float) -> list[tuple]:
    """Rows that are none of the others, each of which is taken once."""
    if some == others:
        return []
    lacking, spare = _without(some, others), _without(others, some)
    if lacking and within:
        # Most rows are alike to six digits, which is quickly found of a hundred thousand.
        lacking, spare = _without(lacking, spare, _rounded), _without(spare, lacking, _rounded)
        for row in list(lacking):
            near = [place for place, other in enumerate(spare) if _close(row, other, within)]
            if near:  # the nearest: another may be the only one that is near the next row
                del spare[min(near, key=lambda place: _apart(row, spare[place]))]
                lacking.remove(row)
    return lacking


def _without(some: Iterable[tuple], others: Iterable[tuple], key: Callable[[Any], Any] | None = None) -> list[tuple]:
    """Rows but for those that are there as well, by their keys; the others' rows count as often as they are there."""
    if key is None:
        try:
            counted = Counter(some)
            counted.subtract(Counter(others))
            some, others = list(counted.elements()), [row for row, n in counted.items() for _ in range(-n)]
        except TypeError:  # a list or a struct
            pass
    there = Counter(map(key or _key, others)) if some else Counter()
    kept = []
    for row in some:
        found = (key or _key)(row)
        if there[found] > 0:
            there[found] -= 1
        else:
            kept.append(row)
    return kept


def _rounded(value: Any) -> Any:
    """The key of a value whose numbers, and texts of numbers, are rounded to six digits."""
    value = _number(value)
    if isinstance(value, float):
        return _key(float(f"{value:.6g}"))
    if isinstance(value, tuple | list):
        return tuple([_rounded(inner) for inner in value])
    if isinstance(value, dict):
        return tuple((key, _rounded(inner)) for key, inner in value.items())
    return value


def told(one: Answer, other: Answer, within: float) -> str:
    """A row that one of two answers has alone, and how the row of the other that is most like it differs."""
    here, there = _unmatched(one.rows, other.rows, within), _unmatched(other.rows, one.rows, within)
    if not here or not there:
        alone = (here or there or [()])[0]
        return f"{len(here)} rows here alone, {len(there)} there alone, such as {str(alone)[:200]}"
    row = here[0]
    like = max(there, key=lambda candidate: sum(map(_same, row, candidate)))
    pairs = zip(one.columns, row, like, strict=True)
    values = [f"{name}: {a!r} and {b!r}" for (name, _), a, b in pairs if not _close(a, b, within)]
    return f"{len(here)} rows differ, one in {', '.join(values[:6])[:500]}"


def _number(value: Any) -> Any:
    """The number that a text such as CAST(0.5 AS VARCHAR) is of, which two engines write in other digits."""
    return float(value) if isinstance(value, str) and DECIMAL.fullmatch(value) else value


def _same(one: Any, other: Any) -> bool:
    return _key(one) == _key(other)


def _key(value: Any) -> Any:
    """What equal values have in common: NaN is equal to itself here, and 0 to -0."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, tuple | list):
        return tuple([_key(inner) for inner in value])
    if isinstance(value, dict):
        return tuple((key, _key(inner)) for key, inner in value.items())
    return value


def _apart(one: Any, other: Any) -> float:
    """The sum of all differences of two values that are close."""
    if isinstance(one, float) and isinstance(other, float):
        return 0.0 if _key(one) == _key(other) else abs(one - other)
    if isinstance(one, tuple | list):
        return sum(map(_apart, one, other))
    return sum(_apart(one[key], other[key]) for key in one) if isinstance(one, dict) else 0.0


def _close(one: Any, other: Any, within: float) -> bool:
    if within:
        one, other = _number(one), _number(other)
    if isinstance(one, float) and isinstance(other, float):
        if _key(one) == _key(other):
            return True
        if math.isinf(within):
            return True
        return abs(one - other) <= within * max(1.0, abs(one), abs(other)) if within else False
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_close, one, other, [within] * len(one)))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key], within) for key in one)
    return one == other
