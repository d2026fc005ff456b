"""Test the page of SEDs."""

import sys

import numpy as np
import pytest
from matplotlib import image

from sedsql.plot import PlotError
from sedsql.plot.page import page, sed_page


def test_a_page_has_a_panel_a_class(tmp_path):
    rng = np.random.default_rng(0)
    seds = {name: rng.normal(12, 1, (30, 10)) for name in "abcde"}
    seds["b"][:, 3] = np.nan  # no source of it has J
    seds["c"][0] = np.nan  # a source without any band
    seds["d"] = seds["d"][:1]
    sed_page(tmp_path / "five.png", seds, dict.fromkeys(seds, 1000), "Simulated")
    sed_page(tmp_path / "one.png", {"a": seds["a"]}, {"a": 30}, "Simulated")
    five, one = image.imread(tmp_path / "five.png"), image.imread(tmp_path / "one.png")
    assert five.shape[0] > one.shape[0]
    assert five.shape[1] > 2 * one.shape[1]
    assert five[..., :3].std() > 0.05


def test_the_lowest_panel_of_each_column_has_wavelengths_below_it():
    seds = {name: np.random.default_rng(0).normal(12, 1, (30, 10)) for name in "abcde"}
    panels = page(seds, dict.fromkeys(seds, 30), "Simulated").axes
    labelled = [panel.xaxis.get_tick_params(which="major")["labelbottom"] for panel in panels[:5]]
    assert labelled == [False, True, True, True, True]  # e is below a


def test_medians_lie_within_the_panels():
    hot = np.array([[10, 9.5, 10.5, 11, 11.2, 11.3, 11.4, 11.5, 13.5, 15.0]] * 3)
    panels = page({"hot": hot}, {"hot": 3}, "Simulated").axes
    (median,) = (line for line in panels[0].lines if line.get_marker() == "o")
    least, most = panels[0].get_ylim()
    assert median.get_ydata().min() < -3.3
    assert least < median.get_ydata().min() < median.get_ydata().max() < most


def test_without_matplotlib_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PlotError, match=r"pip install 'sedsql\[plot\]'"):
        sed_page(tmp_path / "x.png", {"a": np.ones((1, 10))}, {"a": 1}, "x")
    assert not (tmp_path / "x.png").exists()
