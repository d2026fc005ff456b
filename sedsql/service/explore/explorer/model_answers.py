"""Ask a model all that it says of one source, in one query of DuckDB's: the numbers are those that ADQL gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from sedsql.inference.answers import SET_LEVEL
from sedsql.inference.model import Model
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import HALF
from sedsql.sql_text import literal


class ModelAnswers:
    """A model that is asked about one source after another."""

    def __init__(self, con: duckdb.DuckDBPyConnection, model: Model):
        self._con, self._model = con, model
        name = literal(model.name)
        row = ", ".join([*(f'm."{one}"' for one in (*COLUMNS, *model.extra)), name])
        engine = self._con.execute(f"SELECT sed_engine({name})").fetchall()[0][0]
        # Plain SQL would ask the model a thousand times.
        why = "NULL" if engine == "sql" else f"sed_explain({row})"
        classes = f"sed_set_of(a.probabilities, {SET_LEVEL}, {name})" if model.card.conformal else "NULL"
        inputs = ", ".join(f'${k}::DOUBLE AS "{one}"' for k, one in enumerate((*COLUMNS, *model.extra), 1))
        # OFFSET 0 has DuckDB compute the answer once, and not for each use of it.
        self._query = f"""
            SELECT a.prediction, a.probabilities, sed_branch_of(a.probabilities, {HALF}, {name}), {classes}, why
            FROM (SELECT sed_answer({row}) AS a, {why} AS why FROM (SELECT {inputs}) AS m OFFSET 0)
        """

    def tell(self, magnitudes: NDArray[np.float64], extra: Mapping[str, float | None]) -> dict[str, Any]:
        """Tell the class of a source and why.

        magnitudes : shape (10,), NaN = missing
        extra : what the model may take besides, by its name; what is not there is missing
        """
        given = [None if math.isnan(value) else float(value) for value in magnitudes]
        given += [extra.get(name) for name in self._model.extra]
        (row,) = self._con.execute(self._query, given).fetchall()
        prediction, probabilities, branch, classes, why = row
        label = prediction["class"]
        return {
            "model": self._model.name,
            "bands_needed": self._model.min_bands,
            "class": label,
            "probability": prediction["probability"],
            "path": prediction["path"],
            "node": label and {"name": branch["node"], "probability": branch["probability"], "path": branch["path"]},
            "probabilities": label and dict(zip(self._model.classes, probabilities, strict=True)),
            "set95": label and classes,
            "outlier": prediction["outlier"],
            "contributions": label and why and {one["band"]: one["contribution"] for one in why},
        }
