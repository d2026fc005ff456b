"""A comparison holds its budget, and says what it had no time for."""

import json
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from sedsql.cli.main import app
from sedsql.learn.algorithms import ALGORITHMS
from sedsql.learn.comparison import compare, fold_tests, leaks
from sedsql.learn.comparison.checkpoint import Checkpoint
from sedsql.learn.comparison.clock import Clock
from sedsql.learn.crossvalidation import sky_folds
from sedsql.learn.training import read_labelled

NAMES = ("logistic", "neighbours")


@pytest.fixture(scope="module")
def small_file(labelled_file, tmp_path_factory):
    """360 rows of three classes."""
    table = pq.read_table(labelled_file)
    table = table.filter(pc.is_in(table["kind"], pa.array(["main_sequence", "yso", "white_dwarf"])))
    table = table.take(np.random.default_rng(0).permutation(len(table))[:360])
    path = tmp_path_factory.mktemp("small") / "small.parquet"
    pq.write_table(table, path)
    return path


def test_a_piece_is_made_while_there_is_time_and_read_always(tmp_path):
    kept = Checkpoint(tmp_path / "kept", {"seed": 0})
    clock = Clock(time.monotonic() + 60)
    assert clock.optional(kept, "a", "the first", lambda: {"n": 1}) == {"n": 1}
    assert clock.optional(kept, "b", "the second", lambda: {"n": 2}, seconds=90) is None
    clock.ends = time.monotonic() - 1
    assert clock.optional(kept, "a", "the first", lambda: {"n": 3}) == {"n": 1}
    assert clock.optional(kept, "c", "the third", lambda: {"n": 3}) is None
    assert clock.optional(kept, "d", "the third", lambda: {"n": 4}) is None
    assert clock.missed == ["the second", "the third"]


def test_a_piece_is_taken_to_need_as_long_as_those_before(tmp_path):
    kept = Checkpoint(tmp_path / "kept", {"seed": 0})
    clock = Clock(time.monotonic() + 60)
    clock.optional(kept, "a", "some", lambda: time.sleep(0.2) or {"n": 1})
    clock.ends = time.monotonic() + 0.1
    assert clock.optional(kept, "b", "some", lambda: {"n": 2}) is None
    assert clock.optional(kept, "c", "others", lambda: {"n": 3}) == {"n": 3}


def test_the_slowest_algorithm_is_left_out_before_it_takes_the_time_of_others(small_file, tmp_path):
    table, chosen = read_labelled(small_file, "kind"), [ALGORITHMS[name] for name in NAMES]
    folds = list(sky_folds(table))
    kept, clock = Checkpoint(tmp_path / "kept", {"seed": 0}), Clock(time.monotonic() + 60, reserved=60)
    tested = fold_tests.test_on_folds(
        table, kept, chosen, folds, clock, {"logistic": 1_000.0, "neighbours": 0.01}, 0, len
    )
    assert list(tested) == ["neighbours"]
    assert clock.missed == ["logistic regression"]
    assert not any(fold_tests.piece_name(fold, ALGORITHMS["logistic"]) in kept for fold in range(5))
    assert len(tested["neighbours"].choices) == 5


def test_without_time_a_report_has_one_algorithm_and_says_what_is_missing(small_file, tmp_path, monkeypatch):
    monkeypatch.setattr(leaks, "found_by", lambda *_: pytest.fail("there is no time for the leaks"))
    arguments = ["compare", str(small_file), "--label", "kind", "-o", str(tmp_path / "x"), "--budget", "0s"]
    result = CliRunner().invoke(app, [*arguments, "--algorithms", ",".join(NAMES)])
    assert result.exit_code == 0, result.output
    stored = json.loads((tmp_path / "x/report.json").read_text())
    assert len(stored["algorithms"]) == 1
    assert list(stored["classical"]["of_class"]) == ["colour cuts", "majority"]
    assert set(stored["budget"]["left_out"]) >= {
        "nearest template",
        "all of what leaks",
        "what each band is worth",
        "what more rows would be worth",
    }
    page = (tmp_path / "x/report.md").read_text()
    assert "nearest template, all of what leaks, what each band is worth, what more rows would be worth" in page
    assert "importance.png" not in page


@pytest.mark.thorough
def test_a_budget_of_half_a_minute_is_held(labelled_file, tmp_path):
    """By all parts, with a third more for a busy machine, on which guesses from small fits are worse."""
    table, begun = read_labelled(labelled_file, "kind"), time.monotonic()
    found = compare.compare(table, tmp_path / "x", list(ALGORITHMS.values()), budget=30)
    assert time.monotonic() - begun < 40
    assert len(found["algorithms"]) >= 2
