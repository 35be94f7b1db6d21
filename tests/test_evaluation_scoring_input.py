"""What scoring refuses, in which words, and how labels and missing values are handled."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drgengine.errors import EvaluationError
from drgengine.evaluation import scoring as sc

TABLE = pd.DataFrame(
    {"cmi": [1.2, 0.9, 1.0], "cost_index": [0.95, 1.1, 1.0], "mortality": [0.2, 0.1, 0.4]},
    index=["仁济", "中心", "妇幼"],
)
WEIGHTS = {"cmi": 0.5, "cost_index": 0.3, "mortality": 0.2}
DIRECTIONS = {"cmi": 1, "cost_index": -1, "mortality": -1}


def with_value(value: Any) -> pd.DataFrame:
    table = TABLE.astype(object)
    table.loc["中心", "cost_index"] = value
    return table


REFUSED: dict[str, tuple[Any, list[str]]] = {
    "sum": (lambda: sc.topsis(TABLE, [0.5, 0.3, 0.3], DIRECTIONS), ["add up to 1.1", "normalise_weights=True"]),
    "sum-just-outside": (lambda: sc.vikor(TABLE, [0.5, 0.3, 0.200002], DIRECTIONS), ["add up to 1.000002"]),
    "negative-weight": (lambda: sc.rsr(TABLE, DIRECTIONS, [1.2, -0.2, 0]), ["-0.2", "'cost_index'", "negative"]),
    "weight-nan": (lambda: sc.topsis(TABLE, [0.5, np.nan, 0.5], DIRECTIONS), ["nan", "'cost_index'", "finite"]),
    "weights-zero": (lambda: sc.topsis(TABLE, [0, 0, 0], DIRECTIONS, normalise_weights=True), ["add up to 0"]),
    "weight-count": (lambda: sc.topsis(TABLE, [0.5, 0.5], DIRECTIONS), ["2 values for 3 indicators"]),
    "weight-lacking": (lambda: sc.topsis(TABLE, {"cmi": 1.0}, DIRECTIONS), ["no value for indicator 'cost_index'"]),
    "weight-unknown": (lambda: sc.topsis(TABLE, WEIGHTS | {"los": 0}, DIRECTIONS), ["'los' is not in the matrix"]),
    "direction": (lambda: sc.topsis(TABLE, WEIGHTS, [1, 0, -1]), ["0 for indicator 'cost_index'", "+1 nor -1"]),
    "direction-text": (lambda: sc.topsis(TABLE, WEIGHTS, ["max", "min", "min"]), ["'max'", "'cmi'"]),
    "nan": (lambda: sc.topsis(with_value(np.nan), WEIGHTS, DIRECTIONS), ["'中心'", "'cost_index'", "reweight"]),
    "infinite": (lambda: sc.topsis(with_value(np.inf), WEIGHTS, DIRECTIONS), ["'中心'", "'cost_index'", "inf"]),
    "text": (lambda: sc.topsis(with_value("1,1"), WEIGHTS, DIRECTIONS), ["'中心'", "'cost_index'", "'1,1'"]),
    "empty": (lambda: sc.topsis(TABLE.iloc[:0], WEIGHTS, DIRECTIONS), ["0 units and 3 indicators"]),
    "one-dimension": (lambda: sc.topsis([1, 2], [1], [1]), ["1 dimension"]),
    "ragged": (lambda: sc.topsis([[1, 2], [1]], [0.5, 0.5], [1, 1]), ["not equally long"]),
    "unit-twice": (lambda: sc.rsr(TABLE.iloc[[0, 0]], DIRECTIONS), ["unit '仁济'", "more than once"]),
    "indicator-twice": (lambda: sc.rsr(TABLE[["cmi", "cmi"]], [1, 1]), ["indicator 'cmi'", "more than once"]),
    "normalisation": (lambda: sc.topsis(TABLE, WEIGHTS, DIRECTIONS, "max"), ["'max'", "'vector' or 'minmax'"]),  # type: ignore[arg-type]
    "fixed-without-norms": (lambda: sc.topsis(TABLE, WEIGHTS, DIRECTIONS, best=[2, 0, 0]), ["norms", "minmax"]),
    "best-worse": (
        lambda: sc.topsis(TABLE, WEIGHTS, DIRECTIONS, "minmax", best=[2, 1.5, 0], worst=[0, 1, 1]),
        ["'cost_index'", "best 1.5 is not better than worst 1", "-1"],
    ),
    "vikor-best-worse": (lambda: sc.vikor(TABLE, WEIGHTS, DIRECTIONS, best=[0, 0, 0]), ["'cmi'", "best 0"]),
    "v": (lambda: sc.vikor(TABLE, WEIGHTS, DIRECTIONS, v=1.5), ["1.5", "0..1"]),
    "grades": (lambda: sc.rsr(TABLE, DIRECTIONS, grades=6), ["6 grades", "3, 4 or 5"]),
    "missing-option": (lambda: sc.rsr(TABLE, DIRECTIONS, missing="mean"), ["'mean'", "median"]),  # type: ignore[arg-type]
    "coverage-option": (lambda: sc.rsr(TABLE, DIRECTIONS, minimum_coverage=70), ["70", "0 to 1"]),
    "nobody": (
        lambda: sc.rsr(TABLE.where(TABLE.cmi < 0), DIRECTIONS, missing="exclude"),
        ["no unit has enough values"],
    ),
    "empty-indicator": (
        lambda: sc.rsr(TABLE.assign(mortality=np.nan), DIRECTIONS, WEIGHTS, missing="reweight"),
        ["'mortality'", "no value at all"],
    ),
    "anchors-equal": (
        lambda: sc.efficacy_score(TABLE, WEIGHTS, [1, 1, 1], [2, 1, 0]),
        ["'cost_index'", "both are 1", "different anchors"],
    ),
    "anchor-unit": (
        lambda: sc.efficacy_score(TABLE, WEIGHTS, TABLE.iloc[:2], TABLE * 2),
        ["bad", "'妇幼'"],
    ),
    "limits": (lambda: sc.efficacy_score(TABLE, WEIGHTS, [0, 2, 1], [2, 0, 0], floor=100), ["floor 100"]),
    "target": (lambda: sc.target_ratio(TABLE, WEIGHTS, [1, 0, 1], DIRECTIONS), ["'cost_index'", "above 0"]),
    "ratio-negative": (
        lambda: sc.target_ratio(TABLE - 1, WEIGHTS, [1, 1, 1], DIRECTIONS),
        ["'仁济'", "'cost_index'", "-0.05", "efficacy_score"],
    ),
    "geometric-negative": (
        lambda: sc.weighted_geometric_mean(TABLE - 1, WEIGHTS),
        ["'仁济'", "'cost_index'", "-0.05", "normalise()"],
    ),
    "bands": (
        lambda: sc.percentile_bands(TABLE, WEIGHTS, DIRECTIONS, percentiles=[50, 25, 75]),
        ["do not ascend"],
    ),
    "points": (lambda: sc.percentile_bands(TABLE, WEIGHTS, DIRECTIONS, points=[1, 2]), ["2 for 4 bands"]),
    "reference": (
        lambda: sc.percentile_bands(TABLE, WEIGHTS, DIRECTIONS, reference=TABLE[["cmi"]]),
        ["reference", "'cost_index'"],
    ),
    "rho": (lambda: sc.grey_relation(TABLE, WEIGHTS, DIRECTIONS, rho=0), ["rho", "0.5"]),
    "entropy-negative": (lambda: sc.entropy_weights(-TABLE), ["'仁济'", "'cmi'", "-1.2 is negative", "minmax"]),
    "entropy-outside": (lambda: sc.entropy_weights(TABLE, normalisation="none"), ["1.2 is outside 0..1"]),
    "entropy-nan": (lambda: sc.entropy_weights(with_value(None)), ["'中心'", "'cost_index'"]),
    "entropy-one": (lambda: sc.entropy_weights(TABLE.iloc[:1]), ["at least 2 units"]),
    "entropy-flat": (lambda: sc.entropy_weights(TABLE * 0 + 3), ["no indicator tells the units apart"]),
    "epsilon": (lambda: sc.entropy_weights(TABLE, epsilon=0.5), ["0.5"]),
    "critic-alike": (lambda: sc.critic_weights([[1, 2], [2, 4], [3, 6]]), ["exactly alike"]),
    "variation-mean": (lambda: sc.variation_weights([[-1.0, 1], [1.0, 2]]), ["indicator 0", "mean 0"]),
    "ahp-reciprocal": (lambda: sc.ahp_weights([[1, 3], [0.5, 1]]), ["0 against 1 is 3", "0.5"]),
    "ahp-square": (lambda: sc.ahp_weights([[1, 3]]), ["1 rows and 2 columns"]),
    "ahp-zero": (lambda: sc.ahp_weights([[1, 0], [0, 1]]), ["0 is not above 0"]),
    "delphi-sum": (lambda: sc.delphi_weights([[0.5, 0.5], [0.5, 0.6]]), ["expert 1", "1.1"]),
    "cap": (lambda: sc.cap_weights([0.5, 0.5], low=0.6), ["cannot add up to 1", "0.5"]),
    "share": (lambda: sc.combine_weights([1.0], [1.0], share=70), ["70"]),
    "combine-names": (
        lambda: sc.combine_weights({"a": 1.0}, {"b": 1.0}),
        ["objective weights", "no value for indicator 'a'"],
    ),
    "combine-none-left": (lambda: sc.combine_weights([1.0, 0.0], [0.0, 1.0]), ["how='sum'"]),
    "agreement-one": (lambda: sc.agreement({"a": [1, 2]}), ["1 methods", "at least 2"]),
    "agreement-length": (lambda: sc.agreement({"a": [1, 2], "b": [1, 2, 3]}), ["'a' 2", "'b' 3"]),
    "agreement-units": (
        lambda: sc.agreement({"a": pd.Series([1, 2], ["x", "y"]), "b": pd.Series([1, 2], ["x", "z"])}),
        ["'b' has other units"],
    ),
    "scale-field": (lambda: sc.normalise(TABLE, {**DIRECTIONS, "cmi": {"goal": 1}}), ["'cmi'", "'goal'"]),
    "scale-target": (lambda: sc.normalise(TABLE, {**DIRECTIONS, "cmi": {"kind": "target"}}), ["'cmi'", "target"]),
    "scale-interval": (
        lambda: sc.normalise(TABLE, {**DIRECTIONS, "cmi": sc.Scale(kind="interval", low=2, high=1)}),
        ["'cmi'", "low 2 lies above high 1"],
    ),
    "scale-anchors": (
        lambda: sc.normalise(TABLE, {**DIRECTIONS, "cmi": sc.Scale(kind="anchors", bad=1, good=1)}),
        ["'cmi'", "bad and good are both 1"],
    ),
    "scale-lacking": (lambda: sc.normalise(TABLE, {"cmi": 1}), ["'cost_index'", "one side only"]),
    "veto-key": (lambda: sc.read_vetoes([{"indicator": "x", "op": ">"}]), ["veto rule 1", "'op' is not known"]),
    "veto-condition": (
        lambda: sc.read_vetoes([{"indicator": "x", "condition": "above", "limit": 1, "cap": "B"}]),
        ["'above'", ">="],
    ),
    "veto-cap": (
        lambda: sc.apply_vetoes(
            ["A"] * 3, TABLE, [{"indicator": "cmi", "condition": ">", "limit": 1, "cap": "D"}], ("A", "B")
        ),
        ["veto rule 1", "'D' is no class"],
    ),
    "veto-indicator": (
        lambda: sc.apply_vetoes(["A"] * 3, TABLE, [{"indicator": "los", "condition": ">", "limit": 1, "cap": "B"}]),
        ["'los' is not in the table"],
    ),
    "pca": (lambda: sc.pca_score(TABLE.iloc[:2], DIRECTIONS), ["2 units", "at least 3"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_these_words(case: str) -> None:
    act, words = REFUSED[case]
    with pytest.raises(EvaluationError) as caught:
        act()
    for word in words:
        assert word in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_labels_are_kept_and_weights_matched_by_name() -> None:
    backwards = dict(reversed(WEIGHTS.items()))
    found = sc.topsis(TABLE, backwards, pd.Series(DIRECTIONS)[["mortality", "cmi", "cost_index"]])
    plain = sc.topsis(TABLE.to_numpy(), list(WEIGHTS.values()), list(DIRECTIONS.values()))
    assert found.score.index.equals(TABLE.index)
    assert isinstance(plain.score, np.ndarray)
    assert isinstance(plain.distances, np.ndarray)
    np.testing.assert_array_equal(found.score.to_numpy(), plain.score)
    assert list(found.best.index) == list(TABLE.columns)
    assert found.best.to_dict() == {"cmi": 1.2, "cost_index": 0.95, "mortality": 0.1}
    assert list(found.table.columns) == ["score", "rank", "coverage", "reason"]
    assert plain.table["rank"].tolist() == found.rank.tolist()


def test_polars_arrow_decimals_and_gaps_of_each_kind_are_read() -> None:
    polars = pytest.importorskip("polars")
    plain = sc.rsr(TABLE.to_numpy(), [1, -1, -1]).rsr.tolist()
    assert sc.rsr(polars.DataFrame(TABLE.reset_index(drop=True).to_dict("list")), DIRECTIONS).rsr.tolist() == plain
    import pyarrow as pa

    assert sc.rsr(pa.Table.from_pandas(TABLE, preserve_index=True), DIRECTIONS).rsr.to_dict().keys() == set(TABLE.index)
    assert sc.rsr(TABLE.map(lambda x: Decimal(str(x))), DIRECTIONS).rsr.tolist() == plain
    for gap in (None, pd.NA, np.nan, float("nan")):
        found = sc.rsr(with_value(gap), DIRECTIONS, missing="exclude")
        assert found.excluded == {"中心": "no value for 'cost_index'"}
        assert found.rank["中心"] != found.rank["中心"]


def test_weights_that_add_up_up_to_printing_are_taken() -> None:
    third = sc.topsis(TABLE, [0.3333333] * 3, DIRECTIONS)
    assert third.weights.sum() == pytest.approx(1.0, abs=1e-15)
    by_option = sc.topsis(TABLE, [5, 3, 2], DIRECTIONS, normalise_weights=True)
    assert by_option.score.tolist() == sc.topsis(TABLE, WEIGHTS, DIRECTIONS).score.tolist()


def test_coverage_decides_at_seventy_percent_of_the_weights() -> None:
    gaps = TABLE.copy()
    gaps.loc["仁济", "cost_index"] = np.nan  # 70 % left
    gaps.loc["妇幼", "cmi"] = np.nan  # 50 % left
    found = sc.weighted_sum(gaps, WEIGHTS, missing="reweight")
    assert found.coverage.round(9).to_dict() == {"仁济": 0.7, "中心": 1.0, "妇幼": 0.5}
    assert found.excluded == {"妇幼": "coverage 50 % of the weights, at least 70 % are needed"}
    assert found.score["仁济"] == pytest.approx((0.5 * 1.2 + 0.2 * 0.2) / 0.7)
    assert found.contributions.loc["仁济", "cost_index"] == 0.0
    assert found.warnings == ("1 missing values left out of the weights",)
    lenient = sc.weighted_sum(gaps, WEIGHTS, missing="reweight", minimum_coverage=0.5)
    assert lenient.excluded == {}


def test_median_is_of_peers_and_of_values_really_there() -> None:
    table = pd.DataFrame({"a": [1.0, 3.0, 100.0, np.nan, np.nan], "b": [0.0] * 4 + [1.0]}, index=list("PQRST"))
    peers = pd.Series({"T": "secondary", "P": "tertiary", "Q": "tertiary", "R": "secondary", "S": "tertiary"})
    weights = {"a": 0.2, "b": 0.8}
    found = sc.weighted_sum(table, weights, missing="median", peers=peers)
    assert found.contributions["a"].to_dict() == pytest.approx({"P": 0.2, "Q": 0.6, "R": 20.0, "S": 0.4, "T": 20.0})
    assert found.coverage["S"] == pytest.approx(0.8)
    alone = sc.weighted_sum(table.drop("R"), weights, missing="median", peers=peers.drop("R"))
    assert alone.excluded == {"T": "no peer has a value for 'a'"}
    everyone = sc.weighted_sum(table, weights, missing="median")
    assert everyone.contributions.loc["S", "a"] == pytest.approx(0.6)
    with pytest.raises(EvaluationError, match="unit 'T' has no peer group"):
        sc.weighted_sum(table, weights, missing="median", peers=peers.drop("T"))


def test_a_column_that_does_not_vary_never_divides_by_zero() -> None:
    table = TABLE.assign(cost_index=[0.1 + 0.2, 0.3, 0.3])  # equal up to rounding
    for found in (
        sc.topsis(table, WEIGHTS, DIRECTIONS),
        sc.topsis(table, WEIGHTS, DIRECTIONS, "minmax"),
        sc.vikor(table, WEIGHTS, DIRECTIONS),
        sc.grey_relation(table, WEIGHTS, DIRECTIONS),
        sc.percentile_bands(table, WEIGHTS, DIRECTIONS),
        sc.rsr(table, DIRECTIONS, WEIGHTS, integer_ranks=False),
    ):
        assert any("'cost_index' is the same for all units" in word for word in found.warnings)
        assert np.isfinite(found.score).all()
    assert sc.normalise(table, DIRECTIONS).values["cost_index"].tolist() == [1.0, 1.0, 1.0]
    same = sc.topsis(TABLE * 0 + 2, WEIGHTS, DIRECTIONS)
    assert same.score.tolist() == [1.0, 1.0, 1.0]
    assert same.rank.tolist() == [1, 1, 1]
    np.testing.assert_allclose(same.contributions.sum(axis=1), 1.0)
    flat = sc.vikor(TABLE * 0 + 2, WEIGHTS, DIRECTIONS)
    assert flat.q.tolist() == [0.0, 0.0, 0.0]
    assert flat.worst_indicator.tolist() == [None, None, None]


def test_results_are_frozen_and_survive_pickling() -> None:
    for found in (
        sc.topsis(TABLE, WEIGHTS, DIRECTIONS),
        sc.vikor(TABLE, WEIGHTS, DIRECTIONS),
        sc.rsr(TABLE, DIRECTIONS),
    ):
        with pytest.raises(AttributeError):
            found.score = 1  # type: ignore[misc]
        again = pickle.loads(pickle.dumps(found))
        assert again.method == found.method
        assert again.score.equals(found.score)


def test_all_names_are_there_and_no_module_has_the_name_of_a_function() -> None:
    import pkgutil

    for name in sc.__all__:
        assert callable(getattr(sc, name))
    modules = {one.name for one in pkgutil.iter_modules(sc.__path__)}
    assert not modules & set(sc.__all__)
    assert dir(sc) == sorted(sc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'promethee'"):
        sc.promethee  # noqa: B018
