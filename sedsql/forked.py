"""Leave to the parent, after a fork, what needs threads: a child has none of its parent's threads."""

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_owners: "WeakKeyDictionary[Any, Callable[[Any], None]]" = WeakKeyDictionary()


def in_child(owner: T, do: Callable[[T], None]) -> None:
    """Call `do(owner)` in every process that is forked from this one while the owner lives."""
    _owners[owner] = do


def keep(thing: object) -> None:
    """Never destroy a thing, not even when the process ends: that would wait for threads that are not there."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _in_child() -> None:
    for owner, do in list(_owners.items()):
        do(owner)
    # ONNX Runtime, once it is imported, waits for its threads when a process ends: after Python's own end, end at once.
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.on_exit(libc._exit, None)  # glibc's alone


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
