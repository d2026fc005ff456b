"""Define the faults that `servers.faulty.FaultyServer` can be told to have."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import pyarrow as pa

from .archive import Answer

INSTEAD = ("status", "error_votable", "html", "slow", "hostile")
"""Come before the request is looked at."""
PHASE = ("phase",)
"""Come when an asynchronous job is started."""
ROWS = ("silent_limit", "overflow", "late_error", "change")
"""Come when rows are answered, and change them."""
BYTES = ("cut", "stall", "truncate", "garbage")
"""Come when rows are answered, and change how they are sent."""


@dataclass
class Fault:
    """Something that goes wrong.

    kind, value :
        'status'         an HTTP status, as 503; with retry_after in seconds, body
        'error_votable'  a VOTable with QUERY_STATUS ERROR and this message; with status, 200 if not given
        'html'           a web page with status 200
        'slow'           waits so many seconds before it answers
        'hostile'        what this function of the handler and the request sends: see `hostile`
        'phase'          an asynchronous job that it starts ends in this phase, as 'ERROR', 'ABORTED', or stays in it,
                         as 'EXECUTING'; with message
        'silent_limit'   only so many rows, and not a word of it
        'overflow'       only so many rows, and OVERFLOW
        'late_error'     only so many rows, and after them QUERY_STATUS ERROR; with message
        'change'         rows and columns as this function of an Answer gives them: see `drop`, `rename` ...
        'cut'            the connection ends after this part (0 to 1) of the answer; with chunked
        'stall'          half the answer, so many seconds of silence, and the rest
        'truncate'       the VOTable ends after this part (0 to 1) of it, in an HTTP answer without fault
        'garbage'        'xml' or 'base64': something in the VOTable that is neither
    on : the requests that it befalls: a regular expression, found in "METHOD /path QUERY"
    times : how many of them; math.inf for all
    after : how many of them are spared before
    """

    kind: str
    value: Any = None
    on: str = ""
    times: float = 1
    after: int = 0
    status: int = 200
    message: str = "Something went wrong"
    retry_after: float | None = None
    chunked: bool = False
    body: str = ""

    def __post_init__(self) -> None:
        if self.kind not in (*INSTEAD, *PHASE, *ROWS, *BYTES):
            raise ValueError(f"there is no fault {self.kind!r}")

    def befalls(self, request: str) -> bool:
        """Whether it strikes now; it counts."""
        if self.times <= 0 or not re.search(self.on, request, re.IGNORECASE):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


def on_rows(fault: Fault, answer: Answer) -> Answer:
    """The answer as the fault leaves it."""
    if fault.kind == "change":
        return fault.value(answer)
    return replace(answer, rows=answer.rows.slice(0, fault.value), overflow=fault.kind == "overflow")


def on_text(fault: Fault, text: bytes) -> bytes:
    """The VOTable as the fault leaves it."""
    if fault.kind == "truncate":
        return text[: int(len(text) * fault.value)]
    if fault.kind == "garbage":
        middle = text.index(b"<DATA>") + (len(text) - text.index(b"<DATA>")) // 2
        # A letter less and the octets are out of step; characters outside of the alphabet may be skipped.
        return text[:middle] + (b"<<&" if fault.value == "xml" else b"!*") + text[middle + 1 :]
    return text


def drop(column: str) -> Callable[[Answer], Answer]:
    """An answer without one of the columns that were asked for."""

    def changed(answer: Answer) -> Answer:
        return replace(
            answer, columns=[c for c in answer.columns if c.name != column], rows=answer.rows.drop_columns(column)
        )

    return changed


def describe(column: str, **about: str) -> Callable[[Answer], Answer]:
    """A column with another name, unit or ucd than it has."""

    def changed(answer: Answer) -> Answer:
        columns = [replace(c, **about) if c.name == column else c for c in answer.columns]
        return replace(answer, columns=columns, rows=answer.rows.rename_columns([c.name for c in columns]))

    return changed


def retype(column: str, datatype: pa.DataType) -> Callable[[Answer], Answer]:
    """A column of another type, as pa.string()."""

    def changed(answer: Answer) -> Answer:
        index = answer.rows.column_names.index(column)
        values = answer.rows.column(index).cast(datatype, safe=False)
        return replace(answer, rows=answer.rows.set_column(index, column, values))

    return changed


def always(fault: Fault) -> Fault:
    """The same, for every request that it can befall."""
    return replace(fault, times=inf)
