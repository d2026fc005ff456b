"""Explain a class by what each band contributes, as exact Shapley values."""

from __future__ import annotations

from functools import cache
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sedsql.inference.kernel_session import KernelSession
    from sedsql.inference.session import Session

EXPLANATION = "STRUCT(band VARCHAR, contribution DOUBLE)[]"

CHUNK = 1 << 15
"""Rows that the model is asked at a time."""


@cache
def _coalitions(players: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """List all sets of players, shape (2^players, players), and the weight of each set's value for each player.

    A player's Shapley value is its gain, averaged over all orders in which players can come (Shapley 1953,
    Contributions to the Theory of Games 2, 307): weight (s - 1)! (m - s)! / m! where it is in a set of s, minus
    s! (m - s - 1)! / m! where it is not.
    """
    member = (np.arange(1 << players)[:, None] >> np.arange(players) & 1).astype(bool)
    size = member.sum(axis=1)
    m = factorial(players)
    joins = np.array([factorial(max(s - 1, 0)) * factorial(players - s) / m for s in range(players + 1)])
    stays = np.array([factorial(s) * factorial(max(players - s - 1, 0)) / m for s in range(players + 1)])
    return member, np.where(member, joins[size][:, None], -stays[size][:, None])


def contributions(session: Session | KernelSession, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute what each input adds to the probability of the predicted class; NaN where it is missing.

    A set of bands is worth the probability that the model gives that class when the other bands are missing. The
    contributions of a source add up to its probability less that without any band. The parallax is a player like
    a band, together with its error, and so are the two coordinates.

    Parameters
    ----------
    inputs : as in `Session.predict`, n of them

    Returns
    -------
    Shape (n, bands), (n, bands + 1) of a model that takes parallaxes, (n, bands + 2) of one that takes positions too;
    all NaN where bands are too few.
    """
    bands, further = len(session.model.bands), len(session.model.extra) // 2
    chosen = session.chosen(inputs)
    player = np.array([*range(bands), *(bands + k // 2 for k in range(2 * further))])
    known = np.isfinite(chosen[:, [*range(bands), *range(bands, bands + 2 * further, 2)]])
    if further == 2:
        known[:, -1] &= np.isfinite(chosen[:, -1])
    result = np.full(known.shape, np.nan)
    place = session.predict(inputs).class_index
    for pattern in np.unique(known[place >= 0], axis=0):
        there = np.flatnonzero(pattern)
        rows = np.flatnonzero((known == pattern).all(axis=1) & (place >= 0))
        member, weight = _coalitions(len(there))
        out = np.ones((len(member), known.shape[1]), bool)
        out[:, there] = ~member
        gone = out[:, player]
        step = max(1, CHUNK // len(member))
        for some in np.split(rows, range(step, len(rows), step)):
            asked = np.where(gone, np.float32(np.nan), chosen[some, None]).reshape(-1, chosen.shape[1])
            p = session.run(asked)[1].reshape(len(some), len(member), -1)
            value = np.take_along_axis(p, place[some, None, None], axis=2)[:, :, 0].astype(np.float64)
            result[np.ix_(some, there)] = value @ weight
    return result


def explanations(session: Session | KernelSession, inputs: NDArray[np.float32]) -> pa.ListArray:
    """Give EXPLANATION: the bands that are there, in the model's order; null where bands are too few."""
    found = contributions(session, inputs)
    known = np.isfinite(found)
    names = pa.array([*session.model.bands, *("parallax", "position")[: len(session.model.extra) // 2]])
    offsets = np.concatenate([[0], known.sum(axis=1).cumsum()]).astype(np.int32)
    values = pa.StructArray.from_arrays(
        [names.take(pa.array(np.nonzero(known)[1])), pa.array(found[known])], names=["band", "contribution"]
    )
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(~known.any(axis=1), False)), values)
