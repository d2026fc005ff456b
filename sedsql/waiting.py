"""Waiting for DuckDB: a bar where it takes over a second, and Ctrl-C or a notebook's stop button ends the query."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from typing import TypeVar

import duckdb

T = TypeVar("T")

_PATIENCE = 1.0
"""Seconds before a query gets a bar."""

TELL_PROGRESS = "SET enable_progress_bar = true; SET enable_progress_bar_print = false"
"""What a DuckDB connection is told once, so that it knows how far a query is and leaves it to us to show it."""


@cache
def _worker() -> ThreadPoolExecutor:
    """One thread for the life of the process: each new one would have memory of its own, for Arrow tables to fill."""
    return ThreadPoolExecutor(1, thread_name_prefix="sedsql")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_worker.cache_clear)  # threads do not go along


def waited(con: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """`work()`, which runs a query on `con`; KeyboardInterrupt if the user stops it, the connection as it was."""
    if threading.current_thread() is not threading.main_thread():
        return work()  # signals come to the main thread alone
    running = _worker().submit(work)
    try:
        with _stop_noted() as stop, ExitStack() as shown:
            patient_until, update = time.monotonic() + _PATIENCE, None
            while not wait([running], 0.1).done:
                if stop.is_set():
                    con.interrupt()  # again and again, as DuckDB hears it only while it computes
                elif update:
                    update(max(round(con.query_progress()), 0), 100)
                elif time.monotonic() > patient_until:
                    update = shown.enter_context(_bar())
    except KeyboardInterrupt:  # of another signal; until the query has ended no one may close the connection
        while not running.done():
            with suppress(KeyboardInterrupt):
                con.interrupt()
                wait([running], 0.1)
        raise
    return running.result()


@contextmanager
def _stop_noted() -> Iterator[threading.Event]:
    """Within the block Ctrl-C is noted, and does its work when it ends.

    As an exception it could come at any place in what draws the bar, and be lost there or leave that half-done.
    """
    noted, before = threading.Event(), signal.getsignal(signal.SIGINT)
    if not callable(before):  # as nohup asks
        yield noted
        return
    signal.signal(signal.SIGINT, lambda *_: noted.set())
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
    if noted.is_set():
        before(signal.SIGINT, None)


def _bar() -> AbstractContextManager[Callable[..., None]]:
    from .progress import bar

    return bar("query", "%")
