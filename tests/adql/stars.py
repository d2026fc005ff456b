"""A sky of stars, and models of them that count how often they are asked."""

import duckdb
import numpy as np
import pyarrow as pa
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from cdshealpix import nested

from .conftest import BANDS, Catalogue, Function, table

PLACE = "source_id:BIGINT ra:DOUBLE dec:DOUBLE parallax:DOUBLE"
CATALOGUE = Catalogue(
    {
        "sky.stars": table(
            PLACE + "".join(f" {band}:REAL" for band in BANDS),
            position=("ra", "dec"),
            cell_column="source_id",
        ),
        "sky.other": table("id:INTEGER ra:DOUBLE dec:DOUBLE", position=("ra", "dec")),
    }
)
FUNCTIONS = {"sed_class": Function((1, 2)), "sed_proba": Function((2, 3))}


def connection():
    """A connection with the table sky.stars, and what counts the rows of which a model is asked."""
    rng = np.random.default_rng(7)
    n = 200_000
    ra = np.append(rng.uniform(0, 360, n // 2), rng.uniform(-20, 20, n // 2) % 360)
    dec = np.append(np.degrees(np.arcsin(rng.uniform(-1, 1, n // 2))), rng.uniform(-20, 90, n // 2))
    # Each source_id holds a place up to an arcminute off.
    shift = rng.uniform(0, 1 / 60, n) / np.sqrt(2)
    seen = np.clip(dec + shift, -90, 90)
    cells = nested.lonlat_to_healpix(Longitude(ra, u.deg), Latitude(seen, u.deg), 12).astype(np.int64)
    con = duckdb.connect()
    con.execute("CREATE SCHEMA sky")
    columns = {
        "source_id": (cells << 35) + rng.integers(0, 2**35, n),
        "ra": ra,
        "dec": dec,
        "parallax": rng.exponential(1, n),
    }
    columns |= {band: rng.normal(15, 2, n).astype(np.float32) for band in BANDS}
    con.register("made", pa.table(columns))
    con.execute("CREATE TABLE sky.stars AS SELECT * FROM made ORDER BY source_id")
    con.execute(
        "CREATE TABLE sky.other AS SELECT row_number() OVER () AS id, ra, dec "
        "FROM sky.stars USING SAMPLE 300 (reservoir, 1)"
    )
    calls = {"rows": 0}

    def model(g: float, label: str) -> str:
        calls["rows"] += 1
        return "yso" if g > 15 else "giant"

    con.create_function("_model", model)
    con.execute("CREATE MACRO sed_class(s) AS _model(s.phot_g_mean_mag, '')")
    con.execute(
        "CREATE MACRO sed_proba(s, label) AS "
        "CASE WHEN _model(s.phot_g_mean_mag, label) = label THEN 0.75e0 ELSE 0.25e0 END"
    )
    con.execute("CREATE MACRO sed_both(s) AS {'class': _model(s.phot_g_mean_mag, '')}")
    return con, calls
