"""What must hold for any matrix: ranges, contributions that add up, units and order that do not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drgengine.evaluation.scoring import (
    agreement,
    cap_weights,
    combine_weights,
    critic_weights,
    effective_number,
    efficacy_score,
    entropy_weights,
    grey_relation,
    normalise,
    pca_score,
    percentile_bands,
    rsr,
    standard_deviation_weights,
    target_ratio,
    topsis,
    variation_weights,
    vikor,
    weighted_geometric_mean,
    weighted_sum,
)

SCORES: dict[str, Callable[..., Any]] = {
    "topsis-vector": topsis,
    "topsis-minmax": lambda x, w, d, **more: topsis(x, w, d, "minmax", **more),
    "vikor": vikor,
    "rsr": lambda x, w, d, **more: rsr(x, d, w, **more),
    "rsr-noninteger": lambda x, w, d, **more: rsr(x, d, w, False, **more),
    "grey": grey_relation,
    "bands": percentile_bands,
    "efficacy-sum": lambda x, w, d, **more: efficacy_score(
        x, w, np.where(np.array(d) > 0, 1, 9), np.where(np.array(d) > 0, 9, 1), **more
    ),
    "efficacy-geometric": lambda x, w, d, **more: efficacy_score(
        x, w, np.where(np.array(d) > 0, 1, 9), np.where(np.array(d) > 0, 9, 1), 10.0, "geometric", **more
    ),
    "target-ratio": lambda x, w, d, **more: target_ratio(x, w, np.full(len(d), 5.0), d, **more),
    "target-mirror": lambda x, w, d, **more: target_ratio(x, w, np.full(len(d), 5.0), d, negative="mirror", **more),
    "sum": lambda x, w, d, **more: weighted_sum(normalise(x, d).values, w, **more),
    "geometric": lambda x, w, d, **more: weighted_geometric_mean(normalise(x, d).values, w, **more),
}
LIMITS = {"bands": (25, 100), "efficacy-sum": (0, 100), "efficacy-geometric": (10, 100), "vikor": (0, 1)}
WEIGHTS: dict[str, Callable[..., Any]] = {
    "entropy-sum": entropy_weights,
    "entropy-minmax": lambda x, d: entropy_weights(x, d, "minmax", 0.002),
    "critic": critic_weights,
    "variation": lambda x, d: variation_weights(x),
    "standard-deviation": standard_deviation_weights,
}
every_score = pytest.mark.parametrize("way", SCORES)
# Many methods share these tests, so each draws fewer examples.
fewer = settings(max_examples=40)
every_weight = pytest.mark.parametrize("way", WEIGHTS)


@st.composite
def tables(draw: st.DrawFn, least: int = 1, gaps: bool = False) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Units x indicators of 0..10, weights and directions, all by name."""
    wide = draw(st.integers(1, 4))
    cell = st.floats(0, 10).map(lambda x: round(x, 3))
    cell = st.one_of(st.sampled_from([0.0, 2.0, 7.0]), cell, *([st.just(float("nan"))] if gaps else []))
    rows = draw(st.lists(st.lists(cell, min_size=wide, max_size=wide), min_size=least, max_size=8))
    parts = np.array(draw(st.lists(st.integers(1, 9), min_size=wide, max_size=wide)), dtype=float)
    names = [f"k{at}" for at in range(wide)]
    table = pd.DataFrame(rows, index=[f"H{at}" for at in range(len(rows))], columns=names)
    directions = draw(st.lists(st.sampled_from([1, -1]), min_size=wide, max_size=wide))
    return table, pd.Series(parts / parts.sum(), index=names), pd.Series(directions, index=names)


@every_score
@fewer
@given(tables())
def test_range_and_contributions(way: str, drawn: Any) -> None:
    table, weights, directions = drawn
    found = SCORES[way](table, weights, directions)
    low, high = LIMITS.get(way, (0, 2 if way.startswith("target") else 1))
    assert found.score.between(low - 1e-9, high + 1e-9).all()
    whole = found.q if way == "vikor" else found.score
    np.testing.assert_allclose(found.contributions.sum(axis=1), whole, atol=1e-9 * max(1, high))
    assert found.contributions.index.equals(table.index)
    assert list(found.contributions.columns) == list(table.columns)
    assert found.rank.min() == 1
    assert (found.coverage == 1.0).all()
    if way.startswith("rsr"):
        assert (found.rsr >= 1 / len(table) - 1e-12).all()
    if way.startswith("topsis"):
        np.testing.assert_allclose((found.gaps.sum(axis=1) + found.score), 1.0, atol=1e-9)
    if way == "vikor":
        np.testing.assert_allclose(found.regrets.sum(axis=1), found.s, atol=1e-12)
        np.testing.assert_allclose(found.regrets.max(axis=1), found.r, atol=1e-12)
        assert found.compromise
        assert found.rank[found.compromise[0]] == 1


