"""Define luminosity functions: the density of stars of each luminosity near the Sun.

`simulate` draws each class over a wide range; these functions weigh the stars drawn by their frequency in the Galaxy.
Densities are per cubic parsec and magnitude in G, without interstellar dust but with the star's own shell. Within a
class only ratios count, because each class is scaled to its published number. All values are rounded.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sedsql.simulate.populations import POPULATIONS

Array = NDArray[np.float64]

# Dwarfs. Gaia Collaboration, Smart et al. 2021, A&A 649, A6, Section 5.2 (0.07 stars in a cubic parsec, most at M_G 10
# to 11); the bright ones after Just et al. 2015, MNRAS 451, 149. None above M_G = 0.3: those are O and B stars.
_DWARFS = np.array(
    [
        *([0.25, 0.0], [0.35, 1.5e-4], [1, 2.5e-4], [2, 5e-4], [3, 9e-4], [4, 1.6e-3], [5, 2.6e-3], [6, 3.2e-3]),
        *([7, 3.4e-3], [8, 5e-3], [9, 8.5e-3], [10, 1.2e-2], [11, 1.15e-2], [12, 7.5e-3], [13, 4.5e-3], [14, 3e-3]),
        *([15, 2.2e-3], [16, 1.6e-3]),
    ]
).T

# White dwarfs, 4.9e-3 in a cubic parsec (Hollands et al. 2018, MNRAS 480, 3942), most of them cool and faint; the hot
# end after Gentile Fusillo et al. 2021, MNRAS 508, 3877.
_WHITE_DWARFS = np.array(
    [[8, 1e-6], [9, 1e-5], [10, 6e-5], [11, 1.8e-4], [12, 4e-4], [13, 7e-4], [14, 1.2e-3], [15, 1.6e-3], [16, 4e-4]]
).T

# Ultracool dwarfs: Kirkpatrick et al. 2021, ApJS 253, 7; Bardalez Gagliuffi et al. 2019, ApJ 883, 205.
_BROWN_DWARFS = np.array([[15, 6e-4], [16, 6e-4], [17, 4e-4], [18, 4e-4], [20, 6e-4], [24, 1e-3]]).T


def _interpolated(nodes: Array) -> Callable[[Array], Array]:
    return lambda m_g: np.interp(m_g, nodes[0], nodes[1], left=0.0)


def _giants(m_g: Array) -> Array:
    """Return the red clump at M_G = 0.5, and the branch, which thins upwards (Girardi 2016, ARA&A 54, 95)."""
    clump = 2.5e-4 / (0.3 * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((m_g - 0.5) / 0.3) ** 2)
    return clump + 0.8e-4 * 10 ** (np.where(m_g < 0.5, 0.3, 0.1) * (m_g - 0.5))


def _massive(m_g: Array) -> Array:
    """Return O and B stars, fewer by 10^0.6 a magnitude because of masses and lifetimes (Reed 2001, PASP 113, 537)."""
    return 3e-5 * 10 ** (0.6 * np.minimum(m_g, 1.5))


LUMINOSITY: dict[str, Callable[[Array], Array]] = {
    "main_sequence": _interpolated(_DWARFS),
    "giant": _giants,
    "massive": _massive,
    "white_dwarf": _interpolated(_WHITE_DWARFS),
    "brown_dwarf": _interpolated(_BROWN_DWARFS),
}
"""The functions by class; `simulate` draws the other classes with the right frequencies."""

OLD_SHARES = {"giant": {"thick": 0.05, "halo": 0.0005}, "agb_oxygen": {"thick": 0.03, "halo": 0.00002}}
"""Shares for `galaxy.density` that differ from those of dwarfs: most clump stars and AGB stars are younger than thick
disc and halo (Girardi 2016, Section 4)."""


def quasars(g: Array) -> Array:
    """Return the relative number of active nuclei per magnitude at apparent G.

    Counts steepen from 10^(0.4 G) at 20.5 to 10^(0.85 G) at 15.5 (Richards et al. 2006, AJ 131, 2766).
    """
    fine = np.arange(10.0, 23.0, 0.05)
    slope = np.interp(fine, [15.5, 16.5, 17.5, 18.5, 19.5, 20.5], [0.85, 0.76, 0.68, 0.58, 0.48, 0.4])
    return 10 ** (np.interp(g, fine, np.cumsum(slope) * 0.05) - 5)


def height_pc(label: str, m_g: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the scale height of the disc in pc for stars of `label`, and whether bulge, thick disc and halo have them.

    Dwarfs brighter than the Sun are younger than the Galaxy and flatter: Just & Jahreiss 2010, MNRAS 402, 461.
    """
    height, old = POPULATIONS[label].height_pc, POPULATIONS[label].old
    if label == "main_sequence":
        return np.interp(m_g, [0.5, 2.0, 3.5, 5.0], [90.0, 170.0, 280.0, 320.0]), m_g > 3.2
    return np.full(len(m_g), np.nan if height is None else height), np.full(len(m_g), old)
