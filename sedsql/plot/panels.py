"""Draw purity and completeness of each class in a panel of its own."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sedsql.plot.style import BLUE, ORANGE, PlotError, shown_once, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves = Mapping[str, Mapping[str, Sequence[float | None]]]

_LOOKS = {"purity": (BLUE, "o", "-"), "completeness": (ORANGE, "s", "--")}
_COLUMNS = 4


def panels(curves: Curves, x: Sequence[float], label: str, title: str, best: Curves | None = None) -> "Figure":
    """Draw purity and completeness of classes over another quantity.

    Parameters
    ----------
    curves : by class, `purity` and `completeness`, each as many numbers from 0 to 1 as `x`, None where unknown
    x : the places of these numbers, or the edges of their bins, which are one more
    label, title : the name of `x`, and the title of the figure
    best : the curves of another classifier, drawn as thin lines

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        Without classes, and if matplotlib is not installed.
    """
    if not curves:
        raise PlotError("There are no classes to draw.")
    columns = min(_COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    with style() as plt:
        figure, axes = plt.subplots(
            rows, columns, figsize=(2.1 * columns, 1.7 * rows + 0.8), sharex=True, sharey=True, squeeze=False
        )
        for panel, (name, some) in zip(axes.flat, curves.items(), strict=False):
            for what, (colour, mark, line) in _LOOKS.items():
                values = np.array(some[what], dtype=float)
                places = np.array(x, dtype=float)
                if len(places) > len(values):
                    places = (places[1:] + places[:-1]) / 2
                panel.plot(places, values, line, marker=mark, color=colour, markersize=3, linewidth=1.2, label=what)
                if best and name in best:
                    other = np.array(best[name][what], dtype=float)
                    panel.plot(places, other, ":", color=colour, linewidth=1, label=f"{what}, oracle")
            panel.set_title(name)
        for panel in axes.flat[len(curves) :]:
            panel.set_visible(False)
        axes[0][0].set_ylim(-0.03, 1.03)
        figure.supxlabel(label, fontsize=9)
        handles, words = axes[0][0].get_legend_handles_labels()
        figure.legend(handles, words, loc="outside upper right", ncols=len(words), frameon=False)
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
    return shown_once(figure)
