"""Refuse to fetch more than the disk has room for."""

import shutil
from pathlib import Path

from sedsql.catalogue import Table
from sedsql.mirror.add.pieces import row_bytes
from sedsql.mirror.manifest import MirrorError


def bytes_on_disk(table: Table, rows: int) -> int:
    """About how many bytes so many rows take in Parquet."""
    return rows * row_bytes(table) * 3 // 4


def require_room(folder: Path, table: Table, rows: int) -> None:
    """Raise MirrorError where the disk of a mirror has no room for so many rows of a table."""
    need = bytes_on_disk(table, rows)
    free = shutil.disk_usage(folder).free
    if need > free:
        raise MirrorError(
            f"{rows:,} rows of {table.name} need about {need / 1e9:,.1f} GB, and {folder} "
            f"has {free / 1e9:,.1f} GB free; choose fewer columns or a smaller region, or another disk"
        )
