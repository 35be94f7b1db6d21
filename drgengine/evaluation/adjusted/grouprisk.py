"""Risk of dying in a DRG, from deaths that are not the case's own (病组风险): shrunk to ADRG, MDC and all cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, logit

from drgengine.evaluation.mix.collect import adrg_of_drg, mdc_of_drg

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
# Cases of the mean of the level above that a mean is mixed with; the likeliest is taken.
_STRENGTHS = np.geomspace(1.0, 100_000.0, 41)


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """DRG within ADRG within MDC: adrg_of int64[groups], mdc_of int64[adrgs]; strengths of MDC, ADRG, DRG."""

    adrg_of: Places
    mdc_of: Places
    mdcs: int
    strengths: tuple[float, ...]


def make_ladder(groups: Sequence[str | None], deaths: Floats, cases: Floats) -> Ladder:
    """The levels of the codes, and how strongly each level is drawn to the one above: beta-binomial, by likelihood.

    deaths, cases : float64[groups]
    """
    adrgs = [adrg_of_drg(group) or "" for group in groups]
    codes = sorted(set(adrgs))
    number = {code: at for at, code in enumerate(codes)}
    adrg_of = np.array([number[code] for code in adrgs], np.int64)
    homes: dict[str, str] = {}
    for group, adrg in zip(groups, adrgs, strict=True):
        homes.setdefault(adrg, mdc_of_drg(group) or "")
    mdcs = sorted(set(homes.values()))
    mdc_of = np.array([mdcs.index(homes[code]) for code in codes], np.int64)
    strengths: list[float] = []
    for level in range(3):
        known = (*strengths, *[1.0] * (3 - len(strengths)))
        strengths.append(_likeliest(_levels(Ladder(adrg_of, mdc_of, len(mdcs), known), deaths, cases)[level]))
    return Ladder(adrg_of, mdc_of, len(mdcs), tuple(strengths))


def log_odds(ladder: Ladder, deaths: Floats, cases: Floats) -> Floats:
    """Log odds of dying per DRG: (d + k m) / (n + k), m the same of the level above; float64[groups], finite.

    >>> ladder = make_ladder(["AA11", "AA13"], np.array([10.0, 0.0]), np.array([100.0, 100.0]))
    >>> high, low = log_odds(ladder, np.array([10.0, 0.0]), np.array([100.0, 100.0]))
    >>> bool(logit(0.1) > high > low > -10)
    True
    """
    level = _levels(ladder, deaths, cases)[2]
    k = ladder.strengths[2]
    return np.asarray(logit((level.deaths + k * level.mean) / (level.cases + k)))


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """Members of a level: deaths, cases, mean of the group above, and that mean and its cases without the member."""

    deaths: Floats
    cases: Floats
    mean: Floats
    others: Floats
    other_cases: Floats


def _levels(ladder: Ladder, deaths: Floats, cases: Floats) -> list[_Level]:
    """MDC, ADRG and DRG."""
    adrgs = ladder.mdc_of.size
    adrg_d, adrg_n = _summed(ladder.adrg_of, deaths, adrgs), _summed(ladder.adrg_of, cases, adrgs)
    mdc_d, mdc_n = _summed(ladder.mdc_of, adrg_d, ladder.mdcs), _summed(ladder.mdc_of, adrg_n, ladder.mdcs)
    # Half a death in one more case keeps the log odds finite.
    total_d, total_n = np.full(1, deaths.sum()), np.full(1, cases.sum())
    first, second = ladder.strengths[:2]
    mdc = _level(mdc_d, mdc_n, total_d, total_n, np.zeros(ladder.mdcs, np.int64), np.full(1, 0.5), 1.0)
    adrg = _level(adrg_d, adrg_n, mdc_d, mdc_n, ladder.mdc_of, first * mdc.mean, first)
    return [mdc, adrg, _level(deaths, cases, adrg_d, adrg_n, ladder.adrg_of, second * adrg.mean, second)]


def _level(d: Floats, n: Floats, above_d: Floats, above_n: Floats, at: Places, prior: Floats, k: float) -> _Level:
    """prior : deaths that k cases of the level above the one above would have, per group above."""
    d_all, n_all, drawn = above_d[at], above_n[at], prior[at]
    return _Level(d, n, (d_all + drawn) / (n_all + k), (d_all - d + drawn) / (n_all - n + k), n_all - n)


def _summed(place: Places, values: Floats, size: int) -> Floats:
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)


def _likeliest(level: _Level) -> float:
    """Strength under which the deaths of the members are likeliest, given their siblings; 100 where none has one."""
    some = (level.cases > 0) & (level.other_cases > 0)
    if not some.any():
        return 100.0
    d, n, m = level.deaths[some], level.cases[some], level.others[some]
    fit = [float(np.sum(betaln(k * m + d, k * (1.0 - m) + n - d) - betaln(k * m, k * (1.0 - m)))) for k in _STRENGTHS]
    return float(_STRENGTHS[int(np.argmax(fit))])


@dataclass(frozen=True, slots=True, eq=False)
class FoldCounts:
    """Deaths and cases per fold and DRG, so that the risk without any folds is quickly had."""

    ladder: Ladder
    deaths: Floats
    cases: Floats

    @classmethod
    def of(cls, fold: Any, group: Any, died: Any, folds: int, groups: Sequence[str | None]) -> FoldCounts:
        """Count; fold, group : int[n], died : bool[n]."""
        place = fold.astype(np.int64) * len(groups) + group
        shape = (folds, len(groups))
        cases = np.bincount(place, minlength=folds * len(groups)).astype(np.float64).reshape(shape)
        deaths = _summed(place, died, folds * len(groups)).reshape(shape)
        return cls(make_ladder(groups, deaths.sum(axis=0), cases.sum(axis=0)), deaths, cases)

    def without(self, *folds: int) -> Floats:
        """Log odds per DRG from the other folds."""
        kept = np.ones(len(self.deaths), np.bool_)
        kept[list(folds)] = False
        return log_odds(self.ladder, self.deaths[kept].sum(axis=0), self.cases[kept].sum(axis=0))
