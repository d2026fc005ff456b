"""Download tables of TAP services to a mirror, or more of the sky of tables that are there."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

from sedsql.catalogue import Key, Table, table_of
from sedsql.catalogue.datatypes import INTEGERS
from sedsql.errors import Error, did_you_mean
from sedsql.mirror import Progress, archive, silent
from sedsql.mirror.add.download import PARALLEL, fetch
from sedsql.mirror.add.partitioning import ByColumn, ByIndex, ByPosition, Partitioning, Whole
from sedsql.mirror.columns import as_stored
from sedsql.mirror.compact import compact_small
from sedsql.mirror.manifest import MirrorError, check_name
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.ranges import SKY, Ranges, bridged, union
from sedsql.mirror.regions import cells_of_region
from sedsql.mirror.stored.refresh import store_if_whole
from sedsql.mirror.table_state import TableState
from sedsql.sql_text import without_quotes
from sedsql.tap.service import Service


class Download:
    """A download to a mirror, under its lock; the mirror is made if there is none at `path`.

    Examples
    --------
    >>> with Download.to("orion") as download:  # doctest: +SKIP
    ...     download.table("gaiadr3.gaia_source", Service("gaia"), region="CIRCLE(83.8, -5.4, 2)")
    """

    def __init__(self, mirror: Mirror, parallel: int, progress: Progress):
        self.mirror, self._parallel, self._progress = mirror, parallel, progress
        self._fetched: set[str] = set()

    @classmethod
    @contextmanager
    def to(
        cls,
        path: str | os.PathLike,
        *,
        wait: bool = False,
        parallel: int = PARALLEL,
        stores: bool = True,
        progress: Progress = silent,
    ) -> Iterator["Download"]:
        """Hold the lock of the mirror at `path`, and compact tables of many small files at the end.

        wait : until another process that writes to the mirror has ended
        parallel : questions that a service is asked at a time
        stores : whether sed.photometry is stored at the end, if tables of it were fetched and all of them are there
        """
        with Mirror.change_or_make(path, wait=wait) as mirror:
            download = cls(mirror, parallel, progress)
            yield download
            compact_small(mirror, progress)
            if stores and download._fetched & set(archive.TABLES):
                store_if_whole(mirror, progress)

    def table(
        self,
        name: str,
        service: Service,
        *,
        region: str | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
    ) -> int:
        """Fetch a table of the service, or its part in a region; gives the number of rows that came.

        region : in ADQL, such as CIRCLE(83.8, -5.4, 2); whole HEALPix cells are fetched, so a little more comes
        columns : those to fetch, all if None; position and source_id always come as well
        where : ADQL that the rows must meet

        Raises Error where the table is there already with other columns or another condition.
        """
        known = self.mirror.tables.get(without_quotes(name).lower())
        if known:
            _same_service(known, service)
        if columns is None and known and known.partitioning:
            columns = known.partitioning["columns"]
        found = service.table(name)
        table = _chosen(named(found), columns)
        partitioning, wanted = partitioning_of(table, found.name, service, where, region)
        self.want(table, service, partitioning, wanted)
        self.mirror.save(keys=self.keys(service, name))
        return self.fetch(table.name.lower(), service)

    def keys(self, service: Service, name: str) -> list[Key]:
        """The foreign keys of a table that lead to tables of the mirror."""
        keys = (Key(k.from_table.lower(), k.target_table.lower(), k.columns) for k in service.keys(name))
        return [key for key in keys if key.target_table in self.mirror.tables]

    def want(self, table: Table, service: Service, partitioning: Partitioning, wanted: Ranges) -> None:
        """Note the ranges that are wanted of a table."""
        state = self.mirror.tables.get(table.name.lower())
        if state is None:
            check_name(table)
            settings = partitioning.settings()
            state = TableState(as_stored(table), None, service.url, partitioning.condition, settings)
            self.mirror.tables[table.name.lower()] = state
        _same_service(state, service)
        _same_settings(state, partitioning)
        state.wanted = union([*state.wanted, *wanted])

    def fetch(self, name: str, service: Service) -> int:
        """Fetch what a table still lacks; gives the number of rows that came."""
        self._fetched.add(name)
        state = self.mirror.tables[name]
        return fetch(self.mirror, state, service, parallel=self._parallel, progress=self._progress)

    def resume(self, open_service: Callable[[str], Service] = Service) -> int:
        """Fetch what all tables still lack; gives the number of rows that came."""
        service_of = cache(open_service)
        lacking = [(name, state.service) for name, state in self.mirror.tables.items() if state.missing]
        return sum(self.fetch(name, service_of(service)) for name, service in lacking if service)


def named(table: Table) -> Table:
    """The table under its name without quotes, as the mirror has it."""
    return replace(table, name=without_quotes(table.name))


def _chosen(table: Table, names: Iterable[str] | None) -> Table:
    """The table with only the named columns, and those of its position and source_id."""
    if names is None:
        return table
    wanted = [name.strip().lower() for name in names]
    for name in wanted:
        if name not in table.columns:
            raise Error(f"{table.name} has no column {name!r}; {did_you_mean(name, table.columns, 'it has')}")
    needed = {name.lower() for name in (*(table.position or ()), table.sort_column or "")}
    columns = [column for key, column in table.columns.items() if key in wanted or key in needed]
    return table_of(table.name, table.description, columns)


def partitioning_of(
    table: Table, name: str, service: Service, where: str | None, region: str | None
) -> tuple[Partitioning, Ranges]:
    """Choose how to ask for a table, called `name` at its service, and find the ranges of a region."""
    columns = tuple(column.name for column in table.columns.values())
    if table.has_cells:
        ranges = bridged(cells_of_region(region)) if region else SKY
        return ByColumn(name, columns, where, table.sort_column or "", table.cell_shift), ranges
    if table.position:
        ranges = cells_of_region(region, margin=0) if region else SKY
        return ByPosition(name, columns, where, *table.position), ranges
    if region:
        raise Error(f"{table.name} has no positions, so it has no region; leave --region out, or see `mirror sed`")
    whole = {column.name for column in table.columns.values() if column.datatype in INTEGERS}
    index = next((column for column in service.indexed(name) if column in whole), None)
    if index is None:
        return Whole(name, columns, where), Whole.ranges
    low, high = service.bounds(name, index)
    ranges = [] if low is None or high is None else [(low, high + 1)]
    return ByIndex(name, columns, where, index), ranges


def _same_service(state: TableState, service: Service) -> None:
    """Refuse to mix rows of two sources in one table."""
    name = state.table.name
    if state.service is None:
        raise MirrorError(f"{name} in this mirror does not come from a service; use another mirror")
    if state.service != service.url:
        raise MirrorError(
            f"{name} in this mirror comes from {state.service}; add to it from there, or use another mirror"
        )


def _same_settings(state: TableState, partitioning: Partitioning) -> None:
    """Refuse to mix rows that were asked for in different ways in one table."""
    name, old, new = state.table.name, state.partitioning or {}, partitioning.settings()
    for what, before, after in (
        ("the condition", old.get("condition"), new["condition"]),
        ("the columns", sorted(old.get("columns", ())), sorted(new["columns"])),
    ):
        if before != after:
            shown = ", ".join(before) if isinstance(before, list) else before or "none"
            raise MirrorError(
                f"{name} is in this mirror with other settings, {what}: {shown}; give the same, or use another mirror"
            )
    if {k: v for k, v in old.items() if k != "columns"} != {k: v for k, v in new.items() if k != "columns"}:
        raise MirrorError(
            f"{name} is in this mirror, but was fetched in another way (`mirror sed` and `mirror add` differ); "
            "use another mirror"
        )
