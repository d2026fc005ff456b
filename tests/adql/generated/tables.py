"""The tables that queries are drawn over: a small simulated mirror, and uploads of awkward rows."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import skymodel

from sedsql.dbapi.connection import Connection
from sedsql.dbapi.uploads import UPLOADS
from sedsql.inference.model import SKY_MODEL, find_models
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.mirror.stored.classify import classify
from sedsql.photometry.bands import COLUMNS

NAN, INF = math.nan, math.inf
BIG = 2**63 - 1
KINDS = {
    "BIGINT": "i", "INTEGER": "i", "SMALLINT": "i", "DOUBLE": "r", "REAL": "r", "VARCHAR": "s", "BOOLEAN": "b",
    "TIMESTAMP": "t",
}  # fmt: skip
MIRRORED = (
    "gaiadr3.gaia_source", "sed.photometry", "sed.classified", "sample.truth", "gaiadr3.tmass_psc_xsc_best_neighbour",
    "gaiadr3.allwise_best_neighbour", "gaiadr1.tmass_original_valid", "gaiadr1.allwise_original_valid",
)  # fmt: skip
KEYS = {
    "source_id": "gaia", "original_ext_source_id": "name", "designation": "name", "allwise_oid": "allwise",
    "number": "small", "id": "small", "Name": "text", "class": "class", "region": "region",
}  # fmt: skip
"""Columns that tables can be joined by, and what their values are of."""


@dataclass(frozen=True)
class Column:
    """A column that queries may name.

    kind : i, r, s, b, t as in adql.kinds; d for what ADQL has no kind of; P and C for points and circles
    values : some of its values, as ADQL writes them
    key : what its values are of, if it can be joined by
    wild : whether it has values that overflow, or of which a sum depends on their order
    """

    name: str
    kind: str
    values: tuple[str, ...] = ()
    key: str | None = None
    wild: bool = False
    unit: str | None = None


@dataclass(frozen=True)
class Table:
    """A table that queries may read, or a part of a query that stands for one.

    rows : about how many it has
    radii : columns that hold some
    cells : whether it is known to hold HEALPix cells
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    position: tuple[str, str] | None = None
    radii: tuple[str, ...] = ()
    cells: bool = False

    def of(self, kinds: str) -> list[Column]:
        return [column for column in self.columns if column.kind in kinds]

    @property
    def has_bands(self) -> bool:
        names = {column.name.lower(): column for column in self.columns}
        return all(band in names and names[band].kind == "r" for band in COLUMNS)


def write_mirror(folder: Path, sources: int, seed: int = 5, *, stores: bool) -> Path:
    """A simulated mirror whose rows are in the database itself, not in files: a query then takes a fifth of the time.

    Its manifest says that the tables are large, so that conditions are made of models.

    stores : whether the photometry and the classes by sky-1 are stored; else the photometry is a join
    """
    write_sample(folder, sources, seed=seed, rich=True, stores=stores)
    if stores:
        with Mirror.change(folder) as mirror:
            classify(mirror, find_models()[SKY_MODEL])
    with duckdb.connect() as con:
        con.execute(f"SET file_search_path = '{folder}'; ATTACH '{folder / 'mirror.duckdb'}' AS mirror; USE mirror")
        con.execute("CREATE SCHEMA held")
        views = con.execute(
            "SELECT schema_name, view_name FROM duckdb_views() "
            "WHERE database_name = 'mirror' AND sql LIKE '%_parquet(%'"
        ).fetchall()
        for schema, name in views:
            con.execute(f'CREATE TABLE held."held_{name}" AS FROM "{schema}"."{name}"')
            # By these names the catalogue knows a view of the mirror's own files from one that a user made.
            con.execute(
                f'CREATE OR REPLACE VIEW "{schema}"."{name}" AS '
                f"FROM held.\"held_{name}\" WHERE 'read_parquet( manifest.in_mirror(' IS NOT NULL"
            )
        con.execute("UPDATE manifest.files SET rows = rows * 1000000")
    return folder


def write_small_model(folder: Path) -> Path:
    """A model `sky-1` that plain SQL runs fast as well."""
    folder.mkdir(exist_ok=True)
    content = skymodel.graph().SerializeToString()
    card = {"name": "sky-1", "bands": list(COLUMNS), "min_bands": 2, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "model.onnx").write_bytes(content)
    (folder / "card.json").write_text(json.dumps({**card, **skymodel.CARD}))
    return folder


