"""Classify sources in the classical ways, by published cuts and templates; a model has to do better."""

import numpy as np
from numpy.typing import NDArray

from sedsql.inference.neighbours import squared_distances
from sedsql.learn.outlier import typical_seds
from sedsql.photometry import sed
from sedsql.photometry.bands import BANDS


def colour_cuts(magnitudes: NDArray[np.float32]) -> NDArray[np.str_]:
    """Classify magnitudes of shape (n, 10) by plain cuts on colours; the first cut that holds decides.

    A cut on a missing colour does not hold; a source for which no cut holds is called main_sequence.
    """
    m = {band.short: magnitudes[:, i] for i, band in enumerate(BANDS)}
    bp_rp, g_j, j_k = m["BP"] - m["RP"], m["G"] - m["J"], m["J"] - m["Ks"]
    w12, w23 = m["W1"] - m["W2"], m["W2"] - m["W3"]
    cuts = (
        ("white_dwarf", (bp_rp < 0.6) & ~(j_k > 0.3) & ~(w12 > -1)),
        # Stern et al. 2012, ApJ 753, 30; redder than dusty giants in W2 - W3
        ("agn", (w12 >= 0.8) & (w23 > 2.0) & (w23 < 4.2) & (g_j < 3.5)),
        # Late M and later are red in G - J but, unlike giants, not in J - Ks: Kiman et al. 2019, AJ 157, 231
        ("brown_dwarf", (g_j > 4.2) & (j_k < 1.4)),
        # Dusty giants: carbon stars have J - Ks > 1.4 (Nikolaev & Weinberg 2000, ApJ 542, 804, region J)
        ("agb_carbon", (j_k > 1.4) & (g_j < 4.8) & (w23 < 1.0)),
        ("agb_oxygen", (j_k > 1.2) & (g_j >= 4.3) & (w23 < 2.5)),
        ("yso", koenig_leisawitz(magnitudes) != ""),
        # The giants' branch lies redward of the dwarfs' in J - Ks: Bessell & Brett 1988, PASP 100, 1134, figure 5
        ("supergiant", (j_k > 1.05) & (bp_rp > 2)),
        ("giant", (j_k > 0.8) & (bp_rp > 1.4) & (bp_rp < 2.4) & ~(w12 > 0.05)),
    )
    return np.select([holds for _, holds in cuts], [name for name, _ in cuts], "main_sequence")


def koenig_leisawitz(magnitudes: NDArray[np.float32]) -> NDArray[np.str_]:
    """Find young stars by WISE colours, for magnitudes of shape (n, 10): 'I', 'II', or '' for all others.

    Koenig & Leisawitz 2014, ApJ 791, 131, section 3.2.2, the cuts on W1 - W2 and W2 - W3. A source that lacks one of
    the bands gets ''. Their cuts on magnitudes, which exclude galaxies and dusty giants, are left out, because they
    depend on the distance of the region for which they were made.
    """
    w1, w2, w3 = (magnitudes[:, [band.short for band in BANDS].index(name)] for name in ("W1", "W2", "W3"))
    w12, w23 = w1 - w2, w2 - w3
    both = (w12 > 0.46 * w23 - 0.9) & (w23 < 4.5)
    embedded = both & (w23 > 2.0) & (w12 > -0.42 * w23 + 2.2)
    disc = both & (w12 > 0.25) & (w12 < 0.9 * w23 - 0.25) & (w12 > -1.5 * w23 + 2.1)
    return np.select([embedded, disc], ["I", "II"], "")


def young_by_index(magnitudes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell by the infrared spectral index, Ks to W4, which stars have a disc or an envelope: stage I, flat or II.

    Greene et al. 1994, ApJ 434, 614; stage III looks like a star without a disc. For magnitudes of shape (n, 10).
    """
    return np.isin(sed.stage(sed.alpha(magnitudes)).astype(str), ("I", "flat", "II"))


class NearestTemplate:
    """A classifier by the nearest typical SED, in the bands that a source has.

    Parameters
    ----------
    magnitudes, labels : the sources from which the typical SEDs are made, shapes (n, 10) and (n,)
    """

    def __init__(self, magnitudes: NDArray[np.float32], labels: NDArray[np.str_], seed: int = 0):
        parts = {}
        for name in np.unique(labels):
            mine = labels == name
            parts[name] = typical_seds(magnitudes[mine], labels[mine], seed)
        self.seds = np.concatenate(list(parts.values()))
        self.labels = np.repeat(list(parts), [len(part) for part in parts.values()])

    def predict(self, magnitudes: NDArray[np.float32]) -> NDArray[np.str_]:
        """Classify magnitudes of shape (n, 10)."""
        return self.labels[squared_distances(magnitudes, self.seds).argmin(axis=1)]


def majority(labels: NDArray[np.str_], rows: int) -> NDArray[np.str_]:
    """Repeat the commonest of `labels` for `rows` rows."""
    names, counts = np.unique(labels, return_counts=True)
    return np.full(rows, names[counts.argmax()])


def mistaken(truth: NDArray[np.str_], found: NDArray[np.bool_], label: str) -> dict[str, int]:
    """Count by class the rows that are wrongly found to be of class `label`, the commonest class first."""
    names, counts = np.unique(truth[found & (truth != label)], return_counts=True)
    return {str(names[k]): int(counts[k]) for k in np.argsort(-counts, kind="stable")}
