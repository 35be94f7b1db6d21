"""Objective weights, from the data alone (客观赋权): entropy, CRITIC, coefficient of variation, standard deviation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.blend import effective_number
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_directions, read_matrix
from drgengine.evaluation.scoring.normalisation import minmax
from drgengine.evaluation.scoring.places import NOISE, constant_columns, constant_words

EntropyBase = Literal["sum", "minmax", "none"]
ContrastBase = Literal["minmax", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectiveWeights:
    """Weights of indicators and where they come from.

    method : with its variant, since implementations differ; parameters : settings
    weights : [m], sum 1; parts : name -> [m], what the weights were made of
    effective_number : 1 / sum w^2, from 1 (one indicator decides) to m (all alike)
    warnings : indicators that do not vary (weight 0)
    """

    method: str
    parameters: Mapping[str, Any]
    weights: Any
    parts: Mapping[str, Any]
    effective_number: float
    warnings: tuple[str, ...]


def entropy_weights(
    matrix: Any, directions: Any = None, normalisation: EntropyBase = "sum", epsilon: float = 0.0
) -> Any:
    """Entropy weights (熵权法): what differs more between units weighs more. Sum 1, labels kept.

    p_ij = z_ij / sum_i z_ij, e_j = -sum_i p_ij ln p_ij / ln n (0 ln 0 = 0), w_j = (1 - e_j) / sum (1 - e)
    normalisation : what z is, and part of the method's name, since the results differ:
        "sum"    x as measured, 0 or more; directions have no effect
        "minmax" min-max in the given directions, rescaled to [epsilon, 1 - epsilon]
        "none"   x already on 0..1 (forwarded targets and intervals), kept within [epsilon, 1 - epsilon]
    epsilon : 0 to below 0.5; 0.002 and 0.0001 are usual, so that the worst unit has p > 0
    An indicator that does not vary gets weight 0. The most skewed indicator may take most of the weight: see
    cap_weights and effective_number. entropy_detail gives e_j and the warnings.
    Raises EvaluationError: fewer than 2 units, missing values, negative values with "sum", values outside 0..1 with
    "none", no indicator that varies.
    Source: Shannon entropy as used for weights, variants after the mathmodels book and pymcdm.

    >>> entropy_weights([[1.0, 10.0], [2.0, 10.0], [3.0, 11.0]]).round(4).tolist()
    [0.9883, 0.0117]
    """
    return entropy_detail(matrix, directions, normalisation, epsilon).weights


def entropy_detail(
    matrix: Any, directions: Any = None, normalisation: EntropyBase = "sum", epsilon: float = 0.0
) -> ObjectiveWeights:
    """entropy_weights with entropy and redundancy (差异系数) per indicator and the warnings.

    >>> entropy_detail([[1.0, 10.0], [2.0, 10.0]]).warnings
    ('indicator 1 is the same for all units: its weight is 0',)
    """
    if normalisation not in ("sum", "minmax", "none"):
        raise EvaluationError("normalisation", f"{normalisation!r} is not known", "Take 'sum', 'minmax' or 'none'")
    if not 0.0 <= epsilon < 0.5:
        raise EvaluationError("epsilon", f"{epsilon!r} is not within 0 and 0.5", "Take 0, 0.0001 or 0.002")
    source = _complete(matrix)
    direction = read_directions(directions, source)
    values = source.values
    flat = constant_columns(values)
    if normalisation == "sum":
        _within(source, 0.0, np.inf, "bring it to 0..1 with normalisation='minmax'")
        base = values
    elif normalisation == "minmax":
        base = epsilon + (1.0 - 2.0 * epsilon) * minmax(values, direction)
    else:
        _within(source, 0.0, 1.0, "bring it to 0..1 with normalise()")
        base = np.clip(values, epsilon, 1.0 - epsilon)
    entropy = entropy_of(np.where(flat, 1.0, base))
    spread = np.where(flat, 0.0, 1.0 - entropy)
    parameters = {"normalisation": normalisation, "epsilon": epsilon, "directions": direction.tolist()}
    name = f"entropy-{normalisation}" + (f"-{epsilon:g}" if epsilon else "")
    return _weighed(name, parameters, source, spread, {"entropy": entropy, "redundancy": spread})


def entropy_of(z: Floats) -> Floats:
    """Entropy per column of shares, over ln n, in [0, 1]; float64[n, m] of 0 or more, n >= 2, no column of zeros."""
    p = z / z.max(axis=0)
    p = p / p.sum(axis=0)
    logs = np.log(np.where(p > 0.0, p, 1.0))
    entropy: Floats = np.clip(-(p * logs).sum(axis=0) / np.log(z.shape[0]), 0.0, 1.0)
    return entropy


def critic_weights(matrix: Any, directions: Any = None, normalisation: ContrastBase = "minmax") -> Any:
    """CRITIC weights: contrast x conflict with the other indicators (客观权重赋权法). Sum 1, labels kept.

    C_j = s_j sum_k (1 - r_jk), w = C / sum C; s with n - 1 (n gives the same weights).
    normalisation : "minmax" in the given directions; "none" for values forwarded to 0..1 before, which are taken as
        they are
    An indicator that does not vary gets weight 0 and is left out of the correlations.
    Raises EvaluationError: fewer than 2 units, missing values, no indicator that varies, all moving alike.
    Source: Diakoulaki, Mavrotas & Papayannakis 1995.

    >>> critic_weights([[61.0, 1.08], [20.7, 0.26], [-34.6, 3.31]], [1, 1]).round(4).tolist()
    [0.4924, 0.5076]
    """
    return critic_detail(matrix, directions, normalisation).weights


def critic_detail(matrix: Any, directions: Any = None, normalisation: ContrastBase = "minmax") -> ObjectiveWeights:
    """critic_weights with contrast s_j, conflict sum_k (1 - r_jk) and the warnings.

    >>> sorted(critic_detail([[1, 5], [2, 4], [3, 7]]).parts)
    ['conflict', 'contrast']
    """
    source = _complete(matrix)
    direction = read_directions(directions, source)
    z = _contrast_base(source, direction, normalisation)
    varies = ~constant_columns(source.values)
    contrast, conflict = np.zeros(varies.size), np.zeros(varies.size)
    own = z[:, varies] - z[:, varies].mean(axis=0)
    contrast[varies] = np.sqrt((own**2).sum(axis=0) / (own.shape[0] - 1))
    unit = own / np.sqrt((own**2).sum(axis=0))
    # r_jj = 1 exactly, so rounding in the diagonal must not count as conflict.
    apart = np.clip(1.0 - unit.T @ unit, 0.0, 2.0)
    apart[apart < NOISE] = 0.0
    conflict[varies] = apart.sum(axis=1)
    if varies.sum() == 1:
        conflict[varies] = 1.0  # nothing to conflict with: the only one that varies takes all
    if varies.sum() > 1 and not conflict.any():
        problem = "all indicators that vary move exactly alike, so none conflicts with another"
        raise EvaluationError("matrix", problem, "Keep one of them, or take standard deviation weights")
    parts = {"contrast": contrast, "conflict": conflict}
    parameters = {"normalisation": normalisation, "directions": direction.tolist()}
    return _weighed(f"critic-{normalisation}", parameters, source, contrast * conflict, parts)


def variation_weights(matrix: Any) -> Any:
    """Weights by coefficient of variation (变异系数法): V_j = s_j / |mean_j|, w = V / sum V. Sum 1, labels kept.

    For values as measured on a ratio scale; a mean near 0 (z-scores, growth rates) makes no sense and is refused.
    Raises EvaluationError: fewer than 2 units, missing values, |mean| below 1e-9 of the largest value, none varies.

    >>> variation_weights([[1.0, 100.0], [3.0, 110.0]]).round(4).tolist()
    [0.913, 0.087]
    """
    source = _complete(matrix)
    mean, deviation = source.values.mean(axis=0), source.values.std(axis=0, ddof=1)
    near = np.abs(mean) <= 1e-9 * np.abs(source.values).max(axis=0)
    near &= ~constant_columns(source.values)
    if near.any():
        at = int(np.flatnonzero(near)[0])
        problem = f"indicator {source.names[at]!r} has mean {mean[at]:g}, its coefficient of variation means nothing"
        raise EvaluationError("matrix", problem, "Take entropy, CRITIC or standard deviation weights")
    ratio = deviation / np.where(mean == 0.0, 1.0, np.abs(mean))
    return _weighed("variation", {}, source, ratio, {"variation": ratio}).weights


def standard_deviation_weights(matrix: Any, directions: Any = None, normalisation: ContrastBase = "minmax") -> Any:
    """Weights by standard deviation (标准差法), w = s / sum s. Sum 1, labels kept.

    normalisation : "minmax", or "none" for values forwarded to 0..1 before, which are taken as they are
    Raises EvaluationError: fewer than 2 units, missing values, no indicator that varies.

    >>> standard_deviation_weights([[0, 0], [1, 50], [2, 100]]).tolist()
    [0.5, 0.5]
    """
    source = _complete(matrix)
    direction = read_directions(directions, source)
    deviation = _contrast_base(source, direction, normalisation).std(axis=0, ddof=1)
    return _weighed("standard-deviation", {}, source, deviation, {"deviation": deviation}).weights


def _contrast_base(source: Indicators, direction: Floats, normalisation: str) -> Floats:
    if normalisation not in ("minmax", "none"):
        raise EvaluationError("normalisation", f"{normalisation!r} is not known", "Take 'minmax' or 'none'")
    if normalisation == "minmax":
        return minmax(source.values, direction)
    _within(source, 0.0, 1.0, "bring it to 0..1 with normalise()")
    return source.values * direction


def _complete(matrix: Any) -> Indicators:
    """Weights from data need each value: a gap would change the spread of its indicator unseen."""
    source = read_matrix(matrix)
    if len(source.units) < 2:
        raise EvaluationError("matrix", "weights from data need at least 2 units", "Take weights of experts")
    gone = np.isnan(source.values)
    if gone.any():
        row, column = (int(at[0]) for at in np.nonzero(gone))
        problem = f"unit {source.units[row]!r} has no value for indicator {source.names[column]!r}"
        raise EvaluationError("matrix", problem, "Fill it, or leave the unit or the indicator out")
    return source


def _within(source: Indicators, low: float, high: float, remedy: str) -> None:
    wrong = (source.values < low) | (source.values > high)
    if wrong.any():
        row, column = (int(at[0]) for at in np.nonzero(wrong))
        where = f"unit {source.units[row]!r}, indicator {source.names[column]!r}"
        limits = "negative" if high == np.inf else f"outside {low:g}..{high:g}"
        problem = f"{where}: {source.values[row, column]:g} is {limits}"
        raise EvaluationError("matrix", problem, f"These weights cannot use it: {remedy}")


def _weighed(
    method: str, parameters: Mapping[str, Any], source: Indicators, raw: Floats, parts: Mapping[str, Floats]
) -> ObjectiveWeights:
    flat = constant_columns(source.values)
    raw = np.where(flat, 0.0, raw)
    if not raw.sum() > NOISE * raw.size:
        problem = "no indicator tells the units apart, so the data give no weights"
        raise EvaluationError("matrix", problem, "Take weights of experts, or equal weights")
    weights = raw / raw.sum()
    return ObjectiveWeights(
        method,
        parameters,
        source.per_indicator(weights),
        {name: source.per_indicator(values) for name, values in parts.items()},
        effective_number(weights),
        constant_words(flat, source.names, "its weight is 0"),
    )
