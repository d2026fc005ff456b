"""From a comparison of what a model says to a cheap condition that every such row meets.

The C extension can ask the trees of two classes alone which of them is ahead, and most rows cannot be of the class that
is asked for. The other engines have no part of a model, so they get conditions on bands. A model's folder may have
`bounds.json` (`boundsfile.py`): for sources with certain bands, a tree of boxes of colours, each with the lead that
each class can have there at most. It is the least of its scores' differences from the other classes, over the
temperature, so that a class with the lead d has a probability of at most 1 / (1 + exp(-d)). Rows in boxes where the
comparison cannot hold are left out; all others, and all with other bands, are kept.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..bands import COLUMNS
from ..sqltext import literal
from .boundsfile import read_bounds
from .macros import as_float
from .model import Model

Possible = Callable[[list[float]], bool]
"""From the leads of the classes in a box to whether a comparison can hold there."""

SANE = "1e9"
"""Magnitudes beyond this, of either sign, are left to the model: differences of such may be infinite."""
RIVALS = ("main_sequence", "giant")
"""The classes that most sources of a survey have: asked first whether they are ahead, they leave an eighth of them."""
NODE_NS = {"native": 0.012, "onnx": 0.9, "sql": 10.0}
"""What a node of a model's trees costs for a row, in ns, by engine."""
COMPARISON_NS = 0.8
"""What a comparison of a condition does. Most rows are told apart by a few, so it is not much."""
LEAST_EACH, LEAST_ALL = 0.002, 0.05
"""Least share of sources that a comparison has to exclude, and a condition; each costs in planning too, 0.1 ms."""
LEAST_SAVED_NS = 200.0
"""What a condition has to save for a row: to pick rows out costs nearly as much."""
PLANNING_NS = 3e7
"""And for all rows: DuckDB plans a query with a condition longer by nearly as much."""
REGION = 1e-3
"""The part of a table that a region has, for want of anything better."""
ROUNDING = 1e-4
"""More than what float32 may add to a probability or take from it."""


class Known(Protocol):
    """SQL of magnitudes that are NULL, and of those that are not, in all rows that count; and if a region has them."""

    @property
    def null(self) -> frozenset[str]: ...
    @property
    def there(self) -> frozenset[str]: ...
    @property
    def region(self) -> bool: ...


@dataclass(frozen=True)
class _Nothing:
    null: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    region: bool = False


NOTHING: Known = _Nothing()


@dataclass(frozen=True)
class Bounds:
    """What makes conditions of comparisons, for the models of a connection.

    models : by name
    default : the model that answers when none is named
    engines : which engine runs each of them
    rows : of the largest table, if it is known
    """

    models: Mapping[str, Model]
    default: str
    engines: Mapping[str, str]
    rows: float = math.inf

    def engine(self, model: str) -> str | None:
        """Which engine runs the model of this name, in SQL; None where it is no constant, or no model."""
        found = self._named(model)
        return self.engines[found.name] if found else None

    def _named(self, model: str) -> Model | None:
        name = self.default if model == "NULL" else _text(model)
        return self.models.get(name) if name else None

    def condition(
        self,
        operator: str,
        value: str | float,
        row: Sequence[str],
        extra: Sequence[str],
        label: str | None,
        model: str,
        known: Known = NOTHING,
    ) -> str | None:
        """SQL that is true for every row for which the comparison is; None where nothing is known.

        Parameters
        ----------
        operator, value : what is asked of the class, or of the probability of `label`
        row : SQL of the ten magnitudes, or the alias of a table that has them
        extra : SQL of what is given after them
        label, model : SQL of the function's arguments
        """
        found = self._named(model)
        if found is None:
            return None
        wanted = value if label is None else _text(label)
        if wanted not in found.classes:
            return None  # the model tells
        file = read_bounds(found)
        if not file:
            return None
        engine = self.engines[found.name]
        row_ns = file["nodes"] * NODE_NS[engine]
        if engine == "native":
            pays = self.rows * (REGION if known.region else 1) * row_ns / 2 >= PLANNING_NS
            return _ahead(found, operator, value, str(wanted), [*row, *extra], model) if pays else None
        place = found.classes.index(str(wanted))
        possible = _class(operator, place) if label is None else _probability(operator, value, place)
        if possible is None:
            return None
        row = row if len(row) > 1 else [f"{row[0]}.{column}" for column in COLUMNS]
        columns = {band: row[COLUMNS.index(band)] for band in found.bands}
        null = {band for band, column in columns.items() if column in (*known.null, "NULL")}
        there = {band for band, column in columns.items() if column in known.there}
        parts = [part for part in file["parts"] if not null & set(part["bands"]) and there <= set(part["bands"])]
        among = sum(part["share"] for part in parts) if {*columns.values()} & (known.null | known.there) else 1.0
        return _condition(
            parts,
            possible,
            _Row(columns, null),
            row_ns,
            among * max(LEAST_ALL, LEAST_SAVED_NS / row_ns, PLANNING_NS / (row_ns * max(self.rows, 1))),
        )


