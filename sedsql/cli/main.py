"""Run the `sedsql` command: gather its subcommands, and end a mistake in one sentence."""

import os
import re
import sys
from importlib import import_module
from typing import Annotated, Any

import duckdb
import typer
from typer.core import TyperGroup

from sedsql import __version__, progress
from sedsql.dbapi.module import sentence
from sedsql.errors import Error
from sedsql.files.place import at_home

_COMMANDS = (
    *(
        "query",
        "translate",
        "match",
        "send",
        "demo",
        "mirror",
        "classify",
        "train",
        "evaluate",
        "explain",
        "models",
        "compare",
    ),
    *("simulate", "census", "shell", "explore", "serve", "plan", "bench"),
)
"""In the order of the help page. Each is defined in the file of its name, but for `translate`."""


class _Commands(TyperGroup):
    """Import the file of a command when the command is asked for: to import all takes longer than most queries."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _COMMANDS:
            self._import(cmd_name)
        else:  # names that are like it are looked for in all
            for name in _COMMANDS:
                self._import(name)
        return super().get_command(ctx, cmd_name)

    def _import(self, name: str) -> None:
        if name in self.commands:
            return
        one = import_module(f"sedsql.cli.{'query' if name == 'translate' else name}").app
        one.rich_markup_mode = self.rich_markup_mode
        group = typer.main.get_group(one)
        if name in group.commands:
            self.commands.update(group.commands)
        else:
            group.name = name
            self.commands[name] = group


app = typer.Typer(
    cls=_Commands,
    help="Ask in SQL what the sources of a catalogue are, from the shape of their SEDs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"sedsql {__version__}, DuckDB {duckdb.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; report a user's mistake in one sentence on standard error, never as a traceback."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # pictures go into files, where there may be no screen
    if "SEDSQL_MIRROR" in os.environ:
        os.environ["SEDSQL_MIRROR"] = _at_home(os.environ["SEDSQL_MIRROR"])
    signals = progress.stop_on_signals()
    try:
        app([_at_home(_no_option(argument)) for argument in sys.argv[1:]])
    except BaseException as error:
        if signals:
            progress.ignore_signals()
            print("Interrupted; nothing was left half-written.", file=sys.stderr)
            sys.exit(128 + signals[0])
        if not isinstance(error, Error | duckdb.Error | OSError | ValueError):
            raise
        print(f"Error: {_sentence(error)}", file=sys.stderr)
        sys.exit(1)


def _no_option(argument: str) -> str:
    """Put a space before a query that begins with a comment, so that it is not taken for an option."""
    return f" {argument}" if re.match(r"--[^\s=]*\s", argument) else argument


def _at_home(argument: str) -> str:
    """Replace `~` by the home folder where a shell has not: in quotes, and after `=` as in --upload mine=~/mine.vot."""
    before, path = re.match(r"((?:--?[\w-]+=)?(?:[\w-]+=)?)(.*)", argument, re.DOTALL).groups()  # type: ignore[union-attr]
    return before + str(at_home(path)) if re.match(r"~[\w.-]*(/|$)", path) else argument


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return "No folder for temporary files can be written, such as /tmp; TMPDIR in the environment names one."
    if isinstance(error, duckdb.Error):
        return sentence(error)
    return str(error).strip() or type(error).__name__
