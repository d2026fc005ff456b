"""Classify the rows of a file: the same table out, with what a model says of each source."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.table import MaskedColumn

from . import tables
from .inference.functions import labels
from .inference.model import Model
from .inference.session import Session
from .output import new_file
from .tables import Pieces, TableError

ADDED = ("sed_class", "sed_probability", "sed_n_bands")


def classify_file(
    source: Path,
    target: Path,
    model: Model,
    *,
    band_map: Mapping[str, str] | None = None,
    force: bool = False,
    progress: Callable[[int, int | None], None] = lambda done, of: None,
) -> dict[str | None, int]:
    """Write `source` as `target`, with the columns `sed_class`, `sed_probability` and `sed_n_bands` added.

    Every row comes out, in order, with its columns as they were. Parquet and CSV are worked through in
    pieces; ECSV, VOTable and FITS are held whole.

    Parameters
    ----------
    source, target : the formats are taken from the names' endings
    band_map : which column holds a band, where its name does not tell; 'none' for a band that is not there
    progress : called with the number of rows done and of all rows (None while that is not known)

    Returns
    -------
    Number of rows of each class; None is the class of sources with too few bands.
    """
    if not source.is_file():
        raise TableError(f"{source} does not exist." if not source.exists() else f"{source} is no file.")
    tables.file_format(source), tables.file_format(target)  # an unknown format is told before any work
    session = Session(model, threads=os.cpu_count() or 1)
    with new_file(target, force=force) as partial:
        classify = _classify_pieces if tables.streams(source) and tables.streams(target) else _classify_whole
        return classify(session, source, target, partial, band_map, progress)


def _classify_pieces(session, source, target, partial, band_map, progress):
    # A CSV that stays a CSV keeps its numbers as they are written.
    as_text = tables.file_format(source) == tables.file_format(target) == "csv"
    stream = tables.read_pieces(source, as_text=as_text)
    bands = _bands(stream.schema.names, band_map)
    schema = stream.schema
    for name, kind in zip(ADDED, (pa.string(), pa.float64(), pa.int32()), strict=True):
        schema = schema.append(pa.field(name, kind))
    counts: dict[str | None, int] = {}
    pieces = _add_columns(session, stream, bands, schema, counts, progress)
    tables.write_pieces(partial, schema, pieces, like=target)
    return counts


def _add_columns(session, stream: Pieces, bands, schema, counts, progress) -> Iterator[pa.Table]:
    done = 0
    for piece in stream.pieces:
        magnitudes = tables.magnitudes(len(piece), piece.column, bands, done + 1)
        found, probability, n_bands = _classify(session, magnitudes)
        _count(found, counts)
        done += len(piece)
        progress(done, stream.rows)
        yield pa.table([*piece.columns, found, probability, n_bands], schema=schema)


def _classify_whole(session, source, target, partial, band_map, progress):
    table = tables.read_table(source)
    bands = _bands(table.colnames, band_map)
    magnitudes = tables.magnitudes(len(table), table.__getitem__, bands)
    counts: dict[str | None, int] = {}
    parts = []
    for start in range(0, len(table), tables.PIECE):
        parts.append(_classify(session, magnitudes[start : start + tables.PIECE]))
        _count(parts[-1][0], counts)
        progress(min(start + tables.PIECE, len(table)), len(table))
    found, probability, n_bands = (pa.chunked_array(column) for column in zip(*parts, strict=True)) if parts else (
        pa.array([], pa.string()), pa.array([], pa.float64()), pa.array([], pa.int32())
    )  # fmt: skip
    unknown = found.is_null().to_numpy(zero_copy_only=False)
    table["sed_class"] = MaskedColumn(found.fill_null("").to_numpy(zero_copy_only=False).astype(str), mask=unknown)
    table["sed_probability"] = MaskedColumn(probability.fill_null(np.nan).to_numpy(), mask=unknown)
    table["sed_n_bands"] = n_bands.to_numpy()
    model = session.model.name
    table["sed_class"].description = f"Most probable class (sedsql model {model})"
    table["sed_probability"].description = f"Probability of that class (sedsql model {model})"
    table["sed_n_bands"].description = "Number of bands that are there"
    tables.write_table(partial, table, like=target)
    return counts


def _bands(names, band_map):
    taken = [name for name in ADDED if name in names]
    if taken:
        raise TableError(f"The table has a column {taken[0]} already; leave it out or rename it.")
    return tables.find_bands(names, band_map)


def _classify(session: Session, magnitudes):
    prediction = session.predict(magnitudes)
    top = prediction.probabilities.max(axis=1).astype(np.float64)
    found = labels(session.model, prediction)
    return found, pa.array(top, mask=np.isnan(top)), pa.array(prediction.n_bands)


def _count(found: pa.Array, counts: dict[str | None, int]) -> None:
    for entry in found.value_counts().to_pylist():
        counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
