"""Names against a catalogue: what binds, and what is said of what does not."""

import pytest

from sedsql.adql import AdqlError, translate
from sedsql.adql.parser import lexer

BINDS = [
    "SELECT TOP 5 * FROM gaiadr3.gaia_source WHERE has_rvs = 'True' OR has_rvs = 't' OR has_rvs = TRUE",
    "SELECT source_id/562949953421312 AS hpx, AVG(parallax) FROM gaiadr3.gaia_source GROUP BY hpx ORDER BY hpx",
    "SELECT gaia_source.ra, gaiadr3.gaia_source.dec, gaiadr3.gaia_source.* FROM gaiadr3.gaia_source",
    "SELECT g.*, w1mpro FROM gaiadr3.gaia_source AS g JOIN allwise_best_neighbour AS n USING (source_id)"
    " JOIN gaiadr1.allwise_original_valid AS w ON w.allwise_oid = n.allwise_oid",
    "SELECT source_id FROM gaiadr3.gaia_source NATURAL JOIN allwise_best_neighbour",
    "SELECT a.ra, b.ra FROM gaiadr3.gaia_source AS a, gaiadr2.gaia_source AS b WHERE a.source_id = b.source_id",
    "SELECT gaiadr2.gaia_source.ra FROM gaiadr3.gaia_source, gaiadr2.gaia_source",
    "WITH near (id, p) AS (SELECT source_id, parallax FROM sed.photometry WHERE parallax > 10)"
    " SELECT near.p AS far, COUNT(*) FROM near GROUP BY far HAVING COUNT(*) > 1",
    "SELECT * FROM (SELECT ra AS x FROM photometry) AS q WHERE x > 3 AND EXISTS (SELECT 1 FROM gaiadr3.gaia_source AS g"
    " WHERE g.ra = q.x)",
    "SELECT ra FROM photometry WHERE source_id IN (SELECT source_id FROM allwise_best_neighbour WHERE dec > 1)",
    "SELECT ra FROM photometry UNION SELECT dec FROM photometry ORDER BY ra",
    "SELECT t.p FROM (SELECT POINT(ra, dec) AS p FROM photometry) AS t WHERE 1 = CONTAINS(t.p, CIRCLE(1, 2, 3))",
    "SELECT COORD1(p), p FROM (SELECT POINT(ra, dec) AS p FROM photometry) AS t",
    "SELECT sed_class(s), sed_proba(s, 'yso') FROM photometry AS s",
    "SELECT sed_class(photometry) FROM sed.photometry WHERE sed_class(photometry) = 'yso'",
    "SELECT sed_class(q) FROM (SELECT * FROM photometry) AS q",
    'SELECT "ra", RA, Ra AS "Right Ascension" FROM PHOTOMETRY ORDER BY "Right Ascension"',
    "SELECT nobs AS position, ra AS size FROM gaiadr3.gaia_source ORDER BY position",
    "SELECT g.ra FROM (gaiadr3.gaia_source AS g JOIN allwise_best_neighbour AS n ON g.source_id = n.source_id)"
    " JOIN photometry AS p ON p.source_id = g.source_id",
    "SELECT COUNT(*) FROM gaiadr2.gaia_source AS a, photometry AS p JOIN allwise_best_neighbour AS n USING (source_id)",
    "SELECT a.ra, c.source_id FROM (SELECT ra FROM photometry) AS a, (SELECT source_id FROM photometry) AS b"
    " LEFT JOIN (SELECT source_id FROM allwise_best_neighbour) AS c ON b.source_id = c.source_id",
    "SELECT p.ra FROM gaiadr3.gaia_source AS g LEFT JOIN (allwise_best_neighbour AS n JOIN photometry AS p"
    " USING (source_id)) ON g.source_id = n.source_id",
    "SELECT sed_class(p), g.* FROM ((gaiadr3.gaia_source AS g JOIN photometry AS p ON g.source_id = p.source_id)"
    " JOIN (allwise_best_neighbour AS n NATURAL JOIN (SELECT source_id, ra FROM gaiadr2.gaia_source) AS o)"
    " ON n.source_id = g.source_id), gaiadr1.allwise_original_valid AS w WHERE w.allwise_oid = n.allwise_oid",
    "SELECT COUNT(*) AS count, MAX(distance) AS max FROM (SELECT DISTANCE(ra, dec, 1, 2) AS distance, dec AS year"
    " FROM photometry) AS size GROUP BY size.year ORDER BY count, max DESC",
]


@pytest.mark.parametrize("query", BINDS)
def test_binds(catalogue, functions, database, query):
    database.execute(translate(query, catalogue, functions, strict=False)).fetchall()


