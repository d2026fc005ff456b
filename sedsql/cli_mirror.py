"""The `sedsql mirror` commands: local copies of archive tables."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from . import progress
from .catalogue import Catalogue
from .errors import did_you_mean
from .jsontext import to_json
from .mirror import cells
from .mirror.change import held, settle_if_cut_off
from .mirror.compact import compact as compact_table
from .mirror.hats import SCHEMA_FILE
from .mirror.manifest import DATABASE, MirrorError, Stored
from .mirror.sample import write_sample
from .mirror.store import changed, load, open_mirror
from .show import out, print_rows, say

app = typer.Typer(help="Local copies of archive tables, and the simulated sample sky.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder of the mirror.", show_default=False)]
From = Annotated[
    str,
    typer.Option("--from", help="The TAP service: its URL, or gaia, vizier, gavo, irsa.", envvar="SEDSQL_TAP"),
]
Region = Annotated[
    str | None,
    typer.Option(help="Only this part of the sky, such as 'CIRCLE(83.8, -5.4, 2)', in degrees.", show_default=False),
]
Where = Annotated[str | None, typer.Option(help="ADQL that the rows must meet besides.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Wait while another process writes to the mirror.")]
Parallel = Annotated[int, typer.Option(help="Questions that the service is asked at a time.", min=1, max=8)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _service(name: str):
    """The service, which tells on the terminal when it must be asked again."""
    from .tap.service import Service

    return Service(name, on_retry=lambda reason: progress.note(f"{reason}; asking again"))


@contextmanager
def _adding(folder: Path, wait: bool, parallel: int) -> Iterator:
    from .mirror.add import Adding

    with progress.stages() as update:
        try:
            with Adding(folder, wait=wait, parallel=parallel, progress=update) as adding:
                yield adding
        except KeyboardInterrupt:
            print(f"What came is kept; go on with `sedsql mirror resume {folder}`", file=sys.stderr)
            raise


@app.command()
def add(
    folder: Folder,
    table: Annotated[str, typer.Argument(help="Name of the table, such as gaiadr3.gaia_source.", show_default=False)],
    region: Region = None,
    columns: Annotated[str | None, typer.Option(help="Only these columns, with commas between.")] = None,
    where: Where = None,
    service: From = "gaia",
    wait: Wait = False,
    parallel: Parallel = 4,
) -> None:
    """Fetch a table of a TAP service, or more of the sky of one that is there.

    Example: `sedsql mirror add orion gaiadr3.gaia_source --region 'CIRCLE(83.8, -5.4, 2)'`

    A login is taken from ~/.netrc, or from the environment: SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD.
    """
    from .tap.schema import without_quotes

    tap, chosen = _service(service), columns.split(",") if columns else None
    with _adding(folder, wait, parallel) as adding:
        rows = adding.table(table, tap, region=region, columns=chosen, where=where)
    stored = adding.manifest[without_quotes(table).lower()]
    say(f"{rows:,} rows came; {folder} has {stored.rows:,} of {stored.table.name}")


@app.command()
def sed(
    folder: Folder,
    region: Region = None,
    where: Where = None,
    all_columns: Annotated[bool, typer.Option("--all-columns", help="All columns of gaia_source.")] = False,
    service: From = "gaia",
    wait: Wait = False,
    parallel: Parallel = 4,
) -> None:
    """Fetch what `sed.photometry` needs: Gaia sources of a region, their matches, and their rows of 2MASS and AllWISE.

    Example: `sedsql mirror sed orion --region 'CIRCLE(83.8, -5.4, 2)'`
    """
    from .mirror.add.photometry import fetch_photometry

    tap = _service(service)
    with _adding(folder, wait, parallel) as adding:
        rows = fetch_photometry(adding, tap, region, where, all_columns)
    say(f"{rows:,} rows came; ask {folder} what its sources are:")
    say(f"  sedsql query -m {folder} 'SELECT TOP 10 source_id, sed_class(s) FROM sed.photometry AS s'")


@app.command("import")
def import_(
    folder: Folder,
    files: Annotated[list[Path], typer.Argument(help="Files, or the folder of a HATS catalogue.", show_default=False)],
    name: Annotated[
        str, typer.Option("--as", help="Name of the table, such as gaiadr3.gaia_source.", show_default=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Replace the table of this name.")] = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Take in files: the archive's bulk files (ECSV), VOTable, FITS, CSV, Parquet; or a HATS catalogue, without a copy.

    Example: `sedsql mirror import sky GaiaSource_*.csv.gz --as gaiadr3.gaia_source`

    What is masked, NaN or empty text becomes NULL. Names of columns are written in lower case.
    """
    from .mirror.ingest import import_files

    with progress.stages("rows") as update:
        rows = import_files(folder, files, name, replace=replace, wait=wait, progress=update)
    stored = load(folder)[name.lower()]
    if as_json:
        about = {"table": name.lower(), "imported": rows, "rows": stored.rows, "files": len(stored.files)}
        out.print(to_json(about), markup=False, soft_wrap=True)
    elif stored.place:
        say(f"{folder} has {name.lower()}: {rows:,} rows, used where they lie in {stored.place}")
    else:
        say(f"{rows:,} rows came; {folder} has {stored.rows:,} of {name.lower()}")


