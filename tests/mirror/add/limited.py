"""Run `sedsql mirror add` in a process of its own, measured, with small limits, so that a test takes seconds.

As a program: limited.py MIRROR TABLE URL '{"slow_seconds": 1}' '{"timeout": 2}', which are `Limits` and how
`Service` asks.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MEMORY = 1 << 30
"""Bytes that a process may come to have, whatever it is sent."""
SECONDS = 60.0

_COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]


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
    words = [str(mirror), table]
    if limits is None and how is None:
        return run([*_COMMAND, "mirror", "add", *words, "--from", url])
    return run([sys.executable, __file__, *words, url, json.dumps(limits or {}), json.dumps(how or {})])


def run(command: list[str]) -> Ran:
    """A process that is killed when it takes far more memory or time than it may."""

    def limit() -> None:
        # Room for what is mapped and never touched; what counts is measured at the end.
        resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))

    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit
    ) as process:
        most = 0
        while process.poll() is None and time.monotonic() - started < 2 * SECONDS and most < 2 * MEMORY:
            most = max(most, _resident(process.pid))
            time.sleep(0.02)
        process.kill()
        out, err = process.communicate()
    return Ran(process.returncode, out, err, most, time.monotonic() - started)


def _resident(pid: int) -> int:
    """The most memory that a process has had so far (Linux: VmHWM), or 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM")), 0)


def main(mirror: str, table: str, url: str, limits: str, how: str) -> None:
    from sedsql.errors import Error
    from sedsql.mirror.add import Download
    from sedsql.tap.limits import Limits
    from sedsql.tap.service import Service

    try:
        with Download.to(mirror) as download:
            download.table(table, Service(url, limits=Limits(**json.loads(limits)), **json.loads(how)))
    except Error as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
