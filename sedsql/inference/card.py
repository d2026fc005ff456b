"""What a model's card has to say, key by key; the keys are explained in docs/models.md."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from ..bands import COLUMNS
from ..classes import ROOT

EXTRA = ("parallax", "parallax_error", "ra", "dec")
"""Inputs that a model may take after the bands: the first two, in mas, or all, the position being ICRS in degrees."""
PARALLAX, POSITION = EXTRA[:2], EXTRA[2:]

LARGEST, DEEPEST = 4 << 20, 64
"""Bytes of a card, and lists and objects within each other; the C extension's reader has the same limits."""
MOST_CLASSES, LONGEST_NAME, LONGEST_WAY = 1024, 127, 15
"""Classes of a model, bytes of its name, nodes from below the root to a class; limits of the C extension's too."""
QUANTILES = 101
LARGEST_FLOAT = 3.4e38


class Kind(NamedTuple):
    """words : what is needed, as an error says it"""

    words: str
    holds: Callable[[Any], bool]


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_FLOAT


def is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and all(character >= " " for character in value)


def list_of(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(kind, value))


def object_of(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(kind, value.values()))


def _is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def _is_file(value: Any) -> bool:
    return is_name(value) and value not in (".", "..") and not set("/\\") & set(value)


TEXT = Kind("text", lambda value: isinstance(value, str))
NAME = Kind("a name", is_name)
LIST = Kind("a list", lambda value: isinstance(value, list))
OBJECT = Kind("an object", lambda value: isinstance(value, dict))
NUMBER = Kind("a number", is_number)
POSITIVE = Kind("a number above 0", _is_positive)
COUNT = Kind("a whole number from 0 on", lambda value: is_whole(value) and value >= 0)
NAMES = Kind("names in quotes", list_of(is_name))
NUMBERS = Kind("a list of numbers", list_of(is_number))
NAME_EACH = Kind("an object of names", object_of(is_name))
TEXT_EACH = Kind("an object of texts", object_of(TEXT.holds))
COUNT_EACH = Kind("an object of whole numbers from 0 on", object_of(COUNT.holds))

_REQUIRED = {"name": str, "classes": list, "bands": list, "min_bands": int, "sha256": str}
_KINDS = {
    "name": (NAME,),
    "classes": (LIST, NAMES),
    "bands": (LIST, NAMES),
    "min_bands": (COUNT,),
    "sha256": (TEXT,),
    "extra": (LIST, NAMES),
    "parents": (OBJECT, NAME_EACH),
    "conformal": (OBJECT,),
    "conformal.levels": (NUMBERS,),
    "conformal.thresholds": (Kind("an object of lists of numbers", object_of(NUMBERS.holds)),),
    "outlier": (OBJECT,),
    "outlier.quantiles": (NUMBERS,),
    "input": (TEXT,),
    "inputs": (OBJECT, NAME_EACH),
    "outputs": (OBJECT, NAME_EACH),
    "missing": (NUMBER,),
    "algorithm": (OBJECT,),
    "algorithm.recipe": (TEXT,),
    "algorithm.seed": (COUNT,),
    "algorithm.features": (LIST, NAMES),
    "algorithm.temperature": (POSITIVE,),
    "training": (OBJECT,),
    "training.files": (TEXT_EACH,),
    "training.simulated_rows": (COUNT_EACH,),
    "metrics": (OBJECT,),
    "metrics.all": (OBJECT,),
    "metrics.all.macro_f1": (NUMBER,),
    "metrics.all.calibration_error": (NUMBER,),
    "prior": (OBJECT,),
    "prior.table": (Kind("the name of a file in the model's folder", _is_file),),
    "prior.strength": (NUMBER,),
    "prior.class_shares": (Kind("an object of numbers above 0", object_of(_is_positive)),),
    "prior.corrections": (Kind("an object of numbers", object_of(is_number)),),
    "prior.first_tree": (COUNT,),
}
"""What each key holds, by the keys on the way to it; the first kind that it is not is told."""
_TOGETHER = {
    "conformal": ("conformal.levels", "conformal.thresholds"),
    "outlier": ("outlier.quantiles",),
    "prior": (
        *("prior.table", "prior.strength", "prior.class_shares", "prior.corrections", "prior.first_tree"),
        *("algorithm.features", "algorithm.temperature"),
    ),
}
"""What a card has to have where it has a key."""


def problem(card: dict[str, Any]) -> str | None:
    """What is wrong with a card: half a sentence that goes on from its name; None where nothing is."""
    for key, needed in _REQUIRED.items():
        if not isinstance(card.get(key), needed) or isinstance(card[key], bool):
            return f"lacks '{key}' ({needed.__name__})"
    for way, kinds in _KINDS.items():
        for kind in kinds:
            if _has(card, way) and not kind.holds(_at(card, way)):
                return f"needs {kind.words} in {_quoted(way)}, not {short(_at(card, way))}"
    for key, ways in _TOGETHER.items():
        for way in ways:
            if key in card and not _has(card, way):
                return f"lacks {_quoted(way)}, which '{key}' needs"
    return _columns(card) or _classes(card) or _ends(card) or _tree(card) or _numbers(card)


def _has(card: dict, way: str) -> bool:
    *above, last = way.split(".")
    for key in above:
        if not isinstance(card, dict) or key not in card:
            return False
        card = card[key]
    return isinstance(card, dict) and last in card


def _at(card: dict, way: str) -> Any:
    found: Any = card
    for key in way.split("."):
        found = found[key]
    return found


def _quoted(way: str) -> str:
    return ", ".join(f"'{key}'" for key in way.split("."))


def short(value: Any) -> str:
    """The beginning of a value, as JSON has it."""
    return json.dumps(value)[:40]


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
    """What is wrong with the names of the graph's inputs and outputs."""
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
        quantiles = card["outlier"]["quantiles"]
        if len(quantiles) != QUANTILES or any(a > b for a, b in pairwise(quantiles)):
            return f"needs {QUANTILES} increasing distances in 'outlier', 'quantiles'"
    for key in ("class_shares", "corrections") if "prior" in card else ():
        if set(card["prior"][key]) != set(card["classes"]):
            return f"needs a number for each class in 'prior', '{key}'"
    return None
