"""CMI between periods under fixed weights (CMI 变动分解): mix between ADRGs, severity within them; chain index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.cellarrays import Cells, Index, pack_cells, unit_index
from drgengine.evaluation.mix.groupweights import GroupWeights, given_weights
from drgengine.evaluation.mix.indices import mean_and_error
from drgengine.evaluation.mix.measures import Floats, over
from drgengine.evaluation.mix.unitstatistics import UnitStatistics


@dataclass(frozen=True, slots=True, eq=False)
class CmiDrift:
    """Change of CMI per unit, current minus previous period, both under the same weights.

    table : per unit cases_previous, cases_current (with a weight), cmi_previous, cmi_current, change = between +
        within, change_se; coding depth (diagnoses per case), MCC share and CC-or-MCC share among the cases whose
        group asks, in both periods. NaN for a unit without cases in one of the periods
    adrgs : per unit and ADRG the shares and mean weights of both periods, and its contributions between and within
    without_weight : cases per period whose group has no weight (left out)
    """

    table: pd.DataFrame
    adrgs: pd.DataFrame
    weights: GroupWeights
    without_weight: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class CmiChain:
    """Chain index of CMI (链式指数), first period = 1.

    links : per pair of neighbouring periods and unit: laspeyres (earlier weights), paasche (later), fisher
    index : unit x period, product of the Fisher links
    """

    links: pd.DataFrame
    index: pd.DataFrame


def cmi_drift(
    previous: UnitStatistics, current: UnitStatistics, weights: Any, by: str | Sequence[str] | None = None
) -> CmiDrift:
    """Split the change of CMI, dCMI = sum_j (s_j1 - s_j0) w_j, into mix between ADRGs and severity within ADRGs.

    between = sum_a (S_a1 - S_a0) (W_a0 + W_a1) / 2 and within = sum_a (W_a1 - W_a0) (S_a0 + S_a1) / 2 with S_a the
    share and W_a the mean weight of ADRG a; an ADRG that occurs in one period only changes the mix. The two add up to
    dCMI exactly. A rise within ADRGs beside more diagnoses per case and more MCC points to coding, not to harder cases.

    weights : DRG -> weight, the same for both periods   by : units, default those of `previous`

    >>> from drgengine.evaluation.mix import statistics_of_table
    >>> old, new = (
    ...     statistics_of_table(pd.DataFrame({"hospital_id": ["H"] * 2, "drg": ["FR21", "FR25"], "cases": cases}))
    ...     for cases in ([20, 80], [40, 60])
    ... )
    >>> cmi_drift(old, new, {"FR21": 2.0, "FR25": 1.0}).table[["change", "between", "within"]].round(3).to_dict("list")
    {'change': [0.2], 'between': [0.0], 'within': [0.2]}
    """
    checked = given_weights(weights)
    names = previous.by if by is None else by
    old, new = previous.roll_up(names), current.roll_up(names)
    if old.by != new.by:
        problem = f"the units are made of {', '.join(old.by)} and of {', '.join(new.by)}"
        raise EvaluationError("cmi_drift", problem, "Say by=, so that both are rolled up to it")
    units = unit_index(old.cells, old.by)[1].union(unit_index(new.cells, old.by)[1], sort=True)
    packed = [pack_cells(part, units) for part in (old, new)]
    families = sorted({code for cells in packed for code in cells.adrgs})
    sides = [_Side(cells, checked, families) for cells in packed]
    adrgs = _by_adrg(units, families, *sides)
    table = _by_unit(units, adrgs, *sides)
    for name, cells in zip(("previous", "current"), packed, strict=True):
        table |= _coding(cells, name)
    lacking = tuple(int(cells.n.sum() - side.cases.sum()) for cells, side in zip(packed, sides, strict=True))
    return CmiDrift(pd.DataFrame(table, index=units), _adrg_table(units, adrgs), checked, lacking)  # type: ignore[arg-type]


class _Side:
    """One period: cases, CMI and its error per unit; cases and weight per unit x ADRG."""

    def __init__(self, cells: Cells, weights: GroupWeights, families: list[str]) -> None:
        w = weights.of(cells.groups)[cells.group]
        n = np.where(np.isfinite(w), cells.n, 0.0)
        w = np.where(np.isfinite(w), w, 0.0)
        self.cases = cells.per_unit(n)
        self.cmi, self.se = mean_and_error(self.cases, cells.per_unit(n * w), cells.per_unit(n * w * w))
        place = {code: number for number, code in enumerate(families)}
        of_adrg = np.array([place[code] for code in cells.adrgs], np.int64)
        family = of_adrg[cells.adrg_of[cells.group]] if len(cells.group) else np.empty(0, np.int64)
        self.pair: Index = cells.unit * max(len(families), 1) + family
        self.n, self.weight = n, n * w

    def at(self, pairs: Index) -> tuple[Floats, Floats]:
        """Cases and total weight at sorted pairs of unit and ADRG."""
        where = np.searchsorted(pairs, self.pair)
        return tuple(np.bincount(where, weights=v, minlength=pairs.size) for v in (self.n, self.weight))  # type: ignore[return-value]


def _by_adrg(units: pd.Index, families: list[str], old: _Side, new: _Side) -> dict[str, Any]:
    pairs = np.unique(np.concatenate([old.pair, new.pair]))
    width = max(len(families), 1)
    unit = pairs // width
    (n0, t0), (n1, t1) = old.at(pairs), new.at(pairs)
    s0, s1 = over(n0, old.cases[unit]), over(n1, new.cases[unit])
    w0, w1 = over(t0, n0), over(t1, n1)
    # Where an ADRG occurs in one period only there is no mean weight to change.
    filled0, filled1 = np.where(n0 > 0, w0, w1), np.where(n1 > 0, w1, w0)
    between = (s1 - s0) * (filled0 + filled1) / 2.0
    within = (filled1 - filled0) * (s0 + s1) / 2.0
    nowhere = (n0 == 0) & (n1 == 0)
    return {
        "unit": unit,
        "adrg": np.array(families, dtype=object)[pairs % width] if families else np.empty(0, object),
        "share_previous": s0,
        "share_current": s1,
        "weight_previous": w0,
        "weight_current": w1,
        "between": np.where(nowhere, 0.0, between),
        "within": np.where(nowhere, 0.0, within),
    }


def _by_unit(units: pd.Index, adrgs: dict[str, Any], old: _Side, new: _Side) -> dict[str, Any]:
    both = (old.cases > 0) & (new.cases > 0)
    size = len(units)
    parts = {name: np.bincount(adrgs["unit"], weights=adrgs[name], minlength=size) for name in ("between", "within")}
    return {
        "cases_previous": old.cases.astype(np.int64),
        "cases_current": new.cases.astype(np.int64),
        "cmi_previous": old.cmi,
        "cmi_current": new.cmi,
        "change": new.cmi - old.cmi,
        "change_se": np.sqrt(old.se**2 + new.se**2),
        "between": np.where(both, parts["between"], np.nan),
        "within": np.where(both, parts["within"], np.nan),
    }


def _coding(cells: Cells, period: str) -> dict[str, Floats]:
    added = {
        name: cells.per_unit(cells.counts[name]) for name in ("dx_count", "dx_known", "severity_asked", "cc", "mcc")
    }
    return {
        f"coding_depth_{period}": over(added["dx_count"], added["dx_known"]),
        f"mcc_share_{period}": over(added["mcc"], added["severity_asked"]),
        f"cc_or_mcc_share_{period}": over(added["cc"] + added["mcc"], added["severity_asked"]),
    }


def _adrg_table(units: pd.Index, adrgs: dict[str, Any]) -> pd.DataFrame:
    labels = units.take(adrgs["unit"]).to_frame(index=False)
    return pd.concat([labels, pd.DataFrame({name: v for name, v in adrgs.items() if name != "unit"})], axis=1)


def cmi_chain(
    periods: Mapping[str, UnitStatistics], weights: Mapping[str, Any], by: str | Sequence[str] | None = None
) -> CmiChain:
    """Chain index of CMI over periods whose weights change (每年权重不同时的可比指数).

    A link compares two neighbouring periods under the same weights: the earlier ones (Laspeyres), the later ones
    (Paasche), and the geometric mean of both (Fisher), which is chained. Change of weights alone moves no link.

    periods : name -> statistics, in the order of time   weights : the same names -> DRG weights
    Cases whose group has no weight under one of the two are left out of that comparison.
    """
    names = list(periods)
    if len(names) < 2:
        raise EvaluationError("periods", f"{len(names)} period", "Give at least two, in the order of time")
    missing = next((name for name in names if name not in weights), None)
    if missing is not None:
        raise EvaluationError(f"weights, period {missing}", "there are none", "Give weights for every period")
    chosen = periods[names[0]].by if by is None else ((by,) if isinstance(by, str) else tuple(by))
    rolled = {name: part.roll_up(chosen) for name, part in periods.items()}
    units = unit_index(rolled[names[0]].cells, chosen)[1]
    for name in names[1:]:
        units = units.union(unit_index(rolled[name].cells, chosen)[1], sort=True)
    cells = {name: pack_cells(part, units) for name, part in rolled.items()}
    checked = {name: given_weights(weights[name]) for name in names}
    index = [np.ones(len(units))]
    links = []
    for earlier, later in pairwise(names):
        laspeyres = _link(cells[earlier], cells[later], checked[earlier])
        paasche = _link(cells[earlier], cells[later], checked[later])
        fisher = np.sqrt(laspeyres * paasche)
        index.append(index[-1] * fisher)
        link = pd.DataFrame({"laspeyres": laspeyres, "paasche": paasche, "fisher": fisher}, index=units)
        links.append(pd.concat({(earlier, later): link}, names=["from", "to"]))
    return CmiChain(pd.concat(links), pd.DataFrame(dict(zip(names, index, strict=True)), index=units))


def _link(earlier: Cells, later: Cells, weights: GroupWeights) -> Floats:
    cmis = []
    for cells in (earlier, later):
        w = weights.of(cells.groups)[cells.group]
        usable = np.isfinite(w)
        total = cells.per_unit(np.where(usable, cells.n * w, 0.0))
        cmis.append(over(total, cells.per_unit(np.where(usable, cells.n, 0.0))))
    return over(cmis[1], cmis[0])
