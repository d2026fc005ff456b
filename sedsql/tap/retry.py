"""Ask a service again where an error may be gone the next time."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from sedsql.tap.errors import Damaged, Stopped, Unavailable, one_line

_T = TypeVar("_T")
LONGEST = 120.0
"""Seconds between two attempts at most, also where Retry-After says more."""


class TransientError(Exception):
    """An error that may be gone the next time; wait : seconds that the service asks for."""

    def __init__(self, reason: str, wait: float | None = None):
        super().__init__(reason)
        self.wait = wait


class Slow(TransientError):
    """An answer takes longer than the service or the network allows a synchronous query."""


@dataclass(frozen=True)
class RetryPolicy:
    """Asks a question several times, with pauses between.

    attempts : in all
    delay : seconds before the second one; each time twice as long, and by chance up to half of it more or less
    on_retry : called with the reason each time
    stopped : ends all waiting
    """

    attempts: int = 5
    delay: float = 2.0
    on_retry: Callable[[str], None] | None = None
    stopped: Event = field(default_factory=Event)

    def pause(self, seconds: float) -> None:
        """Wait, unless it is stopped."""
        if self.stopped.wait(seconds):
            raise Stopped("It was stopped.")

    def ask(self, question: Callable[[], _T], whom: str, slow_passes: bool = True) -> _T:
        """Ask until there is an answer; Unavailable after the last attempt.

        slow_passes : ask again after Slow, too; otherwise the caller gets it
        """
        attempt = 0
        while True:
            self.pause(0)
            attempt += 1
            try:
                return question()
            except (TransientError, Damaged) as error:
                if isinstance(error, Slow) and not slow_passes:
                    raise
                reason, wait = one_line(str(error), 1_000).rstrip("."), getattr(error, "wait", None)
            if attempt >= self.attempts:
                often = "once" if attempt == 1 else f"{attempt} times"
                raise Unavailable(f"{whom} gave no whole answer, asked {often}; the last time: {reason}.")
            if self.on_retry:
                self.on_retry(reason)
            if wait is None:
                wait = self.delay * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
            self.pause(min(wait, LONGEST))
