"""Define the `sedsql send` command."""

from pathlib import Path
from typing import Annotated

import typer

from sedsql import files
from sedsql.cli.options import Json, Mirror, ModelFolders
from sedsql.cli.query import Uploads, open_with_uploads, read_query
from sedsql.cli.render import say
from sedsql.files.json import to_json
from sedsql.integrations.samp import send as send_table

app = typer.Typer()


@app.command()
def send(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE|QUERY", help="A table in a file, or a query: its text, @FILE, a file NAME.adql, or -."
        ),
    ],
    mirror: Mirror = None,
    to: Annotated[
        str | None, typer.Option(help="The program, such as topcat; all that take tables unless told.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the table is called there.", show_default=False)] = None,
    upload: Uploads = None,
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Send a table, or the answer to a query, to TOPCAT, Aladin or any program that listens by SAMP.

    Example: `sedsql send classified.vot --to topcat`

    Example: `sedsql send "SELECT * FROM sed.photometry AS s WHERE sed_class(s) = 'yso'" -m sky`
    """
    if _is_table(what):
        sent = send_table(Path(what), to, name=name)
    else:
        text, is_sql = read_query(what, False)
        with open_with_uploads(mirror, is_sql, models, upload) as con:
            sent = send_table(con.execute(text, lang="sql" if is_sql else "adql"), to, name=name or "sedsql query")
    if as_json:
        print(to_json({"sent_to": sent}))
    else:
        say(f"{', '.join(sent)} loaded it")


def _is_table(what: str) -> bool:
    """Tell a file's name from a query's text by its ending."""
    if any(letter.isspace() for letter in what.strip()) and not Path(what).is_file():
        return False
    try:
        files.file_format(Path(what))
    except files.TableError:
        return False
    return True
