"""Define the errors that a user can mend, in the classes of Python's DB-API (PEP 249, "Exceptions")."""

from collections.abc import Iterable
from difflib import get_close_matches


class Warning(Exception):  # noqa: N818  # PEP 249's name
    """Something may have been done otherwise than it was meant."""


class Error(Exception):
    """A mistake that the user can mend; the message says in one sentence what is wrong and what would work."""


class InterfaceError(Error):
    """A connection or a cursor is used in a wrong way, such as after it was closed."""


class DatabaseError(Error):
    """The database cannot do what it is asked to."""


class DataError(DatabaseError):
    """A value does not fit, such as a text that is no number."""


class OperationalError(DatabaseError):
    """Something outside of the query went wrong: a file is gone, memory is used up, the query was stopped."""


class IntegrityError(DatabaseError):
    """A row breaks a constraint."""


class InternalError(DatabaseError):
    """The database is at fault."""


class ProgrammingError(DatabaseError):
    """A query is wrong: a name does not exist, or there are too many parameters."""


class NotSupportedError(DatabaseError):
    """The database has no such feature."""


def did_you_mean(name: str, names: Iterable[str], otherwise: str = "there is") -> str:
    """Suggest the names that are like an unknown one; list all of them, after `otherwise`, if none is."""
    names = list(names)
    near = get_close_matches(name.lower(), names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"{otherwise} {', '.join(names)}"
