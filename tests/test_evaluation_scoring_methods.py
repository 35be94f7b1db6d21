"""Scoring methods on examples small enough to be reckoned by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation import scoring as sc
from drgengine.evaluation.scoring.ranksum import GRADE_BOUNDS, GRADE_NAMES, probit_fit

ROOT39 = math.sqrt(39)  # of 2, 3, 6: mean 11/3, deviations -5/3, -2/3, 7/3, variance 39/9


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (1, [0.0, 0.25, 1.0]),
        (-1, [1.0, 0.75, 0.0]),
        (sc.Scale(kind="target", target=4.0), [0.0, 0.5, 0.0]),
        (sc.Scale(kind="target", target=4.0, reach=8.0), [0.75, 0.875, 0.75]),
        (sc.Scale(kind="interval", low=2.5, high=5.0), [0.5, 1.0, 0.0]),
        (sc.Scale(kind="interval", low=1.0, high=9.0), [1.0, 1.0, 1.0]),
        (sc.Scale(kind="anchors", bad=0.0, good=4.0), [0.5, 0.75, 1.0]),
        (sc.Scale(kind="anchors", bad=6.0, good=2.0), [1.0, 0.75, 0.0]),
        (sc.Scale(kind="rank", direction=-1), [1.0, 2 / 3, 1 / 3]),
        (sc.Scale(kind="percentile"), [0.5 / 3, 1.5 / 3, 2.5 / 3]),
        (sc.Scale(kind="vector"), [2 / 7, 3 / 7, 6 / 7]),
        (sc.Scale(kind="zscore"), [-5 / ROOT39, -2 / ROOT39, 7 / ROOT39]),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_scales(scale: Any, expected: list[float]) -> None:
    found = sc.normalise([[2.0], [3.0], [6.0]], [scale])
    np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-12)


def test_a_missing_value_stays_missing_on_each_scale() -> None:
    kinds = ("minmax", "zscore", "vector", "rank", "percentile")
    more = [
        sc.Scale(kind="target", target=2.0),
        sc.Scale(kind="interval", low=1.0, high=2.0),
        sc.Scale(kind="anchors", bad=0.0, good=9.0),
    ]
    for scale in [sc.Scale(kind=kind) for kind in kinds] + more:  # type: ignore[arg-type]
        values = sc.normalise([[1.0], [np.nan], [4.0]], [scale]).values[:, 0]
        assert np.isnan(values).tolist() == [False, True, False]


def test_topsis_by_hand() -> None:
    """Two units, each best on one indicator: min-max distances are the weights themselves."""
    found = sc.topsis([[1, 0], [0, 1]], [0.75, 0.25], [1, 1], "minmax")
    assert found.score.tolist() == [0.75, 0.25]
    assert found.distances.tolist() == [[0.25, 0.75], [0.75, 0.25]]
    assert found.contributions.tolist() == [[0.75, 0.0], [0.0, 0.25]]
    assert found.gaps.tolist() == [[0.0, 0.25], [0.75, 0.0]]


def test_vikor_second_condition_fails_and_ties_come_in_together() -> None:
    """C leads clearly, but A is best in S and D in R; A and D have the same Q, so the solution is all three."""
    weights = [0.3] + [0.1] * 7
    regrets = {"A": [1.0] + [0.0] * 7, "D": [0.0] + [1.0] * 7, "C": [0.5] + [0.25] * 7, "E": [1.0] + [0.5] * 7}
    found = sc.vikor(1 - pd.DataFrame(regrets).T, weights, [1] * 8)
    assert found.s.round(9).to_dict() == {"A": 0.3, "D": 0.7, "C": 0.325, "E": 0.65}
    assert found.r.round(9).to_dict() == {"A": 0.3, "D": 0.1, "C": 0.15, "E": 0.3}
    assert found.q.round(9).to_dict() == {"A": 0.5, "D": 0.5, "C": 0.15625, "E": 0.9375}
    assert found.acceptable_advantage
    assert not found.acceptable_stability
    assert found.compromise[0] == "C"
    assert set(found.compromise) == {"C", "A", "D"}
    assert found.rank.to_dict() == {"A": 2, "D": 2, "C": 1, "E": 4}
    assert found.worst_indicator["A"] == 0


def test_vikor_clear_winner_and_single_unit() -> None:
    assert sc.vikor([[9, 9], [1, 1], [2, 1]], [0.5, 0.5], [1, 1]).compromise == (0,)
    alone = sc.vikor([[9, 9]], [0.5, 0.5], [1, 1])
    assert alone.compromise == (0,)
    assert alone.q.tolist() == [0.0]


def test_vikor_with_policy_points_shows_the_failed_indicator() -> None:
    table = pd.DataFrame({"cmi": [1.5, 1.0], "infection": [0.9, 0.1]}, index=["X", "Y"])
    found = sc.vikor(table, [0.5, 0.5], [1, -1], best=[2.0, 0.0], worst=[0.5, 0.8])
    assert found.worst_indicator.to_dict() == {"X": "infection", "Y": "cmi"}
    assert found.regrets.loc["X", "infection"] == 0.5
    assert found.warnings == ("indicator 'infection': 1 values beyond the fixed points count as the points",)


def test_rsr_non_integer_ranks_by_hand() -> None:
    """z = 0, 0.25, 1 gives ranks 1, 1.5, 3 of 3."""
    found = sc.rsr([[2.0], [3.0], [6.0]], [1], integer_ranks=False)
    np.testing.assert_allclose(found.rsr, [1 / 3, 0.5, 1.0])
    assert found.method == "rsr-noninteger"


@pytest.mark.parametrize("grades", [3, 4, 5])
def test_rsr_grades_follow_the_probit_bounds(grades: int) -> None:
    ratio = np.linspace(0.01, 1.0, 100)
    table = probit_fit(ratio, grades).table
    assert len(GRADE_NAMES[grades]) == grades == len(GRADE_BOUNDS[grades]) + 1
    assert table["grade"].is_monotonic_increasing
    assert set(table["grade"]) == set(range(1, grades + 1))
    for at, bound in enumerate(GRADE_BOUNDS[grades], start=1):
        assert table.loc[table["grade"] <= at, "probit"].max() < bound <= table.loc[table["grade"] > at, "probit"].min()
    # Percentiles of the three grades: P15.866 and P84.134.
    if grades == 3:
        assert (table["grade"] == 1).sum() == 15
        assert (table["grade"] == 3).sum() == 100 - 84


def test_rsr_with_all_units_alike_has_no_grades() -> None:
    found = sc.rsr([[1, 2], [1, 2], [1, 2]], [1, -1])
    assert found.rsr.tolist() == pytest.approx([2 / 3] * 3)
    assert np.isnan(found.grade).all()
    assert found.fitted.tolist() == pytest.approx([2 / 3] * 3)
    assert any("no regression and no grades" in word for word in found.warnings)


def test_rsr_line_equals_linregress() -> None:
    from scipy.stats import linregress

    rng = np.random.default_rng(5)
    found = sc.rsr(rng.normal(size=(30, 4)), [1, 1, -1, -1], grades=5)
    line = linregress(found.probit_table["probit"], found.probit_table["rsr"])
    assert found.slope == pytest.approx(line.slope)
    assert found.intercept == pytest.approx(line.intercept)
    assert found.r2 == pytest.approx(line.rvalue**2)
    assert found.p_value == pytest.approx(line.pvalue, rel=1e-6)


def test_efficacy_of_policy_anchors() -> None:
    """Drug share: 40 % not allowed, 30 % satisfying; occupancy: 60 % and 90 %."""
    table = pd.DataFrame({"drug_share": [30.0, 45.0, 20.0], "occupancy": [75.0, 90.0, 30.0]}, index=["X", "Y", "Z"])
    found = sc.efficacy_score(table, [0.6, 0.4], {"drug_share": 40, "occupancy": 60}, [30, 90])
    assert found.by_indicator.to_dict("list") == {"drug_share": [100.0, 40.0, 100.0], "occupancy": [80.0, 100.0, 20.0]}
    assert found.score.to_dict() == pytest.approx({"X": 92.0, "Y": 64.0, "Z": 68.0})
    kept = sc.efficacy_score(table, [0.6, 0.4], [40, 60], [30, 90], floor=50.0)
    assert kept.by_indicator.min().min() == 50.0
    product = sc.efficacy_score(table, [0.6, 0.4], [40, 60], [30, 90], how="geometric")
    assert product.score["Z"] == pytest.approx(100**0.6 * 20**0.4)
    # The gap to 100 is split by weight x ln(points): all of Z's loss is occupancy.
    assert product.contributions.loc["Z", "drug_share"] == pytest.approx(60.0)
    nothing = sc.efficacy_score([[0.0, 90.0]], [0.5, 0.5], [60, 60], [90, 90], how="geometric")
    assert nothing.by_indicator.tolist() == [[0.0, 100.0]]
    assert nothing.score.tolist() == [0.0]


def test_efficacy_with_anchors_of_peer_groups() -> None:
    table = pd.DataFrame({"cmi": [1.2, 0.8]}, index=["tertiary", "secondary"])
    bad = pd.DataFrame({"cmi": [0.6, 1.0]}, index=["secondary", "tertiary"])
    found = sc.efficacy_score(table, [1.0], bad, bad + 0.4)
    assert found.score.to_dict() == pytest.approx({"tertiary": 80.0, "secondary": 80.0})
    gone = table.assign(cmi=[np.nan, 0.8])
    assert sc.efficacy_score(gone, [1.0], bad, bad + 0.4, missing="exclude").score["secondary"] == pytest.approx(80.0)


def test_percentile_bands_of_a_reference_and_of_cost() -> None:
    reference = pd.DataFrame({"los": np.arange(1.0, 10.0), "cmi": np.arange(1.0, 10.0)})
    table = pd.DataFrame({"cmi": [3.0, 2.9, 7.0], "los": [3.0, 3.1, 7.1]})
    found = sc.percentile_bands(table, [0.5, 0.5], [1, -1], reference=reference)
    assert found.cuts["cmi"].tolist() == [3.0, 5.0, 7.0]
    assert found.cuts["los"].tolist() == [7.0, 5.0, 3.0]
    assert found.band["cmi"].tolist() == [2, 1, 4]
    assert found.band["los"].tolist() == [4, 3, 1]
    assert found.score.tolist() == [75.0, 50.0, 62.5]


def test_target_ratio_forms_and_limits() -> None:
    x = [[0.0, 0.0, 3.0], [1.5, 0.5, 1.0]]
    ratio = sc.target_ratio(x, [0.2, 0.3, 0.5], [1.0, 1.0, 1.0], [1, -1, -1])
    assert ratio.by_indicator.tolist() == [[0.0, 2.0, 1 / 3], [1.5, 2.0, 1.0]]
    mirror = sc.target_ratio(x, [0.2, 0.3, 0.5], [1.0, 1.0, 1.0], [1, -1, -1], negative="mirror", high=1.0)
    assert mirror.by_indicator.tolist() == [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    assert mirror.score.tolist() == pytest.approx([0.3, 1.0])


def test_grey_relation_by_hand() -> None:
    """D = 0, 0.5, 1 with rho 0.5: xi = 1, 0.5, 1/3."""
    found = sc.grey_relation([[4.0, 1.0], [3.0, 1.0], [2.0, 1.0]], [0.5, 0.5], [1, 1])
    np.testing.assert_allclose(found.contributions, [[0.5, 0.5], [0.25, 0.5], [0.5 / 3, 0.5]])


def test_components_of_two_indicators() -> None:
    """Correlation r: eigenvalues 1 + r and 1 - r, KMO 1/2, Bartlett -(n - 1 - 9/6) ln(1 - r^2)."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 2)) @ [[1.0, 0.8], [0.0, 0.6]]
    r = np.corrcoef(x, rowvar=False)[0, 1]
    found = sc.pca_score(x, [1, 1], keep="eigenvalue")
    np.testing.assert_allclose(found.eigenvalues, [1 + r, 1 - r])
    assert found.kept == 1
    np.testing.assert_allclose(found.loadings, [[math.sqrt(0.5)]] * 2)
    assert found.kmo == pytest.approx(0.5)
    assert found.bartlett[0] == pytest.approx(-(39 - 1.5) * math.log(1 - r * r))
    assert "cross-check only" in found.warnings[-1]
    turned = sc.pca_score(x * [1, -1], [1, -1], keep="eigenvalue")
    np.testing.assert_allclose(turned.score, found.score)
    doubled = sc.pca_score(np.column_stack([x, x[:, 0], np.ones(40)]), [1, 1, 1, 1])
    assert np.isnan(doubled.kmo)
    assert any("singular" in word for word in doubled.warnings)
    assert any("indicator 3 is the same" in word for word in doubled.warnings)


