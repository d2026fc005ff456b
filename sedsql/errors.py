"""The errors that a user can mend, in the classes of Python's DB-API (PEP 249, "Exceptions"), and their hints."""

from collections.abc import Iterable
from difflib import get_close_matches


class Warning(Exception):  # noqa: N818  # PEP 249's name
    """Something that was done may not be what was meant."""


class Error(Exception):
    """A mistake that the user can mend; the message is one sentence that says what and what would work."""


class InterfaceError(Error):
    """A connection or a cursor is used in a way that it is not made for, such as when it is closed."""


class DatabaseError(Error):
    """The database cannot do what it is asked to."""


class DataError(DatabaseError):
    """A value does not fit, such as a text that is no number."""


class OperationalError(DatabaseError):
    """Something happened outside of the query: a file is gone, memory is used up, the query was stopped."""


class IntegrityError(DatabaseError):
    """A row breaks a constraint."""


class InternalError(DatabaseError):
    """The database is at fault."""


class ProgrammingError(DatabaseError):
    """A query is not good: names that are not there, parameters that are too many."""


class NotSupportedError(DatabaseError):
    """There is no such thing in this database."""


def did_you_mean(name: str, names: Iterable[str], otherwise: str = "there is") -> str:
    """The names that are like the one that is not there; all of them, after `otherwise`, if none is."""
    names = list(names)
    near = get_close_matches(name.lower(), names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"{otherwise} {', '.join(names)}"
