"""A nation's discharges on one small machine: generated, grouped and counted in shards, merged, evaluated; resumable.

    python benchmarks/scale_run.py --folder DIR                       100 million discharges in 50 shards
    python benchmarks/scale_run.py --folder DIR --rows 4000000        a shorter one, for the rates

Every shard is generated from a seed of its own (drawn from --seed and its number), grouped, its statistics by hospital
and department are saved, and the generated file is removed (--keep keeps it); the grouped shards stay. At the end the
statistics are merged, the case mix is computed, and a whole plan (`drgengine evaluate`) is run from the statistics.

Kill it at any time, in any way, and start the same command again: finished shards are not done again. Other arguments
for the same folder are refused. The digest of the merged statistics depends on --rows, --shard-rows, --seed and
--hospitals alone, not on interruptions.

Shards number their cases each from 1, so that a discharge is named by its shard and case_id.

DIR/result.json afterwards holds: rows and their reconciliation, seconds per phase and rows per second, peak memory of
this process and of the evaluation, peak disk (sampled), bytes per million discharges, digest of the statistics. Peaks
are those of the last start when the run was interrupted (`starts` says how many there were).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import DrgEngineError
from drgengine.evaluation.mix import casemix
from drgengine.evaluation.shards import Shard, ShardProgress, ShardRun, run_shards
from drgengine.synth import generate

REGION = Path(__file__).parents[1] / "sample_cases" / "region"
PHASES = {"make": "generate", "group": "group", "count": "statistics", "store": "store", "merge": "merge"}
PLAN = """title = "规模测试"
title_en = "Scale run"
region = "模拟"
region_en = "invented"
units = "hospitals.csv"
current = "2025"
books = false
language = "en"

[period.2025]
start = 2025-01-01
end = 2026-01-31
statistics = ["../shards/statistics.parquet"]
inputs = ["inputs.csv"]

[uncertainty]
draws = 1000
"""


class Disk:
    """Bytes of a folder on disk, sampled in a thread; above the limit the run stops at its next step."""

    def __init__(self, folder: Path, limit: int, seconds: float = 1.0) -> None:
        self.folder, self.limit, self.seconds = folder, limit, seconds
        self.peak = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Disk:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def sample(self) -> int:
        """Bytes now."""
        total = 0
        for place, _, names in os.walk(self.folder):
            for name in names:
                try:
                    total += Path(place, name).lstat().st_blocks * 512
                except FileNotFoundError:
                    continue  # renamed meanwhile; seen under its new name by the next sample
        self.peak = max(self.peak, total)
        return total

    def check(self) -> None:
        """DrgEngineError above the limit."""
        if self.sample() > self.limit:
            problem = f"it takes more than the {self.limit / 1e9:g} GB allowed"
            raise DrgEngineError(str(self.folder), problem, "Allow more with --disk, then start again to go on")

    def _watch(self) -> None:
        while not self.ended.wait(self.seconds):
            self.sample()


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="new, or that of an interrupted run")
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--shard-rows", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hospitals", type=int, default=200)
    parser.add_argument("--disk", type=float, default=40.0, metavar="GB", help="stop above this, default 40")
    parser.add_argument("--keep", action="store_true", help="keep the generated shards too")
    parser.add_argument("--no-evaluation", action="store_true", help="end with the merged statistics")
    return parser.parse_args(given)


def shards_of(rows: int, shard_rows: int, seed: int, hospitals: int) -> list[Shard]:
    """Shards of shard_rows discharges, the last one with the rest."""
    made = []
    for number, first in enumerate(range(0, rows, shard_rows), 1):
        own = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        call = partial(generate, rows=min(shard_rows, rows - first), seed=own, hospitals=hospitals)
        made.append(Shard(f"shard-{number:05d}.parquet", call))
    return made


def run(chosen: argparse.Namespace, disk: Disk) -> ShardRun:
    """The shards, with a line of progress for each."""
    started = time.perf_counter()
    done = 0

    def progress(step: ShardProgress) -> None:
        nonlocal done
        disk.check()
        if step.stage == "damaged":
            print(f"{step.shard} is done again: {step.problem}", flush=True)
        if step.stage == "finished":
            done += step.rows
            rate = done / (time.perf_counter() - started)
            print(
                f"{step.number:4d} of {step.shards}  {step.shard}  {step.rows:,} rows in {step.seconds:6.1f} s  "
                f"{rate:9,.0f} rows/s  {disk.peak / 1e9:5.1f} GB at most  {memory():4.2f} GiB",
                flush=True,
            )

    settings = {"rows": chosen.rows, "shard_rows": chosen.shard_rows, "seed": chosen.seed}
    return run_shards(
        shards_of(chosen.rows, chosen.shard_rows, chosen.seed, chosen.hospitals),
        chosen.folder / "shards",
        statistics=["hospital_id", "department_id"],
        settings={**settings, "hospitals": chosen.hospitals},
        keep_made=chosen.keep,
        progress=progress,
    )


def memory() -> float:
    """Peak resident memory of this process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


