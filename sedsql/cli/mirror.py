"""Define the `sedsql mirror` commands, which make and keep local copies of archive tables."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedsql import progress
from sedsql.cli import mirror_upkeep as upkeep
from sedsql.cli.mirror_upkeep import Folder, Wait, open_service
from sedsql.cli.options import ColumnMap, Force, Json, KeepSentinels, Missing, Units, read_options
from sedsql.cli.render import print_answer, say
from sedsql.files.json import to_json
from sedsql.mirror.manifest import DATABASE
from sedsql.mirror.mirror import Mirror

if TYPE_CHECKING:
    from sedsql.mirror.add.estimate import Estimate

app = typer.Typer(help="Local copies of archive tables, and the simulated sample sky.", no_args_is_help=True)

From = Annotated[
    str,
    typer.Option("--from", help="The TAP service: its URL, or gaia, vizier, gavo, irsa.", envvar="SEDSQL_TAP"),
]
Region = Annotated[
    str | None,
    typer.Option(
        help="Only this part of the sky: 'CIRCLE(83.8, -5.4, 2)' in degrees, '05:35:17 -05:23:28, 2', a name such as "
        "Pleiades (`sedsql mirror regions` lists them) or 'M 67, 1', or a file with a MOC.",
        show_default=False,
    ),
]
Resolve = Annotated[bool, typer.Option("--resolve", help="Ask CDS's Sesame where a name in --region is.")]
Where = Annotated[str | None, typer.Option(help="Only rows that meet this ADQL condition.", show_default=False)]
Joined = Annotated[
    bool, typer.Option("--joined", help="Do not store sed.photometry: it joins its tables for each query.")
]
Parallel = Annotated[int, typer.Option(help="Queries that the service gets at the same time.", min=1, max=8)]


@contextmanager
def _download(folder: Path, wait: bool, parallel: int, joined: bool = False) -> Iterator:
    from sedsql.mirror.add import Download

    with progress.stages() as update:
        try:
            with Download.to(folder, wait=wait, parallel=parallel, stores=not joined, progress=update) as download:
                yield download
        except KeyboardInterrupt:
            print(f"What came is kept; go on with `sedsql mirror resume {folder}`", file=sys.stderr)
            raise


@app.command()
def add(
    folder: Folder,
    table: Annotated[str, typer.Argument(help="Name of the table, such as gaiadr3.gaia_source.", show_default=False)],
    region: Region = None,
    resolve: Resolve = False,
    columns: Annotated[str | None, typer.Option(help="Only these columns, separated by commas.")] = None,
    where: Where = None,
    service: From = "gaia",
    wait: Wait = False,
    parallel: Parallel = 4,
    as_json: Json = False,
) -> None:
    """Fetch a table from a TAP service, or more of the sky for a table that is there.

    Example: `sedsql mirror add orion gaiadr3.gaia_source --region 'CIRCLE(83.8, -5.4, 2)'`

    A login is taken from ~/.netrc, or from the environment: SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD.
    """
    from sedsql.sql_text import without_quotes

    region = _resolved(region, resolve)
    tap, chosen = open_service(service), columns.split(",") if columns else None
    with _download(folder, wait, parallel) as download:
        rows = download.table(table, tap, region=region, columns=chosen, where=where)
    state = download.mirror.tables[without_quotes(table).lower()]
    if as_json:
        print(to_json({"mirror": str(folder), "table": state.table.name, "fetched": rows, "rows": state.rows}))
    else:
        say(f"{rows:,} rows came; {folder} has {state.rows:,} of {state.table.name}")


@app.command()
def sed(
    folder: Folder,
    region: Region = None,
    resolve: Resolve = False,
    where: Where = None,
    all_columns: Annotated[bool, typer.Option("--all-columns", help="All columns of gaia_source.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell how many rows, MB and minutes it would be; fetch nothing.")
    ] = False,
    service: From = "gaia",
    joined: Joined = False,
    wait: Wait = False,
    parallel: Parallel = 4,
    as_json: Json = False,
) -> None:
    """Fetch the tables of `sed.photometry`: Gaia sources of a region, their matches, their rows of 2MASS and AllWISE.

    Example: `sedsql mirror sed orion --region 'CIRCLE(83.8, -5.4, 2)'`

    Example: `sedsql mirror sed pleiades --region Pleiades --dry-run`
    """
    from sedsql.mirror.add.photometry import expect_photometry, fetch_photometry

    region = _resolved(region, resolve)
    tap = open_service(service)
    if dry_run:
        there = Mirror.read(folder).tables if (folder / DATABASE).exists() else {}
        with progress.stages() as update:
            expected = expect_photometry(
                tap, region, where, all_columns, there=there, parallel=parallel, progress=update
            )
        _print_expected(expected, as_json)
        return
    with _download(folder, wait, parallel, joined) as download:
        rows = fetch_photometry(download, tap, region, where, all_columns)
    if as_json:
        print(to_json({"mirror": str(folder), "fetched": rows}))
        return
    say(f"{rows:,} rows came; ask {folder} what its sources are:")
    say(f"  sedsql query -m {folder} 'SELECT TOP 10 source_id, sed_class(s) FROM sed.photometry AS s'")


def _resolved(region: str | None, resolve: bool) -> str | None:
    if region is None or not resolve:
        return region
    from sedsql.mirror.sesame import resolve as ask

    return ask(region)


def _print_expected(expected: "Estimate", as_json: bool) -> None:
    tables = [(one.name, one.rows, None if one.bytes is None else round(one.bytes / 1e6, 3)) for one in expected.tables]
    rows = sum(one.rows or 0 for one in expected.tables)
    megabytes = sum(one.bytes or 0 for one in expected.tables) / 1e6
    if as_json:
        names = ("table", "rows", "MB")
        about = {"rows": rows, "MB": round(megabytes, 3), "seconds": expected.seconds}
        print(to_json({**about, "tables": [dict(zip(names, one, strict=True)) for one in tables]}))
        return
    print_answer(("table", "rows", "MB"), tables, False)
    unknown = (
        " without the tables that the service does not count"
        if any(one.rows is None for one in expected.tables)
        else ""
    )
    took = "" if expected.seconds is None else f", about {_duration(expected.seconds)}"
    say(f"{rows:,} rows, about {megabytes:,.1f} MB{took}{unknown}; nothing was fetched")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:,.0f} minutes"


@app.command()
def regions(as_json: Json = False) -> None:
    """List the regions that have a name, with the origin of their centres and radii.

    Example: `sedsql mirror regions`
    """
    from sedsql.mirror.named_regions import REGIONS

    names = ("name", "ra", "dec", "radius", "other names", "origin")
    rows = [(r.name, r.ra, r.dec, r.radius, ", ".join(r.others), r.origin) for r in REGIONS]
    print_answer(names, rows, as_json)


@app.command("import")
def import_(
    folder: Folder,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files, or the folder of a HATS catalogue; or their address, such as s3://bucket/hats.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str, typer.Option("--as", help="Name of the table, such as gaiadr3.gaia_source.", show_default=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Replace the table of this name.")] = False,
    column_map: ColumnMap = None,
    unit: Units = None,
    missing: Missing = None,
    keep_sentinels: KeepSentinels = False,
    joined: Joined = False,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Import files: the archive's bulk files (ECSV), VOTable, FITS, CSV, Parquet; or a HATS catalogue, without a copy.

    Example: `sedsql mirror import sky GaiaSource_*.csv.gz --as gaiadr3.gaia_source`

    Example: `sedsql mirror import sky asu.tsv --as vizier.members --missing -77`

    Example: `sedsql mirror import sky s3://bucket/ztf --as ztf.objects`

    Masked values, NaN, empty texts, and numbers that stand for a missing one become NULL. Names of columns are written
    in lower case. Positions are found by the names that `classify` knows, and stored in degrees.
    """
    from sedsql.mirror.ingest import import_files

    options = read_options(column_map, unit, missing=missing, keep_sentinels=keep_sentinels)
    notes: list[str] = []
    with progress.stages("rows") as update:
        rows = import_files(
            folder,
            files,
            name,
            replace=replace,
            wait=wait,
            stores=not joined,
            options=options,
            note=notes.append,
            progress=update,
        )
    for text in notes:
        progress.note(text)
    state = Mirror.read(folder).tables[name.lower()]
    if as_json:
        about = {"table": name.lower(), "imported": rows, "rows": state.rows, "files": len(state.files)}
        print(to_json(about))
    elif state.place:
        say(f"{folder} has {name.lower()}: {rows:,} rows, used where they lie in {state.place}")
    else:
        say(f"{rows:,} rows came; {folder} has {state.rows:,} of {name.lower()}")


