"""Draw SEDs of sources: points with errors, upper limits, a curve to compare with, and residuals."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry import sed as seds
from sedsql.plot import rows as sources
from sedsql.plot.style import BLUE, GREY, ORANGE, PlotError, shown_once, style, wavelength_axis
from sedsql.simulate import curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

MOST = 12
"""The most sources in a figure."""

_DEX = np.log(10) * 0.4


def sed(
    rows: sources.Rows,
    *,
    against: Literal["blackbody", "class"] | None = "blackbody",
    model: str | None = None,
    models: Iterable[str | Path] | None = None,
) -> "Figure":
    """Draw the SEDs of sources in one panel each, with class and probability.

    Parameters
    ----------
    rows : up to 12 sources with the magnitudes of `sed.photometry`, and perhaps their errors: a cursor, an astropy
        table or one of its rows, an Arrow table, a DataFrame, or pyvo's results
    against : a curve to compare with: 'blackbody', the one nearest to the bands up to 2.5 µm; 'class', the median and
        the spread (16 to 84 %) of simulated sources of its class, scaled to the source's brightness; or None. Residuals
        are drawn below.
    model : the name of the model that gives the class, if the rows have no column `class`; None is the one that
        answers in ADQL: 'sky-1' if the rows have `ra` and `dec`, else 'shape-2'
    models : folders of models to add to the shipped ones

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    PlotError
        Without rows or magnitudes, with more than 12 sources, and if matplotlib is not installed.

    Notes
    -----
    Fluxes are lambda F_lambda in W m^-2 (see `sedsql.photometry.bands` for zero points and their sources). A 2MASS or
    AllWISE magnitude whose error is NULL is drawn as an upper limit.

    Examples
    --------
    >>> import sedsql
    >>> con = sedsql.connect("sky")
    >>> figure = sedsql.plot.sed(con.execute("SELECT * FROM sed.photometry WHERE source_id = 3216574572174246016"))
    >>> figure.savefig("sed.pdf")
    >>> figure.axes[0].get_title().splitlines()
    ['3216574572174246016', 'yso, probability 0.96']
    >>> con.close()
    """
    if against not in ("blackbody", "class", None):
        raise PlotError(f"against is 'blackbody', 'class' or None, not {against!r}.")
    table = sources.table_of(rows)
    if len(table) > MOST:
        raise PlotError(f"{len(table):,} sources are too many; a figure has room for {MOST}. Take TOP {MOST}.")
    magnitudes = sources.magnitudes(table)
    errors, limits = sources.errors(table)
    labels, probabilities = sources.predicted(table, model, models)
    names = sources.names(table)
    across = min(len(table), 4 if len(table) > 6 else 3)
    down = -(-len(table) // across)
    with style() as plt:
        size = (5.2, 4.4) if len(table) == 1 else (3.2 * across, 3.1 * down)
        figure = plt.figure(figsize=size)
        grid = figure.add_gridspec(down, across)
        for place in range(len(table)):
            curve = _curve(against, magnitudes[place], errors[place], limits[place], labels[place])
            outer = grid[place // across, place % across]
            top, below = _panels(figure, outer, with_residuals=curve is not None)
            _points(top, magnitudes[place], errors[place], limits[place])
            top.set_title(f"{names[place]}\n{_told(labels[place], probabilities[place])}")
            if curve is not None and below is not None:
                _draw_curve(top, below, *curve, magnitudes[place], errors[place], limits[place])
        figure.supxlabel("wavelength [µm]", fontsize=9)
        figure.supylabel(r"$\lambda F_\lambda$ [W m$^{-2}$]", fontsize=9)
    return shown_once(figure)


def _told(label: str, probability: float) -> str:
    if not label:
        return "no class: too few bands"
    return label if np.isnan(probability) else f"{label}, probability {probability:.2f}"


def _panels(figure: "Figure", outer: Any, with_residuals: bool) -> tuple["Axes", "Axes | None"]:
    """Make the axes of an SED, and those of its residuals below."""
    if not with_residuals:
        top = figure.add_subplot(outer)
        below = None
    else:
        inner = outer.subgridspec(2, 1, height_ratios=[3, 1], hspace=0.02)
        top = figure.add_subplot(inner[0])
        below = figure.add_subplot(inner[1], sharex=top)
        top.tick_params(labelbottom=False)
    top.set_yscale("log")
    wavelength_axis(top)
    return top, below


def _points(axes: "Axes", magnitudes: Array, errors: Array, limits: NDArray[np.bool_]) -> None:
    flux = seds.lambda_flux(magnitudes)
    spread = np.nan_to_num(flux * np.minimum(errors * _DEX, 0.95))
    _measured(axes, flux, spread, limits, 4.5)
    there = flux[np.isfinite(flux)]
    if there.size:
        axes.set_ylim(there.min() / 6, there.max() * 3)


def _measured(axes: "Axes", values: Array, spread: Array, limits: NDArray[np.bool_], size: float) -> None:
    """Draw points with errors, and upper limits as open triangles, at the ten wavelengths."""
    axes.errorbar(
        seds.WAVELENGTH_UM[~limits], values[~limits], yerr=spread[~limits],
        fmt="o", color=BLUE, markersize=size, elinewidth=1.2, zorder=4,
    )  # fmt: skip
    axes.plot(
        seds.WAVELENGTH_UM[limits], values[limits], "v", color=BLUE, markerfacecolor="white", markersize=size + 1.5,
        zorder=4, label="upper limit" if limits.any() else None,
    )  # fmt: skip


def _curve(
    against: str | None, magnitudes: Array, errors: Array, limits: NDArray[np.bool_], label: str
) -> tuple[curves.Curve, str] | None:
    """Compute the curve to compare with, and name it."""
    measured = np.where(limits, np.nan, magnitudes)
    if against == "blackbody" and (found := curves.blackbody(measured, errors)):
        return found, f"blackbody, {float(f'{found.temperature:.2g}'):,.0f} K"
    if against == "class" and (found := curves.template(label, measured)):
        return found, f"simulated {label}"
    return None


def _draw_curve(
    top: "Axes",
    below: "Axes",
    curve: curves.Curve,
    name: str,
    magnitudes: Array,
    errors: Array,
    limits: NDArray[np.bool_],
) -> None:
    if curve.low is not None and curve.high is not None:
        spread_label = "16 to 84 % of these"
        bottom, height = top.get_ylim()
        top.set_ylim(min(bottom, curve.low.min() / 1.5), max(height, curve.high.max() * 1.5))
        top.fill_between(
            curve.wavelengths, curve.low, curve.high, color=GREY, alpha=0.2, linewidth=0, label=spread_label
        )
    top.plot(curve.wavelengths, curve.flux, color=ORANGE, linewidth=1.2, label=name, zorder=3)
    handles, labels = top.get_legend_handles_labels()
    first = labels.index(name)  # the curve leads, its spread follows
    order = [first, *(place for place in range(len(labels)) if place != first)]
    top.legend([handles[k] for k in order], [labels[k] for k in order], frameon=False, loc="best", fontsize=8)
    apart = curve.residuals(magnitudes)
    spread = np.nan_to_num(errors * 0.4)
    below.axhline(0, color=ORANGE, linewidth=1.2)
    _measured(below, apart, spread, limits, 3.5)
    reach = max(0.3, 1.15 * np.nanmax(np.abs(apart)))
    below.set_ylim(-reach, reach)
    below.set_ylabel("residual\n[dex]", fontsize=8)
