"""Bound the memory that requests take while they are received, whoever sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sedsql.service.errors import ServiceError

FREE = 64 << 10
"""Bytes of a request that are not counted: short ones come through however many long ones there are."""


class Memory:
    """Counts the bytes of bodies that are in memory."""

    def __init__(self, most: int = 512 << 20):
        """most : bytes of all bodies"""
        self._most, self._taken = most, 0

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Give what tells how many bytes of one body are held now. It raises ServiceError where that is too much."""
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            more = max(size - FREE, 0) - held
            if more > 0 and self._taken + more > self._most:
                raise ServiceError(
                    "The service receives too many long requests at once; try again in a minute.", 503, 60
                )
            held += more
            self._taken += more

        try:
            yield hold
        finally:
            self._taken -= held
