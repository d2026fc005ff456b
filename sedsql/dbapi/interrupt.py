"""Let Ctrl-C and a notebook's stop button interrupt a query, and show a bar where it takes over a second."""

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

_SECONDS_BEFORE_BAR = 1.0

TELL_PROGRESS = "SET enable_progress_bar = true; SET enable_progress_bar_print = false"
"""What a DuckDB connection is told once, so that it knows how far a query is and leaves it to us to show it."""


@cache
def _worker() -> ThreadPoolExecutor:
    """Keep one thread for the life of the process: each new one would have its own memory, for Arrow tables to fill."""
    return ThreadPoolExecutor(1, thread_name_prefix="sedsql")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_worker.cache_clear)  # threads do not go along


def interruptible(con: duckdb.DuckDBPyConnection, query: Callable[[], T]) -> T:
    """Run a query on `con`; raise KeyboardInterrupt if the user stops it, and leave the connection as it was."""
    if not _gets_signals():
        return query()
    running = _worker().submit(query)
    try:
        with uninterrupted() as interrupted, ExitStack() as shown:
            bar_at, update = time.monotonic() + _SECONDS_BEFORE_BAR, None
            while not wait([running], 0.1).done:
                if interrupted.is_set():
                    con.interrupt()  # again and again, as DuckDB hears it only while it computes
                elif update:
                    update(max(round(con.query_progress()), 0), 100)
                elif time.monotonic() > bar_at:
                    update = shown.enter_context(_bar())
    except KeyboardInterrupt:  # of another signal; until the query has ended no one may close the connection
        while not running.done():
            with suppress(KeyboardInterrupt):
                con.interrupt()
                wait([running], 0.1)
        raise
    return running.result()


def _gets_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def uninterrupted() -> Iterator[threading.Event]:
    """Note Ctrl-C within the block, and let it do its work when the block ends.

    As an exception it could come at any place in what draws the bar or imports a library, and be lost there or leave
    that half-done.
    """
    noted, before = threading.Event(), signal.getsignal(signal.SIGINT)
    if not callable(before) or not _gets_signals():  # it is ignored, as nohup asks, or another thread gets it
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
    from sedsql.progress import bar

    return bar("query", "%")
