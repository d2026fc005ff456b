"""Compute a column for the rows of each value of another column, such as the name of a model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def by_value(
    compute: Callable[..., Any], rows: NDArray, values: pa.Array | pa.ChunkedArray, default: str | None, *others: Any
) -> Any:
    """Call `compute(rows, value, *others)` for the rows of each distinct value (NULL: default), in the rows' order.

    A model's name or a label is nearly always one constant: then all rows go in one call.
    """
    encoded = flat(values).dictionary_encode(null_encoding="encode")
    distinct = [default if value is None else value for value in encoded.dictionary.to_pylist()]
    if len(distinct) == 1:
        return compute(rows, distinct[0], *others)
    codes = encoded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(distinct) + 1))
    parts = []
    for value, start, end in zip(distinct, bounds, bounds[1:], strict=False):
        places = order[start:end]
        parts.append(flat(compute(rows[places], value, *(other.take(pa.array(places)) for other in others))))
    return pa.concat_arrays(parts).take(pa.array(np.argsort(order)))


def flat(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Give a column in one piece, without a copy where it is one."""
    if isinstance(array, pa.Array):
        return array
    return array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
