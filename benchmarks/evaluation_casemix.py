"""One pass over grouped discharges against reading their columns; kernel against Arrow group_by; indices of many units.

    python benchmarks/evaluation_casemix.py [--rows 2000000]

Times are minima of three runs after a warm-up; the file is invented and removed again.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drgengine.evaluation.mix import casemix, unit_statistics
from drgengine.evaluation.mix.casecolumns import find_columns, open_cases

BATCH = 131_072


def invented(rows: int, rng: np.random.Generator) -> pa.Table:
    """Grouped discharges of 200 hospitals, 20 000 physicians and 700 groups."""
    group = rng.zipf(1.3, rows) % 700
    codes = [f"{chr(65 + k // 28 % 26)}{'BR'[k % 2]}{1 + k // 4 % 9}{(1, 3, 5)[k % 3]}" for k in range(700)]
    hospital = rng.integers(0, 200, rows)
    physician = hospital * 100 + rng.integers(0, 100, rows)
    dictionary = pa.array(codes)
    drg = pa.DictionaryArray.from_arrays(pa.array(group.astype(np.int32)), dictionary)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(1, 8, rows))]).astype(np.int32)
    diagnoses = pa.DictionaryArray.from_arrays(
        pa.array(rng.integers(0, 3000, offsets[-1]).astype(np.int32)), pa.array([f"I{k:05d}" for k in range(3000)])
    )
    return pa.table(
        {
            "hospital_id": pa.array([f"H{k:03d}" for k in range(200)]).take(pa.array(hospital)),
            "physician_id": pa.array([f"P{k:05d}" for k in range(20_000)]).take(pa.array(physician)),
            "status": pa.array(["grouped", "ambiguous"]).take(pa.array((rng.random(rows) < 0.02).astype(np.int8))),
            "drg": drg,
            "severity": pa.array(["MCC", "CC", "none"]).take(pa.array(rng.integers(0, 3, rows))),
            "los_days": rng.integers(1, 40, rows).astype(np.int32),
            "discharge_disposition": rng.choice(np.array([1, 4, 5], np.int32), rows, p=[0.95, 0.04, 0.01]),
            "discharge_date": pa.array((20_100 + rng.integers(0, 365, rows)).astype(np.int32)).cast(pa.date32()),
            "total_charge": np.round(rng.lognormal(9, 0.9, rows), 2),
            "dx": pa.ListArray.from_arrays(pa.array(offsets), diagnoses.cast(pa.string())),
        }
    )


def best(call: Callable[[], Any], runs: int = 3) -> float:
    """Shortest of some runs, seconds."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def by_arrow(path: Path) -> pa.Table:
    """The same sums by Arrow group_by over whole columns."""
    names = ["hospital_id", "drg", "status", "total_charge", "los_days", "discharge_disposition", "severity", "dx"]
    table = pq.read_table(path, columns=names)
    charge = table["total_charge"]
    made = {
        "hospital_id": table["hospital_id"],
        "drg": table["drg"].cast(pa.string()),
        "status": table["status"],
        "charge": charge,
        "square": pc.multiply(charge, charge),
        "los": table["los_days"],
        "los_square": pc.multiply(table["los_days"], table["los_days"]),
        "died": pc.equal(table["discharge_disposition"], 5).cast(pa.int8()),
        "mcc": pc.equal(table["severity"], "MCC").cast(pa.int8()),
        "dx": pc.list_value_length(table["dx"]),
    }
    sums = [(name, "sum") for name in ("charge", "square", "los", "los_square", "died", "mcc", "dx")]
    return pa.table(made).group_by(["hospital_id", "drg", "status"]).aggregate([*sums, ("charge", "count")])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grouped.parquet"
        pq.write_table(invented(rows, np.random.default_rng(1)), path, row_group_size=BATCH, compression="zstd")
        opened = open_cases(path)
        columns = find_columns(opened.names, ["hospital_id"], "total_charge", "cost", "file").needed()
        reading = best(lambda: sum(batch.num_rows for batch in opened.batches(columns)))
        plain = best(lambda: pq.read_table(path, columns=columns).num_rows)
        hospitals = best(lambda: unit_statistics(path))
        physicians = best(lambda: unit_statistics(path, ["hospital_id", "physician_id"]))
        arrow = best(lambda: by_arrow(path))
        print(f"{rows:,} discharges; read_table of the columns {plain:.2f} s, by dictionaries {reading:.2f} s")
        print(f"statistics by hospital {hospitals:.2f} s = {hospitals / plain:.2f} x read_table")
        print(f"statistics by hospital and physician {physicians:.2f} s = {physicians / plain:.2f} x read_table")
        print(f"Arrow group_by by hospital {arrow:.2f} s = {arrow / hospitals:.1f} x ours")
        levels = unit_statistics(path, ["hospital_id", "physician_id"])
        for by in ("hospital_id", "physician_id"):
            statistics = levels.roll_up(by)
            cells = statistics.cells.num_rows
            print(f"casemix by {by}: {cells:,} cells in {best(lambda s=statistics: casemix(s)):.2f} s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"peak memory {peak:.2f} GiB (the file is invented in the same process)")


if __name__ == "__main__":
    main()
