"""Start a datalab as the platform does: as a user that nobody knows, with a home folder in a tree that is read-only.

DATALABS_RUN in the environment is the command that runs an image, sedsql-page or sedsql-lab, such as `podman run`; else
it is this checkout, in namespaces of Linux, where the tree is read-only and the user has another number.
"""

import os
import shlex
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = shlex.split(os.environ.get("DATALABS_RUN", ""))
UID = 54321
# The first has the rights to mount, the second those of no one.
_INSIDE = f"""
mount --bind "$1" /media && mount --bind "$1/home" /media/home && mount -o remount,bind,ro /media \\
    && mount -o remount,bind,ro / && shift && cd / && exec unshare --user --map-user={UID} --map-group={UID} -- "$@"
"""
_NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _INSIDE, "sh"]


def ran(media, command=(), image="sedsql-page", **variables):
    """A process that has begun: of the datalab, or of another command in its place."""
    if RUN:
        home = media / "home"
        os.chown(home, UID, UID)
        options = [f"--user={UID}:{UID}", "--read-only", "--rm", "--network=host", f"--volume={media}:/media"]
        options += [f"--env={name}={value}" for name, value in variables.items()]
        whole = [*RUN, *options, image, *command]
        environment = None
    else:
        whole = [*_NAMESPACES, str(media), *(command or [str(ROOT / "datalabs" / "start.sh")])]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {"HOME": "/", "PATH": path, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.Popen(whole, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def needs_namespaces(media):
    tried = ran(media, ["true"])
    said, _ = tried.communicate(timeout=60)
    if tried.returncode:
        pytest.skip(f"the platform cannot be played here: {said.strip()}")


@contextmanager
def started(media, port, **how):
    """A datalab that listens; gives its process.

    how : image and variables of `ran`
    """
    process = ran(media, **how)
    try:
        end = time.monotonic() + 120
        while True:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < end, "it does not listen"
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
