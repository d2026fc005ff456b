"""Read, check and write a model's card; docs/models.md explains its keys."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from sedsql.inference import json_checks as checks
from sedsql.inference.strict_json import parsed_object
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import ROOT

EXTRA = ("parallax", "parallax_error", "ra", "dec")
"""Inputs that a model may take after the bands: the first two, in mas, or all, the position being ICRS in degrees."""
PARALLAX, POSITION = EXTRA[:2], EXTRA[2:]

LARGEST, DEEPEST = 4 << 20, 64
"""Bytes of a card, and lists and objects within each other; the C extension's reader has the same limits."""
MOST_CLASSES, LONGEST_NAME, LONGEST_WAY = 1024, 127, 15
"""Classes of a model, bytes of its name, nodes from below the root to a class; limits of the C extension's too."""
QUANTILES = 101

FILE = "card.json"


@dataclass(frozen=True)
class Conformal:
    """From which probability on a class cannot be excluded: for each class, a threshold for each level."""

    levels: Sequence[float]
    thresholds: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Outlier:
    """The QUANTILES of the training rows' distances from the nearest of so many typical SEDs."""

    quantiles: Sequence[float]
    typical_seds: int | None = None


@dataclass(frozen=True)
class Prior:
    """The prior of the sky that a graph has.

    Attributes
    ----------
    table : the file that has it, in the model's folder
    strength : the power that it is raised to
    class_shares : what the training rows had instead
    corrections : added to its logarithm, so that counts are right
    first_tree : the first of the graph's trees that are made of it
    """

    table: str
    strength: float
    class_shares: Mapping[str, float]
    corrections: Mapping[str, float]
    first_tree: int


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model's folder says of the model.

    Attributes
    ----------
    name : with its version, e.g. 'shape-2'
    classes : the labels, in the order of the graph's probabilities
    parents : the branch that each class and branch hangs from
    bands : the columns that the graph takes, in order
    extra : what it takes after them: nothing, PARALLAX or EXTRA
    min_bands : a source with fewer of them gets no class
    sha256 : of the graph
    input, inputs, outputs, missing : names in the graph that are not sedsql's, and what stands for a missing band
    algorithm, training, metrics : how it was made, of what, and what it is worth
    further : what sedsql does not read
    """

    name: str
    classes: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)
    bands: tuple[str, ...]
    extra: tuple[str, ...] = ()
    min_bands: int
    sha256: str
    input: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    missing: float | None = None
    algorithm: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    conformal: Conformal | None = None
    outlier: Outlier | None = None
    prior: Prior | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    @lru_cache(32)
    def parsed(cls, data: bytes) -> "Card":
        """Read and check the bytes of a card; each connection reads those of all models, which are the same.

        Raises ValueError, half a sentence that goes on from the file's name: what is wrong with it.
        """
        written = parsed_object(data, DEEPEST)
        if wrong := _problem(written):
            raise ValueError(wrong)
        known = {key: written[key] for key in _FIELDS if key in written}
        for key in ("classes", "bands", "extra"):
            known[key] = tuple(written.get(key, ()))
        for key, kind in (("conformal", Conformal), ("outlier", Outlier), ("prior", Prior)):
            if key in written:
                known[key] = kind(**{one.name: written[key].get(one.name) for one in fields(kind)})
        return cls(**known, further={key: value for key, value in written.items() if key not in _FIELDS})

    def as_object(self) -> dict[str, Any]:
        """Give the object of JSON that the file holds; keys without a value are left out."""
        known = asdict(self)
        further = known.pop("further")
        return {key: _plain(value) for key, value in known.items() if value not in (None, (), {})} | further

    def write(self, folder: Path) -> None:
        """Write the file into a model's folder; ValueError for a card that `parsed` would refuse."""
        written = json.dumps(self.as_object(), indent=2).encode()
        try:
            self.parsed(written)
        except ValueError as error:
            raise ValueError(f"The card of model {self.name} {error}.") from None
        (folder / FILE).write_bytes(written + b"\n")


_FIELDS = {one.name for one in fields(Card)} - {"further"}


