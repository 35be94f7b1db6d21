"""Indicators of units: hand formulas, missing values and their reasons, evidence, roll-up, case mix, trees."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators import (
    casemix_inputs,
    check_targets,
    compute_indicators,
    join_inputs,
    load_catalogue,
    load_targets,
    load_tree,
    load_trees,
    roll_up_inputs,
    use_alarms,
)

CATALOGUE = load_catalogue()
Row = dict[str, float]


def share(part: str, whole: str, factor: float = 100.0) -> Callable[[Row, Row], float]:
    return lambda now, before: now[part] / now[whole] * factor


def grows(part: str, whole: str | None = None) -> Callable[[Row, Row], float]:
    def value(row: Row) -> float:
        return row[part] / (row[whole] if whole else 1.0)

    return lambda now, before: (value(now) / value(before) - 1.0) * 100.0


# By hand from the words of the documents and manuals, not from the catalogue.
BY_HAND: dict[str, Callable[[Row, Row], float]] = {
    "drug_share": lambda n, _: (n["drug_revenue"] - n["tcm_revenue"]) / n["medical_revenue"] * 100,
    "consumables_per_100": lambda n, _: n["consumable_cost"] / (n["medical_revenue"] - n["drug_revenue"]) * 100,
    "outpatient_fee_growth": grows("outpatient_revenue", "visits"),
    "outpatient_drug_fee_growth": grows("outpatient_drug_revenue", "visits"),
    "inpatient_fee_growth": grows("inpatient_revenue", "discharges"),
    "inpatient_drug_fee_growth": grows("inpatient_drug_revenue", "discharges"),
    "inpatient_fee_growth_adjusted": lambda n, b: (
        (
            (n["inpatient_revenue"] / n["discharges"] / n["cmi"])
            / (b["inpatient_revenue"] / b["discharges"] / b["cmi"])
            - 1.0
        )
        * 100
    ),
    "inpatient_fee_growth_excess": lambda n, b: (
        grows("inpatient_revenue", "discharges")(n, b) - grows("resident_income")(n, b)
    ),
    "price_compensation_rate": share("price_gain", "lost_markup"),
    "subsidy_compensation_rate": share("markup_subsidy", "lost_markup"),
    "drug_markup_rate": lambda n, _: (n["drug_sales"] / n["drug_purchase_cost"] - 1.0) * 100,
    "adjunct_drug_share": share("key_drug_revenue", "medical_revenue"),
    "self_paid_share": share("self_paid_amount", "total_charges"),
    "personal_payment_growth": grows("personal_payment", "discharges"),
    "staff_income_growth": grows("personnel_income", "staff"),
    "medical_service_share": lambda n, _: (
        sum(
            n[f"{kind}_revenue"]
            for kind in ("registration", "bed", "consultation", "treatment", "surgery", "nursing", "pharmacy_service")
        )
        / n["medical_revenue"]
        * 100
    ),
    "outpatient_revenue_share": share("outpatient_revenue", "medical_revenue"),
    "insurance_revenue_share": lambda n, _: (
        (n["outpatient_insurance_revenue"] + n["inpatient_insurance_revenue"]) / n["medical_revenue"] * 100
    ),
    "staff_cost_share": share("staff_cost", "business_cost"),
    "energy_per_10000": share("energy_cost", "total_revenue", 10000.0),
    "medical_surplus_rate": share("medical_surplus", "medical_revenue"),
    "debt_ratio": share("liabilities", "assets"),
    "medical_revenue_growth": grows("medical_revenue"),
    "cost_saving_rate": lambda n, _: (1.0 - n["actual_drg_cost"] / n["standard_drg_cost"]) * 100,
    "equipment_test_unit_cost": lambda n, _: (
        (n["equipment_test_cost"] - n["equipment_test_depreciation"]) / n["equipment_tests"]
    ),
    "volume_surplus_retained": lambda n, _: (n["volume_baseline_spend"] - n["volume_actual_spend"]) * n["retain_rate"],
    "bed_occupancy": share("bed_days", "open_bed_days"),
    "mean_stay": share("discharged_bed_days", "discharges", 1.0),
    "grade12_share": share("grade12_operations", "graded_operations"),
    "day_surgery_share": share("day_operations", "elective_operations"),
    "surgery_share": share("surgical_discharges", "discharges"),
    "mis_share": share("mis_discharges", "surgical_discharges"),
    "grade4_share": share("grade4_discharges", "surgical_discharges"),
    "complication_rate": share("complication_patients", "elective_surgical_patients"),
    "class1_infection_rate": share("class1_infections", "class1_operations"),
    "visit_discharge_ratio": share("clinic_visits", "discharges", 1.0),
    "bed_days_per_doctor_day": lambda n, _: n["bed_days"] / n["doctors"] / n["days"],
    "pharmacists_per_100_beds": share("pharmacists", "beds"),
    "nurses_per_doctor": share("nurses", "doctors", 1.0),
    "staff_per_bed": share("staff", "beds", 1.0),
    "scarce_discipline_share": lambda n, _: (
        sum(n[kind] for kind in ("anaesthetists", "paediatricians", "intensivists", "pathologists", "tcm_doctors"))
        / n["doctors"]
        * 100
    ),
    "posts_needed": lambda n, _: (
        (n["total_weight"] + n["nursing_equivalents"] + n["outpatient_equivalents"]) / n["weight_per_post"]
    ),
    "fiscal_subsidy": lambda n, _: (
        n["subsidy_base"] + n["subsidy_per_weight"] * n["evaluation_score"] * n["total_weight"]
    ),
    "antibiotic_intensity": share("antibiotic_ddds", "bed_days"),
    "essential_inpatient_share": share("essential_inpatients", "discharges"),
    "volume_drug_share": share("volume_drug_use", "volume_generic_use"),
    "pathway_completion_rate": share("pathway_completed", "pathway_entered"),
    "disease_paid_share": share("disease_paid_cases", "insured_discharges"),
    "research_funds_per_100": share("research_funds", "technicians"),
    "low_risk_mortality": share("low_risk_deaths", "low_risk_cases"),
    "readmission_unplanned_31": share("readmissions_unplanned_31", "index_stays_31"),
    "weight_per_doctor": share("total_weight", "doctors", 1.0),
    "charge_index": lambda n, _: n["charge_index"],
    "high_weight_share": lambda n, _: n["high_weight_share"] * 100,
    "health_expenditure_elasticity": lambda n, b: grows("total_health_expenditure")(n, b) / grows("gdp")(n, b),
    "level3_clinic_share": share("level3_clinic_visits", "region_visits"),
    "fund_surplus_rate": lambda n, _: (n["fund_income"] - n["fund_spend"]) / n["fund_income"] * 100,
    "doctors_per_1000": share("doctors", "population", 1000.0),
    "gps_per_10000": share("general_practitioners", "population", 10000.0),
    "psychiatrists_per_100000": share("psychiatrists", "population", 100000.0),
}


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1))
def test_values_equal_hand_formulas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = list(CATALOGUE.inputs)
    now, before = (
        pd.DataFrame(rng.uniform(1.0, 1000.0, (3, len(names))), index=list("ABC"), columns=names) for _ in range(2)
    )
    found = compute_indicators(now, ids=BY_HAND, previous=before)
    for name, formula in BY_HAND.items():
        for unit in now.index:
            expected = formula(now.loc[unit].to_dict(), before.loc[unit].to_dict())
            low, high = CATALOGUE[name].bounds or (-np.inf, np.inf)
            if not low <= expected <= high:
                assert np.isnan(found.values.at[unit, name]), name
                continue
            assert found.values.at[unit, name] == pytest.approx(expected, rel=1e-7, abs=1e-7), name


def test_every_policy_line_and_national_number_has_its_indicator() -> None:
    """T32+ is the indicator added to the 55 of the tertiary list."""
    for number in (*(f"T{n}" for n in range(1, 56)), "T32+", *(f"S{n}" for n in range(1, 29))):
        assert CATALOGUE.of_line(number), number
    for line in (*(f"A{n:02d}" for n in range(1, 37)), *(f"B{n:02d}" for n in range(1, 32))):
        assert line in ("A29", "A30") or CATALOGUE.of_line(line), line


def test_every_formula_computes_from_its_own_inputs_and_nothing_less() -> None:
    for one in CATALOGUE.indicators.values():
        if one.formula is None:
            assert CATALOGUE.tables_of(one.id) == ()
            continue
        now = pd.DataFrame({name: [2.0] for name in one.formula.names})
        before = pd.DataFrame({name: [1.0] for name in one.formula.names})
        values = compute_indicators(now, ids=[one.id], previous=before)
        reasons = values.missing["reason"].to_list()
        assert all("is 0" in reason or "outside" in reason for reason in reasons), (one.id, reasons)
        for name in one.formula.names:
            lacking = compute_indicators(now.drop(columns=name), ids=[one.id], previous=before.drop(columns=name))
            assert math.isnan(lacking.values.iat[0, 0])
            assert name in lacking.missing["inputs"].iat[0]


def test_every_input_is_used_and_every_beside_exists() -> None:
    used = {name for one in CATALOGUE.indicators.values() if one.formula for name in one.formula.names}
    assert set(CATALOGUE.inputs) - used == set()
    assert {name for one in CATALOGUE.indicators.values() for name in one.beside} <= set(CATALOGUE.indicators)


UNITS = pd.Index(["仁济", "中心"], name="hospital_id")
TABLE = pd.DataFrame(
    {
        "bed_days": [900.0, 800.0],
        "open_bed_days": [1000.0, 0.0],
        "outpatient_revenue": [100.0, None],
        "visits": [10.0, 10.0],
        "level": ["三级", "二级"],
        "medical_revnue": [1.0, 1.0],
    },
    index=UNITS,
)
LAST = pd.DataFrame({"outpatient_revenue": [80.0], "visits": [10.0]}, index=pd.Index(["仁济"]))


def test_a_missing_value_is_never_zero_and_says_why() -> None:
    ids = ["bed_occupancy", "outpatient_fee", "outpatient_fee_growth", "emr_level"]
    found = compute_indicators(TABLE, ids=ids, previous=LAST)
    assert found.values.loc["仁济"].tolist()[:3] == pytest.approx([90.0, 10.0, 25.0])
    assert found.values.loc["中心"].isna().all()
    told = {(row.unit, row.indicator): (row.reason, row.inputs) for row in found.missing.itertuples()}
    assert told == {
        ("中心", "bed_occupancy"): ("open_bed_days is 0", ""),
        ("中心", "outpatient_fee"): ("outpatient_revenue is missing", "outpatient_revenue"),
        ("中心", "outpatient_fee_growth"): (
            "outpatient_revenue is missing in the previous period; visits is missing in the previous period; "
            "outpatient_revenue is missing",
            "outpatient_revenue, visits",
        ),
        ("仁济", "emr_level"): ("evidence slot: no value with source and date is given", ""),
        ("中心", "emr_level"): ("evidence slot: no value with source and date is given", ""),
    }
    assert found.coverage.to_dict() == {"仁济": 0.75, "中心": 0.0}
    assert found.values.index.equals(UNITS)
    assert found.previous is not None
    assert found.previous.at["仁济", "outpatient_fee"] == 8.0
    assert math.isnan(found.previous.at["仁济", "outpatient_fee_growth"])


def test_columns_that_are_no_input_are_remarked() -> None:
    remarks = compute_indicators(TABLE, ids=["bed_occupancy"]).remarks.set_index("name")["remark"].to_dict()
    assert remarks["medical_revnue"] == "the column is no input; did you mean medical_revenue?"
    assert "level" in remarks


def test_impossible_values_are_remarked_and_give_none() -> None:
    table = pd.DataFrame({"day_operations": [30.0, -1.0], "elective_operations": [20.0, 10.0]}, index=["A", "B"])
    before = pd.DataFrame({"elective_operations": [-5.0, 1.0]}, index=["A", "Z"])
    found = compute_indicators(table, ids=["day_surgery_share"], previous=before)
    assert found.values["day_surgery_share"].isna().all()
    assert found.inputs["day_operations"].to_list()[:1] == [30.0]
    assert found.missing["reason"].to_list() == ["outside 0 to 100 %: check its inputs", "day_operations is below 0"]
    kept = found.remarks.set_index(["unit", "name"])["value"]
    assert kept["A", "day_surgery_share"] == 150.0
    assert kept["B", "day_operations"] == -1.0
    assert [(row.unit, row.name, row.remark) for row in found.remarks.itertuples(index=False)] == [
        ("B", "day_operations", "below 0"),
        ("Z", "", "the unit is in the previous period only"),
        ("A", "elective_operations", "below 0 in the previous period"),
        ("A", "day_surgery_share", "outside 0 to 100 %: check its inputs"),
    ]


def test_evidence_outside_the_bounds_does_not_fill_a_gap() -> None:
    day = pd.DataFrame({"day_operations": [np.nan], "elective_operations": [10.0]}, index=["A"])
    row = {"unit": "A", "indicator": "day_surgery_share", "value": 1e9, "source": "s", "date": "2025-01-01"}
    found = compute_indicators(day, ids=["day_surgery_share"], evidence=pd.DataFrame([row]))
    assert np.isnan(found.values.at["A", "day_surgery_share"])
    assert found.remarks["remark"].to_list() == ["outside 0 to 100 %: check its inputs"]


REFUSED_INPUTS: dict[str, tuple[Any, list[str]]] = {
    "no table": ([1, 2], ["inputs", "list is no table"]),
    "no row": (pd.DataFrame({"beds": []}), ["no row"]),
    "a unit twice": (pd.DataFrame({"beds": [1, 2]}, index=["A", "A"]), ["unit 'A'", "more than once"]),
    "text": (pd.DataFrame({"beds": [1, "1,200"]}, index=["A", "B"]), ["unit 'B'", "input 'beds'", "'1,200'"]),
    "infinite": (pd.DataFrame({"beds": [1.0, np.inf]}, index=["A", "B"]), ["unit 'B'", "infinite"]),
}


@pytest.mark.parametrize("case", REFUSED_INPUTS)
def test_inputs_that_cannot_be_read(case: str) -> None:
    table, words = REFUSED_INPUTS[case]
    with pytest.raises(EvaluationError) as caught:
        compute_indicators(table)
    assert all(word in str(caught.value) for word in words)


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(EvaluationError, match="Did you mean drug_share"):
        compute_indicators(TABLE, ids=["drug_shar"])


EVIDENCE = pd.DataFrame(
    {
        "unit": ["仁济", "中心", "仁济", "仁济"],
        "indicator": ["emr_level", "bed_occupancy", "bed_occupancy", "staff_satisfaction"],
        "value": [5, 81.5, 88, 90],
        "source": ["电子病历评级证书", "床位月报", "床位月报", "年度调查"],
        "date": ["2025-06-30", dt.date(2025, 12, 31), "2025-12-31", "2025-12-31"],
    }
)


def test_evidence_fills_gaps_and_never_replaces_a_computed_value() -> None:
    found = compute_indicators(TABLE, ids=["bed_occupancy", "emr_level"], evidence=EVIDENCE)
    assert found.values.loc["仁济"].tolist() == [90.0, 5.0]
    assert found.values.at["中心", "bed_occupancy"] == 81.5
    assert found.origin.to_numpy().tolist() == [["computed", "evidence"], ["evidence", ""]]
    assert found.evidence["date"].to_list() == [dt.date(2025, 6, 30), dt.date(2025, 12, 31)]
    assert found.missing[["unit", "indicator"]].to_numpy().tolist() == [["中心", "emr_level"]]
    remarks = dict(zip(found.remarks["name"], found.remarks["remark"], strict=True))
    assert remarks["bed_occupancy"] == "the evidence differs from the computed 90, which stays"
    assert remarks["staff_satisfaction"] == "evidence for an indicator that is not asked for"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unit": "瑞金"}, ["evidence row 1", "'瑞金'"]),
        ({"indicator": "emr_levle"}, ["Did you mean emr_level"]),
        ({"value": "五级"}, ["evidence row 1", "'五级'", "yes is 1"]),
        ({"value": np.nan}, ["nan"]),
        ({"source": " "}, ["source ' '", "Name the document"]),
        ({"date": "30.6.2025"}, ["'30.6.2025'", "2025-12-31"]),
        ({"date": pd.NaT}, ["date NaT"]),
    ],
)
def test_evidence_that_cannot_be_read(change: dict[str, Any], words: list[str]) -> None:
    row = {**EVIDENCE.iloc[0].to_dict(), **change}
    with pytest.raises(EvaluationError) as caught:
        compute_indicators(TABLE, ids=["emr_level"], evidence=pd.DataFrame([row]))
    assert all(word in str(caught.value) for word in words)


def test_evidence_needs_its_columns_and_each_value_once() -> None:
    with pytest.raises(EvaluationError, match="'source' is missing"):
        compute_indicators(TABLE, ids=["emr_level"], evidence=EVIDENCE.drop(columns="source"))
    with pytest.raises(EvaluationError, match="already in row 1"):
        compute_indicators(TABLE, ids=["emr_level"], evidence=pd.concat([EVIDENCE, EVIDENCE.head(1)]))


def test_units_of_two_labels() -> None:
    index = pd.MultiIndex.from_tuples([("H1", "内科"), ("H1", "外科")], names=["hospital_id", "department_id"])
    table = pd.DataFrame({"discharged_bed_days": [50.0, 60.0], "discharges": [10.0, 0.0]}, index=index)
    given = {"unit": [("H1", "外科")], "indicator": ["mean_stay"], "value": [6.1], "source": ["月报"]}
    evidence = pd.DataFrame({**given, "date": ["2025-12-31"]})
    found = compute_indicators(table, ids=["mean_stay"], evidence=evidence)
    assert found.values["mean_stay"].to_list() == [5.0, 6.1]
    assert found.missing.empty
    assert compute_indicators(table, ids=["mean_stay"]).missing["unit"].to_list() == [("H1", "外科")]
    checked = check_targets(found, [one for one in load_targets("dehui_hospitals") if one.indicator == "mean_stay"])
    assert checked["status"].to_list() == ["no data", "no data"]


def test_which_input_moved_an_indicator() -> None:
    found = compute_indicators(TABLE, ids=["outpatient_fee", "outpatient_fee_growth", "emr_level"], previous=LAST)
    assert found.change_by_input("outpatient_fee").loc["仁济"].to_dict() == {"outpatient_revenue": 2.0, "visits": 0.0}
    assert found.change_by_input("outpatient_fee_growth").loc["仁济"].sum() == pytest.approx(25.0)
    assert found.change_by_input("outpatient_fee").loc["中心"].isna().all()
    assert found.change_by_input("emr_level").shape == (2, 0)
    assert found.inputs_of("outpatient_fee").loc["仁济"].to_list() == [100.0, 10.0, 80.0, 10.0]
    assert compute_indicators(TABLE, ids=["outpatient_fee"]).change_by_input("outpatient_fee").isna().all(axis=None)


def test_months_become_a_year() -> None:
    index = pd.MultiIndex.from_product([["A", "B"], [1, 2, 3]], names=["hospital_id", "month"])
    table = pd.DataFrame(
        {"visits": [1.0, 2, 3, 4, np.nan, 6], "beds": [10.0, 20, 30, 5, 5, 5], "cmi": 1.0, "own": 2.0}, index=index
    )
    year = roll_up_inputs(table, CATALOGUE.inputs, "month")
    assert year["visits"].to_dict() == pytest.approx({"A": 6.0, "B": math.nan}, nan_ok=True)
    assert year["beds"].to_dict() == {"A": 20.0, "B": 5.0}
    assert list(year.columns) == ["visits", "beds"]
    with pytest.raises(EvaluationError, match="'B' has 2 rows for 3 periods"):
        roll_up_inputs(table.iloc[:-1], CATALOGUE.inputs, "month")
    with pytest.raises(EvaluationError, match="Index it by unit and 'quarter'"):
        roll_up_inputs(table, CATALOGUE.inputs, "quarter")


@given(values=st.lists(st.integers(0, 1000), min_size=12, max_size=12))
def test_a_rolled_up_share_is_that_of_the_sums(values: list[int]) -> None:
    index = pd.MultiIndex.from_product([["A"], range(6)], names=["hospital_id", "period"])
    table = pd.DataFrame({"bed_days": values[:6], "open_bed_days": values[6:]}, index=index, dtype=float)
    found = compute_indicators(roll_up_inputs(table, CATALOGUE.inputs), ids=["bed_occupancy"]).values.iat[0, 0]
    whole = sum(values[6:])
    expected = sum(values[:6]) / whole * 100 if whole else math.nan
    bounds = CATALOGUE["bed_occupancy"].bounds
    assert bounds is not None
    assert found == pytest.approx(expected if bounds[0] <= expected <= bounds[1] else math.nan, nan_ok=True)


def test_tables_are_joined_and_contradictions_refused() -> None:
    ledger = pd.DataFrame({"discharges": [10.0, None], "visits": [1.0, 2.0]}, index=["A", "B"])
    front = pd.DataFrame({"discharges": [10.0, 5.0, 7.0]}, index=["A", "B", "C"])
    joined = join_inputs({"ledger": ledger, "front pages": front})
    assert joined["discharges"].to_list() == [10.0, 5.0, 7.0]
    assert joined.columns.to_list() == ["discharges", "visits"]
    front.loc["A", "discharges"] = 11.0
    with pytest.raises(EvaluationError, match=r"front pages: unit 'A', input 'discharges': .*11.*10"):
        join_inputs({"ledger": ledger, "front pages": front})
    with pytest.raises(EvaluationError, match="same codes of units"):
        join_inputs({"ledger": ledger, "front pages": front.rename(index=lambda unit: f"H{unit}")})
    with pytest.raises(EvaluationError, match="no table"):
        join_inputs({})


def test_case_mix_feeds_the_indicators() -> None:
    from drgengine.evaluation.mix import casemix, cmi_drift, readmissions, unit_statistics

    days = [dt.date(2025, 1, day) for day in (1, 3, 5, 7, 20, 2)]
    cases = pd.DataFrame(
        {
            "hospital_id": ["H1"] * 4 + ["H2"] * 2,
            "patient_id": ["a", "a", "b", "c", "d", "e"],
            "drg": ["FB19", "FR25", "FR25", "FR25", "FB19", "FR25"],
            "total_charge": [9000.0, 1000.0, 1100.0, 900.0, 8000.0, 1200.0],
            "admission_date": days,
            "discharge_date": [day + dt.timedelta(days=1) for day in days],
            "discharge_disposition": [1, 1, 5, 1, 1, 1],
        }
    )
    weights = {"FB19": 2.0, "FR25": 0.5}
    mix = casemix(cases, weights=weights)
    drift = cmi_drift(unit_statistics(cases), unit_statistics(cases), weights)
    inputs = casemix_inputs(mix, readmissions(cases), drift)
    assert set(inputs.columns) <= set(CATALOGUE.inputs)
    ids = ["cmi", "drg_count", "mortality", "readmission_all_cause_7", "total_weight", "grouping_rate"]
    found = compute_indicators(inputs, ids=ids).values
    assert found.index.equals(mix.table.index)
    assert found.loc["H1"].tolist() == pytest.approx([0.875, 2, 25.0, 100 / 3, 3.5, 100.0])
    with pytest.raises(EvaluationError, match="by the same columns"):
        casemix_inputs(mix, readmissions(cases.assign(department_id="D"), by="department_id"))


def test_casemix_inputs_are_columns_of_the_case_mix_table() -> None:
    from drgengine.evaluation.mix import casemix

    columns = set(casemix(pd.DataFrame({"hospital_id": ["H"], "drg": ["FR25"], "total_charge": [1.0]})).table.columns)
    of_drift = {"coding_depth", "mcc_share", "cc_or_mcc_share"}
    wanted = {name for name, one in CATALOGUE.inputs.items() if one.table == "case_mix"}
    assert {name for name in wanted - columns - of_drift if not name.startswith(("readmissions_", "index_"))} == set()


def test_the_trees_of_the_documents() -> None:
    names = {tree.id: [dimension.zh for dimension in tree.dimensions] for tree in load_trees().values()}
    assert names == {
        "putuo": ["服务效率", "工作负荷", "技术水平", "费用控制", "资源配置", "患者结构"],
        "putuo_reading": ["服务能力", "临床专科实力", "资源消耗", "服务效率", "医院管理"],
        "putuo_institution": ["公共服务", "基本医疗", "医院管理", "社会满意"],
        "putuo_director": ["社会满意", "管理有效", "资产运营", "发展持续", "职工满意"],
        "jingan": ["医疗质量", "运营效率", "持续发展", "满意度评价"],
    }
    assert load_tree() is load_trees()["putuo"]
    for tree in load_trees().values():
        table = tree.table()
        assert table["weight"].sum() == pytest.approx(1.0)
        assert table.groupby("dimension", sort=False)["weight"].sum().to_list() == pytest.approx(
            [1 / len(tree.dimensions)] * len(tree.dimensions)
        )
        assert set(table["direction"]) <= {1, -1}
        assert "default of this software" in tree.provenance
    with pytest.raises(EvaluationError, match="putuo_director"):
        load_tree("beijing")


def test_alarm_of_unusual_use() -> None:
    history = pd.DataFrame({"A": [5.0] * 7 + [5.4, 9.0], "B": [1, 2, 3, 2, 1, 2, np.nan, 2, 20.0]})
    found = use_alarms(history).set_index(["item", "month"])
    assert found.loc["A", "alarm"].to_list() == [None] * 6 + [False, False, True]
    assert found.loc["B", "alarm"].to_list() == [None] * 7 + [False, True]
    last = found.loc[("B", 8)]
    assert math.isnan(last["robust_z"])
    assert last["z"] == pytest.approx((20 - 13 / 7) / np.std([1, 2, 3, 2, 1, 2, 2], ddof=1))
    with pytest.raises(EvaluationError, match="fewest"):
        use_alarms(history, months=3)
