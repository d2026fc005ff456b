"""Measure how far a source is from the training sources of a model, in the bands that it has.

About a hundred typical SEDs stand for the training SEDs. The distance of a source is that to the nearest of them,
brought to the same brightness: the root of the mean square of the differences, in mag. A band that the source has and a
typical SED lacks counts as a difference of MISSING_MAG.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sedsql.inference.binding import DISTANCE, INPUT
from sedsql.inference.neighbours import MISSING_MAG, squared_distances

TYPICAL = 96
"""The approximate number of typical SEDs, shared among the classes by the square root of their rows."""
_ROUNDS = 12


def typical_seds(magnitudes: NDArray[np.float32], labels: NDArray[np.str_], seed: int = 0) -> NDArray[np.float32]:
    """Find typical SEDs of each class, shape (k, bands), each with mean 0, NaN where all its sources lack the band.

    The method is k-means of each class by the distance of this module (Lloyd 1982, IEEE Trans. Inf. Theory 28, 129).
    """
    rng = np.random.default_rng(seed)
    names, counts = np.unique(labels, return_counts=True)
    shares = np.maximum(1, np.round(TYPICAL * np.sqrt(counts) / np.sqrt(counts).sum())).astype(int)
    return np.concatenate(
        [_of_class(magnitudes[labels == name], k, rng) for name, k in zip(names, shares, strict=True)]
    )


def _of_class(magnitudes, k, rng):
    seds = magnitudes - np.nanmean(magnitudes, axis=1, keepdims=True)
    # The first centres are rows with the most bands: a row with three would leave the other bands unknown.
    most = np.argsort(-np.isfinite(seds).sum(axis=1), kind="stable")[: max(k, len(seds) // 2)]
    centres = seds[rng.choice(most, min(k, len(most)), replace=False)]
    for _ in range(_ROUNDS):
        nearest = squared_distances(seds, centres).argmin(axis=1)
        for j in range(len(centres)):
            mine = seds[nearest == j]
            if len(mine):
                # The mean of a row depends on its bands, so rows are brought to the centre before they are averaged.
                offset = np.nan_to_num(_mean(mine - centres[j], axis=1))
                centres[j] = _mean(mine - offset, axis=0)[0]
                centres[j] -= np.nanmean(centres[j])
    return centres.astype(np.float32)


def _mean(values, axis: int):
    """Return the mean of the finite values, NaN where there are none."""
    known = np.isfinite(values).sum(axis=axis, keepdims=True)
    return np.where(known, np.nansum(values, axis=axis, keepdims=True) / np.maximum(known, 1), np.nan)


def distances(magnitudes: NDArray, seds: NDArray) -> NDArray:
    """Return the distance in mag of each source from the nearest of the SEDs, shape (n,)."""
    degrees = np.maximum(np.isfinite(magnitudes).sum(axis=1) - 1, 1)
    return np.sqrt(np.maximum(squared_distances(magnitudes, seds).min(axis=1), 0) / degrees)


def quantiles(magnitudes: NDArray, seds: NDArray) -> list[float]:
    """Return the distances of the training rows at 0, 1 ... 100 %, for the card's `outlier`."""
    return [round(float(q), 5) for q in np.quantile(distances(magnitudes, seds), np.linspace(0, 1, 101))]


def add_distance(graph, seds: NDArray[np.float32]) -> None:
    """Add the output `distance`, float (n,), to an ONNX graph, by the same sums as in `squared_distances`."""
    has = np.isfinite(seds).astype(np.float32)
    c = np.nan_to_num(seds).astype(np.float32)
    constants = {
        "o_bands": np.arange(seds.shape[1]),
        "o_zero": np.float32(0),
        "o_one": np.float32(1),
        "o_two": np.float32(2),
        "o_missing": np.float32(MISSING_MAG**2),
        "o_axis": np.array([1]),
        "o_has": has.T,
        "o_sed": c.T,
        "o_square": (c * c).T,
    }
    steps = """
      o_all = Gather:axis=1 magnitudes o_bands
      o_nan = IsNaN o_all
      o_not = Not o_nan
      o_there = Cast:to=1 o_not
      o_count = ReduceSum:keepdims=1 o_there o_axis
      o_least = Max o_count o_one
      o_known = Where o_nan o_zero o_all
      o_sum = ReduceSum:keepdims=1 o_known o_axis
      o_mean = Div o_sum o_least
      o_centred = Sub o_known o_mean
      o_m = Mul o_centred o_there
      o_common = MatMul o_there o_has
      o_m_has = MatMul o_m o_has
      o_there_sed = MatMul o_there o_sed
      o_first = Sub o_m_has o_there_sed
      o_m_m = Mul o_m o_m
      o_second_a = MatMul o_m_m o_has
      o_m_sed = MatMul o_m o_sed
      o_second_b = Mul o_m_sed o_two
      o_second_c = MatMul o_there o_square
      o_second_d = Sub o_second_a o_second_b
      o_second = Add o_second_d o_second_c
      o_first_square = Mul o_first o_first
      o_common_least = Max o_common o_one
      o_shift = Div o_first_square o_common_least
      o_spread = Sub o_second o_shift
      o_lacking = Sub o_count o_common
      o_penalty = Mul o_lacking o_missing
      o_total = Add o_spread o_penalty
      o_nearest = ReduceMin:keepdims=0 o_total o_axis
      o_positive = Max o_nearest o_zero
      o_minus = Sub o_least o_one
      o_flat = Squeeze o_minus o_axis
      o_degrees = Max o_flat o_one
      o_ratio = Div o_positive o_degrees
      o_distance = Sqrt o_ratio
    """
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    for line in steps.strip().splitlines():
        result, _, call = line.strip().partition(" = ")
        operator, *inputs = call.split()
        operator, _, attribute = operator.partition(":")
        ends = {"magnitudes": INPUT, "o_distance": DISTANCE}
        node = helper.make_node(operator, [ends.get(name, name) for name in inputs], [ends.get(result, result)])
        if attribute:
            key, _, number = attribute.partition("=")
            node.attribute.append(helper.make_attribute(key, int(number)))
        graph.node.append(node)
    graph.output.append(helper.make_tensor_value_info(DISTANCE, TensorProto.FLOAT, [None]))
