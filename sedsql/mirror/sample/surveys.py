"""Make the columns of Gaia's, 2MASS's and AllWISE's tables from positions and measured magnitudes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sedsql.mirror.sample.sky import REGIONS, Positions
from sedsql.simulate import Sample
from sedsql.simulate.astrometry import has_parallax, parallax_error
from sedsql.simulate.survey import ALLWISE, GAIA, GAIA_FLUX_ZERO_POINTS, TMASS, limiting_magnitude

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Reals = NDArray[np.floating]
Letters = NDArray[np.uint8]
Generator = np.random.Generator

_CLEAN_OID_OFFSET = 500_000_000
"""Keeps the number of the match table apart from tmass_oid, as it is in the archive."""
_KM_S_PER_MAS_YR_KPC = 4.740470463
_IS_G = np.array([True, False, False])

# How often the surveys' flags are raised: round numbers of ours, so that every quality rule (sql/rules.sql) has
# something to refuse. They are drawn apart from the brightness, which they do not change.
_TMASS_POOR_FITS = 0.01
_TMASS_SHARED, _ALLWISE_SHARED = 0.02, 0.05
_CC_FLAGS = {
    "0000": 0.925, "h000": 0.02, "hh00": 0.02, "00d0": 0.01, "0p00": 0.005, "oo00": 0.005,
    "D000": 0.005, "HH00": 0.004, "HHHH": 0.002, "DDdd": 0.002, "0P00": 0.001, "0oO0": 0.001,
}  # fmt: skip
_EXT_FLAGS = {0: 0.955, 1: 0.03, 2: 0.006, 3: 0.002, 4: 0.002, 5: 0.005}


def gaia(at: Positions, source_id: Ints, random_index: Ints, made: Sample, rng: Generator) -> dict:
    """The columns of gaia_source."""
    n = len(at)
    # Every row is a Gaia source: one that came out too faint for its place is kept at the limit.
    lost = np.isnan(made.magnitudes[:, 0])
    magnitudes = np.where(lost[:, None] & _IS_G, 20.99, made.magnitudes[:, GAIA]).astype(np.float32)
    errors = np.where(lost[:, None] & _IS_G, 0.02, made.errors[:, GAIA])
    return {
        "solution_id": np.ones(n, dtype=np.int64),
        "designation": pc.binary_join_element_wise("Simulated", pc.cast(pa.array(source_id), pa.string()), " "),
        "source_id": source_id,
        "random_index": random_index,
        "ref_epoch": np.full(n, 2016.0),
        **_astrometry(at, magnitudes[:, 0], made.distance_pc, rng),
        **_photometry(magnitudes, errors),
        "radial_velocity": _radial_velocity(magnitudes[:, 0], made.teff, rng),
        "l": at.glon,
        "b": at.glat,
    }


def _astrometry(at: Positions, g: Reals, distance: Array, rng: Generator) -> dict:
    """Parallax, proper motion and their errors, which follow Gaia's performance with G."""
    n = len(at)
    sigma = parallax_error(g, rng)
    distance = np.where(np.isnan(distance), np.inf, distance)
    inside = at.region >= 0
    speed = np.where(inside, 1.5, 35.0) / (_KM_S_PER_MAS_YR_KPC * distance / 1000)
    drift = np.array([[region.pmra, region.pmdec] for region in REGIONS])[at.region].T * inside
    ruwe = np.exp(rng.normal(0.01, 0.04, n)) + np.where(rng.random(n) < 0.06, rng.exponential(1.5, n), 0)
    two = ~has_parallax(g, rng)

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


def _radial_velocity(g: Reals, teff: Array, rng: Generator) -> Array:
    """In km/s where Gaia measures it: bright stars that are neither very cool nor hot; NaN elsewhere."""
    measured = (g < 14) & (teff > 3100) & (teff < 14500)
    return np.where(measured, rng.normal(0, 35, len(g)), np.nan)


