"""Parse a VOTable that a user sent, with limits, and let one query see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from sedsql.dbapi.connection import Connection
from sedsql.dbapi.uploads import UPLOADS, drop_upload
from sedsql.service.errors import ServiceError
from sedsql.service.workers.faults import size
from sedsql.service.workers.messages import Task
from sedsql.service.workers.settings import MB, UploadLimits
from sedsql.tap import votable
from sedsql.tap.errors import TapError, TooLarge, Unbounded
from sedsql.tap.limits import Limits, Room

_BLOCK = 1 << 18


def parse(name: str, path: Path, most: UploadLimits, check: Callable[[], object] = lambda: None) -> pa.Table:
    """The table of a VOTable. ServiceError where it is none, or more than the limits allow.

    check : called now and then; may raise
    """
    there = path.stat().st_size
    if there > most.bytes:
        raise ServiceError(f"The table {name} has {size(there)}; uploads may have {size(most.bytes)}.", 413)

    def blocks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                check()
                yield block

    limits = Limits(head=min(most.bytes, 16 * MB), columns=most.columns, row=most.row, rows=most.rows)
    try:
        table = votable.read(blocks(), Room(most=most.bytes), limits, is_answer=False).table
    except (Unbounded, TooLarge) as error:
        raise ServiceError(f"The VOTable of {name} is more than this service takes: it {error}.", 413) from None
    except TapError as error:
        sentence = str(error).replace("The answer", f"The VOTable of {name}", 1)
        sentence = sentence.replace(" of the answer", f" of {name}").replace("do not select it", "leave it out")
        raise ServiceError(sentence) from None
    if len(table) > most.rows:
        raise ServiceError(f"The table {name} has {len(table):,} rows; uploads may have {most.rows:,}.", 413)
    return table


def store(connection: Connection, task: Task, most: UploadLimits, check: Callable[[], object]) -> None:
    """Make the uploads of a task callable in its query. `drop` drops it."""
    seen: set[str] = set()
    for name, path in task.uploads:
        if name.lower() in seen:
            raise ServiceError(f"Two uploaded tables are called {name}; rename one.")
        seen.add(name.lower())
        connection.upload(name, parse(name, path, most, check))


def drop(connection: Connection) -> None:
    """Let go of all uploads, whatever became of the query."""
    names = connection.duckdb.execute(f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{UPLOADS}'")
    for (name,) in names.fetchall():
        connection.drop_upload(name)
        drop_upload(connection.duckdb, name)
