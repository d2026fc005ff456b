"""Rows are computed by a thread before they are asked for: in order, not too many, no longer than they are wanted."""

import threading
import time
from contextlib import closing

import pytest

from sedsql.mirror.stored.ahead import ahead


def counted(n, made, error=None):
    """Numbers; `made` gets those that were computed, and the thread when the generator is closed."""
    try:
        for k in range(n):
            made.append(k)
            yield k
        if error:
            raise error
    finally:
        made.append(threading.current_thread().name)


def test_items_come_in_order_while_the_next_are_computed():
    made = []
    with closing(ahead(counted(50, made), 3)) as items:
        assert next(items) == 0
        until = time.monotonic() + 10
        while len(made) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)
        assert made == [0, 1, 2, 3]
        assert list(items) == list(range(1, 50))


def test_an_error_comes_in_its_place():
    items = ahead(counted(2, [], ValueError("of the third")), 4)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ValueError, match="of the third"):
        next(items)


def test_what_is_not_wanted_is_not_computed():
    made, before = [], threading.active_count()
    with closing(ahead(counted(1_000_000, made), 2)) as items:
        assert next(items) == 0
    assert len(made) < 10
    assert isinstance(made[-1], str)  # the generator is closed
    assert threading.active_count() == before
