"""What can go wrong between here and a TAP service, by what its caller can do about it."""

from ..errors import Error

_LONGEST = 2_000
"""Letters of a message."""


def one_line(words: str, most: int) -> str:
    """A service's words for a terminal: on one line, without control characters, and not endless."""
    words = " ".join("".join(c if c.isprintable() else " " for c in words[: 4 * most]).split())
    return words if len(words) <= most else words[: most - 4] + " ..."


class TapError(Error):
    """Something between here and a TAP service, in a sentence that can be shown whatever the service's words in it."""

    def __init__(self, message: str = ""):
        super().__init__(one_line(message, _LONGEST))


class Refused(TapError):
    """The service says no, and will say it again: a wrong query, a login, no such table."""


class Unavailable(TapError):
    """The service could not be reached, or never sent a whole answer, however often it was asked."""


class TimedOut(TapError):
    """The query takes longer than the service or this program allows; a smaller one may pass."""


class Unbounded(TapError):
    """What came has no end, or is far more than such an answer ever has; it is not asked for again."""


class TooLarge(TapError):
    """An answer has more than fits in memory; one with fewer rows may fit."""


class Stopped(TapError):
    """`Service.stop` was called."""


class Damaged(TapError):
    """An answer that is not a whole VOTable; the next one may be."""


class Reported(Damaged):
    """An answer that is an error message (DALI 1.1, Section 4.4.1: QUERY_STATUS is ERROR).

    message : the service's words
    after_rows : whether it stands behind rows, so that the query itself was understood
    """

    def __init__(self, message: str, after_rows: bool):
        super().__init__(f"The service reports an error: {message}")
        self.message, self.after_rows = message, after_rows


class Changed(TapError):
    """The columns of an answer are not the expected ones."""
