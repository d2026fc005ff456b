"""Ask queries of DuckDB and of Spark and compare the rows: `python same_rows.py`, with .venv/spark on PYTHONPATH.

It prints how many queries of each list give the same rows, are refused, or differ, and each difference.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2]
sys.path += [str(TESTS), str(TESTS / "service" / "web"), str(TESTS / "service")]

from adql.generated.answers import _unmatched  # noqa: E402

from sedsql import connect  # noqa: E402
from sedsql.adql import AdqlError, Translation, translation  # noqa: E402
from sedsql.dbapi.connection import Connection  # noqa: E402

NEAR = 2e-6
"""Relative: a REAL has 24 bits, and engines take it to DOUBLE in other places."""


@dataclass
class Outcome:
    """What came of a query: `same`, `refused`, `differs`, or `none` where DuckDB gives no rows for it either."""

    kind: str
    query: str
    told: str = ""
    sql: str = ""


@dataclass
class Both:
    """A connection and a Spark session with the same tables."""

    connection: Connection
    spark: Any
    functions: Any = None
    tried: list[Outcome] = field(default_factory=list)

    def try_it(self, query: str, values: Any = ()) -> Outcome:
        """Ask both for the rows of a query."""
        found = self._tried(query, values)
        self.tried.append(found)
        return found

    def _tried(self, query: str, values: Any) -> Outcome:
        con = self.connection
        try:
            here = con.translation(query, values)
            expected = con.duckdb.execute(here.sql, bound(here, values) or None).fetchall()
        except Exception as error:
            return Outcome("none", query, f"DuckDB: {first_line(error)}")
        try:
            there = translation(
                query, con.catalogue, self.functions or con.functions, values=values, strict=False, engine="spark"
            )
        except AdqlError as error:
            return Outcome("refused", query, first_line(error))
        try:
            names, rows = rows_of(self.spark.sql(there.sql, args=spark_values(there, values)))
        except Exception as error:
            return Outcome("differs", query, first_line(error), there.sql)
        expected_names = list(con.duckdb.sql(here.sql).columns) if not here.parameters else names
        return Outcome(*_compared(query, expected_names, expected, names, rows), sql=there.sql)


def _compared(query: str, names: list[str], expected: list, found: list[str], rows: list) -> tuple[str, str, str]:
    if names != found:
        return "differs", query, f"columns {names} and {found}"
    if len(rows) != len(expected):
        return "differs", query, f"{len(expected)} rows and {len(rows)}"
    lacking = _unmatched(tuple(map(plain, expected)), tuple(map(plain, rows)), NEAR)
    if lacking and is_cut(query):
        return "same", query, "as many rows; which of them is open"
    if lacking:
        return "differs", query, f"{str(lacking[0])[:150]} is none of {str(rows[:2])[:300]}"
    return "same", query, ""


def is_cut(query: str) -> bool:
    words = query.upper().split()
    return "TOP" in words or "OFFSET" in words


def bound(made: Translation, values: Any) -> dict[str, Any]:
    given = values if isinstance(values, dict) else {str(place): value for place, value in enumerate(values, 1)}
    return {name: made.converted.get(name, given[name]) for name in made.parameters}


def spark_values(made: Translation, values: Any) -> dict[str, Any] | None:
    return {f"p{name}" if name.isdigit() else name: value for name, value in bound(made, values).items()} or None


def rows_of(frame: Any) -> tuple[list[str], list[tuple]]:
    """The names and rows of a Spark DataFrame, through Arrow."""
    table = frame.toArrow()
    columns = [column.to_pylist() for column in table.columns]
    return frame.columns, list(zip(*columns, strict=True)) if columns else []


def plain(value: Any) -> Any:
    """A value in the types that both have: numbers count, not their types."""
    if isinstance(value, Decimal):
        return float(value) if value % 1 else int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value if not (isinstance(value, float) and math.isnan(value)) else math.nan


def first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"


def copy_tables(connection: Connection, spark: Any, folder: Path) -> None:
    """Give a Spark session the tables of a connection, from Parquet files that DuckDB writes."""
    for number, name in enumerate(connection.catalogue.tables):
        if name.startswith(("tap_schema.", "manifest.")):
            continue
        path = folder / f"{number}.parquet"
        parts = name.split(".")
        if not all(re.fullmatch(r"\w+", part, re.ASCII) for part in parts):
            continue  # Spark has no such names for tables
        quoted = ".".join(f'"{part}"' for part in parts)
        connection.duckdb.execute(f"COPY (SELECT * FROM mirror.{quoted}) TO '{path}'")
        if len(parts) > 1:
            spark.sql(f"CREATE DATABASE IF NOT EXISTS `{parts[0]}`")
        view = ".".join(f"`{part}`" for part in parts)
        spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM parquet.`{path}`")


def table_of(lists: dict[str, Iterable[Outcome]]) -> Iterator[str]:
    """The counts of lists of outcomes as lines of a table, and each difference below it."""
    kinds = ("same", "refused", "differs", "none")
    yield f"{'':32}{'queries':>9}" + "".join(f"{kind:>9}" for kind in kinds) + "   run"
    wrong = []
    for name, outcomes in lists.items():
        counted = Counter(outcome.kind for outcome in outcomes)
        asked = sum(counted[kind] for kind in kinds[:3])
        share = 100 * counted["same"] / asked if asked else 100
        yield f"{name:32}{counted.total():>9}" + "".join(f"{counted[kind]:>9}" for kind in kinds) + f"{share:6.1f} %"
        wrong += [outcome for outcome in outcomes if outcome.kind in ("refused", "differs")]
    for outcome in wrong:
        yield f"\n{outcome.kind}: {outcome.query.strip()}\n  {outcome.told}\n  {outcome.sql[:600]}"


def main() -> int:
    from session import start
    from test_same_rows import PAGE, PAIRS, conformance, make_mirror

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spark = start(folder)
        spark.conf.set("spark.sql.codegen.wholeStage", "false")
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        lists = {}
        for title, queries, made in (
            ("docs/adql_queries.md", PAGE, PAIRS),
            ("conformance", conformance(), conformance()),
        ):
            place = folder / title.replace("/", "_")
            place.mkdir()
            with connect(make_mirror(place / "mirror", made)) as con:
                copy_tables(con, spark, place)
                both = Both(con, spark)
                lists[title] = [both.try_it(query) for query in queries]
        print("\n".join(table_of(lists)))
        spark.stop()
    return any(outcome.kind == "differs" for one in lists.values() for outcome in one)


if __name__ == "__main__":
    sys.exit(main())
