"""Runs each command that writes to a mirror again and again, and has it fail at every call that changes the disk.

    crashes.py FOLDER SETTINGS      SETTINGS is JSON: see `main`; it prints a line of JSON for each point

It must be started with the library of faulty_disk.c preloaded. A point is a call of a command at which the process is
killed, or the disk is full, once or for good. After it the mirror must be as it was before or as the command would have
left it, and be found so by the next command: whether that opens it, verifies it, repairs it, repairs it after
mirror.duckdb was lost, or does the same again.
"""

import ctypes
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow.dataset
import pyarrow.parquet
from crash_scenarios import Scenario, scenarios, sedsql

from sedsql import connect
from sedsql.mirror.hats import SCHEMA_FILE
from sedsql.mirror.layout import folder_of
from sedsql.mirror.lock import LOCK
from sedsql.mirror.store import DAMAGED, DATABASE, load, open_mirror

NAMES, WRITES, CREATES = 1, 2, 4
"""Kinds of calls: those that change names or flush, those that write, those that need room for a name."""
COUNT, KILL, FULL_ONCE, FULL = range(4)
FAULTS = {
    "killed": (KILL, NAMES | WRITES),
    "full once": (FULL_ONCE, WRITES | CREATES),
    "full": (FULL, WRITES | CREATES),
}
NEXT = ("open", "verify", "repair", "lost", "again")
"""What is done next."""

State = dict[str, tuple[int, int]]
"""The rows of each table: how many, and a sum of their hashes."""


class Wrong(Exception):  # noqa: N818
    """The mirror is not what it must be."""


def run(scenario: Scenario, folder: Path) -> int:
    """The exit code of the command."""
    words = [word.replace("{m}", str(folder / "m")).replace("{in}", str(folder)) for word in scenario.command]
    return sedsql(*words)


def by_views(mirror: Path, follow: bool = False) -> State:
    """What DuckDB reads through the views; without `follow` as who cannot write to the mirror."""
    if not (mirror / DATABASE).exists():
        return {}
    with connect(mirror).duckdb if follow else open_mirror(mirror) as con:
        tables = con.execute("SELECT table_name FROM mirror.manifest.tables ORDER BY 1").fetchall()
        return {name: _sums(con, f"mirror.{name}") for (name,) in tables}


def by_folder(mirror: Path) -> State:
    """What Arrow reads in the folders of the tables."""
    found = {}
    for stored in load(mirror).values():
        folder = Path(stored.place) / "dataset" if stored.place else mirror / folder_of(stored.table)
        columns = [column.name for column in stored.table.columns.values()]
        rows = pyarrow.dataset.dataset(folder, format="parquet").to_table(columns=columns) if stored.files else None
        with duckdb.connect() as con:
            if rows:
                con.register("came", rows)
            found[stored.table.name] = _sums(con, "came") if rows else (0, 0)
    return dict(sorted(found.items()))


