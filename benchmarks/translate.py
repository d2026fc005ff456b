"""How long the translation of a query takes, warm: the examples of sql/examples, names resolved against a catalogue.

python benchmarks/translate.py [--repeats 50]
"""

import argparse
import statistics
import time

from sedsql.adql import translate
from sedsql.bands import COLUMNS
from sedsql.catalogue import Catalogue, Column, table_of
from sedsql.inference.calls import FUNCTIONS
from sedsql.mirror.archive import TABLES
from sedsql.resources import folder

AIM_MS = 5


def catalogue() -> Catalogue:
    """The archive's tables and sed.photometry, as a mirror has them."""
    names = ("source_id", "ra", "dec", "parallax", "parallax_error", *COLUMNS)
    photometry = table_of("sed.photometry", None, [Column(name, "DOUBLE") for name in names])
    return Catalogue({**TABLES, "sed.photometry": photometry})


def median_ms(query: str, known: Catalogue, repeats: int) -> float:
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        translate(query, known, FUNCTIONS)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:]) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=50)
    repeats = parser.parse_args().repeats
    known = catalogue()
    print(f"## Translation\n\n`python benchmarks/translate.py`: warm, median of {repeats} (aim: under {AIM_MS} ms).\n")
    print("| query | ms |\n| --- | ---: |")
    for path in sorted((folder("sql") / "examples").glob("*.adql")):
        print(f"| {path.stem} | {median_ms(path.read_text(encoding='utf-8'), known, repeats):.1f} |")


if __name__ == "__main__":
    main()
