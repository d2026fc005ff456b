"""Tell which rows a model was trained on, by hashes in its card from which no row can be read."""

import base64
import binascii
import hashlib

import numpy as np
from numpy.typing import NDArray

from sedsql.learn.training import LabelledTable

MOST = 50_000
"""The number of hashes in a card. Of more rows it has the least hashes, which are a random sample of the rows."""

_STEP = 0.001
"""Magnitudes are rounded to this, for tables write different numbers of digits; coarser, faint sources of three bands
would be taken for one another."""
_ABSENT = np.iinfo(np.int32).min


def row_hashes(magnitudes: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Hash the ten magnitudes of each row, shape (n,); two rows have the same by chance once in four billion times."""
    steps = np.round(magnitudes.astype(np.float64) / _STEP)
    whole = np.where(np.isfinite(steps), np.clip(steps, -1e9, 1e9), _ABSENT).astype("<i4")
    digests = (hashlib.blake2b(row.tobytes(), digest_size=4).digest() for row in whole)
    return np.frombuffer(b"".join(digests), "<u4").astype(np.uint32)


def hashes_of(table: LabelledTable) -> str:
    """Write the hashes of the rows that training takes, less simulated ones, in base64."""
    hashes = np.unique(row_hashes(table.magnitudes[~table.simulated & ~table.contradicted]))[:MOST]
    return base64.b64encode(hashes.astype("<u4").tobytes()).decode("ascii")


def seen_share(written: str, magnitudes: NDArray[np.float32]) -> float:
    """Return the share of rows that a card's hashes have; ValueError, half a sentence, where they are none."""
    try:
        known = np.frombuffer(base64.b64decode(written, validate=True), "<u4")
    except (binascii.Error, ValueError):
        raise ValueError("has 'training', 'row_hashes' that are no numbers of 32 bits in base64") from None
    hashes = row_hashes(magnitudes)
    if len(known) >= MOST:
        hashes = hashes[hashes <= known.max()]
    return float(np.isin(hashes, known).mean()) if len(hashes) else 0.0
