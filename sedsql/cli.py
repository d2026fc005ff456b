"""The `sedsql` command: parses arguments and prints."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from . import __version__, progress, tables
from .classify import classify_file
from .db import connect
from .demo import run_demo
from .errors import Error
from .inference.model import DEFAULT_MODEL, Model, ModelError, find_models
from .mirror.sample import write_sample
from .output import new_file

SHOWN_ROWS = 40

app = typer.Typer(
    help="Ask in SQL what the sources of a catalogue are, from the shape of their SEDs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
mirror_app = typer.Typer(help="Local copies of archive tables, and the simulated sample sky.", no_args_is_help=True)
app.add_typer(mirror_app, name="mirror")

out = Console()

Query = Annotated[
    str,
    typer.Argument(help="The query, a file NAME.adql or NAME.sql that holds it, or - for standard input."),
]
Mirror = Annotated[
    Path | None,
    typer.Option("--mirror", "-m", envvar="SEDSQL_MIRROR", help="Folder of the mirror.", show_default=False),
]
ModelFolders = Annotated[
    list[Path] | None,
    typer.Option("--models", help="A folder of models to add to the shipped ones.", show_default=False),
]
BandMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="BAND=COLUMN",
        help="Which column holds a band; BAND=none if there is none.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command()
def query(
    text: Query,
    mirror: Mirror = None,
    sql: Annotated[bool, typer.Option("--sql", help="The query is DuckDB SQL, not ADQL.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answer to this file.", show_default=False)
    ] = None,
    force: Force = False,
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Run a query on a mirror and print the answer.

    Example: `sedsql query "SELECT TOP 5 s.source_id, sed_class(s) FROM sed.photometry AS s" -m sky`
    """
    text, is_sql = _read_query(text, sql)
    with connect(mirror, models=models) as con:
        cursor = con.execute(text, lang="sql" if is_sql else "adql")
        if cursor.description is None:
            return
        if output is not None:
            tables.file_format(output)
            with new_file(output, force=force) as partial:
                answer = progress.answer(cursor, lambda c: c.arrow())
                if tables.streams(output):
                    tables.write_pieces(partial, answer.schema, iter([answer]))
                else:
                    tables.write_table(partial, tables.from_arrow(answer))
            out.print(f"{answer.num_rows:,} rows written to {output}", highlight=False)
            return
        names = [column[0] for column in cursor.description]
        if as_json:
            rows = progress.answer(cursor, lambda c: c.fetchall())
            print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str))
            return
        rows = progress.answer(cursor, lambda c: c.fetchmany(SHOWN_ROWS + 1))
        _print_rows(names, rows)


@app.command()
def translate(
    text: Query,
    mirror: Mirror = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what was rewritten, and why.")] = False,
) -> None:
    """Print the DuckDB SQL of an ADQL query; without a mirror only the language is checked, not the names."""
    from . import adql

    text, _ = _read_query(text, False)
    notes: list[str] = []
    if mirror is None:
        print(adql.translate(text, explain=notes))
    else:
        with connect(mirror) as con:
            print(con.translate(text, explain=notes))
    for note in notes if explain else ():
        print(f"-- {note}")


