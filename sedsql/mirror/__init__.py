"""Local copies of archive tables."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with what is done, how much of it, and of how much."""


def silent(what: str, done: int, of: int | None) -> None:
    """Tells nobody."""
