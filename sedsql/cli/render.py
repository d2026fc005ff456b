"""Print rows as an aligned table, or a name and a value a line where a row is wider than the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.cells import cell_len

from sedsql import progress
from sedsql.files.json import to_json

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_ROWS = 40

_NARROWEST_TEXT = 24
"""A column of text may be folded to this width; a number is never folded."""

_GAP = 2


@cache
def out() -> Console:
    """Make the console of rich that is standard output."""
    from rich.console import Console  # an answer in a pipe needs none of it

    return Console(highlight=False)


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is, without folding it, and without markup for brackets in a file's name."""
    if not on_terminal() and text.isascii() and text.isprintable():
        print(text, flush=True)
    else:
        out().print(text, style=style, markup=False, emoji=False, soft_wrap=True)


def counted(n: int) -> str:
    """Write a number of rows."""
    return f"{n:,} row{'' if n == 1 else 's'}"


def on_terminal() -> bool:
    """Tell whether standard output is a terminal, or is to be treated as one."""
    return progress.may_be_terminal(sys.stdout) and out().is_terminal


def print_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print the first SHOWN_ROWS of the rows."""
    cells = [[_word(value) for value in row] for row in rows[:SHOWN_ROWS]]
    numbers = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(names))]
    widths = [max(cell_len(line[place]) for line in (names, *cells)) for place in range(len(names))]
    least = [
        width if number else min(width, max(_NARROWEST_TEXT, cell_len(name)))
        for name, width, number in zip(names, widths, numbers, strict=True)
    ]
    if not on_terminal():
        _print_lines([names, *cells], widths, numbers)
    elif sum(least) + _GAP * len(least) <= out().width:
        _print_folded(names, cells, numbers)
    else:
        _print_one_by_one(names, cells)
    if len(rows) > SHOWN_ROWS:
        say(f"... more than {SHOWN_ROWS} rows; -o FILE writes them all")


def print_answer(names: Sequence[str], rows: Sequence[Sequence[Any]], as_json: bool) -> None:
    """Print rows as a table, or as a JSON list of objects."""
    if as_json:
        print(to_json([dict(zip(names, row, strict=True)) for row in rows]))
    else:
        print_rows(names, rows)


def _print_lines(lines, widths, numbers) -> None:
    """Print each row as one line, however long, for a pipe."""
    for line in lines:
        pads = [" " * (width - cell_len(word)) for word, width in zip(line, widths, strict=True)]
        words = [pad + word if number else word + pad for word, pad, number in zip(line, pads, numbers, strict=True)]
        say((" " * _GAP).join(words).rstrip())


def _print_folded(names, cells, numbers) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for name, number in zip(names, numbers, strict=True):
        table.add_column(escape(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for line in cells:
        table.add_row(*map(_styled, line))
    out().print(table)


def _print_one_by_one(names, cells) -> None:
    from rich.markup import escape

    indent = max(map(cell_len, names)) + _GAP
    for place, line in enumerate(cells, 1):
        out().print(f"[bold]row {place}[/bold]")
        for name, word in zip(names, line, strict=True):
            out().print(f"{escape(name)}{' ' * (indent - cell_len(name))}{_styled(word)}", soft_wrap=True)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _styled(word: str) -> str:
    from rich.markup import escape

    return "[dim]NULL[/dim]" if word == "NULL" else escape(word)


def _word(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            digits = 8 if float(np.float32(value)) == value else 11  # a REAL has eight digits at most
        return f"{value + 0.0:.{digits}g}"  # + 0.0 makes a zero of minus zero
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_word(key)}: {_word(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_word, value)) + "]"
    if isinstance(value, bytes):
        return value.hex()
    return " ".join(str(value).splitlines())
