"""Importing sedsql changes nothing in sqlglot or astropy for others."""

import json
import os
import subprocess
import sys

# What sqlglot makes of DuckDB's SQL, and the state of both libraries, as a process has them.
SCRIPT = """
import json, logging, sys, warnings
import astropy.units, sqlglot
from astropy.utils import iers
from sqlglot import exp
from sqlglot.dialects import Dialect, duckdb, postgres

logging.disable()  # of statements that sqlglot takes as they are
if sys.argv[1:]:
    import sedsql, sedsql.adql
    sedsql.translate("SELECT LOG(a) FROM t WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 3))")

statements = json.load(sys.stdin)
for one in exp.ALL_FUNCTIONS:
    for name in one.sql_names():
        statements += [f"SELECT {name}({', '.join('abc'[:count])}) FROM t" for count in (1, 3)]
texts = {}
for statement in statements:
    for dialect in ("duckdb", "postgres"):
        try:
            texts[f"{dialect}: {statement}"] = sqlglot.transpile(statement, read="duckdb", write=dialect)
        except Exception as reason:  # a call with too few arguments
            texts[f"{dialect}: {statement}"] = type(reason).__name__
print(json.dumps({
    "texts": texts,
    "transforms": [sorted(map(str, Dialect.get(name).generator_class.TRANSFORMS)) for name in ("duckdb", "postgres")],
    "classes": sorted(exp.EXPR_CLASSES),
    "units": len(astropy.units.get_current_unit_registry().all_units),
    "iers": [iers.conf.auto_download, iers.conf.auto_max_age],
    "filters": [str(one) for one in warnings.filters if "sedsql" in str(one) or "astropy" in str(one)],
}))
"""

