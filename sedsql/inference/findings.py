"""Count what a model found in a table that comes in pieces, and keep some of its rows for pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sedsql.inference.class_query import Classes
from sedsql.inference.model import Model
from sedsql.inference.reservoir import Reservoir
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.photometry.classes import ROOT

LOW = 0.7
"""A probability below it is a low one: three of ten such classes are wrong, or more."""

OUTLIER = 0.99
"""Of the training sources, one in a hundred is so unusual."""

SAMPLE, OF_A_CLASS, EXAMPLES = 20_000, 300, 6
"""Rows that are kept at most: of the whole table, of each class, and of the most unusual and the least certain."""

_SETS = 8
"""Sets of bands that are told."""


class Findings:
    """What was found so far.

    Attributes
    ----------
    counts : rows by class; None is the class of sources with too few bands
    expected : the sum of the probabilities of each class: how many of its rows are to be right
    low : rows of each class whose probability is below LOW
    numbers : with `whole`, the sum over all rows of the probability of each class: how many sources it has
    outliers : with `whole`, rows more unusual than OUTLIER; None where the model does not tell
    sample : of all rows, if they are kept
    of_class : of the rows of each class
    unusual, unsure : the most unusual rows, and the least certain
    """

    def __init__(self, model: Model, *, whole: bool = False):
        self.counts: Counter[str | None] = Counter()
        self.expected: Counter[str] = Counter()
        self.low: Counter[str] = Counter()
        self.numbers = np.zeros(len(model.classes))
        self.outliers: int | None = None
        self.sample = Reservoir(SAMPLE)
        self.of_class: dict[str, Reservoir] = {}
        self.unusual, self.unsure = Reservoir(EXAMPLES), Reservoir(EXAMPLES)
        self.whole, self._model, self._rows = whole, model, 0
        self._sets = np.zeros(1 << len(BANDS), np.int64)
        self._random = np.random.default_rng(0)

    def add(self, inputs: NDArray[np.float32], classes: Classes) -> None:
        """Count the next rows: magnitudes, parallax, its error and position, shape (n, 14), and their classes."""
        sure = pc.greater_equal(classes.probability, LOW)
        groups = pa.table([classes.label, classes.probability, sure], ["label", "p", "sure"]).group_by("label")
        for row in groups.aggregate([([], "count_all"), ("p", "sum"), ("sure", "sum")]).to_pylist():
            self.counts[row["label"]] += row["count_all"]
            if row["label"] is not None:
                self.expected[row["label"]] += row["p_sum"]
                self.low[row["label"]] += row["count_all"] - row["sure_sum"]
        there = np.isfinite(inputs[:, : len(BANDS)])
        self._sets += np.bincount(there @ (1 << np.arange(len(BANDS))), minlength=len(self._sets))
        if self.whole:
            self._keep(inputs, classes)
        self._rows += len(inputs)

    def _keep(self, inputs: NDArray[np.float32], classes: Classes) -> None:
        assert classes.probabilities is not None
        self.numbers += np.nansum(classes.probabilities, axis=0)
        outlier = np.full(len(inputs), np.nan)
        if classes.outlier is not None:
            outlier = classes.outlier.to_numpy(zero_copy_only=False).astype(float)
            self.outliers = (self.outliers or 0) + int((outlier > OUTLIER).sum())
        label = np.array(classes.label.fill_null("").to_pylist(), object)
        probability = classes.probability.to_numpy(zero_copy_only=False).astype(float)
        columns = {
            "row": np.arange(self._rows + 1, self._rows + 1 + len(inputs)),
            "inputs": inputs,
            "label": label,
            "probability": probability,
            "outlier": outlier,
        }
        keys = self._random.random(len(inputs))
        self.sample.add(keys, columns)
        for name in set(label.tolist()) - {""}:
            self.of_class.setdefault(name, Reservoir(OF_A_CLASS)).add(np.where(label == name, keys, np.nan), columns)
        self.unusual.add(np.where(outlier > OUTLIER, -outlier, np.nan), columns)
        self.unsure.add(np.where(probability < LOW, probability, np.nan), columns)

    @property
    def rows(self) -> int:
        return self._rows

    def bands(self) -> dict[str, int]:
        """The rows that have each band."""
        places = np.arange(len(self._sets))
        return {band: int(self._sets[(places >> k & 1).astype(bool)].sum()) for k, band in enumerate(COLUMNS)}

    def sets_of_bands(self) -> list[tuple[list[str], int]]:
        """The most frequent sets of bands, and the rows that have each."""
        order = np.argsort(-self._sets, kind="stable")[:_SETS]
        return [
            ([band for k, band in enumerate(COLUMNS) if place >> k & 1], int(self._sets[place]))
            for place in order.tolist()
            if self._sets[place]
        ]

    def by_class(self) -> list[dict[str, Any]]:
        """Rows of each class, how many are expected to be right, and how many have a low probability.

        Of rows without a class, and of the root of the tree, which every source is, the rows alone are told.
        """
        return [self._of_class(name, rows) for name, rows in sorted(self.counts.items(), key=lambda item: -item[1])]

    def _of_class(self, name: str | None, rows: int) -> dict[str, Any]:
        if name is None or (name == ROOT and self._model.card.parents):
            return {"class": name, "rows": rows, "expected_right": None, "purity": None, "low_probability": None}
        return {
            "class": name,
            "rows": rows,
            "expected_right": round(self.expected[name], 2),
            "purity": round(self.expected[name] / rows, 4),
            "low_probability": self.low[name],
        }

    def expected_numbers(self) -> Mapping[str, float]:
        """How many sources of each class there are, by the probabilities of all rows."""
        return {name: round(float(n), 1) for name, n in zip(self._model.classes, self.numbers, strict=True)}

    def as_object(self) -> dict[str, Any]:
        """Describe it for JSON."""
        found: dict[str, Any] = {
            "rows": self._rows,
            "classes": self.by_class(),
            "low_probability_is_below": LOW,
            "bands": self.bands(),
            "sets_of_bands": [{"bands": bands, "rows": rows} for bands, rows in self.sets_of_bands()],
        }
        if self.whole:
            found["expected_numbers"] = self.expected_numbers()
            found["outliers"] = self.outliers
            found["outlier_is_above"] = OUTLIER
            found["unusual_rows"] = [int(row) for row in self.unusual.columns.get("row", ())]
            found["least_certain_rows"] = [int(row) for row in self.unsure.columns.get("row", ())]
        return found
