"""Keep a comparison within its budget: what is not needed is made only while there is time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sedsql.learn.comparison.checkpoint import Checkpoint

WORK = 0.8
"""The part of a budget for all pieces; in the rest the figures are computed and drawn."""


@dataclass
class Clock:
    """When the pieces have to be finished.

    Attributes
    ----------
    ends : by `time.monotonic`
    reserved : a guess of the seconds for all that is not a fit of an algorithm to a fold
    missed : what there was no time for
    """

    ends: float
    reserved: float = 0.0
    missed: list[str] = field(default_factory=list)
    _longest: dict[str, float] = field(default_factory=dict)

    def left(self) -> float:
        """Return the seconds that are left, below 0 where there are none."""
        return self.ends - time.monotonic()

    def miss(self, what: str) -> None:
        if what not in self.missed:
            self.missed.append(what)

    def optional(
        self, kept: Checkpoint, name: str, what: str, make: Callable[[], Mapping[str, Any]], seconds: float = 0.0
    ) -> dict[str, Any] | None:
        """Read or make a piece; None where there is no time to make it.

        It is taken to need as many `seconds` as given, or as the longest piece that was made of the same `what`.
        """
        if name in kept:
            return kept.piece(name, make)
        if self.left() < max(seconds, self._longest.get(what, 0.0)):
            self.miss(what)
            return None
        begun = time.monotonic()
        made = kept.piece(name, make)
        self._longest[what] = max(time.monotonic() - begun, self._longest.get(what, 0.0))
        return made
