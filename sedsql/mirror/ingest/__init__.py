"""Import files into a mirror: the archive's bulk files, and tables in any format that `sedsql.files` knows.

Rows that come in the order of their table, as the Gaia Archive's bulk files have them, go straight to the
partitions; others are sorted first, on disk where they are many. The manifest is saved last.
"""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace as changed
from pathlib import Path

from sedsql.catalogue import Column, Table, table_of
from sedsql.files import ReadOptions, TableError, file_and_part, refuse_pipe
from sedsql.files.object_storage.addresses import address_of
from sedsql.mirror import Progress, archive, silent
from sedsql.mirror.database import on_this_machine
from sedsql.mirror.ingest import duplicates, inplace
from sedsql.mirror.ingest.as_meant import AsMeant
from sedsql.mirror.ingest.fetched import fetched
from sedsql.mirror.ingest.ids import with_its_cells
from sedsql.mirror.ingest.sources import Source, open_sources, wider
from sedsql.mirror.ingest.stream import Stream, Unsorted
from sedsql.mirror.layout import number_of, partition_order
from sedsql.mirror.manifest import DATABASE, OWN_SCHEMAS, MirrorError
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sort import SCRATCH
from sedsql.mirror.stored.refresh import store_if_whole
from sedsql.mirror.table_state import File, TableState
from sedsql.mirror.writer import TableWriter

