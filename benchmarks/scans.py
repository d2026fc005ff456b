"""Measure the classification of all sources of a mirror: rows per second over Parquet, for 1 to 50 million sources.

Scans of the same sample sky run in turns: only the columns (the sum of the ten magnitudes) and the classes, each of
sed.photometry as it is stored, of the join that it was stored from, and of the same rows in one Parquet file. All have
to count the same, and the engines have to agree on the first rows.

Then queries with classes are asked with the classes stored, with the photometry stored, and with neither.
"""

import shutil
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import sedsql
from sedsql.catalogue import JOINED, PHOTOMETRY
from sedsql.inference.model import SKY_MODEL, find_models
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.stored.classify import classify
from sedsql.mirror.stored.joined import make_view
from sedsql.photometry.bands import COLUMNS

from .measure import Section, Setting, Times, different, figure, in_turns, machine, versions

MODELS = ("lite-2", "shape-2", "luminosity-2")
FULL, QUICK = (1_000_000, 10_000_000, 50_000_000), (10_000, 20_000)
ONNX_ROWS = 1_000_000
"""The rows for the ONNX function, which would take an hour for more."""
COMPARED = 5_000
CLASSIFIED_ROWS = 5_000_000
"""The rows of the sky in which classes are asked for."""

LEAST = {"lite-2": 3e6, "shape-2": 1e6}
"""The aim in rows per second, with two threads."""

MOST = 1.2
"""The aim for scans of the stored sed.photometry, in times of the flat ones."""

CLASSES = {
    "classes in a cone of half a degree": "SELECT s.source_id, sed_class(s) AS class FROM sed.photometry AS s "
    "WHERE 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(83.8, -5.4, 0.5))",
    "numbers of all classes": "SELECT sed_class(s) AS class, COUNT(*) AS n FROM sed.photometry AS s GROUP BY class",
    "young stars": "SELECT s.source_id, s.ra, s.dec FROM sed.photometry AS s WHERE sed_class(s) = 'yso'",
}

SUMS = " + ".join(f"coalesce(sum({column}), 0)" for column in COLUMNS)


def run(setting: Setting) -> Section:
    section = Section("Scans of a mirror", quick=setting.quick)
    sizes = QUICK if setting.quick else FULL
    section.say(
        f"{machine()}; {versions('onnxruntime')}.",
        "The sample sky (simulated), two threads, the files in the system's memory as far as they fit. `stored` is "
        "`sed.photometry`, `joined` the join of six tables that it was stored from; `flat` is the same rows written to "
        "one Parquet file.",
    )
    lines = []
    rates: dict[tuple[str, str, int], float] = {}
    for rows in sizes:
        mirror = setting.sample(rows)
        copy = flat(mirror, rows)
        for engine, models in (("native", MODELS), ("onnx", MODELS[:2])):
            if engine == "onnx" and rows > ONNX_ROWS:
                continue
            for what, times in _scan(section, engine, models, mirror, copy, rows).items():
                rate = rows / times.median
                rates[(engine, what, rows)] = rate
                name = {"native": "", "onnx": ", ONNX"}[engine]
                lines.append((f"{rows:,}", what + name, figure(times.median), f"{times.spread:.0%}", f"{rate:,.0f}"))
                section.figures.append(
                    {"rows": rows, "engine": engine, "scan": what, "seconds": list(times.seconds), "rate": rate}
                )
    section.table(["sources", "scan", "s", "spread", "rows a second"], lines, text_columns=2)
    _conclude(section, rates, sizes)
    rows = QUICK[-1] if setting.quick else CLASSIFIED_ROWS
    _ask_for_classes(section, setting.sample(rows), rows)
    return section


def _ask_for_classes(section: Section, mirror: Path, rows: int) -> None:
    """Time queries with classes that are stored, with stored photometry, and with neither."""
    copies = {name: mirror.with_name(f"{mirror.name}-{name}") for name in ("classes", "joined")}
    for name, copy in copies.items():
        if not copy.exists():
            shutil.copytree(mirror, copy)
            with Mirror.change(copy) as held:
                if name == "classes":
                    seconds = -time.perf_counter()
                    classify(held, find_models()[SKY_MODEL])
                    seconds += time.perf_counter()
                    section.note(f"`mirror classify` of {rows:,} sources: {rows / seconds:,.0f} rows a second")
                else:
                    del held.tables[PHOTOMETRY]
                    held.save()
                    with held.edit_database() as con:
                        make_view(con)
    places = {"classes": copies["classes"], "stored": mirror, "joined": copies["joined"]}
    section.head(f"Queries with the classes of {SKY_MODEL} ({rows:,} sources)")
    lines = []
    with ExitStack() as opened:
        connections = {name: opened.enter_context(sedsql.connect(path)) for name, path in places.items()}
        for con in connections.values():
            con.duckdb.execute("SET threads = 2")
        for what, query in CLASSES.items():
            answers = {}

            def ask(name: str, query: str = query, answers: dict = answers) -> None:
                answers[name] = sorted(connections[name].execute(query).fetchall(), key=str)

            times = in_turns({name: partial(ask, name) for name in places}, 3, patience=20, enough=0.5)
            section.differ += [f"{what}: {name} differs" for name in places if answers[name] != answers["joined"]]
            lines.append((what, *(figure(1000 * times[name].median) for name in places), f"{len(answers['joined']):,}"))
            section.figures.append({"query": what, **{name: list(times[name].seconds) for name in places}})
    section.table(["query", "classes stored, ms", "photometry stored, ms", "joined, ms", "rows"], lines)


