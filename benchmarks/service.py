"""Run a TAP server on this machine as an operator would: GAVO DaCHS over the tables of a mirror, with indexes."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INDEXES = {
    "gaiadr3.gaia_source": ("phot_g_mean_mag", "parallax", "pm", "random_index", "bp_rp"),
    "gaiadr1.tmass_original_valid": ("j_m", "ks_m"),
    "gaiadr1.allwise_original_valid": ("w1mpro",),
}
"""Columns to index; the service itself indexes identifiers, and positions by q3c."""

SETTINGS = {"work_mem": "'256MB'", "effective_cache_size": "'8GB'", "random_page_cost": "1.1"}
"""Settings of PostgreSQL for this memory and a solid-state disk."""


def dachs() -> Any:
    """Import the tests' module that runs DaCHS; raise NoDachsError with the reason if it cannot run."""
    tests = str(Path(__file__).parents[1] / "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    module = importlib.import_module("servers.dachs")
    module.check_installed()
    return module


@contextmanager
def serve(mirror: Path) -> Iterator[str]:
    """Run the service and yield its address; raise NoDachsError with the reason if DaCHS cannot run."""
    with dachs().serve(mirror) as server:
        for name, indexed in INDEXES.items():
            for column in indexed:
                server.sql(f"CREATE INDEX ON {name} ({column})")
        database = server.sql("SELECT current_database()").strip()
        for key, value in SETTINGS.items():
            server.sql(f"ALTER DATABASE {database} SET {key} = {value}")
        server.sql("ANALYZE")
        server.configure(hardMAXREC=100_000_000, defaultMAXREC=100_000_000, defaultExecTimeSync=3600)
        yield server.url
