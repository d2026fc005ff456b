"""`sqlalchemy.create_engine("sedsql:///PATH")`: a mirror for what speaks SQLAlchemy, through duckdb-engine."""

from typing import Any

import duckdb_engine
from sqlalchemy.engine import URL

from .db import connect
from .errors import InterfaceError


class Dialect(duckdb_engine.Dialect):
    """DuckDB's dialect on the mirror in the folder PATH, opened read-only, with the `sed_*` functions.

    Queries are DuckDB's SQL, which is what SQLAlchemy writes. `?engine=onnx` chooses the engine of the models.
    """

    name = "sedsql"
    supports_statement_cache = False

    def create_connect_args(self, url: URL) -> tuple[tuple, dict[str, Any]]:
        unknown = set(url.query) - {"engine"}
        if not url.database or unknown:
            raise InterfaceError(f"sedsql:///PATH or sedsql:///PATH?engine=NAME opens a mirror, not {url}.")
        return (), {"mirror": url.database, **url.query}

    def connect(self, *_: Any, **given: Any) -> Any:
        return duckdb_engine.ConnectionWrapper(connect(**given).duckdb)
