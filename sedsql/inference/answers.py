"""Turn predictions into Arrow columns for DuckDB."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.inference.model import Model, ModelError
from sedsql.inference.session import Prediction
from sedsql.photometry import classes

PREDICTION = (
    "STRUCT(class VARCHAR, probability DOUBLE, entropy DOUBLE, outlier DOUBLE, n_bands INTEGER, model VARCHAR, "
    "path VARCHAR[])"
)
BRANCH = "STRUCT(node VARCHAR, probability DOUBLE, path VARCHAR)"
"""A node of the tree of classes, its probability, and the way down to it."""
ANSWER = f"STRUCT(prediction {PREDICTION}, probabilities DOUBLE[])"
"""All that a model says of a source: what several functions can be had from, for one inference."""
SET_LEVEL = 0.95
"""Of the sets that are shown of a source."""


def labels(model: Model, prediction: Prediction) -> pa.Array:
    """Give the classes of a prediction as strings; null where there are too few bands."""
    places = prediction.class_index.astype(np.int32)
    return pa.array(model.classes, pa.string()).take(pa.array(places, mask=places < 0))


def struct(model: Model, prediction: Prediction) -> pa.StructArray:
    """Give a prediction as PREDICTION."""
    p = prediction.probabilities.astype(np.float64)
    missing = prediction.class_index < 0
    entropy = -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1)
    outlier = prediction.outlier
    paths = pa.array([classes.path(label, model.card.parents) for label in model.classes])
    places = prediction.class_index.astype(np.int32)
    return pa.StructArray.from_arrays(
        [
            labels(model, prediction),
            pa.array(p.max(axis=1), mask=missing),
            pa.array(entropy, mask=missing),
            pa.nulls(len(p), pa.float64()) if outlier is None else pa.array(outlier, mask=missing),
            pa.array(prediction.n_bands),
            pa.repeat(model.name, len(p)),
            paths.take(pa.array(places, mask=missing)),
        ],
        names=["class", "probability", "entropy", "outlier", "n_bands", "model", "path"],
    )


def answer(model: Model, prediction: Prediction) -> pa.StructArray:
    """Give a prediction as ANSWER."""
    rows, width = prediction.probabilities.shape
    probabilities = pa.ListArray.from_arrays(
        pa.array(np.arange(rows + 1, dtype=np.int32) * width),
        pa.array(prediction.probabilities.ravel().astype(np.float64), from_pandas=True),
    )
    return pa.StructArray.from_arrays([struct(model, prediction), probabilities], names=["prediction", "probabilities"])


def place(model: Model, label: str) -> int:
    """Find the place of a label among the model's classes."""
    if label not in model.classes:
        raise ModelError(f"Model {model.name} has no class {label!r}; it has {', '.join(model.classes)}.")
    return model.classes.index(label)


def deepest_nodes(model: Model, probabilities: NDArray, least: float) -> pa.Array:
    """Find the deepest node of the tree of classes that has at least the probability `least`; null where it is NaN.

    Of two nodes that have one half each, it is that of the most probable class.

    probabilities : shape (n, classes)
    """
    return branches(model, probabilities, least).field("node")


def branches(model: Model, probabilities: NDArray, least: float) -> pa.StructArray:
    """Give BRANCH of that node; null where probabilities are NaN."""
    if not 0.5 <= least <= 1:
        raise ModelError(
            f"sed_node takes a probability from 0.5 to 1, not {least:g}: with less, two nodes could have it."
        )
    _, members = classes.nodes(model.classes, model.card.parents)
    share = probabilities.astype(np.float64) @ members.T
    reached = (share >= least) & ((share > 0.5) | members[:, probabilities.argmax(axis=1)].T)
    reached[:, 0] = True  # the root, whatever rounding did
    deepest = reached.shape[1] - 1 - reached[:, ::-1].argmax(axis=1)
    missing = np.isnan(probabilities[:, 0])
    shares = np.minimum(share[np.arange(len(share)), deepest], 1)
    return branches_at(model, np.where(missing, -1, deepest), shares)


def branches_of(model: Model, prediction: Prediction, least: float) -> pa.StructArray:
    """Give BRANCH of a prediction: of the nodes that it has, or else those that its probabilities have."""
    if prediction.node is None or prediction.share is None:
        return branches(model, prediction.probabilities, least)
    return branches_at(model, prediction.node, prediction.share)


def branches_at(model: Model, places: NDArray, shares: NDArray) -> pa.StructArray:
    """Give BRANCH of nodes by their places among `classes.nodes`; null where that is -1."""
    parents = model.card.parents
    names, _ = classes.nodes(model.classes, parents)
    missing = places < 0
    at = pa.array(places.astype(np.int32), mask=missing)
    paths = pa.array(classes.written_path(name, parents) for name in names)
    return pa.StructArray.from_arrays(
        [pa.array(names).take(at), pa.array(shares, mask=missing), paths.take(at)],
        names=["node", "probability", "path"],
        mask=pa.array(missing),
    )


def sets(model: Model, probabilities: NDArray, level: float) -> pa.ListArray:
    """Find the classes that cannot be excluded at a level, the most probable first; null where probabilities are NaN.

    probabilities : shape (n, classes)
    """
    conformal = model.card.conformal
    if not conformal:
        raise ModelError(f"Model {model.name} has no sets: its card lacks 'conformal'.")
    levels = conformal.levels
    if not 0 < level <= levels[-1]:
        raise ModelError(f"sed_set takes a level above 0 and at most {levels[-1]:g}, not {level:g}.")
    column = next(k for k, known in enumerate(levels) if known >= level)
    thresholds = np.array([conformal.thresholds[label][column] for label in model.classes])
    order = np.argsort(-probabilities, axis=1, kind="stable")
    member = np.take_along_axis(probabilities >= thresholds, order, axis=1)
    offsets = np.concatenate([[0], member.sum(axis=1).cumsum()]).astype(np.int32)
    names = pa.array(model.classes, pa.string()).take(pa.array(order[member]))
    missing = np.isnan(probabilities[:, 0])
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(missing, False)), names)
