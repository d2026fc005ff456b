"""Keep a bounded number of the rows of a table that comes in pieces: those with the smallest keys."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray]


class Reservoir:
    """The `size` rows with the smallest keys so far.

    With random keys they are a sample in which every row is as probable as any other (Vitter 1985, ACM TOMS 11, 37).
    """

    def __init__(self, size: int):
        self._size = size
        self._keys: NDArray[np.floating] = np.empty(0)
        self._columns: dict[str, NDArray] = {}

    def add(self, keys: NDArray[np.floating], columns: Columns) -> None:
        """Offer rows, each with a key; rows whose key is NaN are not kept."""
        least = self._keys[-1] if len(self._keys) == self._size else np.inf
        wanted = np.flatnonzero(keys < least)
        if not len(wanted):
            return
        keys = np.concatenate([self._keys, keys[wanted]])
        kept = np.argsort(keys, kind="stable")[: self._size]
        self._keys = keys[kept]
        self._columns = {
            name: np.concatenate([self._columns[name], values[wanted]] if self._columns else [values[wanted]])[kept]
            for name, values in columns.items()
        }

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def columns(self) -> Columns:
        """The columns of the rows, those with the smallest keys first; empty before any row came."""
        return self._columns
