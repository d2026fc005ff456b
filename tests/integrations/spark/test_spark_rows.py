"""Queries give the same rows in Spark as in DuckDB.

All of docs/adql_queries.md; of other parsers' queries and of those that a grammar makes up some, and more of them by
`SPARK_QUERIES=all`, which takes half an hour.
"""

import os

import duckdb
import pytest
from astropy.table import Table
from same_rows import Both, copy_tables, of_conformance, of_generated, of_page, quick, share, table_of

import sedsql

pytestmark = pytest.mark.spark
ALL = os.environ.get("SPARK_QUERIES") == "all"
LISTS = {
    "page": of_page,
    "conformance": lambda spark, folder: of_conformance(spark, folder, 1 if ALL else 12),
    "generated": lambda spark, folder: of_generated(spark, folder / "generated", 300 if ALL else 15),
}
REFUSED = ("There is no table",)
"""Tables whose names Spark does not take, and TAP_SCHEMA, which is in DuckDB alone."""
CASTS = "coordsys(q.p)"
"""A point of lists, which DuckDB does not look at for nothing asks for it."""
PLACES = [(ra, dec) for ra in (0, 1e-9, 10, 90, 180, 270, 359.999999999, 360, -10) for dec in (-90, -89.9, 0, 10, 90)]
SHAPES = [
    "CIRCLE(0, 90, 1)", "CIRCLE(0, 0, 0)", "CIRCLE(10, 10, 90)", "CIRCLE(10, 10, 179.5)", "CIRCLE(ra, dec, 0.5)",
    "BOX(0, 0, 20, 20)", "BOX(0, 90, 360, 2)", "BOX(359, 10, 4, 0.1)", "BOX(ra, dec, 1, 1)",
    "POLYGON(350, -5, 10, -5, 10, 15, 350, 15)", "POLYGON(0, 80, 120, 80, 240, 80)",
    "POLYGON(ra + 1, dec / 2, 10, 10, 20, 0)",
    "REGION('NOT (CIRCLE 10 10 5)')", "REGION('UNION (CIRCLE 0 0 5 POLYGON 10 5 20 5 15 15)')",
]  # fmt: skip
QUERIES = [
    *(f"SELECT id, CONTAINS(POINT(ra, dec), {shape}) AS c FROM TAP_UPLOAD.places" for shape in SHAPES),
    *(f"SELECT id FROM TAP_UPLOAD.places WHERE 1 = INTERSECTS({shape}, CIRCLE(10, 10, 3))" for shape in SHAPES[:12]),
    "SELECT a.id, b.id AS other, DISTANCE(a.ra, a.dec, b.ra, b.dec) AS d FROM TAP_UPLOAD.places AS a,"
    " TAP_UPLOAD.places AS b",
    "SELECT a.id, b.id AS other FROM TAP_UPLOAD.places AS a JOIN TAP_UPLOAD.places AS b"
    " ON 1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.2))",
    "SELECT id, AREA(CIRCLE(ra, dec, 1)) AS a, CENTROID(POLYGON(ra, dec, 10, 20, 30, 5)) AS p FROM TAP_UPLOAD.places",
    "SELECT id, IVO_HEALPIX_INDEX(8, ra, dec) AS h, IVO_HEALPIX_CENTER(3, id) AS p FROM TAP_UPLOAD.places",
    "SELECT id, EPOCH_PROP_POS(ra, dec, 10, 100, -50, 20, 2000, 2016) AS p FROM TAP_UPLOAD.places",
    "SELECT id, IVO_GEOM_TRANSFORM('ICRS', 'GALACTIC', POINT(ra, dec)) AS p FROM TAP_UPLOAD.places",
]


@pytest.mark.parametrize("name", LISTS)
def test_the_same_rows(spark, tmp_path, name):
    found = list(LISTS[name](spark, tmp_path))
    table = "\n".join(table_of({name: found}))
    refused = [one for one in found if one.kind == "refused"]
    assert not [one for one in found if one.kind == "differs" and CASTS not in one.query], table
    assert all(any(words in one.told for words in REFUSED) for one in refused), table
    assert share(found) >= 0.95, table


def test_awkward_places(spark, tmp_path):
    """At the poles, where right ascension ends, at antipodes, and without a place."""
    places = [*PLACES, (float("nan"), 0), (0, 91)]
    rows = {"id": range(len(places)), "ra": [ra for ra, _ in places], "dec": [dec for _, dec in places]}
    with sedsql.connect() as con, quick(spark):
        con.upload("places", Table({key: list(values) for key, values in rows.items()}, dtype=[int, float, float]))
        both = Both(con, spark, copy_tables(con, spark, tmp_path / "files"), longest=None)
        found = [both.tried(query) for query in QUERIES]
    assert all(one.kind == "same" for one in found), "\n".join(table_of({"places": found}))


def test_awkward_numbers(spark):
    """Division by zero, logarithms of none, rounding, texts: what the engines do not have the same by themselves."""
    numbers = "VALUES (0e0), (-0.5e0), (2.5e0), (-7e0), (1e17), (1e-5), (12345678.9e0), ('nan'::DOUBLE), (NULL)"
    asked = (
        "SELECT x, 1. / x AS a, (x + 0.5) / (x - x) AS b, LOG(x) AS c, LOG10(x) AS d, FLOOR(x) AS e, CEILING(x) AS f,"
        " TRUNCATE(x, 1) AS g, ROUND(x, 1) AS h, ROUND(x, -1) AS i, SQRT(x) AS j, MOD(x, 3) AS k, SIGN(x) AS l,"
        " CBRT(x) AS m, CAST(x AS VARCHAR) AS n FROM t"
    )
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t AS SELECT x FROM ({numbers}) AS v(x) WHERE x IS NULL OR NOT isnan(x)")
        expected = con.execute(sedsql.translate(asked)).fetchall()
    given = ", ".join("(CAST(NULL AS DOUBLE))" if row[0] is None else f"({row[0]!r}D)" for row in expected)
    spark.sql(f"SELECT * FROM VALUES {given} AS v(x)").createOrReplaceTempView("t")
    with quick(spark):
        found = spark.sql(sedsql.translate(asked, engine="spark")).collect()
    spark.catalog.dropTempView("t")
    for row, other in zip(expected, found, strict=True):
        for one, value in zip(row, other, strict=True):
            number = isinstance(one, int | float)
            assert one == (pytest.approx(value, rel=1e-12, nan_ok=True) if number else value)