def test_ahp_consistent_and_contradictory() -> None:
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    found = sc.ahp_weights(weights[:, None] / weights)
    np.testing.assert_allclose(found.weights, weights)
    assert found.consistency_ratio == pytest.approx(0.0, abs=1e-12)
    names = ["quality", "cost", "access"]
    circle = pd.DataFrame([[1, 5, 1 / 5], [1 / 5, 1, 5], [5, 1 / 5, 1]], index=names, columns=names)
    bad = sc.ahp_weights(circle)
    assert bad.weights.to_dict() == pytest.approx(dict.fromkeys(names, 1 / 3))
    # lambda_max = 1 + 5 + 1/5 by symmetry, so CI = 1.6 and CR = 1.6 / 0.58
    assert bad.consistency_ratio == pytest.approx(1.6 / 0.58)
    assert not bad.consistent
    assert "contradict" in bad.warnings[0]
    assert sc.ahp_weights([[1, 3], [1 / 3, 1]]).weights.tolist() == pytest.approx([0.75, 0.25])
    assert np.isnan(sc.ahp_weights(np.ones((10, 10))).consistency_ratio)


def test_delphi_disagreement_is_said() -> None:
    found = sc.delphi_weights(pd.DataFrame([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], columns=list("abc")))
    assert found.weights.to_dict() == pytest.approx({"a": 0.35, "b": 0.3, "c": 0.35})
    assert found.kendall_w == pytest.approx(0.0)
    assert "do not agree" in found.warnings[0]


