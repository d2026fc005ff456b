"""Translate random mutations of queries: only AdqlError is raised, DuckDB parses the SQL, none takes over a second.

    python benchmarks/fuzz_adql.py --minutes 10 [--seed 1] [--queries FILE.jsonl ...]

Queries are mutated word by word and letter by letter. A mutant with a new kind of refusal (its sentence without the
words that it quotes), or whose SQL has a new outline, is kept and mutated further; this guides the search.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from pathlib import Path

import duckdb

from sedsql.adql import AdqlError, translate
from sedsql.adql.functions import registry
from sedsql.adql.parser import lexer

HERE = Path(__file__).resolve().parent
SEEDS = [
    "SELECT TOP 5 a, b AS c FROM s.t AS x WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE(1, 2, 3)) ORDER BY a DESC",
    "WITH q AS (SELECT a FROM t) SELECT DISTINCT * FROM q NATURAL JOIN r LEFT OUTER JOIN u USING (a) WHERE a IN (1, 2)",
    "SELECT COUNT(*), AVG(a/b) FROM t GROUP BY c HAVING COUNT(DISTINCT c) > 1 UNION ALL (SELECT 1, 2 FROM u) OFFSET 3",
    "SELECT CASE WHEN a IS NULL THEN 'x' ELSE b || 'y' END, CAST(a AS CHAR(3)) FROM t WHERE a BETWEEN 1 AND 0x1F",
    "SELECT AREA(POLYGON(1, 2, 3, 4, 5, 7)), REGION('Union (Circle 1 2 3 Box 1 2 3 4)') FROM t WHERE NOT a LIKE 'b%'",
    "SELECT a FROM t JOIN u ON DISTANCE(POINT(t.ra, t.dec), POINT(u.ra, u.dec)) < 0.1 WHERE EXISTS (SELECT b FROM v)",
    "SELECT INTERSECTS(BOX(1, 2, 3, 4), POLYGON(POINT(1, 2), POINT(3, 4), POINT(5, 7))) FROM t",
]
WORDS = [*sorted(lexer.RESERVED), *registry.USER_DEFINED, *"()()(),,.+-*/=<>;", "||", "1", "0", "2.5e300", "''", '"q"',
         "NULL", "'x'", "t", "a", "b", "--x\n", "0x", "é", "\x00", "%"]  # fmt: skip


def mutant(query: str, queries: list[str], rng: random.Random) -> str:
    if rng.random() < 0.2:
        letters = list(query)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(letters) + 1)
            letters[place : place + rng.randint(0, 2)] = rng.choice([*"()'\";,.*-\\ \n0aé\x00", ""])
        return "".join(letters)
    words = re.findall(r"'[^']*'?|\"[^\"]*\"?|\w+|\s+|.", query, re.DOTALL)
    for _ in range(rng.randint(1, 4)):
        place, other = rng.randrange(len(words) + 1), rng.randrange(len(words) + 1)
        match rng.randrange(5):
            case 0:
                del words[place : place + rng.randint(1, 4)]
            case 1:
                words.insert(place, f" {rng.choice(WORDS)} ")
            case 2:
                words[place : place + 1] = [f" {rng.choice(WORDS)} "]
            case 3:
                words[place:place] = words[other : other + rng.randint(1, 12)]
            case 4:
                donor = re.findall(r"\w+|\s+|.", rng.choice(queries), re.DOTALL)
                start = rng.randrange(len(donor) + 1)
                words[place:place] = donor[start : start + rng.randint(1, 20)]
        if not words:
            break
    return "".join(words)[:4000]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--queries", type=Path, nargs="*", default=[], help="JSON lines with a field 'query'")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    queries = SEEDS + [path.read_text() for path in sorted(HERE.parent.glob("sql/examples/*.adql"))]
    for path in options.queries:
        queries += [json.loads(line)["query"] for line in path.read_text().splitlines()]
    database = duckdb.connect()
    seen: set[str] = set()
    tried = accepted = faults = 0
    slowest = 0.0
    end = time.monotonic() + options.minutes * 60
    while time.monotonic() < end:
        query = mutant(rng.choice(queries), queries, rng)
        tried += 1
        start = time.process_time()
        sql = fault = None
        try:
            sql = translate(query)
        except AdqlError as error:
            kind = re.sub(r"'[^']*'|\d+", "", error.message)
        except Exception as error:
            kind = fault = f"{type(error).__name__}: {error}"
        took = time.process_time() - start
        slowest = max(slowest, took)
        if took > 1:
            fault = fault or f"took {took:.1f} s"
        if sql is not None:
            accepted += 1
            kind = re.sub(r"[\w.']+", "", sql)[:40]
            try:
                database.extract_statements(sql)
            except duckdb.Error as error:
                fault = f"DuckDB: {str(error)[:200]}"
        if fault:
            faults += 1
            print(f"{fault}\n{query!r}\n", flush=True)
        if kind not in seen and len(queries) < 20_000:
            seen.add(kind)
            queries.append(query)
    print(f"{tried:,} mutants, {accepted:,} accepted, {len(seen):,} kinds, slowest {slowest:.2f} s, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
