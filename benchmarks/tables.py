"""Measure `sedsql classify`: rows per second from a file to a file, for each format that it reads and writes."""

from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

import sedsql
from sedsql import files
from sedsql.inference.classify_table import ADDED, classify_table
from sedsql.inference.model import SKY_MODEL, find_model
from sedsql.photometry.bands import COLUMNS

from .measure import Section, Setting, different, figure, in_turns, machine, versions

FULL, QUICK = 2_000_000, 5_000
OTHER_ROWS = 200_000
"""For the formats that are held whole, and CSV."""

MODELS = (SKY_MODEL, "shape-2", "lite-2")
FORMATS = ("csv", "fits", "vot")
LEAST = 500_000
"""The aim in rows a second, from Parquet to Parquet."""

_BATCH = 250_000
"""Rows of the file that is written once from the sample sky, and repeated."""


def run(setting: Setting) -> Section:
    section = Section("Tables in files", quick=setting.quick)
    rows = QUICK if setting.quick else FULL
    section.say(
        f"{machine()}; {versions('pyarrow', 'astropy')}.",
        "`sedsql classify` from a file to a file of the same format: ten magnitudes, parallax and position of the "
        "sample sky (simulated). The other formats have fewer rows.",
    )
    source = _source(setting, rows)
    some = min(rows, OTHER_ROWS)
    lines, rates = [], {}
    work = {("parquet", model): partial(_classify, source, model) for model in MODELS}
    for kind in FORMATS:
        work[kind, SKY_MODEL] = partial(_classify, _written(source, kind, some), SKY_MODEL)
    for (kind, model), times in in_turns(work).items():
        n = rows if kind == "parquet" else some
        rates[kind, model] = rate = n / times.median
        lines.append((kind, model, f"{n:,}", figure(times.median), f"{times.spread:.0%}", f"{rate:,.0f}"))
        section.figures.append(
            {"format": kind, "model": model, "rows": n, "seconds": list(times.seconds), "rate": rate}
        )
    section.table(["format", "model", "rows", "s", "spread", "rows a second"], lines, text_columns=2)
    section.aim(f"{SKY_MODEL}, rows a second from Parquet to Parquet", rates["parquet", SKY_MODEL], least=LEAST)
    section.agree("The classes of each format are those of SQL", _problems(source, some))
    return section


def _source(setting: Setting, rows: int) -> Path:
    """Write the sources of the sample sky as a Parquet file, as often as it takes for `rows`."""
    path = setting.folder / f"table-{rows}.parquet"
    if not path.exists():
        columns = ", ".join(("source_id", "ra", "dec", "parallax", "parallax_error", *COLUMNS))
        with sedsql.connect(setting.sample(min(rows, _BATCH))) as con:
            con.duckdb.execute(
                f"COPY (SELECT {columns} FROM sed.photometry, range({-(-rows // _BATCH)}) LIMIT {rows}) "
                f"TO '{path}' (FORMAT parquet)"
            )
    return path


def _written(source: Path, kind: str, rows: int) -> Path:
    path = source.with_name(f"table-{rows}.{kind}")
    files.write_table(path, files.from_arrow(pq.read_table(source).slice(0, rows)))
    return path


def _classify(source: Path, model: str) -> None:
    classify_table(source, _target(source, model), find_model(model), force=True)


def _target(source: Path, model: str) -> Path:
    return source.with_name(f"{source.stem}-{model}{source.suffix}")


def _problems(source: Path, rows: int) -> list[str]:
    row = ", ".join(f"s.{name}" for name in ("parallax", "parallax_error", "ra", "dec"))
    answer = f"sed_node(s, {row}, 0.5, '{SKY_MODEL}')"
    with sedsql.connect() as con:
        found = con.duckdb.execute(f"SELECT {answer} FROM (FROM '{source}' LIMIT {rows}) AS s").fetchall()
    expected = [label for (label,) in found]
    problems = []
    for path in (source, *(source.with_name(f"table-{rows}.{kind}") for kind in FORMATS)):
        labels = files.read_table(_target(path, SKY_MODEL))[ADDED[0]][:rows].tolist()
        problems += different(path.suffix, [label or None for label in labels], "SQL", expected)
    return problems
