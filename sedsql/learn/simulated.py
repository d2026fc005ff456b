"""Add simulated sources to a labelled table, of kinds that are common on the sky and rare in catalogues of labels."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sedsql.files import TableError
from sedsql.learn.augment import DISCLESS
from sedsql.learn.training import MIN_BANDS, LabelledTable
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import POPULATIONS, simulate
from sedsql.simulate.census import natural

_DRAWS = 50
"""The number of attempts to draw sources with many bands, before sources with fewer are accepted."""
MANY_BANDS = 8
"""The number of bands that sources in catalogues of labels usually have, in all three surveys."""
_SURE = 1e-3
"""The relative error of the parallaxes of simulated rows: their distances are known, and training adds noise."""

ALL = "all"


def add_simulated(table: LabelledTable, rows: Mapping[str, int], seed: int = 0) -> LabelledTable:
    """Return the table with simulated sources of some of its classes added.

    `rows` gives their number for each class; the number for ALL holds for every class that is not named and can be
    simulated (including young stars without a disc, where the table has young stars). See `sedsql.simulate`.
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
            positions=np.full((len(magnitudes), 2), np.nan, np.float32),
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
    return replace(table, about={**table.about, "simulated_rows": dict(rows)}, **joined)  # type: ignore[arg-type]


def _drawn(label: str, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Draw magnitudes, shape (n, 10), and distances in pc, NaN beyond the Galaxy, of simulated sources.

    Half are as Gaia sees the class on the sky. Half have MANY_BANDS, as sources in catalogues do: of a thousand white
    dwarfs that Gaia sees, only three have as many.
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
