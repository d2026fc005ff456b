"""Models as plain SQL: macros that need no extension and no Python, and answer as the model does."""

import duckdb

from ..model import Model
from .macros import script


def install(con: duckdb.DuckDBPyConnection, models: dict[str, Model], default: str, *, temporary: bool) -> None:
    """Make the `sed_*` functions of models callable in a connection, as macros.

    Parameters
    ----------
    con : any connection
    models : by name; a query that names one of several takes the time to read all of them
    default : name of the model that answers when a query names none
    temporary : macros for this connection alone, or in its current database

    Raises
    ------
    ModelError
        Where a model's graph has what plain SQL cannot do.
    """
    made = script(models, default)
    con.execute(made if temporary else made.replace(" TEMP MACRO ", " MACRO "))
