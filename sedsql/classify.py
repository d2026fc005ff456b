"""Classify the rows of a file: the same table out, with what a model says of each source."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from astropy.table import Table

from . import tables
from .bands import BRIGHTEST, COLUMNS, FAINTEST
from .inference import answers
from .inference.card import EXTRA, POSITION
from .inference.model import Model, ModelError
from .inference.session import Prediction, Session
from .output import new_file
from .tables import TableError

ADDED = ("sed_class", "sed_probability", "sed_path", "sed_n_bands")

HALF = 0.5
"""The class is the deepest node of the tree that is so probable; of these there is one path."""

_DEC = (*COLUMNS, *EXTRA).index("dec")

Given = Literal["sky", "flat"]
Progress = Callable[[int, int | None], None]


def classify_file(
    source: Path,
    target: Path,
    model: Model,
    *,
    prior: Given | None = None,
    column_map: Mapping[str, str] | None = None,
    sentinels: bool = False,
    force: bool = False,
    progress: Progress = lambda done, of: None,
    note: Callable[[str], None] = lambda text: None,
) -> dict[str | None, int]:
    """Write `source` as `target`, with the columns ADDED.

    Every row comes out, in order, with its columns as they were. Parquet and CSV are worked through in
    pieces; ECSV, VOTable and FITS are held whole.

    Parameters
    ----------
    source, target : the formats are taken from the names' endings
    prior : 'flat' keeps positions from a model whose prior goes by them; 'sky' asks for that prior, and without either
        it holds wherever a row has a position
    column_map : which column holds a band, a parallax or a coordinate, where its name does not tell; 'none' for what
        is not there
    sentinels : whether magnitudes such as -999 are missing
    progress : called with the number of rows done and of all rows (None while that is not known)
    note : called with a sentence on what the model takes and the table lacks, and on what is no magnitude

    Returns
    -------
    Number of rows of each class; None is the class of sources with too few bands.
    """
    tables.refuse_pipe(source)
    if not source.is_file():
        raise TableError(f"{source} does not exist." if not source.exists() else f"{source} is a folder, not a file.")
    if prior == "sky" and not set(POSITION) <= set(model.extra):
        raise ModelError(f"Model {model.name} takes no position, so it has no prior of the sky; leave --prior out.")
    tables.file_format(source), tables.file_format(target)  # an unknown format is told before any work
    work = _classify_pieces if tables.streams(source) and tables.streams(target) else _classify_whole
    classifier = _Classifier(model, prior, column_map, sentinels, progress, note)
    with new_file(target, force=force) as partial:
        work(classifier, source, partial)
    classifier.tell()
    return classifier.counts


class _Classifier:
    """Finds columns, makes those that are added, and counts."""

    def __init__(self, model: Model, prior, column_map, sentinels: bool, progress: Progress, note):
        self.session = Session(model, threads=os.cpu_count() or 1)
        self.prior, self.column_map, self.missing = prior, column_map, sentinels
        self.wanted = [name for name in model.extra if prior != "flat" or name not in POSITION]
        self.progress, self.note = progress, note
        self.counts: dict[str | None, int] = {}
        self.done = 0
        self.strange = np.zeros(len(COLUMNS), int)
        self.nowhere = 0
        self.sentinels = tables.Sentinels()
        self.inputs: tables.Inputs

    def find(self, table: Table | pa.Schema) -> None:
        """Find the columns of a table."""
        names = table.names if isinstance(table, pa.Schema) else table.colnames
        taken = [name for name in ADDED if name in names]
        if taken:
            raise TableError(f"The table has a column {taken[0]} already; leave it out or rename it.")
        self.inputs = tables.Inputs.find(table, self.column_map)

    def fields(self) -> list[pa.Field]:
        """Of the added columns."""
        model = f"sedsql model {self.session.model.name}"
        if set(POSITION) <= set(self.session.model.extra):
            there = self.prior != "flat" and all(self.inputs.further[name] for name in POSITION)
            model += ", with its prior where a position is there" if there else ", flat prior"
        what = "Deepest node of the tree of classes that reaches 0.5" if self._tree else "Most probable class"
        about = {
            "sed_class": (pa.string(), f"{what} ({model})"),
            "sed_probability": (pa.float64(), f"Probability of sed_class ({model})"),
            "sed_path": (pa.string(), "sed_class with what is above it in the tree of classes"),
            "sed_n_bands": (pa.int32(), "Number of bands that are there"),
        }
        return [pa.field(name, kind, metadata={"description": text}) for name, (kind, text) in about.items()]

    def __call__(self, rows: int, column_of: Callable[[str], Any], of: int | None) -> list[pa.Array]:
        """The added columns for the next rows, of `of` in all."""
        inputs = self.inputs.read(rows, column_of, self.wanted, self.done + 1)
        magnitudes = inputs[:, : len(COLUMNS)]
        found = self.sentinels.find(magnitudes)
        self.strange += (((magnitudes < BRIGHTEST) | (magnitudes > FAINTEST)) & ~found).sum(axis=0)
        if self.missing:
            magnitudes[found] = np.nan
        nowhere = np.abs(inputs[:, _DEC]) > 90
        self.nowhere += int(nowhere.sum())
        inputs[nowhere, _DEC] = np.nan
        prediction = self.session.predict(inputs)
        label, probability, path = self._answer(prediction)
        for entry in label.value_counts().to_pylist():
            self.counts[entry["values"]] = self.counts.get(entry["values"], 0) + entry["counts"]
        self.done += rows
        self.progress(self.done, of)
        return [label, probability, path, pa.array(prediction.n_bands)]

    @property
    def _tree(self) -> bool:
        return bool(self.session.model.card.get("parents"))

    def _answer(self, prediction: Prediction) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Node, its probability, and the way down to it; null where bands are too few."""
        model = self.session.model
        if self._tree:
            found = answers.branches(model, prediction.probabilities, HALF)
            return found.field("node"), found.field("probability"), found.field("path")
        labels = answers.labels(model, prediction)
        top = prediction.probabilities.max(axis=1).astype(np.float64)
        return labels, pa.array(top, mask=np.isnan(top)), labels

    def tell(self) -> None:
        """Tell what the table lacks, and what was strange in its rows."""
        lacking = self._lacking()
        if lacking:
            self.note(
                f"The table has no column {tables.would_do(lacking)}: {self.session.model.name} answers "
                f"{' and '.join(self._consequences(lacking))}. Name columns with --map {lacking[-1]}=COLUMN."
            )
        if self.sentinels.counts:
            self.note(
                f"Magnitudes that stand for a missing one, {self.sentinels}, were taken as "
                + ("missing." if self.missing else "they are; with --sentinels they are missing.")
            )
        for band, count in zip(COLUMNS, self.strange, strict=True):
            if count:
                self.note(
                    f"The magnitude {band} is brighter than {BRIGHTEST:g} or fainter than {FAINTEST:g} in {count:,} "
                    "rows, and was taken as it is: a missing value should be empty, and a flux made a magnitude."
                )
        if self.nowhere:
            column = self.inputs.further["dec"]
            self.note(
                f"The column {column} is beyond 90 degrees in {self.nowhere:,} rows: they count as without position."
            )

    def _lacking(self) -> list[str]:
        """What the model takes besides bands and the table lacks, though the user did not say so."""
        lacking = self.inputs.lacking(self.wanted)
        if self.prior == "sky":  # which is asked for in vain, whatever --map says
            lacking += [name for name in POSITION if self.inputs.further[name] is None and name not in lacking]
        if self.inputs.further["parallax"] is None and "parallax_error" in lacking:
            lacking.remove("parallax_error")
        return lacking

    def _consequences(self, lacking: list[str]) -> Iterator[str]:
        if "parallax" in lacking:
            yield "without luminosities"
        elif "parallax_error" in lacking:
            yield "as if parallaxes were exact"
        if not {*POSITION}.isdisjoint(lacking):
            yield "with a flat prior"


