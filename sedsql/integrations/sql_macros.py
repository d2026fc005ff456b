"""Write models as plain SQL into a script, a DuckDB database or a mirror, which then have the `sed_*` functions."""

import os
from collections.abc import Iterable
from pathlib import Path

import duckdb

from sedsql.errors import Error
from sedsql.files.atomic import new_file
from sedsql.inference.engines import engine_macro
from sedsql.inference.macros import photometry_macros
from sedsql.inference.model import ModelError, find_models
from sedsql.inference.sql_engine.macros import script
from sedsql.mirror.database import OWN_MACROS, STORAGE_VERSION, attaching
from sedsql.mirror.mirror import Mirror
from sedsql.sql_text import literal


class MacroFileError(Error):
    """Macros cannot be put into a file."""


def macro_script(names: list[str], models: Iterable[str | Path] | None = None) -> str:
    """Write the SQL that makes the functions of models; the first model answers when a query names none.

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
        photometry_macros(temporary=False),
        script(chosen, names[0], temporary=False),
        engine_macro(dict.fromkeys(names, "sql"), names[0], temporary=False),
    ]
    return "".join(parts)


def write_database(path: str | os.PathLike[str], made: str) -> None:
    """Put macros into a DuckDB database, which is made where there is none, so that DuckDB 1.2 and later open it.

    All that is in a database stays; macros of the same names are replaced. Raises MacroFileError where it cannot be
    opened, or is no database.
    """
    if Path(path).exists():
        _run(path, path, made, "")
        return
    with new_file(path) as partial:
        _run(partial, path, made, f" (STORAGE_VERSION '{STORAGE_VERSION}')")


def _run(file: str | os.PathLike[str], name: str | os.PathLike[str], made: str, options: str) -> None:
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
        raise MacroFileError(f"Macros cannot be written into {name}: {str(error).splitlines()[0]}") from None


def add_to_mirror(mirror: str | os.PathLike[str], made: str) -> None:
    """Put macros into DIR/mirror.duckdb, where they stay when the mirror is added to.

    Raises MirrorError where there is no mirror, or it is being written to.
    """
    attaching(mirror)  # raises for what is no mirror
    with Mirror.change(mirror) as held, held.edit_database() as con:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {OWN_MACROS}")
        con.execute(made)
