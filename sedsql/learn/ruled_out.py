"""Count the answers of a model that absolute magnitudes rule out, for sources without labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sedsql import files
from sedsql.files import TableError
from sedsql.inference.answers import branches
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.model import Model
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import HALF, PARENTS, path

SURE = 10.0
"""A parallax of more than this many times its error gives a luminosity to 0.2 mag."""

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
have no parallax; classes that are not listed can have any luminosity. Sources in dust may be fainter than these limits,
and young brown dwarfs brighter, so in a young or dusty field a few percent are not the model's mistakes."""


@dataclass(frozen=True)
class Field:
    """Sources of a field.

    inputs : magnitudes, parallax, parallax_error, ra, dec, as `Session.predict` takes them, shape (n, 14)
    rows : the number of rows of the whole table, of which `inputs` may be a part
    mapping, notes : which columns were taken, and what to tell of it
    """

    name: str
    inputs: NDArray[np.float32]
    rows: int
    mapping: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def absolute_g(self) -> NDArray[np.floating]:
        """Return absolute G, not corrected for dust; NaN without G or where parallax <= SURE times its error."""
        g, parallax, error = self.inputs[:, [0, 10, 11]].astype(np.float64).T
        sure = parallax > SURE * error
        return np.where(sure, g + 5 * np.log10(np.where(sure, parallax, 1) / 100), np.nan)


def read_field(source: Path, options: files.ReadOptions | None = None, where: Mapping[str, str] | None = None) -> Field:
    """Read the rows of a table in which each column of `where` has that value; the table must have parallaxes.

    Raises TableError where parallaxes, their errors or a column are missing, and where no row has the values.
    """
    table = files.read_table(source)
    chosen = np.ones(len(table), bool)
    for name, value in (where or {}).items():
        chosen &= _equals(source, table, name, value)
    if not chosen.any():
        said = " and ".join(f"{name}={value}" for name, value in (where or {}).items())
        raise TableError(f"No row of {source.name} has {said}." if said else f"{source.name} has no rows.")
    columns = files.Inputs.find(table, options)
    columns.require(1)
    inputs = np.ascontiguousarray(columns.read(len(table), table.__getitem__, EXTRA))
    for place, name in enumerate(PARALLAX, len(COLUMNS)):
        if not np.isfinite(inputs[:, place]).any():
            raise TableError(
                f"{source.name} has no {name}: without labels, parallaxes with errors are needed to tell what a source "
                "cannot be. If the table has labels, name their column with --label."
            )
    return Field(source.name, inputs[chosen], len(table), columns.mapping(), list(columns.notes()))


def _equals(source: Path, table, name: str, value: str) -> NDArray[np.bool_]:
    column = files.find_column(table.colnames, (name,))
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
    """Count a model's answers that a known luminosity rules out, in all and by class.

    The count is made for the most probable class and for the default answer, which may be a branch: a branch is ruled
    out where each of the model's classes in it is.
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
    """Tell which answers, classes or branches of a model's tree, absolute G rules out, shape (n,)."""
    result = np.zeros(len(nodes), bool)
    parents = {**PARENTS, **model.card.parents}
    for node in np.unique(nodes):
        mine = nodes == node
        inside = [label for label in model.classes if node in path(label, parents)]
        out = [(m_g[mine] < LIMITS[label][0]) | (m_g[mine] > LIMITS[label][1]) for label in inside if label in LIMITS]
        if inside and len(out) == len(inside):  # a class without limits makes its branch possible
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
