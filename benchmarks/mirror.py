"""Measure the cost of importing the Gaia Archive's bulk files into a mirror.

Simulated rows with the 152 columns of gaia_source are written like the bulk files (gzipped ECSV, `null` for missing
values). The import is compared with DuckDB's own COPY of the same files from read_csv to one Parquet file, in turns,
each in a process of its own; the tables are compared, and the memory is the process's peak. The archive's files are in
the order of source_id; the same rows in random order have to be sorted first, which COPY does not do.
"""

import json
import re  # noqa: F401 - of PEAK_MB
import shutil
import statistics
import sys
import time
from pathlib import Path

import duckdb

from sedsql.mirror.database import open_mirror
from sedsql.mirror.ingest import bulk, import_files
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import write_sample
from sedsql.plan.bulk_files import COLUMNS, widened, write_bulk

from .measure import PEAK_MB, Section, Setting, Times, child, figure, machine, versions

FULL, QUICK = (2, 250_000, 3), (1, 4_000, 1)
"""Number of files, rows of each, repeats."""

TABLE = "gaiadr3.gaia_source"


def write_files(folder: Path, count: int, rows: int) -> tuple[list[Path], list[Path]]:
    """Write files in the order of source_id, and files with the same rows in random order."""
    ordered = [folder / f"GaiaSource_{number}.csv.gz" for number in range(count)]
    mixed = [folder / f"Mixed_{number}.csv.gz" for number in range(count)]
    if all(path.exists() for path in (*ordered, *mixed)):
        return ordered, mixed
    folder.mkdir(parents=True, exist_ok=True)
    write_sample(folder / "sample", count * rows, rich=True, force=True)
    with open_mirror(folder / "sample") as con:
        for kind, paths in (("source_id", ordered), ("random_index", mixed)):
            for number, path in enumerate(paths):
                query = f"SELECT * FROM {TABLE} ORDER BY {kind} LIMIT {rows} OFFSET {number * rows}"
                write_bulk(path, widened(con.sql(query).to_arrow_table(), COLUMNS, number))
    shutil.rmtree(folder / "sample")
    return ordered, mixed


def copy_files(files: list[Path], target: Path) -> None:
    """Copy the files by DuckDB's own COPY."""
    head = bulk.head_of(files[0])
    types = {column.name: column.datatype for column in head.columns or []}
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT * FROM read_csv({[str(file) for file in files]!r}, auto_detect = false, header = false, "
            f"skip = {head.lines}, delim = ',', quote = '\"', escape = '\"', nullstr = ['null', ''], "
            f"columns = {types!r})) "
            f"TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)"
        )


def work(way: str, target: Path, files: list[Path]) -> None:
    """Run one competitor in a process of its own, without counting its imports."""
    start = time.perf_counter()
    if way == "copy":
        copy_files(files, target)
    else:
        import_files(target, files, TABLE)
    print(json.dumps([time.perf_counter() - start, eval(PEAK_MB)]))


def same_rows(mirror: Path, copy: Path) -> bool:
    with open_mirror(mirror) as con:
        sums = "count(*), sum(hash(COLUMNS(*))::HUGEINT)"
        files = [str(mirror / file) for file in Mirror.read(mirror).tables[TABLE].files]
        one, other = (
            con.execute(f"SELECT {sums} FROM read_parquet({source!r}, hive_partitioning = false)").fetchone()
            for source in (files, [str(copy)])
        )
    return one == other


def run(setting: Setting) -> Section:
    count, rows, repeats = QUICK if setting.quick else FULL
    folder = (setting.folder / f"bulk-{count}-{rows}").absolute()
    section = Section("Importing bulk files", quick=setting.quick)
    section.say(f"{machine()}; {versions('pyarrow')}.")
    lines, wrong = [], []
    for words, files in zip(("in order", "in no order"), write_files(folder, count, rows), strict=True):
        found: dict[str, list[list[float]]] = {"copy": [], "take": []}
        for _ in range(repeats):
            shutil.rmtree(folder / "mirror", ignore_errors=True)
            for way, target in (("copy", folder / "copy.parquet"), ("take", folder / "mirror")):
                found[way].append(json.loads(child("benchmarks.mirror", way, target, *files)))
        if not same_rows(folder / "mirror", folder / "copy.parquet"):
            wrong.append(f"the table imported from files {words} is not the copied one")
        size = sum(file.stat().st_size for file in files) / 1e6
        shown = []
        for way in ("take", "copy"):
            times, peaks = zip(*found[way], strict=True)
            one = Times(times)
            shown += [figure(one.median), f"{one.spread:.0%}", f"{max(peaks):.0f}"]
            section.figures.append({"files": words, "way": way, "seconds": list(times), "peak_mb": max(peaks)})
        ratio = statistics.median(a / b for (a, _), (b, _) in zip(found["take"], found["copy"], strict=True))
        lines.append([words, f"{count * rows:,}", f"{size:.0f}", *shown, f"{ratio:.2f}"])
    names = ["files", "rows", "MB", "import, s", "spread", "peak, MB", "COPY, s", "spread", "peak, MB", "import : COPY"]
    section.table(names, lines)
    section.agree("The tables are the same", wrong)
    return section


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
