"""Define the `sedsql explore` command, which shows a mirror in the browser."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sedsql.cli.options import ModelFolders
from sedsql.cli.render import say
from sedsql.errors import Error
from sedsql.files.object_storage.addresses import absolute
from sedsql.processors import cores

app = typer.Typer()

_GB = 1 << 30


@app.command()
def explore(
    mirror: Annotated[Path, typer.Argument(envvar="SEDSQL_MIRROR", help="Folder of the mirror.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port, or the next one that is free; 0 is any free one.")
    ] = 8765,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 lets other machines ask.")] = "127.0.0.1",
    base_path: Annotated[
        str, typer.Option(help="The path below which a proxy shows the page.", show_default="none")
    ] = "",
    frame: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Let pages of this origin show it in a frame.", show_default="none"),
    ] = None,
    models: ModelFolders = None,
    training: Annotated[
        Path | None,
        typer.Option(help="A labelled table, to tell its sources that are most like one.", show_default=False),
    ] = None,
    label: Annotated[str, typer.Option(help="The column of labels in that table.")] = "class",
    memory: Annotated[float, typer.Option(min=0.5, help="GB of memory for the result of a query.")] = 4.0,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds that a query may take.")] = 3600,
) -> None:
    """Show a mirror in the browser: sky, colours, classes, and the SED of each source, for the rows of a query.

    The page is for this machine alone, and asks no other; `sedsql serve` shows it to others too.

    Example: `sedsql explore sky`

    Example: `sedsql explore sky --no-browser --memory 12`, for a result of 50 million rows
    """
    from sedsql.integrations.samp_link import SampLink

    try:
        from sedsql.service.errors import ServiceError
        from sedsql.service.explore.explorer.source import labelled
        from sedsql.service.explore.settings import ExploreSettings, origins
        from sedsql.service.explore.start import start
        from sedsql.service.workers import Settings
    except ImportError as error:
        raise Error(f"`sedsql explore` needs {error.name}; install it with: pip install 'sedsql[serve]'") from None

    try:
        with tempfile.TemporaryDirectory(prefix="sedsql-explore-") as temporary:
            process = Settings(
                absolute(mirror),
                Path(temporary),
                tuple(path.absolute() for path in models or ()),
                memory=int(memory * _GB),
                threads=cores(),
            )
            if training:
                labelled(str(training.absolute()), label)  # what is wrong with it is told now, not at a click
            settings = ExploreSettings(
                process,
                seconds=seconds,
                frames=origins(frame),
                base=base_path,
                training=training and training.absolute(),
                label=label,
            )
            link = SampLink()
            try:
                start(settings, host, port, browser, say, link)
            finally:
                link.close()
    except ServiceError as error:
        raise Error(error.message) from error
