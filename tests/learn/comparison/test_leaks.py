from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from sedsql.learn.comparison import leaks

ROWS = 120


@pytest.fixture(scope="module")
def planted(labelled):
    """Make labels that are independent of the magnitudes, but in each of two origins follow from the bands, in opposite
    ways."""
    rng = np.random.default_rng(1)
    table = labelled[rng.permutation(np.flatnonzero(np.isfinite(labelled.magnitudes).all(axis=1)))[: 2 * ROWS]]
    labels = rng.permutation(np.repeat(["a", "b"], ROWS))
    origins = rng.permutation(np.repeat(["one", "two"], ROWS))
    magnitudes = table.magnitudes.copy()
    without = (labels == "a") == (origins == "one")
    magnitudes[without, 6:] = np.nan
    return replace(table, magnitudes=magnitudes, labels=labels, origins=origins)


def told(table, seen, how):
    answer = leaks.found_by(seen, how, table, 0)
    return f1_score(table.labels[answer["rows"]], answer["found"], average="macro")


BANDS = "only which bands there are"


def test_a_planted_leak_is_found(planted):
    """Bands tell everything within an origin, and nothing among all rows, because the origins have opposite rules."""
    one = planted[planted.origins == "one"]
    assert told(one, BANDS, "naive") == 1
    assert told(one, BANDS, "sky") == 1
    assert told(planted, BANDS, "naive") < 0.65
    # What was learnt in the other origin is wrong in every row
    assert told(planted, BANDS, "origin") == 0


def test_guards_keep_a_classifier_from_much_of_the_leak(planted):
    one = planted[planted.origins == "one"]
    leak = told(one, "magnitudes, no guards", "sky")
    assert leak == 1
    answer = leaks.found_by("magnitudes, no guards", "sky", one, 0)
    with_same_bands = f1_score(one.labels[answer["band_rows"]], answer["band_found"], average="macro")
    assert with_same_bands < 0.65  # nothing is left to learn, once all rows have the same bands


def test_the_table_of_leaks(planted):
    found = {
        (seen, how): leaks.found_by(seen, how, planted, 0)
        for seen in (BANDS, "magnitudes, no guards")
        for how in ("naive", "origin")
    }
    table = leaks.table_of(found, planted)
    line = next(line for line in table["lines"] if line["seen"] == BANDS)
    assert line["same_rows"]["origin"] == 0
    assert (
        line["all_classes"]["naive"]
        == line["same_rows"]["naive"]
        == pytest.approx(told(planted, BANDS, "naive"), abs=1e-4)
    )
    assert table["tested_by_origin"] == ["a", "b"]
    assert table["by_origin"] == []  # the guards were not tried
    assert table["rows_tested_by_origin"] == 2 * ROWS


def test_classes_of_one_origin_are_not_tested_by_the_origin_split(planted):
    labels = np.where(planted.origins == "two", "c", planted.labels)
    labels[:3] = "a"
    table = replace(planted, labels=labels)
    assert not leaks.learnt_elsewhere(table)[labels == "c"].any()
    # Three rows of "a" are too few to learn from where the other origin is left out
    few = (labels == "a") & (table.origins == "one")
    assert not leaks.learnt_elsewhere(table)[few].any()
    for fit, test in leaks.splits(planted, "origin", 0):
        assert not set(planted.origins[fit]) & set(planted.origins[test])


def test_shares_origin_by_origin(planted):
    right = {"rows": np.arange(len(planted)), "found": planted.labels}
    wrong = {"rows": right["rows"], "found": np.where(planted.origins == "one", planted.labels, "x")}
    found = {(leaks.SEEN[1], "sky"): right, (leaks.SEEN[1], "origin"): wrong}
    by_origin = leaks.table_of(found, planted)["by_origin"]
    assert [(line["origin"], line["sky"], line["origin_out"], line["rows"]) for line in by_origin] == [
        ("one", 1.0, 1.0, ROWS),
        ("two", 1.0, 0.0, ROWS),
    ]


def test_without_origins_there_is_no_origin_split(labelled):
    assert not leaks.learnt_elsewhere(labelled).any()
    assert leaks.table_of({}, labelled)["origins"] == []


def test_splits_test_every_row_once_and_the_sky_split_keeps_cells_whole(labelled):
    for how in ("naive", "sky"):
        parts = list(leaks.splits(labelled, how, 0))
        assert np.array_equal(np.sort(np.concatenate([test for _, test in parts])), np.arange(len(labelled)))
    for fit, test in leaks.splits(labelled, "sky", 0):
        assert not set(labelled.cells[fit]) & set(labelled.cells[test])
