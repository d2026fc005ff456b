"""What a server and its workers tell each other: a task, the head of an answer, and how it ended."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from sedsql.service.errors import ServiceError


class Sendable(Protocol):
    """What a process is asked to do."""

    def to_json(self) -> bytes: ...


@dataclass(frozen=True)
class Task:
    """A query to run.

    query : ADQL
    maxrec : rows of the answer at most; None for all
    format : the name of a format, one of `sedsql.files.streams.FORMATS`
    uploads : names of tables, `TAP_UPLOAD.name` in the query, and the VOTables as they came
    output : the file that the answer is written to, beside it first and renamed when it is whole and on the disk;
        None where its bytes are streamed
    room : bytes that `output` may have; None for any
    infos : names and values of INFO elements, or what the format has for them
    """

    query: str
    maxrec: int | None = None
    format: str = "votable"
    uploads: tuple[tuple[str, Path], ...] = ()
    output: Path | None = None
    room: int | None = None
    infos: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Task":
        values = json.loads(text)
        uploads = tuple((name, Path(path)) for name, path in values["uploads"])
        infos = tuple((name, value) for name, value in values["infos"])
        output = Path(values["output"]) if values["output"] else None
        return cls(**{**values, "uploads": uploads, "infos": infos, "output": output})


@dataclass(frozen=True)
class Head:
    """The head of an answer whose query is good and has begun to give rows.

    mime : the Content-Type
    """

    mime: str


@dataclass(frozen=True)
class Outcome:
    """How a query ended.

    rows, bytes : of the answer, where there is no error
    mime : the Content-Type
    overflow : whether there were more rows than MAXREC
    seconds : that it ran; 0 where it never began
    error : what went wrong, or None
    told : whether the answer itself tells the error, so that a reader takes it for a whole document with an error
    """

    rows: int = 0
    bytes: int = 0
    mime: str | None = None
    overflow: bool = False
    seconds: float = 0.0
    error: ServiceError | None = None
    told: bool = False
