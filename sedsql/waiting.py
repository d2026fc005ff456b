"""Waiting for DuckDB: a bar where it takes over a second, and Ctrl-C or a notebook's stop button ends the query."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import duckdb

T = TypeVar("T")

_PATIENCE = 1.0
"""Seconds before a query gets a bar."""

TELL_PROGRESS = "SET enable_progress_bar = true; SET enable_progress_bar_print = false"
"""What a DuckDB connection is told once, so that it knows how far a query is and leaves it to us to show it."""


def waited(con: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """`work()`, which runs a query on `con`; KeyboardInterrupt if the user stops it, the connection as it was."""
    if threading.current_thread() is not threading.main_thread():
        return work()  # signals come to the main thread alone
    results: list[T] = []
    errors: list[BaseException] = []
    ended = threading.Event()  # join() forgets, in Python 3.11 and 3.12, that a thread lives when it is interrupted

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    try:
        threading.Thread(target=run, daemon=True).start()
        if not ended.wait(_PATIENCE):
            _watch(con, ended)
    except KeyboardInterrupt:
        # Again and again, as DuckDB hears it only while it computes; until then no one may close the connection.
        while not ended.is_set():
            with suppress(KeyboardInterrupt):
                con.interrupt()
                ended.wait(0.1)
        raise
    if errors:
        raise errors[0]
    return results[0]


def _watch(con: duckdb.DuckDBPyConnection, ended: threading.Event) -> None:
    from .progress import bar

    with bar("query", "%") as update:
        while not ended.wait(0.1):
            update(max(round(con.query_progress()), 0), 100)
