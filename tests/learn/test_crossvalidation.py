"""Test that folds in several processes score rows as folds in one do."""

import numpy as np
import pytest

from sedsql.learn import crossvalidation
from sedsql.learn.crossvalidation import out_of_fold, sky_folds


@pytest.mark.thorough
def test_processes_give_the_same_scores(labelled, small_shape, monkeypatch):
    steps: list[str] = []
    one = out_of_fold(small_shape, labelled, sky_folds(labelled, folds=2), 0, steps.append)
    monkeypatch.setattr(crossvalidation, "MANY_ROWS", 0)
    several = out_of_fold(small_shape, labelled, sky_folds(labelled, folds=2), 0, steps.append)
    assert np.array_equal(one.scores, several.scores)
    assert np.array_equal(one.folds, several.folds)
    for (rows, found), (others, also) in zip(one.same_bands.values(), several.same_bands.values(), strict=True):
        assert np.array_equal(rows, others)
        assert np.array_equal(found, also)
    names = [f"cross-validating, fold {fold}" for fold in (1, 2)]
    assert steps == [*names, *names]
