"""Run commands that write to a mirror, with a disk that fails at each call that changes it.

    crashes.py FOLDER SETTINGS      SETTINGS is JSON: see `main`; it prints a line of JSON for each state that it saw

It must be started with the library of faulty_disk.c preloaded. What a process leaves that is killed before a call, or
for which the disk is full at a call, once or for good, is a state. In each of them the mirror must be as it was before
or as the command would have left it, and be found so by the next command: whether that opens it, verifies it, repairs
it, repairs it after mirror.duckdb was lost as well, or is the same again.
"""

import ctypes
import hashlib
import json
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow.dataset
import pyarrow.parquet
from crash_scenarios import Scenario, scenarios, sedsql

from sedsql.catalogue import PHOTOMETRY
from sedsql.catalogue.classified import LABEL
from sedsql.mirror import silent
from sedsql.mirror.database import open_mirror
from sedsql.mirror.hats import besides
from sedsql.mirror.layout import folder_of
from sedsql.mirror.lock import LOCK
from sedsql.mirror.manifest import DATABASE
from sedsql.mirror.mirror import Mirror, settle_if_cut_off
from sedsql.mirror.repair import DAMAGED
from sedsql.mirror.stored import is_made
from sedsql.mirror.stored.joined import is_stored
from sedsql.mirror.verify import verify

NAMES, WRITES, CREATES = 1, 2, 4
"""Kinds of calls: those that change names or flush, those that write, those that need room for a name."""
FULLNESS = WRITES | CREATES
_COPIES = 8
"""Of so many copies of the folder one is looked at, where not all are: some are alike."""
COUNT, COPY, FULL_ONCE, FULL = range(4)
FAULTS = {
    "killed": (COPY, NAMES | WRITES),
    "full once": (FULL_ONCE, WRITES | CREATES),
    "full": (FULL, WRITES | CREATES),
}
NEXT = ("open", "verify", "repair", "lost", "again")
"""What is done next."""

T = TypeVar("T")
State = dict[str, tuple[int, int]]
"""The rows of each table: how many, and a sum of their hashes."""


class Wrong(Exception):  # noqa: N818
    """The mirror is not what it must be."""


def by_views(mirror: Path) -> State:
    """What DuckDB reads through the views, as they are: nothing is settled before."""
    if not (mirror / DATABASE).exists():
        return {}
    with open_mirror(mirror) as con:
        tables = con.execute(
            "SELECT table_name FROM mirror.manifest.tables WHERE lower(table_name) IN (SELECT lower(schema_name || '.' "
            "|| view_name) FROM duckdb_views() WHERE database_name = 'mirror') ORDER BY 1"
        ).fetchall()
        return {name: _sums(con, f"mirror.{name}") for (name,) in tables}


def by_folders(mirror: Path) -> State:
    """What Arrow reads in the folders of the tables."""
    found = {}
    for stored in Mirror.read(mirror).tables.values():
        if is_made(stored) and not reads_files(mirror, stored.table.name):
            continue  # what its folder has is not what the view gives
        folder = Path(stored.place) / "dataset" if stored.place else mirror / folder_of(stored.table)
        columns = [column.name for column in stored.table.columns.values() if column.name != LABEL]
        with duckdb.connect() as con:
            if stored.files:
                con.register("came", pyarrow.dataset.dataset(folder, format="parquet").to_table(columns=columns))
            found[stored.table.name] = _sums(con, "came") if stored.files else (0, 0)
    return dict(sorted(found.items()))


def reads_files(mirror: Path, table: str) -> bool:
    """Whether a view of what sedsql makes reads what is stored."""
    with open_mirror(mirror) as con:
        return is_stored(con) if table == PHOTOMETRY else table in by_views(mirror)


