"""A cluster of Spark on this machine: a master, two workers of a core each, and a Spark Connect server before them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyspark

CHECKOUT = Path(__file__).resolve().parents[3]
SPARK = Path(pyspark.__file__).parent
LIGHT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
PATIENCE = 120
"""Seconds that a process may take to start on a busy machine."""


@dataclass
class Cluster:
    """Where it is asked, and the processes that may be killed."""

    master: str
    remote: str
    workers: list[subprocess.Popen]


@contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    """Start the processes, each the head of a group, and end them all."""
    log = folder / "log4j2.properties"
    log.write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.a.ref = a\nappender.a.type = Console\nappender.a.name = a\n"
        "appender.a.target = SYSTEM_ERR\nappender.a.layout.type = PatternLayout\nappender.a.layout.pattern = %m%n%ex\n"
    )
    java = f"-Dlog4j2.configurationFile=file:{log} -Dderby.system.home={folder} {LIGHT}"
    environment = os.environ | {
        "SPARK_HOME": str(SPARK),
        "SPARK_SCALA_VERSION": next(SPARK.glob("jars/spark-core_*.jar")).name.split("_")[1].split("-")[0],
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "768m",
        "SPARK_DAEMON_JAVA_OPTS": java,
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": f"{CHECKOUT}:{SPARK.parent}",
    }
    processes: list[subprocess.Popen] = []

    def start(name: str, *command: str) -> tuple[subprocess.Popen, Path]:
        written = folder / f"{name}.log"
        with written.open("w") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, env=environment, cwd=folder, start_new_session=True
            )
        processes.append(process)
        return process, written

    # Without Spark's own script, which starts another Java to write the command.
    java_home = os.environ.get("JAVA_HOME")
    command = (f"{java_home}/bin/java" if java_home else "java", *java.split(), "-cp", f"{SPARK}/jars/*")
    here = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    try:
        master, written = start("master", *command, "org.apache.spark.deploy.master.Master", *here)
        url = said(master, written, r"(spark://127\.0\.0\.1:\d+)")
        workers = []
        for name in ("one", "two"):
            options = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / name), url)
            workers.append(start(name, *command, "org.apache.spark.deploy.worker.Worker", *here, *options))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.memory": "768m",
            "spark.executor.extraJavaOptions": LIGHT,
            "spark.executorEnv.PYTHONPATH": environment["PYTHONPATH"],
            "spark.sql.execution.pyspark.udf.hideTraceback.enabled": "true",
            "spark.sql.files.maxPartitionBytes": "1m",
            "spark.sql.files.openCostInBytes": "0",
            "spark.ui.enabled": "false",
        }
        server, server_log = start(
            "connect",
            *(str(SPARK / "bin" / "spark-submit"), "--master", url, "--driver-java-options", java),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
            *(part for key, value in settings.items() for part in ("--conf", f"{key}={value}")),
        )
        for worker, worker_log in workers:
            said(worker, worker_log, r"Successfully registered with (master)")
        said(server, server_log, r"Spark Connect server started at: (.*)")
        yield Cluster(url, f"sc://127.0.0.1:{port}", [worker for worker, _ in workers])
    finally:
        for process in reversed(processes):
            kill(process)


def said(process: subprocess.Popen, written: Path, pattern: str) -> str:
    """Wait until a process has written something, and give the group of it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = re.search(pattern, written.read_text(errors="replace"))
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{written.name} does not say {pattern}:\n{written.read_text(errors='replace')[-2000:]}")


def kill(process: subprocess.Popen) -> None:
    """Kill a process with all that it started, executors and Python too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
