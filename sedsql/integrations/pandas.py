"""pandas: the functions of models as columns of a DataFrame. `sedsql.classify` takes DataFrames as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from sedsql.inference.batch_columns import renamed
from sedsql.inference.classify_batch import classify_batch
from sedsql.inference.model import DEFAULT_MODEL


def with_functions(
    frame: pd.DataFrame,
    functions: str | Iterable[str] | Mapping[str, str] = "sed_class",
    model: str = DEFAULT_MODEL,
    *,
    models: Iterable[str | Path] | None = None,
    columns: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """Add a column for each function; all arguments are those of `sedsql.classify_batch`.

    The new DataFrame has the same index. The columns that are added are Arrow's; what is missing there is NA.

    Parameters
    ----------
    threads : as many as there are processors unless told

    Examples
    --------
    >>> import pandas as pd, sedsql
    >>> frame = pd.DataFrame({"j_m": [12.9, 9.1], "h_m": [11.6, 8.7], "ks_m": [10.6, 8.6], "w1mpro": [9.4, 8.5]})
    >>> found = sedsql.pandas.with_functions(frame, {"what": "sed_class", "p": "sed_proba('yso')"})
    >>> found["what"].dtype
    string[pyarrow]
    """
    # Of the other columns nothing is asked: they may be what Arrow has no type for.
    taken = [name for name in renamed(columns or {}).values() if name in frame.columns]
    batch = pa.Table.from_pandas(frame[taken], preserve_index=False)
    found = classify_batch(batch, functions, model, models=models, columns=columns, threads=threads)
    return frame.assign(**{name: as_series(found[name], frame.index) for name in found.schema.names})


def as_series(column: pa.Array, index: pd.Index) -> Any:
    """Give a column of Arrow as a Series that is Arrow's."""
    kind = pd.ArrowDtype(column.type)
    return pd.Series(pd.array(pa.chunked_array([column]), kind), index=index)
