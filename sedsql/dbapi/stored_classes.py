"""Use the classes that a mirror has stored, where a connection's own model said them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from sedsql.catalogue import CLASSIFIED, PHOTOMETRY, Answers, Catalogue
from sedsql.catalogue.classified import STORED_COLUMNS
from sedsql.catalogue.known_cells import files_of
from sedsql.inference.answering import Answering
from sedsql.inference.classified import view
from sedsql.inference.model import Model
from sedsql.mirror.stored.classes import made_by, view_of


class StoredClasses:
    """Look for stored classes by the model, card and engine that `sed.classified` has in a connection."""

    def __init__(self, answering: Answering, models: Mapping[str, Model], engines: Mapping[str, str]):
        self._answering = answering
        name = answering.sky
        self._view = view_of(made_by(models[name], engines[name])) if name in engines else None
        self._used: str | None = None

    def known(self, con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> Catalogue:
        """Add to the catalogue of a mirror where the classes are, and have DuckDB's own `sed.classified` read them.

        con : its current database is the mirror
        """
        there = self._view is not None and bool(
            con.execute(
                "SELECT 1 FROM duckdb_views() WHERE database_name = 'mirror' AND schema_name || '.' || view_name = ?",
                [self._view],
            ).fetchall()
        )
        found = self._view if there else None
        if found != self._used:
            for statement in view("memory", self._answering, found):
                con.execute(statement)
            self._used = found
        if found is None:
            return catalogue
        answers = Answers(self._answering.sky, found, files_of(con, CLASSIFIED), STORED_COLUMNS)
        tables = (name for name in (PHOTOMETRY, CLASSIFIED) if name in catalogue.tables)
        return Catalogue(
            {**catalogue.tables, **{name: replace(catalogue.tables[name], answers=answers) for name in tables}}
        )
