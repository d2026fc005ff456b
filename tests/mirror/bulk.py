"""Write files as the Gaia Archive's bulk download has them: ECSV under the name of CSV, `null` for missing values."""

import gzip

import numpy as np
import pyarrow as pa
from cdshealpix import nested

from sedsql.mirror.database import open_mirror

NAME = "gaiadr3.gaia_source"
ECSV = {
    pa.int64(): "int64",
    pa.int32(): "int32",
    pa.int16(): "int16",
    pa.float64(): "float64",
    pa.float32(): "float32",
    pa.string(): "string",
    pa.bool_(): "bool",
}


def write_bulk(path, rows, about=None, newline="\n"):
    """Write an Arrow table, with `about[column]` as further words of its header, such as a unit."""
    lines = ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:"]
    for field in rows.schema:
        words = {"name": field.name, "datatype": ECSV[field.type], **(about or {}).get(field.name, {})}
        lines.append("# - {" + ", ".join(f"{key}: {value!r}" for key, value in words.items()) + "}")
    lines += ["# meta: !!omap", "# - {description: 'A piece of a table'}"]
    lines.append(",".join(rows.column_names))
    lines += [",".join(map(_word, row)) for row in zip(*(column.to_pylist() for column in rows.columns), strict=True)]
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write(newline.join([*lines, ""]))
    return path


def _word(value):
    if value is None:
        return "null"
    return f'"{value}"' if isinstance(value, str | bool) else repr(value)


def stars(n, first=0, seed=0, step=1 << 20):
    """Rows of a small gaia_source, in the order of source_id and in its cells, every seventh value missing."""
    rng = np.random.default_rng([seed, first])
    gone = np.arange(n) % 7 == 3
    source_id = (np.arange(first, first + n, dtype=np.int64) << 35) * 100 + rng.integers(0, step, n)
    lon, lat = nested.healpix_to_lonlat(source_id >> 35, 12)
    return pa.table(
        {
            "source_id": source_id,
            "designation": [f"Gaia DR3 {number}" for number in source_id],
            "ra": lon.deg + rng.uniform(-1e-3, 1e-3, n),
            "dec": lat.deg + rng.uniform(-1e-3, 1e-3, n),
            "phot_g_mean_mag": pa.array(rng.uniform(5, 20, n).astype(np.float32), mask=gone),
            "rv_nb_transits": pa.array(rng.integers(0, 99, n).astype(np.int16), mask=gone),
            "duplicated_source": rng.uniform(size=n) < 0.5,
            "libname_gspphot": pa.array(rng.choice(["MARCS", "A, B", 'say ""no""'.replace('""', "'")], n), mask=gone),
        }
    )


def rows_in(mirror, order="source_id"):
    with open_mirror(mirror) as con:
        return con.sql(f"SELECT * FROM {NAME} ORDER BY {order}").to_arrow_table().cast(stars(1).schema)


def files_in(mirror):
    return {path: path.read_bytes() for path in sorted(mirror.rglob("*")) if path.is_file() and path.name != ".lock"}
