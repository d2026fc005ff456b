"""Test panels of purity and completeness."""

import numpy as np
import pytest

from sedsql.plot import PlotError
from sedsql.plot.panels import panels

CURVES = {
    "agn": {"purity": [0.5, None, 1.0], "completeness": [1.0, 0.5, 0.25]},
    "giant": {"purity": [0.9, 0.95, 1.0], "completeness": [0.8, 0.6, 0.4]},
}


def test_a_panel_a_class_with_gaps_where_there_is_nothing():
    figure = panels(CURVES, [0.1, 0.5, 0.9], "probability", "simulated sky")
    assert [axes.get_title() for axes in figure.axes] == ["agn", "giant"]
    purity, completeness = figure.axes[0].lines
    assert np.array_equal(purity.get_ydata(), [0.5, np.nan, 1.0], equal_nan=True)
    assert completeness.get_ydata().tolist() == [1.0, 0.5, 0.25]
    assert purity.get_color() != completeness.get_color()
    assert purity.get_marker() != completeness.get_marker()  # for readers who cannot distinguish the colours
    assert figure.get_suptitle() == "simulated sky"


def test_bins_are_drawn_in_their_middle_and_an_oracle_beside():
    figure = panels(CURVES, [0, 10, 14, 20], "G", "t", {"agn": CURVES["giant"]})
    first, second = figure.axes
    assert first.lines[0].get_xdata().tolist() == [5, 12, 17]
    assert len(first.lines) == 4
    assert first.lines[1].get_ydata().tolist() == [0.9, 0.95, 1.0]
    assert len(second.lines) == 2


def test_no_classes_are_told():
    with pytest.raises(PlotError, match="no classes"):
        panels({}, [0], "G", "t")
