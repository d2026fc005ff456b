"""Define the errors of asking a TAP service, each for one thing that the caller can do about it."""

from sedsql.errors import Error

_LONGEST = 2_000
"""Letters of a message."""


def one_line(words: str, most: int) -> str:
    """Make a service's words fit for a terminal: one line, without control characters, not endless."""
    words = " ".join("".join(c if c.isprintable() else " " for c in words[: 4 * most]).split())
    return words if len(words) <= most else words[: most - 4] + " ..."


class TapError(Error):
    """An error in asking a TAP service; its message is safe to show, whatever a service wrote into it."""

    def __init__(self, message: str = ""):
        super().__init__(one_line(message, _LONGEST))


class Refused(TapError):
    """The service refuses, and would refuse again: a wrong query, a login, no such table."""


class Unavailable(TapError):
    """The service could not be reached, or never sent a whole answer, in all attempts."""


class TimedOut(TapError):
    """The query takes longer than the service or this program allows; a smaller one may pass."""


class Unbounded(TapError):
    """An answer has no end, or is far larger than such an answer ever is; it is not asked for again."""


class TooLarge(TapError):
    """An answer does not fit in memory; one with fewer rows may fit."""


class Stopped(TapError):
    """`Service.stop` was called."""


class Damaged(TapError):
    """An answer is not a whole VOTable; the next one may be."""


class Reported(Damaged):
    """An answer is an error message (DALI 1.1, Section 4.4.1: QUERY_STATUS is ERROR).

    message : the service's words
    after_rows : whether it comes after rows, so that the query itself was understood
    """

    def __init__(self, message: str, after_rows: bool):
        super().__init__(f"The service reports an error: {message}")
        self.message, self.after_rows = message, after_rows


class Changed(TapError):
    """The columns of an answer differ from the expected ones."""
