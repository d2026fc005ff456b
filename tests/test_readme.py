"""What the README says: its code runs, and its figures are those of the model's card."""

import re
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sedsql
from sedsql import cli
from sedsql.bands import COLUMNS
from sedsql.inference.model import DEFAULT_MODEL, find_models
from sedsql.mirror.sample import write_sample
from sedsql.simulate import simulate

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the README's files are there."""
    folder = tmp_path_factory.mktemp("readme")
    write_sample(folder / "sky", 20_000, seed=2)
    magnitudes = simulate("yso", 200, np.random.default_rng(0)).magnitudes
    columns = {name: pa.array(magnitudes[:, i], from_pandas=True) for i, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), folder / "photometry.parquet")
    return folder


@pytest.mark.parametrize("code", blocks("python"))
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


def test_commands_run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("sedsql")]
    # The second mirror is of the real sky, which no test asks.
    assert [shlex.split(c)[1] for c in commands] == ["mirror", "query", "mirror", "query", "classify"]
    cli.app(shlex.split(commands[1])[1:], standalone_mode=False)
    assert "main_sequence" in capsys.readouterr().out


def test_figures_are_those_of_the_card():
    metrics = find_models()[DEFAULT_MODEL].card["metrics"]
    table = dict(re.findall(r"^\| `?([^|`]+)`? \| (\d\.\d+ \| \d\.\d+) \|$", README, re.MULTILINE))
    expected = {
        DEFAULT_MODEL: (metrics["held_out"]["macro_f1"], metrics["held_out_8_bands_or_more"]["macro_f1"]),
        "colour cuts from the literature": tuple(metrics["baselines"]["colour cuts"].values()),
        "always the commonest class": tuple(metrics["baselines"]["majority class"].values()),
    }
    assert table == {name: f"{all_:.3f} | {many:.3f}" for name, (all_, many) in expected.items()}
    assert f"{metrics['held_out']['rows']:,} of the real sources" in README
    assert f"off by {metrics['held_out']['calibration_error']:.3f} on average" in README
    assert f"`yso` at an F1 of {metrics['held_out']['per_class']['yso']['f1']:.2f}" in README