@every_score
@fewer
@given(tables(), st.randoms(use_true_random=False))
def test_order_of_units_and_indicators_does_not_matter(way: str, drawn: Any, random: Any) -> None:
    table, weights, directions = drawn
    rows, columns = list(table.index), list(table.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    first = SCORES[way](table, weights, directions)
    moved = table.loc[rows, columns]
    second = SCORES[way](moved, weights[columns], directions[columns])
    np.testing.assert_allclose(second.score[table.index], first.score, atol=1e-9)
    if way == "vikor":
        assert set(first.compromise) == set(second.compromise)


@pytest.mark.parametrize("way", ["topsis-vector", "topsis-minmax", "vikor", "rsr", "rsr-noninteger", "grey", "bands"])
@fewer
@given(tables())
def test_change_of_unit_of_measurement_does_not_matter(way: str, drawn: Any) -> None:
    table, weights, directions = drawn
    np.testing.assert_allclose(
        SCORES[way](table * 1024.0, weights, directions).score, SCORES[way](table, weights, directions).score, atol=1e-9
    )


@pytest.mark.parametrize("way", ["topsis-minmax", "vikor", "rsr", "rsr-noninteger", "grey"])
@fewer
@given(tables())
def test_shift_of_the_zero_does_not_matter_to_methods_of_ranges(way: str, drawn: Any) -> None:
    table, weights, directions = drawn
    shifted = SCORES[way](table + 64.0, weights, directions).score
    np.testing.assert_allclose(shifted, SCORES[way](table, weights, directions).score, atol=1e-7)


@pytest.mark.parametrize("way", ["topsis-vector", "topsis-minmax", "vikor", "rsr", "grey", "efficacy-sum", "sum"])
@fewer
@given(tables(least=2))
def test_better_on_all_is_never_worse(way: str, drawn: Any) -> None:
    table, weights, directions = drawn
    best = table.mul(directions, axis=1).max() * directions
    table = pd.concat([table, pd.DataFrame([best], index=["best"])])
    found = SCORES[way](table, weights, directions)
    assert found.rank["best"] == 1


@every_score
@fewer
@given(tables(least=3, gaps=True), st.sampled_from(["reweight", "median", "exclude"]))
def test_missing_values_are_accounted_for(way: str, drawn: Any, missing: str) -> None:
    table, weights, directions = drawn
    present = table.notna()
    assume(present.any().all())
    share = (present * weights).sum(axis=1)
    complete = present.all(axis=1)
    kept = complete if missing == "exclude" else share >= 0.7
    if missing == "median":
        kept &= ~(present[kept].sum() == 0).any() | complete
    assume(kept.any() and table[kept].notna().any().all())
    found = SCORES[way](table, weights, directions, missing=missing)
    assert found.score.notna().tolist() == kept.tolist()
    assert set(found.excluded) == set(table.index[~kept])
    assert found.table["reason"].ne("").tolist() == (~kept).tolist()
    np.testing.assert_allclose(found.coverage, share, atol=1e-12)
    whole = found.q if way == "vikor" else found.score
    np.testing.assert_allclose(found.contributions[kept].sum(axis=1), whole[kept], atol=1e-7)
    assert found.rank[kept].min() == 1


@pytest.mark.parametrize("way", [way for way in SCORES if way not in ("sum", "geometric")])
@fewer
@given(tables(least=2))
def test_an_excluded_unit_influences_no_other(way: str, drawn: Any) -> None:
    table, weights, directions = drawn
    gone = pd.DataFrame([[np.nan] + [10.0] * (table.shape[1] - 1)], index=["gone"], columns=table.columns)
    alone = SCORES[way](table, weights, directions).score
    found = SCORES[way](pd.concat([gone.astype(float), table]), weights, directions, missing="exclude")
    np.testing.assert_allclose(found.score[table.index], alone, atol=1e-12)
    assert found.excluded == {"gone": "no value for 'k0'"}


@every_weight
@fewer
@given(tables(least=3))
def test_weights_add_up_and_keep_labels(way: str, drawn: Any) -> None:
    table, _, directions = drawn
    varies = table.max() > table.min()
    assume(varies.any())
    if way == "critic":
        assume(varies.sum() == 1 or (table.loc[:, varies].rank().nunique(axis=1) > 1).any())
        z = normalise(table.loc[:, varies], directions[varies.to_numpy()]).values
        assume(varies.sum() == 1 or np.corrcoef(z, rowvar=False).min() < 0.999)
    weights = WEIGHTS[way](table, directions)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (weights >= 0).all()
    assert list(weights.index) == list(table.columns)
    assert (weights[~varies] == 0).all()
    np.testing.assert_allclose(WEIGHTS[way](table * 8.0, directions), weights, atol=1e-9)
    back = list(table.columns[::-1])
    np.testing.assert_allclose(WEIGHTS[way](table[back], directions[back])[table.columns], weights, atol=1e-9)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any), st.floats(0, 1), st.floats(0, 1))
