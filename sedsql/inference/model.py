"""Find and verify models: folders with `model.onnx` and the card that says what it is."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sedsql.errors import Error
from sedsql.files.place import at_home
from sedsql.files.resources import folder
from sedsql.inference.card import FILE, LARGEST, Card
from sedsql.inference.strict_json import read_bytes

DEFAULT_MODEL = "shape-2"
SKY_MODEL = "sky-1"
"""What answers in ADQL where a row has a position and no model is named."""

LARGEST_GRAPH = 1 << 30
"""Bytes of a graph; larger ones are no models that a query would want to run. The C extension has the same limit."""


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
    extra : what it takes after them: nothing, PARALLAX or EXTRA of `card.py`
    min_bands : a source with fewer of them gets no class
    sha256 : of `model.onnx`
    card : all of `card.json`
    digest : the sha256 of `card.json` as it was read: all that answers depend on, for the card has the graph's
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    extra: tuple[str, ...]
    min_bands: int
    sha256: str
    card: Card
    digest: str = ""

    @classmethod
    def read(cls, path: str | Path) -> "Model":
        """Read the model in the folder `path`, by its card."""
        path = Path(path)
        card_file = path / FILE
        try:
            written = read_bytes(card_file, LARGEST)
            card = Card.parsed(written)
        except FileNotFoundError:
            raise ModelError(f"No model in {path}: it has no card.json.") from None
        except OSError as error:
            raise ModelError(f"The card {card_file} cannot be read: {error.strerror or error}.") from None
        except ValueError as error:
            raise ModelError(f"The card {card_file} {error}.") from None
        return cls(
            folder=path,
            name=card.name,
            classes=card.classes,
            bands=card.bands,
            extra=card.extra,
            min_bands=card.min_bands,
            sha256=card.sha256,
            card=card,
            digest=hashlib.sha256(written).hexdigest(),
        )

    def graph(self) -> bytes:
        """Read `model.onnx`; refuse it when it is not the one that the card was written for."""
        file = self.folder / "model.onnx"
        try:
            graph = read_bytes(file, LARGEST_GRAPH)
        except (OSError, ValueError) as error:
            raise ModelError(f"Model {self.name} cannot be read: {error}.") from None
        found = hashlib.sha256(graph).hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"Model {self.name} was changed: {file} has sha256 {found}, its card says {self.sha256}. "
                "Restore the file, or train it again."
            )
        return graph


def find_models(folders: Iterable[str | Path] | None = None) -> dict[str, Model]:
    """Find the shipped models and those in `folders`, by name.

    Each of `folders` is a model's folder or one that holds several, or the name of a shipped model; a later one wins
    over an earlier one, and over a shipped one, of the same name.
    """
    models: dict[str, Model] = {}
    for path in (folder("models"), *map(at_home, folders or ())):
        if str(path) in models and not path.is_dir():
            continue
        if not path.is_dir():
            raise ModelError(f"No folder {path} to look for models in.")
        found = [path] if (path / "card.json").exists() else sorted(card.parent for card in path.glob("*/card.json"))
        if not found and folders:
            raise ModelError(f"No model in {path}: neither it nor a folder in it has a card.json.")
        models.update((model.name, model) for model in map(Model.read, found))
    return models


def find_model(name: str, folders: Iterable[str | Path] | None = None) -> Model:
    """Find the model of that name, shipped or in one of the folders."""
    found = find_models(folders)
    if name not in found:
        raise ModelError(f"No model {name!r}; there are {', '.join(found)}.")
    return found[name]