def _sums(con: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    return con.execute(f"SELECT count(*), coalesce(sum(hash(t)), 0)::HUGEINT FROM {table} AS t").fetchall()[0]


def check_rows(mirror: Path, states: list[State], part: bool) -> State:
    """What the views have; raises Wrong where that is none of the states, or part of the last one where it may be."""
    state = by_views(mirror)
    is_part = part and all(rows <= states[-1].get(name, (-1, 0))[0] for name, (rows, _) in state.items())
    if state not in states and not is_part:
        raise Wrong(f"rows are {state}, and not {' or '.join(map(str, states))}")
    return state


def check(folder: Path, states: list[State], part: bool) -> None:
    """Raise Wrong where the mirror is in none of these states, or there is more or less on the disk than it needs."""
    mirror = folder / "m"
    if beside := [name for name in os.listdir(folder) if name.startswith(".")]:
        raise Wrong(f"left beside: {beside}")
    if not mirror.exists():
        if {} not in states:
            raise Wrong("the mirror is gone")
        return
    state, other = check_rows(mirror, states, part), by_folders(mirror)
    if other != {name: state.get(name) for name in other}:
        raise Wrong(f"views have {state}, folders {other}")
    needed = {DATABASE}
    for stored in Mirror.read(mirror).tables.values():
        if stored.place is None:
            needed |= {*stored.files, *_besides(mirror, stored)}
    there = {path.relative_to(mirror).as_posix() for path in mirror.rglob("*") if path.is_file()}
    there -= {LOCK, "README.txt", DAMAGED}
    if there != needed:
        raise Wrong(f"left: {sorted(there - needed)}, gone: {sorted(needed - there)}")
    if hollow := [str(path) for path in mirror.rglob("*") if path.is_dir() and not any(path.iterdir())]:
        raise Wrong(f"empty: {hollow}")
    problems = [problem for problem in verify(Mirror.read(mirror), silent) if problem.file or not part]
    if problems:
        raise Wrong(f"verify says {problems}")


def _besides(mirror: Path, stored) -> list[str]:
    """The files beside the rows, if they tell of these rows."""
    schema_file, properties, partitions = besides(stored.table)
    known = pyarrow.parquet.read_schema(mirror / schema_file).names
    if known != [column.name for column in stored.table.columns.values()]:
        raise Wrong(f"{schema_file} has the columns {known}")
    if not stored.table.position or stored.order is None:
        return [schema_file]
    lines = (mirror / partitions).read_text().split()[1:]
    if sum(int(line.split(",")[2]) for line in lines) != stored.rows:
        raise Wrong(f"{partitions} has other rows")
    return [schema_file, properties, partitions]


def forked(work: Callable[[], object], log: Path) -> tuple[int, str]:
    """The exit code of a child that does this, and what it prints."""
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
    """A command, and the mirror before and after it."""

    def __init__(self, scenario: Scenario, folder: Path):
        self.scenario = scenario
        self.base, self.work, self.copies, self.log = (folder / name for name in ("base", "work", "copies", "log"))
        self.disk = ctypes.CDLL(None)
        self.disk.faulty_disk.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
        self.base.mkdir(parents=True)
        scenario.once()
        self._do(lambda: scenario.before(self.base))
        self.states = [{} if scenario.damaged else self._state(self.base)]
        code, said = self._failing(COUNT, NAMES | FULLNESS, 0)
        if code:
            raise SystemExit(f"{scenario.command} fails: {said}")
        self.calls = [line.split(" ", 1) for line in self.copies.read_text().splitlines()]
        self.copies.unlink()
        self.states.append(self._state(self.work))

    def _do(self, work: Callable[[], object]) -> str:
        code, said = forked(work, self.log)
        if code:
            raise SystemExit(said)
        return said

    def _state(self, folder: Path) -> State:
        """The state of a mirror, which is checked to be well."""
        text = self._do(lambda: print(json.dumps(by_views(folder / "m"))))
        state = {name: tuple(sums) for name, sums in json.loads(text.splitlines()[-1]).items()}
        self._do(lambda: check(folder, [state], self.scenario.damaged))
        return state

    def _failing(self, how: int, kinds: int, at: int) -> tuple[int, str]:
        """Run the command on a copy, with a disk that fails at this call."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.base, self.work)

        def work() -> int:
            self.scenario.prepare()
            self.disk.faulty_disk(os.fsencode(self.work), kinds, how, at, os.fsencode(self.copies))
            code = self.run(self.work)
            self.disk.faulty_disk(b"", 0, COUNT, 0, b"")
            return code

        return forked(work, self.log)

    def run(self, folder: Path) -> int:
        """The exit code of the command."""
        words = [word.replace("{m}", str(folder / "m")).replace("{in}", str(folder)) for word in self.scenario.command]
        return sedsql(*words)

    def outcomes(self, fault: str, most: int | None) -> Iterator[tuple[int, Path, int | None, str]]:
        """The call that a fault befell, the folder then, and the command's exit code and words, if it was not killed.

        most : so many of them; all if None. Of calls for one file one after the other, the first and the last
        """
        how, kinds = FAULTS[fault]
        if fault != "killed":
            calls = [None, *(one for one in self.calls if int(one[0]) & kinds), None]
            points = [at for at in range(1, len(calls) - 1) if not calls[at - 1] == calls[at] == calls[at + 1]]
            for at in _some(points, most):
                yield at, self.work, *self._failing(how, kinds, at)
            return
        self.copies.mkdir()
        counted = sum(1 for kind, _ in self.calls if int(kind) & kinds)
        self._failing(how, kinds, max(1, counted // (_COPIES * most)) if most else 1)
        found = {_digest(path): path for path in sorted(self.copies.iterdir())}
        for path in _some(list(found.values()), most):
            yield int(path.name), path, None, ""

    def faults(self, folder: Path, code: int | None, said: str, then: str) -> list[str]:
        """List what is wrong with an outcome, and with what is done next."""
        if code and (code != 1 or said.count("\n") != 1 or not said.startswith("Error: ")):
            return [f"it said, with code {code}: {said}"]
        states = self.states[1:] if code == 0 else self.states
        ended, words = forked(lambda: self._check(self._moved(folder), states, then), self.log)
        return [f"{then}: {words}"] if ended else []

    def _moved(self, folder: Path) -> Path:
        """The folder under the name that it had: it is in what commands say."""
        if folder != self.work:
            shutil.rmtree(self.work)
            folder.rename(self.work)
        return self.work

    def _check(self, folder: Path, states: list[State], then: str) -> None:
        mirror, part, is_damaged = folder / "m", self.scenario.part, self.scenario.damaged
        if is_damaged:
            then = "again"  # it is what mends it
        else:
            check_rows(mirror, states, part)
        if mirror.exists() and then != "again":
            if then == "lost":
                (mirror / DATABASE).unlink(missing_ok=True)
                if not any(mirror.glob("*/*/dataset/**/*.parquet")):
                    return  # nothing is left that could be told from
            if then == "open":
                settle_if_cut_off(mirror)
            elif sedsql("mirror", "verify" if then == "verify" else "repair", str(mirror)) and not part:
                raise Wrong(f"{then} fails")
            check(folder, states, part)
        if not is_damaged and by_views(mirror) == self.states[1]:
            settle_if_cut_off(mirror)
        elif self.run(folder):
            raise Wrong("the command fails when it is run again")
        check(folder, self.states[1:], is_damaged)


def _some(every: list[T], most: int | None) -> list[T]:
    """The middle of each of `most` parts of a list, or all of it."""
    if most is None or len(every) <= most:
        return every
    return [every[(2 * k + 1) * len(every) // (2 * most)] for k in range(most)]


def _digest(folder: Path) -> str:
    """Of all that is in a folder, but for what another process writes differently."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = re.sub(r"\d+(?=\.partial|-)", "N", path.relative_to(folder).as_posix())
        is_telling = path.is_file() and path.name != LOCK and not path.name.startswith(f".partial-{DATABASE}")
        content = path.read_bytes() if is_telling else str(path.is_file() and path.stat().st_size > 0).encode()
        digest.update(json.dumps([name, hashlib.sha256(content).hexdigest()]).encode())
    return digest.hexdigest()


def main(folder: Path, settings: dict) -> None:
    """settings: "scenarios", their names; "most", how many points of each and fault, or null for all of them; "then",
    what is done next, if not each in turn; "url" of a TAP service."""
    known = scenarios(settings.get("url"))
    for name in settings["scenarios"]:
        crashes = Crashes(known[name], folder / name.replace(" ", "-"))
        seen: set[tuple[str, bool]] = set()
        for fault in settings.get("faults", FAULTS):
            for at, found, code, said in crashes.outcomes(fault, settings.get("most")):
                key = _digest(found), code == 0
                then = settings.get("then", NEXT[len(seen) % len(NEXT)])
                wrong = [] if key in seen else crashes.faults(found, code, said, then)
                about = {"scenario": name, "fault": fault, "at": at, "then": then, "code": code, "wrong": wrong}
                print(json.dumps(about | {"seen": key in seen}), flush=True)
                seen.add(key)
        shutil.rmtree(crashes.base.parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
