"""Compute the functions of models for a batch of Arrow, without a database: for engines that bring batches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from sedsql.inference.batch_columns import arrow_of, find_columns, pieces
from sedsql.inference.batch_functions import checked, computed, parsed
from sedsql.inference.card import FILE
from sedsql.inference.kernel_session import KernelSession, Runs, loaded
from sedsql.inference.model import DEFAULT_MODEL, Model, find_model

PIECE = 1 << 15
"""Rows that are computed at a time, which what is computed of them stays in the processor's cache for."""


def classify_batch(
    batch: Any,
    functions: str | Iterable[str] | Mapping[str, str] = "sed_class",
    model: str = DEFAULT_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
    engine: Runs | None = None,
    threads: int | None = 1,
) -> pa.RecordBatch:
    """Compute functions of a model for each row of a batch, as SQL computes them.

    The batch that comes out has a column for each function, with as many rows; null where the bands are too few. The
    kernel computes them without Python's lock, so threads may work on batches of their own; ONNX Runtime does
    where there is no kernel, or it does not run the model.

    Parameters
    ----------
    batch : a record batch or table of Arrow, or of whatever gives one (pandas, polars and others: objects with
        `__arrow_c_array__` or `__arrow_c_stream__`). Columns of the ten bands have the archive's names
        (`phot_g_mean_mag` ... `w4mpro`, magnitudes), and so have `parallax`, `parallax_error` (mas), `ra` and `dec`
        (degrees), of models that take them, and errors of magnitudes. What is not there is missing.
    functions : those to compute, such as "sed_class", ["sed_class", "sed_proba('yso')", "sed_set(0.9)"], or by the
        names of the columns that come out, {"p": "sed_proba('yso')"}
    model : name of the model
    models : folders of models to add to the shipped ones
    columns : what the batch calls a column, by the archive's name: {"j_m": "Jmag"}
    engine : 'native', the kernel, or 'onnx', ONNX Runtime; the kernel where it runs the model unless told
    threads : how many compute pieces of the batch at once; None for as many as there are processors

    Raises
    ------
    ColumnError
        Where the batch has fewer bands than the model takes, or a column that holds no numbers.
    CallError
        Where a function is not there, or its argument is not as it should be.
    ModelError
        Where the model is not there, was changed, or does not know the class or level.

    Examples
    --------
    >>> import pyarrow as pa, sedsql
    >>> batch = pa.record_batch({"phot_g_mean_mag": [17.2], "phot_bp_mean_mag": [18.9], "phot_rp_mean_mag": [15.8],
    ...                          "j_m": [12.9], "h_m": [11.6], "ks_m": [10.6], "w1mpro": [9.4], "w2mpro": [8.6],
    ...                          "w3mpro": [6.1], "w4mpro": [3.7]})
    >>> sedsql.classify_batch(batch, ["sed_class"])["sed_class"].to_pylist()
    ['yso']
    """
    named = by_name(functions)
    calls = [parsed(written) for written in named.values()]
    session = session_of(model, tuple(map(str, models or ())), engine)
    checked(session.model, calls)
    table = arrow_of(batch)
    found = find_columns(table.schema, session.model, calls, columns or {})

    def compute(piece: tuple[list[pa.Array | None], int]) -> list[pa.Array]:
        return computed(session, calls, *piece)

    cut = pieces(table, found, PIECE)
    at_once = threads or os.cpu_count() or 1
    if at_once > 1 and table.num_rows > PIECE:
        with ThreadPoolExecutor(at_once) as pool:
            parts = list(pool.map(compute, cut))
    else:
        parts = list(map(compute, cut))
    return pa.RecordBatch.from_arrays([pa.concat_arrays(column) for column in zip(*parts, strict=True)], names=[*named])


def by_name(functions: str | Iterable[str] | Mapping[str, str]) -> dict[str, str]:
    """Give functions the names of their columns."""
    if isinstance(functions, Mapping):
        return dict(functions)
    return {written: written for written in ([functions] if isinstance(functions, str) else functions)}


def session_of(model: str, models: tuple[str, ...] = (), engine: Runs | None = None) -> KernelSession:
    """Find a model and load it; what is found is found again only where its card was written since."""
    key = model, models
    known = _found.get(key)
    if known is None or known[0] != _stamp(known[1]):
        found = find_model(model, models)
        known = _found[key] = _stamp(found), found
    return loaded(known[1], engine)


_found: dict[tuple[str, tuple[str, ...]], tuple[tuple[int, int] | None, Model]] = {}


def _stamp(model: Model) -> tuple[int, int] | None:
    """Tell a card from one that was written later in its place."""
    try:
        card = os.stat(model.folder / FILE)
    except OSError:
        return None
    return card.st_mtime_ns, card.st_size
