"""Astroquery's TapPlus, by which its users ask the archives of ESA, asks a service."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from astropy.table import Table

import sedsql

PYTHON = Path(sys.prefix) / "astroquery" / "bin" / "python"
pytestmark = pytest.mark.tap_clients

QUERY = "SELECT source_id, ra, class FROM sed.classified WHERE dec > 60 ORDER BY source_id"
MINE = Table({"name": ["Orion"], "ra": [83.8], "dec": [-5.4]})
NEAR = (
    "SELECT m.name, COUNT(*) AS n FROM TAP_UPLOAD.mine AS m, gaiadr3.gaia_source AS g "
    "WHERE DISTANCE(POINT(m.ra, m.dec), POINT(g.ra, g.dec)) < 20 GROUP BY m.name"
)


def test_it_asks_in_all_its_ways(url, sky, tmp_path):
    MINE.write(tmp_path / "mine.vot", format="votable")
    arguments = [PYTHON, Path(__file__).with_name("in_astroquery.py"), url, tmp_path / "mine.vot", QUERY, NEAR]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=120, cwd=tmp_path, env={"HOME": tmp_path})
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    with sedsql.connect(sky) as con:
        expected = [[str(value) for value in row] for row in con.execute(QUERY).fetchall()]
        near = con.execute("SELECT COUNT(*) FROM gaiadr3.gaia_source WHERE DISTANCE(ra, dec, 83.8, -5.4) < 20")
        counted = [["Orion", str(near.fetchone()[0])]]
        columns = con.catalogue.tables["sed.classified"].columns.values()
    assert len(expected) > 20
    assert told["sync"] == told["async"] == expected
    assert told["formats"] == {"csv": expected, "json": expected}
    assert told["upload"] == told["upload of a file"] == counted
    assert told["listed"]
    assert told["removed"]
    assert told["units"] == {column.name: column.unit for column in columns}
    assert told["tables"]["sed.classified"] == list(told["units"])
    assert told["only"] == list(told["tables"])
    for mistake in told["mistakes"]:  # it writes TOP into the query, so the column is another
        assert "There is no column 'paralax' (line 1, column " in mistake
