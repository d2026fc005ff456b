"""Ask queries of DuckDB and of Spark and compare the rows.

`python same_rows.py page conformance generated`, with .venv/spark on PYTHONPATH, prints how many queries of each list
give the same rows, are refused, or differ, and each difference.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

TESTS = Path(__file__).resolve().parents[2]
sys.path += [str(TESTS), str(TESTS / "service" / "web"), str(TESTS / "service")]

from adql.generated.answers import ENGINES, _unmatched  # noqa: E402

from sedsql.adql import AdqlError, translation  # noqa: E402
from sedsql.adql.optimizer.rules import REWRITES  # noqa: E402
from sedsql.catalogue import Catalogue  # noqa: E402
from sedsql.dbapi.connection import Connection, connect  # noqa: E402
from sedsql.dbapi.translator import values_to_bind  # noqa: E402

NEAR = 2e-6
"""Relative: a REAL has 24 bits, and Spark takes it to DOUBLE where DuckDB does not."""
LONGEST = 20_000
"""Characters of Spark SQL that take Spark seconds to plan, up to minutes; longer queries are left out unless all are
asked."""


@dataclass(frozen=True)
class Outcome:
    """What came of a query: it is the `same`, `refused`, `differs`, is `left out`, or DuckDB gives `none` either."""

    kind: str
    query: str
    told: str = ""
    sql: str = ""


@dataclass
class Both:
    """A connection and a Spark session with the same tables."""

    connection: Connection
    spark: Any
    catalogue: Catalogue
    longest: int | None = None if os.environ.get("SPARK_QUERIES") == "all" else LONGEST
    rewrites: Collection[str] = tuple(REWRITES)

    def tried(self, query: str, values: Any = (), near: float = NEAR, is_cut: bool | None = None) -> Outcome:
        """Ask both for the rows of a query."""
        con = self.connection
        try:
            here = con.translation(query, values)
            answer = con.duckdb.execute(here.sql, values_to_bind(here, values) or None)
            names, expected = [name for name, *_ in answer.description or []], answer.fetchall()
        except Exception as error:
            return Outcome("none", query, f"DuckDB: {first_line(error)}")
        try:
            there = translation(
                query,
                self.catalogue,
                con.functions,
                values=values,
                rewrites=self.rewrites,
                strict=False,
                engine="spark",
            )
        except AdqlError as error:
            return Outcome("refused", query, first_line(error))
        if self.longest and len(there.sql) > self.longest:
            return Outcome("left out", query, f"{len(there.sql)} characters of SQL", there.sql)
        bound = values_to_bind(there, values)
        given = {f"p{name}" if name.isdigit() else name: value for name, value in bound.items()}
        try:
            found, rows = rows_of(self.spark.sql(there.sql, args=given or None))
        except Exception as error:
            return Outcome("differs", query, first_line(error), there.sql)
        told = difference(names, expected, found, rows, near)
        cut = bool({"TOP", "OFFSET"} & set(query.upper().split())) if is_cut is None else is_cut
        open_ = cut and "none of" in told  # which rows come first
        return Outcome("same" if open_ or not told else "differs", query, told, there.sql)


def difference(names: Sequence[str], expected: Sequence, found: Sequence[str], rows: Sequence, near: float) -> str:
    """What differs between two answers; nothing where they agree."""
    if list(names) != list(found):
        return f"columns {names} and {found}"
    if len(rows) != len(expected):
        return f"{len(expected)} rows and {len(rows)}"
    lacking = _unmatched(tuple(map(plain, expected)), tuple(map(plain, rows)), near)
    return f"{str(lacking[0])[:150]} is none of {str(rows[:2])[:300]}" if lacking else ""


def rows_of(frame: Any) -> tuple[list[str], list[tuple]]:
    """The names and rows of a Spark DataFrame, through Arrow."""
    table = frame.toArrow()
    columns = [column.to_pylist() for column in table.columns]
    return frame.columns, list(zip(*columns, strict=True)) if columns else []


def plain(value: Any) -> Any:
    """A value in a type that both have: numbers count, not their types."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return float(value) if abs(value) < 1 << 53 else int(value)
    if isinstance(value, tuple | list):
        return tuple(map(plain, value))
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300]}"


