"""The DuckDB shell on a mirror: where the shell is, and what it runs before the first line is typed."""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

import duckdb

from . import native
from .errors import Error
from .inference.macros import MACROS
from .mirror.store import attaching
from .resources import folder


class ShellError(Error):
    """There is no DuckDB shell, or nothing that makes `sed_*` callable in it."""


def find_shell() -> Path:
    """The DuckDB shell of PyPI's `duckdb-cli`, else the one beside Python, else the first `duckdb` on the PATH."""
    name = "duckdb.exe" if sys.platform == "win32" else "duckdb"
    # The program itself: the script that the package puts beside Python would get the Ctrl-C that stops a query.
    package = importlib.util.find_spec("duckdb_cli")
    if package and package.origin and (inside := Path(package.origin).with_name(name)).is_file():
        return inside
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if not found:
        raise ShellError("There is no DuckDB shell here; `pip install 'sedsql[shell]'` brings one.")
    return Path(found)


def shell_lines(mirror: str | os.PathLike | None = None) -> list[str]:
    """SQL statements, without their semicolons, after which a DuckDB client can ask what sources are.

    The client must allow unsigned extensions (`duckdb -unsigned`). Macros are temporary: they are of its session.

    mirror : a mirror's folder, which becomes the current database, read-only

    Raises ShellError where there is no extension, MirrorError where there is no mirror.
    """
    extension = native.path()
    if extension is None:
        raise ShellError(native.why_not())
    load = "LOAD '{}'".format(str(extension).replace("'", "''"))
    return [load, *(attaching(mirror) if mirror is not None else []), *_macros(load)]


def _macros(load: str) -> list[str]:
    """The macros of sql/, and those of models whose functions the extension has."""
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as con:
        con.execute(load)
        known = {name for (name,) in con.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
        of_sql, of_models = (
            [" ".join(_COMMENT.sub("", statement.query).split()).rstrip("; ") for statement in found]
            for found in map(con.extract_statements, (folder("sql").joinpath("macros.sql").read_text("utf-8"), MACROS))
        )
    return [*of_sql, *(macro for macro in of_models if known.issuperset(_CALLED.findall(macro)))]


_COMMENT = re.compile(r"--[^\n]*")
_CALLED = re.compile(r"AS (_sed_\w+)\(")


def open_shell(mirror: Path | None, arguments: list[str]) -> None:
    """Become the DuckDB shell; it ends as the shell ends."""
    shell = find_shell()
    setup = ";\n".join(shell_lines(mirror)) + ";"
    os.execv(shell, [str(shell), "-unsigned", "-cmd", setup, *arguments])
