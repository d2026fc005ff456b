"""Keep the asynchronous jobs of the faulty server."""

import time
from dataclasses import dataclass, field

import pyarrow as pa

from .archive import Answer

ENDED = ("COMPLETED", "ERROR", "ABORTED")


@dataclass
class Request:
    """What was asked; `query` is the ADQL, of the job too where it is about one."""

    method: str
    path: str
    query: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, pa.Table] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    time: float = field(default_factory=time.monotonic)
    status: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.query}"


@dataclass
class Job:
    request: Request
    phase: str = "PENDING"
    answer: Answer | None = None
    error: str = ""
