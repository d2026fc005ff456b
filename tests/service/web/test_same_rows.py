"""Queries give the same rows at once, as a job, on the spot, and in every format.

They are those of docs/adql_queries.md, on tables that are made for them where the page's are made up, and in
`make thorough` those of other parsers' test suites.
"""

import ast
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
import requests
from reading_formats import expected, rows_of, rows_of_array, same
from serving import serving
from tables_for_queries import Tables

import sedsql
from sedsql.files.streams import FORMATS
from sedsql.mirror.mirror import Mirror

# Of names of columns such as 5/60. xdist cannot hand these warnings on.
pytestmark = pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")

TESTS = Path(__file__).parents[2] / "adql"
CONFORMANCE = Path(__file__).parents[4] / "shared" / "adql" / "conformance.jsonl"
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
    "DOUBLE[]": "[1.0 * k, 2.0 * {c}]",
}
MORE = [
    "SELECT source_id, POINT(ra, dec / 4) AS p FROM gaiadr3.gaia_source",
    "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s GROUP BY sed_class(s)",
    "SELECT sed_set(s, 0.9) AS every, sed_proba(s, 'yso') AS p FROM sed.photometry AS s",
    "SELECT CAST(NULL AS DOUBLE PRECISION) AS nothing, 'ü' AS letter, name FROM gaiadr3.gaia_source",
    "SELECT table_name, COUNT(*) AS n FROM TAP_SCHEMA.columns GROUP BY table_name",
]
NO_FITS = ("FITS holds ASCII only", "and readers of FITS take one")
LONG = 0.2
"""Seconds of a query that takes long: it is one of geometry, for which DuckDB plans large SQL."""


def listed(name, file="test_resolve.py"):
    """A list of the tests that the page shows."""
    for node in ast.parse((TESTS / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise LookupError(name)


PAIRS = [pair[0] for file in ("test_translate.py", "test_dialect.py") for pair in listed("PAIRS", file)]
NO_TABLES = {
    "SELECT a.b.c.* FROM a.b.c": "a mirror's tables have a schema, and no catalogue above it",
    "SELECT a FROM t JOIN u USING (b, c)": "for another query of the page u has a column a too, as t has",
}
"""Queries of PAIRS that bind on no tables that are made for all of them, with the reason."""
PAGE = [*listed("BINDS"), *MORE, *(query for query in PAIRS if query not in NO_TABLES)]


def conformance():
    """The queries that other parsers accept, where they are there; but for those whose rows are random."""
    if not CONFORMANCE.exists():
        return []
    rows = [json.loads(line) for line in CONFORMANCE.read_text(encoding="utf-8").splitlines()]
    accepted = dict.fromkeys(row["query"] for row in rows if row["expect"] == "accept")
    return [query for query in accepted if "RAND" not in query.upper()]


def make_mirror(path, queries):
    """A mirror with the page's tables, of 40 rows each, and of 5 what else queries name."""
    with Mirror.new(path) as made:
        made.save()
    tables = Tables()
    for query in queries:
        tables.add(query)
    for name in TABLES:
        tables.columns.pop(name, None)
    with duckdb.connect(path / "mirror.duckdb") as con:
        for name, columns in TABLES.items():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
            con.execute(f"CREATE TABLE {name} ({columns})")
            types = [column.split()[1] for column in columns.split(", ")]
            values = ", ".join(VALUES[kind].format(c=c) for c, kind in enumerate(types))
            con.execute(f"INSERT INTO {name} SELECT {values} FROM range(40) AS t(k)")
        for statement in tables.statements(lambda kind, c: VALUES[kind].format(c=c)):
            con.execute(statement)
    return path


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    return make_mirror(tmp_path_factory.mktemp("page") / "mirror", PAIRS)


@pytest.fixture(scope="module")
def service(mirror, tmp_path_factory):
    with serving(mirror, tmp_path_factory.mktemp("service"), workers=2) as url:
        yield url


@pytest.fixture(scope="module")
def here(mirror):
    with sedsql.TAPMirror(mirror) as here:
        yield here


def at_once(service, session, query, name):
    return session.post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "FORMAT": name}, timeout=60)


def as_job(service, session, query, name):
    job = session.post(f"{service}/async", {"LANG": "ADQL", "QUERY": query, "FORMAT": name, "PHASE": "RUN"}, timeout=60)
    until = "PHASE=QUEUED", "PHASE=EXECUTING"
    for phase in until:
        session.get(f"{job.url}?WAIT=30&{phase}", timeout=60)
    return session.get(f"{job.url}/results/result", timeout=60)


def differences(service, queries):
    """What is not the rows of these queries: at once in all formats, and as a job in one after the other.

    queries : Arrow tables by query, and how long each took; those that take long are asked in one format
    """

    def compare(numbered):
        number, (query, (table, seconds)) = numbered
        names, wrong = list(FORMATS), []
        one = names[number % len(names)]
        asked = [(as_job, one), *((at_once, name) for name in (names if seconds < LONG else [one]))]
        with requests.Session() as session:
            for how, name in asked:
                answer = how(service, session, query, name)
                if name == "fits" and any(words in answer.text for words in NO_FITS):
                    continue
                if not answer.ok or not same(rows_of(name, answer.content, table.schema), expected(name, table)):
                    wrong.append((query, how.__name__, name, answer.status_code, answer.content[-300:]))
        return wrong

    with ThreadPoolExecutor(4) as pool:
        return [wrong for found in pool.map(compare, enumerate(queries.items())) for wrong in found]


def found_by(con, queries, *, all_bind=True):
    """The answers to queries, by query, with the seconds that each took; without those that do not bind."""
    found = {}
    for query in queries:
        began = time.monotonic()
        try:
            table = con.execute(query).arrow()
        except sedsql.Error:
            if all_bind:
                raise
        else:
            found[query] = (table, time.monotonic() - began)
    return found


def test_the_page_has_the_same_rows_everywhere(service, here):
    found = found_by(here.connection, PAGE)
    assert differences(service, found) == []
    for query, (table, _) in found.items():
        if len(set(table.column_names)) == table.num_columns:  # astropy's tables cannot have two of one name
            on_the_spot = here.search(query).votable.get_first_table().array
            assert same(rows_of_array(on_the_spot, table.schema), expected("votable", table)), query


@pytest.mark.thorough
@pytest.mark.timeout(900)
@pytest.mark.skipif(not CONFORMANCE.exists(), reason=f"needs {CONFORMANCE}")
def test_queries_of_other_parsers_have_the_same_rows_everywhere(tmp_path):
    queries = conformance()
    mirror = make_mirror(tmp_path / "mirror", queries)
    with sedsql.connect(mirror) as con:
        found = found_by(con, queries, all_bind=False)
    assert len(found) > 250
    with serving(mirror, tmp_path, workers=2) as url:
        assert differences(url, found) == []


@pytest.mark.parametrize("query", [entry[0] for entry in listed("REFUSED")])
def test_what_is_refused_is_refused_in_the_same_words(service, here, query):
    try:
        here.connection.translate(query)
    except sedsql.AdqlError as error:
        message = str(error).partition("\n")[0]
    else:
        pytest.skip("a mirror, which is less strict with names, takes it")
    answer = requests.get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query}, timeout=60)
    assert answer.status_code == 400
    told = answer.text.partition('value="ERROR">')[2].partition("</INFO>")[0]
    assert told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == message
