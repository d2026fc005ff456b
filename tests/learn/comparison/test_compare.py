import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score
from typer.testing import CliRunner

from sedsql.cli.main import app
from sedsql.files import TableError
from sedsql.learn.algorithms import ALGORITHMS
from sedsql.learn.comparison import compare, diagnosis, leaks
from sedsql.learn.comparison.checkpoint import Checkpoint, ComparisonError
from sedsql.learn.crossvalidation import sky_folds
from sedsql.learn.training import read_labelled
from sedsql.photometry.bands import COLUMNS

CHOSEN = [ALGORITHMS["logistic"], ALGORITHMS["neighbours"]]
KINDS = ("main_sequence", "yso", "white_dwarf")


@pytest.fixture(autouse=True, scope="module")
def _few_trees():
    """Skip the leaks, which have a test of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaks, "TREES", {**leaks.TREES, "max_iter": 3, "max_bins": 8})
        yield


@pytest.fixture(scope="module")
def small_file(labelled_file, tmp_path_factory):
    """360 rows of the simulated table, of three classes and two origins."""
    table = pq.read_table(labelled_file)
    rng = np.random.default_rng(0)
    kinds = np.array(table["kind"])
    table = table.take(np.sort(rng.permutation(np.flatnonzero(np.isin(kinds, KINDS)))[:360]))
    table = table.append_column("origin", pa.array(rng.choice(["one", "two"], len(table))))
    path = tmp_path_factory.mktemp("small") / "small.parquet"
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="module")
def small(small_file):
    return read_labelled(small_file, "kind")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compared") / "small"


@pytest.fixture(scope="module")
def compared(small, folder):
    return compare.compare(small, folder, CHOSEN, budget=600)


def test_scores_are_those_of_scikit_learn_for_the_same_folds(compared, small):
    found = np.empty(len(small), "U20")
    for (fit, test), choice in zip(sky_folds(small), compared["algorithms"]["neighbours"]["choices"], strict=True):
        classifier = ALGORITHMS["neighbours"].fit(small[fit], small.columns, 0, choice["settings"])
        found[test] = classifier.predict(small.magnitudes[test])
    figures = compared["algorithms"]["neighbours"]["all"]
    assert figures["macro_f1"] == pytest.approx(f1_score(small.labels, found, average="macro"), abs=1e-4)
    assert figures["weighted_f1"] == pytest.approx(f1_score(small.labels, found, average="weighted"), abs=1e-4)
    for name in KINDS:
        expected = precision_score(small.labels, found, labels=[name], average=None)[0]
        assert figures["per_class"][name]["precision"] == pytest.approx(expected, abs=1e-4)


def test_all_settings_are_tried_in_a_long_time(compared):
    for name, figures in compared["algorithms"].items():
        if name != compare.ENSEMBLE:
            assert [choice["tried"] for choice in figures["choices"]] == [len(ALGORITHMS[name].settings)] * 5
    assert compared["best"] in compared["algorithms"]


@pytest.mark.thorough
def test_a_comparison_that_was_interrupted_goes_on_to_the_same_figures(compared, small, tmp_path):
    calls = []

    def interrupt(words):
        calls.append(words)
        if len(calls) == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare.compare(small, tmp_path / "again", CHOSEN, budget=600, step=interrupt)
    there = {path: path.stat().st_mtime_ns for path in (tmp_path / "again").rglob("*.npz")}
    assert len(there) == 7
    again = compare.compare(small, tmp_path / "again", CHOSEN, budget=600)
    assert all(path.stat().st_mtime_ns == before for path, before in there.items())
    assert _without_times(again) == _without_times(compared)


def test_a_comparison_that_is_finished_is_read(compared, small, folder, monkeypatch):
    def fit(*_):
        raise AssertionError("nothing is left to fit")

    monkeypatch.setattr("sedsql.learn.algorithms.Algorithm.fit", fit)
    steps = []
    assert compare.compare(small, folder, CHOSEN, budget=600, step=steps.append) == compared
    assert len(steps) == compare.steps(CHOSEN)


def test_another_comparison_is_refused_or_starts_anew(compared, small, folder, tmp_path):
    with pytest.raises(ComparisonError, match=r"with seed 0, where now it is seed 1; .* --force"):
        compare.compare(small, folder, CHOSEN, budget=1, seed=1)
    assert compare.compare(small, folder, CHOSEN, budget=600) == compared
    kept = Checkpoint(tmp_path / "one", {"table": "a", "training rows": "x"})
    kept.piece("p", lambda: {"n": 1})
    with pytest.raises(ComparisonError, match="another version of sedsql"):
        Checkpoint(tmp_path / "one", {"table": "a", "training rows": "y"})
    assert "p" not in Checkpoint(tmp_path / "one", {"table": "b", "training rows": "y"}, force=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ComparisonError, match="holds no comparison"):
        Checkpoint(tmp_path / "mine", {"table": "b"}, force=True)
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_a_table_of_one_place_on_the_sky_is_refused(small, tmp_path):
    with pytest.raises(TableError, match=r"in 2 cells of the sky .* needs 5; without the columns ra and dec"):
        compare.compare(replace(small, cells=np.arange(len(small)) % 2), tmp_path / "x", CHOSEN, budget=600)
    assert not (tmp_path / "x").exists()


def test_a_piece_is_read_as_it_was_made(tmp_path):
    made = {"rows": np.arange(3), "names": np.array(["a", "b"]), "settings": {"C": 0.1}, "seconds": 1 / 3}
    kept = Checkpoint(tmp_path / "kept", {"seed": 0})
    for again in (kept, Checkpoint(tmp_path / "kept", {"seed": 0})):
        found = again.piece("p", lambda: made)
        assert {key: found[key] for key in ("settings", "seconds")} == {"settings": {"C": 0.1}, "seconds": 1 / 3}
        assert found["names"].tolist() == ["a", "b"]


def _without_times(found):
    found = json.loads(json.dumps(found))
    for figures in found["algorithms"].values():
        del figures["fit_seconds"], figures["microseconds_a_row"]
    return found


class _Tables(HTMLParser):
    """Collect the cells of a page's tables, and its pictures."""

    def __init__(self):
        super().__init__()
        self.cells, self.pictures, self.inside = [], [], False

    def handle_starttag(self, tag, attributes):
        self.inside = tag == "td"
        if tag == "img":
            self.pictures.append(dict(attributes)["src"])

    def handle_data(self, data):
        if self.inside:
            self.cells.append(data)


