"""Measure the benefit of each rewrite: the same ADQL with all rewrites and with one left out, in turns.

'views' removes the joins of a view that a query does not need, 'top' finds how far TOP reaches before it reads other
columns and asks models, 'ranges' turns regions into ranges of source_id, 'files'
leaves out the files of a table that have none of these,
'joins' turns positional joins into joins of cells, 'models' evaluates a model last and once for each row, 'bounds'
derives cheap conditions from conditions on a model's output. The last are measured on `sed.photometry_joined`, whose
joins cost as much as a model, and on the same rows in one Parquet file. 'stored' is measured with the scans.
"""

from functools import partial

import sedsql
from sedsql import adql
from sedsql.adql.optimizer.rules import REWRITES
from sedsql.inference.calls import functions
from sedsql.inference.model import DEFAULT_MODEL, find_models
from sedsql.inference.necessary_conditions import Bounds

from .measure import Section, Setting, figure, in_turns, machine, versions
from .scans import flat

ROWS, QUICK_ROWS = 10_000_000, 20_000
FEW = 1_000_000
"""The number of rows where the slower variant takes minutes: ONNX Runtime, and all pairs of positions."""
LEAST = 5
"""The aim: this many times as fast as without bounds."""

CONE = "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(83.8, -5.4, {radius}))"
SKY = {
    "views": "SELECT COUNT(*) AS n FROM sed.photometry_joined AS s WHERE s.parallax > 5 AND s.phot_g_mean_mag < 12",
    "top": "SELECT TOP 100 source_id, ra, dec, pm, pmra, pmdec, parallax FROM gaiadr3.gaia_source "
    "WHERE pm IS NOT NULL ORDER BY pm DESC, source_id",
    "ranges": f"SELECT s.source_id, s.j_m FROM sed.photometry_joined AS s WHERE {CONE.format(radius=1)}",
    "files": "SELECT s.source_id, s.ra FROM gaiadr3.gaia_source AS s WHERE s.source_id < 100000000000000",
    "joins": "SELECT a.source_id, b.source_id AS other FROM (SELECT TOP 200 source_id, ra, dec FROM "
    "gaiadr3.gaia_source ORDER BY random_index) AS a JOIN gaiadr3.gaia_source AS b "
    "ON DISTANCE(POINT(a.ra, a.dec), POINT(b.ra, b.dec)) < 0.01",
    "models": "SELECT s.source_id, sed_class(s) AS class, sed_proba(s, 'yso') AS p FROM sed.photometry AS s "
    "WHERE s.parallax > 2 AND sed_class(s) <> 'main_sequence' AND sed_proba(s, 'yso') > 0.01",
}
CONDITIONS = (
    "sed_class(s) = 'yso'",
    "sed_class(s, 'lite-2') = 'yso'",
    "sed_class(s, s.parallax, s.parallax_error, 'luminosity-2') = 'yso'",
    "sed_class(s) = 'agb_oxygen'",
    "sed_proba(s, 'yso') > 0.9",
    "s.j_m IS NULL AND sed_class(s) = 'yso'",
)
SLOW = CONDITIONS[:2]
ASKED = "COUNT(*) AS n, SUM(MOD(s.source_id, 1000003)) AS numbers"
"""Figures that are equal if the rows are."""


def run(setting: Setting) -> Section:
    section = Section("Rewrites", quick=setting.quick)
    section.say(
        f"{machine()}; {versions('onnxruntime')}.",
        "The sample sky (simulated), two threads, the same ADQL with all rewrites and without the one that is named.",
    )
    rows = QUICK_ROWS if setting.quick else ROWS
    few = QUICK_ROWS if setting.quick else FEW
    _sky(section, setting, few)
    _bounds(section, setting, rows, few)
    section.note(f"Same rows with each rewrite and without: {'NO' if section.differ else 'yes'}")
    return section


def _without(name: str) -> list[str]:
    return [other for other in REWRITES if other != name]


