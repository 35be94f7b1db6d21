"""Costing and the time pyarrow needs to read the charge lines, side by side in one run.

    python benchmarks/costing_side_by_side.py                       all parts, 20 million lines
    python benchmarks/costing_side_by_side.py charges --lines 2000000

charges: `read_activity` against reading the whole file with pyarrow (batches of all columns, and the table at once).
run: a whole run of a synthetic hospital of 50,000 cases and 300 departments, every result written, against reading its
charge file with pyarrow. The file has the columns of a hospital's own export: line and visit number, item name and time
of charging stand beside what costing needs.
allocation: 400 departments x 20 cost items by every method, the result's tables included.
Times are the least of several runs after a warm-up; the runs of the contestants take turns. Peak memory is that of a
process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import costing_lines
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drgengine import costing, group
from drgengine.costing.charges.readcharges import read_activity
from drgengine.synth import hospital_model, sample

HERE = Path(__file__).resolve().parent


def read_batches(path: Path) -> None:
    """Every column of every row, in batches."""
    for _ in pq.ParquetFile(path).iter_batches(131_072):
        pass


def least(contestants: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Least seconds of each contestant; they take turns, after one warm-up each."""
    best = dict.fromkeys(contestants, float("inf"))
    for turn in range(runs + 1):
        for name, run in contestants.items():
            started = time.perf_counter()
            run()
            if turn:
                best[name] = min(best[name], time.perf_counter() - started)
    return best


def peak_memory(call: str) -> int:
    """Peak resident memory in MiB of a fresh process that makes a call."""
    # VmHWM, because ru_maxrss of a child also counts what its parent held when it was started.
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r}); import costing_lines; from pathlib import Path\n"
        "from drgengine.costing.charges.readcharges import read_activity\n"
        f"{call}\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) // 1024


def charges(lines: int, runs: int, folder: Path) -> dict[str, object]:
    """Figures of the pass over the charge lines."""
    path = folder / f"charges-{lines}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        costing_lines.write_lines(path, lines)
    model = costing_lines.model(path)
    seconds = least(
        {
            "pyarrow, batches": lambda: read_batches(path),
            "pyarrow, table": lambda: pq.read_table(path),
            "read_activity": lambda: read_activity(model),
        },
        runs,
    )
    floor = min(seconds["pyarrow, batches"], seconds["pyarrow, table"])
    return {
        "lines": lines,
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "times_reading": {name: round(value / floor, 2) for name, value in seconds.items()},
        "peak_memory_mib": peak_memory(f"read_activity(costing_lines.model(Path({str(path)!r})))"),
    }


def whole_run(lines: int, runs: int, folder: Path) -> dict[str, object]:
    """Figures of a whole run, from model folder to result folder."""
    place = folder / f"hospital-{lines}"
    if not place.exists():
        make_hospital(place, lines)
    path, out = place / "charges.parquet", folder / "cost_results"
    seconds = least(
        {
            "pyarrow, batches": lambda: read_batches(path),
            "pyarrow, table": lambda: pq.read_table(path),
            "run": lambda: costing.run(place, out),
        },
        runs,
    )
    call = f"from drgengine import costing; costing.run({str(place)!r}, {str(out)!r})"
    return {
        "lines": pq.read_metadata(path).num_rows,
        "departments": sum(1 for _ in (place / "departments.csv").open(encoding="utf-8-sig")) - 1,
        "cases": pq.read_metadata(place / "discharges.parquet").num_rows,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "times_reading_batches": round(seconds["run"] / seconds["pyarrow, batches"], 2),
        "times_reading_table": round(seconds["run"] / seconds["pyarrow, table"], 2),
        "peak_memory_mib": peak_memory(call),
    }


def make_hospital(place: Path, lines: int) -> None:
    """A hospital of 50,000 cases in about 300 departments with about so many charge lines."""
    cases, _ = sample(50_000, hospitals=1, departments=18, seed=7)
    rng = np.random.default_rng(7)
    part = rng.integers(1, 8, cases.num_rows)
    wards = [f"{code}-{n}" if n > 1 else code for code, n in zip(cases["department_id"].to_pylist(), part, strict=True)]
    at = cases.schema.get_field_index("department_id")
    grouped = group(cases.set_column(at, "department_id", pa.array(wards)))
    hospital_model(place, grouped, lines_per_case=LINES_PER_CASE * lines / 20_000_000)
    as_exported(place / "charges.parquet", place)


def as_exported(path: Path, place: Path) -> None:
    """Add the columns that an export has and costing does not read."""
    items = pd.concat([pd.read_csv(place / name, dtype=str) for name in ("items.csv", "goods.csv")])
    code, name = items["项目编码"].tolist(), items["项目名称"].tolist()
    rng = np.random.default_rng(8)
    written, done, writer = path.with_suffix(".exported"), 0, None
    for batch in pq.ParquetFile(path).iter_batches(1 << 19):
        n = batch.num_rows
        seconds = rng.integers(0, 86_400, n)
        days = batch["收费日期"].cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
        at = batch.schema.get_field_index("收费日期")
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns[batch.schema.names[at]] = pa.array(days * 86_400 + seconds).cast(pa.timestamp("s"))
        columns["收费序号"] = pa.array(np.arange(done, done + n) * 7 + 10**10)
        columns["就诊号"] = pc.binary_join_element_wise(
            "ZY", pc.coalesce(batch["住院号"].cast(pa.string()), pa.scalar("0")), ""
        )
        places = pc.index_in(batch["项目编码"].cast(pa.string()), pa.array(code))
        columns["项目名称"] = pa.DictionaryArray.from_arrays(places, pa.array(name))
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(written, table.schema, compression="zstd")
        writer.write_table(table)
        done += n
    if writer is not None:
        writer.close()
        written.replace(path)


def allocation(_lines: int, runs: int, _folder: Path) -> dict[str, object]:
    """Milliseconds of each allocation method."""
    rng = np.random.default_rng(5)
    codes = [f"D{n:03d}" for n in range(400)]
    category = dict(zip(codes, np.repeat(["administration", "auxiliary", "technology", "clinical"], 100), strict=True))
    costs = pd.DataFrame(rng.uniform(1e4, 1e7, (400, 20)), index=codes, columns=[f"item {n}" for n in range(20)])
    drivers = pd.DataFrame(rng.uniform(0, 100, (300, 400)), index=codes[:300], columns=codes)
    order = codes[:300]

    def once(method: str) -> None:
        found = costing.allocate(costs, drivers, method=method, category=category, order=order, final=codes[300:])
        _ = found.full, found.received, found.origin, found.reconciliation

    names = ("direct", "step-down", "three-level", "reciprocal", "double")
    seconds = least({name: lambda name=name: once(name) for name in names}, runs)
    return {"milliseconds": {name: round(1000 * value, 1) for name, value in seconds.items()}}


PARTS = {"charges": charges, "run": whole_run, "allocation": allocation}
LINES_PER_CASE = 500.0


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("bench_data"))
    given = parser.parse_args()
    print(json.dumps({part: PARTS[part](given.lines, given.runs, given.folder) for part in given.parts}, indent=2))


if __name__ == "__main__":
    main()
