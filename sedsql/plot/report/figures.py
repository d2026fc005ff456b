"""Draw the pictures of a report of a classification."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from sedsql.inference.card import EXTRA
from sedsql.inference.findings import LOW, OUTLIER, Findings
from sedsql.inference.reservoir import Reservoir
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.plot.diagrams import colour_colour, hertzsprung_russell
from sedsql.plot.page import page
from sedsql.plot.seds import sed
from sedsql.plot.style import BLUE, GREY, PlotError, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DIAGRAMS = (("BP-RP", "J-Ks"), ("J-H", "H-Ks"), ("W1-W2", "W2-W3"))
_FEWEST = 2
"""A diagram of fewer sources shows nothing."""


class Drawn(NamedTuple):
    """A picture, and what stands below it."""

    name: str
    figure: "Figure"
    caption: str


def counts(findings: Findings) -> Drawn:
    """Draw how many sources each class has, and how many of them are expected to be right."""
    classes = [one for one in findings.by_class() if one["purity"] is not None]
    names = [one["class"] for one in classes]
    rows = np.array([one["rows"] for one in classes], float)
    right = np.array([one["expected_right"] for one in classes], float)
    with style() as plt:
        figure, (left, axes) = plt.subplots(
            1, 2, figsize=(9, 0.32 * len(names) + 1.4), sharey=True, width_ratios=[3, 2], squeeze=True
        )
        places = np.arange(len(names))
        left.barh(places, rows, color="0.85", label="sources")
        left.barh(places, right, color=BLUE, height=0.5, label="expected to be right")
        left.set_xscale("log")
        left.set_xlim(0.7, max(rows.max(initial=1) * 1.6, 10))
        left.set_yticks(places, names)
        left.invert_yaxis()
        left.set_xlabel("sources")
        left.grid(visible=False, axis="y")
        axes.barh(places, right / np.maximum(rows, 1), color=BLUE, height=0.5)
        axes.axvline(LOW, color=GREY, linewidth=0.8, linestyle="--")
        axes.set_xlim(0, 1.12)
        axes.grid(visible=False, axis="y")
        for place, share in enumerate(right / np.maximum(rows, 1)):
            axes.text(share + 0.02, place, f"{share:.0%}", va="center", fontsize=8)
        axes.set_xlabel("purity expected")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    return Drawn("counts", figure, f"Sources of each class, and the purity to expect; the dashed line is {LOW:.0%}.")


def probabilities(findings: Findings) -> Drawn:
    """Draw how probable the classes are, and how many bands sources have."""
    columns = findings.sample.columns
    probability, n_bands = columns["probability"], np.isfinite(columns["inputs"][:, : len(BANDS)]).sum(axis=1)
    with style() as plt:
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.6), width_ratios=[3, 2])
        left.hist(probability[np.isfinite(probability)], np.linspace(0, 1, 26), color=BLUE)
        left.axvline(LOW, color=GREY, linewidth=0.8, linestyle="--")
        left.set_xlim(0, 1)
        left.set_yscale("log")
        left.set_xlabel("probability of the class")
        left.set_ylabel("sources")
        right.bar(np.arange(len(BANDS) + 1), np.bincount(n_bands, minlength=len(BANDS) + 1), color=BLUE)
        right.set_xticks(range(len(BANDS) + 1))
        right.grid(visible=False, axis="x")
        right.set_xlabel("bands that are there")
    return Drawn(
        "probabilities", figure, f"How probable the classes are, and how many bands sources have{_of(findings)}."
    )


def seds(findings: Findings) -> Drawn | None:
    """Draw the SEDs of each class."""
    kept = {name: _magnitudes(rows) for name, rows in findings.of_class.items()}
    kept = {name: some[np.isfinite(some).any(axis=1)] for name, some in kept.items()}
    order = sorted((name for name in kept if len(kept[name])), key=lambda name: -findings.counts[name])
    if not order:
        return None
    figure = page({name: kept[name] for name in order}, {name: findings.counts[name] for name in order}, "")
    return Drawn("seds", figure, "Some SEDs of each class (grey), their median and the spread of 68 %.")


def diagrams(findings: Findings) -> Iterator[Drawn]:
    """Draw colours, and absolute magnitudes where there are parallaxes."""
    table = _table(findings.sample)
    for x, y in _DIAGRAMS:
        magnitudes = np.array([table[band.column] for band in BANDS if band.short in (*x.split("-"), *y.split("-"))])
        if np.isfinite(magnitudes).all(axis=0).sum() >= _FEWEST:
            yield Drawn(f"{x}_{y}", colour_colour(table, x, y), f"{x} and {y} by class{_of(findings)}.")
    if (table["parallax"] > 0).sum() >= _FEWEST and (hr := _tried(lambda: hertzsprung_russell(table))):
        yield Drawn("hr", hr, f"Absolute magnitudes, not corrected for dust{_of(findings)}.")


def examples(findings: Findings) -> Iterator[Drawn]:
    """Draw the SEDs of the most unusual and of the least certain sources."""
    for name, rows, what in (
        ("unusual", findings.unusual, f"The most unusual of the sources, of those with an outlier above {OUTLIER}"),
        ("unsure", findings.unsure, f"The least certain of the sources, of those with a probability below {LOW}"),
    ):
        if len(rows):
            yield Drawn(name, sed(_table(rows)), f"{what}; rows count from 1.")


def _tried(draw: "Callable[[], Figure]") -> "Figure | None":
    """Draw what has enough sources; without, there is no picture."""
    try:
        return draw()
    except PlotError:
        return None


def _of(findings: Findings) -> str:
    """Tell of how many rows a picture is, if not of all."""
    return f", of {len(findings.sample):,} rows that were drawn by lot" if len(findings.sample) < findings.rows else ""


def _magnitudes(rows: Reservoir) -> NDArray[np.float64]:
    return np.asarray(rows.columns["inputs"][:, : len(BANDS)], np.float64)


def _table(rows: Reservoir) -> Table:
    """Give rows as the functions of `plot` take them."""
    columns: dict[str, Any] = {"name": [f"row {row}" for row in rows.columns["row"]]}
    columns |= {name: rows.columns["inputs"][:, k].astype(float) for k, name in enumerate((*COLUMNS, *EXTRA))}
    if np.isnan(columns["parallax_error"]).all():
        del columns["parallax_error"]  # a parallax without an error counts as exact
    columns["class"] = rows.columns["label"].astype(str)
    columns["class_probability"] = rows.columns["probability"]
    return Table(columns)
