"""Run models as plain SQL: macros that need no extension and no Python, and answer as the model does."""

import duckdb

from sedsql.inference.model import Model
from sedsql.inference.sql_engine.macros import script


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
    con.execute(script(models, default, temporary=temporary))
