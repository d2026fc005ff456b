"""Run a real TAP server on this machine: GAVO DaCHS, with PostgreSQL, over a simulated sky.

Nothing that is installed is changed. The sky is imported once, into a database of its own, and kept for the
next run; each `Dachs` serves a copy of it, with settings of its own, so that several can run at a time.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from . import resources

USER = "dachsroot"
PREFIX = "sedsql_tap_"


class NoDachsError(Exception):
    """DaCHS cannot be run here; says why."""


def check_installed() -> None:
    """Raises NoDachsError, with what would help, where DaCHS cannot be started."""
    if os.getuid() != 0:
        raise NoDachsError(f"DaCHS is run as its user {USER}, which only root can become")
    if not shutil.which("dachs") or not shutil.which("pg_lsclusters") or not Path("/var/gavo/etc/feed").exists():
        raise NoDachsError("DaCHS is not installed: see tests/servers/install-dachs")


class Dachs:
    """A running server.

    Attributes
    ----------
    url : where its TAP service is
    mirror : the folder of the mirror whose rows it serves
    """

    def __init__(self, mirror: Path, database: str, folder: Path):
        self.mirror = mirror
        self._database = database
        self._folder = folder
        self._port = _free_port()
        self._limits: dict[str, int] = {}
        self._process: subprocess.Popen | None = None
        self.url = f"http://127.0.0.1:{self._port}/tap"

    def start(self) -> None:
        """Start it, at the same address as before, and wait until it answers."""
        if self._process:
            return
        (self._folder / "settings").write_text(resources.settings(self._folder, self._port, **self._limits))
        with (self._folder / "logs" / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                _as_user("dachs", "serve", "start", "-f"),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                env=_environment(self._folder),
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while not _answers(self.url):
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"DaCHS did not start: {self.log()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it, as an operator would; SIGINT is ignored by what a shell has started in the background."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it in the middle of what it does."""
        self._end(signal.SIGKILL)

    def configure(self, **limits: int) -> None:
        """Start it again with other settings of DaCHS's section [async]; without any, with its defaults.

        hardMAXREC, defaultMAXREC (rows), defaultExecTime, defaultExecTimeSync (seconds), maxTAPRunning ...
        It stays as it is where it has them.
        """
        if self._process and self._process.poll() is None and limits == self._limits:
            return
        self.stop()
        self._limits = limits
        self.start()

    def limit(self, rows: int) -> None:
        """Start it again with a limit of `rows`, which no MAXREC or TOP can raise."""
        self.configure(hardMAXREC=rows, defaultMAXREC=rows)

    def log(self) -> str:
        """What it has written so far."""
        return (self._folder / "logs" / "server.log").read_text(errors="replace")

    def sql(self, query: str) -> str:
        """What PostgreSQL answers to a query on the tables below, past the server."""
        return _run("psql", "-Atc", query, self._database)

    def _end(self, number: int) -> None:
        if not self._process:
            return
        for signal_number, patience in ((number, 10), (signal.SIGKILL, None)):
            # It may have ended by itself.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal_number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self._process = None


@contextmanager
def serve(mirror: Path) -> Iterator[Dachs]:
    """A running `Dachs` over the tables of a mirror, cleaned up at the end. Raises NoDachsError where it cannot run."""
    check_installed()
    with _alone():
        _start_postgres()
        _drop_orphans()
        template = _imported(mirror)
        # A process may have several: each folder of tests has a fixture of its own.
        database = f"{template}_{time.monotonic_ns()}_{os.getpid()}"
        _run("createdb", "--owner=gavoadmin", f"--template={template}", database)
    folder = Path(tempfile.mkdtemp(prefix="dachs-"))
    server = Dachs(mirror, database, _furnish(folder, database))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        _run("dropdb", "--force", "--if-exists", database)
        shutil.rmtree(folder, ignore_errors=True)


