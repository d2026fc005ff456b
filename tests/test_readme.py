"""What the README says: its code runs, and its figures are those of the model's card."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib import image

import sedsql
from sedsql.cli import main
from sedsql.inference.calls import FUNCTIONS
from sedsql.inference.model import find_models
from sedsql.mirror.sample import write_sample
from sedsql.photometry.bands import COLUMNS
from sedsql.photometry.classes import PARENTS
from sedsql.simulate import simulate

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FUNCTIONS_PAGE = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the README's files are there."""
    folder = tmp_path_factory.mktemp("readme")
    write_sample(folder / "sky", 20_000, seed=2, rich=True)
    magnitudes = simulate("yso", 200, np.random.default_rng(0)).magnitudes
    columns = {name: pa.array(magnitudes[:, i], from_pandas=True) for i, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), folder / "photometry.parquet")
    return folder


def test_five_lines_plot_the_sed_of_a_classified_source(folder, monkeypatch):
    monkeypatch.chdir(folder)
    code, commands = blocks("python")[0], blocks("sh")[0]
    assert sum(map(bool, [*code.splitlines(), *commands.splitlines()])) == 5
    names: dict = {}
    exec(code, names)
    names["star"].connection.close()
    assert image.imread("sed.png")[..., :3].std() > 0.05


@pytest.mark.parametrize("code", blocks("python")[1:])
def test_python_runs(code, folder, monkeypatch, capfd):
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(code, names)
    names["con"].close()
    assert "main_sequence" in (printed := capfd.readouterr().out) or "yso" in printed


def test_the_query_at_the_top_runs_and_finds_young_stars(folder):
    with sedsql.connect(folder / "sky") as con:
        (query,) = blocks("sql")
        rows = con.execute(query).fetchall()
    assert rows
    assert {label for _, label, _ in rows} == {"yso"}


@pytest.mark.parametrize("query", blocks("sql", FUNCTIONS_PAGE))
def test_queries_of_the_page_of_functions_run(query, folder):
    with sedsql.connect(folder / "sky") as con:
        assert con.execute(query).fetchmany(5)


def test_every_function_of_models_is_on_its_page():
    listed = set(re.findall(r"^\| `(sed_\w+)\(", FUNCTIONS_PAGE, re.MULTILINE))
    assert listed == set(FUNCTIONS) - {"sed_points", "sed_alpha", "sed_stage"}


def test_the_tree_of_classes_is_drawn_as_it_is():
    drawn = dict(re.findall(r"[┬├└]─ (\w+) ─+ ([\w, ]+)$", FUNCTIONS_PAGE, re.MULTILINE))
    assert {leaf: branch for branch, leaves in drawn.items() for leaf in leaves.split(", ")} == PARENTS


def test_commands_run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("sedsql")]
    # The second mirror is of the real sky, which no test asks.
    expected = ["mirror", "mirror", "query", "mirror", "query", "mirror", "classify", "match", "shell"]
    assert [shlex.split(c)[1] for c in commands] == expected
    main.app(shlex.split(commands[2])[1:], standalone_mode=False)
    assert "main_sequence" in capsys.readouterr().out
    program = [sys.executable, "-c", "from sedsql.cli.main import main; main()"]
    done = subprocess.run([*program, *shlex.split(commands[-1])[1:]], capture_output=True, text=True, check=True)
    assert "main_sequence" in done.stdout


def test_figures_are_those_of_the_cards():
    cards = {name: model.card for name, model in find_models().items()}
    f1 = {name: f"{card.metrics['all']['macro_f1']:.3f}" for name, card in cards.items()}
    text = " ".join(README.split())
    assert f"{f1['sky-1']} with the luminosity (`sky-1`, `luminosity-2`)" in text
    assert f1["luminosity-2"] == f1["sky-1"]
    assert f"{f1['shape-2']} by the shape (`shape-2`), {f1['lite-2']} (`lite-2`)" in text
    cuts = cards["shape-2"].metrics["baselines"]["colour cuts"]["all"]
    assert f"{cuts:.3f} by colour cuts" in text
    assert f"{cards['sky-1'].training['rows']:,} real sources" in text


def test_figures_of_the_sky_are_those_of_its_page():
    """docs/honest.md is written by a command; README rounds what stands there."""
    page = (ROOT / "docs" / "honest.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^\| (\w+) \| ([\d.]+) % \| [\d.]+ % \| [\d.]+ % \| [\d.]+ % ", page, re.MULTILINE))
    told = dict(re.findall(r"^\| (\w+) \| (\d+) % \| \d+ % \|$", README, re.MULTILINE))
    assert len(told) >= 6
    assert {name: f"{float(found[name]):.0f}" for name in told} == told
