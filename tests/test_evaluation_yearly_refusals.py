"""Data that cannot be right: found, counted, listed or refused, never scored in silence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_region import changed, hospital_ids, rewrite, write_region

from drgengine.commands.evaluatescreen import _remarks, to_look_at, words
from drgengine.errors import EvaluationError
from drgengine.evaluation import evaluate
from drgengine.evaluation.mix import casemix, readmissions, statistics_of_table, unit_statistics
from drgengine.evaluation.plan import check_plan
from drgengine.evaluation.plan.checkplan import LEAGUE_QUANTITIES
from drgengine.evaluation.plan.settings import Period
from drgengine.evaluation.yearly.alerts import transfer_counts
from drgengine.evaluation.yearly.casescan import cases_of_period
from drgengine.evaluation.yearly.groupedparts import grouped_cases, refuse_lists
from drgengine.evaluation.yearly.periodstatistics import period_data


def day(month: int, number: int, year: int = 2025) -> dt.date:
    return dt.date(year, month, number)


def stays(**columns: Any) -> pa.Table:
    given = {
        "hospital_id": ["H001", "H001", "H002", "H002"],
        "case_id": ["1", "2", "1", "2"],
        "patient_id": ["A", "B", "C", "D"],
        "drg": ["FR25"] * 4,
        "admission_date": [day(3, 1)] * 4,
        "discharge_date": [day(3, 5)] * 4,
        "discharge_disposition": [1, 5, 77, 6],
        "total_charge": [100.0] * 4,
    }
    return pa.table({**given, **columns})


def period(folder: Path, table: pa.Table, **changes: Any) -> Period:
    pq.write_table(table, folder / "cases.parquet")
    return Period("2025", day(1, 1), day(12, 31), cases=(folder / "cases.parquet",), **changes)


def sorted_out(folder: Path, table: pa.Table) -> Any:
    one = period(folder, table)
    return cases_of_period(grouped_cases(one, "chs-drg-2.0", folder), one, folder)


def test_a_code_that_is_no_disposition_is_neither_alive_nor_dead() -> None:
    found = unit_statistics(stays())
    sums = found.table[["disposition_known", "deaths"]].sum()
    assert sums.to_list() == [2, 1]
    assert found.unusable == {"discharge_disposition: no code of 离院方式": 2}
    counts = transfer_counts(stays(), pd.Index(["H001", "H002"], name="hospital_id"))
    assert counts is not None
    assert counts["known"].to_list() == [2, 0]
    kinds = readmissions(stays(discharge_disposition=[77, 5, 2, 9]), windows=[7]).flow
    assert kinds["excluded_disposition"] == 2


def test_strange_dispositions_are_told_per_period(tmp_path: Path) -> None:
    from drgengine.evaluation.plan.settings import Plan

    plan = Plan(path=tmp_path, title="", region="", units=tmp_path, periods={}, current="2025", previous=None, base="")
    found = period_data(period(tmp_path, stays()), plan, pd.Index(["H001", "H002"]), tmp_path)
    assert ["2个值不是离院方式代码" in zh and "2 values" in en for zh, en in found.checks] == [True]


def test_a_case_that_stands_there_twice_is_refused_with_number_and_id(tmp_path: Path) -> None:
    assert sorted_out(tmp_path, stays()).outside == {}  # the same number in two hospitals is two cases
    with pytest.raises(EvaluationError, match=r"1 cases .* 1 rows too many: H002 1") as error:
        sorted_out(tmp_path, stays(case_id=["1", "2", "1", "1"]))
    assert "cases.parquet" in str(error.value)
    assert sorted_out(tmp_path, stays(case_id=[None, None, "", ""])).outside == {}
    parts = [stays(case_id=[str(at), str(at + 1), str(at + 2), "7"]) for at in (10, 20, 30)]
    with pytest.raises(EvaluationError, match=r"1 cases .* 2 rows too many: H002 7"):
        sorted_out(tmp_path, pa.concat_tables(parts))


def test_discharges_of_another_period_stay_out_and_are_counted(tmp_path: Path) -> None:
    table = stays(discharge_date=[day(1, 1), day(12, 31), day(1, 1, 2026), None])
    found = sorted_out(tmp_path, table)
    assert found.outside == {"H002": 1}
    kept = pq.read_table(found.cases.path)
    assert kept["case_id"].to_pylist() == ["1", "2", "2"]
    assert kept.schema.names == table.schema.names
    (tmp_path / "none").mkdir()
    with pytest.raises(EvaluationError, match="none of 4 discharges is within 2025-01-01"):
        sorted_out(tmp_path / "none", stays(discharge_date=[day(1, 1, 2031)] * 4))
    with pytest.raises(EvaluationError, match="hold no discharge"):
        sorted_out(tmp_path, stays().slice(0, 0))


def test_lists_are_no_departments(tmp_path: Path) -> None:
    table = stays().append_column("department_id", pa.array([["a"]] * 4))
    with pytest.raises(EvaluationError, match="'department_id' holds list"):
        grouped_cases(period(tmp_path, table), "chs-drg-2.0", tmp_path)
    refuse_lists(tmp_path / "cases.parquet", tmp_path, ["hospital_id"])


def test_a_total_weight_of_cases_without_weight_is_missing() -> None:
    found = casemix(stays(drg=["FR25", "FR25", "fr25", "fr25"]), weights={"FR25": 1.0}).table
    assert found["total_weight"].iloc[0] == 2.0
    assert np.isnan(found["total_weight"].iloc[1])


STATISTICS = {"hospital_id": ["H1", "H2"], "drg": ["FR25"] * 2, "cases": [10, 10], "charge_sum": [1000.0, 1000.0]}
WRONG = {
    "squares below n x mean^2": ({"charge_sumsq": [100000.0, 90000.0]}, "row 1, column charge_sumsq: 90000 is below"),
    "sum too large": ({"charge_sum": [1.0, 1e300]}, "row 1, column charge: 1e.300 is too large"),
    "squares too large": ({"charge_sumsq": [100000.0, 1e300]}, "row 1, column charge_sumsq: 1e.300 is too large"),
    "cases too large": ({"cases": [1.0, 1e19]}, "row 1, column cases: 1e.19 is too large"),
    "days too large": ({"los_sum": [1.0, 1e19]}, "row 1, column los: 1e.19 is too large"),
    "cases below 0": ({"cases": [1.0, -1.0]}, "row 1, column cases: -1 is no whole number"),
}


@pytest.mark.parametrize(("columns", "said"), WRONG.values(), ids=WRONG.keys())
def test_statistics_that_cannot_be_are_refused_with_the_row(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        statistics_of_table(pd.DataFrame({**STATISTICS, **columns}))
    statistics_of_table(pd.DataFrame({**STATISTICS, "charge_sumsq": [100000.0, 99999.9]}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("refusals") / "region", drgs=12).parent


NO_PREVIOUS = ('previous = "2024"\n', "")


def test_impossible_inputs_are_not_scored_and_are_listed(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, NO_PREVIOUS)
    rewrite(plan / "inputs_2025.csv", lambda table: table.assign(beds=[-5.0, *table["beds"][1:]]))
    rewrite(plan / "statistics_2025.csv", lambda table: table[table["hospital_id"] != "H002"])
    found = evaluate(plan)
    assert np.isnan(found.current.indicators.values.loc["H001", "weight_per_bed"])
    assert any("第1医院" in line and "-5" in line for line in to_look_at(found, "zh"))
    # A hospital without discharges: where it stands, and where it has no row.
    everyone = hospital_ids(12)
    for table in (found.league, found.current.quality, found.scores.table, found.current.indicators.values):
        assert list(table.index) == everyone
    assert set(found.scores.contributions["hospital_id"]) == set(everyone)
    assert "H002" not in found.current.mix.table.index
    assert "H002" not in found.current.mix.flow.index
    # Coverage is that of the whole tree.
    weight = found.tree.table()["weight"]
    gone = weight[list(found.details["left_out"])].sum() / weight.sum()
    assert found.details["left_out_share"] == pytest.approx(gone)
    assert 0.0 < gone < 1.0
    assert found.league["coverage"].max() == pytest.approx(1.0 - gone)
    assert any(f"{gone:.1%}" in zh for zh, _ in found.notes)
    shown = _remarks(found, found.hospitals["name"], words("zh"))
    assert any(f"{gone:.1%}" in line for line in shown)
    numeric = [n for n in found.league.columns if pd.api.types.is_numeric_dtype(found.league[n])]
    assert set(LEAGUE_QUANTITIES) <= {*numeric, "mean_score", "median_score", "best_score", "factor", "base"}


def test_a_table_of_weights_that_does_not_fit(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, NO_PREVIOUS, more='[case_mix]\nweights = "weights.csv"\n')
    drgs = pd.read_csv(plan / "statistics_2025.csv")["drg"].unique()
    pd.DataFrame({"drg": [code.lower() for code in drgs], "weight": 1.0}).to_csv(plan / "weights.csv", index=False)
    with pytest.raises(EvaluationError, match=rf"weights.csv: it knows the DRG of 0.0%.* lacks .*{drgs[1]}"):
        evaluate(plan)
    pd.DataFrame({"drg": drgs[1:], "weight": 1.0}).to_csv(plan / "weights.csv", index=False)
    found = evaluate(plan)
    assert any(drgs[0] in line and "无权重" in line for line in to_look_at(found, "zh"))


def test_codes_that_no_other_period_knows_are_remarked(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    rewrite(plan / "statistics_2025.csv", lambda table: table.assign(drg=table["drg"].str.lower()))
    found = evaluate(plan)
    assert any("100.0%" in line and "DRG" in line for line in _remarks(found, found.hospitals["name"], words("en")))


def test_charges_of_nobody_name_the_file(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, NO_PREVIOUS)
    rewrite(plan / "statistics_2025.csv", lambda table: table.drop(columns=["charge_mean", "charge_sumsq"]))
    with pytest.raises(EvaluationError, match=r"statistics_2025.csv: no included discharge has a charge above 0"):
        evaluate(plan)


def checked(folder: Path, tmp_path: Path, more: str = "", **files: str) -> str:
    changes = [NO_PREVIOUS]
    if "evidence" in files:
        changes.append(('inputs = "inputs_2025.csv"', 'inputs = "inputs_2025.csv"\nevidence = "evidence.csv"'))
    plan = changed(folder, tmp_path, *changes, more=more)
    for name, text in files.items():
        (plan / f"{name}.csv").write_text(text, encoding="utf-8")
    return "\n".join(str(problem) for problem in check_plan(plan))


ANCHORS = '[scores]\nanchors = "anchors.csv"\n'
EVIDENCE = "unit,indicator,value,source,date\nH001,inpatient_satisfaction,90,册,"
FOUND: dict[str, tuple[str, dict[str, str], str]] = {
    "a class for nobody": ("[classes]\nshares = [0.5, 0.5, 0.0]\n", {}, "0 gives a class to nobody"),
    "a class without a name": ('[classes]\nnames = ["A", "", "C"]\n', {}, "the name '' is empty"),
    "a class called as a column": ('[classes]\nnames = ["A", "hospital_id", "C"]\n', {}, "'hospital_id' is a column"),
    "a quantity nobody knows": ('[decisions.budget]\nbase = "medical_revnue"\n', {}, "Did you mean medical_revenue"),
    "equal anchors": (ANCHORS, {"anchors": "indicator,bad,good\ncmi,1,1\n"}, "anchors.csv, row 2: bad 1 and good 1"),
    "anchors as near": (ANCHORS, {"anchors": "indicator,bad,good\ncmi,1,1.000000000001\n"}, "make no scale"),
    "anchors reversed": (ANCHORS, {"anchors": "indicator,bad,good\ncmi,2,1\n"}, "anchors.csv, row 2: bad 2, good 1"),
    "a date nobody can read": ("", {"evidence": EVIDENCE + "昨天\n"}, "evidence.csv, row 2: date '昨天'"),
    "evidence twice": (
        "",
        {"evidence": EVIDENCE + "2025-01-01\n第1医院,inpatient_satisfaction,91,册,2025-01-01\n"},
        "evidence.csv, row 3: '第1医院', indicator 'inpatient_satisfaction' stand already in row 2",
    ),
    "evidence for nothing": (
        "",
        {"evidence": EVIDENCE.replace("patient_", "pat_") + "2025-01-01\n"},
        "evidence.csv, row 2",
    ),
    "a magnitude": ("", {"inputs_2025": "机构代码,beds\nH001,1e300\n"}, "row 2, column 'beds': 1e+300 is beyond 1e+18"),
    "an underscore": ("", {"inputs_2025": "机构代码,beds\nH001,1_200\n"}, "'1_200' is no number"),
}


@pytest.mark.parametrize(("more", "files", "said"), FOUND.values(), ids=FOUND.keys())
def test_check_finds(folder: Path, tmp_path: Path, more: str, files: dict[str, str], said: str) -> None:
    assert said in checked(folder, tmp_path, more, **files)


def test_check_finds_nothing_in_a_plan_that_runs(folder: Path, tmp_path: Path) -> None:
    assert checked(folder, tmp_path) == ""


def test_an_empty_list_of_cases_is_refused(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, ('statistics = "statistics_2024.csv"', "cases = []"))
    assert "the list is empty" in str(check_plan(plan)[0])


def test_a_date_that_is_missing_makes_no_second_problem(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, ("start = 2025-01-01\n", 'start = "2025-01-01"\n'))
    said = "\n".join(map(str, check_plan(plan)))
    assert "quotation marks" in said
    assert "0001-01-01" not in said


def test_late_evidence_and_places_that_are_all_alike_are_said(folder: Path, tmp_path: Path) -> None:
    evidence = ('inputs = "inputs_2025.csv"', 'inputs = "inputs_2025.csv"\nevidence = "evidence.csv"')
    plan = changed(folder, tmp_path, NO_PREVIOUS, evidence)
    (plan / "evidence.csv").write_text(EVIDENCE + "2099-01-01\n", encoding="utf-8")
    units = pd.read_csv(plan / "hospitals.csv", encoding="gb18030")
    units.assign(peer_group=units["机构代码"]).to_csv(plan / "hospitals.csv", index=False)
    found = evaluate(plan)
    assert any("2099-01-01" in line for line in _remarks(found, found.hospitals["name"], words("zh")))
    assert not any("= nan" in zh + en for zh, en in found.notes)
