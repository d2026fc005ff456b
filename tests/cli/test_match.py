"""`sedsql match` finds what astropy's own matching finds, and keeps all rows."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.table import Table
from refusal import refused

import sedsql as library

RADIUS = 2.0


@pytest.fixture(scope="module")
def sources(sky):
    """The sources of the mirror with their magnitudes."""
    with library.connect(sky) as con:
        return con.execute("SELECT s.* FROM sed.photometry AS s ORDER BY s.source_id").table()


@pytest.fixture(scope="module")
def mine(sources):
    """300 positions near sources, some beyond the radius, and one without a position."""
    rng = np.random.default_rng(1)
    chosen = rng.permutation(len(sources))[:300]
    at = SkyCoord(sources["ra"][chosen], sources["dec"][chosen])
    moved = at.directional_offset_by(rng.uniform(0, 360, 300) * u.deg, rng.uniform(0, 3, 300) * u.arcsec)
    table = Table(
        {"name": [f"star {k}" for k in range(300)], "ra": moved.ra.deg, "dec": moved.dec.deg, "j_m": range(300)}
    )
    table["ra"].unit = table["dec"].unit = u.deg
    table["dec"][7] = np.nan
    return table


@pytest.fixture
def file(mine, tmp_path):
    mine.write(tmp_path / "mine.vot", format="votable")
    return tmp_path / "mine.vot"


def test_the_nearest_is_astropys(sedsql, sky, sources, mine, file, tmp_path):
    ran = sedsql("match", file, "-m", sky, "--radius", RADIUS, "-o", tmp_path / "out.fits")
    assert (ran.code, ran.err) == (0, "")
    found = Table.read(tmp_path / "out.fits")
    there = np.isfinite(mine["dec"])
    at = SkyCoord(mine["ra"][there], mine["dec"][there])
    index, separation, _ = at.match_to_catalog_sky(SkyCoord(sources["ra"], sources["dec"]))
    matched = np.zeros(len(mine), bool)
    matched[there] = separation < RADIUS * u.arcsec
    expected = np.zeros(len(mine), np.int64)
    expected[there] = sources["source_id"][index]
    assert found["name"].tolist() == mine["name"].tolist()
    assert 150 < matched.sum() < 250
    assert (~np.ma.getmaskarray(found["separation"])).tolist() == matched.tolist()
    assert found["source_id"][matched].tolist() == expected[matched].tolist()
    assert np.asarray(found["separation"][matched]) == pytest.approx(separation.arcsec[matched[there]], abs=1e-6)
    assert found["separation"].unit == u.arcsec
    # Names that the table has already.
    assert found["j_m"].tolist() == list(range(300))
    j_m = np.ma.filled(found["j_m_2"], np.nan)[matched]
    assert j_m == pytest.approx(np.ma.filled(sources["j_m"].astype(float), np.nan)[index[matched[there]]], nan_ok=True)
    assert f"{matched.sum()} of 300 rows have a source" in ran.out
    assert "No position: 1 row" in ran.out


def test_all_matches_and_their_number(sedsql, sky, sources, mine, file, tmp_path):
    radius = 3600.0
    ran = sedsql("match", file, "-m", sky, "--radius", radius, "--all", "--columns", "source_id", "--json")
    assert ran.err == ""
    rows = json.loads(ran.out)
    there = np.flatnonzero(np.isfinite(mine["dec"]))
    at = SkyCoord(mine["ra"][there], mine["dec"][there])
    one, other, _, _ = search_around_sky(at, SkyCoord(sources["ra"], sources["dec"]), radius * u.arcsec)
    pairs = {(mine["name"][there[a]], int(sources["source_id"][b])) for a, b in zip(one, other, strict=True)}
    assert {(row["name"], row["source_id"]) for row in rows if row["source_id"]} == pairs
    assert len(pairs) > 400
    assert len(rows) == len(pairs) + sum(row["n_matches"] == 0 for row in rows)
    for name in ("star 3", "star 7"):
        of_one = [row for row in rows if row["name"] == name]
        assert {row["n_matches"] for row in of_one} == {len([pair for pair in pairs if pair[0] == name])}
        assert [row["separation"] for row in of_one] == sorted(
            row["separation"] or 0 for row in of_one
        ) or name == "star 7"


def test_classes_are_those_of_a_query(sedsql, sky, file):
    ran = sedsql("match", file, "-m", sky, "--radius", RADIUS, "--classes", "--columns", "source_id", "--json")
    rows = [row for row in json.loads(ran.out) if row["source_id"]]
    with library.connect(sky) as con:
        known = dict(con.execute("SELECT source_id, class FROM sed.classified").fetchall())
    assert [row["class"] for row in rows] == [known[row["source_id"]] for row in rows]
    assert {"class_probability", "class_path", "outlier", "class_model"} <= set(rows[0])


def test_sexagesimal_and_other_names(sedsql, sky, mine, file, tmp_path):
    plain = json.loads(sedsql("match", file, "-m", sky, "--columns", "source_id", "--json").out)
    there = mine[np.isfinite(mine["dec"])]
    at = SkyCoord(there["ra"], there["dec"])
    for ra, dec in (
        (at.ra.to_string("hour", sep=":", precision=6), at.dec.to_string(sep=":", precision=6)),
        (at.ra.to_string("hour", sep=" ", precision=6), at.dec.to_string(sep=" ", precision=6)),
        (at.ra.to_string("hour", precision=6), at.dec.to_string(precision=6)),
        (at.ra.to_string(decimal=True, precision=9), at.dec.to_string(decimal=True, precision=9)),
    ):
        Table({"name": there["name"], "alpha": ra, "DEJ2000": dec}).write(tmp_path / "text.csv", overwrite=True)
        ran = sedsql("match", tmp_path / "text.csv", "-m", sky, "--map", "ra=alpha", "--columns", "source_id", "--json")
        found = {row["name"]: row["source_id"] for row in json.loads(ran.out)}
        assert found == {row["name"]: row["source_id"] for row in plain if row["name"] in set(there["name"])}
    radians = Table({"ra": there["ra"].to(u.rad), "dec": there["dec"].to(u.rad)})
    radians.write(tmp_path / "radians.ecsv")
    ran = sedsql("match", tmp_path / "radians.ecsv", "-m", sky, "--columns", "source_id", "--json")
    assert [row["source_id"] for row in json.loads(ran.out)] == list(found.values())


def test_another_table_and_nothing_near(sedsql, sky, tmp_path):
    Table({"ra": [10.0], "dec": [89.9999]}).write(tmp_path / "far.csv")
    ran = sedsql("match", tmp_path / "far.csv", "-m", sky, "--table", "gaiadr3.gaia_source", "--columns", "ra,parallax")
    assert ran.out == "ra,dec,separation,n_matches,ra_2,parallax\n10,89.9999,,0,,\n"
    ran = sedsql("match", tmp_path / "far.csv", "-m", sky, "--classes", "--columns", "ra")
    assert ran.out.splitlines()[1] == "10,89.9999,,0,,,,,,"


def test_hours_and_swapped_columns_are_doubted(sedsql, sky, mine, tmp_path):
    there = mine[np.isfinite(mine["dec"])]
    plain = Table({"ra": there["ra"].value, "dec": there["dec"].value})
    hours = Table({"ra": plain["ra"] / 15, "dec": plain["dec"]})
    swapped = Table({"ra": plain["dec"], "dec": plain["ra"]})
    for name, table in {"plain": plain, "hours": hours, "swapped": swapped}.items():
        table.write(tmp_path / f"{name}.csv")
    ran = sedsql("match", tmp_path / "plain.csv", "-m", sky, "-o", tmp_path / "a.csv")
    assert (ran.code, ran.err) == (0, "")
    expected = Table.read(tmp_path / "a.csv")["source_id"].tolist()
    ran = sedsql("match", tmp_path / "hours.csv", "-m", sky, "-o", tmp_path / "b.csv")
    assert "0 of 299 rows" in ran.out
    assert "between 0 and 24 degrees; if they are hours, say --unit COLUMN=hourangle" in ran.err
    ran = sedsql("match", tmp_path / "hours.csv", "-m", sky, "--unit", "ra=hourangle", "-o", tmp_path / "c.csv")
    assert (ran.code, ran.err) == (0, "")
    assert Table.read(tmp_path / "c.csv")["source_id"].tolist() == expected
    ran = sedsql("match", tmp_path / "swapped.csv", "-m", sky, "--json", "-o", tmp_path / "d.csv")
    beyond = int((plain["ra"] > 90).sum())
    assert json.loads(ran.out)["doubts"] == [
        f"{beyond} rows have a declination beyond 90 degrees; if ra and dec are swapped, --map names them"
    ]


def test_bad_input(sedsql, sky, file, tmp_path):
    Table({"ra": ["05:35:17.3", "here"], "dec": ["-05:23:28", "1"]}).write(tmp_path / "bad.csv")
    Table({"x": [1.0]}).write(tmp_path / "none.csv")
    assert refused(sedsql("match", tmp_path / "bad.csv", "-m", sky), "Column ra", "row 2", "'here'", "--map ra=")
    assert refused(sedsql("match", tmp_path / "none.csv", "-m", sky), "no column ra", "RAJ2000", "--map ra=COLUMN")
    assert refused(sedsql("match", file, "-m", sky, "--radius", "-1"), "radius of -1 arcseconds")
    assert refused(sedsql("match", file, "-m", sky, "--radius", "nan"), "radius of nan arcseconds")
    assert refused(sedsql("match", file, "-m", sky, "--columns", "parallx"), "did you mean parallax")
    assert refused(sedsql("match", file, "-m", sky, "--table", "gaia.source"), "There is no table gaia.source")
    assert refused(sedsql("match", file, "-m", sky, "--table", "gaiadr3.allwise_best_neighbour"), "no positions")
    assert refused(sedsql("match", file), "-m DIR")
    assert refused(sedsql("match", tmp_path / "no.vot", "-m", sky), "no.vot")
    assert refused(sedsql("match", file, "-m", sky, "--map", "rx=ra"), "'rx'")
