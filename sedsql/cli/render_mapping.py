"""Print which columns of a table were taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sedsql import progress
from sedsql.cli.render import print_rows, say

if TYPE_CHECKING:
    from sedsql.learn.training import Reading


def print_mapping(mapping: Sequence[Mapping[str, Any]]) -> None:
    """Print the columns that were taken, with the share of rows without a value and the range of the others."""
    rows = [
        (
            one["column"],
            one["name"],
            one["unit"] or "",
            "" if one["missing"] is None else f"{one['missing']:.1%}",
            "" if one["range"] is None else f"{one['range'][0]:.6g} to {one['range'][1]:.6g}",
        )
        for one in mapping
    ]
    print_rows(["column", "taken as", "unit", "missing", "range"], rows)
    say("")


def tell(readings: Mapping[str, Reading]) -> None:
    """Tell on standard error what was strange in labelled tables, by the files' names."""
    for name, reading in readings.items():
        for text in reading.notes:
            progress.note(f"{name}: {text}" if len(readings) > 1 else text)


def print_readings(readings: Mapping[str, Reading]) -> None:
    """Print which columns of labelled tables were taken."""
    for name, reading in readings.items():
        if len(readings) > 1:
            say(name)
        print_mapping(reading.mapping)
