"""A model: a folder with `model.onnx` and the card that says what it is."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..bands import COLUMNS
from ..errors import Error
from ..resources import folder

DEFAULT_MODEL = "shape-2"
SKY_MODEL = "sky-1"
"""What answers in ADQL where a row has a position and no model is named."""

EXTRA = ("parallax", "parallax_error", "ra", "dec")
"""Inputs that a model may take after the bands: the first two, in mas, or all, the position being ICRS in degrees."""
PARALLAX, POSITION = EXTRA[:2], EXTRA[2:]

_REQUIRED = {"name": str, "classes": list, "bands": list, "min_bands": int, "sha256": str}
_OPTIONAL: dict[str, Any] = {
    "extra": list,
    "parents": dict,
    "conformal": dict,
    "outlier": dict,
    "input": str,
    "inputs": dict,
    "outputs": dict,
    "missing": int | float,
    "algorithm": dict,
    "training": dict,
    "metrics": dict,
}
_KINDS = {str: "text", list: "a list", dict: "an object", int | float: "a number"}


class ModelError(Error, ValueError):
    """A model that is not there, was changed, or is not what its card says."""


@dataclass(frozen=True)
class Model:
    """A model file and its card; nothing is loaded before it is verified.

    Attributes
    ----------
    folder : holds `model.onnx` and `card.json`
    name : the model's name with its version, e.g. 'shape-2'
    classes : the labels, in the order of the graph's probabilities
    bands : the columns that the graph takes, in order
    extra : what it takes after them: nothing, PARALLAX or EXTRA
    min_bands : a source with fewer of them gets no class
    sha256 : of `model.onnx`
    card : all of `card.json`; its keys are explained in docs/models.md
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    extra: tuple[str, ...]
    min_bands: int
    sha256: str
    card: dict[str, Any]

    @classmethod
    def read(cls, path: str | Path) -> "Model":
        """The model in the folder `path`, by its card."""
        path = Path(path)
        card_file = path / "card.json"
        try:
            card = json.loads(card_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"No model in {path}: it has no card.json.") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ModelError(f"The card {card_file} is not JSON: {error}.") from None
        for key, kind in _REQUIRED.items():
            if not isinstance(card, dict) or not isinstance(card.get(key), kind):
                raise ModelError(f"The card {card_file} lacks '{key}' ({kind.__name__}).")
        problem = _problem(card)
        if problem:
            raise ModelError(f"The card {card_file} {problem}.")
        return cls(
            folder=path,
            name=card["name"],
            classes=tuple(card["classes"]),
            bands=tuple(card["bands"]),
            extra=tuple(card.get("extra", ())),
            min_bands=card["min_bands"],
            sha256=card["sha256"],
            card=card,
        )

    def graph(self) -> bytes:
        """The bytes of `model.onnx`, refused when they are not those that the card was written for."""
        file = self.folder / "model.onnx"
        try:
            graph = file.read_bytes()
        except OSError as error:
            raise ModelError(f"Model {self.name} cannot be read: {error}.") from None
        found = hashlib.sha256(graph).hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"Model {self.name} was changed: {file} has sha256 {found}, its card says {self.sha256}. "
                "Restore the file, or train it again."
            )
        return graph


def _problem(card: dict) -> str | None:
    """What is wrong with the parts of a card, all required ones being there."""
    for key, kind in _OPTIONAL.items():
        if key in card and not isinstance(card[key], kind):
            return f"needs {_KINDS[kind]} in '{key}', not {json.dumps(card[key])[:40]}"
    for key in ("classes", "bands", "extra"):
        if not all(isinstance(name, str) for name in card.get(key, ())):
            return f"needs names in '{key}', in quotes"
    for key, allowed, kind in (("bands", COLUMNS, "band"), ("extra", EXTRA, "further input")):
        unknown = [name for name in card.get(key, ()) if name not in allowed]
        if unknown:
            return f"names no {kind} with {unknown[0]!r}; they are {', '.join(allowed)}"
        if len(set(card.get(key, ()))) < len(card.get(key, ())):
            return f"names a {kind} twice in '{key}'"
    if tuple(card.get("extra", ())) not in ((), PARALLAX, EXTRA):
        return f"needs {', '.join(PARALLAX)}, or {', '.join(EXTRA)}, or nothing in 'extra', in this order"
    if len(set(card["classes"])) < max(2, len(card["classes"])):
        return "needs two classes or more in 'classes', none of them twice"
    parents = card.get("parents", {})
    for label in parents:
        node, seen = label, {label}
        while node in parents:
            node = parents[node]
            if node in seen:
                return f"has a circle in 'parents', at {node!r}"
            seen.add(node)
    conformal = card.get("conformal")
    if conformal is not None:
        levels, thresholds = conformal.get("levels", []), conformal.get("thresholds", {})
        if not levels or any(not 0 < level < 1 for level in levels) or any(a >= b for a, b in pairwise(levels)):
            return "needs levels between 0 and 1, increasing, in 'conformal'"
        if set(thresholds) != set(card["classes"]) or any(len(t) != len(levels) for t in thresholds.values()):
            return "needs a threshold for each class and level in 'conformal'"
    quantiles = card.get("outlier", {}).get("quantiles", [0.0] * 101)
    if len(quantiles) != 101 or any(a > b for a, b in pairwise(quantiles)):
        return "needs 101 increasing distances in 'outlier', 'quantiles'"
    return None


def find_models(folders: Iterable[str | Path] | None = None) -> dict[str, Model]:
    """The shipped models and those in `folders`, by name.

    Each of `folders` is a model's folder or one that holds several, or the name of a shipped model; a later one wins
    over an earlier one, and over a shipped one, of the same name.
    """
    models: dict[str, Model] = {}
    for path in (folder("models"), *map(Path, folders or ())):
        if str(path) in models and not path.is_dir():
            continue
        if not path.is_dir():
            raise ModelError(f"No folder {path} to look for models in.")
        found = [path] if (path / "card.json").exists() else sorted(card.parent for card in path.glob("*/card.json"))
        if not found and folders:
            raise ModelError(f"No model in {path}: neither it nor a folder in it has a card.json.")
        models.update((model.name, model) for model in map(Model.read, found))
    return models
