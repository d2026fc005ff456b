"""Run `sedsql serve` as its users do, in processes of its own, and look at their memory."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Memory:
    """Bytes of all processes of a service: before, and the most while something was asked."""

    before: int
    most: int

    @property
    def grown(self) -> int:
        return self.most - self.before


@dataclass(frozen=True)
class Server:
    """A service that runs; its URL ends in /tap."""

    url: str
    process: subprocess.Popen

    @contextmanager
    def memory(self) -> Iterator[Memory]:
        """Look at the memory ten times a second."""
        found = Memory(*[_memory(self.process.pid)] * 2)
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(0.1):
                found.most = max(found.most, _memory(self.process.pid))

        watch = threading.Thread(target=look)
        watch.start()
        try:
            yield found
        finally:
            ended.set()
            watch.join()


@contextmanager
def running(mirror: Path, *options: str) -> Iterator[Server]:
    """Serve a mirror on a free port until the block ends, with further options of `sedsql serve`."""
    with tempfile.TemporaryDirectory(prefix="sedsql-served-") as spool, open(Path(spool, "log"), "w+") as log:
        command = [sys.executable, "-m", "sedsql", "serve", mirror, "--port", "0", "--spool", Path(spool, "jobs")]
        command += options
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
        try:
            yield Server(_url(process, Path(spool, "log")), process)
        finally:
            process.terminate()
            process.wait(30)


def _url(process: subprocess.Popen, log: Path) -> str:
    """Wait until the service says where it is."""
    for _ in range(600):
        if found := re.search(r"http://\S+/tap", log.read_text()):
            url = found[0]
            break
        if process.poll() is not None:
            raise RuntimeError(f"sedsql serve did not start: {log.read_text()[-500:]}")
        time.sleep(0.1)
    else:
        raise RuntimeError(f"sedsql serve says no URL: {log.read_text()[-500:]}")
    _wait_until_ready(url)
    return url


def _wait_until_ready(url: str) -> None:
    import requests

    query = {"QUERY": "SELECT COUNT(*) AS n FROM gaiadr3.gaia_source", "LANG": "ADQL"}
    for _ in range(600):
        try:
            requests.get(f"{url}/sync", params=query, timeout=60).raise_for_status()
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"{url} answers no query")


def _memory(pid: int) -> int:
    """Bytes of a process and of its children; what they share counts once."""
    total = 0
    for one in (pid, *_children(pid)):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:  # it has ended meanwhile
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) << 10
    return total


def _children(pid: int) -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                parent = int(Path(entry.path, "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found += [int(entry.name), *_children(int(entry.name))]
    return found
