"""Write a prior as trees, so that every engine that runs a model's trees applies its prior exactly.

The score of a class is a sum of leaves, and the logarithm of a product is a sum. Each table of a prior becomes one tree
of at most 64 leaves for each class; the C extension compares it node by node, as it does the others.
"""

from collections.abc import Callable, Sequence

import numpy as np

from sedsql.learn.decision_tree import LEAF_UNIT, Split, Values, rounded
from sedsql.learn.features import FROM_CENTRE, PRIOR_BANDS, SIN_LATITUDE
from sedsql.learn.prior import G_EDGES, G_SURVEY_EDGES, INNER_DEGREES, M_EDGES, M_SURVEY_EDGES, NEAR_ZONES, ZONES, Prior

ABSOLUTE_G = "M(G)"
NEEDED = (*PRIOR_BANDS, ABSOLUTE_G, SIN_LATITUDE, FROM_CENTRE)
"""The features that a prior reads."""
_THERE = float(np.finfo(np.float32).max)
"""Every magnitude is at most this, so only a missing one goes the other way."""
_MOST = 32_000 * LEAF_UNIT
"""The largest leaf: the C extension holds leaves in 16 bits."""


def trees(
    prior: Prior,
    names: Sequence[str],
    strength: float,
    class_shares: Values,
    temperature: float,
    corrections: Values | None = None,
) -> list[Split]:
    """Return the trees of a prior; their leaves are added to the scores of a model.

    Parameters
    ----------
    names : names of the model's features
    strength : the power of the prior: 1 for the shares of the sky, 0 for no prior
    class_shares : weights of the classes in training, shape (classes,); the prior replaces them
    temperature : divides the model's scores
    corrections : added to the logarithms of the shares where no luminosity is known, shape (classes,); see
        `corrections.count_corrections`
    """
    place = {name: k for k, name in enumerate(names)}
    near = -np.log(class_shares)
    far = near if corrections is None else near + corrections
    none = np.zeros(len(class_shares))
    g, m_g = place[PRIOR_BANDS[0]], place[ABSOLUTE_G]

    def seen(table, edges, value):
        def ratio(zone, k):
            return strength * (np.log(table[1 + zone, k]) - np.log(table[0, k]))

        return _bins(edges, value, lambda k: _surveys(place, lambda zone: ratio(zone, k)))

    whole = strength * np.log(prior.by_g.mean(axis=1)) + far
    by_g = _zones(place, ZONES, lambda zone: _there(
        g, _bins(G_EDGES, g, lambda k: strength * np.log(prior.by_g[zone, k]) + far), whole[zone]))  # fmt: skip
    by_m = _zones(place, NEAR_ZONES, lambda zone: _bins(
        M_EDGES, m_g, lambda k: strength * np.log(prior.by_m[zone, k]) + near))  # fmt: skip
    by_g_surveys = _there(g, seen(prior.by_g_surveys, G_SURVEY_EDGES, g), none)
    by_m_surveys = seen(prior.by_m_surveys, M_SURVEY_EDGES, m_g)
    found = [_there(m_g, none, tree) for tree in (by_g, by_g_surveys)]
    found += [_there(m_g, tree, none) for tree in (by_m, by_m_surveys)]
    return [part for tree in found for part in _fitting(_there(place[SIN_LATITUDE], tree, none), temperature)]


def _there(feature: int, yes, no) -> Split:
    return Split(feature, _THERE, False, yes, no)


def _bins(edges: Sequence[float], feature: int, leaf: Callable[[int], Split | Values], first: int = 0):
    """Build a balanced tree over the bins between edges; a value on an edge belongs to the bin above it."""
    if not edges:
        return leaf(first)
    middle = len(edges) // 2
    below = float(np.nextafter(np.float32(edges[middle]), np.float32(-np.inf)))
    yes = _bins(edges[:middle], feature, leaf, first)
    no = _bins(edges[middle + 1 :], feature, leaf, first + middle + 1)
    return Split(feature, below, True, yes, no)


def _zones(place, zones, leaf: Callable[[int], Split | Values]):
    """Build a tree over latitudes, from the plane outwards, and within them over the inner and the outer Galaxy."""
    tops = sorted({high for _, _, high, _ in zones})
    bands = [[k for k, (_, _, high, _) in enumerate(zones) if high == top] for top in tops]

    def across(k):
        if len(bands[k]) == 1:
            return leaf(bands[k][0])
        inner = next(zone for zone in bands[k] if zones[zone][3])
        outer = next(zone for zone in bands[k] if not zones[zone][3])
        return Split(place[FROM_CENTRE], float(np.cos(np.radians(INNER_DEGREES))), True, leaf(outer), leaf(inner))

    edges = [float(np.sin(np.radians(top))) for top in tops[:-1]]
    return _bins(edges, place[SIN_LATITUDE], across)


def _surveys(place, leaf: Callable[[int], Values]):
    """Build a tree over `prior.SURVEYS`."""
    bp, j, w1, w3 = (place[column] for column in PRIOR_BANDS[1:])

    def wise(first):
        return _there(w1, _there(w3, leaf(first + 2), leaf(first + 1)), leaf(first))

    return _there(bp, _there(j, wise(9), wise(6)), _there(j, wise(3), wise(0)))


def _fitting(tree: Split, temperature: float) -> list[Split]:
    """Centre and round the leaves; where they are too large, share them out among several trees."""
    spread = temperature * max((values.max() - values.min()) / 2 for values in tree.leaves())
    parts = max(int(np.ceil(spread / _MOST)), 1)

    def fitted(values):
        return rounded(temperature * (values - (values.max() + values.min()) / 2) / parts)

    return [tree.mapped(fitted)] * parts
