"""Ask in SQL what the sources of a catalogue are, from the shape of their SEDs.

The package is a module of Python's DB-API (PEP 249): `connect()` opens a mirror.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sedsql.dbapi import module
from sedsql.dbapi.module import *  # noqa: F403
from sedsql.errors import (
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

if TYPE_CHECKING:
    from sedsql import plot
    from sedsql.adql import AdqlError, AdqlValueError, translate
    from sedsql.dbapi.connection import connect
    from sedsql.inference.classify_batch import classify_batch
    from sedsql.inference.classify_rows import classify
    from sedsql.inference.engines import register
    from sedsql.integrations import arrow, dask, lsdb, pandas, polars, spark  # noqa: F401
    from sedsql.integrations.pyvo import TAPMirror
    from sedsql.integrations.samp import send
    from sedsql.service.explore.show import explore

__version__ = version("sedsql")
__all__ = [
    "AdqlError",
    "AdqlValueError",
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
    "classify",
    "classify_batch",
    "connect",
    "explore",
    "plot",
    "register",
    "send",
    "translate",
    *module.__all__,
]

_HOMES = {
    "AdqlError": "sedsql.adql",
    "AdqlValueError": "sedsql.adql",
    "TAPMirror": "sedsql.integrations.pyvo",
    "classify": "sedsql.inference.classify_rows",
    "classify_batch": "sedsql.inference.classify_batch",
    "connect": "sedsql.dbapi.connection",
    "explore": "sedsql.service.explore.show",
    "register": "sedsql.inference.engines",
    "send": "sedsql.integrations.samp",
    "translate": "sedsql.adql",
}
"""Modules that are imported when one of these names is first used: sqlglot and pyvo take longer than all else here."""
_MODULES = {"plot": "sedsql.plot"} | {
    name: f"sedsql.integrations.{name}" for name in ("arrow", "dask", "lsdb", "pandas", "polars", "spark")
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return _module(name)
    if name not in _HOMES:
        raise AttributeError(f"module 'sedsql' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def _module(name: str) -> Any:
    try:
        return import_module(_MODULES[name])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("sedsql"):
            raise
        raise ModuleNotFoundError(
            f"sedsql.{name} needs the package {error.name}, which is not installed here.", name=error.name
        ) from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Load the magics, for `%load_ext sedsql` in a notebook."""
    from sedsql.integrations.jupyter import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Unload the magics, for `%unload_ext sedsql` in a notebook."""
    from sedsql.integrations.jupyter import unload

    unload(shell)
