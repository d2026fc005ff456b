"""Choices from a seed, kept so that the same can be chosen again, or less."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Whole numbers from a seed, or those of an earlier run; where these end, zeros, which choose the simplest.

    Attributes
    ----------
    made : what was chosen so far
    """

    def __init__(self, seed: int | str | None = None, given: Sequence[int] | None = None):
        self._random = random.Random(seed)
        self._given = given
        self.made: list[int] = []

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        if self._given is None:
            value = int(self._random.random() * n)
        else:
            value = min(self._given[len(self.made)], n - 1) if len(self.made) < len(self._given) else 0
        self.made.append(value)
        return value

    def one(self, values: Sequence[T]) -> T:
        """One of the values, the first of which is the simplest."""
        return values[self.below(len(values))]

    def chance(self, percent: float) -> bool:
        """True in so many of a hundred cases; False is simpler."""
        return self.below(1000) >= 1000 - percent * 10

    def weighed(self, *values: tuple[int, T]) -> T:
        """One of several values, each with a weight before it; the first is the simplest."""
        place = self.below(sum(weight for weight, _ in values))
        for weight, value in values:
            place -= weight
            if place < 0:
                return value
        raise AssertionError("weights are positive")

    def some(self, values: Sequence[T], least: int = 0) -> list[T]:
        """Some of the values, each once, in their order."""
        kept = [value for value in values if self.chance(50)]
        return kept if len(kept) >= least else list(values[:least])


def shrunk(made: list[int], fails: Callable[[list[int]], bool], tries: int = 400) -> list[int]:
    """Fewer and smaller choices for which something still fails; `fails` is asked so many times at most."""
    left, smaller = tries, True
    while smaller:
        smaller = False
        size = max(1, len(made) // 2)
        while size:
            place = 0
            while place < len(made):
                for candidate in _less(made, place, size):
                    if not left:
                        return made
                    left -= 1
                    if fails(candidate):
                        made, smaller = candidate, True
                        break
                else:
                    place += size
            size //= 2
    return made


def _less(made: list[int], place: int, size: int) -> Iterator[list[int]]:
    """The choices with some from a place on left out, then with these as simple as can be."""
    yield made[:place] + made[place + size :]
    if any(made[place : place + size]):
        yield made[:place] + [0] * len(made[place : place + size]) + made[place + size :]
        if size == 1 and made[place] > 1:
            yield [*made[:place], made[place] // 2, *made[place + 1 :]]
