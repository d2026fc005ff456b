"""Parallaxes for training, in which having one tells nothing.

Catalogues of labels have parallaxes for some classes and none for others. A model that is to use luminosities,
and not the mere presence of a parallax, sees one for the same share of the rows of every class: those that the
table has, and simulated ones, from the absolute magnitudes of the class in the literature, where it has none.
"""

import numpy as np
from numpy.typing import NDArray

from ..tables import TableError
from .training import LabelledTable

KEPT = 0.6
"""Share of rows, of any class and origin, that have a parallax in training."""

# Class: mean and scatter of its absolute magnitude in Ks, with dust in front as it comes. Where Ks is missing W1 or
# G stands for it: for these, colours are small against the scatter, or the source is dim in either.
_ABSOLUTE = {
    "agb_oxygen": (-7.6, 0.9),  # Whitelock, Feast & van Leeuwen 2008, MNRAS 386, 313: Miras of 200 to 500 d
    "agb_carbon": (-7.8, 0.8),  # Whitelock et al. 2006, MNRAS 369, 751
    "supergiant": (-10.0, 1.0),  # Levesque et al. 2005, ApJ 628, 973
    "wolf_rayet": (-5.2, 1.3),  # Rate & Crowther 2020, MNRAS 493, 1512
    "massive": (-5.5, 1.8),  # Martins & Plez 2006, A&A 457, 637 to Clark et al. 2005, A&A 435, 239 (LBVs)
    "giant": (-2.5, 1.5),  # Girardi 2016, ARA&A 54, 95: the clump at -1.6, the tip at -6.5
    "white_dwarf": (12.0, 1.0),  # Gentile Fusillo et al. 2021, MNRAS 508, 3877
}

# Late M, L and T dwarfs: absolute J by G - J (Dupuy & Liu 2012, ApJS 201, 19; Kiman et al. 2019, AJ 157, 231).
_ULTRACOOL = ([2.5, 3.2, 3.6, 4.2, 4.6, 5.2], [9.3, 10.4, 11.3, 12.2, 13.2, 14.8])
# Warmer dwarfs: absolute G by BP - RP (Pecaut & Mamajek 2013, ApJS 208, 9).
_DWARFS = ([-0.3, 0.0, 0.4, 0.8, 1.2, 1.8, 2.5, 3.3], [-1.0, 1.5, 3.0, 4.6, 6.3, 8.0, 9.9, 11.8])
_DWARF_SCATTER = 0.35

# Nearby star-forming regions, 140 to 1000 pc: distance moduli in mag.
_YOUNG_MODULUS, _YOUNG_SCATTER = 7.7, 1.0


def with_parallaxes(
    labels: NDArray[np.str_], magnitudes: NDArray[np.float32], parallax: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Parallaxes and errors in mas, shape (n, 2), for a share KEPT of the rows of each class.

    Parameters
    ----------
    labels : shape (n,)
    magnitudes : shape (n, 10)
    parallax : the table's, with errors, shape (n, 2); NaN = missing

    Half of those that are kept come with an error, Gaia's own where the table has it.
    """
    value, error = parallax.astype(np.float64).T
    expected = gaia_error(magnitudes[:, 0])
    simulated = _simulated(labels, magnitudes, rng) + expected * rng.standard_normal(len(labels))
    value = np.where(np.isnan(value), simulated, value)
    error = np.where(np.isnan(error), expected, error)
    kept = rng.random(len(labels)) < KEPT
    told = rng.random(len(labels)) < 0.5
    return np.stack([np.where(kept, value, np.nan), np.where(kept & told, error, np.nan)], 1).astype(np.float32)


def refuse_telling_parallaxes(table: LabelledTable) -> None:
    """Raise TableError where the mere presence of a parallax would tell the class, and nothing can be done."""
    known = {*_ABSOLUTE, "brown_dwarf", "main_sequence", "yso", "yso_discless", "agn"}
    for label in np.unique(table.labels[~table.simulated]):
        share = np.isfinite(table.parallax[table.labels == label, 0]).mean()
        if share < KEPT and label not in known:
            raise TableError(
                f"Only {share:.0%} of the rows of class {str(label)!r} have a parallax, so that having one would tell "
                "the class. Leave the class out, or train without parallaxes."
            )


def gaia_error(g) -> NDArray[np.float64]:
    """Typical error in mas of a parallax in Gaia DR3 by G (Lindegren et al. 2021, A&A 649, A2, Table 4)."""
    return np.interp(np.nan_to_num(g, nan=20.0), [9, 15, 17, 20, 21], [0.02, 0.03, 0.07, 0.5, 1.3])


def _simulated(labels, magnitudes, rng) -> NDArray[np.float64]:
    """True parallaxes in mas by the class, NaN where it, or the band that is needed, is not known."""
    ks, w1, g = magnitudes[:, [5, 6, 0]].T
    brightness = np.where(np.isfinite(ks), ks, np.where(np.isfinite(w1), w1, g))
    modulus = np.full(len(labels), np.nan)
    for label, (mean, scatter) in _ABSOLUTE.items():
        rows = labels == label
        modulus[rows] = brightness[rows] - rng.normal(mean, scatter, rows.sum())
    rows = np.isin(labels, ("brown_dwarf", "main_sequence"))
    g, bp, rp, j = magnitudes[rows][:, [0, 1, 2, 3]].T
    ultracool = np.isfinite(j) & ((g - j > _ULTRACOOL[0][0]) | np.isnan(bp - rp))
    by_infrared, by_gaia = j - np.interp(g - j, *_ULTRACOOL), g - np.interp(bp - rp, *_DWARFS)
    modulus[rows] = np.where(ultracool, by_infrared, by_gaia) + rng.normal(0, _DWARF_SCATTER, rows.sum())
    rows = np.isin(labels, ("yso", "yso_discless"))
    modulus[rows] = rng.normal(_YOUNG_MODULUS, _YOUNG_SCATTER, rows.sum())
    return np.where(labels == "agn", 0.0, 100 * 10 ** (-modulus / 5))