def _classify_pieces(classifier: _Classifier, source: Path, partial: Path) -> None:
    # A CSV that stays a CSV keeps its values as they are written.
    as_text = tables.file_format(source) == tables.file_format(partial) == "csv"
    stream = tables.read_pieces(source, as_text=as_text)
    names = stream.schema.names
    classifier.find(stream.schema)
    schema = pa.schema([*stream.schema, *classifier.fields()], stream.schema.metadata)

    def classified() -> Iterator[pa.Table]:
        for piece in stream.pieces:
            # By place, for a name may be there twice.
            columns = dict(zip(reversed(names), reversed(piece.columns), strict=True))
            added = classifier(len(piece), columns.__getitem__, stream.rows)
            yield pa.table([*piece.columns, *added], schema=schema)

    tables.write_pieces(partial, schema, classified())


def _classify_whole(classifier: _Classifier, source: Path, partial: Path) -> None:
    table = tables.read_table(source)
    classifier.find(table)
    schema = pa.schema(classifier.fields())
    parts = (
        classifier(len(piece), piece.__getitem__, len(table))
        for piece in (table[start : start + tables.PIECE] for start in range(0, len(table), tables.PIECE))
    )
    added = pa.concat_tables([schema.empty_table(), *(pa.table(part, schema=schema) for part in parts)])
    for column in tables.from_arrow(added).itercols():
        table[column.name] = column
    tables.write_table(partial, table)