def test_cap_spreads_the_rest_in_proportion() -> None:
    assert sc.cap_weights([0.7, 0.2, 0.1]).tolist() == pytest.approx([0.7 / 1.08, 0.2 / 1.08, 1 / 6])
    assert sc.cap_weights([1.0, 0.0, 0.0], 0.0, 0.5).tolist() == pytest.approx([0.5, 0.25, 0.25])
    assert sc.cap_weights({"a": 0.25, "b": 0.75}).to_dict() == {"a": 0.25, "b": 0.75}
    skewed = sc.entropy_weights([[1.0, 10.0, 5.0], [1.1, 10.5, 5.5], [90.0, 11.0, 6.0]])
    assert sc.effective_number(skewed) < 1.1
    assert sc.effective_number(sc.cap_weights(skewed)) == pytest.approx(2.0)


def test_detail_of_weights_says_what_they_are_made_of() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 3.0, 3.0], "c": [9.0, 8.0, 1.0]})
    entropy = sc.entropy_detail(table, normalisation="minmax", epsilon=0.002)
    assert entropy.method == "entropy-minmax-0.002"
    assert entropy.weights["b"] == 0.0
    np.testing.assert_allclose(entropy.parts["redundancy"], 1 - entropy.parts["entropy"], atol=1e-12)
    critic = sc.critic_detail(table, [1, 1, -1])
    assert critic.warnings == ("indicator 'b' is the same for all units: its weight is 0",)
    z = sc.normalise(table, [1, 1, -1]).values
    r = np.corrcoef(z["a"], z["c"])[0, 1]
    np.testing.assert_allclose(critic.parts["conflict"], [1 - r, 0, 1 - r], atol=1e-12)
    np.testing.assert_allclose(critic.parts["contrast"], z.std(ddof=1), atol=1e-12)
    only = sc.critic_weights(table[["a", "b"]])
    assert only.to_dict() == {"a": 1.0, "b": 0.0}


