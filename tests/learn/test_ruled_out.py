"""Test what absolute magnitudes rule out, on sources with given luminosities."""

import json
from pathlib import Path

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import Distance
from refusal import refused

from sedsql.files import TableError
from sedsql.inference.model import find_models
from sedsql.inference.session import Session
from sedsql.learn import ruled_out
from sedsql.photometry.bands import COLUMNS
from sedsql.simulate import simulate

FIELD = Path(__file__).parents[3] / "shared" / "fields" / "tic8_20pc.parquet"


@pytest.fixture(scope="module")
def model():
    return find_models()["shape-2"]


@pytest.fixture(scope="module")
def giants(tmp_path_factory):
    """Make sources with the colours of giants, at M_G = 1, 5.4, 5.6 and 9 in turn; a quarter have bad parallaxes."""
    sample = simulate("giant", 400, np.random.default_rng(0))
    m_g = np.tile([1.0, 5.4, 5.6, 9.0], 100)
    parallax = 10 ** ((m_g - sample.magnitudes[:, 0] + 10) / 5)
    error = parallax * np.repeat([0.01, 0.2], [300, 100])
    table = {name: pa.array(sample.magnitudes[:, k], from_pandas=True) for k, name in enumerate(COLUMNS)}
    table |= {"parallax": parallax, "parallax_error": error, "good": np.repeat([1, 0], 200), "field": ["a", "b"] * 200}
    path = tmp_path_factory.mktemp("field") / "giants.parquet"
    pq.write_table(pa.table(table), path)
    return path, sample.magnitudes.astype(np.float32), m_g


def test_absolute_magnitudes_are_those_of_astropy_and_of_good_parallaxes_alone(giants):
    path, magnitudes, m_g = giants
    field = ruled_out.read_field(path)
    known = np.isfinite(field.absolute_g)
    assert np.array_equal(known, (np.arange(400) < 300) & np.isfinite(magnitudes[:, 0]))
    modulus = Distance(parallax=field.inputs[known, 10] * u.mas).distmod.value
    assert field.absolute_g[known] == pytest.approx(magnitudes[known, 0] - modulus, abs=1e-4)
    assert field.absolute_g[known] == pytest.approx(m_g[known], abs=1e-4)


def test_a_sentinel_is_no_magnitude(giants, tmp_path):
    path, magnitudes, _ = giants
    table = pq.read_table(path)
    place = table.column_names.index(COLUMNS[0])
    pq.write_table(table.set_column(place, COLUMNS[0], pa.array([-999.0] * 400)), tmp_path / "in.parquet")
    field = ruled_out.read_field(tmp_path / "in.parquet")
    assert np.isnan(field.inputs[:, 0]).all()
    np.testing.assert_array_equal(field.inputs[:, 1:10], magnitudes[:, 1:])


def test_giants_fainter_than_five_and_a_half_are_ruled_out(model, giants):
    path, magnitudes, m_g = giants
    found = ruled_out.ruled_out(model, ruled_out.read_field(path))
    place = Session(model).predict(magnitudes).class_index
    known = (place >= 0) & (np.arange(400) < 300)
    called = known & (np.array(model.classes)[place] == "giant")
    assert called.sum() > 50
    assert found["class"]["per_class"]["giant"] == {
        "found": called.sum(),
        "ruled_out": (called & (m_g > 5.5)).sum(),
        "share": pytest.approx((m_g[called] > 5.5).mean(), abs=1e-6),
    }
    assert found["field"]["rows_answered"] == known.sum() == found["class"]["found"] == found["default_answer"]["found"]
    assert found["class"]["ruled_out"] == sum(one["ruled_out"] for one in found["class"]["per_class"].values())


@pytest.mark.parametrize(
    ("node", "possible", "impossible"),
    [
        ("agb_carbon", [-5, 2.9], [3.1]),
        ("supergiant", [2.9], [3.1, 12]),
        ("massive", [4.9], [5.1]),
        ("white_dwarf", [7.1, 16], [6.9, -3]),
        ("brown_dwarf", [11.1], [10.9]),
        ("agn", [], [-20, 0, 20]),
        ("main_sequence", [-5, 0, 20], []),
        ("yso", [-5, 0, 20], []),
        ("evolved", [-5, 5.4], [5.6]),  # as faint as its faintest class, giants
        ("star", [-5, 20], []),  # dwarfs may have any
        ("compact", [7.1], [6.9]),
        ("extragalactic", [], [0]),
        ("source", [-20, 20], []),
    ],
)
def test_which_absolute_magnitudes_a_node_can_have(model, node, possible, impossible):
    m_g = np.array([*possible, *impossible], float)
    out = ruled_out.impossible(model, np.full(len(m_g), node), m_g)
    assert out.tolist() == [False] * len(possible) + [True] * len(impossible)


def test_rows_are_chosen_by_a_value(giants):
    path = giants[0]
    chosen = ruled_out.read_field(path, where={"GOOD": "1", "field": "b"})
    assert (len(chosen.inputs), chosen.rows) == (100, 400)
    for where, words in (
        ({"bad": "1"}, r"no column 'bad' \(--where bad=1\)"),
        ({"good": "yes"}, "holds numbers, not 'yes'"),
        ({"good": "3"}, "No row of giants.parquet has good=3"),
    ):
        with pytest.raises(TableError, match=words):
            ruled_out.read_field(path, where=where)


def test_the_command(sedsql, giants, tmp_path):
    path = giants[0]
    ran = sedsql("evaluate", path, "--where", "good=1")
    assert ran.code == 0, ran.err
    assert "200 of 200 sources have G and a parallax" in ran.out
    assert "M_G < 5.5" in ran.out
    found = json.loads(sedsql("evaluate", path, "--json").out)
    assert found["field"]["rows_with_a_sure_parallax"] == 300
    table = pq.read_table(path).drop(["parallax_error"])
    pq.write_table(table, tmp_path / "t.parquet")
    assert refused(sedsql("evaluate", tmp_path / "t.parquet"), "has no parallax_error", "--label")
    assert sedsql("evaluate", path, "--cross-validate").code == 2
    assert sedsql("evaluate", path, "--label", "field", "--where", "good=1").code == 2
    assert sedsql("evaluate", path, "--label", "field", "--by", "origin").code == 2


@pytest.mark.skipif(not FIELD.exists(), reason="needs ../shared/fields")
def test_near_the_sun_a_parallax_rules_less_out_once_the_model_has_seen_it(model):
    """2,129 of the sources within 20 pc have a good parallax, as the README of ../shared counts them."""
    field = ruled_out.read_field(FIELD, where={"tic_gaiaqflag": "1"})
    found = ruled_out.ruled_out(find_models()["luminosity-2"], field)
    assert found["field"]["rows_answered"] == 2_129
    assert found["class"]["share"] < ruled_out.ruled_out(model, field)["class"]["share"]
