"""Define `%adql` and `%%adql` for notebooks, which `%load_ext sedsql` loads."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astropy.table import Table
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from sedsql.dbapi.connection import Connection, connect
from sedsql.dbapi.cursor import Cursor
from sedsql.errors import Error
from sedsql.plot import KINDS, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@magics_class
class AdqlMagics(Magics):
    """Run queries in the cells of a notebook, on one mirror at a time."""

    connection: Connection | None = None

    @no_var_expand  # values are bound as parameters, and never become a part of the query
    @line_cell_magic
    @magic_arguments()
    @argument("-m", "--mirror", metavar="DIR", help="A mirror to open; queries go to it from now on.")
    @argument("-t", "--to", metavar="NAME", help="A variable that gets the answer; it is not shown then.")
    @argument("-s", "--sql", action="store_true", help="The query is DuckDB's SQL.")
    @argument(
        "-p", "--plot", nargs="?", const="", metavar="KIND", help="Draw it: sed, hr, colours, sky, or what suits."
    )
    @argument("query", nargs=argparse.REMAINDER, help="ADQL. :name is the notebook's variable of that name.")
    def adql(self, line: str, cell: str | None = None) -> Table | Figure | None:
        """Ask a mirror in ADQL; the answer is an astropy table.

        Example: %adql -m sky SELECT TOP 5 source_id, ra, dec FROM gaiadr3.gaia_source WHERE parallax > :least
        """
        given = parse_argstring(self.adql, line)
        words = given.query
        begins = bool(words) and words[0].upper() in ("SELECT", "WITH")
        # Unless a query begins after it, an unknown kind was the first word of the query.
        if given.plot and given.plot not in KINDS and cell is None and not begins:
            words, given.plot = [given.plot, *words], ""
        query = cell if cell is not None else _after_options(line, words)
        try:
            if given.mirror:
                self._open(Path(given.mirror).expanduser())
            if not query.strip():
                return None
            answer = self._cursor(query, given.sql).table()
            shown = answer if given.plot is None else draw(answer, given.plot or None)
        except Error as error:
            raise UsageError(str(error)) from None
        if given.to is not None:
            assert self.shell is not None
            self.shell.user_ns[given.to] = answer
        return shown if given.to is None or given.plot is not None else None

    def _open(self, mirror: Path) -> None:
        connection = connect(mirror)
        if self.connection:
            self.connection.close()
        self.connection = connection

    def _cursor(self, query: str, is_sql: bool) -> Cursor:
        if self.connection is None:
            raise UsageError(
                "There is no mirror yet; open one with %adql -m DIR, such as one of `sedsql mirror sample`."
            )
        assert self.shell is not None
        if is_sql:
            return self.connection.sql(query)
        return self.connection.execute(query, Variables(self.shell.user_ns))


class Variables(Mapping[str, Any]):
    """Hand in the notebook's variables as parameters, of which an error lists only those that can be meant."""

    def __init__(self, names: Mapping[str, Any]):
        self._names = names

    def __getitem__(self, name: str) -> Any:
        return self._names[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in self._names.items() if name[0] != "_" and isinstance(value, (int, float, str)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _after_options(line: str, words: list[str]) -> str:
    """Cut the query out of the line as it was written, with its quotes and blanks: all after the options."""
    return line[line.index(words[0]) :] if words else ""


def load(shell: InteractiveShell) -> None:
    """Make the magics known to a notebook's shell."""
    shell.register_magics(AdqlMagics)


def unload(shell: InteractiveShell) -> None:
    """Close the mirror that is open."""
    magics = shell.magics_manager.registry.get(AdqlMagics.__name__)
    if magics is not None and magics.connection is not None:
        magics.connection.close()
        magics.connection = None