def flat(mirror: Path, rows: int) -> Path:
    """Write the ten magnitudes and the parallax of all sources to one file beside the mirror."""
    path = mirror.parent / f"flat-{rows}.parquet"
    if not path.exists():
        partial = path.with_suffix(".partial")
        columns = ", ".join(("source_id", "parallax", "parallax_error", *COLUMNS))
        with sedsql.connect(mirror) as con:
            con.duckdb.execute(f"COPY (SELECT {columns} FROM sed.photometry) TO '{partial}' (FORMAT parquet)")
        partial.rename(path)
    return path


def _scan(
    section: Section, engine: str, models: tuple[str, ...], mirror: Path, flat: Path, rows: int
) -> dict[str, Times]:
    """Time each scan of a mirror."""
    try:
        con = sedsql.connect(mirror, engine=engine)
    except Exception as error:  # go on without an engine that is not there
        section.note(f"{engine}: not measured: {error}")
        return {}
    with con:
        con.duckdb.execute("SET threads = 2")
        sources = {"stored": PHOTOMETRY, "joined": JOINED, "flat": f"read_parquet('{flat}')"}
        queries = {}
        for place, source in sources.items() if engine == "native" else [("flat", sources["flat"])]:
            if engine == "native":
                queries[f"{place}: columns alone"] = f"SELECT {SUMS} FROM {source}"
            for model in models:
                queries[f"{place}: {model}"] = (
                    f"SELECT {_class(model)} AS class, count(*) AS n FROM {source} AS s GROUP BY 1 ORDER BY 1"
                )
        answers: dict[str, list] = {}

        def ask(what: str) -> None:
            answers[what] = con.duckdb.execute(queries[what]).fetchall()

        repeats = 1 if rows > 10_000_000 else 3
        times = in_turns(
            {what: partial(ask, what) for what in queries}, repeats, patience=20, enough=0.1 if section.quick else 1.0
        )
        for model in models if engine == "native" else ():
            for place in ("stored", "joined"):
                if answers[f"{place}: {model}"] != answers[f"flat: {model}"]:
                    section.differ.append(f"{model} counts other classes in {place} than in its copy ({rows:,} rows)")
            section.differ += _problems(model, flat, rows)
    return times


def _class(model: str) -> str:
    given = "s, s.parallax, s.parallax_error" if model.startswith("luminosity") else "s"
    return f"sed_class({given}, '{model}')"


def _problems(model: str, flat: Path, rows: int) -> list[str]:
    """Compare the classes that the two engines give to some of the sources."""
    query = f"SELECT {_class(model)} FROM (FROM read_parquet('{flat}') LIMIT {COMPARED}) AS s"
    found = []
    for engine in ("native", "onnx"):
        with sedsql.connect(engine=engine) as con:
            found.append([label for (label,) in con.duckdb.execute(query).fetchall()])
    return different(f"native ({model}, {rows:,} sources)", found[0], "ONNX", found[1])


def _conclude(section: Section, rates: dict[tuple[str, str, int], float], sizes: tuple[int, ...]) -> None:
    first, last = sizes[0], sizes[-1]
    for model in MODELS:
        key = f"flat: {model}"
        if ("native", key, last) not in rates:
            continue
        rate = rates["native", key, last]
        if model in LEAST:
            section.aim(f"{model}, rows a second of {last:,} in Parquet", rate, least=LEAST[model])
        section.note(
            f"{model}: at {last:,} sources {rate / rates['native', key, first]:.2f} times the rows a second of "
            f"{first:,}; {rates['native', 'flat: columns alone', last] / rate:.1f} times the cost of reading the "
            f"columns alone (with the joins: "
            f"{rates['native', 'joined: columns alone', last] / rates['native', f'joined: {model}', last]:.1f})"
        )
        ratio = rates["native", key, last] / rates["native", f"stored: {model}", last]
        section.aim(f"{model}, stored against flat, times the time of {last:,}", ratio, most=MOST)
    same = "no" if section.differ else "yes"
    section.note(
        "Same numbers of each class in `stored`, `joined` and `flat`, and same classes from both engines for "
        f"{COMPARED:,} sources of each size: {same}"
    )
