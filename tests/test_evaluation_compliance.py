"""Policy compliance: every line of the reform documents appears, with a status that its numbers support."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation.compliance import COLUMNS, STATUS, policy_compliance
from drgengine.evaluation.compliance.wording import _words
from drgengine.evaluation.indicators import (
    Indicators,
    Target,
    check_targets,
    compute_indicators,
    load_targets,
    plan_progress,
    policy_lines,
)

NO_TARGETS = check_targets(pd.DataFrame(), [])
NO_PROGRESS = plan_progress(pd.DataFrame(), [], 2025)


def hospitals(**columns: list[float]) -> pd.DataFrame:
    length = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=[f"H{n}" for n in range(length)])


def compliance(
    inputs: pd.DataFrame, targets: list[Target], region: pd.DataFrame | None = None, year: int = 2023, **more: object
) -> pd.DataFrame:
    previous = more.pop("previous", None)
    found = compute_indicators(inputs, previous=previous, evidence=more.pop("evidence", None))
    checked = check_targets(found, [t for t in targets if found.catalogue[t.indicator].of != "region"])
    progress, area = NO_PROGRESS, None
    if region is not None:
        area = compute_indicators(region, previous=more.pop("region_previous", None))
        plan = [t for t in targets if found.catalogue[t.indicator].of != "hospital" and t.line[:1] == "B"]
        progress = plan_progress(area, plan, year, language="zh")
        more_rows = check_targets(area, [t for t in targets if found.catalogue[t.indicator].of == "region"])
        checked = pd.concat([part for part in (checked, more_rows) if len(part)] or [checked], ignore_index=True)
    return policy_compliance(checked, found, area, progress, region_name="R", known=targets)


def the(table: pd.DataFrame, line: str, indicator: str) -> pd.Series:
    rows = table[(table["line"] == line) & (table["indicator"] == indicator)]
    assert len(rows) == 1, rows
    return rows.iloc[0]


@pytest.mark.parametrize("with_region", [False, True])
def test_all_69_lines_stand_there_and_no_number_is_claimed_without_an_indicator(with_region: bool) -> None:
    region = pd.DataFrame({"population": [691200.0], "region_beds": [4002.0]}, index=["R"]) if with_region else None
    table = compliance(hospitals(beds=[10.0]), [*load_targets("putuo"), *load_targets("dehui")], region)
    wanted = [f"A{n:02d}" for n in range(1, 37)] + [f"B{n:02d}" for n in range(1, 34)]
    assert list(dict.fromkeys(table["line"])) == wanted
    assert list(table.columns) == list(COLUMNS)
    assert set(table["status"]) <= set(STATUS)
    stated = {line.id: line for line in policy_lines()}
    for row in table.itertuples():
        if stated[row.line].status == "computed":
            assert row.indicator, row.line
        if not row.indicator:
            assert row.status in ("engine", "out of scope")
            assert np.isnan(row.actual)
        if row.status in ("no data", "evidence", "engine", "out of scope"):
            assert row.remark_zh, row.line
            assert row.remark_en, row.line
        if row.indicator:
            assert row.source_zh, row.line
            assert row.source_en, row.line


def test_every_line_with_an_answer_in_words_has_it_in_chinese() -> None:
    lines = {line.id for line in policy_lines() if line.id[0] in "AB" and line.how}
    assert lines == set(_words()["how"])


def test_hospital_line_shows_the_median_says_so_and_counts_hospitals() -> None:
    inputs = hospitals(drug_revenue=[29.0, 32, 40, np.nan], tcm_revenue=[0.0] * 4, medical_revenue=[100.0] * 4)
    row = the(compliance(inputs, list(load_targets("jingmen"))), "A01", "drug_share")
    assert (row.scope, row.actual, row.units, row.met, row.missed) == ("hospital", 32.0, 3, 1, 1)
    assert (row.status, row.target, row.gap, row.target_text) == ("near", 30.0, 2.0, "左右 30")
    assert "中位数" in row.remark_zh
    assert "median of 3 hospitals" in row.remark_en
    assert "1 hospitals have no value" in row.remark_en
    assert "荆门" in row.source_zh
    assert "Jingmen" in row.source_en


@pytest.mark.parametrize(
    ("value", "status"),
    [(19.9, "met"), (20.0, "met"), (20.1, "missed")],
)
def test_hard_ceiling_has_no_band(value: float, status: str) -> None:
    inputs = hospitals(consumable_cost=[value], medical_revenue=[100.0], drug_revenue=[0.0])
    row = the(compliance(inputs, list(load_targets("jingmen"))), "A02", "consumables_per_100")
    assert (row.status, row.target_text) == (status, "≤ 20 以下")


def test_two_target_sets_on_one_indicator_are_two_rows() -> None:
    inputs = hospitals(drug_revenue=[29.0], tcm_revenue=[0.0], medical_revenue=[100.0])
    table = compliance(inputs, [*load_targets("jingmen"), *load_targets("putuo")])
    rows = table[(table["line"] == "A01") & (table["indicator"] == "drug_share")]
    assert len(rows) == 2
    assert rows["source_en"].is_unique


def test_trend_without_previous_is_no_data_and_with_it_has_an_arrow() -> None:
    now, before = hospitals(self_paid_amount=[8.0, 9], inpatient_revenue=[100.0, 100]), [10.0, 10]
    names = compute_indicators(now).catalogue["self_paid_share"].formula.names
    now = hospitals(**{names[0]: [8.0, 9], names[1]: [100.0, 100]})
    targets = list(load_targets("putuo"))
    alone = the(compliance(now, targets), "A15", "self_paid_share")
    assert alone.status == "no data"
    assert "上期" in alone.remark_zh
    previous = hospitals(**{names[0]: before, names[1]: [100.0, 100]})
    row = the(compliance(now, targets, previous=previous), "A15", "self_paid_share")
    assert (row.status, row.target_text, row.met, row.gap) == ("trend right", "↓ 逐步", 2, -1.5)


@pytest.mark.parametrize(
    ("now", "before", "status", "gap", "met"),
    [
        # The median rises from 10 to 11 although two of three fall.
        ([5.0, 8.0, 30.0], [10.0, 9.0, 8.0], "trend right", -1.0, 2),
        # The median falls from 12 to 11, two of three rise.
        ([11.0, 13.0, 1.0], [10.0, 12.0, 15.0], "trend wrong", 1.0, 2),
        # As many on either side: the median of the changes decides. Only hospitals with both periods count.
        ([5.0, 12.0, 90.0], [10.0, 11.0, np.nan], "trend right", -2.0, 1),
        ([9.0, 15.0, 1.0], [10.0, 11.0, np.nan], "trend wrong", 1.5, 1),
    ],
)
def test_trend_is_that_of_most_hospitals(
    now: list[float], before: list[float], status: str, gap: float, met: int
) -> None:
    names = compute_indicators(hospitals(beds=[1.0])).catalogue["self_paid_share"].formula.names
    tables = [hospitals(**{names[0]: values, names[1]: [100.0] * 3}) for values in (now, before)]
    row = the(compliance(tables[0], list(load_targets("putuo")), previous=tables[1]), "A15", "self_paid_share")
    assert (row.status, row.actual) == (status, np.median(now))
    assert row.gap == pytest.approx(gap)
    paired = int(np.isfinite(before).sum())
    right = met if status == "trend right" or paired == 2 else paired - met
    assert row.met == right
    assert row.met + row.missed == paired
    assert f"{right} of {paired} hospitals with both periods" in row.remark_en
    assert "变化量的中位数" in row.remark_zh


@pytest.mark.parametrize(
    ("shares", "status", "met"),
    [
        ([10.0, 10.0, 40.0, 40.0], "met", 2),  # half meet it
        ([29.0, 31.0, 32.0, 50.0], "near", 1),
        ([29.0, 31.0, 50.0, 50.0, 50.0], "missed", 1),
    ],
)
def test_status_over_hospitals_is_that_of_the_majority(shares: list[float], status: str, met: int) -> None:
    many = len(shares)
    inputs = hospitals(drug_revenue=shares, tcm_revenue=[0.0] * many, medical_revenue=[100.0] * many)
    row = the(compliance(inputs, list(load_targets("jingmen"))), "A01", "drug_share")
    assert (row.status, row.met, row.actual) == (status, met, np.median(shares))
    assert row.gap == pytest.approx(np.median(shares) - 30.0)
    assert f"{met} of {many} meet" in row.remark_en
    assert f"{many}家中{met}家达标" in row.remark_zh


def test_limits_by_level_do_not_hide_that_most_hospitals_miss_theirs() -> None:
    """The median of the values meets the median of the limits, two of three hospitals miss their own."""
    base = load_targets("jingmen").targets[0]
    own = [
        replace(base, value=value, group=group, line="A01", word="以下", strictness="hard", source=("=own rule",))
        for value, group in ((10.0, "1"), (30.0, "2"), (50.0, "3"))
    ]
    inputs = hospitals(drug_revenue=[20.0, 29.0, 60.0], tcm_revenue=[0.0] * 3, medical_revenue=[100.0] * 3)
    found = compute_indicators(inputs)
    targets = check_targets(found, own, groups={"H0": "1", "H1": "2", "H2": "3"})
    row = the(policy_compliance(targets, found, None, NO_PROGRESS, region_name="R", known=own), "A01", "drug_share")
    assert (row.target, row.met, row.missed, row.status) == (30.0, 1, 2, "missed")
    assert row.actual == pytest.approx(29.0)


@pytest.mark.parametrize(
    ("staff", "target", "gap", "status"),
    [(1.4, 1.5, 0.0, "met"), (1.1, 1.0, 0.0, "met"), (1.9, 1.5, 0.4, "trend right"), (0.4, 1.0, -0.6, "trend right")],
)
def test_a_range_shows_its_nearer_end_and_not_the_value(staff: float, target: float, gap: float, status: str) -> None:
    region = pd.DataFrame({"health_inspectors": [staff], "population": [10000.0]}, index=["R"])
    previous = pd.DataFrame({"health_inspectors": [3.0], "population": [10000.0]}, index=["R"])
    if staff < 1:
        previous *= [0.1, 1.0]
    table = compliance(hospitals(beds=[1.0]), list(load_targets("dehui")), region, region_previous=previous)
    row = the(table, "B23", "inspectors_per_10000")
    assert (row.target_text, row.target, row.status) == ("1–1.5 区间 (2025)", target, status)
    assert row.gap == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize(
    ("ratio", "target", "gap"), [(0.85, 0.8, 0.0), (0.9, 0.95, 0.0), (0.99, 0.95, 0.04), (0.5, 0.8, -0.3)]
)
def test_a_range_outside_of_a_plan(ratio: float, target: float, gap: float) -> None:
    """Of hospitals as of the region; a range of which only the row is known is its word and the gap."""
    own = [t for t in load_targets("jingmen") if t.indicator == "health_expenditure_elasticity"]
    own = [replace(own[0], indicator="drug_share", line="A01", source=("=own rule",), low=80.0, high=95.0)]
    inputs = hospitals(drug_revenue=[ratio * 50.0], tcm_revenue=[0.0], medical_revenue=[50.0])
    found = compute_indicators(inputs)
    targets = check_targets(found, own)
    known = policy_compliance(targets, found, None, NO_PROGRESS, region_name="R", known=own)
    row = the(known, "A01", "drug_share")
    assert (row.target_text, row.target) == ("80–95 相协调", target * 100)
    assert row.gap == pytest.approx(gap * 100)
    row = the(policy_compliance(targets, found, None, NO_PROGRESS, region_name="R"), "A01", "drug_share")
    assert row.target_text == "相协调"
    assert np.isnan(row.target)
    assert row.gap == pytest.approx(gap * 100)


def test_limits_by_level_are_one_row_with_the_median_of_the_limits() -> None:
    base = load_targets("jingmen").targets[0]
    own = [
        replace(base, value=value, group=group, line="A01", word="以下", strictness="hard", source=("=own rule",))
        for value, group in ((30.0, "3"), (40.0, "2"))
    ]
    inputs = hospitals(drug_revenue=[29.0, 41], tcm_revenue=[0.0] * 2, medical_revenue=[100.0] * 2)
    found = compute_indicators(inputs)
    targets = check_targets(found, own, groups={"H0": "3", "H1": "2"})
    table = policy_compliance(targets, found, None, NO_PROGRESS, region_name="R", known=own)
    row = the(table, "A01", "drug_share")
    assert (row.units, row.met, row.missed, row.target) == (2, 1, 1, 35.0)
    assert "differs between hospitals" in row.remark_en
    assert row.source_en == "own rule"


def test_evidence_slots_say_what_is_needed_until_a_value_comes() -> None:
    inputs = hospitals(beds=[1.0])
    row = the(compliance(inputs, []), "A32", "staff_satisfaction")
    assert row.status == "evidence"
    assert "佐证" in row.remark_zh
    given = pd.DataFrame(
        {
            "unit": ["H0"],
            "indicator": ["staff_satisfaction"],
            "value": [88.0],
            "source": ["survey"],
            "date": ["2025-12-31"],
        }
    )
    row = the(compliance(inputs, [], evidence=given), "A32", "staff_satisfaction")
    assert (row.status, row.actual) == ("no target", 88.0)
    assert "evidence" in row.remark_en


def region_of(doctors: float, **more: float) -> pd.DataFrame:
    name = compute_indicators(hospitals(beds=[1.0])).catalogue["doctors_per_1000"].formula.names[0]
    return pd.DataFrame({name: [doctors * 100.0], "population": [100000.0], **more}, index=["R"])


@pytest.mark.parametrize(
    ("doctors", "year", "status", "word"),
    [
        (3.1, 2023, "met", "Green: target reached"),
        (2.8, 2023, "trend right", "Green: on schedule"),
        (2.66, 2023, "near", "Amber"),
        (2.4, 2023, "behind", "Red"),
        (2.4, 2025, "behind", "Red"),
    ],
)
def test_plan_line_of_an_expected_target(doctors: float, year: int, status: str, word: str) -> None:
    table = compliance(hospitals(beds=[1.0]), list(load_targets("dehui")), region_of(doctors), year)
    row = the(table, "B07", "doctors_per_1000")
    assert (row.scope, row.status) == ("region", status)
    assert word in row.remark_en
    assert "预期性" in row.remark_zh
    assert row.missed == 0
    assert row.target_text.startswith("2.32 → ≥ 3")


@pytest.mark.parametrize("year", [2023, 2025])
def test_binding_plan_line_in_the_red_is_missed(year: int) -> None:
    binding = [replace(t, nature="binding") for t in load_targets("dehui") if t.indicator == "doctors_per_1000"]
    row = the(compliance(hospitals(beds=[1.0]), binding, region_of(2.4), year), "B07", "doctors_per_1000")
    assert (row.status, row.missed) == ("missed", 1)
    assert row.remark_zh.startswith("红：落后于进度")


def test_expected_target_without_a_base_is_judged_by_the_previous_period() -> None:
    targets = [t for t in load_targets("dehui") if t.indicator == "mch_staff_per_10000"]
    now = pd.DataFrame({"mch_staff": [5.0], "population": [100000.0]}, index=["R"])
    alone = the(compliance(hospitals(beds=[1.0]), targets, now), "B23", "mch_staff_per_10000")
    assert (alone.status, alone.actual, alone.missed) == ("no data", 0.5, 0)
    assert "no progress can be told" in alone.remark_en
    for before, status in ((4.0, "trend right"), (6.0, "trend wrong")):
        earlier = pd.DataFrame({"mch_staff": [before], "population": [100000.0]}, index=["R"])
        row = the(
            compliance(hospitals(beds=[1.0]), targets, now, region_previous=earlier), "B23", "mch_staff_per_10000"
        )
        assert row.status == status


def test_range_and_limit_in_words() -> None:
    region = pd.DataFrame({"cdc_staff": [1.0], "population": [10000.0]}, index=["R"])
    table = compliance(hospitals(beds=[1.0]), [*load_targets("dehui"), *load_targets("jingmen")], region)
    assert the(table, "B23", "inspectors_per_10000").target_text == "1–1.5 区间 (2025)"
    assert the(table, "A05", "health_expenditure_elasticity").target_text == "0.8–1.2 相协调"
    text = the(table, "A04", "outpatient_fee_growth").target_text
    assert text.startswith("< ")
    assert text.endswith("低于")


def test_reason_in_chinese_names_the_inputs() -> None:
    row = the(compliance(hospitals(beds=[1.0]), []), "A07", "bed_occupancy")
    assert row.status == "no data"
    assert "实际占用总床日数" in row.remark_zh
    assert "bed_days is missing" in row.remark_en


def test_indicators_that_were_not_computed_say_so() -> None:
    some: Indicators = compute_indicators(hospitals(beds=[1.0]), ids=["cmi"])
    table = policy_compliance(NO_TARGETS, some, None, NO_PROGRESS, region_name="R")
    assert the(table, "A07", "bed_occupancy").remark_en.startswith("No value: the indicator was not computed")
    assert "没有" not in the(table, "B01", "beds_per_1000").remark_zh
    assert the(table, "B01", "beds_per_1000").remark_en == "No value: no table of the region is given"


def test_growth_of_fees_is_held_against_the_growth_of_incomes_of_the_region() -> None:
    catalogue = compute_indicators(hospitals(beds=[1.0])).catalogue
    fee, patients = catalogue["outpatient_fee_growth"].formula.names
    now = hospitals(**{fee: [104.0, 108.0, 103.0], patients: [1.0, 1, 1]})
    before = hospitals(**{fee: [100.0] * 3, patients: [1.0] * 3})
    incomes = [pd.DataFrame({"resident_income": [value]}, index=["R"]) for value in (105.0, 100.0)]
    targets = list(load_targets("jingmen"))
    alone = the(compliance(now, targets, previous=before), "A04", "outpatient_fee_growth")
    assert (alone.status, alone.units) == ("no data", 3)
    assert "limit has no value" in alone.remark_en
    row = the(
        compliance(now, targets, incomes[0], previous=before, region_previous=incomes[1]),
        "A04",
        "outpatient_fee_growth",
    )
    assert (row.status, row.units, row.met, row.missed) == ("met", 3, 2, 1)
    assert row.gap == pytest.approx(-1.0)