def _plain(value: Any) -> Any:
    """Turn a value of a card into one of JSON."""
    if isinstance(value, dict):
        return {key: one for key, one in value.items() if one is not None}
    return list(value) if isinstance(value, tuple) else value


_REQUIRED = {"name": str, "classes": list, "bands": list, "min_bands": int, "sha256": str}
_CHECKS = {
    "name": (checks.NAME,),
    "classes": (checks.LIST, checks.NAMES),
    "bands": (checks.LIST, checks.NAMES),
    "min_bands": (checks.COUNT,),
    "sha256": (checks.TEXT,),
    "extra": (checks.LIST, checks.NAMES),
    "parents": (checks.OBJECT, checks.NAME_EACH),
    "conformal": (checks.OBJECT,),
    "conformal.levels": (checks.NUMBERS,),
    "conformal.thresholds": (checks.Check("an object of lists of numbers", checks.object_of(checks.NUMBERS.holds)),),
    "outlier": (checks.OBJECT,),
    "outlier.quantiles": (checks.NUMBERS,),
    "input": (checks.TEXT,),
    "inputs": (checks.OBJECT, checks.NAME_EACH),
    "outputs": (checks.OBJECT, checks.NAME_EACH),
    "missing": (checks.NUMBER,),
    "algorithm": (checks.OBJECT,),
    "algorithm.recipe": (checks.TEXT,),
    "algorithm.seed": (checks.COUNT,),
    "algorithm.features": (checks.LIST, checks.NAMES),
    "algorithm.temperature": (checks.POSITIVE,),
    "training": (checks.OBJECT,),
    "training.files": (checks.TEXT_EACH,),
    "training.simulated_rows": (checks.COUNT_EACH,),
    "training.row_hashes": (checks.TEXT,),
    "metrics": (checks.OBJECT,),
    "metrics.all": (checks.OBJECT,),
    "metrics.all.macro_f1": (checks.NUMBER,),
    "metrics.all.calibration_error": (checks.NUMBER,),
    "prior": (checks.OBJECT,),
    "prior.table": (checks.Check("the name of a file in the model's folder", checks.is_file),),
    "prior.strength": (checks.NUMBER,),
    "prior.class_shares": (checks.Check("an object of numbers above 0", checks.object_of(checks.is_positive)),),
    "prior.corrections": (checks.Check("an object of numbers", checks.object_of(checks.is_number)),),
    "prior.first_tree": (checks.COUNT,),
}
"""What each key holds, by the keys on the way to it; the first check that fails is told."""
_TOGETHER = {
    "conformal": ("conformal.levels", "conformal.thresholds"),
    "outlier": ("outlier.quantiles",),
    "prior": (
        *("prior.table", "prior.strength", "prior.class_shares", "prior.corrections", "prior.first_tree"),
        *("algorithm.features", "algorithm.temperature"),
    ),
}
"""What a card has to have where it has a key."""


def _problem(card: dict[str, Any]) -> str | None:
    """Say what is wrong with a card, in half a sentence that goes on from its name; None where nothing is."""
    for key, needed in _REQUIRED.items():
        if not isinstance(card.get(key), needed) or isinstance(card[key], bool):
            return f"lacks '{key}' ({needed.__name__})"
    for way, wanted in _CHECKS.items():
        for value in _values(card, way):
            if failed := [check for check in wanted if not check.holds(value)]:
                return f"needs {failed[0].words} in {_quoted(way)}, not {checks.short(value)}"
    for key, ways in _TOGETHER.items():
        for way in ways:
            if key in card and not _values(card, way):
                return f"lacks {_quoted(way)}, which '{key}' needs"
    return _columns(card) or _classes(card) or _ends(card) or _tree(card) or _numbers(card)


def _values(card: dict, way: str) -> list[Any]:
    """Find the value that a card has at the end of a way of keys; none where it has none."""
    found: Any = card
    for key in way.split("."):
        if not isinstance(found, dict) or key not in found:
            return []
        found = found[key]
    return [found]


def _quoted(way: str) -> str:
    return ", ".join(f"'{key}'" for key in way.split("."))