def uploads(con: Connection) -> dict[str, pa.Table]:
    """Tables of awkward rows, some of which have sources of the mirror."""
    sources = con.execute("SELECT source_id, ra, dec FROM gaiadr3.gaia_source ORDER BY source_id").fetchall()
    some = sources[:: max(1, len(sources) // 25)][:25]
    ids, ra, dec = (list(column) for column in zip(*some, strict=True))
    return {"marks": _marks(ra, dec), "circles": _circles(ra, dec), "ids": _ids(ids), "stars": _stars(con),
            "odd": _odd()}  # fmt: skip


def _marks(ra: list[float | None], dec: list[float | None]) -> pa.Table:
    """Places with a source_id that is not Gaia's."""
    ra = [
        *(x + 0.01 for x in ra if x is not None),
        0.0,
        359.9999,
        0.0001,
        10.0,
        200.0,
        -5.0,
        365.0,
        725.5,
        NAN,
        None,
        INF,
        -INF,
        50.0,
        50.0,
    ]
    dec = [
        *(y - 0.01 for y in dec if y is not None),
        0.0,
        0.0,
        0.0,
        90.0,
        -90.0,
        20.0,
        20.0,
        -30.0,
        5.0,
        5.0,
        5.0,
        5.0,
        NAN,
        95.0,
    ]
    n = len(ra)
    number = [None if k % 11 == 4 else k + 1 for k in range(n)]
    return pa.table({"source_id": pa.array(number, pa.int64()), "ra": ra, "dec": dec,
                     "size": pa.array([(NAN, None, 0.5, 3.0)[k % 4] for k in range(n)], pa.float64()),
                     "Class": [("yso", "giant", "", None, "agn", "100%")[k % 6] for k in range(n)],
                     "number": pa.array(range(n), pa.int32())})  # fmt: skip


def _circles(ra: list[float | None], dec: list[float | None]) -> pa.Table:
    """Circles of all sizes; no source_id, and columns in another order."""
    radii = [0.0, 0.1, 2.0, 5.0, -1.0, 91.0, 180.0, 200.0, NAN, INF, -INF, None, 30.0, 10.0, 1e-6, 12.0]
    ra = [0.0, 359.999, 180.0, -10.0, 370.0, NAN, INF, None, 90.0, 90.0, 45.0, *ra[:11]]
    dec = [0.0, 0.0, 90.0, -90.0, 89.9, 0.0, 0.0, 0.0, NAN, 100.0, -45.0, *dec[:11]]
    n = len(ra)
    single = {"dec": pa.array(dec, pa.float32()), "ra": pa.array(ra, pa.float32())}
    return pa.table({**single, "radius": [radii[k * 5 % 16] for k in range(n)],
                     "Small Radius": pa.array([(0.0, 0.2, 1.0, None, 2.0)[k % 5] for k in range(n)], pa.float32()),
                     "id": pa.array([k * 3 % n for k in range(n)], pa.int16()),
                     "select": pa.array([k % 3 for k in range(n)], pa.int32())})  # fmt: skip


def _ids(ids: list[int]) -> pa.Table:
    """Gaia's own ids without places, some twice, some of no source."""
    every = [*ids, ids[0], ids[1], 1, 2, -1, BIG, -BIG - 1, None, None]
    n = len(every)
    return pa.table({"source_id": pa.array(every, pa.int64()),
                     "Name": [("a'b", "50%", "_x", "", None, 'say "no"', "Ü", "yso")[k % 8] for k in range(n)],
                     "weight": pa.array([(1.5, None, 0.25, NAN, -2.0, INF)[k % 6] for k in range(n)], pa.float64()),
                     "good": pa.array([(True, False, None)[k % 3] for k in range(n)], pa.bool_())})  # fmt: skip


def _stars(con: Connection) -> pa.Table:
    """Rows that models take, with magnitudes that no star has."""
    columns = ("source_id", *COLUMNS, "parallax", "parallax_error", "ra", "dec")
    rows = con.execute(f"SELECT TOP 40 {', '.join(columns)} FROM sed.photometry ORDER BY source_id").fetchall()
    found: dict[str, list] = {name: list(column) for name, column in zip(columns, zip(*rows, strict=True), strict=True)}
    odd = [None, NAN, INF, -INF, 999.0, -999.0, 1e38, -1e38, 0.0, 99.99]
    for k, name in enumerate((*COLUMNS, "parallax", "parallax_error")):
        for place in range(k % 3, len(rows), 7):
            found[name][place] = odd[(k + place) % len(odd)]
    for k, place in enumerate((3, 9, 14, 20, 25)):
        found["ra"][place] = (NAN, None, 400.0, -20.0, INF)[k]
        found["dec"][place] = (10.0, 10.0, NAN, None, 95.0)[k]
    types = {"source_id": pa.int64(), "parallax": pa.float64(), "ra": pa.float64(), "dec": pa.float64()}
    arrays = {name: pa.array(values, types.get(name, pa.float32())) for name, values in found.items()}
    arrays["w4mpro"] = pa.array(found["w4mpro"], pa.float64())
    return pa.table({**arrays, "note": [("", "yso", "it's", None)[k % 4] for k in range(len(rows))]})


def _odd() -> pa.Table:
    """Values that overflow, and names that are functions, words or in mixed case."""
    n = 14
    day = datetime.date(2020, 1, 31)
    time, later = datetime.datetime(1999, 12, 31, 23, 59, 59), datetime.datetime(2016, 6, 30, 12)
    return pa.table({
        "Big": pa.array([(BIG, -BIG - 1, 0, None, 1, -1)[k % 6] for k in range(n)], pa.int64()),
        "sin": pa.array([(0.0, NAN, INF, -INF, None, 1e39, -2.5)[k % 7] for k in range(n)], pa.float64()),
        "Max": pa.array([(1.5, NAN, None, 3.4e38)[k % 4] for k in range(n)], pa.float32()),
        "order": pa.array([(0, None, 7, -7, 32767)[k % 5] for k in range(n)], pa.int16()),
        "MixedCase": [("a", "A", "", " ", None, "a_b%", "\\", "12")[k % 8] for k in range(n)],
        "when": pa.array([(time, None, later)[k % 3] for k in range(n)], pa.timestamp("us")),
        "day": pa.array([(day, None)[k % 2] for k in range(n)], pa.date32()),
        "number": pa.array(range(n), pa.int32()),
    })  # fmt: skip


def tables(con: Connection) -> list[Table]:
    """The tables of a connection that has the uploads."""
    found = []
    for name in (*MIRRORED, *(key for key in con.catalogue.tables if key.startswith(f"{UPLOADS}."))):
        known = con.catalogue.tables[name]
        # What a model gives is known when it is asked.
        plain = [column for column in known.columns.values() if column.name.lower() not in known.asked]
        quoted = ", ".join(f'"{column.name}"' for column in plain)
        rows = con.sql(f"SELECT {quoted} FROM {known.base or known.name}").fetchall()
        columns = []
        for place, column in enumerate(plain):
            values = {row[place] for row in rows}
            wild = any(isinstance(value, int | float) and not -1e7 < value < 1e7 for value in values)
            texts = sorted({_literal(value) for value in values} - {""}, key=lambda text: (len(text), text))
            kept = texts[:: max(1, len(texts) // 24)][:24]
            key = "own" if name.endswith(".marks") and column.name == "source_id" else KEYS.get(column.name)
            columns.append(Column(column.name, KINDS.get(column.datatype, "d"), tuple(kept), key, wild, column.unit))
        for column in known.columns.values():
            if column.name.lower() in known.asked:
                columns.append(Column(column.name, KINDS[column.datatype], _told(column.name)))
        radii = tuple(name for name in ("radius", "Small Radius", "size") if name.lower() in known.columns)
        columns = [column for column in columns if column.name not in known.hidden]
        cells = known.cell_column is not None
        found.append(Table(known.name, tuple(columns), len(rows), known.position, radii, cells))
    return found


def _told(name: str) -> tuple[str, ...]:
    return {"class": ("'yso'", "'source'", "'evolved'", "'giant'", "'main_sequence'"),
            "class_path": ("'young/yso'", "'source'", "'star/main_sequence'"), "class_model": ("'sky-1'",),
            "class_probability": ("0.5", "0.9", "0.6"), "outlier": ("0.5", "0.9", "0.1")}[name]  # fmt: skip


def _literal(value: object) -> str:
    """A value as ADQL writes it; nothing where it cannot."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, int):
        return str(value) if value > -BIG else ""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime.datetime):
        return f"'{value.isoformat(sep=' ')}'"
    return f"'{value}'" if isinstance(value, datetime.date) else ""


def places(con: Connection) -> list[tuple[float, float]]:
    """Where there are sources, and where the sphere is awkward."""
    rows = np.array(con.execute("SELECT ra, dec FROM gaiadr3.gaia_source ORDER BY source_id").fetchall())
    return [(round(ra, 3), round(dec, 3)) for ra, dec in rows[:: max(1, len(rows) // 30)].tolist()]
