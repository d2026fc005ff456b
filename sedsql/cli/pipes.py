"""Read a table from standard input, and write one to standard output, in a format that options name."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from sedsql.cli.answers import ENDINGS, check_output, to_file
from sedsql.errors import did_you_mean
from sedsql.files import TableError
from sedsql.files.atomic import new_file

STANDARD = Path("-")
"""The name of standard input and output."""

_READ = tuple(name for name in ENDINGS if name not in ("json", "table"))
_WRITTEN = tuple(name for name in ENDINGS if name != "table")
READ_FORMATS, WRITTEN_FORMATS = ", ".join(_READ), ", ".join(_WRITTEN)


@contextmanager
def input_file(file: Path, format: str | None) -> Iterator[Path]:
    """Give a file whose name says its format: standard input as one that is gone afterwards.

    A table is read more than once, which a pipe is not.
    """
    format = _checked(format, _READ, "--from")
    if file != STANDARD and format is None:
        yield file
        return
    if format is None:
        raise typer.BadParameter(f"say the format of standard input: {READ_FORMATS}", param_hint="--from")
    with TemporaryDirectory(prefix="sedsql-") as folder:
        named = Path(folder) / f"input{ENDINGS[format]}"
        if file == STANDARD:
            with open(named, "wb") as target:
                shutil.copyfileobj(sys.stdin.buffer, target)
        else:
            named.symlink_to(file.resolve(strict=True))
        try:
            yield named
        except TableError as error:
            what = "Standard input" if file == STANDARD else str(file)
            raise TableError(str(error).replace(str(named), what)) from None


@contextmanager
def output_file(output: Path, format: str | None, force: bool) -> Iterator[Path]:
    """Give the name of a file to write, which becomes `output`, or standard output, if the block ends well."""
    format = _checked(format, _WRITTEN, "--format")
    if not to_file(output):
        format = format or "csv"
        check_output(output, format)
        with TemporaryDirectory(prefix="sedsql-") as folder:
            written = Path(folder) / f"output{_ending(format)}"
            yield written
            with open(written, "rb") as file:
                sys.stdout.flush()
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    if format is None:
        yield output
        return
    with new_file(output, force=force) as partial:
        written = partial.with_name(f"{partial.name}{ENDINGS[format]}")
        try:
            yield written
            written.replace(partial)
        finally:
            written.unlink(missing_ok=True)


def _ending(format: str) -> str:
    from sedsql.files.arrow_ipc import STREAM

    return STREAM if format == "arrow" else ENDINGS[format]


def _checked(format: str | None, known: tuple[str, ...], option: str) -> str | None:
    """Check the name of a format, and write it in lower case."""
    if format is not None and format.lower() not in known:
        hint = did_you_mean(format.lower(), known)
        raise typer.BadParameter(f"no format is called {format!r}; {hint}", param_hint=option)
    return format and format.lower()