def _sky(section: Section, setting: Setting, rows: int) -> None:
    section.head(f"Joins left out, regions, positional joins, models last and once ({rows:,} sources)")
    lines = []
    with sedsql.connect(setting.sample(rows)) as con:
        con.duckdb.execute("SET threads = 2")
        for name, query in SKY.items():
            variants = {
                variant: adql.translate(query, con.catalogue, _functions(), rewrites=rewrites)
                for variant, rewrites in (("with", tuple(REWRITES)), ("without", _without(name)))
            }
            times, answer = _turns(section, con, name, variants, setting)
            lines.append([name, *times, f"{len(answer):,}"])
    section.table(["rewrite", "with, ms", "spread", "without, ms", "spread", "times as fast", "rows"], lines)


def _bounds(section: Section, setting: Setting, rows: int, few: int) -> None:
    section.head("Cheap conditions, derived from what is asked of a model")
    lines = []
    for engine, size, conditions in (("native", rows, CONDITIONS), ("onnx", few, SLOW)):
        try:
            con = sedsql.connect(setting.sample(size), engine=engine)
        except sedsql.errors.Error as error:
            section.note(f"{engine}: not measured: {error}")
            continue
        with con:
            con.duckdb.execute("SET threads = 2")
            copy = flat(setting.sample(size), size)
            con.duckdb.execute(f"CREATE VIEW memory.main.flat AS FROM read_parquet('{copy}')")
            for condition in conditions:
                for table in ("flat", "sed.photometry_joined"):
                    lines.append([condition, engine, table, *_bounded(section, con, condition, table, setting, size)])
    names = ["condition", "engine", "table", "left", "meet it", "with, ms", "spread", "without, ms", "spread"]
    section.table([*names, "times as fast"], lines, text_columns=3)
    for condition, engine, table, *_, ratio in lines:
        if condition == CONDITIONS[0]:
            section.aim(f"{condition} with {engine} on {table}: times as fast", float(ratio), least=LEAST)


def _bounded(section: Section, con, condition: str, table: str, setting: Setting, size: int) -> list[str]:
    query = f"SELECT {ASKED} FROM {table} AS s WHERE {condition}"
    catalogue = None if table == "flat" else con.catalogue
    called = _functions(con.duckdb.execute("SELECT sed_engine()").fetchall()[0][0])
    variants = {
        variant: adql.translate(query, catalogue, called, rewrites=rewrites)
        for variant, rewrites in (("with", tuple(REWRITES)), ("without", _without("bounds")))
    }
    explain: list[str] = []
    adql.translate(query, catalogue, called, explain=explain, rewrites=["bounds"])
    derived = explain[0].split("rows must have ")[1] if explain else "true"
    left = con.duckdb.execute(f"SELECT count(*) FROM {table} AS s WHERE {derived}").fetchall()[0][0]
    times, ((rows, _),) = _turns(section, con, f"{condition}, {table}", variants, setting)
    return [f"{left / size:.1%}", f"{rows / size:.1%}", *times]


def _turns(section: Section, con, what: str, variants: dict[str, str], setting: Setting) -> tuple[list[str], list]:
    """Time both variants; return the times and their ratio, and the answers, which have to be the same."""
    answers: dict[str, list] = {}

    def ask(variant: str) -> None:
        answers[variant] = con.duckdb.execute(variants[variant]).fetchall()

    times = in_turns({variant: partial(ask, variant) for variant in variants}, enough=0.1 if setting.quick else 1.0)
    if sorted(answers["with"]) != sorted(answers["without"]):
        section.differ.append(f"{what}: other rows with the rewrite than without")
    fast, slow = times["with"], times["without"]
    section.figures.append({"what": what, "with": list(fast.seconds), "without": list(slow.seconds)})
    both = [text for one in (fast, slow) for text in (figure(one.median * 1e3), f"{one.spread:.0%}")]
    return [*both, figure(slow.median / fast.median)], answers["with"]


def _functions(engine: str = "native"):
    models = find_models()
    return functions(Bounds(models, DEFAULT_MODEL, dict.fromkeys(models, engine)))
