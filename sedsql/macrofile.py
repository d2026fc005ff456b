"""Models as plain SQL in files: a script, a DuckDB database, or a mirror, which then have the `sed_*` functions."""

import os
from collections.abc import Iterable
from pathlib import Path

import duckdb

from .errors import Error
from .inference.engines import engine_macro
from .inference.model import ModelError, find_models
from .inference.plain.macros import script
from .mirror.change import held
from .mirror.store import OWN_MACROS, STORAGE_VERSION, attaching, changed
from .output import new_file
from .resources import folder
from .sqltext import literal


class MacroFileError(Error):
    """A file that macros cannot be put into."""


def macro_script(names: list[str], models: Iterable[str | Path] | None = None) -> str:
    """The SQL that makes the functions of models; the first of them answers when a query names none.

    names : of models
    models : folders of models to add to the shipped ones

    Raises ModelError where there is no such model, or plain SQL cannot do what its graph has.
    """
    found = find_models(models)
    for name in names:
        if name not in found:
            raise ModelError(f"No model {name!r}; there are {', '.join(found)}.")
    chosen = {name: found[name] for name in names}
    parts = [
        f"-- The functions of {', '.join(names)} for any DuckDB, written by `sedsql models export`.\n",
        (folder("sql") / "macros.sql").read_text(encoding="utf-8"),
        script(chosen, names[0]),
        engine_macro(dict.fromkeys(names, "sql"), names[0]),
    ]
    return "".join(parts).replace(" TEMP MACRO ", " MACRO ")


def write_database(path: str | os.PathLike, made: str) -> None:
    """Put macros into a DuckDB database, which is made where there is none, so that DuckDB 1.2 and later open it.

    All that is in a database stays; macros of the same names are replaced. Raises MacroFileError where it cannot be
    opened, or is no database.
    """
    if Path(path).exists():
        _run(path, path, made, "")
        return
    with new_file(path) as partial:
        _run(partial, path, made, f" (STORAGE_VERSION '{STORAGE_VERSION}')")


def _run(file: str | os.PathLike, name: str | os.PathLike, made: str, options: str) -> None:
    try:
        with duckdb.connect() as con:
            con.execute(f"ATTACH {literal(file)} AS macros{options}")
            con.execute("USE macros")
            con.execute("BEGIN")
            con.execute(made)
            con.execute("COMMIT")
            con.execute("USE memory")
            con.execute("DETACH macros")
    except duckdb.Error as error:
        raise MacroFileError(f"{name} cannot be given macros: {str(error).splitlines()[0]}") from None


def add_to_mirror(mirror: str | os.PathLike, made: str) -> None:
    """Put macros into DIR/mirror.duckdb, where they stay when the mirror is added to.

    Raises MirrorError where there is no mirror, or it is being written to.
    """
    path = Path(mirror).absolute()
    attaching(mirror)  # raises for what is no mirror
    with held(path), changed(path) as (con, _):
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {OWN_MACROS}")
        con.execute(made)
