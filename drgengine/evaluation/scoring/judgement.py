"""Expert weights (主观赋权): AHP from pairwise judgements, Delphi from tables of several experts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.concordance import kendall_w
from drgengine.evaluation.scoring.indicators import SUM_TOLERANCE, Floats, Indicators, read_matrix

# Mean consistency index of random judgements (平均随机一致性指标), Saaty, 3 to 9 indicators.
RANDOM_INDEX = {3: 0.58, 4: 0.90, 5: 1.12, 6: 1.24, 7: 1.32, 8: 1.41, 9: 1.45}
CONSISTENT = 0.10
RECIPROCAL_TOLERANCE = 0.01  # 1/3 is often typed as 0.33


@dataclass(frozen=True, slots=True, eq=False)
class AhpWeights:
    """Weights of the analytic hierarchy process.

    weights : [m], sum 1; lambda_max : principal eigenvalue; consistency_index : (lambda_max - m) / (m - 1)
    consistency_ratio : index over that of random judgements; 0 for m < 3, NaN for m > 9 (no published value taken)
    consistent : consistency_ratio < 0.10; warnings : says so when it is not
    """

    method: str
    weights: Any
    lambda_max: float
    consistency_index: float
    consistency_ratio: float
    consistent: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DelphiWeights:
    """Mean weights of experts: weights [m], sum 1; spread [m], standard deviation between experts;
    kendall_w : agreement of the experts' rankings, 0..1; p_value : of the chi-square test of no agreement.
    """

    method: str
    weights: Any
    spread: Any
    experts: int
    kendall_w: float
    p_value: float
    warnings: tuple[str, ...]


def ahp_weights(judgement: Any) -> AhpWeights:
    """Weights from pairwise judgements (层次分析法, AHP): principal eigenvector and consistency ratio.

    judgement : [m, m], a_ij = how much more important i is than j (1 to 9), a_ji = 1 / a_ij within 1 %, a_ii = 1;
        a DataFrame keeps its labels, rows and columns in the same order
    Raises EvaluationError: not square, a value of 0 or less, not reciprocal (both judgements named).
    A consistency ratio of 0.10 or more is no error but a warning: ask the experts again.
    Source: Saaty 1980.

    >>> found = ahp_weights([[1, 3, 5], [1 / 3, 1, 2], [1 / 5, 1 / 2, 1]])
    >>> found.weights.round(4).tolist(), round(found.consistency_ratio, 4)
    ([0.6483, 0.2297, 0.122], 0.0032)
    """
    source = read_matrix(judgement, "judgement")
    _check_judgement(source)
    many = len(source.names)
    values, vectors = np.linalg.eig(source.values)
    at = int(np.argmax(values.real))
    principal = np.abs(vectors[:, at].real)
    weights = principal / principal.sum()
    largest = float(values[at].real)
    index = max(0.0, (largest - many) / (many - 1)) if many > 1 else 0.0
    ratio = 0.0 if many < 3 else index / RANDOM_INDEX.get(many, float("nan"))
    warnings: tuple[str, ...] = ()
    if many > max(RANDOM_INDEX):
        warnings = (f"no random index for {many} indicators, consistency unknown: judge in groups of at most 9",)
    elif ratio >= CONSISTENT:
        warnings = (
            f"consistency ratio {ratio:.3f} is not below {CONSISTENT:g}: the judgements contradict one another",
        )
    return AhpWeights("ahp", source.per_indicator(weights), largest, index, ratio, ratio < CONSISTENT, warnings)


def delphi_weights(opinions: Any) -> DelphiWeights:
    """Mean of the weights of several experts and their agreement (德尔菲法, Kendall 协调系数).

    opinions : experts x indicators, each row weights of sum 1 (within 1e-6)
    Raises EvaluationError: a missing or negative weight, a row that does not add up to 1, fewer than 2 experts.

    >>> found = delphi_weights([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])
    >>> found.weights.round(2).tolist(), found.kendall_w
    ([0.55, 0.3, 0.15], 1.0)
    """
    source = read_matrix(opinions, "opinions")
    values = source.values
    wrong = ~(values >= 0.0)
    if wrong.any():
        row, column = (int(at[0]) for at in np.nonzero(wrong))
        where = f"expert {source.units[row]!r}, indicator {source.names[column]!r}"
        raise EvaluationError("opinions", f"{where}: {values[row, column]:g} is no weight", "Give weights of 0 or more")
    sums = values.sum(axis=1)
    if (np.abs(sums - 1.0) > SUM_TOLERANCE).any():
        row = int(np.argmax(np.abs(sums - 1.0) > SUM_TOLERANCE))
        problem = f"weights of expert {source.units[row]!r} add up to {sums[row]:.9g} and not to 1"
        raise EvaluationError("opinions", problem, "Correct them")
    if values.shape[0] < 2:
        raise EvaluationError("opinions", "one expert alone agrees with nobody", "Give at least 2 experts")
    mean = values.mean(axis=0)
    agreed = kendall_w(values.T)
    return DelphiWeights(
        "delphi",
        source.per_indicator(mean / mean.sum()),
        source.per_indicator(values.std(axis=0, ddof=1)),
        values.shape[0],
        agreed.w,
        agreed.p_value,
        () if agreed.p_value < 0.05 else ("the experts do not agree beyond chance (p of Kendall W is 0.05 or more)",),
    )


def _check_judgement(source: Indicators) -> None:
    values: Floats = source.values
    if values.shape[0] != values.shape[1]:
        shape = f"{values.shape[0]} rows and {values.shape[1]} columns"
        raise EvaluationError("judgement", f"{shape}, not square", "Compare each indicator with each")
    if list(source.units) != list(source.names) and not isinstance(source.units, pd.RangeIndex):
        raise EvaluationError("judgement", "rows and columns are named differently", "Name both in the same order")
    wrong = ~(values > 0.0)
    if wrong.any():
        row, column = (int(at[0]) for at in np.nonzero(wrong))
        where = f"{source.names[row]!r} against {source.names[column]!r}"
        raise EvaluationError("judgement", f"{where}: {values[row, column]:g} is not above 0", "Judge 1/9 to 9")
    off = np.abs(values * values.T - 1.0) > RECIPROCAL_TOLERANCE
    if off.any():
        row, column = (int(at[0]) for at in np.nonzero(off))
        where = f"{source.names[row]!r} against {source.names[column]!r}"
        problem = f"{where} is {values[row, column]:g}, but the other way round {values[column, row]:g}"
        raise EvaluationError("judgement", problem, "One must be 1 divided by the other")
