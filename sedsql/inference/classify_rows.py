"""Classify a table that Python holds, and give it back in the form that it came in."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from astropy.io.votable.tree import Info
from astropy.table import Table

from sedsql import files
from sedsql.files import TableWarning
from sedsql.files.json import to_json
from sedsql.files.provenance import PROVENANCE
from sedsql.files.votables import to_votable
from sedsql.inference.classify_table import Classifier, Prior, added_columns, classified_table
from sedsql.inference.model import SKY_MODEL, find_model

if TYPE_CHECKING:
    from sedsql.files import Rows


def classify(
    table: Rows,
    model: str = SKY_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    prior: Prior | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    bands: str | Collection[str] | None = None,
    missing: float | Sequence[float] = (),
    keep_sentinels: bool = False,
) -> Any:
    """Add `sed_class`, `sed_probability`, `sed_path` and `sed_n_bands` to a table, as `sedsql classify` does.

    How columns and numbers were taken, where it may have been meant otherwise, is told by warnings of the class
    `sedsql.files.TableWarning`.

    Parameters
    ----------
    table : an astropy or Arrow table, a DataFrame of pandas or polars, pyvo's results, or a file's path
    model : name of the model
    models : folders of models to add to the shipped ones
    prior : 'flat' keeps positions from a model whose prior goes by them; 'sky' asks for that prior
    columns : the column that holds a band, parallax, parallax_error, ra or dec; 'none' if the table has none (`--map`)
    units : of columns that do not say theirs, or a wrong one (`--unit`)
    bands : the only surveys whose bands are taken: 'gaia', '2mass', 'wise' (`--bands`)
    missing : numbers that stand for a missing one, besides -999, 99.99 and the like (`--missing`)
    keep_sentinels : whether those are magnitudes like others (`--keep-sentinels`)

    Returns
    -------
    A table of the same kind; an astropy table of a file. The key 'sedsql' of its metadata (astropy's `meta`, Arrow's
    `schema.metadata`, pandas' `attrs`; polars has none) says which model answered, when, and from which columns.

    Examples
    --------
    >>> import sedsql
    >>> from astropy.table import Table
    >>> source = Table({"Gmag": [17.2], "BPmag": [18.9], "RPmag": [15.8], "Jmag": [12.9], "Hmag": [11.6]})
    >>> found = sedsql.classify(source, model="shape-2")  # doctest: +SKIP
    """
    options = files.ReadOptions.of(columns, units, bands, missing, keep_sentinels)
    classifier = Classifier(find_model(model, models), prior, options)
    result = _classified(classifier, table)
    for text in classifier.notes():
        warnings.warn(text, TableWarning, stacklevel=2)
    return result


def _classified(classifier: Classifier, rows: Rows) -> Any:
    if isinstance(rows, str | os.PathLike):
        return classified_table(classifier, files.read_table(Path(rows)))
    if isinstance(rows, Table):
        return classified_table(classifier, rows.copy(copy_data=False))
    if hasattr(rows, "to_table") and hasattr(rows, "votable"):  # pyvo
        return _results(type(rows), classified_table(classifier, rows.to_table()))
    if hasattr(rows, "fetchone") and hasattr(rows, "table"):  # a cursor of sedsql
        return classified_table(classifier, rows.table())
    if hasattr(rows, "iloc"):
        return _data_frame(classifier, rows)
    table = files.arrow_of(rows)
    classifier.find(table.schema)
    added = added_columns(classifier, table.column, len(table))
    if not hasattr(rows, "hstack"):
        metadata = {**(table.schema.metadata or {}), PROVENANCE: to_json(classifier.metadata()[PROVENANCE])}
        schema = pa.schema([*table.schema, *added.schema], metadata)
        return pa.table([*table.columns, *added.columns], schema=schema)
    import polars

    return rows.hstack(polars.DataFrame(added))


def _data_frame(classifier: Classifier, rows: Any) -> Any:
    """Classify a DataFrame of pandas; of its other columns nothing is asked."""
    names = [str(name) for name in rows.columns]
    classifier.find(pa.schema([(name, pa.null()) for name in names]))
    added = added_columns(classifier, lambda name: frame_column(rows, names.index(name)), len(rows))
    result = rows.copy()
    for name in added.column_names:
        result[name] = added[name].to_pandas().to_numpy()
    result.attrs.update(classifier.metadata())
    return result


def frame_column(frame: Any, place: int) -> pa.Array:
    """Give a column of a DataFrame of pandas as Arrow's; texts where it holds a mixture."""
    series = frame.iloc[:, place]
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):  # a mixture, or no numbers at all
        gone = series.isna()
        return pa.array([None if none else str(value) for value, none in zip(series, gone, strict=True)], pa.string())


def _results(kind: type, table: Table) -> Any:
    """Make pyvo's results of a table."""
    votable = to_votable(table)
    resource = votable.resources[0]
    resource.type = "results"
    resource.infos.append(Info(name="QUERY_STATUS", value="OK"))
    return kind(votable)
