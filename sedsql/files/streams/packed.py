"""Lay the cells of a piece out as rows of bytes (VOTable 1.4, Sections 5.3 and 5.4)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sedsql.files.streams.cells import Cells

_COUNT = np.dtype(">u4")
"""How many items a cell of any length has, before them."""


def packed(columns: Sequence[Cells], rows: int, *, masked: bool) -> NDArray[np.uint8]:
    """The bytes of rows, each column's after those of the column before.

    masked : each row begins with a bit a column, which is 1 for NULL (BINARY2)

    Cells of one length lie in structures, and cells of any length between these, so that numpy copies a whole column,
    or all columns between two texts, at once.
    """
    parts: list[list[tuple[str, NDArray[Any]]]] = [[]]
    ragged: list[tuple[NDArray[Any], NDArray[np.int64]]] = []
    if masked:
        parts[-1].append(("mask", _mask(columns, rows)))
    for k, cell in enumerate(columns):
        if cell.counts is None:
            parts[-1].append((str(k), cell.items.reshape(rows, -1)))
            continue
        parts[-1].append((f"{k} count", cell.counts.astype(_COUNT).reshape(rows, 1)))
        if rows and (cell.counts == cell.counts[0]).all():
            parts[-1].append((str(k), cell.items.reshape(rows, cell.counts[0])))
        else:
            ragged.append((cell.items, cell.counts))
            parts.append([])
    return _interleaved([_structure(part, rows) for part in parts], ragged, rows)


def _mask(columns: Sequence[Cells], rows: int) -> NDArray[np.uint8]:
    bits = np.zeros((rows, len(columns)), bool)
    for k, cell in enumerate(columns):
        if cell.gone is not None:
            bits[:, k] = cell.gone
    return np.packbits(bits, axis=1)


def _structure(part: list[tuple[str, NDArray[Any]]], rows: int) -> NDArray[Any]:
    """Arrays of shape (rows, items) as one of structures."""
    structure = np.empty(rows, np.dtype([(name, values.dtype, values.shape[1:]) for name, values in part]))
    for name, values in part:
        structure[name] = values
    return structure


def _interleaved(
    parts: list[NDArray[Any]], ragged: list[tuple[NDArray[Any], NDArray[np.int64]]], rows: int
) -> NDArray[np.uint8]:
    """Structures, and between each two the items of cells of any length: (items, counts)."""
    if not ragged:
        return parts[0].view(np.uint8)
    widths = np.full(rows, sum(part.itemsize for part in parts))
    for items, counts in ragged:
        widths += counts * items.itemsize
    ends = np.cumsum(widths)
    block = np.empty(int(ends[-1]) if rows else 0, np.uint8)
    places = ends - widths
    for part, (items, counts) in zip(parts, ragged, strict=False):
        _put(block, places, part)
        places = places + part.itemsize
        first = np.cumsum(counts) - counts
        within = np.arange(len(items)) - np.repeat(first, counts)
        _put(block, np.repeat(places, counts) + within * items.itemsize, items)
        places = places + counts * items.itemsize
    _put(block, places, parts[-1])
    return block


def _put(block: NDArray[np.uint8], places: NDArray[np.int64], items: NDArray[Any]) -> None:
    """Put items at these places of the block."""
    size = items.dtype.itemsize
    if not size or not len(items):
        return
    everywhere = np.ndarray((len(block) - size + 1,), f"V{size}", block, strides=(1,))
    everywhere[places] = items.view(f"V{size}")
