"""The installed package works by itself: `make wheel` runs these tests outside the checkout, with nothing of it."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import sedsql
from sedsql import native
from sedsql.inference.model import find_models

pytestmark = pytest.mark.wheel

PACKAGE = Path(sedsql.__file__).parent
README = next(path for folder in Path(__file__).parents if (path := folder / "README.md").is_file())
EXAMPLES = ("archive_join", "classes", "hr_diagram", "stages", "young_stars")


def run(*arguments, folder=None):
    """What the installed command prints."""
    command = shutil.which("sedsql", path=sysconfig.get_path("scripts"))
    assert command, "the command sedsql is not installed"
    done = subprocess.run([command, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the mirror `sky`, made by the README's own command."""
    folder = tmp_path_factory.mktemp("installed")
    install, sample = re.search(r"```sh\n(pip install .*)\n(sedsql mirror sample .*)\n```", README.read_text()).groups()
    assert install == "pip install -e '.[plot]'"
    run(*sample.partition("#")[0].split()[1:], folder=folder)
    return folder


def test_the_five_lines_of_the_readme(folder):
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
    picture = (folder / "sed.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_the_page_is_there_where_npm_was():
    page = PACKAGE / "service" / "explore" / "page"
    assert (page / "index.html").is_file() == (shutil.which("npm") is not None)
    if page.is_dir():
        named = re.findall(r'(?:src|href)="page/([^"]+)"', (page / "index.html").read_text(encoding="utf-8"))
        assert len(named) == 3
        assert {*named, "widget.js", "widget.css", "licences.txt"} <= {path.name for path in page.iterdir()}


def test_versions_agree():
    assert sedsql.__version__ == importlib.metadata.version("sedsql")
    assert run("--version").startswith(f"sedsql {sedsql.__version__}, DuckDB ")
    if native.path():
        with sedsql.connect() as con:
            assert con.execute("SELECT sed_native_version()", lang="sql").fetchone() == (sedsql.__version__,)


def test_models_sql_and_types_came_along():
    assert (PACKAGE / "py.typed").is_file()
    models = find_models()
    assert {"lite-2", "luminosity-2", "shape-2", "sky-1"} <= set(models)
    sql = models["sky-1"].folder.parents[1] / "sql"
    assert {path.stem for path in (sql / "examples").glob("*.adql")} == set(EXAMPLES)
    assert (sql / "views.sql").is_file()
    if not (PACKAGE.parent / "pyproject.toml").is_file():  # this is no checkout
        assert sql == PACKAGE / "sql"


def test_the_links_and_the_licence_are_told():
    told = importlib.metadata.metadata("sedsql")
    assert told["License-Expression"] == "BSD-3-Clause"
    links = dict(link.split(", ") for link in told.get_all("Project-URL"))
    assert {"Homepage", "Documentation", "Source", "Changelog"} <= set(links)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_answered(folder, name):
    query = (find_models()["sky-1"].folder.parents[1] / "sql" / "examples" / f"{name}.adql").read_text(encoding="utf-8")
    with sedsql.connect(folder / "sky") as con:
        assert con.execute(query).fetchall()


def test_the_extension_answers_as_onnx_runtime_does_or_says_why_it_is_not_there(folder):
    query = "SELECT TOP 2000 source_id, sed_class(s) AS class FROM sed.photometry AS s ORDER BY source_id"
    answers = {}
    for engine in ("native", "onnx") if native.path() else ("onnx",):
        with sedsql.connect(folder / "sky", engine=engine) as con:
            assert con.execute("SELECT sed_engine()", lang="sql").fetchone() == (engine,)
            answers[engine] = con.execute(query).fetchall()
    assert len({label for _, label in answers["onnx"]}) > 5
    if native.path():
        assert answers["native"] == answers["onnx"]
        assert native.why_not() is None
    else:
        assert "There is no C extension of sedsql here: " in native.why_not()


def test_the_extension_is_there_where_the_wheel_is_for_one_platform():
    tags = re.findall(r"^Tag: (\S+)$", importlib.metadata.distribution("sedsql").read_text("WHEEL") or "", re.MULTILINE)
    assert len(tags) == 1
    assert tags[0].startswith("py3-none-")  # no part of it is built against one release of Python
    assert tags[0].endswith("-any") == (native.path() is None) or (PACKAGE.parent / "pyproject.toml").is_file()


def test_translation():
    assert "LIMIT 3" in sedsql.translate("SELECT TOP 3 ra FROM gaiadr3.gaia_source")


def test_the_command(folder):
    listed = run("--help")
    assert all(name in listed for name in ("query", "mirror", "classify", "train", "bench", "demo"))
    shown = run("query", "SELECT class, COUNT(*) AS n FROM sed.classified GROUP BY class", "-m", "sky", folder=folder)
    assert "main_sequence" in shown


def test_bench_says_where_the_benchmarks_are():
    if (PACKAGE.parent / "benchmarks").is_dir():
        pytest.skip("this is a checkout, which has the benchmarks")
    command = shutil.which("sedsql", path=sysconfig.get_path("scripts"))
    done = subprocess.run([command, "bench"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "git clone https://github.com/sedsql/sedsql" in done.stderr