@app.command()
def resume(folder: Folder, wait: Wait = False, parallel: Parallel = 4, as_json: Json = False) -> None:
    """Continue downloads that were cut off by Ctrl-C, a crash or a service that was down.

    Example: `sedsql mirror resume orion`
    """
    Mirror.read(folder)  # resuming makes no new mirror
    with _download(folder, wait, parallel) as download:
        rows = download.resume(open_service)
    if as_json:
        print(to_json({"mirror": str(folder), "fetched": rows}))
    else:
        say(f"{rows:,} rows came; nothing is missing")


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    rows: Annotated[int, typer.Option(help="Number of Gaia sources.", min=1)] = 200_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sky.")] = 0,
    rich: Annotated[bool, typer.Option("--rich", help="Many sources of rare kinds, so a small sky has all.")] = False,
    joined: Joined = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a simulated mirror, with the archive's own table and column names.

    Classes, magnitudes, positions and matches are as frequent as in Gaia DR3: of 100,000 sources a hundred are active
    nuclei, sixty are young stars, and none is a Wolf-Rayet star. With `--rich` a sky of 20,000 has all kinds.

    Example: `sedsql mirror sample sky --rows 1000000`
    """
    from sedsql.mirror.sample import write_sample

    with progress.stages("rows") as update:
        write_sample(
            folder,
            rows,
            seed,
            rich=rich,
            force=force,
            stores=not joined,
            progress=lambda done: update("simulating", done, rows),
            storing=update,
        )
    if as_json:
        print(to_json({"mirror": str(folder), "sources": rows, "seed": seed, "rich": rich}))
        return
    kind = "simulated sky with many rare kinds, " if rich else "simulated sky of natural proportions, "
    say(f"A {kind}{rows:,} sources, is in {folder}; query it with -m {folder}")


for _command in (
    upkeep.verify,
    upkeep.repair,
    upkeep.compact,
    upkeep.info,
    upkeep.rules,
    upkeep.refresh,
    upkeep.classify,
):
    app.command()(_command)
