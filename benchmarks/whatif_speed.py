"""All arrangements and audit clues of a file of cases against group_file, side by side in one run.

    python benchmarks/whatif_speed.py                 1 million synthetic discharges
    python benchmarks/whatif_speed.py --rows 200000

Each contestant reads Parquet and writes Parquet. Times are the least of several runs after a warm-up, in turns.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

import drgengine as de
from drgengine.synth import generate
from drgengine.whatif import alternatives_file, audit_file

SCHEME = "chs-drg-2.0"


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


def measure(rows: int, seed: int, runs: int, folder: Path) -> dict[str, object]:
    """Seconds and ratios to group_file."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"synthetic-{rows}-{seed}.parquet"
    if not source.exists():
        generate(source, rows=rows, seed=seed)
    seconds = least(
        {
            "group_file": lambda: de.group_file(source, folder / "grouped.parquet", SCHEME),
            "alternatives_file": lambda: alternatives_file(source, folder / "alternatives.parquet", SCHEME),
            "audit_file": lambda: audit_file(source, folder / "clues.parquet", SCHEME),
        },
        runs,
    )
    return {
        "cases": rows,
        "alternatives": pq.read_metadata(folder / "alternatives.parquet").num_rows,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "ratio_to_group_file": {name: round(value / seconds["group_file"], 2) for name, value in seconds.items()},
        "peak_memory_mib": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("bench_data"))
    given = parser.parse_args()
    print(json.dumps(measure(given.rows, given.seed, given.runs, given.folder), indent=2))
