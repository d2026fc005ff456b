"""What a model has to beat: colour cuts from the literature, drawn by hand."""

import numpy as np
from numpy.typing import NDArray

from ..bands import BANDS


def colour_cuts(magnitudes: NDArray[np.float32]) -> NDArray[np.str_]:
    """Classes by plain cuts on colours, for magnitudes of shape (n, 10); the first that holds decides.

    A cut on a colour that is missing does not hold; a source that passes none is called main_sequence.
    """
    m = {band.short: magnitudes[:, i] for i, band in enumerate(BANDS)}
    bp_rp, g_j, j_k = m["BP"] - m["RP"], m["G"] - m["J"], m["J"] - m["Ks"]
    w12, w23 = m["W1"] - m["W2"], m["W2"] - m["W3"]
    # Koenig & Leisawitz 2014, ApJ 791, 131, section 3.2.2: class I, class II
    embedded = (w23 > 2.0) & (w12 > -0.42 * w23 + 2.2) & (w12 > 0.46 * w23 - 0.9) & (w23 < 4.5)
    disc = (w12 > 0.25) & (w12 < 0.9 * w23 - 0.25) & (w12 > -1.5 * w23 + 2.1) & (w12 > 0.46 * w23 - 0.9) & (w23 < 4.5)
    cuts = (
        ("white_dwarf", (bp_rp < 0.6) & ~(j_k > 0.3) & ~(w12 > -1)),
        # Stern et al. 2012, ApJ 753, 30; redder than dusty giants in W2 - W3
        ("agn", (w12 >= 0.8) & (w23 > 2.0) & (w23 < 4.2) & (g_j < 3.5)),
        # Late M and later are red in G - J but, unlike giants, not in J - Ks: Kiman et al. 2019, AJ 157, 231
        ("brown_dwarf", (g_j > 4.2) & (j_k < 1.4)),
        # Dusty giants: carbon stars have J - Ks > 1.4 (Nikolaev & Weinberg 2000, ApJ 542, 804, region J)
        ("agb_carbon", (j_k > 1.4) & (g_j < 4.8) & (w23 < 1.0)),
        ("agb_oxygen", (j_k > 1.2) & (g_j >= 4.3) & (w23 < 2.5)),
        ("yso", embedded | disc),
        # The giants' branch lies redward of the dwarfs' in J - Ks: Bessell & Brett 1988, PASP 100, 1134, figure 5
        ("supergiant", (j_k > 1.05) & (bp_rp > 2)),
        ("giant", (j_k > 0.8) & (bp_rp > 1.4) & (bp_rp < 2.4) & ~(w12 > 0.05)),
    )
    return np.select([holds for _, holds in cuts], [name for name, _ in cuts], "main_sequence")


def majority(labels: NDArray[np.str_], rows: int) -> NDArray[np.str_]:
    """The commonest of `labels`, `rows` times."""
    names, counts = np.unique(labels, return_counts=True)
    return np.full(rows, names[counts.argmax()])
