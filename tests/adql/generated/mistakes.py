"""Right queries with one thing broken in them, and what a user may be told of each.

`python -m adql.generated.mistakes --queries 100000 --seed 1`, with the folder `tests` on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import datetime
import math
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from sedsql.adql import AdqlError, AdqlValueError
from sedsql.adql.functions import registry
from sedsql.dbapi.connection import Connection
from sedsql.errors import Error, OperationalError, ProgrammingError

from .answers import LONGEST, stopped_after
from .choices import Choices
from .run import World, worlds
from .tables import Table

TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\d[\d.]*(?:[eE][-+]?\d+)?|\w+|<>|<=|>=|\|\||\s+|.", re.DOTALL)
CALL = re.compile(r"\b([A-Za-z]\w*)\((?=[^()]*\))")
VALUES = ("NULL", "'abc'", "''", "'2020-01-01'", "1", "-1", "0", "1e300", "9223372036854775807", "TRUE", "ra > 1",
          "POINT('ICRS', 10, 20)", "CIRCLE(1, 2, 3)", "*", "(1)", "'yso'", "COUNT(*)")  # fmt: skip
AGGREGATES = ("COUNT", "AVG", "SUM", "MAX", "MIN", "STDDEV", "STRING_AGG")
FUNCTIONS = (
    *registry.LANGUAGE,
    *registry.USER_DEFINED,
    "sed_class",
    "sed_proba",
    "sed_node",
    "sed_alpha",
    "nofunction",
)
WORDS = ("SELECT", "FROM", "WHERE", "AND", "NOT", "GROUP BY", "ORDER BY", "TOP", "AS", "DISTINCT", "IS NULL", "IN", ",",
         "(", ")", ".", "=", "+", "||", "LIKE", "LIMIT 5", ";")  # fmt: skip

MORE = (
    "SELECT TOP 5 ra, dec FROM gaiadr3.gaia_source WHERE parallax BETWEEN 1 AND 2 ORDER BY dec DESC",
    "SELECT POWER(ra, 2) AS p, LOG(parallax) AS l, MOD(source_id, 7) AS m, ROUND(dec, 1) AS r FROM gaiadr3.gaia_source",
    "SELECT CAST(designation AS VARCHAR(9)) AS a, UPPER(designation) || 'x' AS b FROM gaiadr3.gaia_source",
    "SELECT CAST(ra AS INTEGER) AS i, CAST('5' AS BIGINT) AS k, CAST('2020-01-01' AS TIMESTAMP) AS t "
    "FROM gaiadr3.gaia_source",
    "SELECT IVO_HEALPIX_INDEX(8, ra, dec) AS h, COUNT(*) AS n FROM gaiadr3.gaia_source GROUP BY h ORDER BY n",
    "SELECT GAIA_HEALPIX_INDEX(4, source_id) AS h, AVG(ra) AS a FROM gaiadr3.gaia_source GROUP BY h "
    "HAVING COUNT(*) > 1",
    "SELECT DISTANCE(POINT(ra, dec), POINT(10, 20)) AS d FROM gaiadr3.gaia_source WHERE designation LIKE 'Gaia%'",
    "SELECT a.ra, b.j_m FROM sed.photometry AS a JOIN sed.photometry AS b ON a.source_id = b.source_id WHERE b.j_m > 3",
    "SELECT sed_class(s) AS c, sed_proba(s, 'yso') AS p, sed_alpha(s) AS a FROM sed.photometry AS s WHERE s.ra < 90",
    "SELECT ra FROM gaiadr3.gaia_source WHERE source_id IN (SELECT source_id FROM gaiadr3.allwise_best_neighbour)",
    "SELECT CASE WHEN ra > 180 THEN 'a' ELSE 'b' END AS side, MAX(dec) AS m FROM gaiadr3.gaia_source GROUP BY side",
    "SELECT EPOCH_PROP_POS(ra, dec, parallax, pmra, pmdec, radial_velocity, 2016.0, 2000.0) AS p "
    "FROM gaiadr3.gaia_source",
    "SELECT COALESCE(parallax, 0) AS p, IN_UNIT(ra, 'rad') AS r, TO_CHAR(ra, '999.99') AS t FROM gaiadr3.gaia_source",
    "SELECT ra FROM gaiadr3.gaia_source UNION SELECT dec FROM gaiadr3.gaia_source ORDER BY ra",
)
"""Queries of what the grammar draws rarely."""


def broken(text: str, choices: Choices, tables: Sequence[Table]) -> str:
    """A query with one thing broken: a value, a name, an argument, a call, an aggregate, a bracket or a word."""
    tokens = TOKEN.findall(text)
    words = [place for place, token in enumerate(tokens) if re.match(r"[A-Za-z\"]", token)]
    values = [place for place, token in enumerate(tokens) if re.match(r"['\d]", token)]
    columns = [column.name for table in tables for column in table.columns]
    how = choices.weighed((3, 0), (2, 1), (1, 2), (4, 3), (3, 5), (2, 6), (4, 7), (1, 8), (2, 9))
    if how == 0 and values:
        tokens[choices.one(values)] = choices.one(VALUES)
    elif how == 1:
        tokens[choices.one(words)] = choices.one(VALUES)
    elif how == 2:
        place = choices.one(words)
        tokens[place] = choices.one(
            [tokens[place][:-1] or "x", tokens[place] + "x", f'"{tokens[place].upper()}"', "t.ra"]
        )
    elif how == 3:
        tokens[choices.one(words)] = choices.one([f'"{name}"' if not name.isidentifier() else name for name in columns])
    elif how == 5 and (calls := list(CALL.finditer(text))):
        call = choices.one(calls)
        return text[: call.start(1)] + choices.one(FUNCTIONS) + text[call.end(1) :]
    elif how == 6 and (places := [place for place, token in enumerate(tokens) if token == ","]):
        place = choices.one(places)
        tokens[place : place + choices.below(4)] = choices.one([[], [", ", choices.one(VALUES), ","]])
    elif how == 7:
        place = choices.one(words + values)
        tokens[place] = f"{choices.one([*AGGREGATES, *FUNCTIONS])}({tokens[place]})"
    elif how == 8:
        places = [place for place, token in enumerate(tokens) if token in "()"]
        place = choices.one(places or words)
        tokens[place] = choices.one(["", tokens[place] * 2])
    else:
        place = choices.below(len(tokens))
        tokens[place : place + choices.below(3)] = [f" {choices.one(WORDS)} "]
    return "".join(tokens)


def mistyped(parameters: list | dict, choices: Choices) -> list | dict:
    """The values of parameters, one of which is of another type."""
    changed = dict(parameters) if isinstance(parameters, dict) else list(parameters)
    changed[choices.one([*changed] if isinstance(changed, dict) else range(len(changed)))] = choices.one(
        ["abc", "", None, True, 1e300, -1, 2**63 - 1, math.nan, datetime.date(2020, 1, 1), [1, 2], b"x"]
    )
    return changed


FOREIGN = re.compile(
    r"_m1\b|__\w|_rows\b|parquet|VARCHAR|INT(?:8|16|32|64|128)\b|HUGEINT|STRUCT|Error:|[Bb]inder|TRY|LINE \d|DECIMAL|"
    r"explicit type cast|function matches|macro|lambda|scalar function|[Dd]uck|list_|regexp|UNNEST"
)
"""Words of DuckDB's, and of the SQL that it is handed."""