def test_agreement_takes_results_and_leaves_out_who_has_no_score() -> None:
    table = pd.DataFrame({"a": [3.0, 2.0, 1.0, np.nan], "b": [9.0, 5.0, 6.0, 7.0]}, index=list("PQRS"))
    weights, directions = [0.5, 0.5], [1, 1]
    found = sc.agreement(
        {
            "topsis": sc.topsis(table, weights, directions, missing="exclude"),
            "vikor": sc.vikor(table, weights, directions, missing="exclude"),
            "rsr": sc.rsr(table, directions, missing="exclude").rsr,
        }
    )
    assert found.excluded == {"S": "no score by topsis, vikor, rsr"}
    assert found.borda_rank["P"] == found.copeland_rank["P"] == 1
    assert found.methods == ("topsis", "vikor", "rsr")
    assert found.ranks.loc["P"].tolist() == [1, 1, 1]
    level = sc.agreement({"x": [1.0, 2.0], "y": [5.0, 5.0 + 1e-15]})
    assert level.warnings == ("method 'y' gives all units the same score: no correlation",)


def test_vetoes_cap_the_class_and_list_what_could_not_be_tested() -> None:
    table = pd.DataFrame(
        {"mortality": [0.01, 0.09, np.nan, 0.09], "upper": [0.05, 0.05, 0.05, np.nan], "fraud": [0, 1, 0, 0]},
        index=["P", "Q", "R", "S"],
    )
    rules = [
        {"indicator": "mortality", "condition": ">", "limit": "upper", "cap": "B", "source": "funnel, 99.8 %"},
        {"indicator": "fraud", "condition": ">=", "limit": 1, "cap": "C"},
    ]
    found = sc.apply_vetoes(pd.Series({"S": "B", "R": "A", "Q": "A", "P": "A"}), table, rules)
    assert found.classes.to_dict() == {"P": "A", "Q": "C", "R": "A", "S": "B"}
    assert found.applied[["unit", "indicator", "cap", "before", "after"]].values.tolist() == [
        ["Q", "mortality", "B", "A", "C"],
        ["Q", "fraud", "C", "A", "C"],
    ]
    assert found.applied["source"][0] == "funnel, 99.8 %"
    assert found.untested.values.tolist() == [
        ["R", "mortality", "no value"],
        ["S", "mortality", "no limit in 'upper'"],
    ]
    low = sc.apply_vetoes(["C", None, "A", "A"], table.assign(fraud=1), [{**rules[1], "cap": "B"}])
    assert low.classes == ["C", None, "B", "B"]
