"""Write a copy of a model with another prior: the same trees of the SED, and new trees of the prior."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper

from sedsql.files.atomic import new_folder
from sedsql.inference.model import Model
from sedsql.learn import prior
from sedsql.learn.converters import prior_nodes, tree_attributes
from sedsql.learn.prior import PriorError
from sedsql.learn.prior_trees import NEEDED, trees

TREES = "TreeEnsembleRegressor"


def with_prior(model: Model, table: Path, out: Path, *, strength: float | None = None, force: bool = False) -> Model:
    """Write a copy of `model` with the prior `table` into the folder `out`; the copy takes the folder's name.

    Parameters
    ----------
    table : a file that `prior.read` reads
    strength : the power of the prior, 0 for none; that of the model unless given

    Raises PriorError for a model without a prior, and for a table that is not one.
    """
    about = model.card.prior
    if about is None:
        raise PriorError(
            f"Model {model.name} has no prior, so it can have no other; models of the recipe sky have one."
        )
    read = prior.read(table, model.classes)
    strength = float(about.strength) if strength is None else strength
    algorithm = model.card.algorithm
    shares = np.array([about.class_shares[label] for label in model.classes])
    corrections = np.array([about.corrections[label] for label in model.classes])
    lacking = [name for name in NEEDED if name not in algorithm["features"]]
    if lacking:
        raise PriorError(
            f"The card of model {model.name} lacks {lacking[0]!r} in 'algorithm', 'features', for its prior."
        )
    made = trees(read, algorithm["features"], strength, shares, algorithm["temperature"], corrections)
    first = about.first_tree
    try:
        graph = onnx.load_from_string(model.graph())
    except DecodeError:
        raise PriorError(f"The graph of model {model.name} is no ONNX graph, or it is cut off.") from None
    if [node.op_type for node in graph.graph.node].count(TREES) != 1:
        raise PriorError(f"The graph of model {model.name} has not one {TREES}, to which a prior could be added.")
    _replace_trees(graph, first, tree_attributes(prior_nodes(made, len(model.classes)), first))
    onnx.checker.check_model(graph)
    content = graph.SerializeToString(deterministic=True)
    card = replace(
        model.card,
        name=out.name,
        sha256=hashlib.sha256(content).hexdigest(),
        prior=replace(about, strength=strength),
        # The agreement was measured on the graph that this one is not.
        further={key: value for key, value in model.card.further.items() if key != "agreement"}
        | {"made_from": {"model": model.name, "sha256": model.sha256, "prior": table.name}},
    )
    with new_folder(out, what="model", mark="card.json", force=force) as folder:
        (folder / "model.onnx").write_bytes(content)
        shutil.copyfile(table, folder / about.table)
        card.write(folder)
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
