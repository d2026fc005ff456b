"""Write the sample sky: a simulated mirror with the archive's tables and columns.

It comes from simple physics (`sedsql.simulate`), a plain Galaxy and a dozen star-forming regions at their
real places. Classes, magnitudes, places and matches are as frequent as in Gaia DR3 (`sedsql.simulate.census`), or, in
a rich sky, there are many of the rare kinds. It is neither Gaia's catalogue nor fitted to it, and every file says so.
The table `sample.truth` has what was simulated.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sedsql.catalogue import SOURCE_ID_SHIFT, Column, Table, table_of
from sedsql.mirror import Progress, archive, silent
from sedsql.mirror.columns import as_stored
from sedsql.mirror.layout import partition_order
from sedsql.mirror.mirror import Mirror
from sedsql.mirror.sample import surveys
from sedsql.mirror.sample.sky import REGIONS, Positions, positions
from sedsql.mirror.stored.refresh import refresh
from sedsql.mirror.table_state import TableState
from sedsql.mirror.writer import TableWriter
from sedsql.simulate import POPULATIONS, Sample, simulate
from sedsql.simulate.census import along

Ints = NDArray[np.int64]

CHUNK = 40_000
SIMULATED_BY = "simulated by sedsql"
NATURAL_NOTE = "Simulated, not data, in the proportions of Gaia DR3. "
RICH_NOTE = "Simulated, not data, with many of the rare kinds. "


README = """This is a SIMULATED sky, {rows} sources, made by sedsql with seed {seed}.

{proportions}