REFUSED = [
    ("SELECT paralax FROM photometry", "paralax", "parallax"),
    ("SELECT p.paralax FROM photometry AS p", "paralax", "parallax"),
    ("SELECT ra\nFROM gaiadr3.gaia_sorce", "gaiadr3.gaia_sorce", "gaiadr3.gaia_source"),
    ("SELECT ra FROM gaia_source", "gaia_source", "gaiadr2.gaia_source"),
    ("SELECT ra FROM photometry AS p, gaiadr3.gaia_source AS g", "ra", "p.ra or g.ra"),
    ("SELECT g.ra FROM photometry AS p", "g", None),
    ("SELECT gaia_source.ra FROM gaiadr3.gaia_source, gaiadr2.gaia_source", "gaia_source", "gaiadr3.gaia_source"),
    ("SELECT ra FROM photometry WHERE x = 1", "x", None),
    ("SELECT ra AS x FROM photometry WHERE x = 1", "x", None),
    (
        "SELECT p.ra FROM photometry AS p JOIN gaiadr3.gaia_source AS p ON 1 = 1",
        "gaiadr3.gaia_source AS p",
        None,
    ),
    ("SELECT p.ra FROM photometry AS p JOIN gaiadr3.gaia_source AS g USING (w1mpro)", "w1mpro", None),
    ("SELECT SIN(name) FROM gaiadr3.gaia_source", "SIN", "number"),
    ("SELECT photometry FROM sed.photometry", "photometry", None),
    ('SELECT "RA" FROM sed.photometry', '"RA"', "ra"),
    ("SELECT sed_klass(p) FROM photometry AS p", "sed_klass", "sed_class"),
    ("SELECT sed_class(q) FROM photometry AS p", "q", "sed_class(p)"),
    ("SELECT sed_class(g) FROM gaiadr3.gaia_source AS g", "g", "w4mpro"),
    ("SELECT sed_class(p, 'a', 'b') FROM photometry AS p", "sed_class", None),
    ("SELECT sed_proba(p.ra, 'yso') FROM photometry AS p", "p.ra", "sed_proba(p, ...)"),
    ("SELECT read_text('/etc/passwd') FROM photometry", "read_text", None),
    ("SELECT * FROM photometry WHERE ra IN (SELECT * FROM nowhere)", "nowhere", None),
]


@pytest.mark.parametrize(("query", "word", "hint"), REFUSED)
def test_refused_with_the_word(catalogue, functions, query, word, hint):
    with pytest.raises(AdqlError) as caught:
        translate(query, catalogue, functions)
    error = caught.value
    text, underline = str(error).splitlines()[1:]
    assert text == query.splitlines()[error.line - 1]
    assert underline.index("^") == error.column - 1
    assert text[underline.index("^") : underline.rindex("^") + 1] == word
    assert hint is None or hint in error.hint


NAMES = sorted(lexer.UNUSED_RESERVED | lexer.FUNCTION_WORDS)


@pytest.mark.parametrize("word", NAMES)
def test_words_that_the_grammar_tells_from_names_are_names_in_a_connection(catalogue, database, word):
    query = (
        f"SELECT {word}.{word} AS {word}, -{word} {word}_2 FROM (SELECT ra {word} FROM photometry) AS {word}"
        f" WHERE {word} > 3 AND {word}.{word} IS NOT NULL ORDER BY {word}"
    )
    database.execute(translate(query, catalogue, strict=False)).fetchall()
    for known in (None, catalogue):
        with pytest.raises(AdqlError):
            translate(query, known)


def test_words_of_clauses_are_never_names(catalogue):
    for word in ("SELECT", "from", "Offset", "TOP", "case", "NULL", "true", "as", "Union"):
        with pytest.raises(AdqlError):
            translate(f"SELECT ra AS {word} FROM photometry", catalogue, strict=False)


def test_a_function_stays_one_where_its_word_is_a_name(catalogue):
    query = "SELECT COUNT(*) AS count, AVG(dec) avg FROM photometry GROUP BY ROUND(ra) HAVING COUNT(*) > 2"
    assert translate(query, catalogue, strict=False).count("COUNT(*)") == 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM 'x.csv'", 'SELECT * FROM "x.csv"', "SELECT * FROM x.csv", 'SELECT * FROM "a"."parquet"',
        'SELECT * FROM "https://x/y"', "SELECT * FROM read_csv('x')", "SELECT * FROM glob('*')", "COPY t TO 'x'",
        "ATTACH 'x'", "SELECT 1 FROM t; DROP TABLE t", "PRAGMA version", "SELECT * INTO x FROM t",
        "WITH x AS (DELETE FROM t) SELECT * FROM x", "INSERT INTO t SELECT * FROM t", "SELECT * FROM t, LATERAL f()",
        "SELECT * FROM (VALUES (1)) AS t", "SELECT * FROM (DROP TABLE t) AS x", "SELECT a FROM t WHERE $1 = 2",
        "SELECT a FROM t /* x */", "SET x = 1", "SELECT a::INT FROM t", "SELECT a[1] FROM t", "INSTALL httpfs",
        "CREATE TABLE x AS SELECT * FROM t", "EXPLAIN SELECT * FROM t", "FROM t", "CALL x()", "SELECT * FROM ?",
    ],
)  # fmt: skip
def test_what_is_no_query_of_tables_is_refused(query):
    with pytest.raises(AdqlError):
        translate(query)


def test_a_function_that_nobody_vouches_for_is_not_duckdbs(database):
    sql = translate("SELECT getenv('HOME'), nextval('x'), current_setting('threads') FROM t")
    assert sql.count("udf.") == 3


def test_units_are_the_catalogues(catalogue):
    sql = translate("SELECT IN_UNIT(parallax, 'arcsec') AS a, IN_UNIT(p.dec, 'rad') AS b FROM photometry p", catalogue)
    assert sql == "SELECT (parallax * 0.001e0) AS a, (p.dec * 0.017453292519943295e0) AS b FROM sed.photometry AS p"
    for value in (
        "IN_UNIT(parallax, 'kg')",
        "IN_UNIT(ra, 'deg')",
        "IN_UNIT(parallax, 'nonsense')",
        "IN_UNIT(ra + 1, 'deg')",
    ):
        with pytest.raises(AdqlError, match="does not support"):
            translate(f"SELECT {value} FROM photometry", catalogue)
