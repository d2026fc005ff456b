"""A job, as UWS 1.1 has it (Section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Phase(StrEnum):
    """The phases of UWS 1.1, Section 2.1.3, that jobs have here."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


ACTIVE = frozenset({Phase.PENDING, Phase.QUEUED, Phase.EXECUTING})
"""Phases that change; a job in another one stays as it is until it is destroyed."""


@dataclass(frozen=True)
class Job:
    """A job at one moment; times are UTC, of whole milliseconds, as documents show them.

    Attributes
    ----------
    id : of letters and digits, not to be guessed
    owner : the user whose it is; None for an anonymous one
    client : whose turn it takes where there is no owner, such as an address
    parameters : names and values as they came, in their order
    uploads : names of tables, and of files in the job's folder
    duration : seconds that it may run; 0 for any time
    destruction : when it is deleted, with its files
    error, status : what went wrong, in one sentence, and the status that HTTP has for it
    rows, overflow, mime : of its result, once it is COMPLETED
    bytes : of its files: of its uploads, and once it is COMPLETED of its result
    attempts : times that it began to run
    """

    id: str
    phase: Phase
    created: datetime
    destruction: datetime
    duration: int
    client: str
    owner: str | None = None
    runid: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    uploads: tuple[tuple[str, str], ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    error: str | None = None
    status: int | None = None
    rows: int = 0
    bytes: int = 0
    overflow: bool = False
    mime: str | None = None
    attempts: int = 0

    @property
    def is_active(self) -> bool:
        """Whether its phase may still change."""
        return self.phase in ACTIVE


def now() -> datetime:
    """The time, as jobs have it."""
    time = datetime.now(UTC)
    return time - timedelta(microseconds=time.microsecond % 1000)
