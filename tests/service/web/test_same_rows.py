"""The queries of docs/adql_queries.md that name tables give the same rows at once, as a job, and on the spot."""

import ast
from pathlib import Path

import duckdb
import pytest
import requests
from pyvo.dal import TAPService
from serving import serving

import sedsql
from sedsql.files.errors import TableError
from sedsql.mirror.mirror import Mirror

PAGE = Path(__file__).parents[2] / "adql" / "test_resolve.py"
BANDS = "phot_g_mean_mag phot_bp_mean_mag phot_rp_mean_mag j_m h_m ks_m w1mpro w2mpro w3mpro w4mpro"
PLACE = "source_id BIGINT, ra DOUBLE, dec DOUBLE, parallax DOUBLE"
TABLES = {
    "gaiadr3.gaia_source": f"{PLACE}, phot_g_mean_mag REAL, has_rvs BOOLEAN, nobs INTEGER, name VARCHAR",
    "gaiadr2.gaia_source": PLACE,
    "gaiadr3.allwise_best_neighbour": "source_id BIGINT, allwise_oid BIGINT, angular_distance DOUBLE",
    "gaiadr1.allwise_original_valid": "allwise_oid BIGINT, ra DOUBLE, dec DOUBLE, w1mpro DOUBLE",
    "sed.photometry": f"{PLACE}, {', '.join(f'{band} REAL' for band in BANDS.split())}",
}
"""As tests/adql/conftest.py has them."""
VALUES = {
    "BIGINT": "(k * 7) % 40 + {c} % 2",
    "DOUBLE": "(hash(k * 31 + {c}) % 36000) / 100 - CASE WHEN {c} = 2 THEN 180 ELSE 0 END",
    "REAL": "8 + (hash(k + 77 * {c}) % 1000) / 100",
    "BOOLEAN": "k % 3 = 0",
    "INTEGER": "k % 11",
    "VARCHAR": "CASE WHEN k % 5 = 0 THEN NULL ELSE 'näme ' || k END",
}
MORE = [
    "SELECT source_id, POINT(ra, dec / 4) AS p FROM gaiadr3.gaia_source",
    "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s GROUP BY sed_class(s)",
    "SELECT sed_set(s, 0.9) AS every, sed_proba(s, 'yso') AS p FROM sed.photometry AS s",
    "SELECT CAST(NULL AS DOUBLE PRECISION) AS nothing, 'ü' AS letter, name FROM gaiadr3.gaia_source",
    "SELECT table_name, COUNT(*) AS n FROM TAP_SCHEMA.columns GROUP BY table_name",
]


def listed(name):
    """A list of the tests that the page shows."""
    for node in ast.parse(PAGE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise LookupError(name)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A mirror with the page's tables, of 40 rows each."""
    path = tmp_path_factory.mktemp("page") / "mirror"
    with Mirror.new(path) as made:
        made.save()
    with duckdb.connect(path / "mirror.duckdb") as con:
        for name, columns in TABLES.items():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
            con.execute(f"CREATE TABLE {name} ({columns})")
            types = [column.split()[1] for column in columns.split(", ")]
            values = ", ".join(VALUES[kind].format(c=c) for c, kind in enumerate(types))
            con.execute(f"INSERT INTO {name} SELECT {values} FROM range(40) AS t(k)")
    return path


@pytest.fixture(scope="module")
def service(mirror, tmp_path_factory):
    with serving(mirror, tmp_path_factory.mktemp("service")) as url:
        yield TAPService(url)


@pytest.fixture(scope="module")
def here(mirror):
    with sedsql.TAPMirror(mirror) as here:
        yield here


def texts(results):
    """Names of columns, and rows as text in an order that is not the service's; astropy reads NULL text as empty."""
    table = results.to_table()
    return table.colnames, sorted(str([str(value).replace("--", "") for value in row]) for row in table.iterrows())


@pytest.mark.parametrize("query", [*listed("BINDS"), *MORE])
def test_rows_are_the_same(service, here, query):
    at_once, as_job = texts(service.run_sync(query)), texts(service.run_async(query))
    try:
        on_the_spot = texts(here.search(query))
    except TableError:  # two columns of one name, which VOTables can have and astropy's tables cannot
        on_the_spot = at_once[0], [""] * here.connection.execute(query).arrow().num_rows
    assert at_once[0] == as_job[0] == on_the_spot[0]
    assert len(at_once[1]) == len(as_job[1]) == len(on_the_spot[1])
    if "TOP" not in query:
        assert at_once[1] == as_job[1]
        assert on_the_spot[1] in (at_once[1], [""] * len(at_once[1]))


@pytest.mark.parametrize("query", [entry[0] for entry in listed("REFUSED")])
def test_what_is_refused_is_refused_in_the_same_words(service, here, query):
    try:
        here.connection.translate(query)
    except sedsql.AdqlError as error:
        message = str(error).partition("\n")[0]
    else:
        pytest.skip("a mirror, which is less strict with names, takes it")
    answer = requests.get(f"{service.baseurl}/sync", {"LANG": "ADQL", "QUERY": query}, timeout=60)
    assert answer.status_code == 400
    told = answer.text.partition('value="ERROR">')[2].partition("</INFO>")[0]
    assert told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == message
