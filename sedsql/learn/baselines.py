"""What a model has to beat: the classical ways, which the literature drew by hand."""

import numpy as np
from numpy.typing import NDArray

from .. import sed
from ..bands import BANDS
from .outlier import squared_distances, typical_seds


def colour_cuts(magnitudes: NDArray[np.float32]) -> NDArray[np.str_]:
    """Classes by plain cuts on colours, for magnitudes of shape (n, 10); the first that holds decides.

    A cut on a colour that is missing does not hold; a source that passes none is called main_sequence.
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
    """Young stars by WISE colours, for magnitudes of shape (n, 10): 'I', 'II', or '' for all others.

    Koenig & Leisawitz 2014, ApJ 791, 131, section 3.2.2, the cuts on W1 - W2 and W2 - W3. A source that lacks one
    of the bands is none. Their cuts on magnitudes, against galaxies and dusty giants, depend on the distance of the
    region that they were made for, and are left out.
    """
    w1, w2, w3 = (magnitudes[:, [band.short for band in BANDS].index(name)] for name in ("W1", "W2", "W3"))
    w12, w23 = w1 - w2, w2 - w3
    both = (w12 > 0.46 * w23 - 0.9) & (w23 < 4.5)
    embedded = both & (w23 > 2.0) & (w12 > -0.42 * w23 + 2.2)
    disc = both & (w12 > 0.25) & (w12 < 0.9 * w23 - 0.25) & (w12 > -1.5 * w23 + 2.1)
    return np.select([embedded, disc], ["I", "II"], "")


def young_by_index(magnitudes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether the infrared spectral index, Ks to W4, is that of a star with a disc or an envelope: stage I, flat or II.

    Greene et al. 1994, ApJ 434, 614; stage III cannot be told from a star without a disc. For magnitudes (n, 10).
    """
    return np.isin(sed.stage(sed.alpha(magnitudes)).astype(str), ("I", "flat", "II"))


class NearestTemplate:
    """The class of the nearest of the typical SEDs of each class, in the bands that a source has.

    Parameters
    ----------
    magnitudes, labels : what the typical SEDs are made of, shapes (n, 10) and (n,)
    """

    def __init__(self, magnitudes: NDArray[np.float32], labels: NDArray[np.str_], seed: int = 0):
        parts = {}
        for name in np.unique(labels):
            mine = labels == name
            parts[name] = typical_seds(magnitudes[mine], labels[mine], seed)
        self.seds = np.concatenate(list(parts.values()))
        self.labels = np.repeat(list(parts), [len(part) for part in parts.values()])

    def predict(self, magnitudes: NDArray[np.float32]) -> NDArray[np.str_]:
        """Classes of magnitudes of shape (n, 10)."""
        return self.labels[squared_distances(magnitudes, self.seds).argmin(axis=1)]


def majority(labels: NDArray[np.str_], rows: int) -> NDArray[np.str_]:
    """The commonest of `labels`, `rows` times."""
    names, counts = np.unique(labels, return_counts=True)
    return np.full(rows, names[counts.argmax()])


def mistaken(truth: NDArray[np.str_], found: NDArray[np.bool_], label: str) -> dict[str, int]:
    """Classes and numbers of the rows that are found to be of class `label` and are not, the commonest first."""
    names, counts = np.unique(truth[found & (truth != label)], return_counts=True)
    return {str(names[k]): int(counts[k]) for k in np.argsort(-counts, kind="stable")}
