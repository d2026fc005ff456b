"""A TAP server on this machine, as an operator would run it: GAVO DaCHS over the tables of a mirror, with indexes."""

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
"""Indexes of magnitudes and the like; those of identifiers, and q3c's of positions, are the service's own."""

SETTINGS = {"work_mem": "'256MB'", "effective_cache_size": "'8GB'", "random_page_cost": "1.1"}
"""Of PostgreSQL, for memory and a solid-state disk."""


def dachs() -> Any:
    """The tests' module that runs DaCHS. Raises NoDachsError, which says why, where it cannot run."""
    tests = str(Path(__file__).parents[1] / "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    module = importlib.import_module("tap.dachs")
    module.check_installed()
    return module


@contextmanager
def serve(mirror: Path) -> Iterator[str]:
    """The address of the running service. Raises NoDachsError, which says why, where DaCHS cannot run."""
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