def test_capped_weights_keep_their_bounds_and_order(parts: list[int], low: float, high: float) -> None:
    weights = np.array(parts) / sum(parts)
    low, high = low / len(parts), high + (1 - high) / len(parts)
    capped = cap_weights(weights, low, high)
    assert capped.sum() == pytest.approx(1.0, abs=1e-9)
    assert (capped >= low - 1e-9).all()
    assert (capped <= high + 1e-9).all()
    order = np.argsort(weights, kind="stable")
    assert (np.diff(capped[order]) >= -1e-9).all()
    assert 1.0 - 1e-9 <= effective_number(weights) <= len(parts) + 1e-9


@fewer
@given(tables(), st.floats(0, 1), st.sampled_from(["product", "sum"]))
def test_combined_weights_lie_between(drawn: Any, share: float, how: Any) -> None:
    _, weights, _ = drawn
    equal = pd.Series(1 / len(weights), index=weights.index)
    mixed = combine_weights(weights, equal, share, how)
    assert mixed.sum() == pytest.approx(1.0, abs=1e-12)
    assert effective_number(mixed) >= effective_number(weights) - 1e-9
    np.testing.assert_allclose(combine_weights(weights, equal, 1.0, how), weights, atol=1e-12)
    np.testing.assert_allclose(combine_weights(weights, equal, 0.0, how), equal, atol=1e-12)


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=2, max_size=8))
def test_agreement_against_scipy_and_counting(rows: list[tuple[int, int, int]]) -> None:
    from scipy.stats import spearmanr

    table = pd.DataFrame(rows, columns=["a", "b", "c"], dtype=float)
    found = agreement(table)
    for one, two in (("a", "b"), ("a", "c"), ("b", "c")):
        if table[one].nunique() > 1 and table[two].nunique() > 1:
            assert found.spearman.loc[one, two] == pytest.approx(spearmanr(table[one], table[two])[0], abs=1e-12)
        else:
            assert np.isnan(found.spearman.loc[one, two])
    if not np.isnan(found.kendall.w):
        assert -1e-12 <= found.kendall.w <= 1 + 1e-12
    for i, own in enumerate(rows):
        wins = losses = 0
        points = 0.0
        for j, other in enumerate(rows):
            ahead, behind = sum(x > y for x, y in zip(own, other, strict=True)), sum(map(int.__lt__, own, other))
            wins, losses = wins + (ahead > behind), losses + (ahead < behind)
            points += (ahead + (3 - ahead - behind) / 2) / 3 if i != j else 0.0
        assert found.copeland[i] == wins - losses
        assert found.borda[i] == pytest.approx(points)


@fewer
@given(tables(least=6))
def test_components_decompose_and_their_sign_is_fixed(drawn: Any) -> None:
    table, _, directions = drawn
    assume((table.max() - table.min() > 0.01).sum() >= 2)
    found = pca_score(table, directions)
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.score, atol=1e-9)
    assert found.score.mean() == pytest.approx(0.0, abs=1e-9)
    assert (found.loadings.sum() > -1e-8).all()
    varying = int((table.max() > table.min()).sum())
    assert found.eigenvalues.sum() == pytest.approx(varying, abs=1e-8)


@pytest.mark.parametrize("way", ["vector", "minmax"])
def test_fixed_points_stop_rank_reversal(way: Any) -> None:
    """A third unit turns the order of two others; with the points of the base year it does not."""
    two, third = [[1.0, 3.0], [3.0, 0.9]], [9.0, 0.5]
    base = topsis(two, [0.5, 0.5], [1, 1], "minmax")
    later = topsis([*two, third], [0.5, 0.5], [1, 1], "minmax")
    assert np.sign(base.score[0] - base.score[1]) != np.sign(later.score[0] - later.score[1])
    first = topsis(two, [0.5, 0.5], [1, 1], way)
    again = topsis([*two, third], [0.5, 0.5], [1, 1], way, best=first.best, worst=first.worst, norms=first.norms)
    np.testing.assert_allclose(again.score[:2], first.score, atol=1e-12)
    assert again.warnings == tuple(
        f"indicator {at}: 1 values beyond the fixed points count as the points" for at in (0, 1)
    )
