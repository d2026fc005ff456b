"""How many of a model's answers the absolute magnitude rules out, in a field of the sky without labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import tables
from ..classes import PARENTS, path
from ..inference.answers import branches
from ..inference.card import EXTRA, PARALLAX
from ..inference.model import Model
from ..inference.session import Session
from ..tables import TableError

SURE = 10.0
"""A parallax of more than so many times its error tells a luminosity to 0.2 mag."""

HALF = 0.5
"""The default answer is the deepest node of the tree of classes that is so probable."""

_NONE = (np.inf, -np.inf)
LIMITS: dict[str, tuple[float, float]] = {
    "agb_oxygen": (-np.inf, 3.0),
    "agb_carbon": (-np.inf, 3.0),
    "supergiant": (-np.inf, 3.0),
    "wolf_rayet": (-np.inf, 3.0),
    "giant": (-np.inf, 5.5),
    "massive": (-np.inf, 5.0),
    "white_dwarf": (7.0, np.inf),
    "brown_dwarf": (11.0, np.inf),
    "agn": _NONE,
}
"""The brightest and the faintest absolute G that a class can have, with some magnitudes of dust in front. Active nuclei
have no parallax; classes that are not here can be of any luminosity. Dust around a source may break the faint limits,
and youth the bright one of brown dwarfs: in a young or dusty field a few percent are no fault of a model's."""


@dataclass(frozen=True)
class Field:
    """Sources of a field.

    inputs : magnitudes, parallax, parallax_error, ra, dec, as `Session.predict` takes them, shape (n, 14)
    rows : how many rows the table has, of which `inputs` may be some
    """

    name: str
    inputs: NDArray[np.float32]
    rows: int

    @property
    def absolute_g(self) -> NDArray[np.floating]:
        """Absolute G with dust as it comes; NaN without G or where the parallax is at most SURE times its error."""
        g, parallax, error = self.inputs[:, [0, 10, 11]].astype(np.float64).T
        sure = parallax > SURE * error
        return np.where(sure, g + 5 * np.log10(np.where(sure, parallax, 1) / 100), np.nan)


def read_field(
    source: Path,
    band_map: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
    *,
    sentinels: bool = False,
) -> Field:
    """Read a table of sources with parallaxes; of its rows those in which each column of `where` has that value.

    With `sentinels` magnitudes such as -999 are missing.
    Raises TableError where parallaxes or their errors, or a column, are not there, and where no row has the values.
    """
    table = tables.read_table(source)
    chosen = np.ones(len(table), bool)
    for name, value in (where or {}).items():
        chosen &= _equals(source, table, name, value)
    if not chosen.any():
        said = " and ".join(f"{name}={value}" for name, value in (where or {}).items())
        raise TableError(f"No row of {source.name} has {said}." if said else f"{source.name} has no rows.")
    inputs = tables.magnitudes(len(table), table.__getitem__, tables.find_bands(table.colnames, band_map))
    if sentinels:
        tables.Sentinels().erase(inputs)
    further = tables.further(table, EXTRA).astype(np.float32)
    for name, column in zip(PARALLAX, further.T, strict=False):
        if not np.isfinite(column).any():
            raise TableError(
                f"{source.name} has no {name}: without labels it is parallaxes with errors that tell what a source "
                "cannot be; with labels, name their column with --label."
            )
    return Field(source.name, np.hstack([inputs, further])[chosen], len(table))


def _equals(source: Path, table, name: str, value: str) -> NDArray[np.bool_]:
    column = tables.find_column(table.colnames, (name,))
    if column is None:
        raise TableError(f"{source.name} has no column {name!r} (--where {name}={value}); it has "
                         f"{', '.join(table.colnames)}.")  # fmt: skip
    values = np.ma.asarray(table[column])
    if values.dtype.kind not in "iuf":
        return np.ma.filled(values.astype(str), "") == value
    try:
        number = float(value)
    except ValueError:
        raise TableError(f"Column {column} of {source.name} holds numbers, not {value!r}.") from None
    return np.ma.filled(values.astype(float), np.nan) == number


def ruled_out(model: Model, field: Field) -> dict:
    """Of a model's answers for sources whose luminosity is known, those that it rules out: by class, and together.

    Once for the most probable class, once for the default answer, which may be a branch: a branch is ruled out where
    each of the model's classes in it is.
    """
    m_g = field.absolute_g
    tested = np.isfinite(m_g)
    prediction = Session(model, threads=0).predict(field.inputs[tested])
    answered = prediction.class_index >= 0
    m_g = m_g[tested][answered]
    probabilities = prediction.probabilities[answered]
    leaves = np.array(model.classes)[prediction.class_index[answered]]
    nodes = np.array(branches(model, probabilities, HALF).field("node").to_pylist(), dtype=np.str_)
    return {
        "field": {
            "table": field.name,
            "rows": field.rows,
            "rows_asked_for": len(field.inputs),
            "rows_with_a_sure_parallax": int(tested.sum()),
            "rows_answered": int(answered.sum()),
        },
        "limits": {name: _said(limits) for name, limits in LIMITS.items() if name in model.classes},
        "class": _counts(leaves, impossible(model, leaves, m_g)),
        "default_answer": _counts(nodes, impossible(model, nodes, m_g)),
    }


def impossible(model: Model, nodes: NDArray[np.str_], m_g: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether absolute G rules out what sources are said to be, classes or branches of a model's tree, shape (n,)."""
    result = np.zeros(len(nodes), bool)
    parents = {**PARENTS, **model.card.get("parents", {})}
    for node in np.unique(nodes):
        mine = nodes == node
        inside = [label for label in model.classes if node in path(label, parents)]
        out = [(m_g[mine] < LIMITS[label][0]) | (m_g[mine] > LIMITS[label][1]) for label in inside if label in LIMITS]
        if inside and len(out) == len(inside):  # a class that can be anything makes its branch possible
            result[mine] = np.logical_and.reduce(out)
    return result


def _counts(nodes: NDArray[np.str_], out: NDArray[np.bool_]) -> dict:
    names, places = np.unique(nodes, return_inverse=True)
    found, wrong = np.bincount(places, minlength=len(names)), np.bincount(places, out, len(names)).astype(int)
    per_class = {
        str(names[k]): {"found": int(found[k]), "ruled_out": int(wrong[k]), "share": round(wrong[k] / found[k], 6)}
        for k in np.argsort(-found, kind="stable")
    }
    return {
        "found": len(nodes),
        "ruled_out": int(out.sum()),
        "share": round(float(out.mean()), 6) if len(out) else None,
        "per_class": per_class,
    }


def _said(limits: tuple[float, float]) -> str:
    brightest, faintest = limits
    if limits == _NONE:
        return "never, with such a parallax"
    return f"M_G < {faintest:g}" if np.isinf(brightest) else f"M_G > {brightest:g}"
