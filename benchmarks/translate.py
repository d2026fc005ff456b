"""Measure the translation of a query, warm, and a connection's way from a text to what DuckDB has bound."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count

import sedsql
from sedsql.adql import translate
from sedsql.catalogue import Catalogue, Column, table_of
from sedsql.dbapi.connection import Connection
from sedsql.inference.calls import FUNCTIONS
from sedsql.mirror.archive import TABLES
from sedsql.photometry.bands import COLUMNS

from .measure import Section, Setting, figure, in_turns, machine, versions
from .tap import questions

MOST_MS = 5
MOST_BOUND_MS = 3
ROWS, QUICK_ROWS = 1_000_000, 20_000
SIMPLE = {
    "five sources": "SELECT TOP 5 source_id, ra FROM gaiadr3.gaia_source",
    "one source": "SELECT source_id, ra, dec, parallax FROM gaiadr3.gaia_source WHERE source_id = {source_id}",
}
CLASSES = (
    "SELECT s.source_id, sed_class(s) AS class FROM sed.photometry AS s "
    "WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(83.82, -5.39, 0.5))"
)


def run(setting: Setting) -> Section:
    section = Section("Translation", quick=setting.quick)
    section.say(
        f"{machine()}; {versions('sqlglot')}.",
        "ADQL to DuckDB SQL, warm: the queries of `sql/examples` and `benchmarks/queries`.",
    )
    queries = {question.name: question.adql for question in questions(0)}
    known = catalogue()
    works = {name: partial(translate, query, known, FUNCTIONS) for name, query in queries.items()}
    for work in works.values():
        work()
    times = in_turns(works, 15, enough=0)
    section.table(["query", "ms", "spread"], [[n, figure(t.median * 1e3), f"{t.spread:.0%}"] for n, t in times.items()])
    section.figures += [{"query": name, "seconds": list(one.seconds)} for name, one in times.items()]
    section.aim("The slowest, ms", max(one.median for one in times.values()) * 1e3, most=MOST_MS)
    _bound(setting, section)
    return section


def _bound(setting: Setting, section: Section) -> None:
    """Measure `Connection.execute`, which translates a query and has DuckDB bind it; nothing is fetched."""
    section.head("From the text of a query to its plan, in a mirror")
    mirror = setting.mirror or setting.sample(QUICK_ROWS if setting.quick else ROWS)
    with sedsql.connect(mirror) as con:
        (source_id,) = con.duckdb.execute("SELECT min(source_id) FROM gaiadr3.gaia_source").fetchone()
        queries = {name: query.format(source_id=source_id) for name, query in SIMPLE.items()}
        queries["classes in a cone"] = CLASSES
        numbers = count()
        works = {name: partial(_execute, con, query, numbers) for name, query in queries.items()}
        works["one source, asked again"] = partial(con.execute, queries["one source"])
        for work in works.values():
            work()
        times = in_turns(works, 15, enough=0)
    lines = [[name, figure(one.median * 1e3), f"{one.spread:.0%}"] for name, one in times.items()]
    section.table(["query", "ms", "spread"], lines)
    section.figures += [{"query": name, "bound_seconds": list(one.seconds)} for name, one in times.items()]
    section.aim("The slower simple one, ms", max(times[name].median for name in SIMPLE) * 1e3, most=MOST_BOUND_MS)


def _execute(con: Connection, query: str, numbers: Iterator[int]) -> None:
    """Execute a query under a text that the connection has not translated yet."""
    con.execute(f"{query} -- {next(numbers)}")


def catalogue() -> Catalogue:
    """Return a catalogue of the archive's tables and sed.photometry, as in a mirror."""
    columns = [Column("source_id", "BIGINT")]
    columns += [Column(name, "DOUBLE") for name in ("ra", "dec", "parallax", "parallax_error", *COLUMNS)]
    tables = {**TABLES, "sed.photometry": table_of("sed.photometry", None, columns)}
    for name in ("gaiadr3.gaia_source", "sed.photometry"):
        tables[name] = replace(tables[name], cell_column="source_id")
    return Catalogue(tables)