def _columns(card: dict) -> str | None:
    for key, allowed, kind in (("bands", COLUMNS, "band"), ("extra", EXTRA, "further input")):
        unknown = [name for name in card.get(key, ()) if name not in allowed]
        if unknown:
            return f"names no {kind} with {unknown[0][:40]!r} in '{key}'; they are {', '.join(allowed)}"
        if len(set(card.get(key, ()))) < len(card.get(key, ())):
            return f"names a {kind} twice in '{key}'"
    if not card["bands"]:
        return f"needs a band or more in 'bands', of {', '.join(COLUMNS)}"
    if tuple(card.get("extra", ())) not in ((), PARALLAX, EXTRA):
        return f"needs {', '.join(PARALLAX)}, or {', '.join(EXTRA)}, or nothing in 'extra', in this order"
    return None


def _classes(card: dict) -> str | None:
    classes = card["classes"]
    if len(card["name"].encode()) > LONGEST_NAME:
        return f"needs a name of at most {LONGEST_NAME} bytes in 'name'"
    if len(set(classes)) < max(2, len(classes)):
        return "needs two classes or more in 'classes', none of them twice"
    if len(classes) > MOST_CLASSES:
        return f"has {len(classes):,} classes in 'classes'; there may be {MOST_CLASSES:,}"
    return None


def _ends(card: dict) -> str | None:
    """Say what is wrong with the names of the graph's inputs and outputs."""
    inputs, columns = card.get("inputs", {}), (*card["bands"], *card.get("extra", ()))
    unknown = [name for name in inputs if name not in columns]
    if unknown:
        return f"names no column of the model with {unknown[0][:40]!r} in 'inputs'; they are {', '.join(columns)}"
    if len({inputs.get(name, name) for name in columns}) < len(columns):
        return "names an input of the graph for two columns in 'inputs'"
    return None


def _tree(card: dict) -> str | None:
    parents: dict[str, str] = card.get("parents", {})
    if ROOT in (*parents, *parents.values()):
        return f"names the root, {ROOT!r}, in 'parents'; a class without a branch hangs from it by itself"
    if len(parents) > MOST_CLASSES * (LONGEST_WAY + 1):
        return f"has {len(parents):,} entries in 'parents'; there may be {MOST_CLASSES * (LONGEST_WAY + 1):,}"
    depths: dict[str, int] = {}
    for label in (*card["classes"], *parents):
        way = [label]
        while way[-1] not in depths and way[-1] in parents:
            if parents[way[-1]] in way:
                return f"has a circle in 'parents', at {way[-1][:40]!r}"
            way.append(parents[way[-1]])
            if len(way) > LONGEST_WAY:
                return f"has more than {LONGEST_WAY} levels in 'parents', above {label[:40]!r}"
        depth = depths.get(way[-1], 1)
        for up, node in enumerate(reversed(way)):
            depths[node] = depth + up
        if depths[label] > LONGEST_WAY:
            return f"has more than {LONGEST_WAY} levels in 'parents', above {label[:40]!r}"
    return None


def _numbers(card: dict) -> str | None:
    if "conformal" in card:
        levels, thresholds = card["conformal"]["levels"], card["conformal"]["thresholds"]
        if not levels or any(not 0 < level < 1 for level in levels) or any(a >= b for a, b in pairwise(levels)):
            return "needs levels between 0 and 1, increasing, in 'conformal', 'levels'"
        if set(thresholds) != set(card["classes"]) or any(len(t) != len(levels) for t in thresholds.values()):
            return "needs a threshold for each class and level in 'conformal', 'thresholds'"
    if "outlier" in card:
        quantiles = [float(distance) for distance in card["outlier"]["quantiles"]]
        if len(quantiles) != QUANTILES or any(a > b for a, b in pairwise(quantiles)):
            return f"needs {QUANTILES} increasing distances in 'outlier', 'quantiles'"
    for key in ("class_shares", "corrections") if "prior" in card else ():
        if set(card["prior"][key]) != set(card["classes"]):
            return f"needs a number for each class in 'prior', '{key}'"
    return None
