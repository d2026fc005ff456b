"""Start Spark for sedsql, or say in a sentence what it lacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sedsql.integrations.spark.requirements import SparkError, check_java, check_package

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.sql.execution.pyspark.udf.hideTraceback.enabled": "true",
    "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "true",
    "spark.ui.enabled": "false",
}
"""Errors of one sentence; from Spark 4.2 columns of Parquet that do not become rows before they go to Python, which
gives a tenth more rows a second; and no page of Spark's own."""


def session(master: str = "local[*]", settings: Mapping[str, str] | None = None) -> SparkSession:
    """Start Spark on this machine, or give the session that there is.

    Parameters
    ----------
    master : how many cores it takes, `local[4]`, or a cluster, `spark://host:7077`
    settings : of Spark, besides SETTINGS or in their place: {"spark.driver.memory": "8g"}

    Raises
    ------
    SparkError
        Where there is no pyspark or Java, or of too low a version.
    """
    check_package()
    check_java()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("sedsql").master(master).config(map={**SETTINGS, **(settings or {})})
    try:
        return builder.getOrCreate()
    except PySparkException as error:
        raise SparkError(f"Spark does not start: {str(error).splitlines()[0]}") from None
