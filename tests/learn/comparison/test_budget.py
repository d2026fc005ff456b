"""Test how many rows a comparison takes for its budget."""

import numpy as np
import pytest

from sedsql.learn.algorithms import ALGORITHMS
from sedsql.learn.comparison import budget
from sedsql.learn.training import read_labelled

CHOSEN = [ALGORITHMS["logistic"], ALGORITHMS["neighbours"], ALGORITHMS["forest"]]


@pytest.fixture(scope="module")
def table(labelled_file):
    return read_labelled(labelled_file, "kind")


def test_with_time_enough_all_rows_and_algorithms_are_taken(table):
    planned = budget.plan(36_000, table, CHOSEN, 0)
    assert planned["rows"].tolist() == list(range(len(table)))
    assert planned["algorithms"] == ["logistic", "neighbours", "forest"]
    assert planned["reserved"] > 0


def test_with_little_time_each_class_keeps_its_share_but_rare_ones_some_rows(table):
    planned = budget.plan(0, table, CHOSEN, 0)
    rows = planned["rows"]
    assert planned["algorithms"] == ["logistic", "neighbours"]
    assert len(np.unique(rows)) == len(rows) < len(table) / 2
    for label in np.unique(table.labels):
        there, taken = (table.labels == label).sum(), (table.labels[rows] == label).sum()
        assert taken == max(min(there, budget.LEAST_OF_A_CLASS), round(budget.LEAST_ROWS / len(table) * there))


@pytest.mark.parametrize(("limit", "rows"), [(0, 600), (600, 600), (1_000, 1_000), (50_000, 50_000), (99_999, 60_000)])
def test_as_many_rows_as_there_is_time_for(limit, rows):
    assert budget.most_rows(lambda rows: rows, limit, 60_000) == pytest.approx(rows, abs=50)
