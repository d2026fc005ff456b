"""Tell whether Spark is here, and of a version that has what sedsql needs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sedsql.errors import Error

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST_SPARK = (4, 1)
"""The first with Arrow UDFs."""
LEAST_JAVA = 17


class SparkError(Error, RuntimeError):
    """Spark that is not here, or not of the version that it takes."""


def check_session(spark: SparkSession) -> None:
    """Raise SparkError unless a session, and the package that made it, are of a version with Arrow UDFs."""
    check_package()
    if _number(spark.version) < LEAST_SPARK:
        raise SparkError(f"The cluster has Spark {spark.version}; sedsql needs 4.1 or later there too.")


def check_package() -> None:
    """Raise SparkError unless pyspark is installed, in a version with Arrow UDFs."""
    try:
        from pyspark import __version__ as found
    except ImportError:
        raise SparkError("There is no pyspark in this Python; install it with: pip install 'sedsql[spark]'") from None
    if _number(found) < LEAST_SPARK:
        raise SparkError(f"pyspark {found} is installed; sedsql needs 4.1 or later: pip install 'sedsql[spark]'")


def check_java() -> None:
    """Raise SparkError unless there is a Java that runs Spark."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    there = shutil.which(java)
    if there is None:
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "there is no `java` on the PATH"
        raise SparkError(f"Spark needs Java {LEAST_JAVA} or later, and {where}: install one, or set JAVA_HOME.")
    told = subprocess.run([there, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if version and int(version[1]) < LEAST_JAVA:
        raise SparkError(f"Spark needs Java {LEAST_JAVA} or later, and {there} is {version[1]}: set JAVA_HOME.")


def _number(version: str) -> tuple[int, int]:
    first, second = re.findall(r"\d+", version)[:2]
    return int(first), int(second)
