"""Stilts, Debian's, finds nothing against the standards in a service, and asks it as its users do."""

import re
import shutil

import duckdb
import pytest
from astropy.table import Table
from in_stilts import stages, stilts, taplint
from servers.datalabs import free_port, proxied
from serving import serving

import sedsql
from sedsql.mirror.lock import writing
from sedsql.mirror.mirror import Mirror

pytestmark = [
    pytest.mark.tap_clients,
    pytest.mark.skipif(not shutil.which("stilts"), reason="needs stilts, which `make tap-clients` installs"),
]

EXPLAINED = {
    "W-UPL-TMDA": "text that was uploaded as char is unicodeChar in answers, for other text would be lost as char",
    "W-EXA-EXVL": "stilts 3.4.7 checks examples by ADQL 2.0; ours group by functions, as 2.1 has it, and name rows",
}
"""Warnings that stay."""
TYPES = "DOUBLE REAL BIGINT INTEGER SMALLINT VARCHAR BOOLEAN TIMESTAMP DOUBLE[] BIGINT[] DATE BLOB".split()  # noqa: SIM905


def empty(path):
    with Mirror.new(path) as mirror:
        mirror.save()
    return path


def wide(path):
    """A mirror with a table of 5,000 columns of all types."""
    empty(path)
    columns = ", ".join(f"c{k} {TYPES[k % len(TYPES)]}" for k in range(5_000))
    with duckdb.connect(path / "mirror.duckdb") as con:
        con.execute("CREATE SCHEMA wide")
        con.execute(f"CREATE TABLE wide.t ({columns})")
        con.execute("INSERT INTO wide.t (c0, c5, c7) VALUES (1.5, 'ü', TIMESTAMP '2026-01-01'), (NULL, 'a', NULL)")
    with writing(path):
        Mirror.read(path).save()
    return path


@pytest.mark.parametrize("which", ["sample", "empty", "wide"])
def test_taplint_finds_no_error(which, sky, tmp_path):
    mirror = sky if which == "sample" else {"empty": empty, "wide": wide}[which](tmp_path / "mirror")
    with serving(mirror, tmp_path, workers=2) as url:
        told = taplint(url)
    lines = told.splitlines()
    assert re.search(r"^Totals: Errors: 0; .*Failures: 0$", told, re.MULTILINE), told
    warnings = [line for line in lines if line.startswith("W-")]
    assert [line for line in warnings if line[:10] not in EXPLAINED] == []
    least = {"TMV", "TME", "TMS", "TMC", "CPV", "CAP", "AVV", "QGE", "QPO", "QAS", "UWS", "MDQ", "UPL", "EXA"}
    assert least <= set(stages(told))


def test_taplint_finds_no_error_through_a_proxy_below_a_path(sky, tmp_path):
    port = free_port()
    with proxied(port, "/datalabs/7") as url, serving(sky, tmp_path, workers=2, port=port, url=f"{url}tap"):
        told = taplint(f"{url}tap")
    assert re.search(r"^Totals: Errors: 0; .*Failures: 0$", told, re.MULTILINE), told
    assert {"CAP", "UWS", "UPL"} <= set(stages(told))


QUERY = "SELECT source_id, ra, sed_class(s) AS class FROM sed.photometry AS s WHERE dec > 60 ORDER BY source_id"


@pytest.mark.parametrize("sync", ["true", "false"])
def test_tapquery_gives_the_rows_of_the_mirror(url, sky, tmp_path, sync):
    out = tmp_path / "out.fits"
    stilts("tapquery", f"tapurl={url}", f"adql={QUERY}", f"sync={sync}", f"out={out}")
    with sedsql.connect(sky) as con:
        expected = con.execute(QUERY).fetchall()
    found = Table.read(out)
    assert [(int(row[0]), float(row[1]), str(row[2]).strip()) for row in found] == expected
    assert str(found["ra"].unit) == "deg"


def test_tapquery_uploads(url, tmp_path):
    mine, out = tmp_path / "mine.csv", tmp_path / "out.csv"
    mine.write_text("name,ra,dec\nOrion,83.8,-5.4\nGalaxy,266.4,-29.0\n")
    query = "SELECT t.name, COUNT(*) AS n FROM TAP_UPLOAD.mine AS t, gaiadr3.gaia_source AS g WHERE " + (
        "DISTANCE(POINT(t.ra, t.dec), POINT(g.ra, g.dec)) < 5 GROUP BY t.name ORDER BY t.name"
    )
    upload = ["nupload=1", f"upload1={mine}", "upname1=mine", "ufmt1=csv"]
    stilts("tapquery", f"tapurl={url}", f"adql={query}", *upload, f"out={out}")
    assert [line.split(",")[0] for line in out.read_text().splitlines()] == ["name", "Galaxy", "Orion"]


def test_tapskymatch(url, sky, tmp_path):
    with sedsql.connect(sky) as con:
        con.execute("SELECT TOP 20 ra, dec FROM gaiadr3.gaia_source ORDER BY source_id").df().to_csv(
            tmp_path / "in.csv", index=False
        )
    out = tmp_path / "out.csv"
    table = ["taptable=gaiadr3.gaia_source", "taplon=ra", "taplat=dec"]
    local = [f"in={tmp_path / 'in.csv'}", "ifmt=csv", "inlon=ra", "inlat=dec", "sr=0.001"]
    stilts("tapskymatch", f"tapurl={url}", *table, *local, f"out={out}")
    assert len(out.read_text().splitlines()) == 21
