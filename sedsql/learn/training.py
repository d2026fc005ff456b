"""Read a labelled table for training, and refuse one that cannot be used before any work is done."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import astropy.units as u
import numpy as np
from astropy.coordinates import Latitude, Longitude, SkyCoord
from cdshealpix.nested import lonlat_to_healpix
from numpy.typing import NDArray

from sedsql import files
from sedsql.files import TableError
from sedsql.inference.card import EXTRA, PARALLAX
from sedsql.inference.neighbours import MIN_BANDS, labels_of
from sedsql.learn.cleaning import Labels, cleaned
from sedsql.learn.validation import check_columns
from sedsql.photometry.bands import COLUMNS

LEAST_ROWS = 20
"""The fewest rows of a class; with fewer neither training nor testing means anything."""

SKY_ORDER = 3
"""HEALPix order of the cells (7.3 degrees across) that are never divided between training and testing, because
neighbours share clusters and dust."""

SAME_SOURCE_ARCSEC = 2.0
"""Rows nearer to each other than this are the same source."""

_BY_SPECTRUM = {"W": "wolf_rayet", "D": "white_dwarf"}
"""First letters of spectral types that belong to only one class (in a column `spectral_type`, where there is one)."""

_QUALITY = {"tmass_ph_qual": (slice(3, 6), "ABCD"), "allwise_ph_qual": (slice(6, 10), "ABC")}
"""Columns of letters, one for each band, and the letters that mean a measurement: the rules of docs/rules.md."""


class Reading(NamedTuple):
    """How a file was read: the columns that were taken, as `files.Inputs.mapping` has them, and what to tell of it."""

    mapping: list[dict[str, Any]]
    notes: list[str]


@dataclass
class LabelledTable:
    """Magnitudes and labels of n sources.

    Attributes
    ----------
    magnitudes : float32, shape (n, 10), NaN = missing
    limits : whether a magnitude is a limit or worse by its survey's own flag (`tmass_ph_qual`, `allwise_ph_qual`),
        shape (n, 10)
    parallax : parallax and its error, in mas, NaN = missing, shape (n, 2)
    positions : right ascension and declination, in degrees, NaN = missing, shape (n, 2)
    labels : str, shape (n,)
    cells : cell of the sky (or a random number where the table has no positions), shape (n,)
    origins : the catalogue that a row came from, '' where the table does not say, shape (n,)
    contradicted : whether the table also has the same source with another label, or its spectral type is that of
        another class, shape (n,)
    simulated : whether a row is simulated, shape (n,); such a row is trained on and never tested on
    rows : number of the row in its file, from 1; 0 for a simulated one, shape (n,)
    about : a description for the card: files with sha256, rows, rows per class, what cleaning changed
    readings : how each file was read, by its name
    """

    magnitudes: NDArray[np.float32]
    limits: NDArray[np.bool_]
    parallax: NDArray[np.float32]
    positions: NDArray[np.float32]
    labels: NDArray[np.str_]
    cells: NDArray[np.int64]
    origins: NDArray[np.str_]
    contradicted: NDArray[np.bool_]
    simulated: NDArray[np.bool_]
    rows: NDArray[np.int64]
    about: dict
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows) -> "LabelledTable":
        """Select rows by places or by a mask."""
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)

    @property
    def n_bands(self) -> NDArray[np.int64]:
        return np.isfinite(self.magnitudes).sum(axis=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the archive's names of the bands that the table has."""
        there = np.isfinite(self.magnitudes)
        return tuple(column for place, column in enumerate(COLUMNS) if there[:, place].any())

    @property
    def mapping(self) -> dict[str, list[dict[str, Any]]]:
        """Return the columns that were taken of each file."""
        return {name: reading.mapping for name, reading in self.readings.items()}


def read_labelled(
    path: Path | Sequence[Path],
    label: str,
    options: files.ReadOptions | None = None,
    *,
    clean: bool = False,
    least_rows: int = LEAST_ROWS,
) -> LabelledTable:
    """Read a table with a label column, or join several.

    Rows without a label or with fewer than MIN_BANDS bands are left out. `clean` applies the rules of
    `sedsql.learn.cleaning`. For training there must be two labels with at least `least_rows` rows each; 0 is for a
    table that is only tested on.
    """
    paths = [path] if isinstance(path, Path) else list(path)
    parts, readings = zip(*(_read(one, label, options) for one in paths), strict=True)
    raw = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    labels, about = raw["labels"], {}
    if clean:
        labels, changed = cleaned(
            Labels.of(labels, raw["magnitudes"], raw["parallax"], raw["spectral_type"], raw["sublabel"], raw["name"])
        )
        about["cleaned"] = [
            {"of": rule.of, "becomes": rule.becomes or None, "reason": rule.reason, "rows": rows}
            for rule, rows in changed
        ]
    keep = (np.isfinite(raw["magnitudes"]).sum(axis=1) >= MIN_BANDS) & (labels != "")
    title = ", ".join(one.name for one in paths)
    _check_labels(title, label, labels[keep], least_rows)
    names, counts = np.unique(labels[keep], return_counts=True)
    ra, dec = raw["ra"], raw["dec"]
    return LabelledTable(
        magnitudes=raw["magnitudes"],
        limits=raw["limits"],
        parallax=raw["parallax"],
        positions=raw["positions"],
        labels=labels,
        cells=_sky_cells(ra, dec),
        origins=raw["origin"],
        contradicted=_contradicted(ra, dec, np.where(keep, labels, ""))
        | _another_by_spectrum(labels, raw["spectral_type"]),
        simulated=np.zeros(len(labels), bool),
        rows=raw["rows"],
        about={
            "table": title,
            "files": {one.name: hashlib.sha256(files.file_and_part(one)[0].read_bytes()).hexdigest() for one in paths},
            "label": label,
            "rows": int(keep.sum()),
            "left_out": int((~keep).sum()),
            "rows_per_class": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
            **about,
        },
        readings={one.name: reading for one, reading in zip(paths, readings, strict=True)},
    )[keep]


