"""What it costs to write the simulated sky: rows a second and memory, at several sizes.

Each size is written by a process of its own, and the rows of gaia_source are counted afterwards. Memory is bounded
when the largest size has about the peak of the others.

    python benchmarks/sample.py --folder DIR [--rows 1000000 10000000 100000000]

100 million rows take 26 GB in DIR and a quarter of an hour; they are removed again.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb

CHILD = """
import re, sys
from sedsql.mirror.sample import write_sample
write_sample(sys.argv[1], int(sys.argv[2]), force=True)
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("demo/bench"))
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    target = args.folder / "written"
    print("## Writing the simulated sky\n")
    print(f"DuckDB {duckdb.__version__}, {os.cpu_count()} processors, {platform.machine()}.\n")
    print("| sources | s | sources a second | peak, MB | on disk, MB |\n| ---: | ---: | ---: | ---: | ---: |")
    for rows in args.rows:
        start = time.perf_counter()
        child = [sys.executable, "-c", CHILD, target, str(rows)]
        peak = int(subprocess.run(child, check=True, capture_output=True, text=True).stdout) / 1024
        took = time.perf_counter() - start
        files = list(target.rglob("*.parquet"))
        counted = duckdb.sql(f"SELECT count(*) FROM '{target}/gaiadr3/gaia_source/**/*.parquet'").fetchall()[0][0]
        size = sum(file.stat().st_size for file in files) / 1e6
        shutil.rmtree(target)
        if counted != rows:
            sys.exit(f"{counted:,} rows were written instead of {rows:,}")
        print(f"| {rows:,} | {took:.0f} | {rows / took:,.0f} | {peak:.0f} | {size:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
