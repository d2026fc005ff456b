"""What a worker is told once, when it starts."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

MB = 1 << 20


@dataclass(frozen=True)
class UploadLimits:
    """The limits for a table that is uploaded.

    bytes : of the VOTable
    rows, columns : of the table
    row : bytes of a row, and so of a cell
    """

    bytes: int = 100 * MB
    rows: int = 1_000_000
    columns: int = 1_000
    row: int = MB


@dataclass(frozen=True)
class Settings:
    """The mirror that workers read, and how much of the machine each may take.

    mirror : its folder
    models, default, engine : see `sedsql.connect`
    temporary : a folder for what does not fit in memory; each worker has one of its own in it, emptied at its start
    memory : bytes that a worker may have in all
    disk : bytes that a worker may write in `temporary`, and of a result
    threads : of DuckDB, for each worker
    uploads : limits for each uploaded table
    """

    mirror: Path
    temporary: Path
    models: tuple[Path, ...] = ()
    default: str | None = None
    engine: str | None = None
    memory: int = 2048 * MB
    disk: int = 10240 * MB
    threads: int = 2
    uploads: UploadLimits = field(default_factory=UploadLimits)

    def of_worker(self, number: int) -> "Settings":
        """The settings of one worker, with a temporary folder of its own."""
        return replace(self, temporary=self.temporary / f"worker-{number}")

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Settings":
        values = json.loads(text)
        paths = {name: Path(values[name]) for name in ("mirror", "temporary")}
        models = tuple(Path(path) for path in values["models"])
        return cls(**{**values, **paths, "models": models, "uploads": UploadLimits(**values["uploads"])})