def answer(connection: Connection, text: str, parameters: list | dict) -> tuple[str, str]:
    """The sentence that a user is told of a query, and what is wrong with it; both empty where it gives rows."""
    try:
        with connection.cursor() as cursor, stopped_after(cursor.duckdb, LONGEST):
            cursor.execute(text, parameters).fetchall()
        return "", ""
    except Error as error:
        return str(error), _fault(error, text)
    except Exception as error:
        return str(error), f"an error that is no sentence: {type(error).__name__}: {error}"


def _fault(error: Error, text: str) -> str:
    told = str(error).splitlines()
    if isinstance(error, OperationalError) and "stopped" in told[0]:
        return ""
    if isinstance(error, ProgrammingError) and "handed in" in told[0]:  # a value for a parameter, and not the query
        return ""
    if not isinstance(error, AdqlError | AdqlValueError):
        return f"{type(error).__name__}: {told[0]}"
    found = FOREIGN.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", told[0]))
    # Of the types of CAST, the parser's own sentences name them all.
    if found and found.group() not in text and not (found.group() == "VARCHAR" and error.__cause__ is None):
        return f"{found.group()!r} is none of ADQL's words: {told[0]}"
    if isinstance(error, AdqlValueError):
        return f"more than a sentence: {error}" if len(told) != 1 else ""
    if isinstance(error.__cause__, duckdb.Error):
        return f"found by the database alone: {told[0]} <- {str(error.__cause__).splitlines()[0]}"
    return "" if "(line " in told[0] and len(told) == 3 else f"no place: {error}"


@dataclass
class Told:
    """What users are told of broken queries.

    queries, rows, sentences : how many there were, and how many gave rows, and a sentence
    faults : seed, what is wrong with what was told, and the query
    """

    queries: int = 0
    rows: int = 0
    sentences: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)


def ask(world: World, first: int, queries: int) -> Told:
    """Break so many queries, of the seeds from `first` on, and ask them."""
    told = Told()
    for seed in range(first, first + queries):
        choices = Choices(seed)
        query = world.query(choices)
        text, parameters = (query.text, query.parameters) if seed % 3 else (choices.one(MORE), [])
        if parameters and seed % 2:
            parameters = mistyped(parameters, choices)
        else:
            text = broken(text, choices, world.fast.tables)
        sentence, fault = answer(world.fast.connection, text, parameters)
        told.queries += 1
        told.rows += not sentence
        told.sentences += bool(sentence)
        if fault:
            told.faults.append((seed, fault, text))
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask queries that have one mistake, and look at what is told of it.")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first query; the next has the next number")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = ask(worlds(Path(folder))[0], asked.seed, asked.queries)
    for seed, fault, text in told.faults:
        print(f"seed {seed}: {fault}\n    {text}")
    print(f"{told.queries} queries: {told.rows} gave rows, {told.sentences} a sentence; {len(told.faults)} faults")
    return bool(told.faults)


if __name__ == "__main__":
    sys.exit(main())
