"""TOPSIS, VIKOR and RSR against their plain-Python twins on drawn matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.evaluation.scoring import rsr, topsis, vikor
from drgengine.evaluation.scoring.reference_scores import rsr_reference, topsis_reference, vikor_reference

# Few different values collide, so ties and columns that do not vary come often; wide ones try the arithmetic.
VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 5.0, -3.0]), st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 4))
)


@st.composite
def problem(draw: st.DrawFn) -> tuple[list[list[float]], list[float], list[int]]:
    wide = draw(st.integers(1, 5))
    matrix = draw(st.lists(st.lists(VALUES, min_size=wide, max_size=wide), min_size=1, max_size=9))
    parts = draw(st.lists(st.integers(0, 5), min_size=wide, max_size=wide).filter(any))
    directions = draw(st.lists(st.sampled_from([1, -1]), min_size=wide, max_size=wide))
    return matrix, [part / sum(parts) for part in parts], directions


@pytest.mark.kernel
@given(problem(), st.sampled_from(["vector", "minmax"]))
def test_topsis_equals_reference(drawn: tuple[list[list[float]], list[float], list[int]], normalisation: Any) -> None:
    matrix, weights, directions = drawn
    found = topsis(matrix, weights, directions, normalisation)
    expected = topsis_reference(matrix, weights, directions, normalisation)
    np.testing.assert_allclose(found.score, expected, atol=1e-9, rtol=0)


@pytest.mark.kernel
@given(problem(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_vikor_equals_reference(drawn: tuple[list[list[float]], list[float], list[int]], v: float) -> None:
    matrix, weights, directions = drawn
    found = vikor(matrix, weights, directions, v)
    s, r, q = vikor_reference(matrix, weights, directions, v)
    np.testing.assert_allclose(found.s, s, atol=1e-9, rtol=0)
    np.testing.assert_allclose(found.r, r, atol=1e-9, rtol=0)
    np.testing.assert_allclose(found.q, q, atol=1e-9, rtol=0)


@pytest.mark.kernel
@given(problem())
def test_rsr_equals_reference(drawn: tuple[list[list[float]], list[float], list[int]]) -> None:
    matrix, weights, directions = drawn
    found = rsr(matrix, directions, weights)
    ratio, fitted, grade = rsr_reference(matrix, directions, weights)
    np.testing.assert_allclose(found.rsr, ratio, atol=1e-12, rtol=0)
    np.testing.assert_allclose(found.fitted, fitted, atol=1e-9, rtol=0)
    assert np.nan_to_num(found.grade).tolist() == grade
