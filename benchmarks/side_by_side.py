"""group_file, the kernel alone and the pyarrow floor, side by side in one run.

    python benchmarks/side_by_side.py                      1 million synthetic discharges, all 50 columns
    python benchmarks/side_by_side.py --shape narrow       only 12 columns, so that the floor has little to do
    python benchmarks/side_by_side.py --rows 10000000

The floor reads all columns with pyarrow's default threads, appends six dictionary-encoded columns and writes zstd
Parquet. Times are the least of several runs after a warm-up; the runs of the contestants take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import drgengine as de
from drgengine.cases import resolve_columns
from drgengine.formats import open_source
from drgengine.grouper.explain import case_of
from drgengine.grouper.group import RESULT_COLUMNS, Grouper
from drgengine.grouper.kernel import group_kernel
from drgengine.grouper.reference import decide
from drgengine.synth import generate

BATCH = 131_072
SCHEME = "chs-drg-2.0"
NARROW = [
    "case_id", "hospital_id", "department_id", "sex", "age_years", "age_days", "birth_weight_g", "los_days",
    "discharge_disposition", "dx", "proc", "total_charge",
]  # fmt: skip


def floor(source: Path, target: Path) -> None:
    """Read, append six dictionary columns, write: the least any grouper must do."""
    file = pq.ParquetFile(source)
    words = pa.array([f"W{number:03}" for number in range(600)])
    field = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([*file.schema_arrow, *(pa.field(name, field) for name in RESULT_COLUMNS)])
    numbers = np.random.default_rng(1).integers(0, 600, BATCH, dtype=np.int32)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in file.iter_batches(BATCH):
            column = pa.DictionaryArray.from_arrays(pa.array(numbers[: batch.num_rows]), words)
            writer.write_batch(pa.RecordBatch.from_arrays([*batch.columns, *[column] * 6], schema=schema))


class KernelOnly:
    """The kernel over batches that are read, packed and encoded beforehand; one core."""

    def __init__(self, source: Path, most_batches: int = 8) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.rows = 0
        with open_source(source) as opened:
            grouper = Grouper(de.load_scheme(SCHEME), resolve_columns(opened.output_schema))
            for batch in opened.batches():
                if len(self.calls) == most_batches:
                    break
                self.calls.append(grouper.kernel_arguments(batch, 1))
                self.rows += batch.num_rows

    def __call__(self) -> None:
        for call in self.calls:
            group_kernel(*call)


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


def peak_memory(source: Path, target: Path) -> int:
    """Peak resident memory in MiB of a fresh process that groups the file."""
    # VmHWM, because ru_maxrss of a child also counts what its parent held when it was started.
    code = (
        "import drgengine as de;"
        f"de.group_file({str(source)!r}, {str(target)!r}, {SCHEME!r});"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) // 1024


def command_seconds(arguments: list[str], runs: int = 5) -> float:
    """Least seconds of a command in a new process."""
    return least({"it": lambda: subprocess.run(arguments, check=False, capture_output=True)}, runs)["it"]


def processor() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "pyarrow": pa.__version__,
        "numpy": np.__version__,
    }


def twin_rows_per_second(source: Path, rows: int = 2000) -> float:
    """Speed of the plain-Python twin on the first rows: what a grouper written record by record reaches."""
    scheme = de.load_scheme(SCHEME)
    records = next(pq.ParquetFile(source).iter_batches(rows)).to_pylist()
    cases = [case_of({name: record[name] for name in NARROW if name in record})[0] for record in records]
    started = time.perf_counter()
    for case in cases:
        decide(scheme, case)
    return len(cases) / (time.perf_counter() - started)


def made(rows: int, seed: int, shape: str, folder: Path) -> Path:
    """The file to measure with; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    wide, narrow = (folder / f"synthetic-{rows}-{seed}{end}.parquet" for end in ("", "-narrow"))
    if not wide.exists():
        generate(wide, rows=rows, seed=seed)
    if shape == "narrow" and not narrow.exists():
        file = pq.ParquetFile(wide)
        schema = pa.schema([file.schema_arrow.field(name) for name in NARROW])
        with pq.ParquetWriter(narrow, schema, compression="zstd") as writer:
            for batch in file.iter_batches(BATCH, columns=NARROW):
                writer.write_batch(batch)
    return narrow if shape == "narrow" else wide


def measure(rows: int, seed: int, runs: int, shape: str, folder: Path) -> dict[str, object]:
    """All figures for one number of rows."""
    source, target = made(rows, seed, shape, folder), folder / "out.parquet"
    kernel = KernelOnly(source)
    seconds = least(
        {
            "floor": lambda: floor(source, target),
            "group_file": lambda: de.group_file(source, target, SCHEME),
            "group_file, one thread": lambda: de.group_file(source, target, SCHEME, threads=1),
            "kernel": kernel,
        },
        runs,
    )
    seconds["kernel"] *= rows / kernel.rows
    executable = sys.executable
    case = ["--dx", "I21.001,J96.000", "--proc", "36.0700x004", "--sex", "1", "--age", "63"]
    commands = {
        "import numpy, pyarrow": command_seconds([executable, "-c", "import numpy, pyarrow"]),
        "explain": command_seconds([executable, "-m", "drgengine.cli", "explain", *case]),
        "--help": command_seconds([executable, "-m", "drgengine.cli", "--help"]),
    }
    return {
        "machine": machine(),
        "rows": rows,
        "seed": seed,
        "shape": shape,
        "file_mb": round(source.stat().st_size / 1e6, 1),
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "times_floor": {name: round(value / seconds["floor"], 3) for name, value in seconds.items()},
        "rows_per_second": {name: round(rows / value) for name, value in seconds.items()},
        "twin_rows_per_second": round(twin_rows_per_second(source)),
        "peak_memory_mib": peak_memory(source, target),
        "command_seconds": {name: round(value, 3) for name, value in commands.items()},
    }


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--shape", choices=["wide", "narrow"], default="wide")
    parser.add_argument("--folder", type=Path, default=Path("bench_data"))
    given = parser.parse_args()
    print(json.dumps(measure(given.rows, given.seed, given.runs, given.shape, given.folder), indent=2))


if __name__ == "__main__":
    main()