def _photometry(magnitudes: Reals, errors: Array) -> dict:
    """Fluxes and colours, worked out from the magnitudes as they are stored."""
    flux = 10 ** (0.4 * (GAIA_FLUX_ZERO_POINTS - magnitudes))
    snr = 2.5 / np.log(10) / errors
    columns = {}
    for k, band in enumerate(("g", "bp", "rp")):
        columns[f"phot_{band}_mean_flux"] = flux[:, k]
        columns[f"phot_{band}_mean_flux_error"] = flux[:, k] / snr[:, k]
        columns[f"phot_{band}_mean_flux_over_error"] = snr[:, k]
        columns[f"phot_{band}_mean_mag"] = magnitudes[:, k]
    g, bp, rp = magnitudes.T
    return columns | {
        "phot_bp_rp_excess_factor": (flux[:, 1] + flux[:, 2]) / flux[:, 0],
        "bp_rp": bp - rp,
        "bp_g": bp - g,
        "g_rp": g - rp,
    }


def _offset(at: Positions, rows: Ints, arcsec: float, rng: Generator) -> tuple[Array, Array, Array]:
    """ra, dec as another survey measures them, and the distance to Gaia's in arcsec."""
    east, north = arcsec * rng.standard_normal((2, len(rows)))
    ra = (at.ra[rows] + east / 3600 / np.cos(np.radians(at.dec[rows]))) % 360
    return ra, np.clip(at.dec[rows] + north / 3600, -90, 90), np.hypot(east, north)