STATEMENTS = """
SELECT 1
SELECT -1.5e3, 0x1F, 'it''s', "a""b", $1, $name, ?
SELECT * FROM t
SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) FROM t
SELECT COLUMNS('a.*') FROM t
SELECT t.a AS x, t.* FROM s.t AS t
SELECT DISTINCT a FROM t
SELECT DISTINCT ON (a) a, b FROM t ORDER BY a
FROM t
FROM t SELECT a
SELECT a FROM t LIMIT 5 OFFSET 2
SELECT a FROM t LIMIT 10%
SELECT a FROM t ORDER BY a DESC NULLS LAST, b
SELECT a FROM t ORDER BY ALL
SELECT a, count(*) FROM t GROUP BY a HAVING count(*) > 1
SELECT a, sum(b) FROM t GROUP BY ALL
SELECT a, b, sum(c) FROM t GROUP BY GROUPING SETS ((a), (b))
SELECT a, b, sum(c) FROM t GROUP BY ROLLUP (a, b)
SELECT a, b, sum(c) FROM t GROUP BY CUBE (a, b)
SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1
SELECT sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t
SELECT sum(a) FILTER (WHERE b > 0) FROM t
SELECT lag(a) OVER w FROM t WINDOW w AS (ORDER BY b)
SELECT a FROM t TABLESAMPLE 10 PERCENT
SELECT a FROM t USING SAMPLE 5
SELECT a FROM t JOIN u USING (a)
SELECT a FROM t JOIN u ON t.a = u.a
SELECT a FROM t LEFT JOIN u ON t.a = u.a
SELECT a FROM t FULL OUTER JOIN u ON t.a = u.a
SELECT a FROM t NATURAL JOIN u
SELECT a FROM t CROSS JOIN u
SELECT a FROM t ASOF JOIN u ON t.a >= u.a
SELECT a FROM t SEMI JOIN u ON t.a = u.a
SELECT a FROM t ANTI JOIN u ON t.a = u.a
SELECT a FROM t POSITIONAL JOIN u
SELECT a FROM t, LATERAL (SELECT t.a + 1 AS b)
SELECT a FROM (SELECT a FROM t) AS s
SELECT a FROM (VALUES (1), (2)) AS s(a)
SELECT a FROM t UNION SELECT a FROM u
SELECT a FROM t UNION ALL BY NAME SELECT a FROM u
SELECT a FROM t EXCEPT SELECT a FROM u
SELECT a FROM t INTERSECT SELECT a FROM u
WITH q AS (SELECT a FROM t) SELECT a FROM q
WITH RECURSIVE q AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM q WHERE a < 5) SELECT a FROM q
WITH q AS MATERIALIZED (SELECT a FROM t) SELECT a FROM q
SELECT a FROM t WHERE a = 1 AND NOT b <> 2 OR c IS NOT NULL
SELECT a FROM t WHERE a BETWEEN 1 AND 2
SELECT a FROM t WHERE a IN (1, 2) AND b NOT IN (SELECT b FROM u)
SELECT a FROM t WHERE EXISTS(SELECT 1 FROM u)
SELECT a FROM t WHERE a LIKE '%x' ESCAPE '!' OR b ILIKE 'y%'
SELECT a FROM t WHERE a SIMILAR TO 'x.*'
SELECT a FROM t WHERE a IS DISTINCT FROM b
SELECT a FROM t WHERE a = ANY(SELECT b FROM u)
SELECT CASE WHEN a = 1 THEN 2 ELSE 3 END FROM t
SELECT CASE a WHEN 1 THEN 2 END FROM t
SELECT a + b - c * d / e % f FROM t
SELECT a // b, a ** b, a ^ b, a & b, a | b, a << 1, a >> 1, ~a FROM t
SELECT a || b, a -> 'x', a ->> 'x', a[1], a[1:2], a.b.c FROM t
SELECT CAST(a AS INT), TRY_CAST(b AS DOUBLE), c::VARCHAR, d::DECIMAL(10, 2) FROM t
SELECT CAST(a AS STRUCT(x INT, y TEXT)), CAST(b AS INT[]), CAST(c AS MAP(TEXT, INT)) FROM t
SELECT [1, 2, 3], {'x': 1, 'y': 'z'}, MAP {'a': 1}, (1, 2) FROM t
SELECT [x + 1 FOR x IN a IF x > 0] FROM t
SELECT list_transform(a, LAMBDA x : x + 1), list_filter(a, x -> x > 0) FROM t
SELECT DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00:00', INTERVAL '1' DAY, INTERVAL 5 MONTH
SELECT EXTRACT(year FROM a), date_trunc('day', a), a + INTERVAL 1 DAY FROM t
SELECT strftime(a, '%Y-%m-%d'), strptime(b, '%d/%m/%Y'), epoch_ms(c) FROM t
SELECT ceil(a), ceiling(b), ln(c), log(d), log10(e), log2(f), log(2, g) FROM t
SELECT mod(a, 2), pow(a, 2), power(b, 2), random(), trunc(c), round(d, 2) FROM t
SELECT pi(), radians(a), degrees(b), sin(c), cot(d), atan2(e, f) FROM t
SELECT coalesce(a, b), nullif(a, b), greatest(a, b), least(a, b), if(a, b, c), ifnull(a, b) FROM t
SELECT count(*), count(DISTINCT a), avg(b), min(c), max(d), median(e), quantile_cont(f, 0.5) FROM t
SELECT string_agg(a, ',' ORDER BY b), array_agg(a), list(b), first(c), any_value(d), arg_max(e, f) FROM t
SELECT regexp_matches(a, 'x'), regexp_extract(a, 'x', 1), regexp_replace(a, 'x', 'y', 'g') FROM t
SELECT lower(a), upper(b), trim(c), substring(d, 1, 2), left(e, 2), position('x' IN f), length(g) FROM t
SELECT unnest([1, 2]), range(5), generate_series(1, 5) FROM t
SELECT a FROM read_csv('x.csv', header = TRUE)
SELECT a FROM 'x.parquet'
SELECT a FROM range(10) AS s(a)
PIVOT t ON a USING sum(b) GROUP BY c
UNPIVOT t ON a, b INTO NAME n VALUE v
DESCRIBE t
SUMMARIZE t
SHOW TABLES
EXPLAIN SELECT a FROM t
CREATE TABLE t (a INT PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x', c DOUBLE CHECK (c > 0))
CREATE OR REPLACE TABLE t AS SELECT a FROM u
CREATE TEMPORARY TABLE IF NOT EXISTS t AS FROM u
CREATE VIEW v AS SELECT a FROM t
CREATE MACRO f(x) AS x + 1
CREATE MACRO g(x) AS TABLE SELECT x
CREATE SCHEMA s
CREATE INDEX i ON t (a)
CREATE SEQUENCE q
DROP TABLE IF EXISTS t
ALTER TABLE t ADD COLUMN a INT
ALTER TABLE t RENAME TO u
INSERT INTO t (a, b) VALUES (1, 'x')
INSERT INTO t SELECT a FROM u
INSERT OR REPLACE INTO t VALUES (1)
INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING
UPDATE t SET a = 1 WHERE b = 2
DELETE FROM t WHERE a = 1 RETURNING *
MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = u.b WHEN NOT MATCHED THEN INSERT VALUES (u.a)
TRUNCATE TABLE t
ATTACH 'x.db' AS x
DETACH x
USE x
COPY t TO 'x.csv'
INSTALL httpfs
LOAD httpfs
SET threads = 4
PRAGMA database_size
BEGIN
COMMIT
ROLLBACK
""".strip().splitlines()


def test_sqlglot_and_astropy_are_as_they_were():
    alone, beside = (state(*arguments) for arguments in ((), ("sedsql",)))
    assert len(alone["texts"]) > 2 * (len(STATEMENTS) + 500)
    assert alone == beside


def state(*arguments):
    """What the script tells of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        input=json.dumps(STATEMENTS),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
