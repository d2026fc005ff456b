"""How long the translation of a query takes, warm: the examples of sql/examples and one with a region and a model.

python benchmarks/translate.py [--repeat 50]
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from sedsql.adql import translate
from sedsql.bands import BANDS

HERE = Path(__file__).resolve().parent
FLAGSHIP = """SELECT TOP 100 s.source_id, sed_class(s), sed_proba(s, 'yso')
FROM sed.photometry AS s
WHERE 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', 83.82, -5.39, 1.0))
  AND s.parallax > 2 AND sed_class(s) = 'yso'"""


@dataclass(frozen=True)
class Column:
    name: str
    datatype: str = "DOUBLE"
    unit: str | None = None


@dataclass(frozen=True)
class Table:
    columns: dict[str, Column]
    position: tuple[str, str] | None = ("ra", "dec")
    cell_column: str | None = "source_id"


@dataclass(frozen=True)
class Catalogue:
    tables: dict[str, Table]


@dataclass(frozen=True)
class Function:
    arity: tuple[int, ...]
    columns: tuple[str, ...]
    row: bool = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=50)
    repeat = parser.parse_args().repeat
    bands = tuple(str(getattr(band, "column", band)) for band in BANDS)
    names = ("source_id", "ra", "dec", "parallax", *bands)
    catalogue = Catalogue({"sed.photometry": Table({name: Column(name) for name in names})})
    one, two = Function((1, 2, 10, 11), bands), Function((2, 3, 11, 12), bands)
    names_of_one = ("sed_class", "sed_predict", "sed_alpha", "sed_stage", "sed_points")
    models = {"sed_proba": two, **dict.fromkeys(names_of_one, one)}
    queries = {path.stem: path.read_text() for path in sorted(HERE.parent.glob("sql/examples/*.adql"))}
    runs = [(name, query, (None, models)) for name, query in queries.items()]
    runs.append(("region and model", FLAGSHIP, (catalogue, models)))
    print(f"{'query':20} median ms")
    for name, query, rest in runs:
        translate(query, *rest)
        times = []
        for _ in range(repeat):
            start = time.perf_counter()
            translate(query, *rest)
            times.append(time.perf_counter() - start)
        print(f"{name:20} {statistics.median(times) * 1e3:9.2f}")


if __name__ == "__main__":
    main()
