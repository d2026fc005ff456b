"""What Dask's workers do with a partition: a DataFrame of pandas in, one with more columns out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from sedsql.files import ReadOptions
from sedsql.inference.classify_batch import session_of
from sedsql.inference.classify_rows import frame_column
from sedsql.inference.classify_table import Classifier, Prior, added_columns
from sedsql.inference.model import Model, ModelError, find_model
from sedsql.integrations.pandas import as_series, with_functions


@dataclass(frozen=True)
class Asked:
    """A model as the process that makes the graph has it, by name and by its card's digest."""

    name: str
    folders: tuple[str, ...]
    digest: str

    @classmethod
    def of(cls, name: str, models: Iterable[str | Path] | None) -> Asked:
        """Find a model here."""
        folders = tuple(str(Path(path).absolute()) if Path(path).is_dir() else str(path) for path in models or ())
        return cls(name, folders, find_model(name, folders).digest)

    def model(self) -> Model:
        """Find the same model in a worker."""
        model = session_of(self.name, self.folders).model
        if model.digest != self.digest:
            raise ModelError(
                f"Model {self.name} of this worker is another one than where the graph was made: give all the same "
                f"version of sedsql, and the same files in {model.folder}."
            )
        return model


@dataclass(frozen=True)
class Functions:
    """Adds columns of functions to a partition, as `sedsql.pandas.with_functions` does."""

    asked: Asked
    functions: Mapping[str, str]
    columns: Mapping[str, str] | None = None

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        self.asked.model()
        return with_functions(
            frame, self.functions, self.asked.name, models=self.asked.folders, columns=self.columns, threads=1
        )


@dataclass(frozen=True)
class Classes:
    """Adds the columns of `sedsql.classify` to a partition."""

    asked: Asked
    prior: Prior | None = None
    options: ReadOptions = field(default_factory=ReadOptions)

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        classifier, names = self.found(frame.columns)
        added = added_columns(classifier, lambda name: frame_column(frame, names.index(name)), len(frame), threads=1)
        columns = {name: added[name].combine_chunks() for name in added.column_names}
        return frame.assign(**{name: as_series(column, frame.index) for name, column in columns.items()})

    def found(self, columns: Iterable[Any]) -> tuple[Classifier, list[str]]:
        """Find the bands among the columns of a partition; raise TableError where they are too few."""
        names = [str(name) for name in columns]
        classifier = Classifier(self.asked.model(), self.prior, self.options)
        classifier.find(pa.schema([(name, pa.null()) for name in names]))
        return classifier, names
