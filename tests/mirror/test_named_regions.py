"""Regions by name, by sexagesimal positions and by MOC files, against astropy and mocpy."""

from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import unquote

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, get_constellation
from astropy.coordinates.name_resolve import sesame_url
from mocpy import MOC
from servers.local import answering

from sedsql.errors import Error
from sedsql.mirror.named_regions import REGIONS, find_region
from sedsql.mirror.regions import cells_of_region
from sedsql.mirror.sesame import resolve

CONSTELLATIONS = {
    "Orion Nebula Cluster": "Orion",
    "Orion A": "Orion",
    "Pleiades": "Taurus",
    "Hyades": "Taurus",
    "Praesepe": "Cancer",
    "Alpha Persei": "Perseus",
    "M 67": "Cancer",
    "Taurus": "Taurus",
    "Rho Ophiuchi": "Ophiuchus",
    "Upper Scorpius": "Scorpius",
    "Chamaeleon I": "Chamaeleon",
    "Perseus": "Perseus",
    "IC 348": "Perseus",
    "NGC 1333": "Perseus",
    "NGC 2264": "Monoceros",
    "Carina Nebula": "Carina",
    "Cygnus OB2": "Cygnus",
    "Westerlund 1": "Ara",
    "Galactic Centre": "Sagittarius",
    "47 Tucanae": "Tucana",
    "Omega Centauri": "Centaurus",
    "LMC": "Dorado",
    "SMC": "Tucana",
    "M 31": "Andromeda",
    "M 33": "Triangulum",
}


def test_each_stands_in_its_constellation():
    assert {region.name for region in REGIONS} == set(CONSTELLATIONS)
    for region in REGIONS:
        found = get_constellation(SkyCoord(region.ra, region.dec, unit="deg"))
        assert found[:5] == CONSTELLATIONS[region.name][:5]  # astropy 8 writes Ophiucus, Chamaleon
        assert 0.05 <= region.radius <= 15
        assert region.origin


@pytest.mark.parametrize(
    "name, known",
    [
        # Galactic coordinates, as de Zeeuw et al. 1999 and Reid & Brunthaler 2004 have them.
        ("usco", SkyCoord(351.5 * u.deg, 20 * u.deg, frame="galactic")),
        ("sgr a*", SkyCoord(359.944 * u.deg, -0.046 * u.deg, frame="galactic")),
        # Hipparcos's position of theta1 Orionis C.
        ("onc", SkyCoord("05h35m16.46s -05d23m22.8s")),
        ("omega-cen", SkyCoord("13h26m47.24s -47d28m46.5s")),
        ("ngc104", SkyCoord("00h24m05.67s -72d04m52.6s")),
        # Catalogues of open clusters, and SIMBAD.
        ("alpha per", SkyCoord("03h26m28.1s +48d58m30s")),
        ("m67", SkyCoord("08h51m23.0s +11d48m50s")),
        ("pleiades", SkyCoord("03h47m00s +24d07m00s")),
        ("hyades", SkyCoord("04h26m54s +15d52m00s")),
        ("m44", SkyCoord("08h40m24s +19d40m00s")),
        ("ic348", SkyCoord("03h44m34s +32d09m48s")),
        ("ngc 2264", SkyCoord("06h40m58s +09d53m42s")),
        ("wd1", SkyCoord("16h47m04.0s -45d51m04.9s")),
        ("cyg ob2", SkyCoord("20h33m10s +41d12m00s")),
        ("ngc 3372", SkyCoord("10h45m03.55s -59d41m03.9s")),
        ("m31", SkyCoord("00h42m44.33s +41d16m07.5s")),
        ("m33", SkyCoord("01h33m50.9s +30d39m36.6s")),
        # The middle of the stars that light NGC 1333, and of fields.
        ("ngc1333", SkyCoord("03h29m05s +31d18m50s")),
        ("taurus", SkyCoord("04h30m00s +23d30m00s")),
    ],
)
def test_centres_are_those_of_the_literature(name, known):
    region = find_region(name)
    assert SkyCoord(region.ra, region.dec, unit="deg").separation(known).deg < region.radius / 10


@pytest.mark.parametrize(
    "name, inside",
    [
        (
            "taurus",
            ["04h18m40s +28d20m", "04h31m34s +18d08m", "05h04m17s +25d11m", "04h55m18s +30d33m"],
        ),  # L1495 to L1517
        ("perseus", ["03h29m05s +31d19m", "03h44m34s +32d10m", "03h25m36s +30d45m"]),  # to L1448
        ("orion a", ["05h35m16s -04d50m", "05h40m27s -07d28m", "05h42m47s -08d10m"]),  # NGC 1977 to L1641 S
        ("ngc1333", ["03h28m55.6s +31d14m37s", "03h29m10.5s +31d13m31s", "03h29m19.8s +31d24m57s"]),
    ],
)
def test_circles_hold_what_is_meant(name, inside):
    region = find_region(name)
    for place in inside:
        assert SkyCoord(region.ra, region.dec, unit="deg").separation(SkyCoord(place)).deg < region.radius


def test_each_says_where_its_centre_and_its_radius_come_from():
    for region in REGIONS:
        centre, radius = region.origin.split("; ")
        assert centre
        assert radius.startswith("radius ")


