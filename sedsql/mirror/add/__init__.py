"""Adding tables of TAP services to a mirror, or more of the sky to tables that are there."""

import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import TracebackType

from ...catalogue import Key, Table, table_of
from ...errors import Error, did_you_mean
from ...tap.schema import without_quotes
from ...tap.service import Service
from .. import Progress, cells, silent
from ..cells import Ranges
from ..change import changing
from ..compact import compact_small
from ..layout import with_cells
from ..manifest import Manifest, MirrorError, Stored, check_name
from ..store import save
from .download import PARALLEL, fetch
from .slices import ByColumn, ByIndex, ByPosition, Slicing


class Adding:
    """A mirror that is being written to, under its lock; a new one is made if there is none at `path`.

    Examples
    --------
    >>> with Adding("orion") as adding:  # doctest: +SKIP
    ...     adding.table("gaiadr3.gaia_source", Service("gaia"), region="CIRCLE(83.8, -5.4, 2)")
    """

    def __init__(
        self,
        path: str | os.PathLike,
        *,
        wait: bool = False,
        parallel: int = PARALLEL,
        progress: Progress = silent,
    ):
        self.mirror = Path(path).absolute()
        self.parallel, self.progress = parallel, progress
        self.manifest: Manifest = {}
        self._changing = changing(path, wait=wait)
        self._held = ExitStack()

    def __enter__(self) -> "Adding":
        self.mirror, self.manifest = self._held.enter_context(self._changing)
        self._held.push(self._compact)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held.__exit__(kind, error, trace)

    def _compact(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            compact_small(self.mirror, self.manifest, self.progress)

    def table(
        self,
        name: str,
        service: Service,
        *,
        region: str | None = None,
        columns: Iterable[str] | None = None,
        where: str | None = None,
    ) -> int:
        """Fetch a table of the service, all of it or what is in a region; gives the rows that came.

        region : in ADQL, such as CIRCLE(83.8, -5.4, 2); whole HEALPix cells are fetched, so a little more comes
        columns : those to fetch, all if None; what tells the position always comes as well
        where : ADQL that the rows must meet besides

        Raises Error where the table is there already with other columns or another condition.
        """
        known = self.manifest.get(without_quotes(name).lower())
        if known:
            _same_service(known, service)
        if columns is None and known and known.slicing:
            columns = known.slicing["columns"]
        found = service.table(name)
        table = _chosen(named(found), columns)
        slicing, wanted = slicing_of(table, found.name, service, where, region)
        self.want(table, service, slicing, wanted)
        save(self.mirror, self.manifest, keys=self.keys(service, name))
        return self.fetch(table.name.lower(), service)

    def keys(self, service: Service, name: str) -> list[Key]:
        """The foreign keys of a table that lead to tables of the mirror."""
        keys = (Key(k.from_table.lower(), k.target_table.lower(), k.columns) for k in service.keys(name))
        return [key for key in keys if key.target_table in self.manifest]

    def want(self, table: Table, service: Service, slicing: Slicing, wanted: Ranges) -> None:
        """Note what is wanted of a table."""
        stored = self.manifest.get(table.name.lower())
        if stored is None:
            check_name(table)
            stored = Stored(with_cells(table), None, service.url, slicing.condition, slicing.settings())
            self.manifest[table.name.lower()] = stored
        _same_service(stored, service)
        _same_settings(stored, slicing)
        stored.wanted = cells.union([*stored.wanted, *wanted])

    def fetch(self, name: str, service: Service) -> int:
        """Fetch what the table still lacks."""
        return fetch(
            self.mirror, self.manifest, self.manifest[name], service, parallel=self.parallel, progress=self.progress
        )

    def resume(self, open_service=Service) -> int:
        """Fetch what tables still lack of what was asked for; gives the rows that came."""
        service_of = cache(open_service)
        lacking = [(name, stored.service) for name, stored in self.manifest.items() if stored.missing]
        return sum(self.fetch(name, service_of(service)) for name, service in lacking if service)


def named(table: Table) -> Table:
    """The table under its name without quotes, as the mirror has it."""
    return replace(table, name=without_quotes(table.name))


def _chosen(table: Table, names: Iterable[str] | None) -> Table:
    """The table with the columns that are asked for, and those of its position and source_id."""
    if names is None:
        return table
    wanted = [name.strip().lower() for name in names]
    for name in wanted:
        if name not in table.columns:
            raise Error(f"{table.name} has no column {name!r}; {did_you_mean(name, table.columns, 'it has')}")
    needed = {name.lower() for name in (*(table.position or ()), table.sort_column or "")}
    columns = [column for key, column in table.columns.items() if key in wanted or key in needed]
    return table_of(table.name, table.description, columns)


def slicing_of(
    table: Table, name: str, service: Service, where: str | None, region: str | None
) -> tuple[Slicing, Ranges]:
    """How the table, `name` at its service, is asked for, and the ranges that the region is."""
    columns = tuple(column.name for column in table.columns.values())
    if table.has_cells:
        ranges = cells.bridged(cells.of_region(region)) if region else cells.SKY
        return ByColumn(name, columns, where, table.sort_column or "", table.cell_shift), ranges
    if table.position:
        ranges = cells.of_region(region, margin=0) if region else cells.SKY
        return ByPosition(name, columns, where, *table.position), ranges
    if region:
        raise Error(f"{table.name} has no positions, so it has no region; leave --region out, or see `mirror sed`")
    whole = {column.name for column in table.columns.values() if column.datatype in _WHOLE}
    index = next((column for column in service.indexed(name) if column in whole), None)
    if index is None:
        raise Error(f"{table.name} has neither positions nor an indexed column of whole numbers to fetch it by")
    low, high = service.bounds(name, index)
    ranges = [] if low is None or high is None else [(low, high + 1)]
    return ByIndex(name, columns, where, index), ranges


_WHOLE = ("BIGINT", "INTEGER", "SMALLINT")


def _same_service(stored: Stored, service: Service) -> None:
    """Refuse to mix rows of two sources in one table."""
    name = stored.table.name
    if stored.service is None:
        raise MirrorError(f"{name} is in this mirror and comes from no service; use another mirror")
    if stored.service != service.url:
        raise MirrorError(f"{name} is here from {stored.service}; add to it from there, or use another mirror")


def _same_settings(stored: Stored, slicing: Slicing) -> None:
    """Refuse to mix rows that were asked for in different words in one table."""
    name, old, new = stored.table.name, stored.slicing or {}, slicing.settings()
    for what, before, after in (
        ("the condition", old.get("condition"), new["condition"]),
        ("the columns", sorted(old.get("columns", ())), sorted(new["columns"])),
    ):
        if before != after:
            shown = ", ".join(before) if isinstance(before, list) else before or "none"
            raise MirrorError(
                f"{name} is here with other settings, {what}: {shown}; give the same, or use another mirror"
            )
    if {k: v for k, v in old.items() if k != "columns"} != {k: v for k, v in new.items() if k != "columns"}:
        raise MirrorError(
            f"{name} is here, fetched in another way (`mirror sed` and `mirror add` differ); use another mirror"
        )
