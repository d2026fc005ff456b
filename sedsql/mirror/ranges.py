"""Compute with sets of whole numbers, such as HEALPix cells, as ranges: sorted, half-open, apart, [(lo, hi), ...]."""

from collections.abc import Iterable
from itertools import pairwise

from sedsql.catalogue.healpix import ORDER, number_of_cells

Ranges = list[tuple[int, int]]

SKY: Ranges = [(0, number_of_cells(ORDER))]
"""All cells of order 12."""


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Join ranges, which may overlap."""
    joined: Ranges = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(high, joined[-1][1])
        elif low < high:
            joined.append((low, high))
    return joined


def minus(ranges: Ranges, others: Ranges) -> Ranges:
    """Keep what is in `ranges` and in none of `others`."""
    left: Ranges = []
    for low, high in ranges:
        for a, b in others:
            if b <= low or a >= high:
                continue
            if low < a:
                left.append((low, a))
            low = max(low, b)
        if low < high:
            left.append((low, high))
    return left


def common(ranges: Ranges, others: Ranges) -> Ranges:
    """Keep what is in both."""
    return minus(ranges, minus(ranges, others))


def bridged(ranges: Ranges, share: float = 0.15) -> Ranges:
    """Fill the smallest gaps, together at most this share of the whole: a service answers few ranges faster."""
    room = size(ranges) * share
    gaps = sorted((after[0] - before[1], place) for place, (before, after) in enumerate(pairwise(ranges)))
    filled = list(ranges)
    for gap, place in gaps:
        room -= gap
        if room < 0:
            break
        filled.append((ranges[place][1], ranges[place + 1][0]))
    return union(filled)


def size(ranges: Ranges) -> int:
    """Count the numbers in the ranges."""
    return sum(high - low for low, high in ranges)


def pairs(ranges: Iterable[Iterable[int]] | None) -> Ranges:
    """Read ranges that were stored as lists."""
    return [(low, high) for low, high in ranges or ()]


def largest_cells(ranges: Ranges) -> list[tuple[int, int]]:
    """The fewest cells (order, number) that together are these ranges of cells of order 12."""
    found = []
    for low, high in ranges:
        while low < high:
            up = 0
            while up < ORDER and low % (4 << 2 * up) == 0 and low + (4 << 2 * up) <= high:
                up += 1
            found.append((ORDER - up, low >> 2 * up))
            low += 1 << 2 * up
    return found
