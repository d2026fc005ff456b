"""A command that runs until the test has seen enough of it."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

COMMAND = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]


@contextmanager
def running(command, says, folder, **environment):
    """Run a command; gives the URL that it says, the process and the file of what it says.

    says : a pattern with the URL for its group
    """
    out = folder / "out.txt"
    with out.open("w") as file:
        process = subprocess.Popen(
            [*COMMAND, *map(str, command)], stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    try:
        until = time.monotonic() + 60
        while not (found := re.search(says, out.read_text())):
            assert process.poll() is None, out.read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield found[1], process, out
    finally:
        process.kill()
        process.wait()
