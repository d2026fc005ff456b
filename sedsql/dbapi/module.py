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
def own_errors(adql: str | None = None) -> Iterator[None]:
    """Turn DuckDB's errors into sedsql's, of the class that PEP 249 has for them, in one sentence.

    adql : the query that DuckDB's SQL was made of, whose user does not know the words of that
    """
    try:
        yield
    except duckdb.Error as error:
        classes = (getattr(errors, one.__name__, None) for one in type(error).__mro__)
        if isinstance(error, duckdb.InterruptException):
            raise errors.OperationalError("The query was stopped.") from error
        if of_storage := _of_storage(error):
            from sedsql.files.errors import StorageError

            raise StorageError(of_storage) from error
        told = sentence(error, first_line=adql is not None)
        if adql is not None:
            from sedsql.adql import faults  # sqlglot takes time, and `import sedsql` needs none of it

            if fault := faults.told(type(error).__name__, told, adql):
                raise fault from error
        raise next(found for found in classes if found)(told) from error


def of_stream(error: Exception) -> duckdb.Error:
    """DuckDB's error, of the class that its sentence names, from the one that Arrow makes of it in a stream."""
    kind = _KIND.match(str(error))
    name = kind[0].removesuffix(" Error: ").title().replace(" ", "") if kind else ""
    classes = {one.lower(): one for one in dir(duckdb) if one.endswith("Exception")}
    one_of_duckdb: type[duckdb.Error] = getattr(duckdb, classes.get(f"{name}Exception".lower(), "Error"))
    return one_of_duckdb(str(error))


_FROM_FUNCTION = re.compile(r".*Python exception occurred while executing the UDF: (\w+: )?", re.DOTALL)
_KIND = re.compile(r"[A-Z][A-Za-z -]* Error: ")


def sentence(error: duckdb.Error, *, first_line: bool = False) -> str:
    """Extract DuckDB's sentence, without the error's kind and without Python frames of a function that failed.

    first_line : without the advice and the SQL that follow
    """
    if of_storage := _of_storage(error):
        return of_storage
    text = _FROM_FUNCTION.sub("", str(error).partition("\n\nAt:\n")[0].partition("\nTraceback ")[0])
    text = _KIND.sub("", text, count=1) if _KIND.match(text) else text
    if first_line:
        text = text.strip().partition("\n")[0]
    if "/dataset/" in text and not isinstance(error, duckdb.ProgrammingError):
        text += "; a file of the mirror is gone or damaged, and `sedsql mirror verify DIR` tells which"
    return text.strip() or type(error).__name__


def _of_storage(error: duckdb.Error) -> str | None:
    """The sentence about object storage that came through DuckDB; None of another error."""
    from sedsql.files.object_storage.duckdb_files import sentence_of

    return sentence_of(error)


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
