"""Define and parse the options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from sedsql.inference.model import Model, ModelError, find_model

if TYPE_CHECKING:
    from sedsql.files import ReadOptions
    from sedsql.inference.classify_table import Prior

LabelledTables = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE...", help="Tables with a label for each source, in any format of `classify`: one or several."
    ),
]
Label = Annotated[str, typer.Option(help="The column of labels.")]
Clean = Annotated[
    bool, typer.Option("--clean", help="Mend labels by the rules for the shipped models' classes (docs/models.md).")
]
ModelFolders = Annotated[
    list[Path] | None,
    typer.Option("--models", help="A folder of models to add to the shipped ones.", show_default=False),
]
Mirror = Annotated[
    Path | None,
    typer.Option(
        "--mirror",
        "-m",
        envvar="SEDSQL_MIRROR",
        help="Folder of the mirror, or its address, such as s3://bucket/sky.",
        show_default=False,
    ),
]
ColumnMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="The column that holds a band, parallax, parallax_error, ra or dec; NAME=none if the table has none.",
        show_default=False,
    ),
]
Units = Annotated[
    list[str] | None,
    typer.Option(
        "--unit",
        metavar="COLUMN=UNIT",
        help="The unit of a column that says none, or a wrong one, such as FJ=mJy or Jmag='AB mag'.",
        show_default=False,
    ),
]
Surveys = Annotated[
    str | None,
    typer.Option(
        "--bands",
        metavar="SURVEY,...",
        help="Take only the bands of these surveys: gaia, 2mass, wise.",
        show_default=False,
    ),
]
Missing = Annotated[
    list[float] | None,
    typer.Option(
        metavar="VALUE",
        help="A number that stands for a missing one, besides -999, 99.99 and the like.",
        show_default=False,
    ),
]
KeepSentinels = Annotated[
    bool,
    typer.Option("--keep-sentinels", help="Take -999, 99.99 and the like, and 0 in all bands, for magnitudes."),
]
Simulated = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=ROWS",
        help="Train on ROWS simulated sources of a class too, if the table has few; all=ROWS: of every class.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Parse NAME=VALUE, as often as the option was given."""
    split = [text.partition("=") for text in texts or ()]
    for text, equals, value in split:
        if not (text and equals and value):
            form = "NAME=FILE" if option == "--upload" else "NAME=VALUE"
            raise typer.BadParameter(f"{option} takes {form}, not {text + equals + value!r}")
    return {name: value for name, _, value in split}


def read_options(
    columns: list[str] | None,
    units: list[str] | None = None,
    surveys: str | None = None,
    missing: list[float] | None = None,
    keep_sentinels: bool = False,
) -> ReadOptions:
    """Say how a table is read, from --map, --unit, --bands, --missing and --keep-sentinels."""
    from sedsql.files import ReadOptions

    bands = [name.strip() for name in surveys.split(",")] if surveys else None
    return ReadOptions(pairs(columns, "--map"), pairs(units, "--unit"), bands, missing or (), keep_sentinels)


def simulated_rows(texts: list[str] | None) -> dict[str, int]:
    """Parse CLASS=ROWS, as often as the option was given."""
    rows = pairs(texts, "--simulated")
    for text in rows.values():
        if not text.isdigit():
            raise typer.BadParameter(f"--simulated takes CLASS=ROWS with a whole number of rows, not {text!r}")
    return {name: int(text) for name, text in rows.items()}


def model_named(name: str, folders: list[Path] | None) -> Model:
    """Find the model of that name, shipped or in one of the folders."""
    return find_model(name, folders)


@contextmanager
def needs_training() -> Iterator[None]:
    """Say which package is missing, where the block imports one of the extra `train`."""
    try:
        yield
    except ImportError as error:
        raise ModelError(f"This needs {error.name}; install it with: pip install 'sedsql[train]'") from None


@contextmanager
def with_prior(model: Model, prior: str | None) -> Iterator[tuple[Model, Prior | None]]:
    """Yield the model, with the prior of a file if one is given, and the prior to choose in it."""
    given: dict[str | None, Prior | None] = {None: None, "sky": "sky", "flat": "flat"}
    if prior in given:
        yield model, given[prior]
        return
    assert prior is not None
    with needs_training():
        from sedsql.learn import prior_model
    with TemporaryDirectory() as folder:
        file = Path(prior)
        yield prior_model.with_prior(model, file, Path(folder) / f"{model.name}-{file.stem}"), "sky"