def _imported(mirror: Path) -> str:
    """The database that holds the rows of the mirror; made where an earlier run has not left it."""
    template = PREFIX + _key(mirror)
    if template in _databases():
        return template
    for old in _databases():
        if old.count("_") == PREFIX.count("_"):
            _run("dropdb", "--force", old)
    partial = f"{PREFIX}partial_{os.getpid()}"
    _run("createdb", "--owner=gavoadmin", "--template=gavo", partial)
    folder = _furnish(Path(tempfile.mkdtemp(prefix="dachs-")), partial)
    try:
        (folder / "settings").write_text(resources.settings(folder, 0))
        for schema in resources.SCHEMAS:
            _run("dachs", "imp", f"{schema}/q", "import", cwd=folder / "inputs", env=_environment(folder))
        _fill(partial, mirror)
        _run("psql", "-q", "-c", f"ALTER DATABASE {partial} RENAME TO {template}", "postgres")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return template


def _fill(database: str, mirror: Path) -> None:
    """Copy the rows. Text holds a number exactly: DuckDB writes the shortest digits that read back as the same."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        for table in resources.ARCHIVE:
            csv = Path(folder, f"{table.name}.csv")
            columns = ", ".join(table.columns)
            rows = f"SELECT {columns} FROM '{_folder(mirror, table.name)}/**/*.parquet'"
            con.execute(f"COPY ({rows}) TO '{csv}' (FORMAT csv, HEADER)")
            with csv.open() as text:
                copy = f"COPY {table.name} ({columns}) FROM STDIN (FORMAT csv, HEADER)"
                _run("psql", "-q", "-c", copy, database, stdin=text)
    _run("psql", "-q", "-c", "ANALYZE", database)


def _folder(mirror: Path, table: str) -> Path:
    return mirror / table.replace(".", "/")


def _key(mirror: Path) -> str:
    """Changes with whatever the database is made from."""
    made_from = hashlib.sha256(Path(__file__).read_bytes())
    for schema in resources.SCHEMAS:
        made_from.update(resources.descriptor(schema).encode())
    for table in resources.ARCHIVE:
        for part in sorted(_folder(mirror, table.name).glob("**/*.parquet")):
            made_from.update(part.read_bytes())
    return made_from.hexdigest()[:12]


def _furnish(folder: Path, database: str) -> Path:
    """Makes an empty folder DaCHS's root folder."""
    for schema in resources.SCHEMAS:
        (folder / "inputs" / schema).mkdir(parents=True)
        (folder / "inputs" / schema / "q.rd").write_text(resources.descriptor(schema))
    for name in (
        "etc",
        "logs",
        "state",
        "state/uwsjobs",
        "tmp",
        "cache",
        "web",
        "web/templates",
        "web/nv_static",
        "inputs/__system",
    ):
        (folder / name).mkdir()
    (folder / "etc" / "dsn").write_text(resources.dsn(database))
    (folder / "etc" / "defaultmeta.txt").write_text(resources.SERVICE)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, USER)
    return folder


def _start_postgres() -> None:
    clusters = _run("pg_lsclusters", "--no-header").splitlines()
    if not any("online" in cluster for cluster in clusters):
        if not clusters:
            raise NoDachsError("PostgreSQL has no cluster: see tests/servers/install-dachs")
        subprocess.run(["pg_ctlcluster", *clusters[0].split()[:2], "start"], check=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Only one process of this machine at a time starts PostgreSQL, makes or copies databases."""
    with Path(tempfile.gettempdir(), "sedsql-dachs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _databases() -> list[str]:
    return _run("psql", "-Atc", f"SELECT datname FROM pg_database WHERE datname LIKE '{PREFIX}%'", "postgres").split()


def _drop_orphans() -> None:
    """What a run that was killed has left."""
    for database in _databases():
        *_, pid = database.split("_")
        if database.count("_") > PREFIX.count("_") and not Path(f"/proc/{pid}").exists():
            _run("dropdb", "--force", database)


def _run(*command: str, **how: Any) -> str:
    """What a command says that the user of DaCHS runs."""
    done = subprocess.run(_as_user(*command), capture_output=True, text=True, **{"cwd": "/", **how})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def _as_user(*command: str) -> list[str]:
    # It ends with the tests, also where they are killed.
    return ["setpriv", f"--reuid={USER}", "--regid=gavo", "--init-groups", "--pdeathsig=TERM", *command]


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "GAVOSETTINGS": str(folder / "settings"),
        "GAVOCUSTOM": os.devnull,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/availability", timeout=5) as answer:
            return b"true" in answer.read()
    except OSError:
        return False
