"""Ask in SQL what the sources of a catalogue are, from the shape of their SEDs.

It is a module of Python's DB-API (PEP 249): `connect()` opens a mirror.
"""

from importlib import import_module
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
    Warning,
)
from .inference.engines import register

if TYPE_CHECKING:
    from . import plot
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
    "plot",
    "register",
    "translate",
    *dbapi.__all__,
]


def __getattr__(name: str) -> Any:
    # pyvo and astropy's tables take a second to import, and a query needs neither.
    if name == "TAPMirror":
        return import_module(".tapmirror", __name__).TAPMirror
    if name == "plot":
        return import_module(".plot", __name__)
    raise AttributeError(f"module 'sedsql' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext sedsql` does in a notebook."""
    from .magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """What `%unload_ext sedsql` does in a notebook."""
    from .magics import unload

    unload(shell)
