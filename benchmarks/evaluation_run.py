"""A whole evaluation of many hospitals from statistics: time, memory, size of the report.

    python benchmarks/evaluation_run.py                     200 hospitals x 600 DRGs, two years, 1,000 draws
    python benchmarks/evaluation_run.py --hospitals 50 --mix fixed

Statistics are invented; the other inputs are those of hospitals of the sample region, drawn anew. `evaluate` is timed
alone and then everything that is written: tables, workbook, report.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from drgengine.evaluation.outputs import write_outputs
from drgengine.evaluation.report import write_report
from drgengine.evaluation.yearly import evaluate

REGION = Path(__file__).parents[1] / "sample_cases" / "region"
PLAN = """title = "Benchmark"
region = "Region"
units = "hospitals.csv"
current = "2025"
previous = "2024"
books = false

[period.2024]
start = 2024-01-01
end = 2024-12-31
statistics = "statistics_2024.parquet"
inputs = "inputs_2024.csv"

[period.2025]
start = 2025-01-01
end = 2025-12-31
statistics = "statistics_2025.parquet"
inputs = "inputs_2025.csv"

[uncertainty]
draws = {draws}
mix = "{mix}"
"""


def statistics(hospitals: list[str], groups: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row per hospital and DRG, about 30 cases each, with log-normal charges and stays."""
    # Every eleventh of the 810 codes, round and round, so that few groups also spread over all MDCs.
    every = ["".join(parts) for parts in product("BCEFGHIJKL", "BRZ", "123456789", "135")]
    codes = [every[n * 11 % len(every)] for n in range(groups)]
    mean = dict(zip(codes, np.exp(rng.normal(9.0, 0.7, len(codes))), strict=True))
    rows = pd.MultiIndex.from_product([hospitals, codes], names=["hospital_id", "drg"]).to_frame(index=False)
    level = dict(zip(hospitals, np.exp(rng.normal(0.0, 0.08, len(hospitals))), strict=True))
    cases = rng.poisson(rng.gamma(0.8, 30.0, len(rows))) + 1
    charge = rows["drg"].map(mean) * rows["hospital_id"].map(level)
    rows["cases"] = cases
    for name, value, spread in (("charge", charge, 0.7), ("los", 4.0 + charge / 3000.0, 0.5)):
        total = value * cases * np.exp(rng.normal(0.0, spread, len(rows)) / np.sqrt(cases))
        rows[f"{name}_sum"] = total if name == "charge" else np.rint(total)
        rows[f"{name}_sumsq"] = rows[f"{name}_sum"] ** 2 / cases * (1.0 + spread**2 * (cases - 1) / cases)
    rows["deaths"] = rng.binomial(cases, 0.006)
    return rows


def write_plan(folder: Path, hospitals: int, groups: int, draws: int, mix: str) -> Path:
    """The plan and its tables."""
    rng = np.random.default_rng(7)
    ids = [f"H{n:03d}" for n in range(hospitals)]
    picks = rng.integers(0, 12, hospitals)
    for year in ("2024", "2025"):
        statistics(ids, groups, rng).to_parquet(folder / f"statistics_{year}.parquet")
        inputs = pd.read_csv(REGION / f"inputs_{year}.csv", encoding="utf-8-sig", dtype={0: str}).iloc[picks]
        inputs.iloc[:, 0] = ids
        inputs.to_csv(folder / f"inputs_{year}.csv", index=False)
    levels = np.array(["三级综合", "二级综合", "专科", "中医"])[rng.integers(0, 4, hospitals)]
    table = pd.DataFrame({"hospital_id": ids, "name": [f"医院{one}" for one in ids], "peer_group": levels})
    table.to_csv(folder / "hospitals.csv", index=False)
    (folder / "plan.toml").write_text(PLAN.format(draws=draws, mix=mix), encoding="utf-8")
    return folder / "plan.toml"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hospitals", type=int, default=200)
    options.add_argument("--groups", type=int, default=600)
    options.add_argument("--draws", type=int, default=1000)
    options.add_argument("--mix", choices=("fixed", "drawn"), default="drawn")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = write_plan(folder, chosen.hospitals, chosen.groups, chosen.draws, chosen.mix)
        steps: list[tuple[float, str]] = []
        started = time.perf_counter()
        result = evaluate(plan, progress=lambda done, all_, step: steps.append((time.perf_counter() - started, step)))
        computed = time.perf_counter() - started
        out = folder / "out"
        out.mkdir()
        page = write_report(result, out / "report.html", "zh")
        reported = time.perf_counter() - started
        write_outputs(result, out, "zh")
        written = time.perf_counter() - started
        cells = len(result.current.mix.cells.unit)
        print(f"{chosen.hospitals} hospitals, {cells:,} cells a year, {result.draws} draws")
        print(f"evaluate {computed:6.1f} s")
        for (begin, step), (end, _) in zip(steps, [*steps[1:], (computed, "")], strict=True):
            print(f"    {step:<14} {end - begin:6.1f} s")
        print(f"report   {reported - computed:6.1f} s   {page.stat().st_size / 1e6:.1f} MB")
        print(f"tables   {written - reported:6.1f} s")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
