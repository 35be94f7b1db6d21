"""Grouping and statistics on a Spark cluster of several processes against one machine, on the same discharges.

    python benchmarks/spark_cluster.py [--rows 1000000] [--executors 2] [--cores 1]

Both read one Parquet file and write grouped Parquet. The cluster is measured twice: the first run starts the Python
workers and loads the kernels. The file is invented and removed again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import drgengine as de
from drgengine.evaluation.mix import unit_statistics
from drgengine.spark import group, local_cluster
from drgengine.spark import unit_statistics as spark_statistics
from drgengine.synth import generate


def timed(what: str, rows: int, call: Callable[[], Any]) -> Any:
    """Call, and print how long it took."""
    start = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - start
    print(f"{what:<58} {seconds:7.1f} s {rows / seconds:12,.0f} rows/s", flush=True)
    return result


def answers(path: Path) -> pa.Table:
    """Case and answer as text, in the order of the cases."""
    table = pq.read_table(path, columns=["case_id", "status", "drg", "severity", "reason"])
    texts = pa.table({name: table[name].cast(pa.string()) for name in table.column_names})
    return texts.sort_by("case_id").combine_chunks()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--executors", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="of each executor")
    asked = parser.parse_args()
    rows = asked.rows
    with tempfile.TemporaryDirectory() as folder:
        cases, alone, spread = (Path(folder, name) for name in ("cases.parquet", "alone.parquet", "spread"))
        generate(cases, rows=rows, seed=9, row_group=65_536)
        print(f"{rows:,} discharges, {cases.stat().st_size / 1e6:.0f} MB; {os.cpu_count()} cores in this machine")
        de.group_file(cases, alone)  # loads the kernels
        timed("one machine, group_file, all cores", rows, lambda: de.group_file(cases, alone))
        timed("one machine, group_file, one thread", rows, lambda: de.group_file(cases, alone, threads=1))
        statistics = timed("one machine, unit_statistics", rows, lambda: unit_statistics(alone))
        settings = {
            "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
            "spark.sql.files.maxPartitionBytes": str(max(cases.stat().st_size // 16, 1 << 22)),
            "spark.log.level": "ERROR",
        }
        shape = f"cluster of {asked.executors} x {asked.cores}"
        spark = local_cluster(asked.executors, asked.cores, settings=settings)
        try:
            read = spark.read.parquet(str(cases))
            for run in ("first run", "second run"):
                writer = group(read).write.mode("overwrite")
                timed(f"{shape}, group, Parquet to Parquet, {run}", rows, lambda w=writer: w.parquet(str(spread)))
            copy = read.write.mode("overwrite")
            timed(f"{shape}, Spark alone, Parquet to Parquet", rows, lambda: copy.parquet(str(Path(folder, "copy"))))
            grouped = spark.read.parquet(str(spread))
            found = timed(f"{shape}, unit_statistics", rows, lambda: spark_statistics(grouped))
        finally:
            spark.stop()
        print(f"statistics equal: {found.cells.equals(statistics.cells)}")
        print(f"answers equal: {answers(alone).equals(answers(spread))}")


if __name__ == "__main__":
    main()
