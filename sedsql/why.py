"""Why one source of a table has its class."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import tables
from .bands import COLUMNS
from .inference import answers, explain
from .inference.model import Model
from .inference.session import Session
from .tables import TableError

SET_LEVEL = 0.95


def why(
    source: Path,
    row: int,
    model: Model,
    column_map: Mapping[str, str] | None = None,
    neighbours: Callable[[np.ndarray], list] | None = None,
    *,
    sentinels: bool = False,
) -> dict[str, Any]:
    """The prediction for row `row` of a table, from 1, and what each band adds to the probability of its class.

    `column_map` is that of `tables.Inputs.find`. With `sentinels` magnitudes such as -999 are missing. `neighbours`
    gives the labelled sources nearest to magnitudes of shape (10,), as named tuples.
    """
    table = tables.read_table(source)
    if row > len(table):
        raise TableError(f"{source.name} has {len(table):,} rows; there is no row {row:,}.")
    one = table[row - 1 : row]
    inputs = tables.Inputs.find(table, column_map).read(1, one.__getitem__, model.extra, row)
    if sentinels:
        tables.Sentinels().erase(inputs[:, : len(COLUMNS)])
    session = Session(model)
    prediction = session.predict(inputs)
    contributions = explain.explanations(session, inputs).to_pylist()[0] or []
    found: dict[str, Any] = {
        "prediction": answers.struct(model, prediction).to_pylist()[0],
        "contributions": {one["band"]: one["contribution"] for one in contributions},
    }
    if "conformal" in model.card and contributions:
        found["set"] = answers.sets(model, prediction.probabilities, SET_LEVEL).to_pylist()[0]
    if neighbours:
        found["neighbours"] = [neighbour._asdict() for neighbour in neighbours(inputs[0, : len(COLUMNS)])]
    return found
