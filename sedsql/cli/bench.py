"""Define the `sedsql bench` command, which runs the benchmarks."""

import importlib
import re
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from sedsql import progress
from sedsql.cli.options import Json
from sedsql.cli.render import say
from sedsql.errors import Error, did_you_mean
from sedsql.files.atomic import new_file
from sedsql.files.json import to_json
from sedsql.files.resources import folder as folder_of

app = typer.Typer()


class BenchError(Error):
    """Raised for benchmarks that cannot run, or answers that do not agree."""


@app.command()
def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these benchmarks; without names all of them.", show_default=False)
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, two minutes in all: to see that everything runs.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Where samples of the sky are kept; 20 GB for all benchmarks.")
    ] = Path("demo/bench"),
    url: Annotated[
        str | None,
        typer.Option(metavar="TAP", help="A TAP service to compare with, not one on this machine.", show_default=False),
    ] = None,
    mirror: Annotated[
        Path | None,
        typer.Option("--mirror", "-m", help="With --url: a mirror that has the service's rows.", show_default=False),
    ] = None,
    rows: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Sources of `plan` and rows of `scaling`, once or more; or rows of `spark`.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write; without --quick it is benchmarks/RESULTS.md.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure sedsql against other tools, check that the answers agree, and write a report.

    Only the parts of these benchmarks are replaced in the file. All benchmarks take some three hours. They need a
    checkout of the repository, because they are not in the wheel.

    Example: `sedsql bench functions --quick`
    """
    place = folder_of("benchmarks")
    if not (place / "measure.py").is_file():
        raise BenchError(
            "The benchmarks are not installed with sedsql: `git clone https://github.com/sedsql/sedsql` gets them, and "
            "`make bench` there runs them."
        )
    if str(place.parent) not in sys.path:
        sys.path.insert(0, str(place.parent))
    known = importlib.import_module("benchmarks").NAMES
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"there is no benchmark {name!r}; {did_you_mean(name, known)}")
    measure = importlib.import_module("benchmarks.measure")
    setting = measure.Setting(quick=quick, folder=folder, url=url, mirror=mirror, rows=tuple(rows or ()))
    if output is None and not quick:
        output = place / "RESULTS.md"
    head = (place / "HEADER.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    broken: list[str] = []
    with progress.steps("measuring", len(names or known)) as step:
        for name in [name for name in known if name in (names or known)]:
            step(name)
            try:
                found[name] = _module(name).run(setting)
            except Exception as error:  # go on with the other benchmarks
                broken.append(f"{name} failed: {error}")
                progress.note(traceback.format_exc() if not isinstance(error, Error) else broken[-1])
                continue
            if output is not None:
                _write(output, head, name, found[name].markdown(), known)
    if as_json:
        print(to_json([{"benchmark": name, **figures} for name, part in found.items() for figures in part.figures]))
    else:
        for part in found.values():
            say(part.markdown())
        if output is not None and found:
            say(f"Written to {output}")
    broken += [f"{name}: {text}" for name, part in found.items() for text in part.differ]
    if broken:
        raise BenchError(". ".join(broken))


def _module(name: str) -> Any:
    """Import the module of a benchmark, or say which package it lacks."""
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ImportError as error:
        raise BenchError(f"it needs {error.name}; install it with: pip install -e '.[train,bench]'") from None


_MARK = "<!-- {} -->"


def _write(path: Path, head: str, name: str, text: str, order: tuple[str, ...]) -> None:
    """Put a benchmark's part into the file, in place of the old one."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    pieces = re.split(r"^<!-- (\w+) -->\n", old, flags=re.MULTILINE)[1:]
    parts = dict(zip(pieces[::2], pieces[1::2], strict=True))
    parts[name] = text
    with new_file(path, force=True) as partial:
        body = (f"{_MARK.format(key)}\n{parts[key].rstrip()}\n" for key in order if key in parts)
        partial.write_text("\n".join([head.rstrip() + "\n", *body]), encoding="utf-8")
