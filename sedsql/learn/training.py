"""A labelled table made ready for training: what is read from it, and what is wrong with it said before any work."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.coordinates import Latitude, Longitude, SkyCoord
from cdshealpix.nested import lonlat_to_healpix
from numpy.typing import NDArray

from .. import tables
from ..bands import COLUMNS
from ..inference.card import PARALLAX
from ..tables import TableError
from .cleaning import Labels, cleaned
from .suspicious import check_columns

MIN_BANDS = 3
LEAST_ROWS = 20
"""Fewest rows of a class; with less neither training nor testing means anything."""

SKY_ORDER = 3
"""HEALPix order of the cells that stay whole when rows are split (7.3 degrees across): neighbours share clusters
and dust."""

SAME_SOURCE_ARCSEC = 2.0
"""Rows nearer to each other than this are the same source."""

_BY_SPECTRUM = {"W": "wolf_rayet", "D": "white_dwarf"}
"""First letters of spectral types that belong to one class alone (a column `spectral_type`, where there is one)."""

_QUALITY = {"tmass_ph_qual": (slice(3, 6), "ABCD"), "allwise_ph_qual": (slice(6, 10), "ABC")}
"""Columns of letters, one a band, and the letters of a measurement: the rules of docs/rules.md."""


@dataclass
class LabelledTable:
    """Magnitudes and labels of n sources.

    Attributes
    ----------
    magnitudes : float32, shape (n, 10), NaN = missing
    limits : whether a magnitude is a limit or worse by its survey's own flag (`tmass_ph_qual`, `allwise_ph_qual`),
        shape (n, 10)
    parallax : with its error, in mas, NaN = missing, shape (n, 2)
    labels : str, shape (n,)
    cells : sky cell (or a number drawn at random where the table has no positions), shape (n,)
    origins : which catalogue a row came from, '' where the table does not say, shape (n,)
    contradicted : whether the same source stands in the table with another label too, or its spectral type is that of
        another class, shape (n,)
    simulated : whether a row is simulated: then it is trained on and never tested on, shape (n,)
    rows : number of the row in its file, from 1; 0 for a simulated one, shape (n,)
    about : what the table is, for the card: files with sha256, rows, rows per class, what cleaning changed
    """

    magnitudes: NDArray[np.float32]
    limits: NDArray[np.bool_]
    parallax: NDArray[np.float32]
    labels: NDArray[np.str_]
    cells: NDArray[np.int64]
    origins: NDArray[np.str_]
    contradicted: NDArray[np.bool_]
    simulated: NDArray[np.bool_]
    rows: NDArray[np.int64]
    about: dict

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows) -> "LabelledTable":
        """Some of its rows, by places or by a mask."""
        arrays = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **arrays)

    @property
    def n_bands(self) -> NDArray[np.int64]:
        return np.isfinite(self.magnitudes).sum(axis=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """The archive's names of the bands that the table has."""
        there = np.isfinite(self.magnitudes)
        return tuple(column for place, column in enumerate(COLUMNS) if there[:, place].any())


def read_labelled(
    path: Path | Sequence[Path],
    label: str,
    band_map: Mapping[str, str] | None = None,
    *,
    clean: bool = False,
    sentinels: bool = False,
    least_rows: int = LEAST_ROWS,
) -> LabelledTable:
    """Read a table with a label column, or several that are joined.

    Rows without a label or with fewer than MIN_BANDS bands are left out. `clean` applies the rules of
    `sedsql.learn.cleaning`; with `sentinels` magnitudes such as -999 are missing. `least_rows` is the fewest that each
    label must have, among two labels or more; 0 for a table that is only tested on.
    """
    paths = [path] if isinstance(path, Path) else list(path)
    parts = [_read(one, label, band_map, sentinels) for one in paths]
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
        labels=labels,
        cells=_sky_cells(ra, dec),
        origins=raw["origin"],
        contradicted=_contradicted(ra, dec, np.where(keep, labels, ""))
        | _another_by_spectrum(labels, raw["spectral_type"]),
        simulated=np.zeros(len(labels), bool),
        rows=raw["rows"],
        about={
            "table": title,
            "files": {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in paths},
            "label": label,
            "rows": int(keep.sum()),
            "left_out": int((~keep).sum()),
            "rows_per_class": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
            **about,
        },
    )[keep]


def _read(path: Path, label: str, band_map: Mapping[str, str] | None, sentinels: bool) -> dict[str, NDArray]:
    """The columns of one file that training takes, by name."""
    table = tables.read_table(path)
    if label not in table.colnames:
        raise TableError(
            f"{path.name} has no column {label!r} to take labels from; it has {', '.join(table.colnames)}."
        )
    bands = tables.find_bands(table.colnames, band_map)
    magnitudes = tables.magnitudes(len(table), table.__getitem__, bands)
    if sentinels:
        tables.Sentinels().erase(magnitudes)
    check_columns(path.name, magnitudes, bands)
    parallax = [tables.numbers(table, name, "numbers, in mas") for name in PARALLAX]
    return {
        "labels": np.ma.filled(np.ma.asarray(table[label]).astype(str), ""),
        "magnitudes": magnitudes,
        "limits": _limits(table) & np.isfinite(magnitudes),
        "parallax": np.stack(parallax, 1).astype(np.float32),
        "rows": np.arange(1, len(table) + 1),
        **{name: tables.numbers(table, name, "degrees") for name in ("ra", "dec")},
        **{name: _words(table, name) for name in ("origin", "name", "spectral_type", "sublabel")},
    }


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
    """A column by its name in any case, or None."""
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
    """Whether a row's spectral type belongs to another class of the table than its label."""
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
