"""A Spark cluster on one machine, with several executor processes: for trying out, tests and measurements."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import drgengine
from drgengine.errors import DrgEngineError
from drgengine.spark.needs import require_java, require_pyspark


def local_cluster(
    executors: int = 2, cores: int = 1, memory_mb: int = 1024, *, settings: Mapping[str, str] | None = None
) -> Any:
    """Start a SparkSession on a cluster of this machine's own (本机集群): one JVM per executor, as on a real cluster.

    executors : number of executor processes; cores, memory_mb : of each
    settings : further Spark settings, e.g. {"spark.sql.session.timeZone": "Asia/Shanghai"}; they win
    returns pyspark.sql.SparkSession; stop() ends the cluster

    Listens on 127.0.0.1 only and needs no network. The environment variables that Spark reads for this
    (SPARK_HOME, SPARK_SCALA_VERSION, SPARK_WORKER_DIR, SPARK_LOCAL_IP, PYSPARK_PYTHON) are set where they are not.
    Raises DrgEngineError when PySpark or Java 17 is missing, or another session is running.
    """
    require_pyspark()
    require_java()
    from pyspark.sql import SparkSession

    if SparkSession.getActiveSession() is not None:
        raise DrgEngineError("local_cluster", "a Spark session is running already", "Stop it first: spark.stop()")
    scratch = tempfile.mkdtemp(prefix="drgengine-spark-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for name, value in _environment(scratch).items():
        os.environ.setdefault(name, value)
    builder = SparkSession.builder.master(f"local-cluster[{executors},{cores},{memory_mb}]").appName("drgengine")
    for name, value in (_settings(scratch, memory_mb) | dict(settings or {})).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _environment(scratch: str) -> dict[str, str]:
    import pyspark

    home = Path(pyspark.__file__).parent
    library = next((home / "jars").glob("scala-library-*.jar"), None)
    scala = ".".join(library.stem.removeprefix("scala-library-").split(".")[:2]) if library else "2.13"
    return {
        "SPARK_HOME": str(home),
        # Without it the launcher of the executors looks for a build folder, which the PyPI package does not have.
        "SPARK_SCALA_VERSION": scala,
        "SPARK_WORKER_DIR": str(Path(scratch, "work")),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }


def _settings(scratch: str, memory_mb: int) -> dict[str, str]:
    # A source folder that is not installed has to be found by the executors as well.
    package = str(Path(drgengine.__file__).resolve().parent.parent)
    path = os.pathsep.join(dict.fromkeys([package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]))
    return {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": f"{memory_mb}m",
        "spark.executorEnv.PYTHONPATH": path,
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": str(Path(scratch, "warehouse")),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
