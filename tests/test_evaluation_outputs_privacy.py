"""No hidden cell follows from the published tables: whoever subtracts what is shown from a value of the region, however
that value is come by, is left with smallest_cell cases of two hospitals or more, or with nothing."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_example import report_example

from drgengine.evaluation.mix import casemix, statistics_of_table
from drgengine.evaluation.outputs import result_tables
from drgengine.evaluation.outputs.drgcells import INDEX_OF, drg_cells, drg_groups
from drgengine.evaluation.yearly.result import Evaluation

SMALL = 5


def evaluation_of(rows: list[tuple[str, str, int]], *, smallest: int = SMALL, published: bool = False) -> Any:
    """Hospital, DRG, cases, each with charges of its own, as far as the two tables look at an evaluation."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rows, columns=["hospital_id", "drg", "cases"])
    mean = np.round(rng.uniform(3000, 40_000, len(table)), 2)
    table["charge_mean"], table["charge_sumsq"] = mean, mean**2 * table["cases"] * 1.2
    table["los_mean"] = np.round(rng.uniform(3, 12, len(table)) * table["cases"]) / table["cases"]
    table["deaths"] = 0
    mix = casemix(statistics_of_table(table, ["hospital_id"]), "hospital_id")
    settings = SimpleNamespace(weights="weights.csv" if published else None)
    plan = SimpleNamespace(privacy=SimpleNamespace(smallest_cell=smallest), mix=settings)
    current = SimpleNamespace(id="2025", mix=mix)
    return SimpleNamespace(plan=plan, current=current, previous=None, base_id="2025", details={})


def region_values(evaluation: Any, cells: pd.DataFrame, groups: pd.DataFrame) -> set[str]:
    """DRGs whose mean of the region somebody can come by: column, mean / index, weight, total weight."""
    found: set[str] = set()
    own = cells[cells["drg"] != "(others)"]
    for amount, index in INDEX_OF.items():
        for name in (f"benchmark_{amount}", index, f"{index}_low", f"{index}_high"):
            found |= set(own.loc[own[name].notna(), "drg"])
    if evaluation.plan.mix.weights is None:
        found |= set(own.loc[own["weight"].notna() | own["total_weight"].notna(), "drg"])
        found |= set(groups.loc[groups["weight"].notna(), "drg"])
        found |= solved(evaluation, cells, groups)
    return found


def solved(evaluation: Any, cells: pd.DataFrame, groups: pd.DataFrame) -> set[str]:
    """DRGs whose weight follows from the total weights of the hospitals, which are published."""
    unknown = sorted(set(groups.loc[groups["weight"].isna(), "drg"]))
    table = evaluation.current.mix.cell_table()
    rows = []
    for code, whole in table.groupby("hospital_id"):
        shown = cells[(cells["hospital_id"] == code) & (cells["drg"] != "(others)")]
        lump = cells[(cells["hospital_id"] == code) & (cells["drg"] == "(others)")]
        hidden = len(whole) > len(shown)
        row = [float(shown.loc[shown["drg"] == drg, "cases"].sum()) for drg in unknown]
        rows.append([*row, *[float(hidden and lump["total_weight"].isna().all() and other == code) for other in
                             sorted(set(table["hospital_id"]))]])  # fmt: skip
    equations = np.array(rows)
    rank = np.linalg.matrix_rank(equations) if equations.size else 0
    return {
        drg
        for at, drg in enumerate(unknown)
        if np.linalg.matrix_rank(np.vstack([equations, np.eye(equations.shape[1])[at]])) == rank
    }


def given_away(evaluation: Any) -> list[tuple[str, int, int]]:
    """DRG, hidden cells, their cases, wherever subtraction leaves too little."""
    cells, groups = drg_cells(evaluation), drg_groups(evaluation)
    whole = evaluation.current.mix.cell_table()
    shown = set(zip(cells["hospital_id"], cells["drg"], strict=True))
    found = []
    for drg in sorted(region_values(evaluation, cells, groups)):
        part = whole[whole["drg"] == drg]
        rest = part[[(code, drg) not in shown for code in part["hospital_id"]]]
        smallest = evaluation.plan.privacy.smallest_cell
        few = len(rest) == 1 or (len(rest) and rest["cases"].sum() < smallest)
        if few or part["cases"].sum() < smallest:
            found.append((drg, len(rest), int(rest["cases"].sum())))
    return found


