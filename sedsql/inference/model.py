"""A model: a folder with `model.onnx` and the card that says what it is."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bands import COLUMNS
from ..errors import Error
from ..resources import folder

DEFAULT_MODEL = "shape-1"

_REQUIRED = {"name": str, "classes": list, "bands": list, "min_bands": int, "sha256": str}


class ModelError(Error, ValueError):
    """A model that is not there, was changed, or is not what its card says."""


@dataclass(frozen=True)
class Model:
    """A model file and its card; nothing is loaded before it is verified.

    Attributes
    ----------
    folder : holds `model.onnx` and `card.json`
    name : the model's name with its version, e.g. 'shape-1'
    classes : the labels, in the order of the graph's probabilities
    bands : the columns that the graph takes, in order
    min_bands : a source with fewer of them gets no class
    sha256 : of `model.onnx`
    card : all of `card.json`
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
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
        unknown = [band for band in card["bands"] if band not in COLUMNS]
        if unknown:
            raise ModelError(f"The card {card_file} names no band with {unknown[0]!r}; bands are {', '.join(COLUMNS)}.")
        return cls(
            folder=path,
            name=card["name"],
            classes=tuple(card["classes"]),
            bands=tuple(card["bands"]),
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


def find_models(folders: Iterable[str | Path] | None = None) -> dict[str, Model]:
    """The shipped models and those in `folders`, by name.

    Each of `folders` is a model's folder or one that holds several; a later one wins over an earlier
    one, and over a shipped one, of the same name.
    """
    models: dict[str, Model] = {}
    for path in (folder("models"), *map(Path, folders or ())):
        if not path.is_dir():
            raise ModelError(f"No folder {path} to look for models in.")
        found = [path] if (path / "card.json").exists() else sorted(card.parent for card in path.glob("*/card.json"))
        if not found and folders:
            raise ModelError(f"No model in {path}: neither it nor a folder in it has a card.json.")
        models.update((model.name, model) for model in map(Model.read, found))
    return models
