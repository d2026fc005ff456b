"""The base of every error that a user can mend, and the hints that they give."""

from collections.abc import Iterable
from difflib import get_close_matches


class Error(Exception):
    """A mistake that the user can mend; the message is one sentence that says what and what would work."""


def did_you_mean(name: str, names: Iterable[str], otherwise: str = "there is") -> str:
    """The names that are like the one that is not there; all of them, after `otherwise`, if none is."""
    names = list(names)
    near = get_close_matches(name.lower(), names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"{otherwise} {', '.join(names)}"
