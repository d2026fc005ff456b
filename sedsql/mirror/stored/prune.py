"""Drop the parts of a stored `sed.photometry` that others take the place of."""

import duckdb

from sedsql.catalogue import CLASSIFIED, JOINED, PHOTOMETRY
from sedsql.mirror.stored import joined, photometry
from sedsql.mirror.stored.classes import classes, drop_classes_views, pieces
from sedsql.mirror.stored.parts import order_of, parts
from sedsql.mirror.table_state import Tables, TableState


def prune(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Keep only the parts that are right, if there are any; others may be right again when a rule is switched back.

    Without the tables that it joins, `sed.photometry` goes with its views; without `sed.photometry`, its classes go.
    """
    _prune_photometry(con, tables)
    _prune_classes(con, tables)


def _prune_photometry(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    state = photometry(tables)
    if state is None:
        return
    if not joined.is_complete(tables):
        del tables[PHOTOMETRY]
        con.execute(f"DROP VIEW IF EXISTS {PHOTOMETRY}; DROP VIEW IF EXISTS {JOINED}")
        return
    if not joined.has_rules(con):
        joined.make_rules(con)
    right = {part.name for part in parts(tables, joined.definition(con))}
    if right & set(state.pieces):
        state.order = order_of(tables)
        _keep(state, right)


def _prune_classes(con: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Keep only the classes of the photometry that is there, by the model that is noted."""
    state, stored = classes(tables), photometry(tables)
    if state is None:
        return
    if stored is None:
        del tables[CLASSIFIED]
        drop_classes_views(con)
        return
    state.order = stored.order
    _keep(state, set(pieces(stored, state)))


def _keep(state: TableState, names: set[str]) -> None:
    """Keep pieces with these names, and their files."""
    state.pieces = {name: piece for name, piece in state.pieces.items() if name in names}
    state.files = {path: file for path, file in state.files.items() if names & set(file.pieces)}
