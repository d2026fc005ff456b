"""Start a download again and again, and kill it with SIGKILL at a random moment: killed.py MIRROR URL TIMES."""

import os
import random
import signal
import sys
import time

from sedsql.mirror.add import Download
from sedsql.tap.service import Service

SOONEST, LATEST = 0.05, 0.8
"""Seconds: from before the mirror is opened to after several pieces."""


def download(mirror: str, url: str) -> None:
    with Download.to(mirror) as held:
        held.resume()
        held.table("gaiadr3.gaia_source", Service(url))


def main(mirror: str, url: str, times: int) -> int:
    """How often a process was killed before its work was done; a finished mirror is begun anew."""
    chance = random.Random(1)
    killed = 0
    while killed < times:
        # A fork, since to import everything takes longer than the download.
        child = os.fork()
        if child == 0:
            try:
                download(mirror, url)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        time.sleep(chance.uniform(SOONEST, LATEST))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise SystemExit("the download failed")
        if os.WIFEXITED(status):
            os.rename(mirror, f"{mirror}.{killed}.{time.monotonic_ns()}")
    return killed


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
