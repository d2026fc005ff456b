"""Explain the class of one source of a table."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from sedsql import files
from sedsql.files import TableError
from sedsql.inference import answers, explain
from sedsql.inference.model import Model
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS

Neighbours = Callable[[np.ndarray], list]
"""Gives the labelled sources nearest to magnitudes of shape (10,), as named tuples."""


def explain_source(
    source: Path,
    row: int,
    model: Model,
    options: files.ReadOptions | None = None,
    neighbours: Neighbours | None = None,
) -> dict[str, Any]:
    """Explain the class of row `row` of a table in a file, from 1."""
    table = files.read_table(source)
    if row > len(table):
        raise TableError(f"{source.name} has {len(table):,} rows; there is no row {row:,}.")
    return explain_row(table[row - 1 : row], model, options, neighbours, row)


def explain_row(
    table: Table,
    model: Model,
    options: files.ReadOptions | None = None,
    neighbours: Neighbours | None = None,
    row: int = 1,
) -> dict[str, Any]:
    """Predict the class of the one source of a table, and tell what each band adds to its probability.

    row : its number, for messages
    """
    table = files.with_positions(table)
    columns = files.Inputs.find(table, options)
    columns.require(model.min_bands, model.bands, model.name)
    inputs = columns.read(1, table.__getitem__, model.extra, row)
    session = Session(model)
    prediction = session.predict(inputs)
    contributions = explain.explanations(session, inputs).to_pylist()[0] or []
    found: dict[str, Any] = {
        "prediction": answers.struct(model, prediction).to_pylist()[0],
        "contributions": {one["band"]: one["contribution"] for one in contributions},
        "mapping": list(_values(columns, model)),
        "notes": list(columns.notes([*model.bands, *model.extra])),
    }
    if model.card.conformal and contributions:
        found["set"] = answers.sets(model, prediction.probabilities, answers.SET_LEVEL).to_pylist()[0]
    if neighbours:
        found["neighbours"] = [neighbour._asdict() for neighbour in neighbours(inputs[0, : len(COLUMNS)])]
    return found


def _values(columns: files.Inputs, model: Model) -> Iterator[dict[str, Any]]:
    """Give the columns that were taken, and the source's values."""
    for one in columns.mapping([*model.bands, *model.extra]):
        yield {
            "name": one["name"],
            "column": one["column"],
            "unit": one["unit"],
            "value": one["range"][0] if one["range"] else None,
        }
