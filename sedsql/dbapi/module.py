"""Provide what PEP 249 asks of a module besides `connect`, and turn DuckDB's errors into PEP 249's."""

import datetime
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from duckdb import BINARY, DATETIME, NUMBER, ROWID, STRING

from sedsql import errors

apilevel = "2.0"
threadsafety = 1
"""Threads may share the module; each needs a connection or a cursor of its own."""
paramstyle = "qmark"
"""`?`; in ADQL `:name` too, in DuckDB's SQL `$name`."""

Date, Time, Timestamp = datetime.date, datetime.time, datetime.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> datetime.date:  # noqa: N802  # PEP 249's names
    """Convert seconds since 1970 to a date in local time."""
    return Date(*time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802
    """Convert seconds since 1970 to a time of day in local time."""
    return Time(*time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> datetime.datetime:  # noqa: N802
    """Convert seconds since 1970 to a date and time in local time."""
    return Timestamp(*time.localtime(ticks)[:6])


@contextmanager
def own_errors(*, translated: bool = False) -> Iterator[None]:
    """Turn DuckDB's errors into sedsql's, of the class that PEP 249 has for them, in one sentence.

    translated : whether the SQL is not the user's, who does not know its lines and words
    """
    try:
        yield
    except duckdb.Error as error:
        classes = (getattr(errors, one.__name__, None) for one in type(error).__mro__)
        if isinstance(error, duckdb.InterruptException):
            raise errors.OperationalError("The query was stopped.") from error
        told = _of_translated(sentence(error)) if translated else sentence(error)
        raise next(found for found in classes if found)(told) from error


_FROM_FUNCTION = re.compile(r".*Python exception occurred while executing the UDF: (\w+: )?", re.DOTALL)
_KIND = re.compile(r"[A-Z][A-Za-z -]* Error: ")


_OF_SQL = re.compile(
    r"\n\nLINE \d+:.*|\n\s*(Candidate |Either add it|\* SET ).*"
    r"| (You might need to add|In order to select one, please add|Use TRY\(\.\.\.\)).*",
    re.DOTALL,
)


def _of_translated(text: str) -> str:
    """Leave out where a mistake stands in SQL that the user has not written, and advice on such SQL."""
    return _OF_SQL.sub("", text)


def sentence(error: duckdb.Error) -> str:
    """Extract DuckDB's sentence, without the error's kind and without Python frames of a function that failed."""
    text = _FROM_FUNCTION.sub("", str(error).partition("\n\nAt:\n")[0].partition("\nTraceback ")[0])
    text = _KIND.sub("", text, count=1) if _KIND.match(text) else text
    if "/dataset/" in text and not isinstance(error, duckdb.ProgrammingError):
        text += "; a file of the mirror is gone or damaged, and `sedsql mirror verify DIR` tells which"
    return text.strip() or type(error).__name__


__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "Date",
    "DateFromTicks",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "apilevel",
    "paramstyle",
    "threadsafety",
]