def copy_tables(connection: Connection, spark: Any, folder: Path) -> Catalogue:
    """Give a Spark session the tables of a connection, from Parquet files; give those that it takes."""
    made = {}
    folder.mkdir(exist_ok=True)
    for number, (name, table) in enumerate(connection.catalogue.tables.items()):
        parts = name.split(".")
        if name.startswith("tap_schema.") or not all(re.fullmatch(r"\w+", part, re.ASCII) for part in parts):
            continue  # Spark has no such names for tables
        path, quoted = folder / f"{number}.parquet", ".".join(f'"{part}"' for part in parts)
        try:
            connection.duckdb.execute(f"COPY (SELECT * FROM mirror.{quoted}) TO '{path}'")
        except duckdb.CatalogException:  # it was uploaded
            connection.duckdb.execute(f"COPY (SELECT * FROM {quoted}) TO '{path}'")
        if len(parts) > 1:
            spark.sql(f"CREATE DATABASE IF NOT EXISTS `{parts[0]}`")
        view = ".".join(f"`{part}`" for part in parts)
        spark.sql(f"DROP TABLE IF EXISTS {view}")
        spark.sql(f"CREATE TABLE {view} USING parquet OPTIONS (path '{path}')")
        made[name] = table
    return Catalogue(made)


@contextmanager
def quick(spark: Any) -> Iterator[None]:
    """Plan small queries as quickly as Spark does: without compiling them, and once."""
    settings = {"spark.sql.codegen.wholeStage": "false", "spark.sql.adaptive.enabled": "false"}
    before = {key: spark.conf.get(key) for key in settings}
    for key, value in settings.items():
        spark.conf.set(key, value)
    yield
    for key, value in before.items():
        spark.conf.set(key, value)


def of_page(spark: Any, folder: Path) -> Iterator[Outcome]:
    """The queries of docs/adql_queries.md."""
    from test_same_rows import PAGE, PAIRS

    yield from _of_made_tables(spark, folder / "page", PAGE, PAIRS)


def of_conformance(spark: Any, folder: Path, every: int = 1) -> Iterator[Outcome]:
    """One in so many of the queries that other parsers accept."""
    from test_same_rows import conformance

    queries = conformance()[::every]
    yield from _of_made_tables(spark, folder / "conformance", queries, queries)


def _of_made_tables(spark: Any, folder: Path, queries: list[str], made: list[str]) -> Iterator[Outcome]:
    from test_same_rows import make_mirror

    import sedsql

    sedsql.spark.register(spark)
    folder.mkdir()
    with connect(make_mirror(folder / "mirror", made)) as con, quick(spark):
        both = Both(con, spark, copy_tables(con, spark, folder / "files"))
        yield from map(both.tried, queries)


def of_generated(spark: Any, folder: Path, count: int, first: int = 0) -> Iterator[Outcome]:
    """Queries that a grammar makes up, on copies of a mirror's tables and of tables that are uploaded."""
    from adql.generated.choices import Choices
    from adql.generated.run import worlds

    import sedsql

    folder.mkdir()
    sedsql.spark.register(spark)
    world = worlds(folder)[0]
    con = world.fast.connection
    with quick(spark):
        both = Both(con, spark, copy_tables(con, spark, folder / "files"), rewrites=set(REWRITES) - {"stored", "files"})
        for seed in range(first, first + count):
            query = world.query(Choices(seed))
            yield both.tried(query.text, query.parameters, ENGINES, is_cut=bool(query.cut))


KINDS = ("same", "refused", "differs", "left out", "none")


def table_of(lists: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """The counts of lists of outcomes as lines of a table, and each difference below it."""
    yield f"{'':14}{'queries':>9}" + "".join(f"{kind:>10}" for kind in KINDS) + "      run"
    for name, outcomes in lists.items():
        counted = Counter(outcome.kind for outcome in outcomes)
        counts = "".join(f"{counted[kind]:>10}" for kind in KINDS)
        yield f"{name:14}{counted.total():>9}{counts}{100 * share(outcomes):7.1f} %"
    for outcome in (one for outcomes in lists.values() for one in outcomes):
        if outcome.kind in ("refused", "differs"):
            yield f"\n{outcome.kind}: {outcome.query.strip()}\n  {outcome.told}\n  {outcome.sql[:700]}"


def share(outcomes: Sequence[Outcome]) -> float:
    """The share of the queries that DuckDB answers, and that are not left out, for which Spark has the same rows."""
    counted = Counter(outcome.kind for outcome in outcomes)
    asked = sum(counted[kind] for kind in ("same", "refused", "differs"))
    return counted["same"] / asked if asked else 1.0


def main() -> int:
    from session import start

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spark = start(folder)
        every = {
            "page": lambda: of_page(spark, folder),
            "conformance": lambda: of_conformance(spark, folder),
            "generated": lambda: of_generated(spark, folder / "generated", int(os.environ.get("QUERIES", "300"))),
        }
        lists: dict[str, list[Outcome]] = {}
        for title in sys.argv[1:] or every:
            lists[title] = []
            for outcome in every[title]():
                lists[title].append(outcome)
                if outcome.kind not in ("same", "none"):
                    print(outcome.kind, repr(outcome.query), outcome.told, outcome.sql[:300], sep="\n  ", flush=True)
        print("\n".join(table_of(lists)))
        spark.stop()
    return any(outcome.kind == "differs" for one in lists.values() for outcome in one)


if __name__ == "__main__":
    sys.exit(main())
