"""Decisions: formulas of the plan, caps, uncertain classes, vetoes, pooling under a total."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.decisions import COLUMNS, decide, decision_kinds, read_rules
from drgengine.evaluation.decisions.pooling import pooled
from drgengine.evaluation.indicators import compute_indicators

UNITS = pd.Index(["H1", "H2", "H3", "H4"], name="hospital_id")


def league(**more: object) -> pd.DataFrame:
    columns = {
        "peer_group": ["3", "3", "3", "2"],
        "score": [90.0, 80.0, 40.0, 70.0],
        "separable": [True] * 4,
        "excluded": [""] * 4,
        "veto": [""] * 4,
        "previous_score": [80.0, 80.0, np.nan, 70.0],
    }
    return pd.DataFrame({**columns, **more}, index=UNITS)


MIX = pd.DataFrame({"total_weight": [100.0, 200.0, 50.0, 10.0], "cmi": [1.2, 1.0, 0.8, 0.9]}, index=UNITS)


def decided(
    settings: dict[str, dict[str, object]] | None = None, inputs: object = None, **more: object
) -> pd.DataFrame:
    table = pd.DataFrame({"beds": [10.0, 20.0, 30.0, np.nan]}, index=UNITS) if inputs is None else inputs
    return decide(league(**more), MIX, compute_indicators(table), settings)


def of(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    return table[table["kind"] == kind].set_index("hospital_id")


def test_all_kinds_for_all_hospitals_with_formula_cap_and_source() -> None:
    table = decided()
    assert list(table.columns) == list(COLUMNS)
    assert list(table["kind"].unique()) == list(decision_kinds())
    assert len(table) == 4 * len(decision_kinds())
    for name in ("zh", "en", "formula", "unit", "source_zh", "source_en", "basis"):
        assert (table[name].str.len() > 0).all(), name
    sources = {rule.kind: set(rule.lines) for rule in read_rules()}
    assert {"D09"} == sources["director"]
    assert {"D10"} == sources["wage"]
    assert "A26" in sources["subsidy"]
    assert "A25" in sources["posts"]
    assert "D13" in sources["quota"]


def test_budget_factor_is_1_at_the_median_of_the_peer_group_and_capped() -> None:
    budget = of(decided({"budget": {"base": "beds * 1000"}}), "budget")
    assert budget["factor"].round(6).to_list() == [1.025, 1.0, 0.9, 1.0]
    assert budget["capped_factor"].round(6).to_list() == [1.025, 1.0, 0.95, 1.0]
    assert budget["amount"].round(6).to_list()[:3] == [10250.0, 20000.0, 28500.0]
    assert np.isnan(budget.loc["H4", "amount"])
    assert "beds is missing" in budget.loc["H4", "note"]
    assert "缺少beds" in budget.loc["H4", "note_zh"]
    assert "cut to the cap" in budget.loc["H3", "note"]
    assert budget.loc["H1", "cap"] == "0.95..1.05"
    assert "score=90; median_score=80; span=40; beds=10; base=10000" in budget.loc["H1", "basis"]


def test_without_a_base_the_factor_stands_alone_and_the_note_says_what_to_do() -> None:
    budget = of(decided(), "budget")
    assert budget["capped_factor"].notna().all()
    assert budget["amount"].isna().all()
    assert "give base in [decisions.budget]" in budget.loc["H1", "note"]


def test_a_plan_replaces_formula_caps_and_quantities() -> None:
    settings = {"budget": {"formula": "1 + step * growth(score)", "low": 0.9, "high": 2, "quantities": {"step": 2.0}}}
    budget = of(decided(settings), "budget")
    assert budget.loc["H1", "factor"] == pytest.approx(1.25)
    assert np.isnan(budget.loc["H3", "factor"])
    assert "missing in the previous period" in budget.loc["H3", "note"]


@pytest.mark.parametrize(
    ("change", "word"),
    [({"separable": [True, False, True, True]}, "not separable"), ({"excluded": ["", "few", "", ""]}, "excluded")],
)
def test_uncertain_hospitals_get_the_neutral_factor_or_no_number(change: dict[str, object], word: str) -> None:
    score = [90.0, 85.0, 40.0, 70.0]
    table = decided({"budget": {"base": "beds"}}, score=score, **change)
    budget, director, posts = (of(table, kind).loc["H2"] for kind in ("budget", "director", "posts"))
    assert budget["factor"] == pytest.approx(1.0)  # the median itself
    assert budget["capped_factor"] == 1.0
    assert word in budget["note"]
    assert np.isnan(director["amount"]) == (word == "excluded")
    assert director["note"].endswith("no number" if word == "excluded" else "the score stands")
    assert word not in posts["note"]
    assert of(table, "director").loc["H1", "amount"] == 90.0


def test_a_hospital_without_a_score_is_uncertain_even_if_nothing_says_so() -> None:
    budget = of(decided({"budget": {"base": "beds"}}, score=[90.0, np.nan, 40.0, 70.0]), "budget")
    assert budget.loc["H2", "capped_factor"] == 1.0
    assert np.isnan(budget.loc["H2", "factor"])


def test_keep_gives_everybody_what_the_formula_says() -> None:
    table = decided({"director": {"uncertain": "keep"}}, separable=[False] * 4)
    assert of(table, "director")["amount"].to_list() == [90.0, 80.0, 40.0, 70.0]


def test_a_veto_takes_the_bonus_away_and_no_more() -> None:
    budget = of(decided(veto=["deaths", "", "deaths", ""]), "budget")
    assert budget["capped_factor"].round(6).to_list() == [1.0, 1.0, 0.95, 1.0]
    assert "veto" in budget.loc["H1", "note"]
    assert budget.loc["H1", "cap"] == "0.95..1"


def test_subsidy_and_posts_by_their_formulas() -> None:
    inputs = pd.DataFrame(
        {
            "subsidy_base": 1000.0,
            "subsidy_per_weight": 2.0,
            "nursing_equivalents": 40.0,
            "outpatient_equivalents": [60.0, 60, 60, np.nan],
            "weight_per_post": 20.0,
        },
        index=UNITS,
    )
    table = decided(None, inputs)
    assert of(table, "subsidy").loc["H1", "amount"] == pytest.approx(1000 + 2.0 * 0.9 * 100)
    assert of(table, "posts").loc["H1", "amount"] == pytest.approx((100 + 40 + 60) / 20)
    assert np.isnan(of(table, "posts").loc["H4", "amount"])
    assert "outpatient_equivalents" in of(table, "posts").loc["H4", "note"]


def test_a_total_is_shared_out_to_the_last_fen_within_the_caps() -> None:
    settings = {"budget": {"base": "total_weight", "total": 1_000_000.0}}
    budget = of(decided(settings, separable=[True, True, True, False]), "budget")
    assert budget["amount"].sum() == pytest.approx(1_000_000.0, rel=1e-12)
    weights = MIX["total_weight"]
    assert (budget["capped_factor"] * weights).sum() / weights.sum() == pytest.approx(1.0, rel=1e-9)
    assert budget["capped_factor"].between(0.95, 1.05).all()
    assert budget.loc["H4", "capped_factor"] == 1.0
    assert "pooled" in budget.loc["H1", "note"]
    assert budget.loc["H1", "cap"].endswith("pooled")


def test_pooling_without_a_total_keeps_the_sum_of_the_bases() -> None:
    budget = of(decided({"budget": {"base": "beds", "pool": True}}), "budget")
    assert budget["amount"].sum() == pytest.approx(60.0)
    assert np.isnan(budget.loc["H4", "amount"])


@given(
    st.lists(st.tuples(st.floats(0.5, 1.5), st.floats(1.0, 1e6), st.booleans()), min_size=1, max_size=8),
    st.floats(0.5, 1.0),
    st.floats(1.0, 1.5),
)
def test_pooled_factors_keep_caps_and_order_and_meet_the_total(
    rows: list[tuple[float, float, bool]], low: float, high: float
) -> None:
    fixed = np.array([row[2] for row in rows])
    factor = np.where(fixed, 1.0, np.clip([row[0] for row in rows], low, high))
    base = np.array([row[1] for row in rows])
    found, scale = pooled(factor, base, np.full(len(rows), low), np.full(len(rows), high), fixed)
    assert np.isfinite(scale)
    assert (found * base).sum() == pytest.approx(base.sum(), rel=1e-8)
    free = ~fixed
    assert (found[fixed] == 1.0).all()
    assert ((found[free] >= low) & (found[free] <= high)).all()
    order = np.argsort(factor[free])
    assert (np.diff(found[free][order]) >= -1e-12).all()


def test_caps_that_leave_no_room_are_told() -> None:
    found, scale = pooled(np.array([0.9, 0.9]), np.ones(2), np.zeros(2), np.full(2, 0.9), np.zeros(2, bool))
    assert np.isnan(scale)
    assert found.tolist() == [0.9, 0.9]
    budget = of(decided({"budget": {"base": "total_weight", "pool": True, "high": 0.97, "neutral": 0.97}}), "budget")
    assert "unbalanced" in budget.loc["H1", "note"]


def test_switched_off_and_own_kinds() -> None:
    own = {"zh": "奖励", "en": "Bonus", "unit": "yuan", "formula": "cmi", "source": ["=own rule"], "uncertain": "keep"}
    table = decided({"budget": {"enabled": False}, "bonus": own})
    assert "budget" not in set(table["kind"])
    assert of(table, "bonus")["amount"].to_list() == [1.2, 1.0, 0.8, 0.9]


BROKEN = {
    "typo": ({"budget": {"formula": "1 + scor"}}, ["[decisions.budget]", "'scor'", "score"]),
    "unknown key": ({"budget": {"hight": 2.0}}, ["hight", "high"]),
    "unknown kind": ({"budgte": {"low": 1.0}}, ["budgte", "budget"]),
    "code": ({"budget": {"formula": "__import__('os')"}}, ["key 'formula'", "no function"]),
    "caps": ({"budget": {"low": 2.0}}, ["low 2 lies above high"]),
    "rule": ({"budget": {"uncertain": "maybe"}}, ["uncertain", "'maybe'", "neutral, none, keep"]),
    "no base": ({"budget": {"pool": True}}, ["base", "pooled"]),
    "total": ({"budget": {"total": -1.0, "base": "beds"}}, ["total", "-1"]),
    "quantities": ({"budget": {"quantities": {"slope": "x"}}}, ["slope", "'x'"]),
    "no table": ({"budget": 3}, ["[decisions.budget]", "3"]),
}


@pytest.mark.parametrize(("settings", "words"), BROKEN.values(), ids=BROKEN)
def test_broken_settings_say_where(settings: dict[str, dict[str, object]], words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        decided(settings)
    assert all(word in str(caught.value) for word in words), str(caught.value)