def test_the_command_writes_one_report_in_three_forms(compared, small_file, folder):
    arguments = [
        "compare",
        str(small_file),
        "--label",
        "kind",
        "-o",
        str(folder),
        "--algorithms",
        "neighbours,logistic",
    ]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    stored = json.loads((folder / "report.json").read_text())
    assert json.loads(result.stdout) == stored == json.loads(json.dumps(compared))
    page = (folder / "report.md").read_text()
    pictures = re.findall(r"\]\((figures/\w+\.png)\)", page)
    assert len(pictures) == 7
    assert all((folder / picture).stat().st_size > 5000 for picture in pictures)
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings[:2] == ["What carries over to another catalogue", "Which is best"]
    line = next(line for line in compared["leaks"]["lines"] if line["seen"] == "magnitudes, guards")
    assert f"Macro F1 is **{line['same_rows']['origin']:.3f}**" in page
    score = f"{compared['algorithms']['logistic']['all']['macro_f1']:.3f}"
    assert f"| logistic regression | {score} |" in page
    parsed = _Tables()
    parsed.feed((folder / "report.html").read_text())
    assert score in parsed.cells
    assert len(parsed.pictures) == 7
    assert all(picture.startswith("data:image/png;base64,") for picture in parsed.pictures)
    assert str(folder.parent) not in page


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--algorithms", "logistik"], "did you mean logistic"), (["--budget", "soon"], "90s, 20m or 2h")],
)
def test_options_that_cannot_be_meant_are_refused(options, words, small_file, tmp_path):
    arguments = ["compare", str(small_file), "--label", "kind", "-o", str(tmp_path / "x"), *options]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "x").exists()


def test_remaining_confusion_is_the_least_of_all_algorithms():
    # a called b: 20 %, b called a: 10 % by the one; 40 % and 0 % by the other
    matrices = {"one": [[8, 2, 0], [1, 9, 0], [0, 0, 5]], "other": [[6, 4, 0], [0, 10, 0], [0, 1, 4]]}
    found = diagnosis.remaining_confusion(matrices, ["a", "b", "c"], best="other")
    assert found == [{"pair": ["a", "b"], "least": 0.15, "by": "one", "forth": 0.4, "back": 0.0, "rows": [10, 10]}]


def test_the_error_of_macro_f1_is_the_scatter_of_rows_drawn_anew():
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b", "c"], 400, p=[0.6, 0.35, 0.05])
    found = np.where(rng.random(400) < 0.8, truth, rng.choice(["a", "b", "c"], 400))
    drawn = [rng.integers(0, 400, 400) for _ in range(400)]
    expected = np.std([f1_score(truth[rows], found[rows], average="macro") for rows in drawn])
    error = diagnosis.macro_f1_error(diagnosis.confusion(truth, found, ["a", "b", "c", "never"]))
    assert error == pytest.approx(expected, rel=0.15)


def test_precision_recall_curves_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b"], 300)
    p = np.where(truth == "a", rng.beta(3, 2, 300), rng.beta(2, 3, 300))
    curve = diagnosis.precision_recall(truth, np.stack([p, 1 - p], 1), ["a", "b"])["a"]
    assert curve["average_precision"] == pytest.approx(average_precision_score(truth == "a", p), abs=1e-4)
    thresholds = np.unique(p)
    precision = np.array([precision_score(truth == "a", p >= t) for t in thresholds])
    recall = np.array([recall_score(truth == "a", p >= t) for t in thresholds])
    expected = [precision[recall >= least - 1e-12].max() for least in diagnosis.RECALLS[1:]]
    assert curve["precision"][1:] == pytest.approx(expected, abs=1e-4)


def test_the_band_that_decides_is_worth_all(small):
    """Make labels that only W1 relative to the other bands tells."""
    rng = np.random.default_rng(0)
    magnitudes = (12 + rng.normal(0, 0.5, (300, 10)) + rng.uniform(-3, 3, (300, 1))).astype(np.float32)
    place = COLUMNS.index("w1mpro")
    labels = np.where(magnitudes[:, place] < np.median(magnitudes, axis=1), "bright", "faint")
    some = small[np.arange(300)]
    table = replace(some, magnitudes=magnitudes, labels=labels, contradicted=np.zeros(300, bool))
    classifier = ALGORITHMS["logistic"].fit(table, table.columns, 0, {"C": 1.0})
    found = diagnosis.band_importance(classifier, table, table.columns, 0)
    assert found["W1"]["mean"] > 0.3
    assert all(some["mean"] < 0.15 for band, some in found.items() if band != "W1")
