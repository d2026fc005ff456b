"""List the commands that write to a mirror, each with a small mirror to write to."""

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from sedsql.catalogue import Column, table_of
from sedsql.cli import main
from sedsql.mirror import layout, sample
from sedsql.mirror.add import download
from sedsql.mirror.cells import centres_of
from sedsql.mirror.lock import writing
from sedsql.mirror.manifest import DATABASE
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import TableWriter

TABLE = table_of(
    "gaia.t",
    "Some sources",
    [
        Column("source_id", "BIGINT", None, "meta.id;meta.main"),
        Column("ra", "DOUBLE", "deg", "pos.eq.ra;meta.main"),
        Column("dec", "DOUBLE", "deg", "pos.eq.dec;meta.main"),
    ],
)


@dataclass(frozen=True)
class Scenario:
    """A command that writes.

    before : makes what is there before, in an empty folder
    command : arguments of `sedsql`; "{m}" is the mirror, "{in}" the folder that both are in
    part : whether what came before a failure is kept, as a download does, so that any rows of both states are right
    once : is called in the process that all others are forked from
    prepare : is called in the process of the command before it
    damaged : whether what is there before is damaged, so that only what is there after can be checked
    """

    before: Callable[[Path], None]
    command: tuple[str, ...]
    part: bool = False
    once: Callable[[], object] = lambda: None
    prepare: Callable[[], object] = lambda: None
    damaged: bool = False


def sedsql(*words: str) -> int:
    sys.argv = ["sedsql", *words]
    try:
        main.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def fetched(folder: Path, pieces: int = 3) -> None:
    """A table that came from a service in some pieces, each of which has rows in two partitions."""
    mirror = folder / "m"
    mirror.mkdir()
    stored = TableState(TABLE, 0, "http://tap.example.org", partitioning={"kind": "cells"})
    for number in range(pieces):
        ranges = [(k << 24 | number << 20, k << 24 | (number + 1) << 20) for k in range(2)]
        cells = np.concatenate([np.arange(low, high, 1 << 15) for low, high in ranges])
        ra, dec = centres_of(cells, 12)
        piece = Piece(f"p{number}", ranges, len(cells))
        about = [{"name": piece.name, "ranges": ranges, "rows": piece.rows}]
        with TableWriter(mirror, TABLE, 0, piece.name, None, about) as writer:
            writer.write(pa.table({"source_id": cells << 35, "ra": ra, "dec": dec}))
            stored.files |= {file.path: file for file in writer.close()}
        stored.pieces[piece.name] = piece
    stored.wanted = stored.covered
    with writing(mirror) as lock:
        Mirror(mirror, {"gaia.t": stored}).save()
        lock.truncate(0)
    assert sedsql("mirror", "repair", str(mirror)) == 0


def _csv(path: Path, ids: range, column: str) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("source_id", column), *((k << 35, k / 7) for k in ids)])
    return path


def files(folder: Path) -> None:
    _csv(folder / "one.csv", range(0, 600), "g")
    _csv(folder / "two.csv", range(5 << 24, (5 << 24) + 400), "g")
    _csv(folder / "other.csv", range(100, 300), "h")


def imported(folder: Path, name: str = "mine.t") -> None:
    files(folder)
    assert sedsql("mirror", "import", str(folder / "m"), str(folder / "one.csv"), "--as", name) == 0


def beside_hats(folder: Path) -> None:
    """An imported table, and a HATS catalogue to take its place."""
    imported(folder, "gaia.u")
    (folder / "other").mkdir()
    fetched(folder / "other")
    assert sedsql("mirror", "compact", str(folder / "other" / "m")) == 0


def sampled(folder: Path, rows: int = 6, stores: bool = True) -> None:
    write_sample(folder / "m", rows, seed=3, rich=True, stores=stores)


def joined(folder: Path) -> None:
    sampled(folder, stores=False)


def stale(folder: Path) -> None:
    joined(folder)
    assert sedsql("mirror", "refresh", str(folder / "m")) == 0
    assert sedsql("mirror", "rules", str(folder / "m"), "--off", "ruwe") == 0


def damaged(folder: Path) -> None:
    """A table of which a file is damaged, and one that was not fetched."""
    fetched(folder)
    path = max((folder / "m").rglob("p2-*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])


def damaged_database(folder: Path) -> None:
    imported(folder)
    path = folder / "m" / DATABASE
    path.write_bytes(path.read_bytes()[:4000])


def small_partitions() -> None:
    layout.PARTITION_ROWS = 30


@cache
def simulated() -> list[dict[str, pa.Table]]:
    """The rows of a sample sky, which take longer to simulate than to write."""
    return list(sample._parts(5, 0, True))


def without_simulating() -> None:
    rows = simulated()
    sample._parts = lambda *_: iter(rows)


def save_often() -> None:
    download.SAVE_EVERY = 0.0


def scenarios(url: str) -> dict[str, Scenario]:
    """By name.

    url : of a TAP service that gives a hundred rows or so at most
    """
    import_, sample_ = ("mirror", "import", "{m}"), ("mirror", "sample", "{m}", "--rows", "5", "--rich")
    add = ("mirror", "add", "{m}", "gaiadr3.allwise_best_neighbour", "--from", url, "--parallel", "1", "--region")

    def added(folder: Path) -> None:
        words = (word.replace("{m}", str(folder / "m")) for word in add)
        assert sedsql(*words, "CIRCLE(83, -5, 12)") == 0

    return {
        "compact": Scenario(fetched, ("mirror", "compact", "{m}")),
        "compact to smaller partitions": Scenario(fetched, ("mirror", "compact", "{m}"), prepare=small_partitions),
        "import": Scenario(files, (*import_, "{in}/one.csv", "{in}/two.csv", "--as", "mine.t")),
        "import more": Scenario(imported, (*import_, "{in}/two.csv", "--as", "mine.t")),
        "import --replace": Scenario(imported, (*import_, "{in}/other.csv", "--as", "mine.t", "--replace")),
        "replace by HATS": Scenario(beside_hats, (*import_, "{in}/other/m/gaia/t", "--as", "gaia.u", "--replace")),
        "repair": Scenario(damaged, ("mirror", "repair", "{m}"), damaged=True),
        "repair a database": Scenario(damaged_database, ("mirror", "repair", "{m}"), damaged=True),
        "rules": Scenario(sampled, ("mirror", "rules", "{m}", "--off", "ruwe")),
        "refresh": Scenario(joined, ("mirror", "refresh", "{m}"), part=True),
        "refresh what is stale": Scenario(stale, ("mirror", "refresh", "{m}"), part=True),
        "classify": Scenario(sampled, ("mirror", "classify", "{m}", "--model", "lite-2"), part=True),
        "models export": Scenario(sampled, ("models", "export", "lite-2", "--sql", "-m", "{m}")),
        "sample": Scenario(lambda folder: None, sample_, once=simulated, prepare=without_simulating),
        "sample --force": Scenario(sampled, (*sample_, "--force"), once=simulated, prepare=without_simulating),
        "add": Scenario(lambda folder: None, (*add, "CIRCLE(83, -5, 20)"), part=True),
        "add more": Scenario(added, (*add, "CIRCLE(83, -5, 20)"), part=True, prepare=save_often),
    }
