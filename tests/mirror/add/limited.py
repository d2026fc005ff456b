"""Run `sedsql mirror add` in a process of its own, measured, with small limits, so that a test takes seconds.

The processes are forked from one that has imported what the command imports, which takes a second of processor time.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

MEMORY = 1 << 30
"""Bytes that a process may come to have, whatever it is sent."""
SECONDS = 60.0

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    ["sedsql.cli.main", "sedsql.mirror.add", "sedsql.tap.service", "sedsql.dbapi.connection"]
)


@dataclass
class Ran:
    """bytes : the most memory that it had"""

    code: int
    out: str
    err: str
    bytes: int
    seconds: float


def add(mirror: Path, table: str, url: str, limits: dict | None = None, how: dict | None = None) -> Ran:
    """`mirror add`, the command itself where neither limits nor a way of asking are given."""
    if limits is None and how is None:
        return run(partial(_command, ["mirror", "add", str(mirror), table, "--from", url]))
    return run(partial(_download, str(mirror), table, url, limits or {}, how or {}))


def run(work: Callable[[], None]) -> Ran:
    """A process that is killed when it takes far more memory or time than it may."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        started = time.monotonic()
        process = _FORKED.Process(target=_in_limits, args=(work, out, err))
        process.start()
        most = 0
        while process.is_alive() and time.monotonic() - started < 2 * SECONDS and most < 2 * MEMORY:
            most = max(most, _resident(process.pid))
            process.join(0.02)
        seconds = time.monotonic() - started
        process.kill()
        process.join()
        return Ran(process.exitcode, out.read_text(), err.read_text(), most, seconds)


def _in_limits(work: Callable[[], None], out: Path, err: Path) -> None:
    # Room for what is mapped and never touched; what counts is measured at the end.
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    work()


def _resident(pid: int) -> int:
    """The most memory that a process has had so far (Linux: VmHWM), or 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def _command(words: list[str]) -> None:
    from sedsql.cli.main import main

    sys.argv = ["sedsql", *words]
    main()


def _download(mirror: str, table: str, url: str, limits: dict, how: dict) -> None:
    from sedsql.errors import Error
    from sedsql.mirror.add import Download
    from sedsql.tap.limits import Limits
    from sedsql.tap.service import Service

    try:
        with Download.to(mirror) as download:
            download.table(table, Service(url, limits=Limits(**limits), **how))
    except Error as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
