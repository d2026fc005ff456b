"""Explore a query in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedsql.dbapi.connection import Connection
from sedsql.dbapi.cursor import Cursor
from sedsql.errors import InterfaceError

if TYPE_CHECKING:
    from sedsql.service.explore.widget import Exploration


def explore(rows: Cursor | Connection) -> Exploration:
    """Show the rows of a query in linked views in a notebook: the sky, colours, classes, and the SED of each source.

    Parameters
    ----------
    rows : a cursor with a query of ADQL without parameters; or a connection, for a query that is written there

    Returns
    -------
    A widget. Its `selection()` is an astropy table of the rows that are selected in the views, and its `adql()` the
    query that gives them.

    Raises
    ------
    InterfaceError
        Where there is no such query, or the packages of notebooks are not installed.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> shown = sedsql.explore(con.execute("SELECT * FROM sed.photometry"))  # doctest: +SKIP
    >>> shown.selection()  # doctest: +SKIP
    >>> con.close()
    """
    try:
        from sedsql.service.explore.widget import Exploration
    except ImportError as error:
        raise InterfaceError(
            f"sedsql.explore needs {error.name}; install it with: pip install 'sedsql[notebook]'"
        ) from None
    if isinstance(rows, Connection):
        return Exploration(rows, "")
    if not isinstance(rows, Cursor):
        raise InterfaceError(f"sedsql.explore takes a cursor or a connection, not {type(rows).__name__}.")
    if rows.adql is None:
        raise InterfaceError("sedsql.explore takes a cursor with a query of ADQL, such as con.execute('SELECT ...').")
    if rows.parameters:
        raise InterfaceError("sedsql.explore takes a query without parameters; write their values into the query.")
    return Exploration(rows.connection, rows.adql)