IMPORTED = {"kind": "import"}
"""The `TableState.partitioning` of a table that was imported."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")
_FILES_NOTED = 100


def import_files(
    path: str | os.PathLike,
    files: Sequence[str | os.PathLike],
    name: str,
    *,
    replace: bool = False,
    wait: bool = False,
    stores: bool = True,
    options: ReadOptions | None = None,
    note: Callable[[str], None] = lambda text: None,
    progress: Progress = silent,
) -> int:
    """Import files as the table `name` of the mirror in folder `path`, which is made if there is none; gives the rows.

    Columns get lower-case names and keep their types, units, UCDs and descriptions; where a file has none of
    these, a table of the Gaia Archive's that sedsql knows gets the archive's. Values that are masked, NaN or
    empty text become NULL, and so do numbers that stand for a missing one. Positions are found by the names that
    `classify` knows, and stored in degrees. A folder is a HATS catalogue, which is used where it lies, as it is.
    Files and catalogues may be on object storage, as s3://bucket/survey.parquet; files are copied to be read.

    replace : drop the table of this name that is there; otherwise rows are added to it, if it was imported
    stores : whether sed.photometry is stored at the end, if a table of it was imported and all of them are there
    options : what the user says of the files' columns
    note : called with a sentence on each thing that is not stored as the files have it

    Raises TableError where a file cannot be read, MirrorError where its rows do not go with those that are
    there, or are there twice. Then nothing is changed.
    """
    name = name.lower()
    on_this_machine(path)
    if not _NAME.fullmatch(name) or name.split(".")[0] in OWN_SCHEMAS:
        raise MirrorError(f"{name!r} is no name for a table; write it as schema.table, such as gaiadr3.gaia_source")
    with fetched(files, progress) as paths:
        _check(paths)
        if paths[0].is_dir() or address_of(paths[0]):
            return _use_in_place(path, paths[0], name, replace, wait, stores, progress)
        return _copy_rows(path, paths, name, replace, wait, stores, options or ReadOptions(), note, progress)


def _copy_rows(
    path: str | os.PathLike,
    paths: Sequence[Path],
    name: str,
    replace: bool,
    wait: bool,
    stores: bool,
    options: ReadOptions,
    note: Callable[[str], None],
    progress: Progress,
) -> int:
    """Write the rows of files into the mirror in folder `path`; gives their number."""
    known = archive.TABLES.get(name)
    there = Mirror.read(path).tables.get(name) if (Path(path) / DATABASE).is_file() and not replace else None
    meant = AsMeant(options, there.table if there else known)
    sources = [meant.source(one) for one in open_sources(paths, there.table if there else known)]
    with Mirror.change_or_make(path, wait=wait, whole=True) as mirror:
        there = None if replace else mirror.tables.get(name)
        table = _table(name, sources, known)
        if there:
            _must_match(there, table, sources[0].path)
            table = there.table
        _must_have_room(mirror.folder, sources)
        about = {"source": "imported by sedsql", "files": ", ".join(file.name for file in paths[:_FILES_NOTED])}
        stream = Stream(sources, table, progress)
        state, new = _write(mirror.folder, stream, there, _free_name(mirror.tables.get(name)), about)
        is_counted = duplicates.key_of(stream.table) == stream.table.sort_column
        duplicates.refuse(mirror.folder, stream.table, new, there, stream.repeated if is_counted else None)
        mirror.tables[name] = state
        mirror.save()
        if stores and name in archive.TABLES:
            store_if_whole(mirror, progress)
    for text in meant.notes():
        note(text)
    return sum(file.rows for file in new)


def _use_in_place(
    path: str | os.PathLike,
    catalogue: Path,
    name: str,
    replace: bool,
    wait: bool,
    stores: bool,
    progress: Progress,
) -> int:
    """Add a HATS catalogue to the mirror in folder `path`, without a copy; gives its rows."""
    state = inplace.catalogue_at(catalogue, name, archive.TABLES.get(name), progress)
    with Mirror.change_or_make(path, wait=wait, whole=True) as mirror:
        if name in mirror.tables and not replace:
            raise MirrorError(f"{name} is in this mirror already; a catalogue can only replace it (--replace)")
        mirror.tables[name] = state
        mirror.save()
        if stores and name in archive.TABLES:
            store_if_whole(mirror, progress)
    return state.rows


def _check(paths: Sequence[Path]) -> None:
    for place, path in enumerate(paths):
        if address_of(path):
            continue
        file, _ = file_and_part(path)
        if not file.exists():
            raise TableError(f"{file} does not exist")
        refuse_pipe(file)
        if path in paths[:place]:
            raise TableError(f"{path} is named twice")
        if path.is_dir() and len(paths) > 1:
            raise TableError(f"{path} is a folder; a HATS catalogue is imported alone")


def _table(name: str, sources: Sequence[Source], known: Table | None) -> Table:
    """The table that holds the rows of all sources."""
    first = sources[0]
    columns = {column.name: column for column in first.columns}
    for source in sources[1:]:
        theirs = {column.name: column for column in source.columns}
        _same_columns(columns, theirs, str(first.path), str(source.path))
        for key, column in theirs.items():
            columns[key] = _joined(columns[key], column, first.path, source.path)
    about = known.columns if known else {}
    described = [_described(column, about.get(column.name)) for column in columns.values()]
    return with_its_cells(table_of(name, known.description if known else None, described), sources)


def _same_columns(one: dict, other: dict, one_is: str, other_is: str) -> None:
    for more, less, more_is, less_is in ((one, other, one_is, other_is), (other, one, other_is, one_is)):
        if lacking := [name for name in more if name not in less]:
            raise TableError(f"{less_is} has no column {', '.join(lacking)}, which {more_is} has")


def _joined(one: Column, other: Column, one_is: Path, other_is: Path) -> Column:
    datatype = wider(one.datatype, other.datatype)
    if datatype is None:
        raise TableError(
            f"The column {one.name} is {one.datatype} in {one_is} and {other.datatype} in {other_is}; "
            "import files of one kind"
        )
    return changed(_described(one, other), datatype=datatype)


def _described(column: Column, known: Column | None) -> Column:
    """The column, with what it lacks from one that is known."""
    if known is None:
        return column
    about = {key: getattr(column, key) or getattr(known, key) for key in ("unit", "ucd", "description")}
    return changed(column, **about)


def _must_match(there: TableState, new: Table, path: Path) -> None:
    """Refuse to add rows to a table that is another one."""
    name = there.table.name
    if there.partitioning != IMPORTED:
        source = there.service or there.place or "`sedsql mirror sample`"
        raise MirrorError(
            f"{name} is in this mirror and comes from {source}, which is not mixed with files; "
            "name another table, or put the files in its place with --replace"
        )
    old = {key: column for key, column in there.table.columns.items() if key not in there.table.hidden}
    columns = {key: column for key, column in new.columns.items() if key not in there.table.hidden}
    for more, less, words in ((columns, old, "has not"), (old, columns, "has")):
        if lacking := [key for key in more if key not in less]:
            subject = f"{path} has the column" if more is columns else f"{path} lacks the column"
            raise MirrorError(
                f"{subject} {', '.join(lacking)}, which {name} in this mirror {words}; --replace replaces the table"
            )
    for key, column in columns.items():
        if wider(old[key].datatype, column.datatype) != old[key].datatype:
            raise MirrorError(
                f"The column {key} is {column.datatype} in {path} and {old[key].datatype} in {name} of this mirror; "
                "--replace replaces the table"
            )


def _write(
    folder: Path, stream: Stream, there: TableState | None, name: str, about: dict[str, str]
) -> tuple[TableState, list[File]]:
    """Write the rows into files; gives the table with them, which is not saved yet, and the new files."""
    table = stream.table
    order = partition_order(stream.rows, stream.share) if table.sort_column else None
    order = there.order if there and there.files else order
    for rows in (stream.in_order(), stream.sorted(folder / SCRATCH)):
        with TableWriter(folder, table, order, name, about, in_order=True) as writer:
            try:
                for some in rows:
                    writer.write(some)
            except Unsorted:
                continue
            files = writer.close()
            break
    state = TableState(table, order, partitioning=dict(IMPORTED))
    state.files = (dict(there.files) if there else {}) | {file.path: file for file in files}
    return state, files


def _must_have_room(folder: Path, sources: Sequence[Source]) -> None:
    needed, free = sum(source.stored_bytes for source in sources), shutil.disk_usage(folder).free
    if needed > free:
        raise MirrorError(
            f"The disk of {folder} has {free / 1e9:,.1f} GB left, and the files take about {needed / 1e9:,.1f} GB "
            "in a mirror; make room, or import them to a mirror on another disk"
        )


def _free_name(state: TableState | None) -> str:
    """A name of files that no earlier import has used."""
    numbers = (number_of(path, "import") for path in (state.files if state else ()))
    return f"import-{max(numbers, default=0) + 1}"