@app.command()
def resume(folder: Folder, wait: Wait = False, parallel: Parallel = 4) -> None:
    """Go on with what was cut off, by Ctrl-C, a crash or a service that was down.

    Example: `sedsql mirror resume orion`
    """
    load(folder)  # resuming makes no new mirror
    with _adding(folder, wait, parallel) as adding:
        rows = adding.resume(_service)
    say(f"{rows:,} rows came; nothing is missing")


@app.command()
def verify(
    folder: Folder,
    remote: Annotated[bool, typer.Option("--remote", help="Ask the service for the rows of every piece, too.")] = False,
) -> None:
    """Count and hash every file again, and say what is not as it was written.

    Example: `sedsql mirror verify orion --remote`
    """
    from .mirror.verify import verify as check
    from .mirror.verify import verify_remote

    settle_if_cut_off(folder)
    manifest = load(folder)
    with progress.stages() as update:
        problems = list(check(folder.absolute(), manifest, update))
        if remote:
            problems += verify_remote(manifest, _service, update)
    for problem in problems:
        say(f"{problem.file or problem.table} {problem.what}")
    if problems:
        mends = any(problem.file for problem in problems)
        say(f"Mend it with `sedsql mirror {'repair' if mends else 'resume'} {folder}`")
        raise typer.Exit(1)
    files = sum(len(stored.files) for stored in manifest.values())
    say(f"All is well: {files:,} files, {sum(stored.rows for stored in manifest.values()):,} rows")


@app.command()
def repair(folder: Folder, wait: Wait = False) -> None:
    """Forget files that are gone or damaged, and make a manifest anew that cannot be read; then `resume`.

    Example: `sedsql mirror repair orion`
    """
    from .mirror.repair import repair as mend

    if not (folder / DATABASE).exists() and not any(folder.glob(f"*/*/dataset/{SCHEMA_FILE}")):
        raise MirrorError(f"{folder} is no mirror, and has no files of one")
    with progress.stages() as update:
        done = mend(folder.absolute(), update, wait=wait)
    for line in done:
        say(line)
    missing = any(stored.missing for stored in load(folder).values())
    say(f"Fetch what is missing with `sedsql mirror resume {folder}`" if missing else "Nothing is missing")


@app.command()
def compact(folder: Folder, wait: Wait = False) -> None:
    """Merge the files of each partition into one; `add` does it by itself when there are many.

    Example: `sedsql mirror compact orion`
    """
    load(folder)
    with progress.stages() as update, held(folder.absolute(), wait=wait) as manifest:
        for name, stored in manifest.items():
            if stored.place is None:
                before, after = compact_table(folder.absolute(), manifest, stored, update)
                say(f"{name}: {before:,} files before, {after:,} now")