@app.command()
def classify(
    file: Annotated[Path, typer.Argument(help="CSV, ECSV, VOTable, FITS or Parquet, by the name's ending.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The classified table; its ending says the format.")],
    model: Annotated[str, typer.Option(help="Name of the model.")] = DEFAULT_MODEL,
    models: ModelFolders = None,
    band_map: BandMap = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Add `sed_class`, `sed_probability` and `sed_n_bands` to a table.

    The magnitudes are found by the archive's column names or common variants such as Gmag, Jmag, W1mag.
    All rows and columns come out as they were, in order.

    Example: `sedsql classify cluster.vot -o cluster-classified.fits --map ks_m=K2mag`
    """
    chosen = _model(model, models)
    with progress.bar("classifying") as update:
        counts = classify_file(file, output, chosen, band_map=_pairs(band_map, "--map"), force=force, progress=update)
    if as_json:
        print(
            json.dumps(
                {
                    "output": str(output),
                    "model": chosen.name,
                    "classes": {str(k): v for k, v in counts.items()},
                }
            )
        )
        return
    _print_rows(["class", "sources"], sorted(counts.items(), key=lambda item: -item[1]))
    out.print(f"{sum(counts.values()):,} rows written to {output} (model {chosen.name})", highlight=False)


@app.command()
def train(
    table: Annotated[Path, typer.Argument(help="A table with a label for each source, in any format of `classify`.")],
    label: Annotated[str, typer.Option(help="The column of labels.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The model's folder, e.g. models/mine-1; its name becomes the model's."),
    ],
    simulated: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=ROWS",
            help="Train on simulated sources too, of a class the table has few of.",
            show_default=False,
        ),
    ] = None,
    band_map: BandMap = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a model on a labelled table, test it on sky it has not seen, and write it with its card.

    Example: `sedsql train labelled.parquet --label class -o models/mine-1`
    """
    try:
        from .learn import build, training
    except ImportError as error:
        raise ModelError(f"Training needs {error.name}; install it with: pip install 'sedsql[train]'") from None
    rows = {name: _whole(text, "--simulated") for name, text in _pairs(simulated, "--simulated").items()}
    with progress.steps("training", build.STEPS) as step:
        labelled = training.read_labelled(table, label, _pairs(band_map, "--map"))
        labelled = training.add_simulated(labelled, rows, seed)
        model = build.build_model(labelled, output, seed=seed, force=force, step=step)
    if as_json:
        print(json.dumps(model.card))
        return
    _print_card(model)
    out.print(f"Model {model.name} written to {output}", highlight=False)


@app.command("models")
def list_models(models: ModelFolders = None, as_json: Json = False) -> None:
    """List the models and check each file against its card."""
    found = find_models(models)
    states = {name: _verify(model) for name, model in found.items()}
    if as_json:
        print(json.dumps({name: {"verified": not states[name], "card": model.card} for name, model in found.items()}))
    else:
        rows = [
            (name, len(m.classes), len(m.bands), m.min_bands, *_held_out(m), states[name] or "verified")
            for name, m in found.items()
        ]
        _print_rows(["model", "classes", "bands", "min_bands", "macro F1", "calibration error", "file"], rows)
        out.print("Macro F1 and expected calibration error on the rows that training did not see.", style="dim")
    if any(states.values()):
        raise typer.Exit(1)


@mirror_app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    rows: Annotated[int, typer.Option(help="Number of Gaia sources.", min=1)] = 200_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sky.")] = 0,
    force: Force = False,
) -> None:
    """Write a simulated mirror, with the archive's own table and column names."""
    with progress.bar("simulating") as update:
        write_sample(folder, rows, seed, force=force, progress=lambda done: update(done, rows))
    out.print(f"A simulated sky of {rows:,} sources is in {folder}; query it with -m {folder}", highlight=False)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where everything goes.")] = Path("demo"),
    rows: Annotated[int, typer.Option(help="Sources of the sample sky.", min=1)] = 200_000,
    catalogue: Annotated[Path, typer.Option(help="A labelled table to classify, if it is there.")] = Path(
        "../shared/catalogues/labelled.parquet"
    ),
) -> None:
    """Make a sample sky, ask it what its sources are, and draw their SEDs."""
    run_demo(folder, rows, catalogue, _print_rows, lambda text: out.print(text, highlight=False, soft_wrap=True))


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"sedsql {__version__}, DuckDB {duckdb.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; a mistake of the user's ends in one sentence on standard error, never in a traceback."""
    try:
        app()
    except (Error, duckdb.Error, OSError, ValueError) as error:
        _stderr(f"Error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        _stderr("Interrupted; nothing was left half-written.")
        sys.exit(130)


def _stderr(text: str) -> None:
    print(text, file=sys.stderr)


def _read_query(text: str, sql: bool) -> tuple[str, bool]:
    if text == "-":
        return sys.stdin.read(), sql
    if text.endswith((".adql", ".sql")) and not any(c.isspace() for c in text):
        return Path(text).read_text(encoding="utf-8"), sql or text.endswith(".sql")
    return text, sql


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    for text, equals, value in pairs:
        if not (text and equals and value):
            raise typer.BadParameter(f"{option} takes NAME=VALUE, not {text + equals + value!r}")
    return {name: value for name, _, value in pairs}


def _whole(text: str, option: str) -> int:
    if not text.isdigit():
        raise typer.BadParameter(f"{option} takes CLASS=ROWS with a whole number of rows, not {text!r}")
    return int(text)


def _model(name: str, folders) -> Model:
    found = find_models(folders)
    if name not in found:
        raise ModelError(f"No model {name!r}; there are {', '.join(found)}.")
    return found[name]


def _verify(model: Model) -> str:
    try:
        model.graph()
    except ModelError as error:
        return str(error)
    return ""


def _held_out(model: Model) -> tuple:
    scores = model.card.get("metrics", {}).get("held_out", {})
    return scores.get("macro_f1"), scores.get("calibration_error")


def _print_card(model: Model) -> None:
    scores = model.card["metrics"]["held_out"]
    _print_rows(
        ["class", "precision", "recall", "F1", "rows"],
        [(name, s["precision"], s["recall"], s["f1"], s["rows"]) for name, s in scores["per_class"].items()],
    )
    baselines = model.card["metrics"]["baselines"]
    _print_rows(
        ["on the rows held out", "macro F1"],
        [(model.name, scores["macro_f1"]), *((name, b["macro_f1"]) for name, b in baselines.items())],
    )


def _print_rows(names: list[str], rows: list) -> None:
    """Rows as an aligned table, the first SHOWN_ROWS of them."""
    table = RichTable(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate(names):
        number = all(isinstance(row[place], int | float) or row[place] is None for row in rows)
        table.add_column(name, justify="right" if number and rows else "left", overflow="fold")
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(_cell(value) for value in row))
    out.print(table)
    if len(rows) > SHOWN_ROWS:
        out.print(f"... more than {SHOWN_ROWS} rows; -o FILE writes them all", highlight=False)


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]NULL[/dim]"
    if isinstance(value, float):
        return f"{value + 0.0:.8g}"  # + 0.0 makes a zero of minus zero
    return escape(str(value))