def region(seed: int, hospitals: int, drgs: int) -> list[tuple[str, str, int]]:
    rng = np.random.default_rng(seed)
    letters = "BRFKSC"
    return [
        (f"H{h}", f"F{letters[d % 6]}{d:02d}", int(rng.choice([1, 2, 3, 4, 6, 12, 40, 90])))
        for h in range(hospitals)
        for d in range(drgs)
        if rng.random() < 0.75
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("hospitals", [2, 3, 9])
@pytest.mark.parametrize("smallest", [5, 20])
def test_subtraction_leaves_no_small_cell(seed: int, hospitals: int, smallest: int) -> None:
    assert given_away(evaluation_of(region(seed, hospitals, 14), smallest=smallest)) == []


def test_the_tables_of_an_evaluation_withstand_it() -> None:
    whole = report_example(12, previous=True, whole=False)
    privacy = dataclasses.replace(whole.plan.privacy, smallest_cell=200)
    made: Evaluation = dataclasses.replace(whole, plan=dataclasses.replace(whole.plan, privacy=privacy))
    assert (made.current.mix.cell_table()["cases"] < 200).any()
    assert given_away(made) == []


ONE_HIDDEN = [
    *[(code, "FB19", 60) for code in ("A", "B", "C")],
    *[(code, "FR25", cases) for code, cases in (("A", 80), ("B", 70), ("C", 2))],
    *[(code, "FR35", 90) for code in ("A", "B", "C")],
    *[("C", "FS15", 4), ("A", "FS15", 3), ("B", "FS15", 30), ("A", "FT15", 50), ("A", "FU15", 55), ("A", "FV15", 65)],
    *[("A", "FW15", 1), ("B", "FX15", 3), ("B", "FY15", 4)],
]


def test_the_hidden_case_cannot_be_worked_out_by_its_amount() -> None:
    """One cell is hidden: (cases + k) x mean of the region - sum of the others was its charge, in full yuan."""
    made = evaluation_of(ONE_HIDDEN)
    cells = drg_cells(made).set_index(["drg", "hospital_id"])
    assert ("FR25", "C") not in cells.index
    row = cells.loc[("FR25", "A")]
    for name in ("benchmark_charge", "benchmark_los", "charge_index", "charge_index_low", "time_index", "weight"):
        assert np.isnan(row[name]), name
    assert row["mean_charge"] > 0  # that of its own 80 cases is no secret
    assert "hidden cell" in row["remark_en"]
    assert "推算" in row["remark_zh"]
    assert cells.loc[("FB19", "B"), "remark_en"] == ""


def test_sums_of_hospitals_without_hidden_cells_do_not_give_a_weight_away() -> None:
    """The total weights of A and B are two equations for the weights of FR25 and FR35, both hidden in C only."""
    rows = [(code, f"FR{n}5", 50 + 7 * n + 3 * h * n * n) for h, code in enumerate("ABC") for n in range(2, 9)]
    rows = [(code, drg, 3 if code == "C" and drg == "FR25" else cases) for code, drg, cases in rows]
    made = evaluation_of(rows)
    cells, groups = drg_cells(made), drg_groups(made)
    assert groups["weight"].isna().sum() > 2
    assert solved(made, cells, groups) == set()
    assert given_away(made) == []


def test_the_only_case_of_the_region_has_no_weight() -> None:
    groups = drg_groups(evaluation_of(ONE_HIDDEN)).set_index("drg")
    assert np.isnan(groups.loc["FW15", "weight"])  # weight x scale would be the charge of a patient
    assert np.isnan(groups.loc["FW15", "risk_score"])
    assert groups.loc["FB19", "weight"] > 0
    published = drg_groups(evaluation_of(ONE_HIDDEN, published=True)).set_index("drg")
    assert published["weight"].notna().all()  # of a published table, not of these charges
    assert set(published["remark_en"]) == {""}


def test_values_beside_hidden_cells_are_rounded() -> None:
    cells = drg_cells(evaluation_of(ONE_HIDDEN)).set_index(["drg", "hospital_id"])
    row = cells.loc[("FS15", "B")]  # two cells of 7 cases together are hidden: the mean may be shown
    for name, digits in (("benchmark_charge", 0), ("mean_charge", 0), ("benchmark_los", 2), ("weight", 4)):
        assert row[name] == round(row[name], digits), name
    assert row["total_weight"] == pytest.approx(30 * row["weight"], abs=1e-12)


def test_a_mean_of_few_known_charges_is_not_shown() -> None:
    table = pd.DataFrame({"hospital_id": ["A", "B"], "drg": "FB19", "cases": [40, 50], "charge_mean": [900.0, 800.0]})
    table["charge_known"] = [2, 50]
    table["charge_sumsq"] = table["charge_mean"] ** 2 * table["charge_known"] * 1.1
    made = evaluation_of(ONE_HIDDEN)
    mix = casemix(statistics_of_table(table, ["hospital_id"]), "hospital_id")
    made.current = SimpleNamespace(id="2025", mix=mix)
    cells = drg_cells(made).set_index("hospital_id")
    assert np.isnan(cells.loc["A", "mean_charge"])
    assert cells["benchmark_charge"].isna().all()


def test_rates_of_few_cases_are_left_out() -> None:
    whole = report_example(4, previous=False, whole=False)
    calibration = pd.DataFrame(
        {"cases": [3, 40, 90], "deaths": [1, 2, 9], "expected": [0.1, 1.0, 8.0]}, index=pd.Index([1, 2, 3])
    )
    assert whole.current.readmissions is not None
    stays = whole.current.readmissions.table.copy()
    stays["index_stays"] = [2, *[40] * (len(stays) - 1)]
    readmissions = dataclasses.replace(whole.current.readmissions, table=stays)
    current = dataclasses.replace(whole.current, calibration=calibration, readmissions=readmissions)
    tables = result_tables(dataclasses.replace(whole, current=current))
    assert tables["calibration"]["deaths"].isna().to_list() == [True, True, False]
    assert tables["calibration"]["expected"].isna().to_list() == [True, True, False]
    assert np.isnan(tables["readmissions"]["rate"].iloc[0])
    assert tables["readmissions"]["rate"].iloc[1:].notna().any()
