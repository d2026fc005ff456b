"""Choose the engine of each model, the C extension, ONNX Runtime or plain SQL, and install its functions."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import duckdb

from sedsql import native
from sedsql.errors import Error
from sedsql.files.resources import folder
from sedsql.inference.macros import Called, create, extension_macros, macros, of_extension, photometry_macros
from sedsql.inference.model import DEFAULT_MODEL, Model, ModelError, find_models
from sedsql.inference.sql_engine import install as install_sql_engine
from sedsql.sql_text import literal

if TYPE_CHECKING:
    from sedsql.inference.onnx_functions import Functions

Engine = Literal["native", "onnx", "sql"]


class EngineError(Error, ValueError):
    """An engine that is not there, or that does not run what it is asked to."""


def register(
    con: duckdb.DuckDBPyConnection,
    models: Iterable[str | Path] | None = None,
    default: str | None = None,
    engine: Engine | None = None,
) -> None:
    """Make the `sed_*` functions callable in a DuckDB connection.

    Parameters
    ----------
    con : any connection, read-only ones too: nothing is written to its database
    models : folders of models to add to the shipped ones
    default : name of the model that answers when a query names none; 'shape-2' unless told
    engine : 'native', the C extension, 'onnx', ONNX Runtime, or 'sql', plain SQL, which has the default and the
        models that are handed in, by folder or name; the fastest that runs a model unless told. `sed_engine()` says
        which it is.

    Raises
    ------
    ModelError
        Where a folder holds no model.
    EngineError
        Where the engine that was asked for is not there, or does not run a model, or the C extension is of another
        version of sedsql.

    Notes
    -----
    DuckDB loads the C extension only in connections that allow unsigned extensions, made by
    `duckdb.connect(config={"allow_unsigned_extensions": True})`.

    The functions are called through temporary macros, so a cursor made with `con.cursor()` needs a
    `register` of its own.

    Examples
    --------
    >>> import duckdb, sedsql
    >>> con = duckdb.connect(config={"allow_unsigned_extensions": True})
    >>> sedsql.register(con)
    >>> con.execute("SELECT sed_class(17.2, 18.9, 15.8, 12.9, 11.6, 10.6, 9.4, 8.6, 6.1, 3.7)").fetchone()
    ('yso',)
    """
    install(con, models, default, engine, temporary=True)


def install(
    con: duckdb.DuckDBPyConnection,
    models: Iterable[str | Path] | None = None,
    default: str | None = None,
    engine: Engine | None = None,
    *,
    temporary: bool,
) -> dict[str, str]:
    """Install the functions, with macros of this connection or its current database; give the engine of each model."""
    if engine is not None and engine not in get_args(Engine):
        raise EngineError(f"There is no engine {engine!r}; there are {', '.join(get_args(Engine))}.")
    models = list(models or ())
    found, name = find_models(models), default or DEFAULT_MODEL
    if name not in found:
        raise ModelError(f"No model {name!r}; there are {', '.join(found)}.")
    asked = _asked(models, found, name)
    if engine == "sql":
        # A query takes the time to read all models that it might name, which is seconds.
        found = {model: found[model] for model in asked}
        install_sql_engine(con, found, name, temporary=temporary)
    key = key_of(found, name)
    if engine in ("sql", "onnx"):
        engines = dict.fromkeys(found, str(engine))
    else:
        engines = _fastest(con, key, found, name, asked)
        if engine == "native" and (why_not := next((why for why in engines.values() if why != "native"), None)):
            raise EngineError(why_not)
        engines = {model: "native" if which == "native" else "onnx" for model, which in engines.items()}
    if "onnx" in engines.values():
        _functions(found, name, key, load=engines[name] == "onnx").register(con, key)
    for statement in _statements(con, engines, name, key, temporary):
        con.execute(statement)
    return engines


_parsed: dict[tuple[object, ...], list[duckdb.Statement]] = {}


def _statements(
    con: duckdb.DuckDBPyConnection, engines: dict[str, str], default: str, key: str, temporary: bool
) -> list[duckdb.Statement]:
    """Write and parse the macros once for all connections of this process: that takes longer than to make them."""
    what = (*engines.items(), default, key, temporary)
    if (statements := _parsed.get(what)) is None:
        scripts = [photometry_macros(temporary=temporary), engine_macro(engines, default, temporary=temporary)]
        if "sql" not in engines.values():
            scripts.append(macros(_called(engines, default, key), temporary=temporary))
        if "native" in engines.values():
            scripts.append(extension_macros(of_extension(key), temporary=temporary))
        if len(_parsed) == 8:  # of which some may be of connections that are closed
            _parsed.clear()
        statements = _parsed[what] = con.extract_statements("\n".join(scripts))
    return statements


def key_of(models: Mapping[str, Model], default: str) -> str:
    """Tell sets of models apart: functions of one key give the same answers, for their cards are the same."""
    words = [default, *(part for model in models.values() for part in (str(model.folder.absolute()), model.digest))]
    return hashlib.sha256(repr(words).encode()).hexdigest()[:16]


_known: "dict[str, Functions]" = {}
"""By key, for the life of the process: DuckDB calls a function for as long as the database is open, but keeps it
alive only as long as the cursor on which it was registered."""
_of_parents: "list[Functions]" = []
"""Those of the processes that this one was forked from."""


def _leave() -> None:
    """Forget the functions in a child process: its connections have functions of their own."""
    _of_parents.extend(_known.values())
    _known.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)


def _functions(models: dict[str, Model], default: str, key: str, *, load: bool) -> "Functions":
    from sedsql.inference.onnx_functions import Functions

    functions = _known.get(key) or Functions(models, default)
    if load:
        functions.load(default)
    return _known.setdefault(key, functions)


def _asked(given: list[str | Path], found: dict[str, Model], default: str) -> list[str]:
    """Name the default model and those that were handed in."""
    shipped, names = folder("models").absolute(), {str(path) for path in given}
    return [
        name
        for name, model in found.items()
        if name == default or name in names or model.folder.absolute().parent != shipped
    ]


def _fastest(
    con: duckdb.DuckDBPyConnection, key: str, models: dict[str, Model], default: str, asked: list[str]
) -> dict[str, str]:
    """Give 'native' for each model, or a sentence that says why the C extension does not run it."""
    if why_not := load_extension(con):
        return dict.fromkeys(models, why_not)
    folders = [str(model.folder.absolute()) for model in models.values()]
    con.execute("SELECT sed_models(?, ?, ?)", [key, default, folders]).fetchall()
    # It runs the shipped ones; to load them all would take a quarter of a second.
    refused = {name: con.execute("SELECT sed_refused(?, ?)", [name, key]).fetchall()[0][0] for name in asked}
    return {name: refused.get(name) or "native" for name in models}


def load_extension(con: duckdb.DuckDBPyConnection) -> str | None:
    """Load the C extension; where that cannot be, give a sentence that says why.

    Raises EngineError where the extension is of another version of sedsql.
    """
    path = native.path()
    if path is None:
        return native.why_not()
    try:
        con.execute(f"LOAD {literal(str(path))}")
    except duckdb.Error as error:
        if "unsigned" in str(error):
            return (
                "DuckDB loads sedsql's C extension only in a connection that allows unsigned extensions; make it with "
                'duckdb.connect(config={"allow_unsigned_extensions": True}).'
            )
        return f"DuckDB does not load sedsql's C extension: {str(error).splitlines()[0]}"
    if not _has_interface(con):
        raise EngineError(native.OTHER_VERSION)
    return None


def _has_interface(con: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether the extension that is loaded has the functions that the macros call."""
    try:
        return con.execute("SELECT sed_native_interface()").fetchall() == [(native.INTERFACE,)]
    except duckdb.CatalogException:  # one of before there was a number
        return False


