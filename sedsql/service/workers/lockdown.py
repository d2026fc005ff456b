"""Shut a worker in: its database reads the mirror and nothing else, and takes what it is allowed to and no more."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb

from sedsql.files.object_storage.addresses import address_of
from sedsql.files.object_storage.block_cache import cache_folder
from sedsql.files.object_storage.duckdb_files import read_from
from sedsql.mirror.mirror import Mirror
from sedsql.service.workers.settings import MB, Settings
from sedsql.sql_text import literal

_BESIDES = 512 * MB
"""Bytes that a worker needs besides DuckDB's: Python, the models, batches on their way, an upload that is parsed."""


def places(mirror: Path) -> frozenset[str]:
    """The folders that a mirror's files are in: its own, and those of catalogues that are used where they lie."""
    elsewhere = (state.place for state in Mirror.read(mirror).tables.values())
    copies = [str(cache_folder())] if address_of(mirror) else []
    return frozenset([read_from(mirror), *(read_from(place) for place in elsewhere if place), *copies])


def prepare_process(settings: Settings) -> None:
    """Let the server have the processor before this process, the system end this process first, and no file be endless.

    What is written goes into the worker's own folder, but for the results of jobs.
    """
    import resource  # Windows, where no service runs, has none

    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings.disk, settings.disk))
    tempfile.tempdir = str(settings.temporary)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def empty(folder: Path) -> None:
    """Make a folder, without what an earlier process left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def lock(con: duckdb.DuckDBPyConnection, settings: Settings, allowed: frozenset[str]) -> None:
    """Set the limits of a database, and have it open no files but those in the allowed folders and the temporary one.

    Nothing can be set after that, not even by the worker: cursors are to be made before.
    """
    # What translates ADQL lets nothing through that would open a file; this is the second lock.
    folders = ", ".join(literal(f"{folder.rstrip('/')}/") for folder in sorted(allowed))
    for setting, value in {
        "memory_limit": literal(f"{duckdb_memory(settings) // MB}MiB"),
        "threads": str(settings.threads),
        "temp_directory": literal(settings.temporary),
        "max_temp_directory_size": literal(f"{settings.disk // MB}MiB"),
        "python_enable_replacements": "false",
        "allowed_directories": f"[{folders}]",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }.items():
        con.execute(f"SET {setting} = {value}")


def duckdb_memory(settings: Settings) -> int:
    """The bytes of a worker's memory that DuckDB may have."""
    return max(settings.memory - _BESIDES, settings.memory // 2)
