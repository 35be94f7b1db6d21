"""VIKOR: the compromise between the good of all and the worst single regret (多准则妥协解排序法)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.fixedpoints import read_points
from drgengine.evaluation.scoring.indicators import Floats, read_directions
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, prepare
from drgengine.evaluation.scoring.normalisation import between
from drgengine.evaluation.scoring.places import NOISE, constant_columns, constant_words, places
from drgengine.evaluation.scoring.scored import Scored


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Vikor(Scored):
    """VIKOR values, small is good; `score` is 1 - q, so that it compares with other methods.

    q : [n], v (S - S*) / (S- - S*) + (1 - v)(R - R*) / (R- - R*), in [0, 1]
    s : [n], group utility, sum of weighted regrets; r : [n], largest weighted regret of one indicator
    compromise : units of the compromise solution, best first
    acceptable_advantage : second - first in q reaches 1 / (n - 1); acceptable_stability : the first is best in s or r
    regrets : [n, m], weighted regret per indicator; rows add up to s
    worst_indicator : [n], the indicator that makes r: the weak point that one good average would hide
    contributions : [n, m], rows add up to q: the part of s in proportion to the regrets, the part of r on the
        worst indicator
    """

    q: Any
    s: Any
    r: Any
    compromise: tuple[Any, ...]
    acceptable_advantage: bool
    acceptable_stability: bool
    regrets: Any
    worst_indicator: Any


def vikor(
    matrix: Any,
    weights: Any,
    directions: Any,
    v: float = 0.5,
    *,
    best: Any = None,
    worst: Any = None,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Vikor:
    """Compromise ranking (VIKOR 法), which also shows the one indicator a unit fails on.

    matrix : units x indicators, as measured; weights : sum 1; directions : +1, -1
    v : weight of the group utility (0..1) against the worst regret; 0.5 is the usual consensus
    best, worst : fixed points in the units of the indicators; a value beyond counts as the point
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    Compromise: the first alone if it leads by 1 / (n - 1) in q and is best in s or r; the first two if only the
    second condition fails; else all within 1 / (n - 1) of the first. Units with equal q come in or stay out together.
    An indicator that does not vary counts for nothing, with a warning; where all s (or r) are equal, that term is 0.
    Raises EvaluationError: matrix, weights, directions or v that cannot be used; best not better than worst.
    Source: Opricovic & Tzeng 2004; worked example with the data of Tzeng & Huang 2011.

    >>> found = vikor([[5, 8, 4], [7, 6, 8], [8, 8, 6], [7, 4, 6]], [0.3, 0.4, 0.3], [1, 1, 1])
    >>> found.q.round(4).tolist(), found.rank.tolist(), found.compromise
    ([0.75, 0.25, 0.0, 1.0], [3, 2, 1, 4], (2, 1))
    """
    if not 0.0 <= v <= 1.0:
        raise EvaluationError("v", f"{v!r} is not within 0..1", "Give the weight of the group utility, usually 0.5")
    ready = prepare(
        matrix,
        weights,
        missing=missing,
        minimum_coverage=minimum_coverage,
        peers=peers,
        normalise_weights=normalise_weights,
    )
    source, values = ready.source, ready.values
    direction = read_directions(directions, source)
    fixed = best is not None or worst is not None
    top, bottom, beyond = read_points(best, worst, source, direction, values)
    flat = np.zeros(len(source.names), dtype=np.bool_) if fixed else constant_columns(values)
    regrets = ready.row_weights * np.where(np.isnan(values), 0.0, 1.0 - between(values, bottom, top, flat))
    q, s, r, shares = compromise_values(regrets, float(v))
    advantage, stability, chosen = _solution(q, s, r)
    kept = ready.kept_units
    words = np.full(len(source.units), None, dtype=object)
    words[ready.kept] = [source.names[at] if r[i] > 0 else None for i, at in enumerate(regrets.argmax(axis=1))]
    parameters = {"v": v, "fixed_points": fixed, "directions": direction.tolist()}
    return Vikor(
        method="vikor",
        parameters=parameters | {"missing": missing, "minimum_coverage": minimum_coverage},
        score=ready.per_unit(1.0 - q),
        rank=source.per_unit(places(ready.spread(q), larger_is_better=False)),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=ready.warnings + constant_words(flat, source.names, "it counts for nothing") + beyond,
        q=ready.per_unit(q),
        s=ready.per_unit(s),
        r=ready.per_unit(r),
        compromise=tuple(kept[at] for at in chosen),
        acceptable_advantage=advantage,
        acceptable_stability=stability,
        regrets=ready.matrix(regrets),
        worst_indicator=source.per_unit(words),
    )


def compromise_values(regrets: Floats, v: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Q, S, R (float64[n]) and the split of Q (float64[n, m]) from weighted regrets; no checks, never 0 / 0."""
    s, r = regrets.sum(axis=1), regrets.max(axis=1)
    s_term, r_term = _share_of_range(s), _share_of_range(r)
    shares = v * regrets * (s_term / np.where(s > 0.0, s, 1.0))[:, None]
    shares[np.arange(r.size), regrets.argmax(axis=1)] += (1.0 - v) * r_term
    return v * s_term + (1.0 - v) * r_term, s, r, shares


def _share_of_range(values: Floats) -> Floats:
    low, high = values.min(), values.max()
    if high - low <= NOISE * max(abs(low), abs(high)):
        return np.zeros_like(values)
    return (values - low) / (high - low)


def _solution(q: Floats, s: Floats, r: Floats) -> tuple[bool, bool, npt.NDArray[np.int64]]:
    """Both conditions, and the places of the compromise solution, best first (by q, then s, then r)."""
    order = np.lexsort((r, s, q))
    if q.size == 1:
        return True, True, order
    first, second = q[order[0]], q[order[1]]
    needed = 1.0 / (q.size - 1)
    advantage = bool(second - first >= needed - NOISE)
    stability = bool(s[order[0]] <= s.min() + NOISE or r[order[0]] <= r.min() + NOISE)
    if advantage and stability:
        return advantage, stability, order[:1]
    near = q[order] <= second + NOISE if advantage else q[order] - first < needed - NOISE
    return advantage, stability, order[near]
