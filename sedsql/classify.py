"""Classify the rows of a file: the same table out, with what a model says of each source."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import tables
from .bands import BRIGHTEST, COLUMNS, FAINTEST
from .inference.answers import labels
from .inference.model import Model
from .inference.session import Session
from .output import new_file
from .tables import TableError

ADDED = ("sed_class", "sed_probability", "sed_n_bands")

Progress = Callable[[int, int | None], None]


def classify_file(
    source: Path,
    target: Path,
    model: Model,
    *,
    band_map: Mapping[str, str] | None = None,
    force: bool = False,
    progress: Progress = lambda done, of: None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str | None, int]:
    """Write `source` as `target`, with the columns `sed_class`, `sed_probability` and `sed_n_bands` added.

    Every row comes out, in order, with its columns as they were. Parquet and CSV are worked through in
    pieces; ECSV, VOTable and FITS are held whole.

    Parameters
    ----------
    source, target : the formats are taken from the names' endings
    band_map : which column holds a band, where its name does not tell; 'none' for a band that is not there
    progress : called with the number of rows done and of all rows (None while that is not known)
    note : called with a sentence on a column that holds what no magnitude is, such as -99 for a missing one

    Returns
    -------
    Number of rows of each class; None is the class of sources with too few bands.
    """
    if not source.is_file():
        raise TableError(f"{source} does not exist." if not source.exists() else f"{source} is a folder, not a file.")
    tables.file_format(source), tables.file_format(target)  # an unknown format is told before any work
    work = _classify_pieces if tables.streams(source) and tables.streams(target) else _classify_whole
    classifier = _Classifier(model, progress)
    with new_file(target, force=force) as partial:
        counts = work(classifier, source, partial, band_map)
    for band, count in zip(COLUMNS, classifier.strange, strict=True):
        if count:
            note(
                f"The magnitude {band} is brighter than {BRIGHTEST:g} or fainter than {FAINTEST:g} in {count:,} rows, "
                "and was taken as it is: a missing value should be empty, and a flux made a magnitude."
            )
    return counts


class _Classifier:
    """Makes the added columns, and counts."""

    def __init__(self, model: Model, progress: Progress):
        self.session = Session(model, threads=os.cpu_count() or 1)
        self.progress = progress
        self.counts: dict[str | None, int] = {}
        self.done = 0
        self.strange = np.zeros(len(COLUMNS), int)
        about = {
            "sed_class": (pa.string(), f"Most probable class (sedsql model {model.name})"),
            "sed_probability": (pa.float64(), f"Probability of that class (sedsql model {model.name})"),
            "sed_n_bands": (pa.int32(), "Number of bands that are there"),
        }
        self.fields = [pa.field(name, kind, metadata={"description": text}) for name, (kind, text) in about.items()]

    def __call__(self, magnitudes: NDArray[np.float32], of: int | None) -> list[pa.Array]:
        """The three columns for the next rows, of `of` in all."""
        prediction = self.session.predict(magnitudes)
        found = labels(self.session.model, prediction)
        top = prediction.probabilities.max(axis=1).astype(np.float64)
        for entry in found.value_counts().to_pylist():
            self.counts[entry["values"]] = self.counts.get(entry["values"], 0) + entry["counts"]
        self.done += len(magnitudes)
        self.strange += ((magnitudes < BRIGHTEST) | (magnitudes > FAINTEST)).sum(axis=0)
        self.progress(self.done, of)
        return [found, pa.array(top, mask=np.isnan(top)), pa.array(prediction.n_bands)]


def _classify_pieces(classifier: _Classifier, source: Path, partial: Path, band_map) -> dict[str | None, int]:
    # A CSV that stays a CSV keeps its values as they are written.
    as_text = tables.file_format(source) == tables.file_format(partial) == "csv"
    stream = tables.read_pieces(source, as_text=as_text)
    names = stream.schema.names
    bands = _bands(names, band_map)
    schema = pa.schema([*stream.schema, *classifier.fields], stream.schema.metadata)

    def classified() -> Iterator[pa.Table]:
        for piece in stream.pieces:
            # By place, for a name may be there twice.
            columns = dict(zip(reversed(names), reversed(piece.columns), strict=True))
            magnitudes = tables.magnitudes(len(piece), columns.__getitem__, bands, classifier.done + 1)
            yield pa.table([*piece.columns, *classifier(magnitudes, stream.rows)], schema=schema)

    tables.write_pieces(partial, schema, classified())
    return classifier.counts


def _classify_whole(classifier: _Classifier, source: Path, partial: Path, band_map) -> dict[str | None, int]:
    table = tables.read_table(source)
    bands = _bands(table.colnames, band_map)
    magnitudes = tables.magnitudes(len(table), table.__getitem__, bands)
    schema = pa.schema(classifier.fields)
    starts = range(0, len(table), tables.PIECE)
    parts = (classifier(magnitudes[start : start + tables.PIECE], len(table)) for start in starts)
    added = pa.concat_tables([schema.empty_table(), *(pa.table(part, schema=schema) for part in parts)])
    for column in tables.from_arrow(added).itercols():
        table[column.name] = column
    tables.write_table(partial, table)
    return classifier.counts


def _bands(names: list[str], band_map) -> dict[str, str | None]:
    taken = [name for name in ADDED if name in names]
    if taken:
        raise TableError(f"The table has a column {taken[0]} already; leave it out or rename it.")
    return tables.find_bands(names, band_map)
