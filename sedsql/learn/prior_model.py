"""A model with another prior than the one that it was trained with: the same trees, and others for the prior."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper

from ..inference.model import Model
from ..output import new_folder
from . import prior
from .converters import prior_nodes, tree_attributes
from .prior import PriorError
from .prior_trees import NEEDED, trees

TREES = "TreeEnsembleRegressor"


def with_prior(model: Model, table: Path, out: Path, *, strength: float | None = None, force: bool = False) -> Model:
    """Write the model's folder `out`, whose name becomes the model's: a copy of `model` with the prior `table`.

    Parameters
    ----------
    table : as `prior.read` takes it
    strength : the power of the prior, 0 none; that of the model unless given

    Raises PriorError for a model that has no prior, and for a table that is none.
    """
    about = model.card.get("prior")
    if about is None:
        raise PriorError(
            f"Model {model.name} has no prior, so it can have no other; models of the recipe sky have one."
        )
    read = prior.read(table, model.classes)
    strength = float(about["strength"]) if strength is None else strength
    algorithm = model.card["algorithm"]
    shares = np.array([about["class_shares"][label] for label in model.classes])
    corrections = np.array([about["corrections"][label] for label in model.classes])
    lacking = [name for name in NEEDED if name not in algorithm["features"]]
    if lacking:
        raise PriorError(
            f"The card of model {model.name} lacks {lacking[0]!r} in 'algorithm', 'features', for its prior."
        )
    made = trees(read, algorithm["features"], strength, shares, algorithm["temperature"], corrections)
    first = about["first_tree"]
    try:
        graph = onnx.load_from_string(model.graph())
    except DecodeError:
        raise PriorError(f"The graph of model {model.name} is no ONNX graph, or it is cut off.") from None
    if [node.op_type for node in graph.graph.node].count(TREES) != 1:
        raise PriorError(f"The graph of model {model.name} has not one {TREES}, to which a prior could be added.")
    _replace_trees(graph, first, tree_attributes(prior_nodes(made, len(model.classes)), first))
    onnx.checker.check_model(graph)
    content = graph.SerializeToString(deterministic=True)
    card = {
        **model.card,
        "name": out.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "prior": {**about, "strength": strength},
        "made_from": {"model": model.name, "sha256": model.sha256, "prior": table.name},
    }
    # Measured on the graph that this one is not.
    card.pop("agreement", None)
    with new_folder(out, what="model", mark="card.json", force=force) as folder:
        (folder / "model.onnx").write_bytes(content)
        shutil.copyfile(table, folder / about["table"])
        (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return Model.read(out)


def _replace_trees(graph: onnx.ModelProto, first: int, attributes: Mapping[str, list]) -> None:
    """Replace the trees of a graph from the number `first` on."""
    (ensemble,) = (node for node in graph.graph.node if node.op_type == TREES)
    old = {attribute.name: helper.get_attribute_value(attribute) for attribute in ensemble.attribute}
    for attribute in ensemble.attribute:
        if attribute.name in attributes:
            ids = old["nodes_treeids" if attribute.name.startswith("nodes_") else "target_treeids"]
            kept = [value for value, tree in zip(old[attribute.name], ids, strict=True) if tree < first]
            attribute.CopyFrom(helper.make_attribute(attribute.name, [*kept, *attributes[attribute.name]]))
