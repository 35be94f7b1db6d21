"""Direct costs: elements, whole fen, mixed behaviour, and what each policy does with costs that do not fit."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from costing_by_hand import line, small
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.ledger.directcosts import COST_ITEMS, direct_costs
from drgengine.costing.ledger.scope import FUND_SOURCES
from drgengine.errors import CostingError


def message(*lines: dict[str, Any], **more: Any) -> str:
    with pytest.raises(CostingError) as caught:
        direct_costs(small(list(lines), **more))
    return str(caught.value)


def test_elements_fund_sources_and_behaviours_are_columns() -> None:
    direct = direct_costs(
        small(
            [
                line("C", 1.0, "materials", separately_charged=True, behaviour="variable"),
                line("C", 2.0, "materials", entry_mode="computed"),
                line("C", 3.0, detail="nurse", fund_source="fiscal_project"),
                line("C", 4.0, detail="doctor"),
            ]
        )
    )
    assert direct.matrix.columns.tolist() == [
        ("personnel:doctor", "basic", "fixed"),
        ("personnel:nurse", "fiscal_project", "fixed"),
        ("materials", "basic", "fixed"),
        ("materials:charged", "basic", "variable"),
    ]
    assert direct.matrix.loc["C"].tolist() == [400, 300, 200, 100]
    assert direct.matrix.index.tolist() == list("AXTCW")
    assert direct.by_entry.columns.get_level_values("entry_mode").tolist() == ["direct", "direct", "computed", "direct"]
    assert direct.total == 1000
    assert not direct.findings


def test_mixed_cost_is_split_in_whole_fen() -> None:
    model = small([line("C", 0.05, behaviour="mixed")])
    cases = dataclasses.replace(model.settings.cases, mixed_variable_share=0.3)
    model = dataclasses.replace(model, settings=dataclasses.replace(model.settings, cases=cases))
    assert direct_costs(model).matrix.loc["C"].to_dict() == {
        ("personnel", "basic", "fixed"): 3,
        ("personnel", "basic", "variable"): 2,
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from("AXTCW"),
            st.floats(0, 1e7, allow_subnormal=False),
            st.sampled_from(COST_ITEMS),
            st.sampled_from(FUND_SOURCES),
            st.sampled_from(["fixed", "variable", "mixed"]),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_the_total_is_that_of_the_lines_to_the_fen(lines: list[tuple[str, float, str, str, str]]) -> None:
    model = small([line(d, a, i, fund_source=f, behaviour=b) for d, a, i, f, b in lines])
    direct = direct_costs(model)
    assert abs(direct.total - sum(row[1] for row in lines) * 100) <= 0.51
    assert direct.matrix.to_numpy().sum() == direct.total
    assert (direct.by_entry.T.groupby(level=[0, 1, 2]).sum().T.sum() == direct.matrix.sum().sort_index()).all()
    for element in {row[2] for row in lines}:
        exact = sum(row[1] for row in lines if row[2] == element) * 100
        assert abs(direct.matrix[element].to_numpy().sum() - exact) <= len(FUND_SOURCES)


def test_lines_that_are_not_whole_fen_are_listed_and_their_sum_stays() -> None:
    direct = direct_costs(small([line("A", 1.0), *[line(code, 100 / 3) for code in "XTC"]]))
    assert direct.total == 10100
    assert direct.matrix.sum(axis=1).tolist() == [100, 3334, 3333, 3333, 0]
    (finding,) = direct.findings
    assert (finding.rule, finding.place) == ("fen_rounding", "ledger.csv line 2")
    assert "3 ledger lines are not whole fen" in finding.problem


# ---------------------------------------------------------------- negative costs
NEGATIVE = (line("C", 50.0), line("W", -30.0, "drugs"), line("C", 100.0, "drugs"), line("W", 10.0, "drugs"))


def test_negative_costs_are_netted_first() -> None:
    direct = direct_costs(small([line("C", 50.0), line("C", -20.0, behaviour="variable", entry_mode="computed")]))
    assert direct.matrix.loc["C"].to_dict() == {
        ("personnel", "basic", "fixed"): 3000,
        ("personnel", "basic", "variable"): 0,
    }
    assert [(one.rule, one.severity, one.amount) for one in direct.findings] == [("negative_cost", "note", 20.0)]


def test_negative_costs_are_refused_with_the_cells() -> None:
    text = message(*NEGATIVE, line("T", -1.0, "other", fund_source="fiscal_project"))
    words = ("ledger.csv", "T other fiscal_project -1.00", "W drugs basic -20.00", "'allocate', 'carry' or 'parent'")
    assert all(word in text for word in words)


def test_one_fund_source_does_not_hide_the_negative_cost_of_another() -> None:
    assert "fiscal_project -5.00" in message(line("C", 50.0), line("C", -5.0, fund_source="fiscal_project"))


POLICIES = {
    "allocate": ([15000, -2000], [], "allocated like any other"),
    "carry": ([15000, 0], [["W", "drugs", "basic", -2000]], "set aside on a line of its own"),
    "parent": ([13000, 0], [], "moved to the parent department C"),
}


@pytest.mark.parametrize(("policy", "expected"), POLICIES.items(), ids=POLICIES.keys())
def test_each_policy_for_negative_costs(policy: str, expected: tuple[list[int], list[Any], str]) -> None:
    direct = direct_costs(small(list(NEGATIVE), policies={"negative_cost": policy}))
    departments, aside, words = expected
    assert direct.matrix.sum(axis=1)[["C", "W"]].tolist() == departments
    assert direct.set_aside.to_numpy().tolist() == aside
    assert direct.matrix.to_numpy().sum() + direct.set_aside["fen"].sum() == direct.total == 13000
    (finding,) = direct.findings
    assert (finding.rule, finding.place, finding.amount) == ("negative_cost", "department W", -20.0)
    assert words in finding.problem


def test_negative_costs_climb_to_the_first_parent_that_can_bear_them() -> None:
    lines = [line("W", -20.0), line("C", 5.0), line("T", 40.0)]
    direct = direct_costs(small(lines, policies={"negative_cost": "parent"}))
    assert direct.matrix.sum(axis=1).tolist() == [0, 0, 2500, 0, 0]
    assert [one.place for one in direct.findings] == ["department W", "department C"]


def test_negative_costs_without_a_parent_are_refused() -> None:
    text = message(line("A", -5.0), line("C", 50.0), policies={"negative_cost": "parent"})
    assert all(word in text for word in ("department A", "-5.00", "no parent"))


# ---------------------------------------------------------------- departments and totals
def test_unknown_departments_are_refused_with_a_guess() -> None:
    text = message(line("C", 5.0), line("0301", 7.5), line("0301", 2.5), line("CC", 1.0))
    assert all(word in text for word in ("ledger.csv", '"0301" (10.00 yuan, 2 lines)', '"CC"', "dept_map", "suspense"))


def test_unknown_departments_go_to_the_suspense_department() -> None:
    policies = {"unknown_department": "suspense", "suspense_department": "A"}
    direct = direct_costs(small([line("C", 5.0), line("0301", 7.5)], policies=policies))
    assert direct.matrix.sum(axis=1)[["A", "C"]].tolist() == [750, 500]
    (finding,) = direct.findings
    assert (finding.rule, finding.place, finding.amount) == ("unknown_department", "ledger.csv, department 0301", 7.5)


def test_the_suspense_department_must_exist() -> None:
    policies = {"unknown_department": "suspense", "suspense_department": "S"}
    assert "suspense_department" in message(line("0301", 7.5), policies=policies)


def test_a_ledger_that_misses_its_total_is_refused_with_the_gap_by_account_and_department() -> None:
    lines = [line("C", 100.0, account="5001"), line("W", 40.0, account="5101"), line("W", 1.0, account="5001")]
    assert direct_costs(small(lines, ledger_total=141.0)).total == 14100
    text = message(*lines, ledger_total=101.0)
    words = (
        "ledger_total",
        "141.00",
        "says 101.00",
        "gap 40.00",
        "By account: 5101 40.00 = the gap",
        "By department: C 100.00",
    )
    assert all(word in text for word in words), text


BROKEN = {
    "amount": ([line("C", 1.0), line("C", float("nan"))], ["ledger.csv line 2", "missing"]),
    "fund source": ([line("C", 1.0, fund_source="gift")], ['fund_source "gift"', "basic, fiscal_project"]),
    "behaviour": ([line("C", 1.0, behaviour="lively")], ['behaviour "lively"', "mixed"]),
    "nothing": ([], ["ledger.csv", "no ledger line"]),
}


@pytest.mark.parametrize(("lines", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_ledgers_say_where(lines: list[dict[str, Any]], words: list[str]) -> None:
    text = message(*lines)
    assert all(word in text for word in words), text
