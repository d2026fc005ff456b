"""Note the pieces that a download has stored since the manifest was saved, a line for each, in DIR/journal.jsonl."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from sedsql.mirror.ranges import pairs
from sedsql.mirror.table_state import File, Piece

JOURNAL = "journal.jsonl"


def append(folder: Path, table: str, piece: Piece, files: Iterable[File]) -> None:
    """Note a piece of a table, whose files are on the disk, so that it outlives a crash."""
    line = {"table": table, "piece": asdict(piece), "files": [asdict(file) for file in files]}
    with open(folder / JOURNAL, "a", encoding="utf-8") as journal:
        journal.write(json.dumps(line) + "\n")
        journal.flush()
        os.fsync(journal.fileno())


def entries(folder: Path) -> Iterator[tuple[str, Piece, list[File]]]:
    """Read the lower-case name of a table, a piece and its files from each line that was written to its end."""
    try:
        lines = (folder / JOURNAL).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return
    for line in lines[:-1]:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a line torn by a crash, after which another process went on
        piece = Piece(**entry["piece"] | {"ranges": pairs(entry["piece"]["ranges"])})
        files = [File(**file | {"pieces": tuple(file["pieces"])}) for file in entry["files"]]
        yield entry["table"].lower(), piece, files
