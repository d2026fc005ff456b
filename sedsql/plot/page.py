"""A page of many SEDs, a panel a class."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import sed
from ..bands import BANDS
from .style import BLUE, pyplot, wavelength_axis


def sed_page(path: Path, magnitudes: Mapping[str, NDArray], counts: Mapping[str, int], title: str) -> None:
    """A page of SEDs, a panel a class: the median and the spread of lambda F_lambda, brought to one at J.

    Parameters
    ----------
    path : the picture to write; its ending says the format
    magnitudes : class to magnitudes of its sources, shape (n, 10), NaN = missing
    counts : class to the number of its sources in all, for the panels' titles
    """
    plt = pyplot()
    columns = min(4, len(magnitudes))
    rows = -(-len(magnitudes) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.1 * columns, 2.7 * rows + 0.6), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
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
        panel.set_title(f"{name} ({counts[name]:,})", fontsize=9)
    for panel in panels.flat[len(magnitudes) :]:
        panel.set_visible(False)
    first = panels[0][0]
    wavelength_axis(first)
    first.set_ylim(-3.3, 1.6)
    figure.supxlabel("wavelength [µm]", fontsize=10)
    figure.supylabel(r"log $\lambda F_\lambda$ relative to J, or the nearest band there", fontsize=10)
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _reference(flux, wavelength):
    """The flux at J, or at the band nearest to it that a source has."""
    distance = np.abs(np.log(wavelength / BANDS[3].wavelength_um))
    nearest = np.where(np.isfinite(flux), distance, np.inf).argmin(axis=1)
    return flux[np.arange(len(flux)), nearest]
