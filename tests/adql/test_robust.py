"""Whatever comes in: SQL that DuckDB parses, or AdqlError; and never a wait."""

import random
import time

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.adql import AdqlError, lexer, translate

from .conftest import shared_queries
from .test_resolve import BINDS

PARSER = duckdb.connect()


def survives(query, *rest):
    try:
        sql = translate(query, *rest)
    except AdqlError as error:
        refusal = error
    else:
        PARSER.extract_statements(sql)
        return
    assert refusal.line >= 1
    assert refusal.column >= 1
    assert str(refusal)


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text(query):
    survives(query)


words = st.sampled_from(
    [*sorted(lexer.RESERVED), "t", "a", "b", "s", '"q r"', "1", "2.5", "0x1F", "'x'", ",", ".", "(", ")", "(", ")", "*",
     "+", "-", "/", "=", "<>", "||", ";", "SELECT", "SELECT", "FROM", "FROM", "WHERE", "JOIN", "AND", "sed_class",
     "ivo_healpix_index", "LIMIT", "--x\n", "%", "é"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=30))
def test_any_words(found):
    survives(" ".join(found))
    survives("SELECT a FROM t WHERE " + " ".join(found))


def test_mutated_queries(catalogue, functions):
    rng = random.Random(5)
    queries = BINDS + [row["query"] for row in shared_queries("conformance.jsonl")]
    for _ in range(1500):
        query = rng.choice(queries)
        try:
            tokens = [query[token.start : token.end] for token in lexer.tokenize(query)]
        except AdqlError:
            continue
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(tokens))
            match rng.randrange(4):
                case 0:
                    del tokens[place]
                case 1:
                    tokens.insert(place, rng.choice(tokens))
                case 2:
                    tokens[place] = rng.choice(tokens)
                case 3:
                    other = rng.randrange(len(tokens))
                    tokens[place], tokens[other] = tokens[other], tokens[place]
            if not tokens:
                break
        survives(" ".join(tokens))
        survives(" ".join(tokens), catalogue, functions)


@pytest.mark.parametrize("query", ["SELECT GREATEST() FROM t", "SELECT a FROM t WHERE LEAST() = 1"])
def test_what_the_fuzz_found(query):
    survives(query)


LARGE = [
    "SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM t",
    "SELECT " + "-(" * 500 + "1" + ")" * 500 + " FROM t",
    "SELECT a FROM t WHERE " + " AND ".join(f"a = {i}" for i in range(3000)),
    "SELECT a FROM t WHERE " + "NOT (" * 300 + "a = 1" + ")" * 300,
    "SELECT " + "+".join(["a"] * 5000) + " FROM t",
    "SELECT " + "/".join(["a"] * 200) + " FROM t",
    "SELECT " + "/".join(["a"] * 100) + " FROM t",
    "SELECT " + "(a/" * 35 + "a" + ")" * 35 + " FROM t",
    "SELECT " + "||".join(["'a'"] * 3000) + " FROM t",
    " UNION ".join(["SELECT a FROM t"] * 2000),
    "SELECT " + "DISTANCE(POINT(" * 30 + "a" + ", 1), POINT(a, b))" * 30 + " FROM t",
    "SELECT " + "CENTROID(CIRCLE(" * 15 + "POINT(a, b)" + ", 1))" * 15 + " FROM t",
    "SELECT a FROM t" + "".join(f" JOIN t{i} ON a = {i}" for i in range(500)),
    "SELECT a FROM " + "(SELECT a FROM " * 200 + "t" + ") AS q" * 200,
    "SELECT " + "CASE WHEN a = 1 THEN " * 300 + "1" + " END" * 300 + " FROM t",
    "SELECT a FROM t WHERE a IN (" + ", ".join(map(str, range(20000))) + ")",
    "SELECT POLYGON(" + ", ".join("1, 2" for _ in range(3000)) + ") FROM t",
    "(" * 300 + "SELECT a FROM t" + ")" * 300,
    "SELECT a FROM " + "(" * 300 + "t JOIN u ON a = b" + ")" * 300,
]


@pytest.mark.parametrize("query", LARGE, ids=[query[:40] for query in LARGE])
def test_large_queries(query):
    start = time.process_time()
    survives(query)
    assert time.process_time() - start < 5


def test_a_typical_query_is_translated_in_five_milliseconds(catalogue, functions):
    query = (
        "SELECT TOP 100 s.source_id, sed_class(s), sed_proba(s, 'yso') FROM sed.photometry AS s WHERE"
        " 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', 83.82, -5.39, 1.0)) AND s.parallax > 2"
        " AND sed_class(s) = 'yso'"
    )
    times = []
    for _ in range(30):
        start = time.process_time()
        translate(query, catalogue, functions)
        times.append(time.process_time() - start)
    assert min(times) < 5e-3