def _digits(number: Ints, width: int) -> Letters:
    """Numbers as (n, width) characters with leading zeros."""
    return (number[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10 + ord("0")).astype(np.uint8)


def _text(*parts: str | Letters) -> pa.Array:
    """Strings of one length from constants and (n, k) characters side by side."""
    n = next(len(part) for part in parts if not isinstance(part, str))
    columns = [
        np.broadcast_to(np.frombuffer(part.encode(), np.uint8), (n, len(part))) if isinstance(part, str) else part
        for part in parts
    ]
    letters = np.ascontiguousarray(np.hstack(columns))
    offsets = np.arange(0, letters.size + 1, letters.shape[1], dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(letters))


def _position_name(ra: Array, dec: Array, point: str, prefix: str = "") -> pa.Array:
    """Designations as hhmmss.ss+ddmmss.s, cut and not rounded; `point` is what stands for the points."""
    time = np.floor(ra / 15 * 360_000).astype(np.int64)
    arc = np.floor(np.abs(dec) * 36_000).astype(np.int64)
    sign = np.where(dec < 0, ord("-"), ord("+")).astype(np.uint8)[:, None]
    seconds, tenths = time // 100, arc // 10
    return _text(
        *(prefix, _digits(seconds // 3600, 2), _digits(seconds // 60 % 60, 2), _digits(seconds % 60, 2)),
        *(point, _digits(time % 100, 2)),
        *(sign, _digits(tenths // 3600, 2), _digits(tenths // 60 % 60, 2), _digits(tenths % 60, 2)),
        *(point, _digits(arc % 10, 1)),
    )


def _limits(measured: Array, survey: slice, snr: float, rng: Generator) -> Array:
    """Magnitudes with upper limits of about that signal-to-noise ratio where there is no detection."""
    limits = limiting_magnitude(snr)[survey] + 0.2 * rng.standard_normal(measured.shape)
    return np.where(np.isnan(measured), limits, measured)


def _quality(errors: Array, steps: tuple[tuple[float, str], ...]) -> Letters:
    """A letter a band: the first whose signal-to-noise ratio is reached; U where there is no detection."""
    snr = 2.5 / np.log(10) / errors
    letters = np.full(errors.shape, ord("U"), dtype=np.uint8)
    for least, letter in reversed(steps):
        letters[snr >= least] = ord(letter)
    return letters


def _detected(
    at: Positions, rows: Ints, arcsec: float, rng: Generator, point: str, prefix: str = ""
) -> tuple[Ints, Array, Array, Array, pa.Array]:
    """Rows, ra, dec, distance to Gaia's place and designation of sources as another survey has them.

    Sources that would share a designation are one to it: the first is there, the others are not.
    """
    ra, dec, distance = _offset(at, rows, arcsec, rng)
    name = _position_name(ra, dec, point, prefix)
    _, first = np.unique(name.to_numpy(zero_copy_only=False), return_index=True)
    first.sort()
    return rows[first], ra[first], dec[first], distance[first], name.take(first)


def _neighbours(
    source_id: Ints, name: pa.Array, distance: Array, oid_name: str, oid: Ints, shared: float, rng: Generator
) -> dict:
    """The columns of a match table; `shared` is the fraction of matches that have a mate."""
    n = len(source_id)
    return {
        "source_id": source_id,
        "original_ext_source_id": name,
        "angular_distance": distance,
        "xm_flag": np.full(n, 8, dtype=np.int16),
        oid_name: oid,
        "number_of_neighbours": np.ones(n, dtype=np.int16),
        # The mates are sources that the sample leaves out.
        "number_of_mates": (rng.random(n) < shared).astype(np.int16),
    }


def tmass(at: Positions, source_id: Ints, made: Sample, done: int, rng: Generator) -> dict[str, dict]:
    """The columns of the three tables of 2MASS; `done` rows are written already."""
    flags = rng.spawn(1)[0]
    rows = np.flatnonzero(np.isfinite(made.magnitudes[:, TMASS]).any(axis=1))
    rows, ra, dec, distance, name = _detected(at, rows, 0.08, rng, "")
    measured, errors = made.magnitudes[rows, TMASS], made.errors[rows, TMASS]
    magnitudes = _limits(measured, TMASS, 5.0, rng)
    quality = _quality(errors, ((10, "A"), (7, "B"), (5, "C"), (0, "D")))
    quality[np.isfinite(measured) & (flags.random(measured.shape) < _TMASS_POOR_FITS)] = ord("E")
    oid = done + 1 + np.arange(len(rows))
    source = {
        "designation": name,
        "tmass_oid": oid,
        "ra": ra,
        "dec": dec,
        "ph_qual": _text(quality),
    }
    for k, band in enumerate(("j", "h", "ks")):
        source |= {f"{band}_m": magnitudes[:, k], f"{band}_msigcom": errors[:, k]}
    clean = oid + _CLEAN_OID_OFFSET
    return {
        "gaiadr3.tmass_psc_xsc_best_neighbour": _neighbours(
            source_id[rows], name, distance, "clean_tmass_psc_xsc_oid", clean, _TMASS_SHARED, flags
        ),
        "gaiadr3.tmass_psc_xsc_join": {
            "original_psc_source_id": name,
            "original_xsc_source_id": pa.nulls(len(rows), pa.string()),
            "clean_tmass_psc_xsc_oid": clean,
        },
        "gaiadr1.tmass_original_valid": source,
    }


def allwise(at: Positions, source_id: Ints, made: Sample, done: int, rng: Generator) -> dict[str, dict]:
    """The columns of the two tables of AllWISE; `done` rows are written already."""
    flags = rng.spawn(1)[0]
    rows = np.flatnonzero(np.isfinite(made.magnitudes[:, ALLWISE]).any(axis=1))
    rows, ra, dec, distance, name = _detected(at, rows, 0.12, rng, ".", prefix="J")
    n = len(rows)
    measured, errors = made.magnitudes[rows, ALLWISE], made.errors[rows, ALLWISE]
    magnitudes = _limits(measured, ALLWISE, 2.0, rng)
    oid = done + 1 + np.arange(n)
    source = {
        "designation": name,
        "allwise_oid": oid,
        "ra": ra,
        "dec": dec,
        "cc_flags": rng.choice(list(_CC_FLAGS), n, p=list(_CC_FLAGS.values())),
        "ext_flag": rng.choice(np.array(list(_EXT_FLAGS), dtype=np.int16), n, p=list(_EXT_FLAGS.values())),
        "var_flag": rng.choice(["nnnn", "00nn", "0000", "1100", "7700"], n, p=[0.6, 0.2, 0.1, 0.09, 0.01]),
        "ph_qual": _text(_quality(errors, ((10, "A"), (3, "B"), (0, "C")))),
    }
    for k in range(4):
        source |= {f"w{k + 1}mpro": magnitudes[:, k], f"w{k + 1}mpro_error": errors[:, k]}
    return {
        "gaiadr3.allwise_best_neighbour": _neighbours(
            source_id[rows], name, distance, "allwise_oid", oid, _ALLWISE_SHARED, flags
        ),
        "gaiadr1.allwise_original_valid": source,
    }
