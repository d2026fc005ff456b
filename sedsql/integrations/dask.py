"""Dask: the functions of models as columns of a Dask DataFrame, computed where its partitions are."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sedsql.files import ReadOptions, TableWarning
from sedsql.inference.classify_batch import by_name
from sedsql.inference.classify_table import Prior
from sedsql.inference.model import DEFAULT_MODEL, SKY_MODEL
from sedsql.integrations.partitions import Asked, Classes, Functions


def with_functions(
    frame: Any,
    functions: str | Iterable[str] | Mapping[str, str] = "sed_class",
    model: str = DEFAULT_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Any:
    """Add a column for each function to a Dask DataFrame or a catalog of LSDB; nothing is computed yet.

    All arguments are those of `sedsql.classify_batch`; columns and functions are checked at once.

    Notes
    -----
    Workers need sedsql, and models of your own under the same path.

    Examples
    --------
    >>> import dask.dataframe as dd, sedsql                                                       # doctest: +SKIP
    >>> stars = dd.read_parquet("stars/*.parquet")                                                # doctest: +SKIP
    >>> sedsql.dask.with_functions(stars, ["sed_class"]).to_parquet("classified")                 # doctest: +SKIP
    """
    work = Functions(Asked.of(model, models), by_name(functions), columns)
    return frame.map_partitions(work, meta=work(meta_of(frame)))


def classify(
    frame: Any,
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
    """Add `sed_class`, `sed_probability`, `sed_path` and `sed_n_bands` to a Dask DataFrame or a catalog of LSDB.

    All arguments are those of `sedsql.classify`. Nothing is computed yet; a table without the bands is told at once.

    Examples
    --------
    >>> import lsdb, sedsql                                                                       # doctest: +SKIP
    >>> gaia = lsdb.open_catalog("gaiadr3/gaia_source")                                           # doctest: +SKIP
    >>> wise = lsdb.open_catalog("gaiadr1/allwise_original_valid")                                # doctest: +SKIP
    >>> both = gaia.crossmatch(wise, radius_arcsec=1, suffixes=("", "_wise"))                     # doctest: +SKIP
    >>> named = {"w1mpro": "w1mpro_wise", "w2mpro": "w2mpro_wise"}                                # doctest: +SKIP
    >>> sedsql.lsdb.classify(both, columns=named).write_catalog("classified")                           # doctest: +SKIP
    """
    options = ReadOptions.of(columns, units, bands, missing, keep_sentinels)
    work, meta = Classes(Asked.of(model, models), prior, options), meta_of(frame)
    for text in work.found(meta.columns)[0].notes():
        warnings.warn(text, TableWarning, stacklevel=2)
    return frame.map_partitions(work, meta=work(meta))


def meta_of(frame: Any) -> Any:
    """Give the empty DataFrame with the columns of a Dask DataFrame, or of a catalog of LSDB."""
    return frame.meta if hasattr(frame, "hc_structure") else frame._meta
