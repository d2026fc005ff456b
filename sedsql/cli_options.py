"""Options that several commands have, and what is read from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from .inference.model import Model, ModelError, find_models

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
ColumnMap = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN",
        help="Which column holds a band, parallax, parallax_error, ra or dec; NAME=none if there is none.",
        show_default=False,
    ),
]
Sentinels = Annotated[
    bool, typer.Option("--sentinels", help="Magnitudes such as -999 and 99.99, or 0 in all bands, are missing.")
]
Simulated = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS=ROWS",
        help="Train on simulated sources too, of a class the table has few of; all=ROWS: of every class.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """NAME=VALUE, as often as it was given."""
    split = [text.partition("=") for text in texts or ()]
    for text, equals, value in split:
        if not (text and equals and value):
            raise typer.BadParameter(f"{option} takes NAME=VALUE, not {text + equals + value!r}")
    return {name: value for name, _, value in split}


def simulated_rows(texts: list[str] | None) -> dict[str, int]:
    """CLASS=ROWS, as often as it was given."""
    rows = pairs(texts, "--simulated")
    for text in rows.values():
        if not text.isdigit():
            raise typer.BadParameter(f"--simulated takes CLASS=ROWS with a whole number of rows, not {text!r}")
    return {name: int(text) for name, text in rows.items()}


def model_named(name: str, folders: list[Path] | None) -> Model:
    """The model of that name, shipped or in one of the folders."""
    found = find_models(folders)
    if name not in found:
        raise ModelError(f"No model {name!r}; there are {', '.join(found)}.")
    return found[name]


@contextmanager
def needs_training() -> Iterator[None]:
    """What a block imports needs the extra `train`."""
    try:
        yield
    except ImportError as error:
        raise ModelError(f"This needs {error.name}; install it with: pip install 'sedsql[train]'") from None
