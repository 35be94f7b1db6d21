"""A small region for tests of the yearly evaluation: statistics, inputs and a plan, drawn by a seed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LEVELS = ("三级", "二级")


def hospital_ids(count: int) -> list[str]:
    return [f"H{number:03d}" for number in range(1, count + 1)]


def statistics(count: int, drgs: int, seed: int, departments: bool = False, growth: float = 1.0) -> pd.DataFrame:
    """One row per hospital (and department) and DRG, with sums of squares and deaths."""
    drawn = np.random.default_rng(seed)
    codes = [f"{chr(65 + j % 25)}{'BRM'[j // 25 % 3]}{'123456789ABCDEFG'[j // 75]}{'135'[j % 3]}" for j in range(drgs)]
    mean = np.exp(drawn.normal(9.0, 0.7, len(codes)))
    stay = np.clip(drawn.normal(8, 3, len(codes)), 1.5, None)
    death = np.where(np.arange(len(codes)) % 3 == 0, 0.0, np.exp(drawn.normal(-6.0, 1.4, len(codes)))).clip(0, 0.3)
    rows = []
    for at, hospital in enumerate(hospital_ids(count)):
        dear, size = np.exp(drawn.normal(0, 0.1)), 40 + 10 * (at % 5)
        for j, code in enumerate(codes):
            cases = int(drawn.poisson(size))
            if not cases or (at % 4 == 3 and j % 5 == 0):
                continue
            charge = mean[j] * dear * growth
            row = {
                "hospital_id": hospital,
                "drg": code,
                "cases": cases,
                "charge_mean": round(charge, 2),
                "charge_sumsq": cases * charge**2 * 1.4,
                "los_mean": round(stay[j], 1),
                "los_sumsq": cases * stay[j] ** 2 * 1.5,
                "deaths": int(drawn.binomial(cases, death[j])),
                "dx_count": cases * 3,
            }
            if departments:
                row["department_id"] = f"D{j % 3}"
                row["physician_id"] = f"P{at}-{j % 7}"
            rows.append(row)
    return pd.DataFrame(rows)


def inputs(count: int, seed: int, year: int = 0) -> pd.DataFrame:
    drawn = np.random.default_rng(seed)
    rows = []
    for hospital in hospital_ids(count):
        beds = float(drawn.integers(200, 900))
        revenue = beds * 6e5 * (1 + 0.05 * year)
        rows.append(
            {
                "机构代码": hospital,
                "beds": beds,
                "doctors": round(beds * drawn.uniform(0.3, 0.5)),
                "nurses": round(beds * drawn.uniform(0.5, 0.8)),
                "pharmacists": round(beds * 0.05),
                "visits": round(beds * drawn.uniform(500, 1200)),
                "clinic_visits": round(beds * drawn.uniform(400, 900)),
                "bed_days": round(beds * 365 * drawn.uniform(0.7, 0.95)),
                "open_bed_days": round(beds * 365),
                "business_cost": round(revenue * drawn.uniform(0.85, 1.0)),
                "staff_cost": round(revenue * drawn.uniform(0.3, 0.4)),
                "medical_revenue": round(revenue),
                "total_revenue": round(revenue * 1.1),
                "drug_revenue": round(revenue * drawn.uniform(0.25, 0.4)),
                "tcm_revenue": round(revenue * 0.02),
                "consumable_cost": round(revenue * drawn.uniform(0.1, 0.2)),
                "inpatient_revenue": round(revenue * 0.6),
                "outpatient_revenue": round(revenue * 0.4),
                "medical_surplus": round(revenue * drawn.uniform(-0.05, 0.05)),
                "energy_cost": round(revenue * 0.01),
                "liabilities": round(revenue * 0.5),
                "assets": round(revenue * 1.5),
                "surgical_discharges": round(beds * 10),
                "grade4_discharges": round(beds * drawn.uniform(0.5, 2)),
                "mis_discharges": round(beds * drawn.uniform(0.5, 3)),
                "downward_referrals": round(beds * drawn.uniform(0.1, 0.4)),
            }
        )
    return pd.DataFrame(rows)


PLAN = """title = "试评"
region = "试区"
units = "hospitals.csv"
current = "2025"
previous = "2024"

[period.2025]
start = 2025-01-01
end = 2025-12-31
statistics = "statistics_2025.csv"
inputs = "inputs_2025.csv"

[period.2024]
start = 2024-01-01
end = 2024-12-31
statistics = "statistics_2024.csv"
inputs = "inputs_2024.csv"

[uncertainty]
draws = 200
weight_draws = 100

[frontier]
replications = 100
"""


def write_region(
    folder: Path, count: int = 12, drgs: int = 40, seed: int = 5, departments: bool = False, plan: str = PLAN
) -> Path:
    """Write tables and plan.toml; the path of the plan."""
    folder.mkdir(parents=True, exist_ok=True)
    units = pd.DataFrame(
        {
            "机构代码": hospital_ids(count),
            "机构名称": [f"第{number}医院" for number in range(1, count + 1)],
            "级别": [LEVELS[number % 2] for number in range(count)],
            "类别": ["综合"] * count,
        }
    )
    units.to_csv(folder / "hospitals.csv", index=False, encoding="gb18030")
    for year in (2024, 2025):
        made = statistics(count, drgs, seed if year == 2024 else seed + 1, departments)
        made.to_csv(folder / f"statistics_{year}.csv", index=False)
        inputs(count, seed, year - 2024).to_csv(folder / f"inputs_{year}.csv", index=False)
    path = folder / "plan.toml"
    path.write_text(plan, encoding="utf-8")
    return path


def changed(folder: Path, tmp_path: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """A copy of the region with another plan."""
    target = tmp_path / "changed"
    shutil.copytree(folder, target)
    text = PLAN
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (target / "plan.toml").write_text(text + more, encoding="utf-8")
    return target


def rewrite(path: Path, change: Any) -> None:
    """A table read, changed and written again."""
    table = pd.read_csv(path, dtype={"hospital_id": str})
    change(table).to_csv(path, index=False)
