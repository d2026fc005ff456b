"""One style for all pictures: colours that all eyes can tell apart, and a figure that a paper could have."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from ..errors import InterfaceError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "axes.axisbelow": True,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
}
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.45"

# Okabe & Ito 2008, "Color Universal Design", with three of Tol 2021, "Colour Schemes"; marks tell them apart too.
CLASSES = {
    "main_sequence": ("#56b4e9", "o"),
    "massive": ("#0072b2", "^"),
    "brown_dwarf": ("#332288", "v"),
    "giant": ("#e69f00", "o"),
    "supergiant": ("#d55e00", "^"),
    "agb_oxygen": ("#cc79a7", "s"),
    "agb_carbon": ("#882255", "D"),
    "wolf_rayet": ("#ddcc77", "P"),
    "yso": ("#009e73", "*"),
    "white_dwarf": ("#000000", "X"),
    "agn": ("#999999", "p"),
}
"""Colour and mark of each class of the shipped models."""
_OTHERS = tuple(CLASSES.values())


class PlotError(InterfaceError):
    """A picture cannot be drawn."""


def pyplot() -> ModuleType:
    """matplotlib.pyplot; a PlotError where there is no matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise PlotError("Plots need matplotlib; install it with: pip install 'sedsql[plot]'") from None
    return plt


@contextmanager
def style() -> Iterator[ModuleType]:
    """Draw in the block; gives matplotlib.pyplot."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        yield plt


def finished(figure: "Figure") -> "Figure":
    """A figure that a function gives; a notebook would show it twice, as what a cell gives and as what is open."""
    plt = pyplot()
    if "inline" in plt.get_backend():
        plt.close(figure)
    return figure


def looks(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and mark of each label, the same in all pictures for the classes of the shipped models."""
    others = [label for label in labels if label not in CLASSES]
    return {label: CLASSES.get(label) or _OTHERS[others.index(label) % len(_OTHERS)] for label in labels}
