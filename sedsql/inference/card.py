"""A model's card: `card.json` as it is read, and what is wrong with it; its keys are explained in docs/models.md."""

import json
import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeGuard

from .. import classes
from ..bands import COLUMNS
from ..errors import Error

EXTRA = ("parallax", "parallax_error", "ra", "dec")
"""Inputs that a model may take after the bands: the first two, in mas, or all, the position being ICRS in degrees."""
PARALLAX, POSITION = EXTRA[:2], EXTRA[2:]

LARGEST_CARD, LARGEST_GRAPH = 1 << 24, 1 << 30
"""Bytes; larger files are no models that a query would want to run. The C extension has the same limits."""
MOST_CLASSES, LONGEST_NAME, MOST_LEVELS, DEEPEST, LONGEST_NUMBER = 1024, 127, 15, 64, 63
"""Of classes, bytes in a model's name, levels of the tree of classes, JSON in JSON, characters of a number: as well."""
LARGEST = 3.4028234663852886e38
"""The largest float32."""


class ModelError(Error, ValueError):
    """A model that is not there, was changed, or is not what its card says."""


def read_file(file: Path, largest: int) -> bytes:
    """The bytes of a file of at most so many; OSError where it is none, such as a pipe, which would never end."""
    if not file.exists():
        raise FileNotFoundError(f"{file} does not exist")
    if not file.is_file():
        raise OSError(f"{file} is no file")
    with file.open("rb") as opened:
        content = opened.read(largest + 1)
    if len(content) > largest:
        raise OSError(f"{file} has more than {largest:,} bytes")
    return content