def _called(engines: dict[str, str], default: str, key: str) -> Called:
    """Call a function of either engine, by the model's name where there are both."""
    in_c = of_extension(key)
    by_onnx = [name for name, engine in engines.items() if engine == "onnx"]

    def called(name: str, arguments: list[str]) -> str:
        in_python = f"{name}_{key}({', '.join(arguments)})"
        if not by_onnx:
            return in_c(name, arguments)
        if len(by_onnx) == len(engines):
            return in_python
        named = f"coalesce({arguments[-1]}, {literal(default)}) IN ({', '.join(map(literal, by_onnx))})"
        return f"CASE WHEN {named} THEN {in_python} ELSE {in_c(name, arguments)} END"

    return called


def engine_macro(engines: dict[str, str], default: str, *, temporary: bool) -> str:
    """Write the macro `sed_engine`, which says which engine answers."""
    cases = " ".join(f"WHEN {literal(name)} THEN '{engine}'" for name, engine in engines.items())
    there = literal(f"; there are {', '.join(engines)}.")
    unknown = f"error('No model ' || model || {there})"
    return (
        f"{create(temporary)} sed_engine() AS '{engines[default]}',\n"
        f"    (model) AS CASE coalesce(model, {literal(default)}) {cases} ELSE {unknown} END;\n"
    )
