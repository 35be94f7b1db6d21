"""Targets: status by strictness, consistency of sets, progress of a regional plan, base values recomputed."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators import (
    Target,
    check_consistency,
    check_targets,
    compute_indicators,
    implied_range,
    load_targets,
    plan_progress,
    recompute_base,
    target_names,
)
from drgengine.evaluation.indicators.progress import progress_of
from drgengine.evaluation.indicators.targetstatus import STATUS, judge

ABOUT_30 = load_targets("putuo").targets[0]


def target(word: str, direction: str, value: float = 100.0, **changes: Any) -> Target:
    strictness = {"左右": "soft", "逐步": "trend"}.get(word, "hard")
    return dataclasses.replace(ABOUT_30, word=word, direction=direction, strictness=strictness, value=value, **changes)


JUDGED = [
    (target("左右", "at_most"), {100.0: "met", 100.1: "near", 110.0: "near", 110.1: "missed", 0.0: "met"}),
    (target("左右", "at_least"), {100.0: "met", 99.9: "near", 90.0: "near", 89.9: "missed"}),
    (target("左右", "equal"), {100.0: "met", 110.0: "met", 90.0: "met", 89.9: "missed", 110.1: "missed"}),
    (target("左右", "at_most", band=0.02), {102.0: "near", 102.1: "missed"}),
    (target("以下", "at_most"), {100.0: "met", 100.1: "missed"}),
    (target("低于", "at_most", inclusive=False), {100.0: "missed", 99.9: "met"}),
    (target("不低于", "at_least"), {100.0: "met", 99.9: "missed"}),
    (target("高于", "at_least", inclusive=False), {100.0: "missed", 100.1: "met"}),
    (target("规划值", "equal"), {100.0: "met", 100.1: "missed"}),
    (
        dataclasses.replace(target("相协调", "range"), strictness="soft", value=math.nan, low=0.8, high=1.2),
        {0.8: "met", 1.2: "met", 1.0: "met", 0.75: "near", 1.3: "near", 0.7: "missed", 1.33: "missed"},
    ),
    (target("左右", "at_most", -10.0), {-10.0: "met", -9.5: "near", -8.9: "missed"}),
    (target("不高于", "at_most", 0.0), {0.0: "met", 0.1: "missed", -1.0: "met"}),
]


@pytest.mark.parametrize(("one", "cases"), JUDGED, ids=[f"{one.word}-{one.direction}" for one, _ in JUDGED])
def test_status_by_strictness(one: Target, cases: dict[float, str]) -> None:
    assert {value: judge(one, value)[0] for value in cases} == cases
    assert judge(one, math.nan)[0] == "no data"


def test_rounding_does_not_miss_a_target() -> None:
    assert judge(target("以下", "at_most", 30.0), 0.1 * 3 * 100)[0] == "met"


def test_trends() -> None:
    falling, rising = target("逐步", "falling", math.nan), target("逐步", "rising", math.nan)
    clearly = dataclasses.replace(falling, word="明显", inclusive=False)
    assert [judge(falling, now, 10.0)[0] for now in (9.0, 10.0, 11.0)] == ["trend right", "trend right", "trend wrong"]
    assert [judge(rising, now, 10.0)[0] for now in (9.0, 10.0, 11.0)] == ["trend wrong", "trend right", "trend right"]
    assert [judge(clearly, now, 10.0)[0] for now in (9.0, 10.0)] == ["trend right", "trend wrong"]
    assert judge(falling, 9.0)[0] == "no data"


finite = st.floats(-1e6, 1e6)


@given(value=finite, actual=finite, band=st.floats(0.0, 0.5), direction=st.sampled_from(["at_most", "at_least"]))
def test_a_soft_target_is_never_stricter_than_a_hard_one(
    value: float, actual: float, band: float, direction: str
) -> None:
    soft = judge(target("左右", direction, value, band=band), actual)[0]
    hard = judge(target("以下" if direction == "at_most" else "以上", direction, value), actual)[0]
    assert (soft == "met") == (hard == "met")
    assert hard != "near"
    mirrored = target("左右", "at_least" if direction == "at_most" else "at_most", -value, band=band)
    assert judge(mirrored, -actual)[0] == soft


INPUTS = pd.DataFrame(
    {
        "drug_revenue": [30.0, 45.0, 20.0],
        "tcm_revenue": [0.0, 13.0, None],
        "medical_revenue": [100.0, 100.0, 100.0],
        "consumable_cost": [14.0, 12.0, 20.0],
        "inpatient_revenue": [110.0, 104.0, 100.0],
        "discharges": [10.0, 10.0, 10.0],
        "resident_income": [105.0, 105.0, None],
    },
    index=["A", "B", "C"],
)
LAST = INPUTS.assign(inpatient_revenue=100.0, resident_income=100.0, consumable_cost=13.0)


def test_jingmen_targets_on_three_hospitals() -> None:
    ids = ["drug_share", "consumables_per_100", "inpatient_fee_growth", "resident_income_growth"]
    found = compute_indicators(INPUTS, ids=ids, previous=LAST)
    table = check_targets(found, [one for one in load_targets("jingmen") if one.indicator in ids])
    shown = {(row.unit, row.indicator): (row.status, row.fails) for row in table.itertuples()}
    assert shown == {
        ("A", "drug_share"): ("met", False),
        ("B", "drug_share"): ("near", False),
        ("C", "drug_share"): ("no data", False),
        ("A", "consumables_per_100"): ("met", False),
        ("B", "consumables_per_100"): ("missed", True),
        ("C", "consumables_per_100"): ("missed", True),
        ("A", "inpatient_fee_growth"): ("missed", True),
        ("B", "inpatient_fee_growth"): ("met", False),
        ("C", "inpatient_fee_growth"): ("no data", False),
    }
    keyed = table.set_index(["unit", "indicator"])
    assert keyed.at[("C", "drug_share"), "reason"] == "tcm_revenue is missing"
    assert keyed.at[("C", "inpatient_fee_growth"), "reason"] == "resident_income is missing"
    assert keyed.at[("B", "drug_share"), "gap"] == pytest.approx(2.0)
    assert keyed.at[("A", "inpatient_fee_growth"), "target"] == pytest.approx(5.0)
    assert keyed["source"].str.contains("Jingmen").all()
    assert set(table["status"]) <= set(STATUS)
    assert check_targets(found, load_targets("jingmen"), language="zh")["source"].str.contains("荆门").all()


def test_trends_take_the_previous_period_of_the_result() -> None:
    found = compute_indicators(INPUTS, ids=["consumables_per_100"], previous=LAST)
    falling = target("逐步", "falling", math.nan, indicator="consumables_per_100")
    assert check_targets(found, [falling])["status"].to_list() == ["trend wrong", "trend right", "trend wrong"]
    assert check_targets(found.values, [falling])["reason"].to_list() == ["no value of the previous period"] * 3
    assert check_targets(found.values, [falling], found.previous)["status"].to_list()[0] == "trend wrong"
    absent = check_targets(found.values, [ABOUT_30])
    assert absent["reason"].to_list() == ["drug_share has no value"] * 3


def test_targets_by_group_and_year() -> None:
    values = pd.DataFrame({"drug_share": [31.0, 31.0]}, index=["A", "B"])
    hard = target("以下", "at_most", 30.0, group="三级", year=2025)
    found = check_targets(values, [hard], groups={"A": "三级", "B": "二级"}, year=2024)
    assert found[["unit", "status", "fails"]].to_numpy().tolist() == [["A", "missed", False]]
    assert check_targets(values, [hard], groups={"A": "三级"}, year=2025)["fails"].to_list() == [True]
    assert not check_targets(values, [dataclasses.replace(hard, nature="expected", group="")])["fails"].any()
    with pytest.raises(EvaluationError, match=r"group '三级'.*groups="):
        check_targets(values, [hard])


def test_values_with_gaps_and_text() -> None:
    values = pd.DataFrame({"drug_share": [31.0, None], "name": ["甲", "乙"]}, index=["A", "B"], dtype=object)
    assert check_targets(values, [ABOUT_30])["status"].to_list() == ["near", "no data"]
    values.loc["B", "drug_share"] = "31%"
    with pytest.raises(EvaluationError, match="'drug_share' has a value that is no number"):
        check_targets(values, [ABOUT_30])


def test_the_contradictions_of_dehui_are_found_by_general_rules() -> None:
    found = check_consistency(load_targets("dehui"))
    by = {(row.kind, row.year, row.stated): (row.verdict, row.derived) for row in found.itertuples()}
    assert by["same indicator", 2025, "3.76; 1.80"][0] == "contradiction"
    assert by["nurses_per_doctor", 2025, "1.17"] == ("contradiction", "1.067")
    assert by["nurses_per_doctor", 2020, "1.16"] == ("agrees", "1.155")
    assert by["institutions_by_kind", 2020, "867"] == ("agrees", "867.0")
    sums = found[(found["kind"] == "beds_by_ownership") & (found["year"] == 2025)]
    assert dict(zip(sums["derived"], sums["verdict"], strict=True)) == {"6.470": "rounding", "4.510": "contradiction"}
    assert found.loc[found["verdict"] == "contradiction", "sources"].str.contains("Dehui").all()


def test_sixty_beds_of_2020_are_in_neither_part() -> None:
    """4,002 beds, of which 1,388 county-run and 2,554 non-public: the printed parts of 2020 do not sum either."""
    found = check_consistency(load_targets("dehui"))
    row = found[(found["kind"] == "beds_by_ownership") & (found["year"] == 2020)].iloc[0]
    assert (row["stated"], row["derived"], row["verdict"]) == ("5.79", "5.700", "contradiction")


def test_targets_of_several_documents() -> None:
    everything = [one for name in target_names() for one in load_targets(name)]
    found = check_consistency(everything)
    differs = found[found["verdict"] == "differs"]
    assert set(differs["indicator"]) == {"personal_health_share"}
    assert "compensation" in set(found["kind"])
    zh = check_consistency(everything, language="zh")
    assert zh.loc[zh["verdict"] == "contradiction", "text"].str.contains("没有数值|推得").all()


def pair(one: Target, other: Target) -> list[str]:
    return check_consistency([one, other], identities=[])["verdict"].to_list()


def test_two_targets_on_one_indicator() -> None:
    most, least = target("以下", "at_most", 30.0), target("以上", "at_least", 40.0)
    assert pair(most, least) == ["contradiction"]
    assert pair(most, dataclasses.replace(least, value=20.0)) == []
    assert pair(most, dataclasses.replace(most, value=20.0)) == ["differs"]
    assert pair(most, most) == []
    assert pair(most, dataclasses.replace(least, year=2025)) == ["contradiction"]
    assert pair(dataclasses.replace(most, year=2020), dataclasses.replace(least, year=2025)) == []
    assert pair(most, dataclasses.replace(least, group="三级")) == []
    assert pair(target("左右", "equal", 30.0), target("左右", "equal", 36.0)) == ["differs"]
    assert pair(target("左右", "equal", 30.0), target("左右", "equal", 37.0)) == ["contradiction"]
    up, down = target("逐步", "rising", math.nan), target("逐步", "falling", math.nan)
    assert pair(up, down) == ["contradiction"]
    assert pair(up, up) == []
    assert pair(up, most) == []


@given(
    doctors=st.integers(50, 1000), nurses=st.integers(50, 1000), off=st.integers(-40, 40).filter(lambda n: abs(n) > 3)
)
def test_printed_ratios_that_fit_are_never_contradictions(doctors: int, nurses: int, off: int) -> None:
    """Values printed with two digits agree or are off by rounding; one pushed away further than that is found."""

    def verdict(shift: float) -> str:
        ratio = round(round(nurses / 100, 2) / round(doctors / 100, 2), 2) + shift
        stated = {"doctors_per_1000": doctors / 100, "nurses_per_1000": nurses / 100, "nurses_per_doctor": ratio}
        rows = [target("规划值", "at_least", v, indicator=k, decimals=2) for k, v in stated.items()]
        found = check_consistency(rows)
        return str(found.loc[found["kind"] == "nurses_per_doctor", "verdict"].iat[0])

    assert verdict(0.0) == "agrees"
    worst = (nurses + 0.5) / (doctors - 0.5) - nurses / doctors + 0.005
    if abs(off) / 100 > worst + 0.006:
        assert verdict(off / 100) == "contradiction"


def test_every_printed_value_of_2020_comes_out_of_the_counts() -> None:
    found = recompute_base(load_targets("dehui"))
    computed = found[found["agrees"].notna()]
    assert computed["agrees"].all()
    assert set(computed["line"]) == {*(f"B{n:02d}" for n in range(1, 15)), "B30"}
    assert set(found.loc[found["agrees"].isna(), "line"]) == {"B19", "B21", "B22"}
    for row in computed.itertuples():
        digits = 0 if row.line == "B30" else 2
        assert f"{row.computed:.{digits}f}" == f"{row.printed:.{digits}f}"
    with pytest.raises(EvaluationError, match="no counts"):
        recompute_base(load_targets("putuo"))


def test_the_population_behind_the_printed_values() -> None:
    """4,002 beds / 5.79 gives 691,192, for which 2,554 beds would print as 3.70 and not 3.69."""
    plan = load_targets("dehui")
    low, high = implied_range(plan, "population")
    assert low < plan.counts[2020]["population"] < high
    assert low > 4002 / 5.79 * 1000
    for population, right in ((low - 1, False), (low + 1, True), (high - 1, True), (high + 1, False)):
        counts = {2020: {**plan.counts[2020], "population": population}}
        agrees = recompute_base(dataclasses.replace(plan, counts=counts))["agrees"]
        assert agrees.dropna().all() == right


PLAN = target("规划值", "at_least", 3.0, base=2.0, base_year=2020, year=2025, indicator="doctors_per_1000")


def colours(one: Target, actual: float, year: int) -> tuple[str, bool]:
    row = plan_progress(pd.DataFrame({one.indicator: [actual]}, index=["R"]), [one], year).iloc[0]
    return row["colour"], row["fails"]


def test_progress_and_its_colour() -> None:
    assert [colours(PLAN, value, 2022)[0] for value in (2.4, 2.32, 2.31, 1.9, 3.0)] == [
        "green",
        "amber",
        "red",
        "red",
        "green",
    ]
    assert colours(PLAN, 2.0, 2020) == ("green", False)
    assert colours(PLAN, 2.99, 2025) == ("amber", False)
    assert colours(PLAN, 2.7, 2025) == ("red", True)
    assert colours(PLAN, 2.7, 2030) == ("red", True)
    assert colours(dataclasses.replace(PLAN, nature="expected"), 2.7, 2025) == ("red", False)
    assert colours(PLAN, 2.1, 2022) == ("red", False)
    assert colours(PLAN, math.nan, 2022) == ("no data", False)


def test_progress_downward_and_without_a_base() -> None:
    ceiling = dataclasses.replace(PLAN, direction="at_most", base=40.0, value=30.0)
    assert [colours(ceiling, value, 2022)[0] for value in (36.0, 36.5, 38.0, 29.0)] == [
        "green",
        "amber",
        "red",
        "green",
    ]
    no_base = dataclasses.replace(PLAN, base=math.nan)
    assert [colours(no_base, value, 2022)[0] for value in (3.0, 2.9)] == ["green", "no base"]
    met_before = dataclasses.replace(PLAN, base=3.2)
    assert [colours(met_before, value, 2022)[0] for value in (3.1, 2.9)] == ["green", "red"]
    assert math.isnan(progress_of(met_before, 3.1, 3.0))


@given(base=finite, value=finite, share=st.floats(0.0, 1.0))
def test_on_the_straight_line_progress_is_the_share_of_the_way(base: float, value: float, share: float) -> None:
    if abs(value - base) < 1e-3:
        return
    one = dataclasses.replace(PLAN, base=base, value=value, direction="at_least" if value > base else "at_most")
    assert progress_of(one, base + share * (value - base), value) == pytest.approx(share, abs=1e-6)


def test_the_dehui_plan_in_2022() -> None:
    plan = load_targets("dehui")
    counts = pd.DataFrame([plan.counts[2020]], index=["Dehui"])
    counts["doctors"], counts["nurses"] = 1900.0, 1900.0
    found = plan_progress(compute_indicators(counts), plan, 2022).set_index(["line", "indicator"])
    assert found.loc[("B07", "doctors_per_1000"), "colour"] == "green"
    assert found.loc[("B08", "nurses_per_1000"), "colour"] == "red"
    assert found.loc[("B15", "infection_department_share"), "colour"] == "no data"
    assert not found["fails"].any()
    assert found["expected"].dropna().unique().tolist() == [0.4]
    assert len(found) == len(plan)


def test_a_plan_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        """
zh = "某县"
en = "a county"
[[target]]
indicator = "beds_per_1000"
word = "at least"
value = 6
base = 5
base_year = 2025
year = 2030
source = ["=县规划"]
line = "X1"
[counts.2025]
beds = 500
population = 100000
""",
        encoding="utf-8",
    )
    plan = load_targets(path)
    assert recompute_base(plan)["agrees"].to_list() == [True]
    values = pd.DataFrame({"beds_per_1000": [5.3]}, index=["X"])
    assert plan_progress(values, plan, 2027)[["progress", "expected"]].to_numpy().tolist()[0] == pytest.approx(
        [0.3, 0.4]
    )
