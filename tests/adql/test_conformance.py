"""The queries of other parsers' test suites, and those that people ran."""

import duckdb
import pytest
import sqlglot

from sedsql.adql import AdqlError, translate

from .conftest import SHARED, shared_queries

PARSER = duckdb.connect()
QUERIES = shared_queries("conformance.jsonl")
ARCHIVE = shared_queries("archive_queries.jsonl")
pytestmark = pytest.mark.skipif(not SHARED.exists(), reason=f"needs {SHARED}")

# Not ADQL: no FROM after SELECT, LIMIT, a stray quote, a query cut off, a template, a reserved word as a name.
NOT_ADQL = (
    "WHERE parallax < 1\nsource_id",
    "LIMIT 10",
    "dr2_source_id=",
    "%.3f",
    "cache_id",
    "as position",
    "- ['gaiadr1",
)


@pytest.mark.parametrize("row", QUERIES, ids=[row["query"][:60] for row in QUERIES])
def test_conformance(row):
    query = row["query"]
    if row["expect"] == "reject":
        with pytest.raises(AdqlError):
            translate(query)
    else:
        assert len(PARSER.extract_statements(translate(query))) == 1


@pytest.mark.parametrize("row", QUERIES, ids=[row["query"][:60] for row in QUERIES])
def test_adql_gives_adql_back(row):
    query = row["query"]
    if row["expect"] == "accept":
        back = sqlglot.transpile(query, read="adql", write="adql")[0]
        assert translate(back) == translate(query)


@pytest.mark.parametrize("row", ARCHIVE, ids=[row["query"][:60] for row in ARCHIVE])
def test_queries_of_the_archive(row):
    query = row["query"]
    if query.strip() == "SELECT" or any(words in query for words in NOT_ADQL):
        with pytest.raises(AdqlError):
            translate(query)
    else:
        PARSER.extract_statements(translate(query))
