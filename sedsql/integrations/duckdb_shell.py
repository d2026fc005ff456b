"""Open the DuckDB shell on a mirror: find the shell, and write what it runs before the first line is typed."""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import duckdb

from sedsql import native
from sedsql.dbapi.connection import connect
from sedsql.errors import Error
from sedsql.files.object_storage.addresses import address_of
from sedsql.inference.answering import Answering
from sedsql.inference.classified import PHOTOMETRY, view
from sedsql.inference.engines import engine_macro, key_of, load_extension
from sedsql.inference.macros import extension_macros, macros, of_extension, photometry_macros
from sedsql.inference.model import DEFAULT_MODEL, Model, find_models
from sedsql.mirror.database import attaching, open_mirror
from sedsql.sql_text import literal


class ShellError(Error):
    """There is no DuckDB shell, or no extension that makes `sed_*` callable in it."""


def find_shell() -> Path:
    """Find the shell of PyPI's `duckdb-cli`, else the one beside Python, else the first `duckdb` on the PATH."""
    name = "duckdb.exe" if sys.platform == "win32" else "duckdb"
    # The program itself: the script that the package puts beside Python would get the Ctrl-C that stops a query.
    package = importlib.util.find_spec("duckdb_cli")
    if package and package.origin and (inside := Path(package.origin).with_name(name)).is_file():
        return inside
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if not found:
        raise ShellError("No DuckDB shell is installed; `pip install 'sedsql[shell]'` installs one.")
    return Path(found)


def shell_lines(mirror: str | os.PathLike[str] | None = None, models: Iterable[str | Path] | None = None) -> list[str]:
    """List the SQL statements, without semicolons, after which any DuckDB client can classify sources.

    The client must allow unsigned extensions (`duckdb -unsigned`). Macros are temporary: they are of its session.

    mirror : a mirror's folder, which becomes the current database, read-only
    models : folders of models to add to the shipped ones

    Raises ShellError where there is no extension that DuckDB loads, EngineError where it is of another version of
    sedsql, MirrorError where there is no mirror.
    """
    if mirror is not None and (address := address_of(mirror)):
        raise ShellError(
            f"{address} is on object storage, which the DuckDB shell cannot read through sedsql; ask it by "
            f"`sedsql query --sql`, or copy it to a disk"
        )
    with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
        if why_not := load_extension(con):
            raise ShellError(why_not)
    known = find_models(models)
    key = key_of(known, DEFAULT_MODEL)
    folders = ", ".join(literal(model.folder.absolute()) for model in known.values())
    return [
        f"LOAD {literal(native.EXTENSION)}",
        # For this session is enough, and all that DuckDB 1.4 offers.
        *(line.replace("SET GLOBAL ", "SET ") for line in (attaching(mirror) if mirror is not None else [])),
        # SELECT would print a table.
        f"SET VARIABLE sed_models = sed_models('{key}', '{DEFAULT_MODEL}', [{folders}])",
        *_statements(photometry_macros(temporary=True)),
        *_statements(macros(of_extension(key), temporary=True) + extension_macros(of_extension(key), temporary=True)),
        *_statements(engine_macro(dict.fromkeys(known, "native"), DEFAULT_MODEL, temporary=True)),
        *(_classified(known) if mirror is not None and _has_photometry(mirror) else []),
        _ADQL,
    ]


def _classified(known: dict[str, Model]) -> list[str]:
    """Make the view `sed.classified` in a database beside the mirror: the session's own may be a file that stays."""
    return [
        f"ATTACH IF NOT EXISTS ':memory:' AS {_BESIDE}",
        *view(_BESIDE, Answering.of(known)),
        f"SET search_path = 'mirror.main,mirror.sed,{_BESIDE}.sed'",
    ]


def _has_photometry(mirror: str | os.PathLike[str]) -> bool:
    """Tell whether the mirror has the view that `sed.classified` reads, and its files."""
    with open_mirror(mirror) as con:
        try:
            con.execute(f"FROM {PHOTOMETRY} LIMIT 0")
        except duckdb.Error:
            return False
    return True


_BESIDE = "sedsql"
# DuckDB's query() puts the SQL that it is given in its place, so the answer is as fast as the SQL typed there.
_ADQL = "CREATE OR REPLACE TEMP MACRO adql(adql_query) AS TABLE FROM query(_sed_adql(adql_query))"


def _statements(script: str) -> list[str]:
    """Split a script into statements of one line each, without comments."""
    return [" ".join(re.sub(r"--[^\n]*", "", s.query).split()).rstrip("; ") for s in duckdb.extract_statements(script)]


def open_shell(mirror: Path | None, arguments: list[str], models: Iterable[str | Path] | None = None) -> None:
    """Replace this process by the DuckDB shell, with these arguments of the shell's."""
    shell = find_shell()
    setup = ";\n".join(shell_lines(mirror, models)) + ";"
    # By these the extension runs main() below.
    os.environ["SEDSQL_PYTHON"] = sys.executable
    if mirror is not None:
        os.environ["SEDSQL_MIRROR"] = str(mirror.absolute())
    os.environ["SEDSQL_MODELS"] = os.pathsep.join(str(Path(model).absolute()) for model in models or ())
    os.execv(shell, [str(shell), "-unsigned", "-cmd", setup, *arguments])


def main() -> int:
    """`python -m sedsql.integrations.duckdb_shell QUERY`: print the SQL of an ADQL query for $SEDSQL_MIRROR.

    A mistake in the query is printed as a sentence, with exit status 1.
    $SEDSQL_MODELS has the folders of models that the shell was given.
    """
    try:
        mirror = os.environ.get("SEDSQL_MIRROR")
        if not mirror:
            raise ShellError("ADQL needs a mirror to ask: open the shell with `sedsql shell MIRROR`")
        folders = os.environ.get("SEDSQL_MODELS", "").split(os.pathsep)
        with connect(mirror, models=[folder for folder in folders if folder]) as con:
            print(con.translate(sys.argv[1]), end="")
    except (Error, duckdb.Error, OSError, ValueError) as error:
        print(error, end="")
        return 1
    except KeyboardInterrupt:
        print("The translation was interrupted", end="")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
