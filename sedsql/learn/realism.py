"""Compare simulated sources of a class with real ones, colour by colour and in all colours at once.

Catalogues of labels have their own depths and gaps, which should not be compared. So every real source gets a simulated
partner of about its brightness, and the partner loses the bands that the real one lacks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from sedsql.files import TableError
from sedsql.learn.training import LabelledTable
from sedsql.photometry.bands import BANDS
from sedsql.simulate import POPULATIONS, observe, simulate

COLOURS = ((1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9))
"""Places of the two bands of each colour that is compared."""
NAMES = tuple(f"{BANDS[a].short}-{BANDS[b].short}" for a, b in COLOURS)

LEAST_ROWS = 20
"""A colour is compared where at least this many real sources have it."""
LEAST_CLASSIFIED = 30
"""A classifier is fitted where at least this many real sources have its bands."""
MOST_CLASSIFIED = 4000

_POOL = 100_000
_BRIGHTNESS = (0, 5, 6)
"""Places of the bands that give the brightness of a source: G, else Ks, else W1."""


@dataclass
class Colour:
    """One colour of a class: sources, medians in mag, and the largest distance between the two distributions."""

    name: str
    rows: int
    real: float
    simulated: float
    distance: float

    @property
    def difference(self) -> float:
        """Return the simulated minus the real median, in mag."""
        return self.simulated - self.real


@dataclass
class Comparison:
    """Real and simulated sources of one class.

    real, simulated : magnitudes, shape (n, 10), partners in the same row; NaN = missing
    colours : the colours that at least LEAST_ROWS real sources have
    same_bp_rp : the same with partners of the same BP - RP, so that the proportions of hot and cool, bare and dusty
        sources do not matter
    auc : area under the ROC curve of a classifier that distinguishes simulated from real by their colours, on folds
        that it did not see: 0.5 where it cannot, 1 where it always can; None with fewer than LEAST_CLASSIFIED rows
    classified : the number of real sources in that test
    bands : short names of the bands that all of these have
    """

    label: str
    real: NDArray[np.float64]
    simulated: NDArray[np.float64]
    colours: list[Colour]
    same_bp_rp: list[Colour]
    auc: float | None
    classified: int
    bands: tuple[str, ...]


def compare(table: LabelledTable, label: str, seed: int = 0, pool: int = _POOL) -> Comparison:
    """Compare the rows of one class of a table with as many simulated sources, drawn from `pool` of them.

    Raises TableError where the class cannot be simulated or has no rows.
    """
    if label not in POPULATIONS:
        raise TableError(f"Class {label!r} cannot be simulated; {', '.join(POPULATIONS)} can.")
    rows = table.labels == label
    # A simulated source has measurements or nothing, so a survey's limits are left out.
    real = np.where(table.limits[rows], np.nan, table.magnitudes[rows]).astype(np.float64)
    if not len(real):
        raise TableError(f"There are no rows of class {label!r} to compare with.")
    # Each class has its own stream of random numbers, so that its figures do not depend on the other classes compared.
    rng = np.random.default_rng([seed, list(POPULATIONS).index(label)])
    true = simulate(label, pool, rng, gaia=False).true_magnitudes
    simulated, chosen = partners(real, true, rng)
    alike, _ = partners(real, true, rng, same_bp_rp=True)
    colours, same_bp_rp = (
        [colour for pair in COLOURS if (colour := _colour(real, some, pair)) is not None] for some in (simulated, alike)
    )
    auc, classified, bands = _told_apart(real, simulated, chosen, seed)
    return Comparison(label, real, simulated, colours, same_bp_rp, auc, classified, bands)


def partners(
    real: NDArray[np.float64], pool: NDArray[np.float64], rng: np.random.Generator, *, same_bp_rp: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find for each real source a simulated one of its brightness, observed in the bands that the real one has.

    Parameters
    ----------
    real : magnitudes, shape (n, 10)
    pool : true magnitudes of simulated sources, shape (m, 10)
    same_bp_rp : find partners of the same BP - RP instead

    Returns magnitudes, shape (n, 10), and places in the pool, shape (n,), -1 without a partner. Partners are drawn
    from the nearest hundredth of the pool, and moved in distance to exactly the brightness of the real source.
    """
    partner = np.full(real.shape, np.nan)
    chosen = np.full(len(real), -1)
    near = 4 if same_bp_rp else max(1, len(pool) // 100)
    for band in _BRIGHTNESS:
        key = real[:, 1] - real[:, 2] if same_bp_rp else real[:, band]
        rows = np.flatnonzero((chosen < 0) & np.isfinite(key + real[:, band]))
        of_pool = pool[:, 1] - pool[:, 2] if same_bp_rp else pool[:, band]
        order = np.argsort(of_pool)
        place = np.searchsorted(of_pool[order], key[rows]).clip(near // 2, len(pool) - near + near // 2)
        chosen[rows] = order[place + rng.integers(0, near, len(rows)) - near // 2]
        partner[rows] = pool[chosen[rows]] + (real[rows, band] - pool[chosen[rows], band])[:, None]
    observed, _ = observe(partner, rng)
    observed[np.isnan(real)] = np.nan
    return observed, chosen


def _colour(real, simulated, pair) -> Colour | None:
    one, other = (magnitudes[:, pair[0]] - magnitudes[:, pair[1]] for magnitudes in (real, simulated))
    one, other = one[np.isfinite(one)], other[np.isfinite(other)]
    if len(one) < LEAST_ROWS or len(other) < LEAST_ROWS:
        return None
    name = NAMES[COLOURS.index(pair)]
    distance = ks_2samp(one, other).statistic
    return Colour(name, len(one), float(np.median(one)), float(np.median(other)), float(distance))


def _told_apart(real, simulated, chosen, seed: int) -> tuple[float | None, int, tuple[str, ...]]:
    """Run a classifier two-sample test (Lopez-Paz & Oquab 2017, ICLR) on the largest set of bands that both have."""
    both = np.isfinite(real) & np.isfinite(simulated)
    sets = np.unique(both[both.sum(axis=1) >= 3], axis=0)
    counts = [int((both >= bands).all(axis=1).sum()) for bands in sets]
    # Many bands tell more than many rows do.
    enough = [k for k in range(len(sets)) if counts[k] >= LEAST_CLASSIFIED]
    if not enough:
        return None, 0, ()
    bands = sets[max(enough, key=lambda k: counts[k] * sets[k].sum())]
    rows = np.flatnonzero((both >= bands).all(axis=1))
    rng = np.random.default_rng(seed)
    rows = rng.permutation(rows)[:MOST_CLASSIFIED]
    colours = np.concatenate([-np.diff(some[rows][:, bands], axis=1) for some in (real, simulated)])
    is_simulated = np.repeat([0, 1], len(rows))
    # A simulated source that is the partner of several real ones must not be seen in the fit and in the test.
    groups = np.concatenate([-1 - np.arange(len(rows)), chosen[rows]])
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=12, random_state=seed)
    score = cross_val_predict(model, colours, is_simulated, groups=groups, cv=folds, method="predict_proba")[:, 1]
    names = tuple(band.short for band, there in zip(BANDS, bands, strict=True) if there)
    return float(roc_auc_score(is_simulated, score)), len(rows), names


def figures(found: list[Comparison]) -> dict[str, dict]:
    """Return the comparisons as plain numbers for JSON: by class the rows, AUC, bands and colours."""
    return {
        one.label: {
            "rows": len(one.real),
            "auc": one.auc,
            "auc_rows": one.classified,
            "auc_bands": list(one.bands),
            "colours": {colour.name: vars(colour) for colour in one.colours},
            "same_bp_rp": {colour.name: vars(colour) for colour in one.same_bp_rp},
        }
        for one in found
    }
