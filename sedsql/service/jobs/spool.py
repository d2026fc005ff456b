"""The folder of a service: its jobs' database, a folder a job, and what is on its way in.

SPOOL/lock             held by the server and its workers, so that no other server takes the folder before they ended
SPOOL/jobs.sqlite      the jobs
SPOOL/jobs/ID/         a job's uploads, and its result
SPOOL/incoming/        uploads that are received, and those of queries that are no jobs
SPOOL/temporary/       what does not fit in the memory of workers
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from sedsql.files.atomic import flush
from sedsql.service.errors import ServiceError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

RESULT = "result"
_SECONDS = 10.0
"""That a server waits for the workers of one before it, which end when it has."""


class Spool:
    """A spool folder that this process holds.

    Attributes
    ----------
    folder : absolute
    lock : the open file of the lock, which workers keep open too
    database, temporary : paths
    """

    def __init__(self, folder: str | os.PathLike, *, wait: float = _SECONDS):
        """Take hold of a folder, which is made where it is not there.

        wait : seconds to wait for another server's end

        ServiceError where another server holds it, or it cannot be written.
        """
        if fcntl is None:
            raise ServiceError(
                "A service runs on Linux and macOS alone: this system cannot lock a spool folder so.", 503
            )
        self.folder = Path(folder).absolute()
        self.database, self.temporary = self.folder / "jobs.sqlite", self.folder / "temporary"
        self._jobs, self._incoming = self.folder / "jobs", self.folder / "incoming"
        try:
            for path in (self.folder, self._jobs, self._incoming, self.temporary):
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ServiceError(f"The spool folder {folder} cannot be written: {error.strerror}.", 503) from None
        until = time.monotonic() + wait
        while not self._hold():
            if time.monotonic() > until:
                who = os.pread(self.lock, 100, 0).decode("ascii", "replace").strip() or "another process"
                os.close(self.lock)
                why = f"The spool folder {folder} is used by another server ({who})"
                raise ServiceError(f"{why}; stop that, or name another folder.", 503)
            time.sleep(0.1)
        for path in (self._incoming, self.temporary):  # what a server before left there is nobody's
            shutil.rmtree(path)
            path.mkdir(mode=0o700)
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, f"process {os.getpid()}".encode(), 0)

    def _hold(self) -> bool:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # such as of a network's file system without locks
            raise ServiceError(f"The spool folder {self.folder} cannot be locked: {error.strerror}.", 503) from None
        return True

    def close(self) -> None:
        """Let the folder go."""
        os.close(self.lock)

    def incoming(self) -> Path:
        """A new path to write an upload to; who writes it removes it, unless a job takes it."""
        return self._incoming / secrets.token_hex(8)

    def folder_of(self, job_id: str) -> Path:
        return self._jobs / job_id

    def result(self, job_id: str) -> Path:
        """The file of a job's result, which is there once the job is COMPLETED."""
        return self._jobs / job_id / RESULT

    def take(self, job_id: str, path: Path) -> str:
        """Move an upload into a job's folder, so that it stays even if the machine fails; gives its new name."""
        folder = self.folder_of(job_id)
        folder.mkdir(exist_ok=True, mode=0o700)
        name = f"upload-{secrets.token_hex(4)}"
        flush(path)
        path.rename(folder / name)
        flush(folder)
        flush(self._jobs)
        return name

    def size(self, job_id: str, names: Collection[str]) -> int:
        """The bytes of these files of a job, those that are there."""
        files = [path for path in map(self.folder_of(job_id).joinpath, names) if path.exists()]
        return sum(path.stat().st_size for path in files)

    def make(self, job_id: str) -> None:
        """Make the folder of a job that is to run."""
        self.folder_of(job_id).mkdir(exist_ok=True, mode=0o700)

    def keep(self, job_id: str, names: Collection[str]) -> list[str]:
        """Remove all but these files of a job, and its folder where that is empty; gives what was removed."""
        folder = self.folder_of(job_id)
        try:
            others = [path for path in folder.iterdir() if path.name not in names]
        except FileNotFoundError:
            return []
        for path in others:
            path.unlink(missing_ok=True)
        if not names:
            folder.rmdir()
        return [str(path) for path in others]

    def remove(self, job_id: str) -> None:
        """Remove the folder of a job."""
        shutil.rmtree(self.folder_of(job_id), ignore_errors=True)

    def sweep(self, job_ids: Collection[str]) -> list[str]:
        """Remove the folders that belong to no job; gives what was removed."""
        orphans = [path for path in self._jobs.iterdir() if path.name not in job_ids]
        for path in orphans:
            shutil.rmtree(path)
        return [str(path) for path in orphans]