def _sums(con: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    return con.execute(f"SELECT count(*), coalesce(sum(hash(t)), 0)::HUGEINT FROM {table} AS t").fetchall()[0]


def check(folder: Path, states: list[State], part: bool) -> None:
    """Raise Wrong where the mirror is in none of these states, or there is more or less than it needs."""
    mirror = folder / "m"
    if not mirror.exists():
        if {} not in states:
            raise Wrong("the mirror is gone")
        if extra := [name for name in os.listdir(folder) if ".m." in name]:
            raise Wrong(f"left beside: {extra}")
        return
    _check_rows(by_views(mirror), states, part)
    if by_views(mirror) != by_folder(mirror):
        raise Wrong(f"views have {by_views(mirror)}, folders {by_folder(mirror)}")
    tables = load(mirror)
    needed = {DATABASE}
    for stored in tables.values():
        if stored.place:
            continue
        needed |= {*stored.files, f"{folder_of(stored.table)}/{SCHEMA_FILE}"}
        if stored.table.position and stored.order is not None:
            base = Path(folder_of(stored.table)).parent
            needed |= {f"{base}/hats.properties", f"{base}/partition_info.csv"}
            lines = (mirror / base / "partition_info.csv").read_text().split()[1:]
            if sum(int(line.split(",")[2]) for line in lines) != stored.rows:
                raise Wrong(f"{base}/partition_info.csv has other rows")
        known = pyarrow.parquet.read_schema(mirror / folder_of(stored.table) / SCHEMA_FILE).names
        if known != [column.name for column in stored.table.columns.values()]:
            raise Wrong(f"{SCHEMA_FILE} of {stored.table.name} has columns {known}")
    there = {path.relative_to(mirror).as_posix() for path in mirror.rglob("*") if path.is_file()}
    there -= {LOCK, "README.txt", DAMAGED}
    if there != needed:
        raise Wrong(f"left: {sorted(there - needed)}, gone: {sorted(needed - there)}")
    if hollow := [str(path) for path in mirror.rglob("*") if path.is_dir() and not any(path.iterdir())]:
        raise Wrong(f"empty: {hollow}")
    if beside := [name for name in os.listdir(folder) if name.startswith(".")]:
        raise Wrong(f"left beside: {beside}")


def _check_rows(state: State, states: list[State], part: bool) -> None:
    if state in states:
        return
    # Which of the rows came is told by the pieces, which `verify` adds up.
    if part and all(rows <= states[-1].get(name, (-1, 0))[0] for name, (rows, _) in state.items()):
        return
    raise Wrong(f"rows are {state}, and not {' or '.join(map(str, states))}")


def forked(work: Callable[[], object], log: Path) -> tuple[int, str]:
    """How a child that does this ends (its exit code, or less a signal), and what it prints."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(1, 2)
            code = work() or 0
        except Wrong as wrong:
            print(wrong)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), log.read_text(errors="replace")


class Crashes:
    """A scenario, with what is there before and after it."""

    def __init__(self, scenario: Scenario, folder: Path):
        self.scenario, self.folder = scenario, folder
        self.base, self.work, self.log = folder / "base", folder / "work", folder / "log"
        self.disk = ctypes.CDLL(None)
        self.disk.faulty_disk_calls.restype = ctypes.c_long
        self.disk.faulty_disk.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_long]
        self.base.mkdir(parents=True)
        self._do(lambda: scenario.before(self.base))
        self.states = [self._state(self.base)]
        self.calls = {}
        for fault, (_, kinds) in FAULTS.items():
            self.calls[fault] = int(self.failing(COUNT, kinds, 0)[1].split()[-1])
        self.states.append(self._state(self.work))

    def _do(self, work: Callable[[], object]) -> str:
        code, said = forked(work, self.log)
        if code:
            raise SystemExit(said)
        return said

    def _state(self, folder: Path) -> State:
        # The state of a mirror that is well, and it is checked that it is.
        text = self._do(lambda: print(json.dumps(by_views(folder / "m"))))
        state = {name: tuple(sums) for name, sums in json.loads(text.splitlines()[-1]).items()}
        self._do(lambda: check(folder, [state], False))
        return state

    def failing(self, how: int, kinds: int, at: int) -> tuple[int, str]:
        """Run the command on a copy, with a disk that fails at this call."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.base, self.work)

        def work() -> int:
            self.scenario.prepare()
            self.disk.faulty_disk(os.fsencode(self.work), kinds, how, at)
            code = run(self.scenario, self.work)
            self.disk.faulty_disk(b"", 0, COUNT, 0) if how != COUNT else None
            print("calls", self.disk.faulty_disk_calls())
            return code

        return forked(work, self.log)

    def point(self, fault: str, at: int, then: str) -> list[str]:
        """What is wrong after a fault at this call, and what was done next."""
        how, kinds = FAULTS[fault]
        code, said = self.failing(how, kinds, at)
        wrong = []
        if fault != "killed":
            lines = [line for line in said.splitlines() if not line.startswith("calls")]
            if code and (code != 1 or len(lines) != 1 or not lines[0].startswith("Error: ")):
                wrong.append(f"it said, with code {code}: {said}")
        elif code != -9:
            return []  # with threads there may be fewer calls than were counted
        states = self.states if code else self.states[1:]
        for words, checked in (
            ("at once", lambda: _check_rows(by_views(self.work / "m"), states, self.scenario.part)),
            (then, lambda: self.next(then, states)),
            ("again", lambda: self.again(states)),
        ):
            ended, said = forked(checked, self.log)
            if ended:
                wrong.append(f"{words}: {said}")
                break
        return wrong

    def next(self, then: str, states: list[State]) -> None:
        mirror, part = self.work / "m", self.scenario.part
        if not mirror.exists() and then != "again":
            return  # a command that makes it anew
        if then == "open":
            _check_rows(by_views(mirror, follow=True), states, part)
        elif then == "verify":
            if sedsql("mirror", "verify", str(mirror)) and not part:
                raise Wrong("verify is not content")
        elif then in ("repair", "lost"):
            if then == "lost":
                (mirror / DATABASE).unlink(missing_ok=True)
                if not any(mirror.glob("*/*/dataset")):
                    return
            if sedsql("mirror", "repair", str(mirror)):
                raise Wrong("repair fails")
            if then == "lost" and any(stored.place for stored in load(mirror).values()):
                return
        else:
            return
        check(self.work, states, part)
        if sedsql("mirror", "verify", str(mirror)) and not part:
            raise Wrong("verify is not content")

    def again(self, states: list[State]) -> None:
        """The command itself, where it has not been done."""
        mirror, after = self.work / "m", self.states[1]
        if by_views(mirror, follow=True) != after and run(self.scenario, self.work):
            raise Wrong("the command fails when it is run again")
        check(self.work, [after], False)
        if sedsql("mirror", "verify", str(mirror)):
            raise Wrong("verify is not content")


def points(crashes: Crashes, fault: str, most: int | None) -> Iterator[tuple[int, str]]:
    """The calls to fail at, all or so many of them, and what is done next."""
    calls = crashes.calls[fault]
    step = max(1, calls // most) if most else 1
    for number, at in enumerate(range(1, calls + 1, step)):
        yield at, NEXT[number % len(NEXT)]


def main(folder: Path, settings: dict) -> None:
    """settings: "scenarios", their names; "most", how many points of each and fault, or null for all of them; "then",
    what is done next, if not each in turn; "url" of a TAP service."""
    known = scenarios(settings.get("url"))
    for name in settings["scenarios"]:
        crashes = Crashes(known[name], folder / name.replace(" ", "-"))
        for fault in settings.get("faults", FAULTS):
            for at, then in points(crashes, fault, settings.get("most")):
                then = settings.get("then", then)
                wrong = crashes.point(fault, at, then)
                print(
                    json.dumps({"scenario": name, "fault": fault, "at": at, "then": then, "wrong": wrong}), flush=True
                )
        shutil.rmtree(crashes.folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
