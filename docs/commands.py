"""Write `commands.md`, the reference of the command line, from the commands themselves: `make commands`."""

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from sedsql.cli.main import app
from sedsql.files.atomic import new_file

PAGE = Path(__file__).parent / "commands.md"


def written() -> str:
    """Write the page."""
    command = typer.main.get_command(app)
    context = command.make_context("sedsql", [], resilient_parsing=True)
    text = get_docs_for_click(obj=command, ctx=context, name="sedsql", title="The command line")
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"


if __name__ == "__main__":
    with new_file(PAGE, force=True) as partial:
        partial.write_text(written(), encoding="utf-8")
