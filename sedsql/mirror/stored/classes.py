"""Tell which of the stored classes of a mirror are right: those of its model, for the stored photometry."""

import hashlib
import json
from typing import TYPE_CHECKING

import duckdb

from sedsql.catalogue import CLASSIFIED
from sedsql.catalogue.known_cells import STORED
from sedsql.mirror.stored import CLASSES, photometry
from sedsql.mirror.table_state import File, Tables, TableState

if TYPE_CHECKING:
    from sedsql.inference.model import Model


def classes(tables: Tables) -> TableState | None:
    """The stored `sed.classified` of a mirror, whether it is right or not; None where it has none."""
    state = tables.get(CLASSIFIED)
    return state if state and (state.partitioning or {}).get("kind") == CLASSES else None


def made_by(model: "Model", engine: str) -> dict[str, str]:
    """The `TableState.partitioning` of the classes that a model gives by an engine: all that they depend on."""
    return {"kind": CLASSES, "model": model.name, "sha256": model.digest, "engine": engine}


def view_of(made_by: dict) -> str:
    """The view that has the classes with all columns, in mirrors that have these and no others."""
    return f"manifest.classes_{_digest(made_by)}"


def pieces(photometry: TableState, classified: TableState) -> dict[str, File]:
    """The pieces that `sed.classified` must have, with the file of the photometry that each is of."""
    by = classified.partitioning
    return {f"{file.low}-{file.high}-{_digest([file.sha256, by])}": file for file in photometry.files.values()}


def are_right(tables: Tables) -> bool:
    """Whether there are classes of all of the stored photometry."""
    state, stored = classes(tables), photometry(tables)
    return state is not None and stored is not None and set(pieces(stored, state)) == set(state.pieces)


def drop_classes_views(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the views of stored classes in the connection's current database, a mirror's."""
    found = con.execute(
        "SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE database_name = 'mirror' AND "
        "contains(sql, ?) AND (schema_name || '.' || view_name = ? OR "
        "(schema_name = 'manifest' AND starts_with(view_name, 'classes_')))",
        [STORED, CLASSIFIED],
    ).fetchall()
    for (name,) in found:
        con.execute(f"DROP VIEW {name}")


def _digest(what) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
