"""Derive a cheap necessary condition from a comparison on a model's output.

The C extension can ask the trees of two classes alone for the log-odds between them, and for most rows they exclude the
class that is asked for. The other engines cannot run a part of a model, so they get conditions on bands. A model's
folder may have `bounds.json` (`bounds_file.py`): for sources with certain bands, a tree of boxes of colours, each with
the greatest log-odds of each class there. They are the least of its scores' differences from the other classes, over
the temperature, so that a class with log-odds d has a probability of at most 1 / (1 + exp(-d)). Rows in boxes where the
comparison cannot hold are left out; all others, and all with other bands, are kept.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sedsql.adql.tree.model_function import Comparison
from sedsql.inference.bounds_file import BandSet, BoundsFile, Tree
from sedsql.inference.macros import as_float
from sedsql.inference.model import Model
from sedsql.photometry.bands import COLUMNS
from sedsql.sql_text import literal

Possible = Callable[[Sequence[float]], bool]
"""From the greatest log-odds of the classes in a box to whether a comparison can hold there."""

SANE = "1e9"
"""Magnitudes beyond this, of either sign, are left to the model: differences of such may be infinite."""
REFERENCE_CLASSES = ("main_sequence", "giant")
"""The classes of most sources in a survey: only an eighth of all sources have log-odds of 0 or more against both."""
NODE_NS = {"native": 0.012, "onnx": 0.9, "sql": 10.0}
"""What a node of a model's trees costs for a row, in ns, by engine."""
COMPARISON_NS = 0.8
"""What a comparison of a condition costs for a row. Most rows are told apart by a few, so it is not much."""
LEAST_EACH, LEAST_ALL = 0.002, 0.05
"""Least share of sources that a comparison has to exclude, and a condition; each costs in planning too, 0.1 ms."""
LEAST_SAVED_NS = 200.0
"""What a condition has to save for a row: to pick rows out costs nearly as much."""
PLANNING_NS = 3e7
"""What it has to save for all rows: DuckDB plans a query with a condition longer by nearly as much."""
REGION = 1e-3
"""The part of a table that is taken to lie in a region of the sky: nothing better is known."""
ROUNDING = 1e-4
"""More than what float32 may add to a probability or take from it."""


@dataclass(frozen=True)
class Row:
    """A row that a model is asked for.

    Attributes
    ----------
    inputs : SQL of what stands for it in a call: its alias or ten magnitudes, and what is given after them
    columns : SQL of the magnitudes, by band
    null, there : bands that are known to be NULL, and known not to be
    in_region : whether all rows lie in a region of the sky
    model : SQL of the model's name
    """

    inputs: Sequence[str]
    columns: Mapping[str, str]
    null: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    in_region: bool = False
    model: str = "NULL"

    @classmethod
    def of(cls, inputs: Sequence[str], model: str = "NULL", **known) -> "Row":
        """Make a row from the SQL of `inputs` and `model`, and what is known of it."""
        named = inputs if len(inputs) >= len(COLUMNS) else [f"{inputs[0]}.{column}" for column in COLUMNS]
        return cls(inputs, dict(zip(COLUMNS, named, strict=False)), model=model, **known)

    def value(self, band: str) -> str:
        return as_float(self.columns[band])

    def are_missing(self, bands: Sequence[str]) -> list[str]:
        """Test that bands are missing, as far as it is not known. NaN is not looked for: such rows are kept."""
        return [f"{self.value(band)} IS NULL" for band in bands if band not in self.null]

    def are_there(self, bands: Sequence[str]) -> list[str]:
        """Test that bands are there, and sane."""
        return [f"{' + '.join(f'abs({self.value(band)})' for band in bands)} < {SANE}::FLOAT"] if bands else []


@dataclass(frozen=True)
class Bounds:
    """Make conditions of comparisons, for the models of a connection.

    Attributes
    ----------
    models : by name
    default : the model that answers when none is named
    engines : which engine runs each of them
    rows : of the largest table, if it is known
    """

    models: Mapping[str, Model]
    default: str
    engines: Mapping[str, str]
    rows: float = math.inf

    def engine(self, model: str | None) -> str | None:
        """Name the engine that runs a model; None where there is no such model."""
        return self.engines[model] if model is not None and model in self.models else None

    def condition(self, comparison: Comparison, label: str | None, model: str | None, row: Row) -> str | None:
        """Write SQL that is true for every row for which the comparison is; None where none is known, or none pays.

        Parameters
        ----------
        comparison : of the class, or of the probability of `label`
        model : its name
        """
        found = self.models.get(model) if model is not None else None
        wanted = comparison.value if label is None else label
        if found is None or wanted not in found.classes:  # the model itself tells what is wrong
            return None
        file = BoundsFile.read(found)
        if file is None:
            return None
        engine = self.engines[found.name]
        row_ns = file.nodes * NODE_NS[engine]
        if engine == "native":
            pays = self.rows * (REGION if row.in_region else 1) * row_ns / 2 >= PLANNING_NS
            return _log_odds_condition(found, comparison, str(wanted), row) if pays else None
        possible = _possible(comparison, label, found.classes.index(str(wanted)))
        return self._box_condition(found, file, possible, row, row_ns) if possible else None

    def _box_condition(self, model: Model, file: BoundsFile, possible: Possible, row: Row, row_ns: float) -> str | None:
        """Write the condition on boxes of colours, for the sets of bands that rows may have."""
        sets = [one for one in file.parts if not row.null & {*one.bands} and row.there & {*model.bands} <= {*one.bands}]
        among = sum(one.share for one in sets) if (row.null | row.there) & {*model.bands} else 1.0
        least = max(LEAST_ALL, LEAST_SAVED_NS / row_ns, PLANNING_NS / (row_ns * max(self.rows, 1)))
        useful = list(_useful(sets, possible, row, row_ns))
        if not useful or sum(one.excluded for one in useful) < among * least:
            return None
        return _cases(useful, model.bands, row)