It is not data: no row is a real source, and no magnitude was ever measured. It has the table and
column names of the Gaia Archive, so that queries can be tried before there is a real mirror.
The table sample.truth holds what was simulated: class, temperature, distance, extinction.

    mirror.duckdb     open it here with the DuckDB shell, or anywhere with sedsql.connect
    */*/*.parquet     the tables
"""

_PROPORTIONS = {
    False: """Its classes, magnitudes, places and matches with 2MASS and AllWISE are as frequent as in Gaia
DR3, so that rare kinds are rare; `sedsql mirror sample --rich` makes a sky with many of them. Of the
young stars four in five stand in fourteen well-known regions, which have fewer in truth.""",
    True: """It is a rich sky: it has many of the rare kinds, up to a thousand times as many as the true one,
and too many bright sources and matches with 2MASS and AllWISE. `sedsql mirror sample` without
--rich makes one in the proportions of Gaia DR3.""",
}

_TRUTH = table_of(
    "sample.truth",
    "What the sources are and how they were made",
    [
        Column("source_id", "BIGINT", None, "meta.id", "Identifier, as in gaiadr3.gaia_source"),
        Column("class", "VARCHAR", None, "src.class", "Population that the source was drawn from"),
        Column("region", "VARCHAR", None, "meta.id.assoc", "Star-forming region that it stands in, if any"),
        Column("teff", "REAL", "K", "phys.temperature.effective", "Effective temperature"),
        Column("radius", "REAL", "solRad", "phys.size.radius", "Radius"),
        Column("distance_pc", "DOUBLE", "pc", "pos.distance", "Distance"),
        Column("a_v", "REAL", "mag", "phys.absorption;em.opt.V", "Extinction in V, own cloud included"),
    ],
)


TABLES: dict[str, Table] = {table.name: table for table in (*archive.TABLES.values(), _TRUTH)}


def write_sample(
    path: str | os.PathLike,
    rows: int,
    seed: int = 0,
    *,
    rich: bool = False,
    force: bool = False,
    stores: bool = True,
    progress: Callable[[int], None] | None = None,
    storing: Progress = silent,
) -> None:
    """Write a simulated mirror of `rows` Gaia sources to a new folder `path`.

    The same `rows`, `seed` and `rich` give the same tables, byte by byte. Classes, magnitudes, places and matches are
    as frequent as in Gaia DR3 (`simulate.census`); with `rich`, classes keep the order of their numbers on the sky,
    but rare ones are raised so that 100,000 rows have some of each (`sky.RICH`). Memory does not grow with `rows`.
    `progress` is called with the number of rows done, `storing` while `sed.photometry` is stored, which `stores` tells.

    Raises FileExistsError where `path` exists, unless `force` and it is a mirror.
    """
    if rows < 1:
        raise ValueError(f"a sample needs at least one row, not {rows}")
    with Mirror.new(path, force=force) as mirror:
        note = RICH_NOTE if rich else NATURAL_NOTE
        about = {"source": SIMULATED_BY, "rows": str(rows), "seed": str(seed), "proportions": "rich" if rich else "sky"}
        for name, table in TABLES.items():
            described = replace(table, description=f"{note}{table.description}")
            mirror.tables[name] = TableState(as_stored(described), _order(table, rows))
        with ExitStack() as stack:
            writers = {
                name: stack.enter_context(
                    TableWriter(mirror.folder, one.table, one.order, "sample", about, in_order=_is_in_order(one.table))
                )
                for name, one in mirror.tables.items()
            }
            done = 0
            for part in _parts(rows, seed, rich):
                for name, table in part.items():
                    writers[name].write(table)
                done += part["gaiadr3.gaia_source"].num_rows
                if progress:
                    progress(done)
            for name, writer in writers.items():
                mirror.tables[name].files = {file.path: file for file in writer.close()}
        mirror.save(note=note)
        if stores:
            refresh(mirror, storing, note=note)
        (mirror.folder / "README.txt").write_text(
            README.format(rows=f"{rows:,}", seed=seed, proportions=_PROPORTIONS[rich]), encoding="utf-8"
        )


def _is_in_order(table: Table) -> bool:
    """Sources are made in the order of source_id; where 2MASS and AllWISE saw them may be in the next cell."""
    return table.sort_column == "source_id"


def _order(table: Table, rows: int) -> int | None:
    return partition_order(rows) if as_stored(table).sort_column else None


def _parts(rows: int, seed: int, rich: bool) -> Iterator[dict[str, pa.Table]]:
    """All tables, part by part, each from a generator of its own."""
    done = dict.fromkeys(TABLES, 0)
    for number, at in enumerate(positions(rows, seed, CHUNK, rich=rich)):
        rng = np.random.default_rng([seed, 2, number])
        part = _part(at, _sources(at, rich, rng), rows, seed, done, rng)
        for name, table in part.items():
            done[name] += table.num_rows
        yield part


def _part(
    at: Positions, made: Sample, rows: int, seed: int, done: dict[str, int], rng: np.random.Generator
) -> dict[str, pa.Table]:
    source_id = (at.cell << SOURCE_ID_SHIFT) | (_running_number(at.cell) << 7)
    index = np.arange(len(at)) + done["gaiadr3.gaia_source"]
    names = np.array(list(POPULATIONS), dtype=object)
    regions = np.array([region.name for region in REGIONS] + [None], dtype=object)
    tables = {
        "gaiadr3.gaia_source": surveys.gaia(at, source_id, permute(index, rows, seed), made, rng),
        "sample.truth": {
            "source_id": source_id,
            "class": names[at.population],
            "region": regions[at.region],
            "teff": made.teff,
            "radius": made.radius,
            "distance_pc": made.distance_pc,
            "a_v": made.a_v,
        },
        **surveys.tmass(at, source_id, made, done["gaiadr1.tmass_original_valid"], rng),
        **surveys.allwise(at, source_id, made, done["gaiadr1.allwise_original_valid"], rng),
    }
    return {
        name: pa.table({c: pa.array(columns[c], from_pandas=True) for c in TABLES[name].columns})
        for name, columns in tables.items()
    }


def _sources(at: Positions, rich: bool, rng: np.random.Generator) -> Sample:
    """The simulated sources at these positions."""
    made = Sample(*np.full((6, len(at)), np.nan), *np.full((3, len(at), 10), np.nan))
    near, depth = np.array([(region.distance_pc, region.depth_pc) for region in REGIONS])[at.region].T
    distance = np.where(at.region >= 0, near + depth * rng.standard_normal(len(at)), np.nan)
    for index, name in enumerate(POPULATIONS):
        mine = np.flatnonzero(at.population == index)
        glon, glat, given = at.glon[mine], at.glat[mine], distance[mine]
        if rich:
            some = simulate(name, len(mine), rng, glon=glon, glat=glat, distance_pc=given)
        else:
            some = along(name, glon, glat, given, rng)
        for field in fields(Sample):
            getattr(made, field.name)[mine] = getattr(some, field.name)
    return made


def _running_number(cell: Ints) -> Ints:
    """1, 2, 3 ... within each run of equal cells."""
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    return np.arange(len(cell)) - np.repeat(first, np.diff(first, append=len(cell))) + 1


def permute(index: Ints, n: int, seed: int) -> Ints:
    """Where a pseudo-random permutation of 0 .. n-1 takes each index.

    A Feistel network over the next power of four, walked until it is back below n (Black & Rogaway 2002,
    CT-RSA, "Ciphers with arbitrary finite domains"): a permutation that needs no table.
    """
    half = max(1, (int(n - 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    keys = np.random.default_rng([seed, 3]).integers(0, 1 << 32, 4, dtype=np.uint64)

    def shuffle(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = values >> np.uint64(half), values & mask
        for key in keys:
            mixed = (right + key) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
            left, right = right, left ^ (mixed * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32) & mask)
        return (left << np.uint64(half)) | right

    out = shuffle(np.asarray(index).astype(np.uint64))
    while (beyond := np.flatnonzero(out >= n)).size:
        out[beyond] = shuffle(out[beyond])
    return out.astype(np.int64)
