"""Whatever comes in: SQL that DuckDB parses, or AdqlError; and never a wait."""

import random
import time

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsql.adql import AdqlError, translate
from sedsql.adql.parser import lexer

from .conftest import shared_queries
from .test_resolve import BINDS

PARSER = duckdb.connect()


def survives(query, *rest):
    """Hand back the SQL, or what is told; raise for all else."""
    try:
        sql = translate(query, *rest)
    except AdqlError as error:
        refusal = error
    else:
        PARSER.extract_statements(sql)
        return sql
    assert refusal.line >= 1
    assert refusal.column >= 1
    assert str(refusal)
    return str(refusal)


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


def nested(depth, width, word=0):
    if not depth:
        return "CIRCLE 1 2 3"
    return f"{('UNION', 'INTERSECTION')[word]} ({' '.join([nested(depth - 1, width, 1 - word)] * width)})"


def corners(n):
    return " ".join(f"{10 + np.cos(2 * np.pi * k / n):.4f} {np.sin(2 * np.pi * k / n):.4f}" for k in range(n))


POLYGON = f"POLYGON {corners(800)}"
REGIONS = [nested(8, 2), nested(3, 8), nested(1, 1200), "NOT (" * 9 + nested(1, 30) + ")" * 9, POLYGON,
           "UNION (" + " ".join([POLYGON] * 8) + ")", "CIRCLE 1 2 3 " * 20_000, "POLYGON" + " 1" * 20_000]  # fmt: skip
SHAPES = ["POINT(ra, dec)", "CIRCLE(ra, dec, 1)", "POLYGON(1, 2, 3, 2, 3, ra)", "REGION('{0}')", "g"]


@pytest.mark.parametrize("region", REGIONS, ids=[region[:30] for region in REGIONS])
@pytest.mark.parametrize("shape", SHAPES)
def test_regions_of_many_parts_are_bounded(region, shape):
    start = time.process_time()
    for test in ("1 = CONTAINS({0}, {1})", "0 = INTERSECTS({1}, {0})", "CONTAINS({1}, {0}) > 0"):
        condition = test.format(shape.format(region), f"REGION('{region}')")
        query = f"SELECT ra FROM t WHERE {condition} AND {condition}"
        told = survives(query)
        assert len(told.splitlines()[0]) < 300 or len(told) < 1_500_000
    assert time.process_time() - start < 5


def test_many_regions_in_one_query_are_bounded():
    test = f"1 = CONTAINS(POINT(ra, dec), REGION('{POLYGON}'))"
    assert translate(f"SELECT ra FROM t WHERE {test} AND {test}")
    with pytest.raises(AdqlError, match="The functions of this query are too many or too long"):
        translate("SELECT ra FROM t WHERE " + " AND ".join([test] * 9))


def test_a_point_in_a_polygon_of_a_thousand_corners():
    rows = "(SELECT 10.5 AS ra, 0.2 AS dec, 1 AS id UNION ALL SELECT 11.5, 0, 2 UNION ALL SELECT 10, 0.99, 3)"
    sql = translate(
        f"SELECT id FROM t WHERE 1 = CONTAINS(POINT(ra, dec), REGION('POLYGON {corners(1000)}')) ORDER BY id"
    )
    assert PARSER.execute(f"WITH t AS {rows} {sql}").fetchall() == [(1,), (3,)]
