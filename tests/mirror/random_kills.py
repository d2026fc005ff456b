"""Kill commands that write to a mirror, by SIGKILL at random moments, and look at what they leave as `crashes.py` does.

    random_kills.py FOLDER SETTINGS      SETTINGS is JSON: see `main`; it prints a line of JSON for each kill

It must be started with the library of faulty_disk.c preloaded.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from crash_scenarios import scenarios
from crashes import COUNT, FULLNESS, NEXT, Crashes


def killed_after(crashes: Crashes, seconds: float) -> tuple[int | None, str]:
    """Run the command on a copy and kill it; gives its exit code and words if it had ended before, or else None."""
    shutil.rmtree(crashes.work, ignore_errors=True)
    shutil.copytree(crashes.base, crashes.work)
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.dup2(os.open(crashes.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(1, 2)
            crashes.scenario.prepare()
            code = crashes.run(crashes.work)
        finally:
            sys.stdout.flush()
            os._exit(code)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None, ""
    return os.waitstatus_to_exitcode(status), crashes.log.read_text(errors="replace")


def _seconds(crashes: Crashes) -> float:
    """How long the command takes when nothing befalls it."""
    before = time.monotonic()
    crashes._failing(COUNT, FULLNESS, 0)
    return time.monotonic() - before


def main(folder: Path, settings: dict) -> None:
    """settings: "scenario", its name; "kills", how many; "seed" of the moments."""
    crashes = Crashes(scenarios("http://localhost")[settings["scenario"]], folder)
    took = min(_seconds(crashes) for _ in range(2))
    moments = random.Random(settings["seed"])
    for number in range(settings["kills"]):
        seconds = moments.uniform(0, took)
        code, said = killed_after(crashes, seconds)
        then = NEXT[number % len(NEXT)]
        wrong = crashes.faults(crashes.work, code, said, then)
        print(json.dumps({"after": seconds, "of": took, "code": code, "then": then, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
