"""Ask in SQL what the sources of a catalogue are, from the shape of their SEDs.

It is a module of Python's DB-API (PEP 249): `connect()` opens a mirror.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from . import dbapi
from .adql import AdqlError, translate
from .db import connect
from .dbapi import *  # noqa: F403
from .errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,  # noqa: A004
)
from .inference.engines import register

if TYPE_CHECKING:
    from .tapmirror import TAPMirror

__version__ = version("sedsql")
__all__ = [
    "AdqlError",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "TAPMirror",
    "Warning",
    "__version__",
    "connect",
    "register",
    "translate",
    *dbapi.__all__,
]


def __getattr__(name: str) -> Any:
    # pyvo takes a second to import, and few need it.
    if name == "TAPMirror":
        from .tapmirror import TAPMirror

        return TAPMirror
    raise AttributeError(f"module 'sedsql' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext sedsql` does in a notebook."""
    from .magics import load

    load(shell)
