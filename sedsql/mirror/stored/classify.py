"""Ask a model about all sources of the stored photometry, and store what it says as `sed.classified`."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

import duckdb
import pyarrow as pa

from sedsql.catalogue import CLASSIFIED, PHOTOMETRY, Catalogue
from sedsql.catalogue.classified import LABEL, stored
from sedsql.inference.answering import Answering
from sedsql.inference.classified import select_stored
from sedsql.inference.engines import install
from sedsql.inference.model import Model
from sedsql.mirror import Progress, silent
from sedsql.mirror.database import open_mirror
from sedsql.mirror.layout import escaped
from sedsql.mirror.manifest import MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored.ahead import ahead
from sedsql.mirror.stored.classes import classes, made_by, pieces
from sedsql.mirror.stored.refresh import origin, refresh, room
from sedsql.mirror.table_state import Piece, TableState
from sedsql.mirror.writer import ROW_GROUP, TableWriter
from sedsql.sql_text import literal

AHEAD = 4
"""Batches of rows that wait to be written: 60 MB."""


def classify(mirror: Mirror, model: Model, progress: Progress = silent) -> int:
    """Store what a model says of the sources of which it is not stored yet; gives the number of rows written.

    The photometry is stored first, as far as it is not right. What was written before a crash is not asked again.
    The caller holds the lock.
    """
    refresh(mirror, progress)
    with open_mirror(mirror.folder, unsigned=True) as con:
        con.execute(
            "SET enable_progress_bar = false; SET streaming_buffer_size = '64MB'"
        )  # it runs on while files are written
        by = made_by(model, install(con, [model.folder], model.name, temporary=True)[model.name])
        state = classes(mirror.tables)
        if state is None or state.partitioning != by:
            if state is None and CLASSIFIED in mirror.tables:
                raise MirrorError(f"{CLASSIFIED} of {mirror.folder} is a table of your own, which is left as it is")
            table = stored(Catalogue.of(con).tables[CLASSIFIED])
            mirror.tables[CLASSIFIED] = TableState(table, mirror.tables[PHOTOMETRY].order, partitioning=by)
            mirror.save()
        with room(mirror, CLASSIFIED):
            rows = _store(mirror, con, Answering.of({model.name: model}, model.name), progress)
    if rows:
        mirror.save()
    return rows


def _store(mirror: Mirror, con: duckdb.DuckDBPyConnection, answering: Answering, progress: Progress) -> int:
    """Write the pieces that are not there."""
    photometry, state = mirror.tables[PHOTOMETRY], mirror.tables[CLASSIFIED]
    about = origin(mirror) | (state.partitioning or {})
    wanted = {name: file for name, file in pieces(photometry, state).items() if name not in state.pieces}
    written = sum(file.rows for file in wanted.values())
    done = photometry.rows - written

    def classified() -> Generator[tuple[str, pa.RecordBatch | None], None, None]:
        """Ask the model, piece by piece."""
        for name, file in wanted.items():
            yield name, None
            rows = f"read_parquet({literal(escaped(mirror.folder / file.path))}, hive_partitioning = false)"
            for batch in con.sql(select_stored(answering, rows, about["engine"])).to_arrow_reader(ROW_GROUP):
                yield name, batch

    # So both cores compute while a piece is finished and the next one begins.
    with closing(ahead(classified(), AHEAD)) as computed:
        for name, batches in groupby(computed, itemgetter(0)):
            piece = Piece(name, photometry.pieces[wanted[name].pieces[0]].ranges, wanted[name].rows)
            with TableWriter(
                mirror.folder,
                state.table,
                photometry.order,
                name,
                about,
                [asdict(piece)],
                in_order=True,
                sought=("class", LABEL),
            ) as writer:
                for _, batch in batches:
                    if batch is not None:
                        writer.write(pa.Table.from_batches([batch]))
                        done += batch.num_rows
                        progress(f"asking {answering.sky}", done, photometry.rows)
                files = writer.close()
            mirror.add_piece(state, replace(piece, fetched=datetime.now(UTC).isoformat(timespec="seconds")), files)
    return written
