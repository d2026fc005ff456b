"""Choose a table of a file that holds several: NAME#2 or NAME#name."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sedsql.files.errors import TableError


class Part(NamedTuple):
    """A table in a file: its number, its name, '' where it has none, and its rows."""

    number: int
    name: str
    rows: int


def file_and_part(path: Path) -> tuple[Path, str | None]:
    """Split NAME#PART; a file whose own name has the mark is taken whole."""
    whole, mark, part = str(path).rpartition("#")
    return (Path(whole), part) if mark and whole and not path.exists() else (path, None)


def chosen(path: Path, parts: Sequence[Part], part: str | None) -> int:
    """The place in `parts` of the one that is asked for by number or name; of the only one if none is."""
    if not parts:
        raise TableError(f"{path} has no table in it.")
    if part is None and len(parts) == 1:
        return 0
    for place, one in enumerate(parts):
        if part is not None and part.lower() in (str(one.number), one.name.lower()):
            return place
    each = ", ".join(f"#{one.number} {one.name}".rstrip() + f" ({one.rows:,} rows)" for one in parts)
    if part is None:
        raise TableError(f"{path} has {len(parts)} tables, {each}; choose one, as {path.name}#{parts[0].number}.")
    raise TableError(f"{path} has no table {part!r}; it has {each}.")