@app.command()
def info(
    folder: Folder,
    table: Annotated[str | None, typer.Argument(help="Tell of this table's columns.")] = None,
    as_json: Json = False,
) -> None:
    """What tables there are, where they come from, and how much of them; or the columns of one.

    Example: `sedsql mirror info orion gaiadr3.gaia_source`
    """
    settle_if_cut_off(folder)
    manifest = load(folder)
    if table:
        with open_mirror(folder) as con:
            _print(("column", "type", "unit", "ucd", "description"), _columns_of(con, table), as_json)
    else:
        names = ("table", "rows", "MB", "files", "fetched", "from", "condition")
        _print(names, [_about(name, stored) for name, stored in manifest.items()], as_json)


def _print(names, rows, as_json: bool) -> None:
    if as_json:
        out.print(to_json([dict(zip(names, row, strict=True)) for row in rows]), markup=False, soft_wrap=True)
    else:
        print_rows(names, rows)


def _about(name: str, stored: Stored) -> tuple:
    share = None
    if stored.wanted:
        share = f"{100 - 100 * cells.size(stored.missing) / cells.size(stored.wanted):.4g} %"
    source = stored.service or stored.place
    return name, stored.rows, round(stored.bytes / 1e6, 1), len(stored.files), share, source, stored.condition


def _columns_of(con, table: str) -> list[tuple]:
    catalogue = Catalogue.of(con)
    found = catalogue.tables.get(table.lower())
    if not found:
        raise MirrorError(f"There is no table {table} in this mirror; {did_you_mean(table, catalogue.tables)}")
    return [(c.name, c.datatype, c.unit, c.ucd, c.description) for c in found.columns.values()]


@app.command()
def rules(
    folder: Folder,
    off: Annotated[list[str] | None, typer.Option(help="Switch a rule off.", show_default=False)] = None,
    on: Annotated[list[str] | None, typer.Option(help="Switch a rule on again.", show_default=False)] = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """The quality rules of `sed.photometry`: which are applied, what for, and after whom.

    Example: `sedsql mirror rules orion --off ruwe`
    """
    from .mirror import rules as quality  # it opens a database to read them

    load(folder)
    if off or on:
        with held(folder.absolute(), wait=wait), changed(folder.absolute()) as (con, _):
            for names, applied in ((off, False), (on, True)):
                for name in names or []:
                    quality.switch(con, name, applied)
    with open_mirror(folder) as con:
        try:
            answer = con.execute("SELECT * FROM sed.rules")
        except duckdb.CatalogException:
            raise MirrorError(f"{folder} has no sed.photometry, and so no rules; see `sedsql mirror sed`") from None
        names, rows = [column[0] for column in answer.description or []], answer.fetchall()
    _print(names, rows, as_json)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    rows: Annotated[int, typer.Option(help="Number of Gaia sources.", min=1)] = 200_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sky.")] = 0,
    rich: Annotated[bool, typer.Option("--rich", help="Many of the rare kinds, so that a small sky has all.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write a simulated mirror, with the archive's own table and column names.

    Classes, magnitudes, places and matches are as frequent as in Gaia DR3: of 100,000 sources a hundred are active
    nuclei, sixty young stars, and none a Wolf-Rayet star. With `--rich` a sky of 20,000 has all kinds.

    Example: `sedsql mirror sample sky --rows 1000000`
    """
    with progress.bar("simulating") as update:
        write_sample(folder, rows, seed, rich=rich, force=force, progress=lambda done: update(done, rows))
    kind = "simulated sky with many rare kinds, " if rich else "simulated sky of natural proportions, "
    say(f"A {kind}{rows:,} sources, is in {folder}; query it with -m {folder}")
