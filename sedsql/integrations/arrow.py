"""pyarrow: the functions of models as columns of a dataset, read and answered batch by batch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from sedsql.inference.classify_batch import by_name, classify_batch
from sedsql.inference.model import DEFAULT_MODEL


def with_functions(
    source: ds.Dataset | ds.Scanner | pa.Table | pa.RecordBatchReader,
    functions: str | Iterable[str] | Mapping[str, str] = "sed_class",
    model: str = DEFAULT_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> pa.RecordBatchReader:
    """Add a column for each function to batches as they come; a table larger than memory passes through.

    Parameters
    ----------
    source : a dataset, a scanner of one (which columns, which rows), a table or a reader
    functions, model, models, columns : as `sedsql.classify_batch` has them
    threads : as many as there are processors unless told

    Returns
    -------
    A reader, which DuckDB, `pyarrow.dataset.write_dataset` and others take.

    Examples
    --------
    >>> import pyarrow.dataset, sedsql
    >>> stars = pyarrow.dataset.dataset("stars.parquet")                                              # doctest: +SKIP
    >>> pyarrow.dataset.write_dataset(sedsql.arrow.with_functions(stars), "out", format="parquet")    # doctest: +SKIP
    """
    reader = _reader(source)
    written = by_name(functions)
    folders, workers = list(models or ()), threads or os.cpu_count() or 1

    def answered(batch: pa.RecordBatch) -> pa.RecordBatch:
        found = classify_batch(batch, written, model, models=folders, columns=columns)
        return pa.RecordBatch.from_arrays([*batch.columns, *found.columns], schema=schema)

    nothing = classify_batch(reader.schema.empty_table(), written, model, models=folders, columns=columns)
    schema = pa.schema([*reader.schema, *nothing.schema], reader.schema.metadata)

    def batches() -> Iterator[pa.RecordBatch]:
        waiting: deque[Future[pa.RecordBatch]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for batch in reader:
                waiting.append(pool.submit(answered, batch))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _reader(source: ds.Dataset | ds.Scanner | pa.Table | pa.RecordBatchReader) -> pa.RecordBatchReader:
    if isinstance(source, ds.Dataset):
        source = source.scanner()
    return source if isinstance(source, pa.RecordBatchReader) else source.to_reader()
