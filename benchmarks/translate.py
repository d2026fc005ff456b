"""How long the translation of a query takes, warm: names are resolved against a catalogue, nothing is run."""

from dataclasses import replace
from functools import partial

from sedsql.adql import translate
from sedsql.bands import COLUMNS
from sedsql.catalogue import Catalogue, Column, table_of
from sedsql.inference.calls import FUNCTIONS
from sedsql.mirror.archive import TABLES

from .measure import Section, Setting, figure, in_turns, machine, versions
from .tap import questions

MOST_MS = 5


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
    return section


def catalogue() -> Catalogue:
    """The archive's tables and sed.photometry, as a mirror has them."""
    columns = [Column("source_id", "BIGINT")]
    columns += [Column(name, "DOUBLE") for name in ("ra", "dec", "parallax", "parallax_error", *COLUMNS)]
    tables = {**TABLES, "sed.photometry": table_of("sed.photometry", None, columns)}
    for name in ("gaiadr3.gaia_source", "sed.photometry"):
        tables[name] = replace(tables[name], cell_column="source_id")
    return Catalogue(tables)
