"""Draw how good a classification is: the confusion matrix and the reliability diagram."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sedsql.plot.style import BLUE, PlotError, shown_once, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 15


def confusion(truth: ArrayLike, found: ArrayLike, *, model: str | None = None) -> "Figure":
    """Draw the confusion matrix: the share of each class that is taken for each other.

    Parameters
    ----------
    truth, found : the classes in the table, and those that a model says, shape (n,); rows where one is missing (NULL,
        masked, '') are left out, and the title counts them
    model : the model's name, for the title

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        If there are no rows, or not as many of both, or if matplotlib is not installed.

    Examples
    --------
    >>> from sedsql import plot
    >>> figure = plot.confusion(["giant", "yso", "yso"], ["giant", "giant", "yso"])
    >>> [text.get_text() for text in figure.axes[0].texts]  # by rows
    ['100', '50', '50']
    """
    one, other, there = _both(truth, found)
    labels = (one[there], other[there])
    classes = np.union1d(*labels)
    places = [np.searchsorted(classes, some) for some in labels]
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, tuple(places), 1)
    size = 0.42 * len(classes) + 1.6
    with style() as plt:
        figure, axes = plt.subplots(figsize=(size, size))
        confusion_panel(axes, counts, [str(name) for name in classes])
        # How many rows a share is of says how far to trust it.
        rows = [f"{name} ({int(n):,})" for name, n in zip(classes, counts.sum(axis=1), strict=True)]
        axes.set_yticks(range(len(classes)), rows)
        axes.set_ylabel("class in the table (rows)")
        axes.set_title(f"% of each class\n{_what(model, there)}")
    return shown_once(figure)


def confusion_panel(axes: "Axes", counts: NDArray[Any], classes: Sequence[str]) -> None:
    """Draw a matrix of counts, whose rows are the true classes, as shares of each row."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    for i, j in np.argwhere(share >= 0.005):
        axes.text(
            j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", fontsize=8,
            color="white" if share[i, j] > 0.55 else "black",
        )  # fmt: skip
    axes.set_xticks(range(len(counts)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(counts)), classes)
    axes.set_xlabel("class found")


def reliability(truth: ArrayLike, found: ArrayLike, probability: ArrayLike, *, model: str | None = None) -> "Figure":
    """Draw the reliability diagram: how often a class is right over its probability, and how many rows have that.

    Parameters
    ----------
    truth, found, probability : the classes in the table, those that a model says, and the probability of each of these,
        from 0 to 1, shape (n,); rows where one is missing are left out, and the title counts them
    model : the model's name, for the title

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        If there are no rows, not as many of all, or probabilities beyond 0 and 1, and if matplotlib is not installed.

    Notes
    -----
    Error bars are the binomial scatter of a bin.

    Examples
    --------
    >>> from sedsql import plot
    >>> figure = plot.reliability(["giant", "yso", "yso"], ["giant", "giant", "yso"], [0.9, 0.6, 0.8])
    >>> _, found, *_ = figure.axes[0].lines
    >>> found.get_ydata().tolist()  # from the least probable to the most
    [0.0, 1.0, 1.0]
    """
    one, other, there = _both(truth, found)
    p = np.ma.filled(np.ma.asarray(probability).astype(float), np.nan)
    if p.shape != one.shape:
        raise PlotError(f"There are {len(one):,} classes and {p.size:,} probabilities.")
    there &= np.isfinite(p)
    if not there.any():
        raise PlotError("No row has both classes and a probability.")
    right, p = (one == other)[there].astype(float), p[there]
    if p.min() < 0 or p.max() > 1:
        raise PlotError(f"Probabilities lie between 0 and 1, and these between {p.min():g} and {p.max():g}.")
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    filled = counts > 0
    mean, share = (np.bincount(place, some, BINS)[filled] / counts[filled] for some in (p, right))
    scatter = np.sqrt(np.maximum(share * (1 - share), 1e-4) / counts[filled])
    with style() as plt:
        figure, (top, below) = plt.subplots(2, 1, figsize=(4.4, 5.2), sharex=True, height_ratios=[3, 1])
        top.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
        top.errorbar(mean, share, yerr=scatter, fmt="o-", color=BLUE, markersize=4, linewidth=1.2, capsize=2)
        top.set_title(_what(model, there))
        top.set_ylabel("how often it is right")
        below.bar((np.arange(BINS) + 0.5) / BINS, counts, 0.9 / BINS, color=BLUE)
        below.set_yscale("log")
        below.set_ylabel("rows")
        below.set_xlabel("probability of the class found")
        below.set_xlim(0, 1)
    return shown_once(figure)


def _what(model: str | None, there: NDArray[np.bool_]) -> str:
    rows, left_out = int(there.sum()), int((~there).sum())
    words = f"{model + ', ' if model else ''}{rows:,} row{'s' * (rows != 1)}"
    return words + (f"; {left_out:,} without a class left out" if left_out else "")


def _both(truth: ArrayLike, found: ArrayLike) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.bool_]]:
    """Return true classes and those found, '' where one is missing, and which rows have both."""
    one, other = _texts(truth), _texts(found)
    if one.shape != other.shape or one.ndim != 1 or not len(one):
        raise PlotError(
            f"There must be one or more true classes and as many found ones, not the shapes {one.shape} and "
            f"{other.shape}."
        )
    there = (one != "") & (other != "")
    if not there.any():
        raise PlotError("No row has both a true class and one that was found.")
    return one, other, there


def _texts(labels: ArrayLike) -> NDArray[np.str_]:
    """Convert labels to texts, and those that are masked, None or NaN to ''."""
    array = np.ma.asarray(labels).astype(object)
    values = np.asarray(array.data)
    gone = np.array([value is None or value != value for value in values.ravel()], bool).reshape(values.shape)
    return np.where(gone | np.ma.getmaskarray(array), "", values).astype(str)
