"""Define the commands of `sedsql mirror` that look after a mirror which is there."""

import sys
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from sedsql import progress
from sedsql.catalogue import CLASSIFIED, PHOTOMETRY, Catalogue
from sedsql.cli.options import Json, ModelFolders, model_named
from sedsql.cli.render import print_answer, say
from sedsql.errors import did_you_mean
from sedsql.files.json import to_json
from sedsql.files.object_storage.addresses import address_of, place_of
from sedsql.inference.model import SKY_MODEL
from sedsql.mirror.database import on_this_machine, open_mirror
from sedsql.mirror.hats import SCHEMA_FILE
from sedsql.mirror.manifest import DATABASE, MirrorError
from sedsql.mirror.mirror import Mirror, settle_if_cut_off
from sedsql.mirror.ranges import size
from sedsql.mirror.stored import is_made, photometry
from sedsql.mirror.stored.classes import are_right
from sedsql.mirror.stored.joined import is_stored as reads_files
from sedsql.mirror.table_state import TableState

Folder = Annotated[Path, typer.Argument(help="Folder of the mirror.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another process writes to the mirror.")]


def open_service(name: str):
    """Open the service; say on the terminal when a query is repeated."""
    from sedsql.tap.service import Service

    return Service(name, on_retry=lambda reason: progress.note(f"{reason}; asking again"))


