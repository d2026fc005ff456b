"""The documentation: the site is built without a warning, examples run, and links lead somewhere."""

import doctest
import importlib
import os
import re
import runpy
import shlex
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import sedsql
from sedsql import plot
from sedsql.cli import main as cli
from sedsql.integrations.samp import library
from sedsql.mirror.sample import write_sample

ROOT = Path(__file__).parent.parent
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "sedsql").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
NUMBER = r"\b\d+(?:\.\d+)?"
FETCHED = {
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "embed": "src",
    "object": "data",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the mirror that `sedsql mirror sample sky --rows 20000 --rich` makes."""
    folder = tmp_path_factory.mktemp("docs")
    write_sample(folder / "sky", 20_000, rich=True)
    return folder


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_docstrings(module, folder, monkeypatch):
    monkeypatch.chdir(folder)
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_what_is_called_most_has_an_example():
    most = [
        sedsql.connect,
        sedsql.dbapi.connection.Connection,
        sedsql.dbapi.cursor.Cursor,
        sedsql.TAPMirror,
        sedsql.register,
        sedsql.translate,
    ]
    drawing = [getattr(plot, name) for name in plot.__all__ if callable(getattr(plot, name)) and name != "PlotError"]
    assert [thing for thing in [*most, *drawing] if ">>> " not in thing.__doc__] == []


def blocks(name: str) -> list[tuple[str, str]]:
    """The language and the text of each block of a page."""
    return re.findall(
        r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def run(language: str, text: str, names: dict) -> None:
    """Run a block of a page: Python in the namespace `names`, or commands."""
    if language == "python":
        exec(compile(text, "page.md", "exec"), names)
    elif language == "sh":
        for line in text.splitlines():
            run_command(line)


@pytest.mark.parametrize(("page", "opened"), [("python", ["con"]), ("from_other_tools", ["con", "service"])])
def test_python_runs_from_top_to_bottom(page, opened, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names: dict = {}
    code = [block for block in blocks(page) if block[0] == "python"]
    for block in code:
        run(*block, names)
    for name in opened:
        names[name].close()
    assert len(code) > (3 if page == "python" else 1)


def alike(one: str, other: str) -> bool:
    """Whether the words are the same, and the numbers within a tenth: a last bit may move a source or two."""
    (words, numbers), (others, others_numbers) = (
        (re.split(NUMBER, text), re.findall(NUMBER, text)) for text in (one, other)
    )
    near = len(numbers) == len(others_numbers) and all(
        float(a) == pytest.approx(float(b), rel=0.1) for a, b in zip(numbers, others_numbers, strict=True)
    )
    return near and " ".join(words).split() == " ".join(others).split()


@pytest.mark.slow
def test_the_tutorial_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    """Python and commands in turns, from an empty folder; what it says that it prints is what it prints."""
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for language, text in blocks("tutorial"):
        if language in ("python", "sh"):
            run(language, text, names)
        else:
            printed = capsys.readouterr().out
            assert alike(printed, text), f"{text!r} was to be printed, and it was {printed!r}"
        if language != "python":
            capsys.readouterr()
    drawn = {"seds.png", "colours.png", "hr.png", "map.png", "sed.pdf"}
    assert {*drawn, "young.vot", "classified.fits", "all_young.csv"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_everyday_tasks_run_from_top_to_bottom(tmp_path, monkeypatch):
    """With a SAMP hub and a program that loads what it is sent; each task leaves what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    loaded: list[str] = []
    samp = library()
    with samp.conf.set_temp("use_internet", False):
        hub = samp.SAMPHubServer(web_profile=False, lockfile=str(tmp_path / "samp"))
        hub.start()
        program = samp.SAMPIntegratedClient(name="topcat")
        program.connect()

        def load(key, sender, message, mtype, params, extra):
            loaded.append(params["name"])
            time.sleep(0.1)  # the hub loses an answer that comes before it begins to wait for it
            program.ereply(message, samp.SAMP_STATUS_OK, result={})

        for mtype in ("table.load.votable", "table.load.fits"):
            program.bind_receive_call(mtype, load)
        names: dict = {}
        try:
            for language, text in blocks("tasks"):
                run(language, text, names)
        finally:
            program.disconnect()
            hub.stop()
    assert loaded == ["matched.fits", "young stars"]
    made = {
        "classified.vot",
        "classified.fits",
        "classes.parquet",
        "matched.fits",
        "parallaxes.csv",
        "sed.png",
        "hr.png",
    }
    assert made <= {path.name for path in tmp_path.iterdir()}
    matched = Table.read(tmp_path / "matched.fits")
    assert len(matched) == 200
    assert np.asarray(matched["separation"]) == pytest.approx(0.36 * np.cos(np.radians(matched["DEJ2000"])), abs=0.01)
    assert len(names["orion"]) > 0


def run_command(line: str) -> None:
    program, *words = shlex.split(line)
    if words[0] == "shell":  # another program
        main = "from sedsql.cli.main import main; main()"
        assert (
            "main_sequence"
            in subprocess.run([sys.executable, "-c", main, *words], capture_output=True, text=True).stdout
        )
    elif program == "sedsql":
        cli.app(words, standalone_mode=False)
    else:
        assert line.startswith("pip install ")


def test_the_command_line_is_described_as_it_is():
    """`make commands` writes the page; its layout is typer's, so only commands and options are compared."""
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    written = runpy.run_path(str(ROOT / "docs" / "commands.py"))["written"]()
    said, told = (
        re.findall(r"^## `[^`]+`|^### `[^`]+`|^\* `-[^`]+`: .*", text, re.MULTILINE) for text in (page, written)
    )
    assert said == told
    assert len(said) > 100


NAMING = [
    "CONTRIBUTING",
    "docs/architecture",
    "docs/decisions",
    "docs/models",
    "docs/plain_sql",
    "docs/shell",
    "docs/simulated",
]
MADE_BY_READERS = {"sedsql/adql/optimizer/true_conditions.py", "lite.sql", "sky.sql"}


@pytest.mark.parametrize("page", NAMING)
def test_files_and_folders_that_pages_name_are_there(page):
    """From the repository, the package or the extension's source; a bare name of a file may lie anywhere in them."""
    text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    named = {*re.findall(r"(?<![\w./-])[\w-]+(?:/[\w-]+)*\.(?:py|c|h|sql|md)\b", text)}
    named |= {*re.findall(r"`([\w-]+(?:/[\w-]+)*/)`", text)}
    roots = [ROOT, ROOT / "docs", ROOT / "sedsql", ROOT / "sedsql" / "native" / "src"]
    lost = [name for name in named - MADE_BY_READERS if not any((root / name).exists() for root in roots)]
    assert [name for name in lost if "/" in name.rstrip("/") or not any((ROOT / "sedsql").rglob(name))] == []
    assert named


def test_architecture_is_short():
    """1,500 words, drawings with them."""
    assert len((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split()) <= 1500


class Page(HTMLParser):
    """What a page of the site links to, fetches and can be linked to by, and its text."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.places: set[str] = {""}
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given.get("id") or ""}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if given.get(FETCHED.get(tag, "")):
            self.fetched.append(given[FETCHED[tag]])

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs", ".", str(folder)]
    without = {name: value for name, value in os.environ.items() if name != "SEDSQL_EXECUTE_NOTEBOOKS"}
    done = subprocess.run(command, cwd=ROOT, env=without, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_the_site_has_every_page(site, pages):
    sources = [*(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    expected = {path.relative_to(ROOT).with_suffix(".html").as_posix() for path in sources}
    assert {"index.html", "benchmarks/RESULTS.html", *expected} <= {path.relative_to(site).as_posix() for path in pages}
    assert "docs/tutorial.html" in pages[site / "index.html"].links


@pytest.mark.slow
def test_links_of_the_site_lead_somewhere(pages):
    for path, page in pages.items():
        for link in page.links:
            if not re.match(r"\w+:", link):
                to, _, place = link.partition("#")
                found = (path.parent / to).resolve() if to else path
                assert found.is_file(), f"{path} links to {link}"
                assert found not in pages or place in pages[found].places, f"{path} links to {link}"


@pytest.mark.slow
def test_the_site_fetches_nothing_from_another_host(site, pages):
    fetched = [url for page in pages.values() for url in page.fetched]
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    fetched += re.findall(r"url\([\"']?([^)\"']+)", styles) + re.findall(r"@import\s+[\"']([^\"']+)", styles)
    assert len(fetched) > 100
    assert [url for url in fetched if re.match(r"(?!data:)\w+:|//", url)] == []


@pytest.mark.slow
def test_the_queries_of_the_tests_are_on_their_page(site, pages):
    text = pages[site / "docs" / "adql_queries.html"].text
    for module, names in (
        ("test_translate", ["PAIRS"]),
        ("test_dialect", ["PAIRS"]),
        ("test_resolve", ["BINDS", "REFUSED"]),
    ):
        found = runpy.run_path(str(ROOT / "tests" / "adql" / f"{module}.py"))
        for entry in [entry for name in names for entry in found[name]]:
            for words in [entry] if isinstance(entry, str) else filter(None, entry):
                assert all(" ".join(line.split()) in text for line in words.splitlines()), words


@pytest.mark.slow
def test_the_reference_has_all_that_is_public(site, pages):
    places = {place.rpartition(".")[2] for place in pages[site / "docs" / "reference.html"].places}
    assert {*sedsql.__all__, *plot.__all__} - {*sedsql.dbapi.module.__all__, "KINDS", "__version__", "plot"} <= places
    assert {name for name in vars(sedsql.dbapi.cursor.Cursor) if not name.startswith("_")} <= places