def test_names_stand_for_their_circles():
    for text in ("Pleiades", "pleiades", "M45", "m 45", " Melotte-22 "):
        assert cells_of_region(text) == cells_of_region("CIRCLE(56.75, 24.12, 2)")
    for text in ("Pleiades, 0.5", "pleiades,30arcmin", "M 45, 30'"):
        assert cells_of_region(text) == cells_of_region("CIRCLE(56.75, 24.12, 0.5)")


@pytest.mark.parametrize(
    "text",
    [
        "05:35:17.3 -05:23:28, 0.5",
        "05 35 17.3 -05 23 28, 0.5",
        "05h35m17.3s -05d23m28s, 0.5 deg",
        "83.8220833333 -5.3911111111, 30 arcmin",
        "83.8220833333, -5.3911111111, 0.5",
        "CIRCLE(05:35:17.3, -05:23:28, 0.5)",
        "CIRCLE('ICRS', 05h35m17.3s, -05d23m28s, 0.5)",
    ],
)
def test_positions_of_every_form_are_astropys(text):
    at = SkyCoord("05h35m17.3s -05d23m28s")
    found, expected = (cells_of_region(one) for one in (text, f"CIRCLE({at.ra.deg:.12f}, {at.dec.deg:.12f}, 0.5)"))
    assert np.abs(np.array(found) - np.array(expected)).max() <= 1
    rng = np.random.default_rng(2)
    from sedsql.mirror.cells import fine_cells

    near = at.directional_offset_by(rng.uniform(0, 360, 500) * u.deg, rng.uniform(0, 0.5, 500) * u.deg)
    cells = fine_cells(near.ra.deg, near.dec.deg) >> 34
    assert all(any(low <= cell < high for low, high in found) for cell in cells)


@pytest.mark.parametrize("format, ending", [("fits", "fits"), ("json", "json"), ("ascii", "txt")])
@pytest.mark.parametrize("order", [6, 12, 15])
def test_a_moc_in_a_file(tmp_path, format, ending, order):
    moc = MOC.from_cone(83.8 * u.deg, -5.4 * u.deg, radius=1 * u.deg, max_depth=order)
    moc.save(tmp_path / f"orion.{ending}", format=format)
    exact = {
        cell for low, high in cells_of_region(str(tmp_path / f"orion.{ending}"), margin=0) for cell in range(low, high)
    }
    at_12 = moc.degrade_to_order(12) if order > 12 else moc.refine_to_order(12) if order < 12 else moc
    assert exact == set(at_12.flatten().tolist())
    wide = cells_of_region(str(tmp_path / f"orion.{ending}"))
    assert all(any(low <= cell < high for low, high in wide) for cell in list(exact)[::50])
    beside = SkyCoord(83.8 * u.deg, -5.4 * u.deg).directional_offset_by(
        np.arange(0, 360, 5) * u.deg, 1 * u.deg + 1 * u.arcmin
    )
    from sedsql.mirror.cells import fine_cells

    for cell in fine_cells(beside.ra.deg, beside.dec.deg) >> 34:
        assert any(low <= cell < high for low, high in wide)


@pytest.mark.parametrize(
    "text, words",
    [
        ("Pleides", "No region is called 'Pleides'; did you mean Pleiades"),
        ("Pleiades, -1", "no radius in degrees"),
        ("Pleiades, 2 pc", "ends in '2 pc'"),
        ("05:35:17.3 -05:23:28", "needs a radius"),
        ("83.8 -95, 1", "between -90 and 90"),
        ("nowhere.fits", "no file nowhere.fits with a MOC"),
    ],
)
def test_what_is_no_region(text, words):
    with pytest.raises(Error, match=words):
        cells_of_region(text)


def test_a_file_that_holds_no_moc(tmp_path):
    (tmp_path / "no.fits").write_bytes(b"nothing")
    with pytest.raises(Error, match=r"no\.fits holds no MOC"):
        cells_of_region(str(tmp_path / "no.fits"))


class Sesame(BaseHTTPRequestHandler):
    """Answers as CDS's service does, in the lines that its format `-oI` has."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        name = unquote(self.path.rpartition("?")[2])
        self.asked.append(name)
        found = "# M 13\n%J 250.4234750 +36.4613194 = 16:41:41.63 +36:27:40.7\n" if name == "M 13" else "#!Nothing\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(found.encode())


@pytest.fixture
def sesame():
    with answering(Sesame) as port, sesame_url.set([f"http://127.0.0.1:{port}/"]):
        yield Sesame.asked


def test_sesame_is_asked_for_other_names_alone(sesame):
    sesame.clear()
    assert resolve("M 13, 0.5") == "CIRCLE(250.423475, 36.4613194, 0.5)"
    for text in ("Pleiades", "M 45, 3", "CIRCLE(1, 2, 3)", "05:35:17.3 -05:23:28, 1", "x.fits"):
        assert resolve(text) == text
    assert sesame == ["M 13"]
    with pytest.raises(Error, match="Sesame was asked where 'Nowhere' is"):
        resolve("Nowhere, 1")
    with pytest.raises(Error, match="give a radius"):
        resolve("M 13")
