"""Tell which processors there are, and how many this process may use."""

import platform
from pathlib import Path

import duckdb


def cores() -> int:
    """The processors that this process may use, by DuckDB, which knows what a container may."""
    with duckdb.connect() as con:
        (threads,) = con.execute("SELECT current_setting('threads')").fetchall()[0]
    return int(threads)


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