def verify(
    folder: Folder,
    remote: Annotated[
        bool, typer.Option("--remote", help="Also compare the number of rows of every piece with the service.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Count the rows of every file, hash it, and list the files that have changed.

    Example: `sedsql mirror verify orion --remote`
    """
    from sedsql.mirror.verify import verify as check
    from sedsql.mirror.verify import verify_remote

    settle_if_cut_off(folder)
    mirror = Mirror.read(folder)
    with progress.stages() as update:
        problems = list(check(mirror, update))
        if remote:
            problems += verify_remote(mirror, open_service, update)
    files = sum(len(state.files) for state in mirror.tables.values())
    rows = sum(state.rows for state in mirror.tables.values())
    if as_json:
        told = [{"table": problem.table, "file": problem.file, "what": problem.what} for problem in problems]
        print(to_json({"mirror": place_of(folder), "files": files, "rows": rows, "problems": told}))
        raise typer.Exit(1 if problems else 0)
    for problem in problems:
        say(f"{problem.file or problem.table} {problem.what}")
    if problems:
        mends = any(problem.file for problem in problems)
        if address_of(folder):
            say(f"Copy it to {place_of(folder)} again")
            raise typer.Exit(1)
        say(f"Mend it with `sedsql mirror {'repair' if mends else 'resume'} {folder}`")
        raise typer.Exit(1)
    say(f"All is well: {files:,} files, {rows:,} rows")
    _tell_if_stale(folder)


def repair(folder: Folder, wait: Wait = False, as_json: Json = False) -> None:
    """Forget files that are gone or damaged, and rebuild a manifest that cannot be read; `resume` fetches them again.

    Example: `sedsql mirror repair orion`
    """
    from sedsql.mirror.repair import repair as mend

    on_this_machine(folder)
    if not (folder / DATABASE).exists() and not any(folder.glob(f"*/*/dataset/{SCHEMA_FILE}")):
        raise MirrorError(f"{folder} is no mirror, and has no files of one")
    with progress.stages() as update:
        done = mend(folder, update, wait=wait)
    missing = any(state.missing for state in Mirror.read(folder).tables.values())
    if as_json:
        print(to_json({"mirror": str(folder), "done": list(done), "missing": missing}))
        return
    for line in done:
        say(line)
    say(f"Fetch what is missing with `sedsql mirror resume {folder}`" if missing else "Nothing is missing")
    _tell_if_stale(folder)


def compact(folder: Folder, wait: Wait = False, as_json: Json = False) -> None:
    """Merge the files of each partition into one; `add` does so by itself when there are many.

    Example: `sedsql mirror compact orion`
    """
    from sedsql.mirror.compact import compact as compact_table
    from sedsql.mirror.stored.refresh import refresh as refresh_photometry

    Mirror.read(folder)
    compacted = []
    with progress.stages() as update, Mirror.change(folder, wait=wait) as mirror:
        is_stored = _is_stored(folder)
        for name, state in list(mirror.tables.items()):
            if state.place is None and not is_made(state):
                before, after = compact_table(mirror, state, update)
                compacted.append({"table": name, "files_before": before, "files": after})
                if not as_json:
                    say(f"{name}: {before:,} files before, {after:,} now")
        if is_stored:  # with other partitions it has other parts
            refresh_photometry(mirror, update)
    if as_json:
        print(to_json(compacted))


def info(
    folder: Folder,
    table: Annotated[str | None, typer.Argument(help="List the columns of this table.")] = None,
    as_json: Json = False,
) -> None:
    """List the tables, their origin and how much of them is there; or the columns of one table.

    Example: `sedsql mirror info orion gaiadr3.gaia_source`
    """
    settle_if_cut_off(folder)
    mirror = Mirror.read(folder)
    if table:
        with open_mirror(folder) as con:
            print_answer(("column", "type", "unit", "ucd", "description"), _columns_of(con, table), as_json)
    else:
        names = ("table", "rows", "MB", "files", "fetched", "from", "condition")
        stored = {PHOTOMETRY: _is_stored(folder), CLASSIFIED: are_right(mirror.tables) and _is_stored(folder)}
        rows = [_about(name, state, stored.get(name, False)) for name, state in mirror.tables.items()]
        print_answer(names, rows, as_json)


def _about(name: str, state: TableState, is_stored: bool) -> tuple:
    share = None
    if state.wanted:
        share = f"{100 - 100 * size(state.missing) / size(state.wanted):.4g} %"
    source = state.service or state.place
    if is_made(state):
        made_of = (state.partitioning or {}).get("model", "its tables")
        source = made_of if is_stored else f"{made_of}, as they were before: stale"
    return name, state.rows, round(state.bytes / 1e6, 1), len(state.files), share, source, state.condition


def _columns_of(con, table: str) -> list[tuple]:
    catalogue = Catalogue.of(con)
    found = catalogue.tables.get(table.lower())
    if not found:
        raise MirrorError(f"There is no table {table} in this mirror; {did_you_mean(table, catalogue.tables)}")
    return [(c.name, c.datatype, c.unit, c.ucd, c.description) for c in found.columns.values()]


def rules(
    folder: Folder,
    off: Annotated[list[str] | None, typer.Option(help="Switch a rule off.", show_default=False)] = None,
    on: Annotated[list[str] | None, typer.Option(help="Switch a rule on again.", show_default=False)] = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """List the quality rules of `sed.photometry`, with their purpose and source; switch a rule off or on.

    Example: `sedsql mirror rules orion --off ruwe`
    """
    from sedsql.mirror import rules as quality  # it opens a database to read them

    Mirror.read(folder)
    if off or on:
        with Mirror.change(folder, wait=wait) as mirror, mirror.edit_database() as con:
            for names, applied in ((off, False), (on, True)):
                for name in names or []:
                    quality.switch(con, name, applied)
    with open_mirror(folder) as con:
        try:
            answer = con.execute("SELECT * FROM sed.rules")
        except duckdb.CatalogException:
            raise MirrorError(f"{folder} has no sed.photometry, and so no rules; see `sedsql mirror sed`") from None
        names, rows = [column[0] for column in answer.description or []], answer.fetchall()
    print_answer(names, rows, as_json)
    if off or on:
        _tell_if_stale(folder)


def refresh(folder: Folder, wait: Wait = False, as_json: Json = False) -> None:
    """Store `sed.photometry`, or what of it is no longer right since its tables or rules were changed.

    Queries of one table are faster than of six that are joined. While it is not right, the six are joined.

    Example: `sedsql mirror refresh orion`
    """
    from sedsql.mirror.stored.refresh import refresh as refresh_photometry

    Mirror.read(folder)
    try:
        with progress.stages("rows") as update, Mirror.change(folder, wait=wait) as mirror:
            rows = refresh_photometry(mirror, update)
    except KeyboardInterrupt:
        print(f"What was stored is kept; go on with `sedsql mirror refresh {folder}`", file=sys.stderr)
        raise
    if as_json:
        print(to_json({"mirror": str(folder), "stored": rows, "rows": mirror.tables[PHOTOMETRY].rows}))
        return
    say(f"{rows:,} rows were stored; {folder} has {mirror.tables[PHOTOMETRY].rows:,} of {PHOTOMETRY}")


def classify(
    folder: Folder,
    model: Annotated[str, typer.Option(help="The model that is asked.")] = SKY_MODEL,
    models: ModelFolders = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Store what a model says of each source, so that queries of `sed.classified` and `sed_class` read columns.

    Only sources that are new or changed since are asked about. `sed.photometry` is stored before.

    Example: `sedsql mirror classify orion`
    """
    from sedsql.mirror.stored.classify import classify as store_classes

    Mirror.read(folder)
    chosen = model_named(model, models)
    try:
        with progress.stages("rows") as update, Mirror.change(folder, wait=wait) as mirror:
            rows = store_classes(mirror, chosen, update)
    except KeyboardInterrupt:
        print(f"What was stored is kept; go on with `sedsql mirror classify {folder}`", file=sys.stderr)
        raise
    if as_json:
        told = {"mirror": str(folder), "model": model, "asked": rows, "rows": mirror.tables[CLASSIFIED].rows}
        print(to_json(told))
        return
    say(f"{model} was asked about {rows:,} rows; {folder} has {mirror.tables[CLASSIFIED].rows:,} of {CLASSIFIED}")


def _is_stored(folder: Path) -> bool:
    """Whether `sed.photometry` is read from files."""
    with open_mirror(folder) as con:
        return reads_files(con)


def _tell_if_stale(folder: Path) -> None:
    """Say on the terminal that queries of `sed.photometry` take longer than they must."""
    if photometry(Mirror.read(folder).tables) and not _is_stored(folder):
        progress.note(f"{PHOTOMETRY} joins its tables for each query; `sedsql mirror refresh {folder}` stores it again")
