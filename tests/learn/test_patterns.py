import numpy as np
import pytest

from sedsql.learn.augment import training_rows
from sedsql.learn.patterns import FEW, SURVEYS, balanced, clue, cut_down, pattern


def test_cutting_down_changes_no_band_that_stays(labelled):
    thinned = cut_down(labelled.magnitudes, np.random.default_rng(0))
    stays = np.isfinite(thinned)
    assert (thinned[stays] == labelled.magnitudes[stays]).all()
    assert not stays[np.isnan(labelled.magnitudes)].any()
    wise = stays[:, 6:8].any(axis=1)
    assert 0.05 < (wise & ~stays[:, 8:].any(axis=1)).mean() < 0.6


def test_a_pattern_is_the_surveys_that_see_a_source():
    magnitudes = np.full((3, 10), np.nan, np.float32)
    magnitudes[0, [0, 1, 6]] = 12
    magnitudes[1, [0, 2, 7]] = 12
    magnitudes[2, [0, 1, 9]] = 12
    found = pattern(magnitudes)
    assert found[0] == found[1] != found[2]
    assert found[0] == sum(1 << list(SURVEYS).index(name) for name in ("G", "BP, RP", "W1, W2"))


def test_every_class_has_the_same_share_in_every_cell():
    rng = np.random.default_rng(3)
    labels = rng.choice(["a", "b", "c"], 3000, p=[0.7, 0.2, 0.1])
    cells = np.where(labels == "a", rng.choice(3, 3000, p=[0.8, 0.1, 0.1]), rng.choice(3, 3000, p=[0.1, 0.4, 0.5]))
    simulated = rng.random(3000) < 0.3
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    weights = balanced(labels, cells, np.ones(3000), simulated, shares, 0.25)
    for cell in range(3):
        inside = cells == cell
        if min(((labels == name) & inside & ~simulated).sum() for name in shares) < FEW:
            continue
        for name, share in shares.items():
            assert weights[inside & (labels == name)].sum() / weights[inside].sum() == pytest.approx(share, rel=1e-6)
    real, made = (weights[(labels == "b") & (cells == 1) & which].sum() for which in (~simulated, simulated))
    assert made / real == pytest.approx(0.25, rel=1e-6)


def test_bands_that_tell_the_class_are_found_out(labelled):
    """The class with WISE alone: as the table has it, its bands tell it; as it is trained on, they do not."""
    table = labelled[np.arange(len(labelled))]
    table.magnitudes = np.where(
        (table.labels == "agb_oxygen")[:, None], table.magnitudes, np.where(np.arange(10) < 6, table.magnitudes, np.nan)
    ).astype(np.float32)
    raw = clue(table.labels, table.magnitudes, np.ones(len(table)))
    rows = training_rows(table, seed=0)
    trained = clue(rows.labels, rows.magnitudes, rows.weights)
    assert raw.share > 0.25
    assert trained.share < raw.share / 2
    shuffled = np.random.default_rng(0).permutation(table.labels)
    assert clue(shuffled, table.magnitudes, np.ones(len(table))).share < 0.02
