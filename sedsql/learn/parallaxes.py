"""Give training rows parallaxes whose presence tells nothing of the class.

Catalogues of labels have parallaxes for some classes and none for others. A model should use luminosities, and not the
presence of a parallax; so in training the same share of the rows of every class has one, measured as Gaia would at the
distance at which the row is placed. The row's luminosity comes from the table's parallax or, where it has none, is
drawn from the absolute magnitudes of the class in the literature.
"""

import numpy as np
from numpy.typing import NDArray

from sedsql.files import TableError
from sedsql.learn.training import LabelledTable
from sedsql.simulate.astrometry import expected_parallax_error

KEPT = 0.6
"""The share of rows of each class and origin that get a parallax in training."""
_TOLD = 0.85
"""The share of parallaxes that get an error; some tables have no errors."""
GOOD = 5.0
"""A parallax of this many times its error gives the distance."""

# For each class the mean and the scatter of its absolute magnitude in Ks, without correction for dust. Where Ks is
# missing, W1 or G is used in its place: for these classes colours are small compared with the scatter.
_ABSOLUTE = {
    "agb_oxygen": (-7.6, 0.9),  # Whitelock, Feast & van Leeuwen 2008, MNRAS 386, 313: Miras of 200 to 500 d
    "agb_carbon": (-7.8, 0.8),  # Whitelock et al. 2006, MNRAS 369, 751
    "supergiant": (-10.0, 1.0),  # Levesque et al. 2005, ApJ 628, 973
    "wolf_rayet": (-5.2, 1.3),  # Rate & Crowther 2020, MNRAS 493, 1512
    "massive": (-2.5, 1.8),  # Pecaut & Mamajek 2013, ApJS 208, 9: B5V at -0.5, O9V at -3.3; supergiants at -6
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


def moduli(
    labels: NDArray[np.str_], magnitudes: NDArray[np.float32], parallax: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Estimate distance moduli in mag, shape (n,): by the table's parallax where it is good, else by the class.

    Parameters
    ----------
    labels : shape (n,)
    magnitudes : shape (n, 10)
    parallax : the table's, with errors, in mas, shape (n, 2); NaN = missing

    They are infinite for active nuclei, and NaN where neither the parallax nor the class gives one.
    """
    value, error = parallax.astype(np.float64).T
    error = np.where(np.isnan(error), expected_parallax_error(np.nan_to_num(magnitudes[:, 0], nan=20.0)), error)
    good = np.isfinite(value) & (value > GOOD * error) & (labels != "agn")
    with np.errstate(divide="ignore"):
        return np.where(good, -5 * np.log10(np.where(good, value, 1) / 100), _by_class(labels, magnitudes, rng))


def parallaxes_at(
    modulus: NDArray[np.floating], g: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw parallaxes as Gaia measures them, with errors, in mas, shape (n, 2), for distance moduli of shape (n,).

    A share KEPT of the sources gets one, most of them with an error. `g` is the apparent G, shape (n,).
    """
    error = expected_parallax_error(np.nan_to_num(g, nan=20.0))
    value = 100 * 10 ** (-modulus / 5) + error * rng.standard_normal(len(g))
    kept = rng.random(len(g)) < KEPT
    told = rng.random(len(g)) < _TOLD
    return np.stack([np.where(kept, value, np.nan), np.where(kept & told, error, np.nan)], 1).astype(np.float32)


def refuse_telling_parallaxes(table: LabelledTable) -> None:
    """Raise TableError where the presence of a parallax would tell the class, and no parallax can be drawn instead."""
    known = {*_ABSOLUTE, "brown_dwarf", "main_sequence", "yso", "yso_discless", "agn"}
    for label in np.unique(table.labels[~table.simulated]):
        share = np.isfinite(table.parallax[table.labels == label, 0]).mean()
        if share < KEPT and label not in known:
            raise TableError(
                f"Only {share:.0%} of the rows of class {str(label)!r} have a parallax, so that having one would tell "
                "the class. Leave the class out, or train without parallaxes."
            )


def _by_class(labels, magnitudes, rng) -> NDArray[np.float64]:
    """Draw distance moduli by the class, NaN where the class or the band that it needs is unknown."""
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
    return np.where(labels == "agn", np.inf, modulus)
