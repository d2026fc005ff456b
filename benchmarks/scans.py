"""Classes of all sources of a mirror: rows a second over Parquet, from a million sources to fifty.

Three scans of the same sample sky, in turns: the columns alone (the sum of the ten magnitudes of sed.photometry, joins
and quality rules included), the classes, and both for the same rows in one Parquet file, where nothing is joined.
Both scans have to count the same, and the engines to agree on the first rows.
"""

from functools import partial
from pathlib import Path

import sedsql
from sedsql.bands import COLUMNS

from .measure import Section, Setting, Times, different, figure, in_turns, machine, versions

MODELS = ("lite-2", "shape-2", "luminosity-2")
FULL, QUICK = (1_000_000, 10_000_000, 50_000_000), (10_000, 20_000)
ONNX_ROWS = 1_000_000
"""More would take the ONNX function an hour."""
COMPARED = 5_000

LEAST = {"lite-2": 3e6, "shape-2": 1e6}
"""Rows a second that are asked for, with two threads."""

SUMS = " + ".join(f"coalesce(sum({column}), 0)" for column in COLUMNS)


def run(setting: Setting) -> Section:
    section = Section("Scans of a mirror", quick=setting.quick)
    sizes = QUICK if setting.quick else FULL
    section.say(
        f"{machine()}; {versions('onnxruntime')}.",
        "The sample sky (simulated), two threads, the files in the system's memory as far as they fit. `joined` is "
        "`sed.photometry`, which joins six tables; `flat` is the same rows written to one Parquet file.",
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
    return section


def flat(mirror: Path, rows: int) -> Path:
    """The ten magnitudes and the parallax of all sources, in one file beside the mirror."""
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
    """The times of each scan of a mirror."""
    try:
        con = sedsql.connect(mirror, engine=engine)
    except Exception as error:  # an engine that is not there is no reason to stop
        section.note(f"{engine}: not measured: {error}")
        return {}
    with con:
        con.duckdb.execute("SET threads = 2")
        sources = {"joined": "sed.photometry", "flat": f"read_parquet('{flat}')"}
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
            if answers[f"joined: {model}"] != answers[f"flat: {model}"]:
                section.differ.append(
                    f"{model} counts other classes in sed.photometry than in its copy ({rows:,} rows)"
                )
            section.differ += _problems(model, flat, rows)
    return times


def _class(model: str) -> str:
    given = "s, s.parallax, s.parallax_error" if model.startswith("luminosity") else "s"
    return f"sed_class({given}, '{model}')"


def _problems(model: str, flat: Path, rows: int) -> list[str]:
    """Whether the two engines give the same classes to some of the sources."""
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
            f"columns alone (with the joins of sed.photometry: "
            f"{rates['native', 'joined: columns alone', last] / rates['native', f'joined: {model}', last]:.1f})"
        )
    same = "no" if section.differ else "yes"
    section.note(
        f"Same numbers of each class in `joined` and `flat`, and same classes from both engines for {COMPARED:,} "
        f"sources of each size: {same}"
    )
