"""Draw a page of SEDs with one panel for each class."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sedsql.photometry import sed
from sedsql.photometry.bands import BANDS
from sedsql.plot.style import BLUE, pyplot, wavelength_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sed_page(path: Path, magnitudes: Mapping[str, NDArray[np.float64]], counts: Mapping[str, int], title: str) -> None:
    """Write the picture of `page` to a file; its ending says the format."""
    figure = page(magnitudes, counts, title)
    figure.savefig(path, dpi=130)
    pyplot().close(figure)


def page(magnitudes: Mapping[str, NDArray[np.float64]], counts: Mapping[str, int], title: str) -> "Figure":
    """Draw, in one panel for each class, the median and the spread of lambda F_lambda, scaled to one at J.

    Parameters
    ----------
    magnitudes : by class the magnitudes of its sources, shape (n, 10), NaN = missing
    counts : by class the number of all its sources, for the panels' titles
    """
    figure: Figure
    plt = pyplot()
    columns = min(4, len(magnitudes))
    rows = -(-len(magnitudes) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.1 * columns, 2.7 * rows + 0.6), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    least, most = -3.3, 1.6
    by_wavelength = np.argsort(sed.WAVELENGTH_UM)
    wavelength = sed.WAVELENGTH_UM[by_wavelength]
    for panel, name in zip(panels.flat, magnitudes, strict=False):
        flux = np.log10(sed.lambda_flux(magnitudes[name]))[:, by_wavelength]
        flux -= _reference(flux, wavelength)[:, None]
        for one in flux[:60]:
            panel.plot(wavelength, one, color="0.75", linewidth=0.5, zorder=1)
        there = np.isfinite(flux).any(axis=0)
        low, middle, high = np.nanpercentile(flux[:, there], [16, 50, 84], axis=0)
        panel.fill_between(wavelength[there], low, high, color=BLUE, alpha=0.25, linewidth=0, zorder=2)
        panel.plot(wavelength[there], middle, "o-", color=BLUE, markersize=3.5, linewidth=1.3, zorder=3)
        least, most = min(least, middle.min() - 0.2), max(most, middle.max() + 0.2)
        panel.set_title(f"{name} ({counts[name]:,})", fontsize=9)
    for panel in panels.flat[len(magnitudes) :]:
        panel.set_visible(False)
    for lowest in panels.flat[max(len(magnitudes) - columns, 0) : len(magnitudes)]:
        lowest.tick_params(axis="x", which="both", labelbottom=True)  # also where the panel below is not there
    first = panels[0][0]
    wavelength_axis(first)
    first.set_ylim(least, most)
    figure.supxlabel("wavelength [µm]", fontsize=10)
    figure.supylabel(r"log $\lambda F_\lambda$ relative to J, or the nearest band there", fontsize=10)
    figure.suptitle(title, fontsize=11)
    return figure


def _reference(flux: NDArray[np.float64], wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the flux at J, or at the band nearest to it that a source has."""
    distance = np.abs(np.log(wavelength / BANDS[3].wavelength_um))
    nearest = np.where(np.isfinite(flux), distance, np.inf).argmin(axis=1)
    found: NDArray[np.float64] = flux[np.arange(len(flux)), nearest]
    return found
