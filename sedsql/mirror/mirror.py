"""Read and change a mirror: a folder of tables that anyone may read, and one process at a time may change."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import filterfalse
from pathlib import Path

import duckdb

from sedsql.catalogue import Key
from sedsql.errors import Error
from sedsql.files.atomic import new_folder, remove_folder
from sedsql.files.object_storage.addresses import address_of, place_of
from sedsql.mirror import hats, journal, manifest, tapschema, views
from sedsql.mirror.database import Files, attaching, edited_copy, on_this_machine
from sedsql.mirror.journal import JOURNAL
from sedsql.mirror.layout import folder_of, hidden
from sedsql.mirror.lock import LOCK, holding, is_cut_off, require_lock, writing
from sedsql.mirror.manifest import DATABASE, MirrorError
from sedsql.mirror.stored import is_made
from sedsql.mirror.stored.prune import prune
from sedsql.mirror.sweep import sweep
from sedsql.mirror.table_state import File, Piece, Tables, TableState


@dataclass
class Mirror:
    """A mirror and what its manifest says of its tables.

    `Mirror.read` is for those who read it. Those who write hold its lock by `Mirror.change`, `Mirror.change_or_make` or
    `Mirror.new`, change `tables`, and `save` them.

    Attributes
    ----------
    folder : absolute; changes are written to it only by `save` and `add_piece`
    tables : by lower-case name

    Examples
    --------
    >>> with Mirror.change("orion") as mirror:  # doctest: +SKIP
    ...     del mirror.tables["gaiadr3.gaia_source"]
    ...     mirror.save()
    """

    folder: Path
    tables: Tables = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Mirror":
        """Read the manifest of the mirror in folder `path`, and the journal of a download that was cut off.

        Raises MirrorError where there is no mirror, or its manifest is damaged.
        """
        with duckdb.connect() as con:
            try:
                for statement in attaching(path):
                    con.execute(statement)
            except duckdb.Error as error:
                raise MirrorError(f"{place_of(path)} cannot be opened as a mirror: {error}") from error
            tables = manifest.read(con, place_of(path))
        if address_of(path):
            return cls(Path(path), tables)
        mirror = cls(Path(path).absolute(), tables)
        for name, piece, files in journal.entries(mirror.folder):
            if name in tables:
                tables[name].add(piece, files)
        return mirror

    @classmethod
    @contextmanager
    def change(cls, path: str | os.PathLike, *, wait: bool = False) -> Iterator["Mirror"]:
        """Hold the lock of a mirror that is there, after finishing or undoing what was cut off before.

        wait : until another process that writes to it has ended; otherwise that is a MirrorError
        """
        with locked(path, wait=wait):
            mirror = cls.read(path)
            mirror.settle()
            yield mirror

    @classmethod
    @contextmanager
    def change_or_make(cls, path: str | os.PathLike, *, wait: bool = False, whole: bool = False) -> Iterator["Mirror"]:
        """Hold the lock of a mirror, which is made if there is none, and removed if it is still empty after the block.

        whole : a new mirror takes its name only when the block ends well; until then it is elsewhere
        """
        folder = on_this_machine(path)
        is_new = not folder.exists()
        with ExitStack() as stack:
            held = folder
            if is_new and whole:
                made = stack.enter_context(cls.new(folder))
                made.save()
                held = made.folder
            elif is_new:
                with cls.new(folder) as made:
                    made.save()
            elif not (folder / DATABASE).is_file():
                raise MirrorError(f"{folder} exists and is no mirror (it has no {DATABASE}); name another folder")
            mirror = stack.enter_context(cls.change(held, wait=wait))
            try:
                yield mirror
            finally:
                if is_new and not whole and not mirror.tables:
                    remove_folder(folder)

    @classmethod
    @contextmanager
    def new(cls, path: str | os.PathLike, *, force: bool = False) -> Iterator["Mirror"]:
        """Give an empty mirror, whose folder takes its name `path` only when the block, which saves it, ends well.

        A mirror that it replaces is locked meanwhile. While both are there, the lock's file of each says that a process
        was cut off: one that is killed leaves either, and the next process that opens it removes the other.

        force : replace a mirror that is there; otherwise that is a FileExistsError
        """
        target = on_this_machine(path)
        replaces = force and (target / DATABASE).is_file()
        with writing(target) if replaces else nullcontext():
            try:
                with new_folder(path, what="mirror", mark=DATABASE, force=force) as folder:
                    with holding(folder):
                        yield cls(folder)
                    if replaces:
                        (folder / LOCK).write_text("another mirror was here", encoding="utf-8")
            finally:
                if replaces:
                    os.truncate(target / LOCK, 0)

    def save(self, *, note: str = "", keys: Sequence[Key] = (), anew: bool = False) -> None:
        """Write the tables' state: their files, and in DIR/mirror.duckdb the manifest, the views, and TAP_SCHEMA.

        Hidden files of the tables get their names, and files that only the manifest before has are removed. Other
        contents of the database, such as a user's own tables, stay.

        note : what the descriptions of the views of sql/views.sql begin with
        keys : foreign keys to add to TAP_SCHEMA
        anew : keep nothing of the database that is there

        Raises MirrorError where this process does not hold the mirror's lock.
        """
        require_lock(self.folder)
        files = Files([], [])
        with edited_copy(self.folder, files, anew=anew, reads_objects=self.reads_objects) as con:
            before = hats.owned(manifest.names(con))
            prune(con, self.tables)
            needed = self.owned
            files.vanish.extend(before - needed)
            files.appear.extend(path for path in needed if hidden(self.folder / path).exists())
            files.appear.extend(path for state in self._inside() for path in hats.begin(self.folder, state))
            con.execute(views.macro(files.appear))
            for state in filterfalse(is_made, self.tables.values()):
                views.make_view(con, state)
            manifest.write(con, self.tables)
            views.make_sed_views(con, self.tables)
            tapschema.write(con, self.tables, note, keys)
            con.execute(views.macro())
        (self.folder / JOURNAL).unlink(missing_ok=True)
        self._write_hats()

    def add_piece(self, state: TableState, piece: Piece, files: Sequence[File]) -> None:
        """Add a piece, whose files are on the disk, to a table of the mirror, and note it until the next `save`."""
        state.add(piece, files)
        journal.append(self.folder, state.table.name, piece, files)

    @contextmanager
    def edit_database(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Edit other contents of DIR/mirror.duckdb, in one transaction, on a connection that has it as `mirror`.

        Raises MirrorError where this process does not hold the mirror's lock.
        """
        require_lock(self.folder)
        with edited_copy(self.folder, Files([], []), reads_objects=self.reads_objects) as con:
            yield con

    def settle(self) -> list[str]:
        """Finish or undo what a process that was cut off began; gives the orphans, which are removed.

        The caller holds the lock.
        """
        removed = self.sweep()
        if (self.folder / JOURNAL).exists():
            self.save()
        else:
            self._write_hats()
        return removed

    def sweep(self) -> list[str]:
        """Remove the files that nobody needs; gives the orphans among them. The caller holds the lock."""
        orphans = list(self.orphans())
        sweep(self.folder, self.owned, orphans)
        return orphans

    def orphans(self) -> Iterator[str]:
        """Parquet files in the folders of the tables that the manifest does not name.

        Whoever reads a table's folder reads their rows as well.
        """
        for state in self._inside():
            for path in sorted((self.folder / folder_of(state.table)).rglob("*.parquet")):
                name = path.relative_to(self.folder).as_posix()
                if name not in state.files and not path.name.startswith("."):
                    yield name

    @property
    def owned(self) -> set[str]:
        """The files that belong to the tables, relative to the folder."""
        return hats.owned(self.tables)

    def _inside(self) -> list[TableState]:
        """The tables whose files are in the mirror."""
        return [state for state in self.tables.values() if state.place is None]

    @property
    def reads_objects(self) -> bool:
        """Whether tables of it lie on object storage."""
        return any(state.place and address_of(state.place) for state in self.tables.values())

    def _write_hats(self) -> None:
        for state in self._inside():
            hats.write(self.folder, state)


@contextmanager
def locked(path: str | os.PathLike, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a mirror for a block that leaves it in order if it ends well."""
    folder = on_this_machine(path)
    with writing(folder, wait=wait) as lock:
        try:
            yield
        except BaseException:
            # What an error leaves goes at once; where that fails too, the lock's file tells the next process.
            with suppress(Error, OSError, duckdb.Error):
                Mirror.read(folder).settle()
                lock.truncate(0)
            raise
        lock.truncate(0)


def settle_if_cut_off(path: str | os.PathLike) -> None:
    """Settle a mirror that is going to be read, if a process was cut off, and this one may write and need not wait.

    The views are right in any case: this is for those who read the folders.
    """
    folder = Path(path).absolute()
    if is_cut_off(folder) and (folder / DATABASE).is_file():
        with suppress(Error, OSError, duckdb.Error), Mirror.change(folder):
            pass
