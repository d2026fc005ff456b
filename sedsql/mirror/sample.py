"""The sample sky: a simulated mirror with the archive's tables and columns.

It is simulated from simple physics (`sedsql.simulate`) on a plain Galaxy and a dozen real star-forming regions. It is
not Gaia's catalogue, nor fitted to it, and every file says so. What was put in stands in `sample.truth`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..simulate import POPULATIONS, simulate
from ..simulate.survey import ALLWISE, TMASS, limiting_magnitude
from . import archive
from .catalogue import Column, Table, table_of
from .sky import REGIONS, Positions, positions
from .store import TableWriter, new_mirror, write_database

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 40_000
SIMULATED_BY = "simulated by sedsql"

FLUX_ZERO_POINTS = (25.6873668671, 25.3385422158, 24.7478955012)
"""Vega zero points of G, BP and RP for fluxes in electrons per second (Riello et al. 2021, Table 3)."""
_CLEAN_OID_OFFSET = 500_000_000
_KM_S_PER_MAS_YR_KPC = 4.740470463

README = """This is a SIMULATED sky, {rows} sources, made by sedsql with seed {seed}.

It is not data: no row is a real source, and no magnitude was ever measured. It has the table and
column names of the Gaia Archive, so that queries can be tried before there is a real mirror.
The table sample.truth holds what was simulated: class, temperature, distance, extinction.

    mirror.duckdb     open it here with the DuckDB shell, or anywhere with sedsql.connect
    */*/*.parquet     the tables
"""

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
        Column("a_v", "REAL", "mag", "phys.absorption;em.opt.V", "Extinction in V, with the source's own cloud"),
    ],
)


def _simulated(table: Table) -> Table:
    return replace(table, description=f"Simulated, not data. {table.description}")


TABLES: dict[str, Table] = {
    table.name: _simulated(table) for table in (*archive.TABLES.values(), _TRUTH)
}


def write_sample(
    path: str | os.PathLike,
    rows: int,
    seed: int = 0,
    *,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write a simulated mirror of `rows` Gaia sources to a new folder `path`.

    The same `rows` and `seed` give the same tables, byte by byte. Classes keep the order of their numbers
    on the sky, but rare ones are raised so that 100,000 rows have some of each (`sky.FRACTIONS`). Memory
    does not grow with `rows`. `progress` is called with the number of rows done.

    Raises FileExistsError where `path` exists, unless `force` and it is a mirror.
    """
    if rows < 1:
        raise ValueError(f"a sample needs at least one row, not {rows}")
    with new_mirror(path, force=force) as mirror:
        about = {"source": SIMULATED_BY, "rows": str(rows), "seed": str(seed)}
        with ExitStack() as stack:
            writers = {
                name: stack.enter_context(TableWriter(mirror, table, about)) for name, table in TABLES.items()
            }
            done = 0
            for part in _parts(rows, seed):
                for name, columns in part.items():
                    writers[name].write(pa.table(columns))
                done += len(part["gaiadr3.gaia_source"]["source_id"])
                if progress:
                    progress(done)
        write_database(mirror, TABLES.values())
        (mirror / "README.txt").write_text(README.format(rows=f"{rows:,}", seed=seed), encoding="utf-8")


@dataclass
class _Counters:
    """How many rows earlier parts wrote."""

    gaia: int = 0
    tmass: int = 0
    allwise: int = 0


def _parts(rows: int, seed: int) -> Iterator[dict[str, dict]]:
    """The columns of all tables, part by part."""
    before = _Counters()
    for number, at in zip(count(), positions(rows, seed, CHUNK)):
        rng = np.random.default_rng([seed, 2, number])
        yield _part(at, rows, seed, before, rng)


def _part(at: Positions, rows: int, seed: int, before: _Counters, rng: np.random.Generator) -> dict[str, dict]:
    n = len(at)
    teff, radius, distance, a_v = np.full((4, n), np.nan)
    magnitudes, errors, true = np.full((3, n, 10), np.nan)
    near = np.array([region.distance_pc for region in REGIONS])[at.region]
    depth = np.array([region.depth_pc for region in REGIONS])[at.region]
    known = np.where(at.region >= 0, near + depth * rng.standard_normal(n), np.nan)
    for index, name in enumerate(POPULATIONS):
        mine = np.flatnonzero(at.population == index)
        made = simulate(name, len(mine), rng, l=at.l[mine], b=at.b[mine], distance_pc=known[mine])
        teff[mine], radius[mine], distance[mine], a_v[mine] = made.teff, made.radius, made.distance_pc, made.a_v
        magnitudes[mine], errors[mine], true[mine] = made.magnitudes, made.errors, made.true_magnitudes
    # Every row is a Gaia source: the few that nothing bright enough was found for are kept at the limit.
    lost = np.isnan(magnitudes[:, 0])
    magnitudes[lost, 0], errors[lost, 0] = 20.99, 0.02

    source_id = (at.cell << 35) | (_running_number(at.cell) << 7)
    names = np.array(list(POPULATIONS), dtype=object)
    regions = np.array([region.name for region in REGIONS] + [None], dtype=object)
    index = np.arange(before.gaia, before.gaia + n)
    before.gaia += n
    tables = {
        "gaiadr3.gaia_source": {
            **_identity(source_id, permute(index, rows, seed)),
            **_astrometry(at, magnitudes[:, 0], distance, rng),
            **_gaia_photometry(magnitudes, errors),
            "radial_velocity": _nullable(_radial_velocity(magnitudes[:, 0], teff, rng)),
            "l": at.l,
            "b": at.b,
        },
        "sample.truth": {
            "source_id": source_id,
            "class": pa.array(names[at.population]),
            "region": pa.array(regions[at.region]),
            "teff": _nullable(teff),
            "radius": _nullable(radius),
            "distance_pc": _nullable(distance),
            "a_v": a_v,
        },
    }
    tables.update(_tmass(at, source_id, magnitudes[:, TMASS], errors[:, TMASS], before, rng))
    tables.update(_allwise(at, source_id, magnitudes[:, ALLWISE], errors[:, ALLWISE], before, rng))
    return {
        name: {column: tables[name][column] for column in TABLES[name].columns} for name in tables
    }


def _nullable(values: Array) -> pa.Array:
    return pa.array(values, from_pandas=True)


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


def _identity(source_id: Ints, random_index: Ints) -> dict:
    n = len(source_id)
    return {
        "solution_id": np.zeros(n, dtype=np.int64),
        "designation": pc.binary_join_element_wise("Simulated", pc.cast(pa.array(source_id), pa.string()), " "),
        "source_id": source_id,
        "random_index": random_index,
        "ref_epoch": np.full(n, 2016.0),
    }


def _astrometry(at: Positions, g: Array, distance: Array, rng: np.random.Generator) -> dict:
    """Parallax, proper motion and their errors, which follow Gaia's performance with G.

    Lindegren et al. 2021, A&A 649, A2, Section 5.4, in the form of the mission's prediction:
    sqrt(40 + 800 z + 30 z^2) microarcseconds with z = 10^(0.4 (G - 15)).
    """
    n = len(at)
    z = 10 ** (0.4 * (np.maximum(g, 13.0) - 15))
    sigma = np.sqrt(40 + 800 * z + 30 * z * z) / 1000 * np.exp(rng.normal(0, 0.15, n))
    distance = np.where(np.isnan(distance), np.inf, distance)
    inside = at.region >= 0
    speed = np.where(inside, 1.5, 35.0) / (_KM_S_PER_MAS_YR_KPC * distance / 1000)
    drift = np.array([[region.pmra, region.pmdec] for region in REGIONS])[at.region].T * inside
    ruwe = np.exp(rng.normal(0.01, 0.04, n)) + np.where(rng.random(n) < 0.06, rng.exponential(1.5, n), 0)
    # Some of the faintest have a position only.
    two = (g > 20.0) & (rng.random(n) < 0.4)

    def measured(values: Array) -> pa.Array:
        return pa.array(values, mask=two)

    parallax = 1000 / distance + sigma * rng.standard_normal(n)
    pmra = drift[0] + speed * rng.standard_normal(n) + 1.03 * sigma * rng.standard_normal(n)
    pmdec = drift[1] + speed * rng.standard_normal(n) + 0.93 * sigma * rng.standard_normal(n)
    return {
        "ra": at.ra,
        "ra_error": 0.80 * sigma,
        "dec": at.dec,
        "dec_error": 0.70 * sigma,
        "parallax": measured(parallax),
        "parallax_error": measured(sigma),
        "parallax_over_error": measured(parallax / sigma),
        "pm": measured(np.hypot(pmra, pmdec)),
        "pmra": measured(pmra),
        "pmra_error": measured(1.03 * sigma),
        "pmdec": measured(pmdec),
        "pmdec_error": measured(0.93 * sigma),
        "ruwe": measured(ruwe),
    }


def _radial_velocity(g: Array, teff: Array, rng: np.random.Generator) -> Array:
    """In km/s where Gaia measures it: bright stars that are neither very cool nor hot; NaN elsewhere."""
    measured = (g < 14) & (teff > 3100) & (teff < 14500)
    return np.where(measured, rng.normal(0, 35, len(g)), np.nan)


def _gaia_photometry(magnitudes: Array, errors: Array) -> dict:
    columns = {}
    fluxes = []
    for k, band in enumerate(("g", "bp", "rp")):
        mag = magnitudes[:, k].astype(np.float32)
        flux = 10 ** (0.4 * (FLUX_ZERO_POINTS[k] - magnitudes[:, k]))
        snr = 2.5 / np.log(10) / errors[:, k]
        fluxes.append(flux)
        columns[f"phot_{band}_mean_flux"] = _nullable(flux)
        columns[f"phot_{band}_mean_flux_error"] = _nullable(flux / snr)
        columns[f"phot_{band}_mean_flux_over_error"] = _nullable(snr)
        columns[f"phot_{band}_mean_mag"] = _nullable(mag)
    g, bp, rp = (magnitudes[:, k].astype(np.float32) for k in range(3))
    return columns | {
        "phot_bp_rp_excess_factor": _nullable((fluxes[1] + fluxes[2]) / fluxes[0]),
        "bp_rp": _nullable(bp - rp),
        "bp_g": _nullable(bp - g),
        "g_rp": _nullable(g - rp),
    }


def _offset(at: Positions, rows: Ints, arcsec: float, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """ra, dec as another survey measures them, and the distance to Gaia's in arcsec."""
    east, north = arcsec * rng.standard_normal((2, len(rows)))
    ra = (at.ra[rows] + east / 3600 / np.cos(np.radians(at.dec[rows]))) % 360
    return ra, np.clip(at.dec[rows] + north / 3600, -90, 90), np.hypot(east, north)


def _text(*parts: str | tuple[Ints, int] | NDArray[np.uint8]) -> pa.Array:
    """Strings of one length: constants, (number, digits) and (n, k) arrays of characters side by side."""
    n = next(len(part[0]) if isinstance(part, tuple) else len(part) for part in parts if not isinstance(part, str))
    columns = []
    for part in parts:
        if isinstance(part, str):
            columns.append(np.broadcast_to(np.frombuffer(part.encode(), np.uint8), (n, len(part))))
        elif isinstance(part, tuple):
            number, digits = part
            columns.append((number[:, None] // 10 ** np.arange(digits - 1, -1, -1) % 10 + 48).astype(np.uint8))
        else:
            columns.append(part)
    letters = np.ascontiguousarray(np.hstack(columns))
    width = letters.shape[1]
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(letters))


def _sexagesimal(ra: Array, dec: Array, ra_decimals: int, dec_decimals: int) -> tuple[list[Ints], list[Ints], NDArray]:
    """Hours, minutes, seconds, fraction; degrees, minutes, seconds, fraction; sign; cut, not rounded."""
    parts = []
    for value, decimals in ((ra / 15, ra_decimals), (np.abs(dec), dec_decimals)):
        scale = 10**decimals
        fine = np.floor(value * 3600 * scale).astype(np.int64)
        whole = fine // scale
        parts.append([whole // 3600, whole // 60 % 60, whole % 60, fine % scale])
    sign = np.where(dec < 0, ord("-"), ord("+")).astype(np.uint8)[:, None]
    return parts[0], parts[1], sign


def _with_limits(magnitudes: Array, errors: Array, limits: Array, rng: np.random.Generator) -> tuple[Array, NDArray]:
    """Magnitudes with upper limits where there is no detection, and the mask of those."""
    missing = np.isnan(magnitudes)
    return np.where(missing, limits + 0.2 * rng.standard_normal(magnitudes.shape), magnitudes), missing


def _quality(errors: Array, steps: tuple[tuple[float, str], ...], missing: NDArray) -> NDArray[np.uint8]:
    """One letter a band by signal-to-noise ratio; U for an upper limit."""
    snr = 2.5 / np.log(10) / errors
    letters = np.full(errors.shape, ord(steps[-1][1]), dtype=np.uint8)
    for least, letter in reversed(steps):
        letters[snr > least] = ord(letter)
    letters[missing] = ord("U")
    return letters


def _neighbours(source_id: Ints, name: pa.Array, distance: Array, oid_name: str, oid: Ints) -> dict:
    n = len(source_id)
    return {
        "source_id": source_id,
        "original_ext_source_id": name,
        "angular_distance": distance,
        "xm_flag": np.full(n, 8, dtype=np.int16),
        oid_name: oid,
        "number_of_neighbours": np.ones(n, dtype=np.int16),
        "number_of_mates": np.zeros(n, dtype=np.int16),
    }


def _tmass(at: Positions, source_id: Ints, mags: Array, errors: Array, before: _Counters, rng) -> dict[str, dict]:
    rows = np.flatnonzero(np.isfinite(mags).any(axis=1))
    ra, dec, distance = _offset(at, rows, 0.08, rng)
    hours, degrees, sign = _sexagesimal(ra, dec, 2, 1)
    # Two sources that would share a designation are one to 2MASS: only the first is matched.
    key = np.rint(np.floor(ra * 24000) * 2**33 + np.floor((dec + 90) * 36000)).astype(np.int64)
    first = np.sort(np.unique(key, return_index=True)[1])
    rows, ra, dec, distance, sign = rows[first], ra[first], dec[first], distance[first], sign[first]
    (hh, mm, ss, cs), (d, m, s, ds) = ([part[first] for part in parts] for parts in (hours, degrees))
    name = _text((hh, 2), (mm, 2), (ss, 2), (cs, 2), sign, (d, 2), (m, 2), (s, 2), (ds, 1))
    oid = np.arange(before.tmass, before.tmass + len(rows)) + 1
    before.tmass += len(rows)
    mags, missing = _with_limits(mags[rows], errors[rows], limiting_magnitude(5.0)[TMASS], rng)
    quality = _quality(errors[rows], ((10, "A"), (7, "B"), (5, "C"), (0, "D")), missing)
    tmass = {"designation": name, "tmass_oid": oid, "ra": ra, "dec": dec, "ph_qual": _text(quality)}
    for k, band in enumerate(("j", "h", "ks")):
        tmass[f"{band}_m"] = mags[:, k]
        tmass[f"{band}_msigcom"] = _nullable(errors[rows, k])
    clean = oid + _CLEAN_OID_OFFSET
    return {
        "gaiadr3.tmass_psc_xsc_best_neighbour": _neighbours(
            source_id[rows], name, distance, "clean_tmass_psc_xsc_oid", clean
        ),
        "gaiadr3.tmass_psc_xsc_join": {
            "original_psc_source_id": name,
            "original_xsc_source_id": pa.nulls(len(rows), pa.string()),
            "clean_tmass_psc_xsc_oid": clean,
        },
        "gaiadr1.tmass_original_valid": tmass,
    }


def _allwise(at: Positions, source_id: Ints, mags: Array, errors: Array, before: _Counters, rng) -> dict[str, dict]:
    rows = np.flatnonzero(np.isfinite(mags).any(axis=1))
    n = len(rows)
    ra, dec, distance = _offset(at, rows, 0.12, rng)
    (hh, mm, ss, cs), (d, m, s, ds), sign = _sexagesimal(ra, dec, 2, 1)
    name = _text("J", (hh, 2), (mm, 2), (ss, 2), ".", (cs, 2), sign, (d, 2), (m, 2), (s, 2), ".", (ds, 1))
    oid = np.arange(before.allwise, before.allwise + n) + 1
    before.allwise += n
    mags, missing = _with_limits(mags[rows], errors[rows], limiting_magnitude(2.0)[ALLWISE], rng)
    quality = _quality(errors[rows], ((10, "A"), (3, "B"), (0, "C")), missing)
    allwise = {
        "designation": name,
        "allwise_oid": oid,
        "ra": ra,
        "dec": dec,
        "cc_flags": pa.array(rng.choice(["0000", "h000", "hh00", "00d0", "D000"], n, p=[0.94, 0.02, 0.02, 0.01, 0.01])),
        "ext_flag": rng.choice(np.array([0, 1, 5], dtype=np.int16), n, p=[0.96, 0.03, 0.01]),
        "var_flag": pa.array(rng.choice(["nnnn", "00nn", "0000", "1100", "7700"], n, p=[0.6, 0.2, 0.1, 0.09, 0.01])),
        "ph_qual": _text(quality),
    }
    for k in range(4):
        allwise[f"w{k + 1}mpro"] = mags[:, k]
        allwise[f"w{k + 1}mpro_error"] = _nullable(errors[rows, k])
    return {
        "gaiadr3.allwise_best_neighbour": _neighbours(source_id[rows], name, distance, "allwise_oid", oid),
        "gaiadr1.allwise_original_valid": allwise,
    }
