"""Every module can be imported where Python has only what it has on every system, as on Windows."""

import subprocess
import sys

UNIX_ONLY = ("fcntl", "grp", "posix", "pwd", "resource", "termios", "tty")
IMPORT_ALL = f"""
import os, pkgutil, sys

del os.fork, os.register_at_fork
# The standard library's own modules have taken what they need of these.
import asyncio, ctypes, getpass, multiprocessing, shutil, subprocess, tempfile, zipfile
for name in {UNIX_ONLY}:
    sys.modules[name] = None

# Others' packages are not what is tested, and know Windows by sys.platform, which is not it here.
import IPython, joblib, matplotlib.pyplot, mocpy, rich.console, skl2onnx, sklearn.ensemble
import astropy.table, onnxruntime, pyarrow.dataset, pyvo, sqlalchemy, typer

import sedsql
names = [module.name for module in pkgutil.walk_packages(sedsql.__path__, "sedsql.")]
for name in names:
    if not name.endswith("__main__"):
        __import__(name)
print(len(names))
"""


def test_every_module_can_be_imported_without_what_unix_alone_has():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200
