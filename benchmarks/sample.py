"""Measure the cost of writing the simulated sky: rows per second and memory, at several sizes.

Each size is written by a process of its own, and the rows of gaia_source are counted afterwards. Memory is bounded
if the largest size has about the same peak as the others.
"""

import shutil
import subprocess
import sys
import time

import duckdb

from .measure import PEAK_MB, Section, Setting, figure, machine, versions

FULL, QUICK = (1_000_000, 10_000_000), (20_000, 40_000)

CHILD = f"""
import re, sys
from sedsql.mirror.sample import write_sample
write_sample(sys.argv[1], int(sys.argv[2]), rich=True, force=True)
print({PEAK_MB})
"""


def run(setting: Setting) -> Section:
    section = Section("Writing the simulated sky", quick=setting.quick)
    section.say(f"{machine()}; {versions('pyarrow')}.")
    setting.folder.mkdir(parents=True, exist_ok=True)
    target = setting.folder / "written"
    lines, wrong = [], []
    for rows in QUICK if setting.quick else FULL:
        start = time.perf_counter()
        child = [sys.executable, "-c", CHILD, str(target), str(rows)]
        peak = float(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        took = time.perf_counter() - start
        files = list(target.rglob("*.parquet"))
        query = f"SELECT count(*) FROM '{target}/gaiadr3/gaia_source/**/*.parquet'"
        counted = duckdb.sql(query).fetchall()[0][0]
        size = sum(file.stat().st_size for file in files) / 1e6
        shutil.rmtree(target)
        if counted != rows:
            wrong.append(f"{counted:,} rows were written instead of {rows:,}")
        lines.append([f"{rows:,}", figure(took), f"{rows / took:,.0f}", f"{peak:.0f}", f"{size:,.0f}"])
        section.figures.append({"rows": rows, "seconds": took, "peak_mb": peak, "mb": size})
    section.table(["sources", "s", "sources a second", "peak, MB", "on disk, MB"], lines, text_columns=0)
    section.agree("All rows were written", wrong)
    return section
