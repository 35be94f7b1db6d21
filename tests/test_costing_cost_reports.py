"""Filed cost reports of US hospices (CMS-1984-99, fiscal year 2014): the step-down reproduces what was filed.

Worksheet B holds the direct cost (column 0000) and the final cost (column 0700), worksheet B-1 the statistics. The
statistic of administrative and general is taken as filed. A column nA00 is a subtotal or a reconciliation and no cost
centre; lines 10000 and 10100 are the total and the unit cost multiplier. A general service centre with a negative cost
is not allocated but carried on its own line: such a centre is final here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from drgengine.costing.allocation.allocate import allocate

REPORTS = 60
WITHIN_3 = 58
"""Reports whose every line differs by 3 dollars or less: the filed ones are rounded to whole dollars at each step."""
TOTAL_LINES = ("10000", "10100")


@dataclass(frozen=True)
class Report:
    number: str
    total: float
    worst: float
    lines: int
    givers: int
    carried: int

    @property
    def share(self) -> float:
        return self.worst / self.total


def recomputed(number: str, rows: pd.DataFrame) -> Report:
    rows = rows[~rows["line"].isin(TOTAL_LINES) & ~rows["col"].str.contains("A")]
    b, b1 = rows[rows["part"] == "B_cost"], rows[rows["part"] == "B1_stat"]
    filed = b[b["col"] == "0700"].set_index("line")["val"]
    drivers = b1.pivot(index="col", columns="line", values="val").fillna(0.0)
    drivers.index = ["0" + column for column in drivers.index]
    direct = b[b["col"] == "0000"].set_index("line")["val"]
    costs = direct.reindex(sorted({*direct.index, *drivers.index, *drivers.columns, *filed.index}), fill_value=0.0)
    carried = [giver for giver in drivers.index if costs[giver] < 0]
    order = [giver for giver in sorted(drivers.index) if giver not in carried]
    final = [line for line in costs.index if line not in order]
    a = allocate(costs, drivers, method="step-down", order=order, final=final, negative="allocate")
    full = a.full["val"].drop(carried)
    gap = (full - filed.reindex(full.index, fill_value=0.0)).abs()
    missing = filed[~filed.index.isin(full.index)]
    assert missing.empty, f"report {number}: filed lines {list(missing.index)} are not final"
    return Report(number, float(costs.sum()), float(gap.max()), len(filed), len(order), len(carried))


@pytest.fixture(scope="module")
def reports(shared: Path) -> list[Report]:
    path = shared / "data" / "cost_reports_hospice_fy2014.csv"
    table = pd.read_csv(path, dtype={"rpt_rec_num": str, "line": str, "col": str})
    return [recomputed(str(number), rows) for number, rows in table.groupby("rpt_rec_num")]


def test_filed_final_costs_are_reproduced(reports: list[Report]) -> None:
    counts = {
        "reports": len(reports),
        "within 3": sum(report.worst <= 3 for report in reports),
        "within 10": sum(report.worst <= 10 for report in reports),
        "within 0.03 %": sum(report.share <= 0.0003 for report in reports),
        "lines": sum(report.lines for report in reports),
    }
    far = [report for report in reports if report.worst > 10 and report.share > 0.0003]
    assert not far, f"{counts}; too far: {far}"
    assert counts["reports"] == REPORTS, counts
    assert counts["within 3"] >= WITHIN_3, f"{counts}: {[report for report in reports if report.worst > 3]}"


def test_the_reports_have_something_to_step_down(reports: list[Report]) -> None:
    assert sum(report.carried for report in reports) == 1
    assert sum(report.givers >= 2 for report in reports) > REPORTS * 0.9
    assert max(report.lines for report in reports) > 20
