"""Keep local copies of archive tables."""

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""Called with the name of a stage, how much of it is done, and of how much in all."""


def silent(what: str, done: int, of: int | None) -> None:
    """Show no progress."""