def _read(path: Path, label: str, options: files.ReadOptions | None) -> tuple[dict[str, NDArray], Reading]:
    """Read the columns of one file that training needs, by name."""
    table = files.with_positions(files.read_table(path))
    labels = labels_of(table, path, label)
    inputs = files.Inputs.find(table, options)
    inputs.require(MIN_BANDS, who="a labelled table")
    rows, bands = len(table), len(COLUMNS)
    numbers = inputs.read(rows, table.__getitem__, EXTRA)
    magnitudes = np.ascontiguousarray(numbers[:, :bands])
    check_columns(path.name, magnitudes, inputs.bands)
    ra, dec = inputs.position(table.__getitem__) or np.full((2, rows), np.nan)
    return {
        "labels": labels,
        "magnitudes": magnitudes,
        "limits": _limits(table) & np.isfinite(magnitudes),
        "parallax": np.ascontiguousarray(numbers[:, bands : bands + len(PARALLAX)]),
        "positions": np.ascontiguousarray(numbers[:, bands + len(PARALLAX) :]),
        "rows": np.arange(1, rows + 1),
        "ra": ra,
        "dec": dec,
        **{name: _words(table, name) for name in ("origin", "name", "spectral_type", "sublabel")},
    }, Reading(inputs.mapping(), list(inputs.notes()))


def _check_labels(title: str, label, labels, least_rows: int):
    names, counts = np.unique(labels, return_counts=True)
    usable = f"usable rows (those with a label and {MIN_BANDS} bands or more)"
    if not len(names):
        raise TableError(f"{title} has no {usable} by column {label}.")
    if least_rows and len(names) < 2:
        raise TableError(f"Column {label} of {title} has one label, {str(names[0])!r}; training needs two.")
    few = counts < least_rows
    if few.any():
        others = f", and {few.sum() - 1:,} of the {len(names):,} labels have too few too" if few.sum() > 1 else ""
        raise TableError(
            f"Label {str(names[counts.argmin()])!r} has {counts.min()} {usable} in {title}{others}; "
            f"training needs {least_rows} of each. Leave such a label out, or join it with another."
        )


def _column(table, name: str):
    """Find a column by its name in upper or lower case, or None."""
    return next((table[there] for there in table.colnames if there.lower() == name), None)


def _words(table, name: str) -> NDArray[np.str_]:
    column = _column(table, name)
    return np.full(len(table), "") if column is None else np.ma.filled(np.ma.asarray(column).astype(str), "")


def _limits(table) -> NDArray[np.bool_]:
    limits = np.zeros((len(table), len(COLUMNS)), bool)
    for name, (places, good) in _QUALITY.items():
        words = _words(table, name)
        for k, place in enumerate(range(len(COLUMNS))[places]):
            limits[:, place] = [len(word) > k and word[k] not in good for word in words]
    return limits


def _sky_cells(ra, dec) -> NDArray[np.int64]:
    cells = np.random.default_rng(0).integers(0, 1 << 30, len(ra)) + (1 << 30)
    known = np.isfinite(ra) & np.isfinite(dec)
    cells[known] = lonlat_to_healpix(Longitude(ra[known], u.deg), Latitude(dec[known], u.deg), SKY_ORDER)
    return cells


def _another_by_spectrum(labels, spectral_types) -> NDArray[np.bool_]:
    """Tell which rows have a spectral type of another class of the table than their label."""
    another = np.zeros(len(labels), bool)
    for letter, label in _BY_SPECTRUM.items():
        if label in labels:
            another |= np.char.startswith(spectral_types, letter) & (labels != label)
    return another


def _contradicted(ra, dec, labels) -> NDArray[np.bool_]:
    contradicted = np.zeros(len(ra), bool)
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (labels != ""))
    if known.size:
        places = SkyCoord(ra[known], dec[known], unit=u.deg)
        one, other, _, _ = places.search_around_sky(places, SAME_SOURCE_ARCSEC * u.arcsec)
        contradicted[known[one[labels[known[one]] != labels[known[other]]]]] = True
    return contradicted
