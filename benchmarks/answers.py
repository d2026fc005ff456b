"""Measure the cost of fetching five million rows: as Arrow, as an astropy table, as a stream of batches."""

import re  # noqa: F401 - of PEAK_MB
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.table import Column, MaskedColumn, Table

import sedsql
from sedsql.dbapi.connection import Connection

from .measure import PEAK_MB, Section, Setting, child, figure, in_turns, machine, versions

FULL, QUICK = 1_000_000, 10_000
TIMES = 5
"""How often each source occurs."""

QUERY = (
    "SELECT g.source_id, g.ra, g.dec, g.parallax, g.pmra, g.pmdec, g.phot_g_mean_mag, g.bp_rp, g.ruwe, g.designation "
    f"FROM gaiadr3.gaia_source AS g, (SELECT TOP {TIMES} source_id FROM gaiadr3.gaia_source) AS t"
)
MOST_STREAMED_MB = 500


def run(setting: Setting) -> Section:
    section = Section("Answers of five million rows", quick=setting.quick)
    mirror = setting.sample(QUICK if setting.quick else FULL)
    with sedsql.connect(mirror) as con:
        sql = con.translate(QUERY)
        own = con.cursor()
        con.execute(QUERY).arrow()  # warm
        competitors = {
            "DuckDB's Arrow": lambda: own.duckdb.sql(sql).to_arrow_table(),
            ".arrow()": lambda: con.execute(QUERY).arrow(),
            "Arrow and a copy of each column for astropy": lambda: copied(own.duckdb.sql(sql).to_arrow_table()),
            ".table()": lambda: con.execute(QUERY).table(),
            ".batches()": lambda: sum(batch.num_rows for batch in con.execute(QUERY).batches()),
        }
        times = in_turns(competitors, 3 if setting.quick else 7, enough=0.0)
        rows = con.execute(QUERY).arrow().num_rows
        section.say(
            f"{machine()}; {versions('astropy', 'pyarrow')}.",
            f"{rows:,} rows of ten columns, one of them text, from Parquet (simulated sources, each {TIMES} times); "
            "all forms in turns, two threads.",
        )
        section.table(
            ["answer", "s", "spread", "rows a second"],
            [(name, figure(t.median), f"{t.spread:.0%}", f"{rows / t.median:,.0f}") for name, t in times.items()],
        )
        section.agree("Same rows in all forms", _differences(con, sql))
    arrow, duckdbs, table, plain = (
        times[name].median
        for name in (".arrow()", "DuckDB's Arrow", ".table()", "Arrow and a copy of each column for astropy")
    )
    section.aim(".arrow() against DuckDB's own", arrow / duckdbs, most=1.1)
    section.aim(".table() against Arrow and the copy that astropy needs", table / plain, most=2)
    peaks = {how: float(child("benchmarks.answers", mirror, how)) for how in ("nothing", "batches", "arrow")}
    section.aim(
        f"Memory of streaming them, MB more than the {figure(peaks['nothing'])} of a connection "
        f"(.arrow(): {figure(peaks['arrow'] - peaks['nothing'])})",
        peaks["batches"] - peaks["nothing"],
        most=MOST_STREAMED_MB,
    )
    return section


def copied(arrow: pa.Table) -> Table:
    """Copy an Arrow table to an astropy one in the cheapest way: numpy values in memory of its own."""
    table = Table()
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        array = column.combine_chunks()
        missing = array.null_count > 0
        values = array.to_numpy(zero_copy_only=False)
        values = values.astype(str) if values.dtype.kind == "O" else np.array(values)
        mask = array.is_null().to_numpy(zero_copy_only=False) if missing else None
        table[name] = MaskedColumn(values, mask=mask, copy=False) if missing else Column(values, copy=False)
    return table


def _differences(con: Connection, sql: str) -> list[str]:
    """List the forms whose sums differ from DuckDB's own."""
    own = con.sql(f"SELECT sum(source_id % 1000), count(parallax), count(*) FROM ({sql})").fetchone()
    arrow, table = con.execute(QUERY).arrow(), con.execute(QUERY).table()
    ids = sum(int((batch.column("source_id").to_numpy() % 1000).sum()) for batch in con.execute(QUERY).batches())
    parallax = table["parallax"]
    found = {
        "batches": ids == own[0],
        "arrow": len(arrow) - arrow["parallax"].null_count == own[1] and arrow.num_rows == own[2],
        "table": int((np.asarray(table["source_id"]) % 1000).sum()) == own[0]
        and len(parallax) - int(np.ma.getmaskarray(parallax).sum()) == own[1],
    }
    return [f"{form} differs from DuckDB's sums" for form, same in found.items() if not same]


def _peak(mirror: Path, how: str) -> None:
    """Print the peak memory, in MB, of a process that fetches the rows."""
    with sedsql.connect(mirror) as con:
        if how == "batches":
            for _ in con.execute(QUERY).batches():
                pass
        elif how == "arrow":
            con.execute(QUERY).arrow()
    print(eval(PEAK_MB))


if __name__ == "__main__":
    _peak(Path(sys.argv[1]), sys.argv[2])
