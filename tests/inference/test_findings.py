"""What is found in a table is counted as NumPy counts it in the classified table, whatever the pieces."""

from collections import Counter

import numpy as np
import pytest

from sedsql.inference import findings as module
from sedsql.inference.class_query import ClassQuery
from sedsql.inference.findings import LOW, OUTLIER, Findings
from sedsql.inference.model import find_model
from sedsql.inference.reservoir import Reservoir
from sedsql.inference.session import Session
from sedsql.simulate import simulate


@pytest.fixture(scope="module")
def rows():
    """Magnitudes without parallaxes and positions, shape (700, 14); some have too few bands, some are strange."""
    rng = np.random.default_rng(0)
    seds = [simulate(name, 170, rng).magnitudes for name in ("giant", "yso", "agn", "white_dwarf")]
    magnitudes = np.concatenate([*seds, np.full((20, 10), np.nan)])
    magnitudes[100:110] += rng.uniform(-6, 6, (10, 10))
    return np.concatenate([magnitudes, np.full((len(magnitudes), 4), np.nan)], axis=1).astype(np.float32)


def found(rows, model, piece, whole=True):
    query, findings = ClassQuery(model, whole=whole), Findings(model, whole=whole)
    classes = []
    for start in range(0, len(rows), piece):
        classes.append(query(rows[start : start + piece]))
        findings.add(rows[start : start + piece], classes[-1])
    return findings, classes


@pytest.mark.parametrize("piece", [700, 64])
def test_counts_are_those_of_the_rows(rows, piece):
    model = find_model("shape-2")
    findings, classes = found(rows, model, piece)
    label = np.array([word or "" for some in classes for word in some.label.to_pylist()])
    probability = np.concatenate([some.probability.to_numpy(zero_copy_only=False) for some in classes])
    prediction = Session(model).predict(rows[:, :10])
    assert findings.rows == len(rows)
    assert {name or "": n for name, n in findings.counts.items()} == dict(Counter(label.tolist()))
    for one in findings.by_class():
        if one["class"] not in (None, "source"):
            mine = probability[label == one["class"]]
            assert one["expected_right"] == pytest.approx(mine.sum(), abs=0.006)
            assert one["purity"] == pytest.approx(mine.mean(), abs=1e-4)
            assert one["low_probability"] == (mine < LOW).sum()
    # ONNX Runtime is another engine.
    np.testing.assert_allclose(findings.numbers, np.nansum(prediction.probabilities, axis=0, dtype=float), rtol=1e-3)
    assert findings.outliers == np.nansum(prediction.outlier > OUTLIER) > 0
    there = np.isfinite(rows[:, :10])
    assert list(findings.bands().values()) == there.sum(axis=0).tolist()
    sets, rows_of_sets = np.unique(there, axis=0, return_counts=True)
    bands, most = findings.sets_of_bands()[0]
    assert most == rows_of_sets.max()
    assert len(bands) == sets[rows_of_sets.argmax()].sum()


def test_the_same_classes_with_and_without_more(rows):
    model = find_model("shape-2")
    (_, (more,)), (_, (less,)) = found(rows, model, 700), found(rows, model, 700, whole=False)
    for name in ("label", "probability", "path", "n_bands"):
        assert getattr(more, name).equals(getattr(less, name))
    assert less.outlier is less.probabilities is None


def test_rows_that_are_kept_are_bounded_and_are_rows_of_the_table(rows, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", 50)
    monkeypatch.setattr(module, "OF_A_CLASS", 5)
    findings, classes = found(rows, find_model("shape-2"), 64)
    assert len(findings.sample) == 50
    assert {len(one) for one in findings.of_class.values()} <= set(range(1, 6))
    label = np.array([word or "" for some in classes for word in some.label.to_pylist()])
    for kept in (findings.sample, findings.unusual, findings.unsure, *findings.of_class.values()):
        places = kept.columns["row"] - 1
        assert len(set(places.tolist())) == len(places)
        np.testing.assert_array_equal(kept.columns["inputs"], rows[places])
        assert kept.columns["label"].tolist() == label[places].tolist()
    outlier = np.concatenate([some.outlier.to_numpy(zero_copy_only=False) for some in classes])
    expected = np.sort(outlier[outlier > OUTLIER])[::-1][:6]
    np.testing.assert_allclose(findings.unusual.columns["outlier"], expected)


def test_a_sample_is_fair():
    rng, seen = np.random.default_rng(0), np.zeros(100)
    for _ in range(300):
        kept = Reservoir(10)
        for start in range(0, 100, 7):
            some = np.arange(start, min(start + 7, 100))
            kept.add(rng.random(len(some)), {"row": some})
        seen[kept.columns["row"]] += 1
    assert seen.sum() == 3000
    assert ((seen - 30) ** 2 / 30).sum() < 160  # chi squared, 99 degrees of freedom: 160 is beyond 4 sigma


def test_a_model_without_tree_or_outliers(rows, write_model):
    from skymodel import CARD, graph

    card = {name: value for name, value in CARD.items() if name not in ("parents", "outlier")}
    model = find_model("flat-1", [write_model(graph(), name="flat-1", **card).parent])
    findings, _ = found(rows, model, 700)
    assert findings.outliers is None
    assert findings.as_object()["rows"] == sum(one["rows"] for one in findings.by_class()) == 700
    assert findings.numbers.sum() == pytest.approx(680, abs=0.01)
