"""Test pictures of SEDs: the points are the measurements, and the blackbody is the best fit."""

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.models import BlackBody
from astropy.table import Table

import sedsql
from sedsql import plot
from sedsql.photometry import sed
from sedsql.photometry.bands import BANDS, COLUMNS
from sedsql.plot import PlotError

QUERY = (
    "SELECT TOP 4 s.* FROM sed.photometry AS s WHERE sed_class(s) = 'yso' AND s.w3mpro IS NOT NULL ORDER BY s.source_id"
)


@pytest.fixture(scope="module")
def con(sky_of):
    with sedsql.connect(sky_of(3_000)) as con:
        yield con


def points(axes):
    """Return wavelengths and fluxes of the points with errors."""
    return axes.containers[0].lines[0].get_xydata()


def of_blackbody(temperature):
    flux = BlackBody(temperature * u.K)(sed.WAVELENGTH_UM * u.um).to_value(u.Jy / u.sr)
    return Table(-2.5 * np.log10(1e-12 * flux / sed.ZERO_POINT_JY), names=COLUMNS)


@pytest.mark.parametrize("temperature", [2_000, 5_800, 12_000])
def test_the_blackbody_of_a_blackbody_is_itself(temperature):
    """Compare with astropy's Planck function."""
    figure = plot.sed(of_blackbody(temperature))
    top, below = figure.axes
    (text,) = top.get_legend().get_texts()
    found = float(text.get_text().split(", ")[1].removesuffix(" K").replace(",", "") or 0)
    assert found == pytest.approx(temperature, rel=0.03)
    assert np.abs(below.containers[0].lines[0].get_ydata()).max() < 0.02


def test_points_are_the_fluxes_that_sql_gives(con):
    figure = plot.sed(con.execute(QUERY))
    rows = con.sql(f"SELECT sed_points(t) FROM ({con.translate(QUERY)}) AS t").fetchall()
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert len(panels) == len(rows) == 4
    for axes, (expected,) in zip(panels, rows, strict=True):
        drawn = points(axes)
        drawn = drawn[np.isfinite(drawn[:, 1])]
        assert drawn == pytest.approx(np.array([[p["wavelength_um"], p["lambda_flux"]] for p in expected]), rel=1e-5)


def test_the_title_has_the_name_the_class_and_the_probability(con):
    """They are ADQL's: sky-1 answers for rows with a position, shape-2 for others."""
    table = con.execute(QUERY).table()[:1]
    for rows, arguments in ((table, "s"), (table["source_id", *COLUMNS], "s, 'shape-2'")):
        answer = f"SELECT TOP 1 s.source_id, sed_class({arguments}), sed_probability({arguments})"
        source_id, label, p = con.execute(QUERY.replace("SELECT TOP 4 s.*", answer)).fetchone()
        assert plot.sed(rows).axes[0].get_title() == f"{source_id}\n{label}, probability {p:.2f}"


def test_rows_of_classified_have_their_own_class_and_probability_in_the_title(con):
    query = "SELECT TOP 1 * FROM sed.classified WHERE class_probability < 0.9 ORDER BY source_id"
    ((source_id, label, p),) = con.execute(query.replace("*", "source_id, class, class_probability")).fetchall()
    title = plot.sed(con.execute(query)).axes[0].get_title()
    assert title == f"{source_id}\n{label}, probability {p:.2f}"


def test_a_magnitude_without_an_error_is_an_upper_limit():
    table = of_blackbody(4_000)
    for band in BANDS:
        if band.error_column:
            table[band.error_column] = 0.1
    table["w4mpro_error"] = np.ma.masked_all(1)
    figure = plot.sed(table)
    top, _ = figure.axes
    (limit,) = (line for line in top.lines if line.get_marker() == "v")
    assert limit.get_xdata() == [BANDS[9].wavelength_um]
    assert BANDS[9].wavelength_um not in points(top)[:, 0]
    # An upper limit tells nothing about the temperature.
    table["w4mpro"] -= 5
    text, again = (f.axes[0].get_legend().get_texts()[0].get_text() for f in (figure, plot.sed(table)))
    assert text == again
    assert [text.get_text() for text in top.get_legend().get_texts()][1:] == ["upper limit"]


def test_against_simulated_sources_of_the_class(con):
    figure = plot.sed(con.execute(QUERY).table()[:1], against="class")
    top, below = figure.axes
    legend = [text.get_text() for text in top.get_legend().get_texts()]
    assert legend[:2] == ["simulated yso", "16 to 84 % of these"]
    assert below.get_ylabel() == "residual\n[dex]"
    assert len(top.collections) > 1  # the spread besides the points' errors
    residuals = below.containers[0].lines[0].get_ydata()
    assert abs(np.nanmean(residuals)) < 0.3
    assert len(plot.sed(con.execute(QUERY).table()[:1], against=None).axes) == 1


def test_against_simulated_sources_where_a_band_is_missing(con):
    row = con.execute(QUERY).table()[:1]
    row["w4mpro"] = np.ma.masked_all(1)
    top, _ = plot.sed(row, against="class").axes
    assert top.get_legend().get_texts()[0].get_text() == "simulated yso"


@pytest.mark.parametrize("form", ["table", "arrow", "df", "pl"])
def test_all_forms_of_an_answer_are_drawn_alike(con, form):
    expected = plot.sed(con.execute(QUERY)).axes
    found = plot.sed(getattr(con.execute(QUERY), form)()).axes
    assert [axes.get_title() for axes in found] == [axes.get_title() for axes in expected]
    assert np.array_equal(points(found[0]), points(expected[0]), equal_nan=True)


def test_results_of_pyvo_are_drawn(sky_of, con):
    with sedsql.TAPMirror(sky_of(3_000)) as service:
        found = plot.sed(service.search(QUERY)).axes
    assert np.allclose(points(found[0]), points(plot.sed(con.execute(QUERY)).axes[0]), equal_nan=True)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (Table({"a": [1]}), "The rows have no magnitudes; those of sed.photometry are phot_g_mean_mag"),
        (Table({"g_mag": []}), "There are no rows to draw"),
        (Table({"g_mag": np.ones(13)}), r"13 sources are too many; a figure has room for 12\. Take TOP 12"),
        ([1, 2], "list is no table; astropy's and Arrow's are"),
    ],
)
def test_what_cannot_be_drawn_is_told(rows, sentence):
    with pytest.raises(PlotError, match=sentence):
        plot.sed(rows)


def test_other_mistakes_are_told():
    with pytest.raises(PlotError, match="against is 'blackbody', 'class' or None, not 'planck'"):
        plot.sed(of_blackbody(4_000), against="planck")
    with pytest.raises(PlotError, match="No model 'mine'; there are"):
        plot.sed(of_blackbody(4_000), model="mine")
    assert issubclass(PlotError, sedsql.InterfaceError)


def test_a_source_with_too_few_bands_has_no_class():
    figure = plot.sed(Table({"g_mag": [12.0], "name": ["one"]}))
    assert figure.axes[0].get_title() == "one\nno class: too few bands"
