"""Published worked examples of scoring methods; the id of a test names status and tolerance of the example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation.scoring import (
    Scale,
    critic_weights,
    entropy_weights,
    normalise,
    rsr,
    topsis,
    vikor,
)

EXAMPLES = {
    "topsis_tzeng": ("PUBLISHED, confirmed", 6e-05),
    "water20_entropy_critic_topsis": ("PUBLISHED, confirmed", 2e-06),
    "critic_diakoulaki": ("PUBLISHED, confirmed", 1e-07),
    "vikor_tzeng": ("PUBLISHED test oracle, confirmed", 1e-09),
    "rsr_maternal10": ("PUBLISHED, confirmed", 0.0051),
}


def example(shared: Path, name: str) -> dict[str, Any]:
    """The example, with the status and tolerance that the id of the test claims."""
    path = shared / "oracles" / "evaluation_examples.json"
    found = next(one for one in json.loads(path.read_text(encoding="utf-8")) if one["id"] == name)
    assert (found["status"], found["tolerance"]) == EXAMPLES[name]
    return found


def oracle(name: str) -> Any:
    status, tolerance = EXAMPLES[name]
    return pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{status}-within-{tolerance:g}")])


@oracle("topsis_tzeng")
def test_topsis_vector(shared: Path, name: str) -> None:
    one = example(shared, name)
    given, expected = one["inputs"], one["expected"]
    found = topsis(given["matrix"], given["weights"], given["directions"])
    np.testing.assert_allclose(found.score, expected["closeness"], atol=one["tolerance"], rtol=0)
    np.testing.assert_allclose(found.score, one["recomputed"]["closeness"], atol=1e-7, rtol=0)
    assert found.rank.tolist() == expected["rank"]


@oracle("water20_entropy_critic_topsis")
def test_water_quality_from_forwarding_to_topsis(shared: Path, name: str) -> None:
    one = example(shared, name)
    expected, eps = one["expected"], one["inputs"]["epsilon"]
    raw = np.array(one["inputs"]["matrix"])
    scales = [1, Scale(kind="target", target=7.0), -1, Scale(kind="interval", low=10.0, high=20.0)]
    z = normalise(raw, scales).values
    np.testing.assert_allclose(
        critic_weights(z, normalisation="none"), expected["critic_w"], atol=one["tolerance"], rtol=0
    )
    # The book rescales benefit and cost columns to [eps, 1 - eps] and clips the two forwarded ones.
    z[:, [0, 2]] = eps + (1 - 2 * eps) * z[:, [0, 2]]
    weights = entropy_weights(z, normalisation="none", epsilon=eps)
    np.testing.assert_allclose(weights, expected["entropy_w"], atol=one["tolerance"], rtol=0)
    forwarded = normalise(raw, scales).values
    mixed = np.column_stack([raw[:, 0], forwarded[:, 1], raw[:, 2], forwarded[:, 3]])
    found = topsis(mixed, weights, [1, 1, -1, 1])
    np.testing.assert_allclose(found.score, expected["topsis"], atol=one["tolerance"], rtol=0)


@oracle("critic_diakoulaki")
def test_critic(shared: Path, name: str) -> None:
    one = example(shared, name)
    weights = critic_weights(one["inputs"]["matrix"], one["inputs"]["directions"])
    np.testing.assert_allclose(weights, one["expected"]["w"], atol=one["tolerance"], rtol=0)


@oracle("vikor_tzeng")
def test_vikor(shared: Path, name: str) -> None:
    one = example(shared, name)
    given, expected = one["inputs"], one["expected"]
    found = vikor(given["matrix"], given["weights"], [1, 1, 1], v=given["v"])
    for ours, theirs in ((found.s, "S"), (found.r, "R"), (found.q, "Q")):
        np.testing.assert_allclose(ours, expected[theirs], atol=one["tolerance"], rtol=0)
    assert not found.acceptable_advantage
    assert found.acceptable_stability
    assert found.compromise == (2, 1)  # {A2, A3}, the best first


@oracle("rsr_maternal10")
def test_rank_sum_ratio(shared: Path, name: str) -> None:
    one = example(shared, name)
    given, expected, tolerance = one["inputs"], one["expected"], one["tolerance"]
    table = pd.DataFrame(given["matrix"], index=given["ids"])
    found = rsr(table, given["directions"])
    groups = found.probit_table
    np.testing.assert_allclose(found.rsr, expected["rsr"], atol=1e-7)
    np.testing.assert_allclose(groups["probit"], expected["probit_groups"], atol=tolerance)
    np.testing.assert_allclose(groups["fitted"], expected["rsrfit_groups"], atol=tolerance)
    assert found.intercept == pytest.approx(expected["intercept"][0], abs=5e-6)
    assert found.slope == pytest.approx(expected["slope"][0], abs=5e-6)
    assert found.r2 == pytest.approx(expected["r2"][0], abs=5e-5)
    np.testing.assert_allclose(groups["fitted"], one["recomputed"]["rsrfit_groups"], atol=1e-7)
    assert found.rank["H"] == 1
    # Probit 3.72 of J lies below 4, those of C (6.28) and H (6.96) above 6.
    assert found.grade.to_dict() == {**dict.fromkeys("ABDEFGI", 2), "J": 1, "C": 3, "H": 3}


def test_min_max_and_vector_name_different_winners() -> None:
    """Known of TOPSIS and the reason why the normalisation is part of the method's name (Opricovic & Tzeng 2004)."""
    matrix, weights = [[1, 3000], [2, 3750], [5, 4500]], [0.5, 0.5]
    vector = topsis(matrix, weights, [-1, 1])
    minmax = topsis(matrix, weights, [-1, 1], "minmax")
    assert vector.method == "topsis-vector"
    assert minmax.method == "topsis-minmax"
    assert (vector.rank.tolist().index(1), minmax.rank.tolist().index(1)) == (0, 1)
