"""What PEP 249 asks of a module besides `connect`, and DuckDB's errors as its classes."""

import datetime
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from duckdb import BINARY, DATETIME, NUMBER, ROWID, STRING

from . import errors

apilevel = "2.0"
threadsafety = 1
"""Threads may share the module; each needs a connection or a cursor of its own."""
paramstyle = "qmark"
"""`?`; in ADQL `:name` too, in DuckDB's SQL `$name`."""

Date, Time, Timestamp = datetime.date, datetime.time, datetime.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> datetime.date:  # noqa: N802  # PEP 249's names
    """The date of seconds since 1970, in local time."""
    return Date(*time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802
    """The time of day of seconds since 1970, in local time."""
    return Time(*time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> datetime.datetime:  # noqa: N802
    """The time of seconds since 1970, in local time."""
    return Timestamp(*time.localtime(ticks)[:6])


@contextmanager
def own_errors() -> Iterator[None]:
    """DuckDB's errors become sedsql's, of the class that PEP 249 has for them, in one sentence."""
    try:
        yield
    except duckdb.Error as error:
        classes = (getattr(errors, one.__name__, None) for one in type(error).__mro__)
        if isinstance(error, duckdb.InterruptException):
            raise errors.OperationalError("The query was stopped.") from error
        raise next(found for found in classes if found)(sentence(error)) from error


_FROM_FUNCTION = re.compile(r".*Python exception occurred while executing the UDF: (\w+: )?", re.DOTALL)
_KIND = re.compile(r"[A-Z][A-Za-z -]* Error: ")


def sentence(error: duckdb.Error) -> str:
    """What DuckDB says, without what it thinks of the error and without Python frames of a function that failed."""
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
