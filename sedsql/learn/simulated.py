"""Simulated sources among those to train on: what catalogues of labels lack, and the sky is full of."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..bands import COLUMNS
from ..simulate import POPULATIONS, simulate
from ..simulate.census import natural
from ..tables import TableError
from .augment import DISCLESS
from .training import MIN_BANDS, LabelledTable

_DRAWS = 50
"""Tries to draw sources of many bands before fewer are taken."""
MANY_BANDS = 8
"""As many bands as sources in catalogues of labels have, in all three surveys."""
_SURE = 1e-3
"""Relative error of the parallaxes of simulated rows: their distances are known; noise is added in training."""

ALL = "all"


def add_simulated(table: LabelledTable, rows: Mapping[str, int], seed: int = 0) -> LabelledTable:
    """The table and simulated sources of some of its classes.

    `rows` gives the number of them for each class; the one of ALL stands for every class that is not named and can be
    simulated (young stars without a disc too, where the table has young stars). See `sedsql.simulate`.
    """
    if not rows:
        return table
    possible = [
        name
        for name in POPULATIONS
        if name in table.labels or (name == DISCLESS and "yso" in table.labels and ALL in rows)
    ]
    wanted = dict.fromkeys(possible, rows[ALL]) if ALL in rows else {}
    wanted |= {name: n for name, n in rows.items() if name != ALL}
    parts = [table]
    for label, n in wanted.items():
        if label not in possible:
            raise TableError(
                f"Sources of class {label!r} cannot be simulated for this table; {', '.join(possible)} can."
            )
        rng = np.random.default_rng([seed, len(parts)])
        magnitudes, distance_pc = _drawn(label, n, rng)
        magnitudes[:, [column not in table.columns for column in COLUMNS]] = np.nan
        parallax = np.nan_to_num(1000 / distance_pc, nan=0.0)
        some = LabelledTable(
            magnitudes=magnitudes,
            limits=np.zeros(magnitudes.shape, bool),
            parallax=np.stack([parallax, _SURE * parallax], 1).astype(np.float32),
            labels=np.full(len(magnitudes), label),
            cells=rng.integers(1 << 30, 1 << 31, len(magnitudes)),
            origins=np.full(len(magnitudes), "simulated"),
            contradicted=np.zeros(len(magnitudes), bool),
            simulated=np.ones(len(magnitudes), bool),
            rows=np.zeros(len(magnitudes), np.int64),
            about={},
        )
        parts.append(some[np.isfinite(magnitudes).sum(axis=1) >= MIN_BANDS])
    arrays = [name for name, value in vars(table).items() if isinstance(value, np.ndarray)]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return LabelledTable(**joined, about={**table.about, "simulated_rows": dict(rows)})


def _drawn(label: str, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Magnitudes, shape (n, 10), and distances in pc, NaN beyond the Galaxy, of simulated sources.

    Half are as Gaia sees the class on the sky; half have MANY_BANDS, as sources in catalogues do: of a
    thousand white dwarfs that Gaia sees, three have so many.
    """
    sky = natural({label: n - n // 2}, rng).sample
    magnitudes, distances = [sky.magnitudes], [sky.distance_pc]
    wanted = n // 2
    for _ in range(_DRAWS):
        if not wanted:
            break
        sample = simulate(label, max(n, 1000), rng)
        many = np.flatnonzero(np.isfinite(sample.magnitudes).sum(axis=1) >= MANY_BANDS)[:wanted]
        magnitudes.append(sample.magnitudes[many])
        distances.append(sample.distance_pc[many])
        wanted -= len(many)
    return np.concatenate(magnitudes).astype(np.float32), np.concatenate(distances)
