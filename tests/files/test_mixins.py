"""astropy's SkyCoord, Time, TimeDelta and Quantity columns are read, kept where a format can, and plain elsewhere."""

import warnings

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import AltAz, SkyCoord
from astropy.io import votable
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time, TimeDelta

import sedsql as package
from sedsql import files
from sedsql.files.mixins import with_positions, without_mixins

ICRS = SkyCoord([83.8, 266.4], [-5.4, -29.0], unit="deg")


def mine(kind=Table, frame="icrs"):
    table = kind({"name": ["a", "b"], "Gmag": [12.0, 13] * u.mag, "Jmag": [11.0, 12] * u.mag, "FK": [3.0, 4] * u.mJy})
    table["pos"] = ICRS.transform_to(frame)
    table["when"] = Time(["2016-01-01T00:00:00.5", "2017-05-06"], scale="tcb")
    table["after"] = TimeDelta([1.5, 2] * u.day)
    table["Hmag"] = MaskedColumn([11.5, 0], mask=[False, True], unit="mag")
    return table


def classified(table, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", files.TableWarning)
        return package.classify(table, model.name, models=[model.parent], columns={"ks_m": "FK"})


@pytest.mark.parametrize("kind", [Table, QTable])
@pytest.mark.parametrize("frame", ["icrs", "galactic", "fk4"])
def test_a_sky_coord_is_the_position_and_all_columns_stay(kind, frame, sky_model):
    table = mine(kind, frame)
    found = classified(table, sky_model)
    assert found.meta["sedsql"]["columns"]["ra"].startswith("pos.ra")
    plain = Table({name: table[name] for name in ("Gmag", "Jmag", "FK", "Hmag")})
    plain["ra"], plain["dec"] = ICRS.ra, ICRS.dec
    without = Table({name: table[name] for name in ("Gmag", "Jmag", "FK", "Hmag")})
    expected = classified(plain, sky_model)["sed_probability"]
    np.testing.assert_allclose(found["sed_probability"], expected, atol=1e-6)
    assert not np.allclose(classified(without, sky_model)["sed_probability"], expected, atol=1e-3)
    assert found.colnames[: len(table.colnames)] == table.colnames == mine(kind, frame).colnames
    for name in table.colnames:
        assert type(found[name]) is type(table[name])
        assert (found[name] == table[name]).all()


@pytest.mark.parametrize("kind", [Table, QTable])
@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_formats_of_astropy_keep_them(tmp_path, kind, ending):
    table = mine(kind)
    files.write_table(tmp_path / f"a.{ending}", table)
    found = files.read_table(tmp_path / f"a.{ending}")
    assert type(found["pos"]) is SkyCoord
    assert found["pos"].separation(ICRS).max() < 1e-9 * u.arcsec
    assert type(found["when"]) is Time
    assert found["when"].scale == "tcb"
    assert abs(found["when"] - table["when"]).max() < 1 * u.ns
    assert type(found["after"]) is TimeDelta
    assert found["FK"].unit == u.mJy


@pytest.mark.parametrize("ending", ["vot", "parquet", "csv", "arrow"])
def test_other_formats_have_plain_columns_that_are_a_position(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    files.write_table(path, mine(QTable, "fk4"))
    found = files.read_table(path)
    np.testing.assert_allclose(found["pos.ra"], ICRS.ra.deg, rtol=0, atol=1e-9)
    whens = [str(word).replace(" ", "T") for word in found["when"]]
    assert np.array_equal(np.array(whens, "M8[ms]"), np.array(mine()["when"].isot, "M8[ms]"))
    assert found["after"].tolist() == [1.5, 2]
    assert files.Inputs.find(found).columns["dec"].column == "pos.dec"
    if ending == "vot":
        fields = {one.name: one for one in votable.parse_single_table(path).fields}
        assert (fields["FK"].unit, fields["after"].unit) == (u.mJy, u.d)
        assert fields["when"].datatype in ("char", "unicodeChar")


def test_a_time_is_a_timestamp_in_arrow():
    table = Table({"when": Time(["2016-12-31T23:59:59", "1066-10-14"])})
    assert files.to_arrow(table).schema.field("when").type == pa.timestamp("us")
    leap = Table({"when": Time(["2016-12-31T23:59:60"], scale="utc")})
    assert files.to_arrow(leap)["when"].to_pylist() == ["2016-12-31T23:59:60.000000"]
    gone = Time(["2016-12-31", "2017-01-01"])
    gone[1] = np.ma.masked
    found = files.to_arrow(Table({"when": gone}))["when"]
    assert [value is None for value in found.to_pylist()] == [False, True]


def test_coordinates_that_are_none_on_the_sky_are_left_alone():
    table = Table({"at": SkyCoord([1, 2] * u.deg, [3, 4] * u.deg, frame=AltAz())})
    assert with_positions(table).colnames == ["at"]
    assert without_mixins(table).colnames[:2] == ["at.az", "at.alt"]
