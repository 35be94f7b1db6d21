"""Deaths of units drawn by risk score (死亡例数的抽样): no death in few cases is not a rate of 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drgengine.evaluation.mix.cellarrays import Cells
from drgengine.evaluation.mix.measures import Floats, over
from drgengine.evaluation.mix.mortality import RiskGroups, counted_rate

PRIOR = 0.5  # deaths that the prior of units without one counts for, as in Jeffreys' prior of a Poisson mean


@dataclass(frozen=True, slots=True, eq=False)
class Deaths:
    """Deaths and cases per unit and level; a level is a risk score, apart for groups with and without base mortality.

    level : int64[c]   rate : float64[c], base mortality, NaN = none   known : float64[c], cases of known disposition
    deaths, cases, usual : float64[u, l], usual = cases x (deaths + 1/2) / cases of all units in the level
    rated, low, mid_low : bool[l]   low_rate, mid_low_rate : float64[c], mortality expected within low and mid-low risk
    """

    cells: Cells
    level: np.ndarray
    rate: Floats
    known: Floats
    deaths: Floats
    cases: Floats
    usual: Floats
    rated: np.ndarray
    low: np.ndarray
    mid_low: np.ndarray
    low_rate: Floats
    mid_low_rate: Floats

    def counts(self, ratio: Floats | None) -> dict[str, Floats]:
        """What depends on the cases alone; ratio : float64[c], cases drawn / cases observed, None = all as observed."""
        known = self.known if ratio is None else self.known * ratio
        found = {"disposition_known": self.cells.per_unit(known)}
        rate = np.where(np.isfinite(self.rate), self.rate, 0.0)
        found["expected_deaths"] = self.cells.per_unit(known * rate)
        for name, levels, expected in (
            ("low_risk", self.low, self.low_rate),
            ("mid_low_risk", self.mid_low, self.mid_low_rate),
        ):
            found[f"{name}_cases"] = self.cells.per_unit(np.where(levels[self.level], known, 0.0))
            found[f"{name}_expected_deaths"] = self.cells.per_unit(known * expected)
        return found

    def columns(self, counts: dict[str, Floats], deaths: Floats) -> dict[str, Floats]:
        """Columns of casemix() from deaths per unit and level."""
        found = {"deaths": deaths.sum(axis=1)}
        found["mortality"] = over(found["deaths"], counts["disposition_known"])
        found["smr"] = over(deaths[:, self.rated].sum(axis=1), counts["expected_deaths"])
        for name, inside in (("low_risk", self.low), ("mid_low_risk", self.mid_low)):
            found[f"{name}_deaths"] = deaths[:, inside].sum(axis=1)
            found[f"{name}_mortality"] = over(found[f"{name}_deaths"], counts[f"{name}_cases"])
        return found

    def draw(self, rng: np.random.Generator, ratio: Floats | None) -> Floats:
        """Deaths expected at a rate drawn for each unit and level, float64[u, l].

        d deaths give Gamma(d, 1), whose mean and variance are d. No death gives Gamma(1/2, 1 + 1/(2 E)), E being the
        deaths the cases would have at the mortality of all units in the level: the posterior under a prior that is
        centred there and counts for half a death. Its mean is E / (2 E + 1): above 0, below E and below 1/2, so that
        units without a death are not certain of a rate of 0 and gain less than half a death on average.
        """
        none = self.deaths == 0
        drawn: Floats = rng.standard_gamma(np.where(none, PRIOR, self.deaths))
        drawn = np.where(none, drawn * self.usual / (self.usual + PRIOR), drawn)
        if ratio is None:
            return drawn
        return drawn * np.nan_to_num(over(self.per_level(self.known * ratio), self.cases))

    def per_level(self, values: Floats) -> Floats:
        """Sum over the cells of each unit and level."""
        return _per_level(self.cells, self.level, self.rated.size, values)


def pack_deaths(cells: Cells, risks: RiskGroups, low: Sequence[int], mid_low: Sequence[int]) -> Deaths:
    """Levels out of risk scores and base mortality; the scores in low and mid_low make the low and mid-low risk."""
    score = np.array([risks.score.get(group, -1) for group in cells.groups], np.int64)
    rate = np.array([risks.mortality.get(group, np.nan) for group in cells.groups], np.float64)
    code = 2 * score + np.isfinite(rate)
    codes, level_of = np.unique(code, return_inverse=True)
    level = level_of.reshape(-1)[cells.group] if len(cells.groups) else np.empty(0, np.int64)
    scores = codes // 2
    known = cells.counts["disposition_known"].astype(np.float64)
    deaths = _per_level(cells, level, codes.size, cells.counts["deaths"].astype(np.float64))
    cases = _per_level(cells, level, codes.size, known)
    all_cases = cases.sum(axis=0)
    usual = cases * ((deaths.sum(axis=0) + 0.5) / np.where(all_cases > 0, all_cases, 1.0))
    inside_low, inside_mid = np.isin(scores, list(low)), np.isin(scores, list(mid_low))
    rated = codes % 2 == 1
    low_rate, mid_low_rate = (counted_rate(cells, inside[level]) for inside in (inside_low, inside_mid))
    return Deaths(
        cells, level, rate[cells.group], known, deaths, cases, usual, rated, inside_low, inside_mid, low_rate,
        mid_low_rate,
    )  # fmt: skip


def _per_level(cells: Cells, level: np.ndarray, levels: int, values: Floats) -> Floats:
    units = len(cells.units)
    flat = np.bincount(cells.unit * levels + level, weights=values, minlength=units * levels)
    return flat.astype(np.float64).reshape(units, levels)