def _log_odds_condition(model: Model, comparison: Comparison, wanted: str, row: Row) -> str | None:
    """Write the condition on log-odds of the wanted class against the commonest ones; None where there is none."""
    references = [label for label in REFERENCE_CLASSES if label in model.classes]
    least = _least_log_odds(comparison)
    if least is None or wanted in references:
        return None
    asked = ", ".join([*row.inputs, literal(wanted)])
    return " AND ".join(f"sed_log_odds({asked}, {literal(label)}, {row.model}) >= {least!r}" for label in references)


def _least_log_odds(comparison: Comparison) -> float | None:
    """Find the least log-odds of a class where the comparison holds; None where that says nothing."""
    operator, value = comparison
    if isinstance(value, str):
        return 0.0 if operator == "=" else None
    if operator not in ("=", ">", ">="):
        return None
    least = min(max(value - ROUNDING, 0.0), 1 - ROUNDING)
    return math.log(least / (1 - least)) if least > 0 else None


def _possible(comparison: Comparison, label: str | None, place: int) -> Possible | None:
    """Make the test of a box: can the comparison hold there? None where that is not known."""
    operator, value = comparison
    if label is None:
        if operator == "=":
            return lambda log_odds: log_odds[place] >= 0
        if operator == "<>":
            return lambda log_odds: any(most >= 0 for k, most in enumerate(log_odds) if k != place)
        return None
    if isinstance(value, str):
        return None
    if operator in ("=", ">", ">="):
        return lambda log_odds: _most(log_odds[place]) >= value - ROUNDING
    if operator in ("<", "<="):
        # What the others cannot have is left to this one.
        return lambda log_odds: 1 - sum(_most(d) for k, d in enumerate(log_odds) if k != place) <= value + ROUNDING
    return None


def _most(log_odds: float) -> float:
    """Compute the greatest probability of a class with these log-odds."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0


class _Test(NamedTuple):
    """What rows with certain bands have to meet, as SQL, and the share of all sources that it excludes."""

    bands: tuple[str, ...]
    sql: str
    excluded: float


def _useful(sets: Sequence[BandSet], possible: Possible, row: Row, row_ns: float) -> Iterator[_Test]:
    """Write the tests of those sets of bands for which a test excludes sources."""
    for one in sets:
        least = max(LEAST_EACH, COMPARISON_NS / (row_ns * one.share))
        sql, excluded, _ = _branch(one.tree, possible, [row.value(band) for band in one.bands], least)
        if sql != "true":
            yield _Test(one.bands, sql, excluded * one.share)


def _cases(tests: Sequence[_Test], bands: Sequence[str], row: Row) -> str:
    """Tell rows apart by the bands that are there first, then by their colours."""
    always = [band for band in bands if all(band in test.bands for test in tests)]
    never = [band for band in bands if not any(band in test.bands for test in tests)]
    cases = []
    for test in tests:
        missing = row.are_missing([band for band in bands if band not in (*test.bands, *never)])
        there = row.are_there([band for band in test.bands if band not in always])
        cases.append(f"WHEN {' AND '.join([*missing, *there]) or 'true'} THEN {test.sql}")
    first = " AND ".join([*row.are_missing(never), *row.are_there(always)])
    return f"CASE WHEN {first} THEN CASE {' '.join(cases)} ELSE true END ELSE true END"


_Branch = tuple[str, float, int]
"""The SQL of a tree of boxes, the share of sources that it excludes, and what it costs in comparisons."""


def _branch(tree: Tree, possible: Possible, columns: Sequence[str], least: float) -> _Branch:
    """Write a tree as SQL: 'true' or 'false' where all of it is.

    Branches that exclude less than the share `least` of sources for each comparison are cut.
    """
    if not isinstance(tree[0], list):
        share, *log_odds = tree
        return ("true", 0, 0) if possible(log_odds) else ("false", share, 0)
    (i, j, value), below, above = tree
    yes, excluded_below, cost_below = _branch(below, possible, columns, least)
    no, excluded_above, cost_above = _branch(above, possible, columns, least)
    excluded, cost = excluded_below + excluded_above, cost_below + cost_above + 1
    if yes == no:
        return yes, excluded, 0
    if excluded < least * cost:
        return "true", 0, 0
    colour = f"{columns[i]} - {columns[j]}"
    if (yes, no) in (("true", "false"), ("false", "true")):
        return f"{colour} {'<=' if yes == 'true' else '>'} {value}::FLOAT", excluded, cost
    return f"CASE WHEN {colour} <= {value}::FLOAT THEN {yes} ELSE {no} END", excluded, cost
