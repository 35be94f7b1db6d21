"""Scores of every bootstrap draw (自助抽样得分): formulas of drawn inputs evaluated anew, everything else fixed.

Points have a floor and a ceiling and some inputs a threshold (weight 2 and above), so that the mean over the draws is
not the score: hospitals at an edge are off by more than others. Draws are therefore centred on the score.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.evaluation.indicators import Indicators, Tree
from drgengine.evaluation.indicators.computing import within_bounds
from drgengine.evaluation.indicators.formula import Formula, evaluate
from drgengine.evaluation.plan.settings import ScoreSettings
from drgengine.evaluation.yearly.scorecard import Scorecard, dimension_columns

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]
BREADTH = ("drg_", "mdc_")
BLOCK = 1_000_000
"""Hospital-draws evaluated at once, which bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnScores:
    """Scores per draw.

    scores : [draws, hospitals], NaN where excluded; their mean is the score of the hospital, so that single draws may
        lie a little outside 0..100   dimensions : dimension -> [draws, hospitals], centred likewise
    shift : [hospitals], mean of the draws less the score before centring
    drawn : indicators that vary between draws   fixed : scored indicators that do not
    """

    scores: Floats
    dimensions: Mapping[str, Floats]
    drawn: tuple[str, ...]
    fixed: tuple[str, ...]
    shift: Floats


def chain_columns(chain: Any, hospitals: pd.Index) -> dict[str, Floats]:
    """Inputs that vary between draws, [draws, hospitals]; NaN for a hospital without discharges.

    Breadth (numbers of DRGs and MDCs) is left out: a group a hospital did not meet is met in no draw, so that drawn
    numbers lie below the observed ones.
    """
    places = pd.Index(chain.units).get_indexer(hospitals)
    found = {}
    for name, values in chain.columns.items():
        if name.startswith(BREADTH) or not _moves(values):
            continue
        wide = np.full((values.shape[0], len(hospitals)), np.nan)
        wide[:, places >= 0] = values[:, places[places >= 0]]
        found[name] = wide
    return found


def _moves(values: Floats) -> bool:
    known = values[:, np.isfinite(values).all(axis=0)]
    return bool(known.size) and bool((known != known[0]).any())


def draw_scores(
    card: Scorecard,
    indicators: Indicators,
    now: Columns,
    before: Columns | None,
    tree: Tree,
    settings: ScoreSettings,
    draws: int,
) -> DrawnScores:
    """Points, scores and dimension scores per draw.

    now, before : input -> [draws, hospitals] of the period and of the one it looks back at
    A value that cannot be computed in a draw, or that comes from evidence, keeps the observed value. Scores and
    dimension scores are centred (居中) on those of the card: the mean of the draws less the score is taken from every
    draw.
    """
    n, m = card.values.shape
    drawn: list[str] = []
    log = settings.how == "geometric"
    places = dimension_columns(card.indicators, tree)
    home = {at: dimension for dimension, group in places.items() for at in group}
    sums = {dimension: np.zeros((draws, n)) for dimension in places}
    zero = {dimension: np.zeros((draws, n), bool) for dimension in places}
    for at in range(m):
        name = card.indicators[at]
        formula = indicators.catalogue[name].formula
        weight = card.row_weights[:, at]
        values: Floats = np.broadcast_to(card.values[:, at], (draws, n))
        if formula is not None and _varies(formula, now, before):
            again, _ = within_bounds(_again(formula, indicators, now, before, draws), indicators.catalogue[name])
            keep = np.isnan(again) | (indicators.origin[name].to_numpy() == "evidence")
            values = np.where(keep | ~card.known[:, at], values, again)
            drawn.append(name)
        points = points_of(values, card.bad[:, at], card.good[:, at], settings.floor)
        points = np.where(weight > 0, points, 100.0)
        if log:
            zero[home[at]] |= (points == 0.0) & (weight > 0)
            sums[home[at]] += weight * np.log(np.where(points > 0, points, 100.0) / 100.0)
        else:
            sums[home[at]] += weight * np.where(weight > 0, points, 0.0)
    weights = {dimension: card.row_weights[:, group].sum(axis=1) for dimension, group in places.items()}
    total = np.sum(list(sums.values()), axis=0) if sums else np.zeros((draws, n))
    none = np.any(list(zero.values()), axis=0) if zero else np.zeros((draws, n), bool)
    everything = np.sum(list(weights.values()), axis=0) if weights else np.zeros(n)
    fixed = tuple(name for name in card.indicators if name not in drawn)
    scores, shift = centred(_finished(total, everything, none, log), card.total)
    dimensions = {}
    for one in places:
        own = card.scores.dimensions[one].to_numpy(np.float64)
        dimensions[one], _ = centred(_finished(sums[one], weights[one], zero[one], log), own)
    return DrawnScores(scores, dimensions, tuple(drawn), fixed, shift)


def centred(draws: Floats, score: Floats) -> tuple[Floats, Floats]:
    """Draws whose mean is the score, and how far it was off; draws stay as they are where there is no score.

    >>> centred(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([2.5, np.nan]))[0].tolist()
    [[1.5, 5.0], [3.5, 5.0]]
    """
    shift: Floats = draws.mean(axis=0) - score
    found: Floats = draws - np.where(np.isnan(shift), 0.0, shift)
    return found, shift


def _finished(total: Floats, weight: Floats, none: npt.NDArray[np.bool_], log: bool) -> Floats:
    there = weight > 0
    mean = total / np.where(there, weight, 1.0)
    if log:
        mean = np.where(none, 0.0, 100.0 * np.exp(mean))
    result: Floats = np.where(there, mean, np.nan)
    return result


def points_of(values: Floats, bad: Floats, good: Floats, floor: float) -> Floats:
    """Efficacy points, 60 at bad and 100 at good, within floor and 100; see scoring.efficacy_score.

    >>> points_of(np.array([35.0]), np.array([40.0]), np.array([30.0]), 0.0).tolist()
    [80.0]
    """
    found: Floats = np.clip(60.0 + 40.0 * (values - bad) / (good - bad), floor, 100.0)
    return found


def _varies(formula: Formula, now: Columns, before: Columns | None) -> bool:
    looks = before is not None and any(name in before for name in formula.looks_back)
    return looks or any(name in now for name in formula.names)


def _again(formula: Formula, indicators: Indicators, now: Columns, before: Columns | None, draws: int) -> Floats:
    """The formula for all hospitals and draws, in blocks of draws."""
    n = len(indicators.values)
    step = max(1, BLOCK // max(n, 1))
    found = np.empty((draws, n))
    for start in range(0, draws, step):
        part = slice(start, min(start + step, draws))
        size = part.stop - part.start
        current = _flat(formula.names, indicators.inputs, now, part, size)
        earlier = None
        if indicators.previous_inputs is not None:
            earlier = _flat(formula.looks_back, indicators.previous_inputs, before or {}, part, size)
        found[part] = evaluate(formula, current, earlier, size * n)[0].reshape(size, n)
    return found


def _flat(names: tuple[str, ...], observed: pd.DataFrame, drawn: Columns, part: slice, size: int) -> dict[str, Floats]:
    found = {}
    for name in names:
        fixed = observed[name].to_numpy(np.float64) if name in observed.columns else None
        if name in drawn:
            values = drawn[name][part]
            if fixed is not None:
                values = np.where(np.isnan(values), fixed, values)
            found[name] = values.ravel()
        elif fixed is not None:
            found[name] = np.tile(fixed, size)
    return found
