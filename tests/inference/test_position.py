"""Models that take the position of a source besides: every engine and every function, the same labels."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import skymodel
from astropy import units as u
from astropy.coordinates import SkyCoord

import sedsql
from sedsql import native
from sedsql.inference import answers, sql_engine
from sedsql.inference.card import EXTRA
from sedsql.inference.model import Model, ModelError
from sedsql.inference.session import Session
from sedsql.photometry.bands import COLUMNS

ROWS = 4_000
GIVEN = ", ".join(f"s.{name}" for name in EXTRA)
TEN = ", ".join(f"s.{name}" for name in COLUMNS)
ENGINES = [pytest.param("native", marks=pytest.mark.skipif(not native.path(), reason="no C extension")), "onnx", "sql"]


@pytest.fixture(scope="module")
def inputs():
    """Rows (n, 14): colours, parallaxes and latitudes on thresholds, beside and beyond them, missing and infinite."""
    rng = np.random.default_rng(4)
    X = rng.uniform(5, 18, (ROWS, 14)).astype(np.float32)
    beside = rng.integers(-1, 2, (ROWS, 2)).astype(np.float32)
    for k, (one, other, limit) in enumerate(((0, 5, skymodel.COOL), (6, 7, skymodel.RED))):
        X[::2, other], X[::2, one] = 0, np.nextafter(np.float32(limit), beside[::2, k] * 99 + (beside[::2, k] == 0) * 3)
    X[:, 10] = rng.choice(np.array([0.1, 4.9999995, 5, 5.0000005, 30], np.float32), ROWS)
    X[:, 11] = 0.1
    b = np.where(rng.random(ROWS) < 0.5, np.arcsin(rng.uniform(-1, 1, ROWS)), np.arcsin(rng.normal(0.25, 3e-4, ROWS)))
    sky = SkyCoord(rng.uniform(0, 360, ROWS) * u.deg, np.degrees(b) * u.deg, frame="galactic").icrs
    X[:, 12], X[:, 13] = sky.ra.deg, sky.dec.deg
    X[:400][rng.random((400, 14)) < 0.1] = np.inf
    X[rng.random(X.shape) < 0.15] = np.nan
    X[20:24, :9] = np.nan
    X[:8, 12:] = [[0, 0], [360, 90], [0, -90], [-0.0, 90], [np.nan, 3], [3, np.nan], [np.inf, 3], [1e4, -1e4]]
    return X


@pytest.fixture
def table(inputs):
    """NULL and NaN for what is missing, in turn."""
    null = np.isnan(inputs) & (np.arange(ROWS) % 2 == 0)[:, None]
    columns = {name: pa.array(inputs[:, k], mask=null[:, k]) for k, name in enumerate((*COLUMNS, *EXTRA))}
    return pa.table({"row": np.arange(ROWS), **columns})


@pytest.fixture
def told(sky_model, inputs):
    """What ONNX Runtime says."""
    return Session(Model.read(sky_model)).predict(np.where(np.isinf(inputs), np.float32(np.nan), inputs))


@pytest.fixture
def asked(sky_model, table):
    """`asked(engine, expression)`: what an engine gives for each row."""

    def ask(engine, expression):
        with duckdb.connect(config={"allow_unsigned_extensions": True}) as con:
            if engine == "sql":
                sql_engine.install(con, {"sky-1": Model.read(sky_model)}, "sky-1", temporary=True)
            else:
                sedsql.register(con, models=[sky_model], engine=engine)
            con.register("t", table)
            return [row[0] for row in con.execute(f"SELECT {expression} FROM t AS s ORDER BY s.row").fetchall()]

    return ask


def test_the_latitude_is_that_of_astropy(sky_model):
    """The stand-in itself: red sources of the plane are young, others active nuclei."""
    rng = np.random.default_rng(1)
    sky = SkyCoord(rng.uniform(0, 360, 500) * u.deg, np.degrees(np.arcsin(rng.uniform(-1, 1, 500))) * u.deg)
    X = np.full((500, 14), np.nan, np.float32)
    X[:, 6], X[:, 7], X[:, 12], X[:, 13] = 12, 10, sky.ra.deg, sky.dec.deg
    found = Session(Model.read(sky_model)).predict(X).class_index
    plane = abs(np.sin(sky.galactic.b.rad)) <= skymodel.PLANE
    assert [skymodel.CLASSES[k] for k in found] == ["yso" if low else "agn" for low in plane]
    assert 50 < plane.sum() < 450


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_and_probabilities_are_those_of_onnx_runtime(asked, told, sky_model, engine):
    model = Model.read(sky_model)
    labels = answers.labels(model, told).to_pylist()
    assert {None, *skymodel.CLASSES} - {"agb_carbon"} <= set(labels)
    assert asked(engine, f"sed_class(s, {GIVEN}, 'sky-1')") == labels
    assert asked(engine, f"sed_class({TEN}, {GIVEN}, 'sky-1')") == labels
    for label, of in (("yso", "s"), ("agn", TEN)):
        found = np.array(asked(engine, f"sed_proba({of}, {GIVEN}, '{label}', 'sky-1')"), float)
        np.testing.assert_allclose(found, told.probabilities[:, skymodel.CLASSES.index(label)], atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_left_out_is_missing(asked, inputs, sky_model, engine):
    model = Model.read(sky_model)
    bands = np.where(np.isinf(inputs), np.float32(np.nan), inputs)[:, :10]
    without = answers.labels(model, Session(model).predict(bands)).to_pylist()
    lost = np.hstack([bands, np.full((ROWS, 4), np.nan, np.float32)])
    assert without == answers.labels(model, Session(model).predict(lost)).to_pylist()
    nothing = "NULL, NULL, 'nan'::DOUBLE, NULL"
    for call in ("sed_class(s, 'sky-1')", "sed_class(s, NULL, NULL, 'sky-1')", f"sed_class(s, {nothing}, 'sky-1')"):
        assert asked(engine, call) == without


@pytest.mark.parametrize("engine", ENGINES)
def test_a_declination_beyond_the_poles_is_no_position(asked, inputs, sky_model, engine):
    """As for `sedsql classify`; of the sine alone it would be another place."""
    given = "s.parallax, s.parallax_error, s.ra, {}, 'yso', 'sky-1'"
    beyond = ("90.00001", "-91", "180 - s.dec", "1e4", "1e39")
    calls = [f"sed_proba(s, {given.format(dec)})" for dec in ("NULL", *beyond, "90", "s.dec")]
    nowhere, *found, pole, there = np.array(asked(engine, f"[{', '.join(calls)}]"), float).T
    for one in (k for k, dec in enumerate(beyond) if "s.dec" not in dec):
        np.testing.assert_allclose(found[one], nowhere, atol=1e-6)
    over = abs(180 - inputs[:, 13]) > 90
    np.testing.assert_allclose(found[beyond.index("180 - s.dec")][over], nowhere[over], atol=1e-6)
    assert (abs(nowhere - pole) > 0.01).sum() > ROWS / 10
    assert (abs(nowhere - there) > 0.01).sum() > ROWS / 10


EVERY = [
    f"sed_predict(s, {GIVEN}, 'sky-1')",
    f"sed_answer(s, {GIVEN}, 'sky-1')",
    f"sed_node(s, {GIVEN}, 0.5, 'sky-1')",
    f"sed_set({TEN}, {GIVEN}, 0.9, 'sky-1')",
    f"sed_branch_of(sed_answer(s, {GIVEN}, 'sky-1').probabilities, 0.5, 'sky-1')",
]


@pytest.mark.parametrize("expression", EVERY)
@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "onnx"])
def test_every_function_takes_it(asked, expression, engine):
    found, expected = asked(engine, expression), asked("onnx", expression)
    assert [_rounded(value) for value in found] == [_rounded(value) for value in expected]
    assert len({str(value) for value in found}) > 4


@pytest.mark.skipif(not native.path(), reason="no C extension")
@pytest.mark.parametrize("call", ["sed_explain(r, {}, 'sky-1')", "sed_predict_errors(r, {}, 'sky-1')"])
def test_the_dear_functions_too(asked, told, call):
    errors = [f"0.1::FLOAT AS {name}" for name in sedsql.inference.macros.ERROR_COLUMNS]
    row = f"(SELECT {TEN}, {', '.join(errors)}) AS r"
    expression = f"CASE WHEN s.row < 60 THEN (SELECT {call.format(GIVEN)} FROM {row}) END"
    found, expected = asked("native", expression), asked("onnx", expression)
    assert [_rounded(value) for value in found] == [_rounded(value) for value in expected]
    if "explain" in call:
        players = {one["band"] for row in found for one in row or ()}
        assert players == {*COLUMNS, "parallax", "position"}


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value


@pytest.mark.skipif(not native.path(), reason="no C extension")
def test_log_odds_are_those_of_the_probabilities(asked, told):
    log_odds = np.array(asked("native", f"sed_log_odds(s, {GIVEN}, 'yso', 'agn', 'sky-1')"), float)
    yso, agn = (told.probabilities[:, skymodel.CLASSES.index(label)] for label in ("yso", "agn"))
    np.testing.assert_allclose(log_odds, np.log(yso / agn), atol=1e-5)


def test_models_of_less_do_not_mind_a_position(table):
    with duckdb.connect() as con:
        sedsql.register(con)
        con.register("t", table)
        calls = ("sed_class(s, 'lite-2')", f"sed_class(s, {GIVEN}, 'lite-2')")
        one, other = (con.execute(f"SELECT {call} FROM t AS s ORDER BY row").fetchall() for call in calls)
        assert one == other
        calls = ("s.parallax, s.parallax_error", GIVEN)
        one, other = (
            con.execute(f"SELECT sed_class(s, {given}, 'luminosity-2') FROM t AS s ORDER BY row").fetchall()
            for given in calls
        )
        assert one == other


def test_an_input_is_of_ten_twelve_or_fourteen_columns(sky_model, inputs):
    session = Session(Model.read(sky_model))
    some = np.where(np.isinf(inputs), np.float32(np.nan), inputs)[:200]
    lost = some.copy()
    lost[:, 12:] = np.nan
    np.testing.assert_array_equal(session.predict(some[:, :12]).probabilities, session.predict(lost).probabilities)
    lost[:, 10:] = np.nan
    np.testing.assert_array_equal(session.predict(some[:, :10]).probabilities, session.predict(lost).probabilities)


@pytest.mark.parametrize("extra", [["ra", "dec"], ["parallax", "ra", "dec"], ["parallax_error", "parallax"]])
def test_a_card_has_no_other_inputs(write_model, extra):
    path = write_model(skymodel.graph(), name="sky-1", **{**skymodel.CARD, "extra": extra})
    with pytest.raises(ModelError, match="needs parallax, parallax_error, or parallax, parallax_error, ra, dec, or"):
        Model.read(path)
