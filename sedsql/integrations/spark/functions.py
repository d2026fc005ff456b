"""Make the functions of models callable in Spark SQL and in DataFrames, over Spark Connect too."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedsql import __version__
from sedsql.adql.spark.values import literal
from sedsql.files.resources import folder
from sedsql.inference.model import DEFAULT_MODEL, Model, ModelError, find_models
from sedsql.integrations.spark.photometry import register_photometry
from sedsql.integrations.spark.requirements import check_session
from sedsql.integrations.spark.worker import TYPES, Known

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def register(spark: SparkSession, models: Iterable[str | Path] | None = None, default: str | None = None) -> None:
    """Make the `sed_*` functions callable in a Spark session.

    They are Arrow UDFs: Spark hands batches of rows to Python on its workers, where the kernel computes them. Models
    that are handed in are sent to the workers with the session; sedsql must be installed there, in the same version.

    Parameters
    ----------
    spark : a session of Spark 4.1 or later, classic or of Spark Connect
    models : folders of models to add to the shipped ones
    default : name of the model that answers when a query names none; 'shape-2' unless told

    Raises
    ------
    SparkError
        Where Spark is not of a version that has Arrow UDFs.
    ModelError
        Where a folder holds no model, or there is no model `default`.

    Examples
    --------
    `sedsql.spark.register(spark)`, then
    `spark.sql("SELECT sed_class(struct(s.*)) FROM photometry AS s")`, or
    `df.select(pyspark.sql.functions.call_function("sed_class", *magnitudes))`.
    """
    check_session(spark)
    found, name = find_models(models), default or DEFAULT_MODEL
    if name not in found:
        raise ModelError(f"No model {name!r}; there are {', '.join(found)}.")
    shipped = folder("models").absolute()
    known: dict[str, tuple[str, str | None]] = {}
    for model in found.values():
        own = model.folder.absolute().parent != shipped
        known[model.name] = model.digest, _sent(spark, model) if own else None
    from pyspark.sql import functions
    from pyspark.sql.pandas.types import from_arrow_type

    arrow_udf: Callable[..., Any] = functions.arrow_udf  # its overloads know no function without type hints
    for function, kind in TYPES.items():
        spark.udf.register(function, arrow_udf(_call(function, name, known), from_arrow_type(kind)))
    spark.sql(_place(found, name))
    register_photometry(spark)


def _sent(spark: SparkSession, model: Model) -> str:
    """Send a model's folder to the workers; say what it is called there."""
    model.graph()  # which must be the card's
    name = f"sedsql-{model.digest[:16]}"
    packed = _archives() / f"{name}.zip"
    if not packed.exists():
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(model.folder.iterdir()):
                if file.is_file():
                    archive.write(file, file.name)
    spark.addArtifacts(f"{packed}#{name}", archive=True)
    return name


_folder: list[Path] = []


def _archives() -> Path:
    """Make the folder from which Spark sends archives for as long as this process lives."""
    if not _folder:
        _folder.append(Path(tempfile.mkdtemp(prefix="sedsql-spark-")))
        atexit.register(shutil.rmtree, _folder[0], ignore_errors=True)
    return _folder[0]


class _Shipped:
    """A function as Spark pickles it: what makes it on a worker is pickled whole, so that it runs without sedsql."""

    def __init__(self, *given: Any):
        self._given = given

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _arrival(), self._given

    def __call__(self, *columns: Any) -> Any:
        raise NotImplementedError("Spark's workers compute it.")


def _arrival() -> Callable[..., Any]:
    """Give what makes a function on a worker, or says what that lacks; one within a function is pickled whole."""

    def arrive(version: str, name: str, default: str, known: Known) -> Any:
        import platform
        import sys

        here = f"the worker {platform.node()}"
        try:
            from sedsql import __version__ as found
            from sedsql.integrations.spark.worker import compute
        except ImportError as error:
            raise RuntimeError(
                f"There is no sedsql for Spark on {here} ({error}): install sedsql {version} for its Python, "
                f"{sys.executable}, or name another Python by spark.pyspark.python or PYSPARK_PYTHON."
            ) from None
        if found != version:
            raise RuntimeError(f"On {here} is sedsql {found}, and here {version}: install the same on both.")

        def of_columns(*columns: Any) -> Any:
            return compute(name, default, known, *columns)

        return of_columns

    return arrive


def _call(name: str, default: str, known: Known) -> Callable[..., Any]:
    """Make the function that Spark is given; without annotations it takes any number of columns."""
    compute = _Shipped(__version__, name, default, dict(known))

    def call(*columns: Any) -> Any:
        return compute(*columns)

    call.__name__ = name
    call.__annotations__.clear()
    return call


def _place(models: dict[str, Model], default: str) -> str:
    """Write `sed_place(label, model)`, the place of a class among a model's probabilities, in Spark's SQL."""
    cases = []
    for name, model in models.items():
        listed = f"array({', '.join(map(literal, model.classes))})"
        wrong = literal(f"Model {name} has no class ")
        has = literal(f"; it has {', '.join(model.classes)}.")
        place = f"nullif(array_position({listed}, label), 0)"
        failed = f"raise_error({wrong} || label || {has})"
        cases.append(f"WHEN {literal(name)} THEN if(label IS NULL, NULL, coalesce({place}, {failed}))")
    there = literal(f"; there are {', '.join(models)}.")
    unknown = f"raise_error('No model ' || model || {there})"
    return (
        "CREATE OR REPLACE TEMPORARY FUNCTION sed_place(label STRING, model STRING) RETURNS INT RETURN "
        f"CASE coalesce(model, {literal(default)}) {' '.join(cases)} ELSE {unknown} END"
    )
