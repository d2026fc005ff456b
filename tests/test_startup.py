"""Importing sedsql and running a short query load only what they use: the rest takes longer than the query."""

import json
import statistics
import subprocess
import sys

import pytest

import sedsql
from sedsql import files

DUCKDB = {"adbc_driver_duckdb", "duckdb"}
QUERIES = DUCKDB | {"cloudpickle", "mypy_extensions", "numpy", "pyarrow", "sqlglot"}
"""pyarrow imports cloudpickle, and sqlglot mypy_extensions, where they are installed."""
TYPER = {"annotated_doc", "annotated_types", "pydantic", "pydantic_core", "shellingham", "typer", "typing_extensions"}
COMMANDS = QUERIES | TYPER | {"rich", "typing_inspection"}
HELP = COMMANDS | {"attr", "markdown_it", "mdurl", "pygments"}

RUN = """
import sys; sys.argv = ['sedsql', *{}]
try:
    from sedsql.cli.main import main; main()
except SystemExit: pass
"""


def loaded(code):
    """Names of the modules that code loads, in a process of its own."""
    tell = f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


BARE = loaded("")


def libraries(modules):
    """Packages that are neither Python's own nor sedsql; those that begin with _ are parts of others."""
    packages = {name.partition(".")[0] for name in modules - BARE}
    return {name for name in packages if name[0] != "_"} - sys.stdlib_module_names - {"cython_runtime", "sedsql"}


def within(package, modules):
    return {name.removeprefix(f"{package}.") for name in modules if name.startswith(f"{package}.")}


def test_an_import_loads_duckdb_alone():
    modules = loaded("import sedsql")
    assert libraries(modules) <= DUCKDB
    assert within("sedsql", modules) == {"dbapi", "dbapi.module", "errors"}


def test_a_query_is_answered_with_duckdb_arrow_and_sqlglot(sky):
    query = "SELECT TOP 1 ra, sed_class(s) AS c FROM sed.photometry AS s WHERE source_id > ?"
    modules = loaded(f"import sedsql; sedsql.connect({str(sky)!r}).execute({query!r}, [0]).fetchall()")
    assert libraries(modules) <= QUERIES
    rooms = {name.partition(".")[0] for name in within("sedsql", modules)}
    assert not rooms & {"cli", "integrations", "learn", "plot", "simulate", "tap"}


def test_the_command_shows_its_help_with_rich_and_loads_no_more():
    assert libraries(loaded(RUN.format(["--help"]))) <= HELP


def test_a_row_in_a_pipe_is_printed_without_rich_s_markup(sky):
    query = "SELECT TOP 1 ra, sed_class(s) AS c FROM sed.photometry AS s"
    modules = loaded(RUN.format(["query", query, "-m", str(sky)]))
    assert libraries(modules) <= COMMANDS
    assert {name for name in within("rich", modules) if name[0] != "_"} == {"cells"}  # how wide a word is
    assert within("sedsql.cli", modules) == {"answers", "main", "options", "query", "render"}


def seconds(code):
    """How long the processor works on code."""
    timed = f"import time; start = time.process_time()\n{code}\nprint(time.process_time() - start)"
    return float(subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout)


def test_an_import_takes_at_most_twice_as_long_as_its_libraries():
    pairs = [(seconds("import sedsql"), seconds("import duckdb, pyarrow")) for _ in range(5)]
    assert statistics.median(own / libraries for own, libraries in pairs) <= 2, pairs


@pytest.mark.parametrize("package", [sedsql, files], ids=["sedsql", "sedsql.files"])
def test_every_public_name_can_be_loaded(package):
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        package.no_such_name  # noqa: B018
    assert {*package.__all__} <= {*dir(package)}
