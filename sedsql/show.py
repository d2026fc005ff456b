"""Rows as a table for the eye: aligned where a line holds a row, a name and a value a line where it does not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .inference.model import Model

SHOWN_ROWS = 40

_NARROWEST_TEXT = 24
"""A column of text may be folded to this width; a number is never folded."""

_GAP = 2

out = Console(highlight=False)


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is: not folded, and brackets in a file's name are no markup."""
    out.print(text, style=style, markup=False, emoji=False, soft_wrap=True)


def print_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print the first SHOWN_ROWS of the rows."""
    cells = [[_word(value) for value in row] for row in rows[:SHOWN_ROWS]]
    numbers = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(names))]
    widths = [max(cell_len(line[place]) for line in (names, *cells)) for place in range(len(names))]
    least = [
        width if number else min(width, max(_NARROWEST_TEXT, cell_len(name)))
        for name, width, number in zip(names, widths, numbers, strict=True)
    ]
    if not out.is_terminal:
        _print_lines([names, *cells], widths, numbers)
    elif sum(least) + _GAP * len(least) <= out.width:
        _print_folded(names, cells, numbers)
    else:
        _print_one_by_one(names, cells)
    if len(rows) > SHOWN_ROWS:
        say(f"... more than {SHOWN_ROWS} rows; -o FILE writes them all")


def _print_lines(lines, widths, numbers) -> None:
    """In a pipe each row is a line, however long."""
    for line in lines:
        pads = [" " * (width - cell_len(word)) for word, width in zip(line, widths, strict=True)]
        words = [pad + word if number else word + pad for word, pad, number in zip(line, pads, numbers, strict=True)]
        say((" " * _GAP).join(words).rstrip())


def _print_folded(names, cells, numbers) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for name, number in zip(names, numbers, strict=True):
        table.add_column(escape(name), justify="right" if number else "left", no_wrap=number, overflow="fold")
    for line in cells:
        table.add_row(*map(_styled, line))
    out.print(table)


def _print_one_by_one(names, cells) -> None:
    indent = max(map(cell_len, names)) + _GAP
    for place, line in enumerate(cells, 1):
        out.print(f"[bold]row {place}[/bold]")
        for name, word in zip(names, line, strict=True):
            out.print(f"{escape(name)}{' ' * (indent - cell_len(name))}{_styled(word)}", soft_wrap=True)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _styled(word: str) -> str:
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


def print_models(models: Mapping[str, Model], broken: Mapping[str, str]) -> None:
    rows = []
    for name, model in models.items():
        scores = model.card.get("metrics", {}).get("all", {})
        state = "REFUSED" if name in broken else "verified"
        figures = (len(model.classes), len(model.bands), model.min_bands)
        rows.append((name, *figures, scores.get("macro_f1"), scores.get("calibration_error"), state))
    print_rows(["model", "classes", "bands", "min_bands", "macro F1", "calibration error", "file"], rows)
    say("Macro F1 and expected calibration error on sky that training did not see.", style="dim")


_ROWS = {
    "all": "all rows",
    "6_bands_or_more": "6 bands or more",
    "6_bands_or_more_and_a_parallax": "6 bands or more and a parallax",
}


def print_scores(metrics: Mapping[str, Any]) -> None:
    """How good a model is: each class, then all together, then what the sets cover."""
    print_rows(
        ["class", "precision", "recall", "F1", "rows"],
        [(name, s["precision"], s["recall"], s["f1"], s["rows"]) for name, s in metrics["all"]["per_class"].items()],
    )
    say("")
    some = [(words, metrics[key]) for key, words in _ROWS.items() if key in metrics]
    print_rows(
        ["", "macro F1", "weighted F1", "calibration error", "rows"],
        [(words, s["macro_f1"], s["weighted_f1"], s["calibration_error"], s["rows"]) for words, s in some],
    )
    say("")
    print_rows(
        ["", "macro F1", "rows"],
        [
            *((f"only {name}", s["macro_f1"], s["rows"]) for name, s in metrics["same_bands"].items()),
            *((name, s["all"], metrics["all"]["rows"]) for name, s in metrics.get("baselines", {}).items()),
        ],
    )
    if metrics.get("young_by_stage"):
        say("")
        print_rows(
            ["young stars of stage", "found", "rows"],
            [(name or "unknown", s["recall"], s["rows"]) for name, s in metrics["young_by_stage"].items()],
        )
    if "conformal" in metrics:
        say("")
        print_rows(
            ["sets at level", "covered", "least covered class", "classes in a set"],
            [
                (float(level), s["covered"], _least(s["per_class"]), s["classes"])
                for level, s in metrics["conformal"].items()
            ],
        )


def _least(shares: Mapping[str, float]) -> str:
    name = min(shares, key=lambda name: shares[name])
    return f"{name} {shares[name]}"


def print_why(found: Mapping[str, Any]) -> None:
    """Why a source has its class: its prediction, what each band adds, and its neighbours."""
    prediction = found["prediction"]
    if prediction["class"] is None:
        say(f"No class: the source has {prediction['n_bands']} of the bands, and {prediction['model']} needs more.")
        return
    say(f"{' > '.join(prediction['path'])}, with probability {prediction['probability']:.3f}")
    if prediction["outlier"] is not None:
        say(f"{prediction['outlier']:.0%} of the training sources are more usual", style="dim")
    if "set" in found:
        say(f"not excluded at 95 %: {', '.join(found['set']) or 'none'}", style="dim")
    say("")
    bands = sorted(found["contributions"].items(), key=lambda item: -abs(item[1]))
    print_rows(["band", "adds to the probability"], [(name, round(value, 4)) for name, value in bands])
    if "neighbours" in found:
        say("")
        rows = [(n["label"], round(n["distance"], 3), n["row"]) for n in found["neighbours"]]
        print_rows(["nearest training sources", "distance, mag", "row"], rows)