@dataclass(frozen=True)
class _Row:
    """What a condition asks of a row.

    columns : SQL of the magnitudes
    null : those that are known to be missing
    """

    columns: Mapping[str, str]
    null: set[str]

    def value(self, band: str) -> str:
        return as_float(self.columns[band])

    def are_missing(self, bands: Sequence[str]) -> list[str]:
        """Tests that bands are missing, as far as it is not known. NaN is not looked for: such rows are kept."""
        return [f"{self.value(band)} IS NULL" for band in bands if band not in self.null]

    def are_there(self, bands: Sequence[str]) -> list[str]:
        """Tests that bands are there, and sane."""
        return [f"{' + '.join(f'abs({self.value(band)})' for band in bands)} < {SANE}::FLOAT"] if bands else []


def _text(sql: str) -> str | None:
    """The string that SQL is, if it is one."""
    quoted = len(sql) > 1 and sql[0] == sql[-1] == "'" and "'" not in sql[1:-1].replace("''", "")
    return sql[1:-1].replace("''", "'") if quoted else None


def _ahead(
    found: Model, operator: str, value: str | float, wanted: str, inputs: Sequence[str], model: str
) -> str | None:
    """SQL of the lead of the wanted class over the commonest ones; None where it need not lead."""
    rivals = [rival for rival in RIVALS if rival in found.classes]
    least = _least_lead(operator, value)
    if least is None or wanted in rivals:
        return None
    asked = ", ".join([*inputs, literal(wanted)])
    return " AND ".join(f"sed_lead({asked}, {literal(rival)}, {model}) >= {least!r}" for rival in rivals)


def _least_lead(operator: str, value: str | float) -> float | None:
    """What a class leads others by, where it is the answer or its probability compares so; None where it need not."""
    if isinstance(value, str):
        return 0.0 if operator == "=" else None
    if operator not in ("=", ">", ">="):
        return None
    least = min(max(value - ROUNDING, 0.0), 1 - ROUNDING)
    return math.log(least / (1 - least)) if least > 0 else None


def _class(operator: str, place: int) -> Possible | None:
    if operator == "=":
        return lambda leads: leads[place] >= 0
    if operator == "<>":
        return lambda leads: any(lead >= 0 for k, lead in enumerate(leads) if k != place)
    return None


def _probability(operator: str, value: str | float, place: int) -> Possible | None:
    if isinstance(value, str):
        return None
    if operator in ("=", ">", ">="):
        return lambda leads: _most(leads[place]) >= value - ROUNDING
    if operator in ("<", "<="):
        # What the others cannot have is left to this one.
        return lambda leads: 1 - sum(_most(lead) for k, lead in enumerate(leads) if k != place) <= value + ROUNDING
    return None


def _most(lead: float) -> float:
    """The greatest probability of a class that leads by this."""
    return 1 / (1 + math.exp(-lead)) if lead > -700 else 0.0


def _condition(parts: list[dict], possible: Possible, row: _Row, row_ns: float, least: float) -> str | None:
    """Rows are told apart by the bands that are there first, then by their colours.

    row_ns : what the model takes for a row
    least : share of the sources that it has to exclude
    """
    useful, excluded = [], 0.0
    for part in parts:
        each = max(LEAST_EACH, COMPARISON_NS / (row_ns * part["share"]))
        tree, share, _ = _written(part["tree"], possible, [row.value(band) for band in part["bands"]], each)
        if tree != "true":
            useful.append((part["bands"], tree))
            excluded += share * part["share"]
    if not useful or excluded < least:
        return None
    always = [band for band in row.columns if all(band in bands for bands, _ in useful)]
    never = [band for band in row.columns if not any(band in bands for bands, _ in useful)]
    cases = []
    for bands, tree in useful:
        missing = row.are_missing([band for band in row.columns if band not in (*bands, *never)])
        there = row.are_there([band for band in bands if band not in always])
        cases.append(f"WHEN {' AND '.join([*missing, *there]) or 'true'} THEN {tree}")
    first = " AND ".join([*row.are_missing(never), *row.are_there(always)])
    return f"CASE WHEN {first} THEN CASE {' '.join(cases)} ELSE true END ELSE true END"


def _written(tree: list, possible: Possible, columns: list[str], least: float) -> tuple[str, float, int]:
    """The SQL of a tree, the share of sources that it excludes, and what it costs in comparisons.

    It is 'true' or 'false' where all of the tree is; branches that exclude less than `least` for each comparison
    are cut.
    """
    if not isinstance(tree[0], list):
        share, *leads = tree
        return ("true", 0, 0) if possible(leads) else ("false", share, 0)
    (i, j, value), *branches = tree
    (yes, a, m), (no, b, n) = (_written(branch, possible, columns, least) for branch in branches)
    colour = f"{columns[i]} - {columns[j]}"
    excluded, cost = a + b, m + n + 1
    if yes == no:
        return yes, excluded, 0
    if excluded < least * cost:
        return "true", 0, 0
    if (yes, no) in (("true", "false"), ("false", "true")):
        return f"{colour} {'<=' if yes == 'true' else '>'} {value}::FLOAT", excluded, cost
    return f"CASE WHEN {colour} <= {value}::FLOAT THEN {yes} ELSE {no} END", excluded, cost