# Asked from the kernel by the process itself: getrusage of a child counts what its parent held when it was started.
EVALUATE = """import sys
from pathlib import Path
from drgengine.cli import main
peak = Path(sys.argv.pop(1))
try:
    main()
finally:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        peak.write_text(line.split()[1])
"""


def evaluate(chosen: argparse.Namespace, made: ShardRun) -> tuple[dict[str, float], float | None]:
    """Case mix, then a whole plan in a process of its own; seconds of both, peak memory of that process in GiB."""
    assert made.statistics is not None
    started = time.perf_counter()
    mix = casemix(made.statistics.roll_up("hospital_id")).table
    mix.to_csv(chosen.folder / "casemix.csv")
    seconds = {"casemix": time.perf_counter() - started}
    started = time.perf_counter()
    plan, results = chosen.folder / "plan", chosen.folder / "evaluation"
    shutil.rmtree(plan, ignore_errors=True)
    shutil.rmtree(results, ignore_errors=True)
    write_plan(plan, chosen.hospitals)
    peak = chosen.folder / ".peak"
    command = [sys.executable, "-c", EVALUATE, str(peak), "evaluate", str(plan), "-o", str(results), "--quiet"]
    ended = subprocess.run(command, check=False)
    # 1: something waits for a look, as with invented inputs it does.
    if ended.returncode not in (0, 1):
        raise SystemExit(f"drgengine evaluate ended with {ended.returncode}")
    seconds["evaluate"] = time.perf_counter() - started
    kibibytes = int(peak.read_text()) if peak.exists() else None
    peak.unlink(missing_ok=True)
    return seconds, None if kibibytes is None else round(kibibytes / 2**20, 3)


def write_plan(folder: Path, hospitals: int) -> None:
    """A plan whose hospitals take their other inputs from the sample region."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    ids = [f"H{n + 1:03d}" for n in range(hospitals)]
    inputs = pd.read_csv(REGION / "inputs_2025.csv", encoding="utf-8-sig", dtype={0: str})
    inputs = inputs.iloc[rng.integers(0, len(inputs), hospitals)].copy()
    inputs.iloc[:, 0] = ids
    inputs.to_csv(folder / "inputs.csv", index=False)
    levels = np.array(["三级综合", "二级综合", "专科", "中医"])[rng.integers(0, 4, hospitals)]
    table = pd.DataFrame({"hospital_id": ids, "name": [f"医院{one}" for one in ids], "peer_group": levels})
    table.to_csv(folder / "hospitals.csv", index=False)
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")


def result(chosen: argparse.Namespace, made: ShardRun, seconds: dict[str, float], peak: int) -> dict[str, Any]:
    """Everything measured."""
    events = [json.loads(line) for line in (made.folder / "journal.jsonl").read_text("utf-8").splitlines()]
    named = {PHASES[name]: value for name, value in made.seconds.items()} | seconds
    stored = sum(path.stat().st_size for path in made.grouped.rglob("*.parquet"))
    counted = made.statistics.cases if made.statistics is not None else 0
    return {
        "rows": made.rows,
        "rows_asked": chosen.rows,
        "rows_grouped": sum(made.status.values()),
        "cases_in_statistics": counted,
        "reconciles": chosen.rows == made.rows == sum(made.status.values()) == counted,
        "shards": len(made.shards),
        "starts": sum(event["event"] == "run" for event in events),
        "begun": sum(event["event"] == "begun" for event in events),
        "status": made.status,
        "cells": made.statistics.cells.num_rows if made.statistics is not None else 0,
        "seconds": {name: round(value, 2) for name, value in named.items()},
        "seconds_in_all": round(sum(named.values()), 1),
        "rows_per_second": {name: round(made.rows / value) for name, value in named.items() if value > 0},
        "rows_per_second_in_all": round(made.rows / sum(named.values())),
        "peak_memory_gib": round(memory(), 3),
        "peak_disk_bytes": peak,
        "grouped_bytes_per_million": round(stored / made.rows * 1e6),
        "statistics_digest": made.digest,
    }


def main(given: list[str] | None = None) -> None:
    """Run, measure, write result.json."""
    chosen = arguments(given)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    try:
        with Disk(chosen.folder, int(chosen.disk * 1e9)) as disk:
            made = run(chosen, disk)
            print(made, flush=True)
            seconds, child = ({}, None) if chosen.no_evaluation else evaluate(chosen, made)
            disk.sample()
    except DrgEngineError as error:
        raise SystemExit(str(error)) from None
    found = result(chosen, made, seconds, disk.peak) | {"peak_memory_gib_of_evaluation": child}
    unfinished = chosen.folder / ".result.json.tmp"
    unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(chosen.folder / "result.json")
    print(json.dumps(found, indent=1))
    if not found["reconciles"]:
        raise SystemExit("rows were lost or doubled")


if __name__ == "__main__":
    main()