def read_card(file: Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes of a `card.json` and what they say; ModelError, in one sentence, where that is no card."""
    try:
        written = read_file(file, LARGEST_CARD)
    except FileNotFoundError:
        raise ModelError(f"No model in {file.parent}: it has no {file.name}.") from None
    except OSError as error:
        raise ModelError(f"The card {file} cannot be read: {error}.") from None
    card = parsed(written, f"The card {file}")
    wrong = problem(card)
    if wrong:
        raise ModelError(f"The card {file} {wrong}.")
    return written, card


def parsed(written: bytes, what: str, deepest: int = DEEPEST) -> Any:
    """JSON (RFC 8259) as Python has it; ModelError where it is none, or such as readers understand differently.

    what : begins the sentence
    deepest : so deep lists and objects may be in one another
    """
    try:
        found = json.loads(
            written.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_number(int),
            parse_float=_number(float),
        )
    except ModelError as error:
        raise ModelError(f"{what} {error}.") from None
    except RecursionError:
        raise ModelError(f"{what} has lists or objects in one another more than {deepest} deep.") from None
    except ValueError as error:  # UnicodeDecodeError, too
        raise ModelError(f"{what} is not JSON: {error}.") from None
    for depth, value in _walk(found):
        if depth > deepest:
            raise ModelError(f"{what} has lists or objects in one another more than {deepest} deep.")
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ModelError(f"{what} has the half of a character in {json.dumps(value)[:60]}.")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1) if len(names) < 10_000 else names[0]
        raise ModelError(f"has the key {shown(twice)} twice in one object")
    return found


def _constant(word: str) -> Any:
    raise ModelError(f"has {word}, which is no number of JSON")


def _number(kind: type) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        if len(text) > LONGEST_NUMBER:
            raise ModelError(f"has a number of more than {LONGEST_NUMBER} characters, {text[:12]}...")
        value = kind(text)
        if not math.isfinite(float(value)):
            raise ModelError(f"has a number that is too large, {text[:40]}")
        return value

    return number


def _walk(whole: Any) -> Iterator[tuple[int, Any]]:
    """Every value and key, with how many lists and objects it is in, itself too."""
    waiting = [(0, whole)]
    while waiting:
        depth, value = waiting.pop()
        if isinstance(value, list | dict):
            depth += 1
            parts = value if isinstance(value, list) else [*value, *value.values()]
            waiting += [(depth, part) for part in parts]
        yield depth, value


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


_TEXT, _LIST, _OBJECT = ("text", _is(str)), ("a list", _is(list)), ("an object", _is(dict))
_REQUIRED = {
    "name": _TEXT,
    "classes": _LIST,
    "bands": _LIST,
    "min_bands": ("a whole number", _is_count),
    "sha256": _TEXT,
}
_OPTIONAL = {
    "description": _TEXT,
    "created": _TEXT,
    "extra": _LIST,
    "parents": _OBJECT,
    "conformal": _OBJECT,
    "outlier": _OBJECT,
    "prior": _OBJECT,
    "input": _TEXT,
    "inputs": _OBJECT,
    "outputs": _OBJECT,
    "missing": ("a number", is_number),
    "algorithm": _OBJECT,
    "training": _OBJECT,
    "metrics": _OBJECT,
    "agreement": _OBJECT,
    "versions": _OBJECT,
}


def problem(card: Any) -> str | None:
    """What is wrong with a card, as the end of a sentence; None where nothing is."""
    if not isinstance(card, dict):
        return f"needs an object, {{...}}, not {shown(card)}"
    for key, (kind, right) in _REQUIRED.items():
        if key not in card:
            return f"lacks '{key}' ({kind})"
        if not right(card[key]):
            return f"needs {kind} in '{key}', not {shown(card[key])}"
    for key, (kind, right) in _OPTIONAL.items():
        if key in card and not right(card[key]):
            return f"needs {kind} in '{key}', not {shown(card[key])}"
    for check in (_names, _inputs, _tree, _conformal, _outlier, _scores):
        wrong = check(card)
        if wrong:
            return wrong
    return None


def _names(card: dict) -> str | None:
    if not card["name"].isprintable() or not 0 < len(card["name"].encode()) <= LONGEST_NAME:
        return f"needs a name of 1 to {LONGEST_NAME} letters in 'name', not {shown(card['name'])}"
    for key in ("classes", "bands", "extra"):
        if not all(isinstance(name, str) for name in card.get(key, ())):
            return f"needs names in '{key}', in quotes"
    for key in ("inputs", "outputs"):
        wrong = next((name for name, value in card.get(key, {}).items() if not isinstance(value, str)), None)
        if wrong is not None:
            return f"needs text of {shown(wrong)} in '{key}', not {shown(card[key][wrong])}"
    labels = card["classes"]
    if len(set(labels)) < max(2, len(labels)):
        return "needs two classes or more in 'classes', none of them twice"
    if len(labels) > MOST_CLASSES:
        return f"has {len(labels):,} classes in 'classes'; up to {MOST_CLASSES:,} are known"
    if "\0" in "".join(labels) or "" in labels:
        return "has a class without a name in 'classes', or one with a zero in it"
    return None


def _inputs(card: dict) -> str | None:
    for key, allowed, kind in (("bands", COLUMNS, "band"), ("extra", EXTRA, "further input")):
        unknown = [name for name in card.get(key, ()) if name not in allowed]
        if unknown:
            return f"names no {kind} with {unknown[0][:40]!r}; they are {', '.join(allowed)}"
        if len(set(card.get(key, ()))) < len(card.get(key, ())):
            return f"names a {kind} twice in '{key}'"
    if not card["bands"]:
        return f"needs one band or more in 'bands'; they are {', '.join(COLUMNS)}"
    if tuple(card.get("extra", ())) not in ((), PARALLAX, EXTRA):
        return f"needs {', '.join(PARALLAX)}, or {', '.join(EXTRA)}, or nothing in 'extra', in this order"
    if not 0 <= card["min_bands"] <= len(COLUMNS):
        return f"needs a number from 0 to {len(COLUMNS)} in 'min_bands', not {card['min_bands']}"
    if abs(card.get("missing", 0)) > LARGEST:
        return f"needs a number that a float32 can have in 'missing', not {card['missing']}"
    return None


def _tree(card: dict) -> str | None:
    parents = card.get("parents", {})
    for label, parent in parents.items():
        if not isinstance(parent, str) or not parent or "\0" in parent:
            return f"needs the name of a branch for {shown(label)} in 'parents', not {shown(parent)}"
    root = classes.ROOT
    if root in (*card["classes"], *parents, *parents.values()):
        return f"has {root!r} in 'classes' or 'parents', which is the name of the tree's root; leave it out"
    for label in parents:
        node, seen = label, {label}
        while node in parents:
            node = parents[node]
            if node in seen:
                return f"has a circle in 'parents', at {node[:40]!r}"
            seen.add(node)
            if len(seen) > MOST_LEVELS:
                return f"has more than {MOST_LEVELS} levels in 'parents', above {shown(label)}"
    return None


def _conformal(card: dict) -> str | None:
    conformal = card.get("conformal")
    if conformal is None:
        return None
    levels, thresholds = conformal.get("levels"), conformal.get("thresholds")
    if not isinstance(levels, list) or not levels or not all(map(is_number, levels)):
        return "needs a list of numbers in 'conformal', 'levels'"
    if any(not 0 < level < 1 for level in levels) or any(a >= b for a, b in pairwise(levels)):
        return "needs levels between 0 and 1, increasing, in 'conformal'"
    if not isinstance(thresholds, dict) or set(thresholds) != set(card["classes"]):
        return "needs a threshold for each class and level in 'conformal', 'thresholds'"
    for label, limits in thresholds.items():
        if not isinstance(limits, list) or len(limits) != len(levels) or not all(map(is_number, limits)):
            return f"needs a threshold for each level, a list of numbers, for {shown(label)} in 'conformal'"
    return None


def _outlier(card: dict) -> str | None:
    if "outlier" not in card:
        return None
    quantiles = card["outlier"].get("quantiles")
    if not isinstance(quantiles, list) or len(quantiles) != 101 or not all(map(is_number, quantiles)):
        return "needs 101 increasing distances in 'outlier', 'quantiles'"
    if any(a > b for a, b in pairwise(quantiles)):
        return "needs 101 increasing distances in 'outlier', 'quantiles'"
    return None


def _scores(card: dict) -> str | None:
    """What `sedsql models` shows of them."""
    scores = card.get("metrics", {}).get("all", {})
    if not isinstance(scores, dict):
        return f"needs an object in 'metrics', 'all', not {shown(scores)}"
    for key in ("macro_f1", "calibration_error"):
        if not isinstance(scores.get(key), int | float | None):
            return f"needs a number in 'metrics', 'all', '{key}', not {shown(scores[key])}"
    return None
