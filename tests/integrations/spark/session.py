"""A Spark session for tests: two threads, a small heap, and no one but this machine to talk to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]


def start(folder: Path, name: str = "sedsql") -> Any:
    """Start a session that keeps its files in a folder; workers find this checkout and this Python."""
    import pyspark
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    from sedsql.integrations.spark.start import SETTINGS

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    beside = Path(pyspark.__file__).parents[1]
    log = folder / "log4j2.properties"
    log.write_text("rootLogger.level = off\n")
    java = f"-Dlog4j2.configurationFile=file:{log} -Dderby.system.home={folder} -XX:TieredStopAtLevel=1"
    builder = SparkSession.builder.master("local[2]").appName(name)
    for key, value in {
        **SETTINGS,
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": java,
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.executorEnv.PYTHONPATH": f"{CHECKOUT}:{beside}",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True  # the whole stack of each refusal
    return session
