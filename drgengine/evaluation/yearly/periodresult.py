"""One period from its data to indicators (单期计算)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators import Catalogue, Indicators, Tree, compute_indicators
from drgengine.evaluation.mix import (
    CaseMix,
    CmiDrift,
    GroupWeights,
    Readmissions,
    RiskGroups,
    UnitStatistics,
    casemix,
    readmissions,
)
from drgengine.evaluation.mix.cellarrays import pack_cells
from drgengine.evaluation.mix.defaults import minimum_cases
from drgengine.evaluation.plan.settings import Period, Plan
from drgengine.evaluation.yearly.caseinputs import case_inputs, join_given
from drgengine.evaluation.yearly.periodstatistics import Notes, PeriodData
from drgengine.evaluation.yearly.readinputs import read_evidence, read_inputs, read_region
from drgengine.evaluation.yearly.regioninputs import of_the_region, shared_note, with_region
from drgengine.evaluation.yearly.result import PeriodResult

STAY_COLUMNS = frozenset({"patient_id", "admission_date", "discharge_date"})


@dataclass(frozen=True, slots=True, eq=False)
class PeriodParts:
    """What of a period is worked out before its indicators.

    hospital : statistics by hospital   inputs, region : hospitals x inputs, region x inputs
    mismatches : where given inputs and cases differ   unknown : columns that are no input   notes : (zh, en)
    shared : inputs of the region that stand at every hospital, see regioninputs.with_region
    """

    period: Period
    data: PeriodData
    hospital: UnitStatistics
    mix: CaseMix
    readmissions: Readmissions | None
    mortality: Any
    inputs: pd.DataFrame
    region: pd.DataFrame | None
    mismatches: pd.DataFrame
    unknown: pd.DataFrame
    notes: tuple[tuple[str, str], ...]
    shared: tuple[str, ...] = ()


def period_parts(
    data: PeriodData,
    period: Period,
    plan: Plan,
    hospitals: pd.DataFrame,
    weights: GroupWeights,
    risks: RiskGroups | None,
    catalogue: Catalogue,
    drift: CmiDrift | None = None,
    base: UnitStatistics | None = None,
) -> PeriodParts:
    """Case mix, readmissions, adjusted mortality and inputs of a period.

    risks : made of another period, None = of the same data   drift : gives coding depth   base : statistics of that
        other period, whose deaths give the mortality risk of each DRG, None = the same cases
    """
    notes: Notes = list(data.notes)
    hospital = data.statistics.roll_up("hospital_id")
    mix = period_mix(hospital, plan, weights, risks)
    stays = _readmissions(data, period, plan, notes)
    mortality = _mortality(data, plan, base, notes)
    given, unknown = read_inputs(period, hospitals.index, catalogue)
    made = case_inputs(hospital, mix, stays, drift, period, hospitals.index, catalogue)
    joined, mismatches = join_given(given, made, catalogue)
    region = read_region(period, plan, catalogue)
    joined, shared = with_region(joined, region, catalogue)
    if shared:
        notes.append(shared_note(period.id, shared, catalogue))
    if region is not None and "days" not in region.columns:
        region["days"] = float((period.end - period.start).days + 1)
    return PeriodParts(
        period, data, hospital, mix, stays, mortality, joined, region, mismatches, unknown, tuple(notes), shared
    )


def breadth_sample(periods: Iterable[PeriodData], plan: Plan) -> int | None:
    """Sample size of drg_breadth for all periods, so that no hospital's volume moves the others between years."""
    if plan.mix.rarefaction is not None:
        return plan.mix.rarefaction
    least = minimum_cases(("hospital_id",)) if plan.mix.minimum is None else plan.mix.minimum
    sizes: list[int] = []
    for data in periods:
        cells = pack_cells(data.statistics.roll_up("hospital_id"))
        sizes += [int(size) for size in cells.per_unit(cells.n) if size >= max(least, 1)]
    return min(sizes, default=None)


def period_mix(
    statistics: UnitStatistics, plan: Plan, weights: Any, risks: RiskGroups | None, by: Any = None
) -> CaseMix:
    """casemix() by the settings of the plan; the benchmark is all hospitals of the same period."""
    mix = plan.mix
    return casemix(
        statistics,
        by,
        weights,
        base=risks,
        shrinkage=mix.shrinkage,
        leave_one_out=mix.leave_one_out,
        low_risk_scores=mix.low_risk_scores,
        expected_mdcs=mix.expected_mdcs or None,
        mdc_threshold=mix.mdc_threshold,
        rarefaction=mix.rarefaction,
        minimum=mix.minimum,
        max_stay_days=mix.max_stay_days,
    )


def _readmissions(data: PeriodData, period: Period, plan: Plan, notes: Notes) -> Readmissions | None:
    cases = data.cases
    if cases is None:
        return None
    lacking = sorted(STAY_COLUMNS - cases.columns)
    if lacking:
        zh = f"病例缺少{'、'.join(lacking)}，不计算再入院率。"
        notes.append((zh, f"The cases lack {', '.join(lacking)}: no readmission rates."))
        return None
    try:
        return readmissions(cases.path, "hospital_id", windows=plan.mix.readmission_windows, until=period.end)
    except EvaluationError as error:
        notes.append((f"未计算再入院率：{error.problem}。", f"No readmission rates: {error.problem}."))
        return None


def _mortality(data: PeriodData, plan: Plan, base: UnitStatistics | None, notes: Notes) -> Any:
    """Risk-adjusted mortality, None with a note where no model can be fitted."""
    if data.cases is None:
        return None
    from drgengine.evaluation.adjusted import adjusted_mortality

    try:
        found = adjusted_mortality(
            data.cases.path,
            "hospital_id",
            base=base,
            max_stay_days=plan.mix.max_stay_days,
            seed=plan.uncertainty.seed,
        )
    except EvaluationError as error:
        zh = f"未计算风险调整死亡率：{error.problem}。"
        notes.append((zh, f"No risk-adjusted mortality: {error.problem}."))
        return None
    notes += found.notes
    return found if found.fitted else None


def period_result(
    parts: PeriodParts,
    before: PeriodParts | None,
    plan: Plan,
    hospitals: pd.DataFrame,
    catalogue: Catalogue,
    tree: Tree,
) -> PeriodResult:
    """Indicators of hospitals and region and the quality of the data; `before` is the period growths look back at."""
    evidence, region_evidence = read_evidence(parts.period, hospitals, plan.region, catalogue)
    indicators = compute_indicators(
        parts.inputs,
        catalogue,
        catalogue.ids("hospital"),
        previous=None if before is None else before.inputs,
        evidence=evidence,
    )
    indicators = of_the_region(indicators, parts.shared)
    region = _region(parts, before, plan, catalogue, region_evidence)
    mortality = parts.mortality
    return PeriodResult(
        id=parts.period.id,
        statistics=parts.data.statistics,
        mix=parts.mix,
        readmissions=parts.readmissions,
        indicators=indicators,
        region=region,
        quality=quality_table(parts, indicators, tree, hospitals.index),
        adjusted_mortality=None if mortality is None else mortality.table.reindex(hospitals.index),
        calibration=None if mortality is None else mortality.calibration,
    )


def _region(
    parts: PeriodParts, before: PeriodParts | None, plan: Plan, catalogue: Catalogue, evidence: pd.DataFrame | None
) -> Indicators | None:
    table = parts.region
    if table is None:
        if evidence is None:
            return None
        table = pd.DataFrame(index=pd.Index([plan.region], name="region"))
    earlier = None if before is None else before.region
    return compute_indicators(table, catalogue, catalogue.ids("region"), previous=earlier, evidence=evidence)


def quality_table(parts: PeriodParts, indicators: Indicators, tree: Tree, hospitals: pd.Index) -> pd.DataFrame:
    """Columns of PeriodResult.quality; *_known are shares of the included discharges."""
    flow = parts.mix.flow.reindex(hospitals)
    cells = parts.hospital.table
    included = cells[cells["inclusion"] == "included"].groupby("hospital_id")[["dx_known", "dx_count"]].sum()
    included = included.reindex(hospitals)
    n = flow["included"].where(flow["included"] > 0)
    table = pd.DataFrame(index=hospitals)
    table["discharges"] = flow["discharges"].fillna(0).astype(np.int64)
    table["grouped"] = (flow["included"] + flow["long_stay"]).fillna(0).astype(np.int64)
    table["grouping_rate"] = table["grouped"] / table["discharges"].where(table["discharges"] > 0)
    for name in ("invalid", "ungroupable", "ambiguous", "long_stay"):
        table[name] = flow[name].fillna(0).astype(np.int64)
    table["without_weight"] = flow["included_without_weight"].fillna(0).astype(np.int64)
    for name, lacking in (("charge_known", "charge"), ("stay_known", "stay"), ("disposition_known", "disposition")):
        table[name] = 1.0 - flow[f"included_without_{lacking}"] / n
    table["dx_per_case"] = included["dx_count"] / included["dx_known"].where(included["dx_known"] > 0)
    leaves = list(tree.table().index)
    table["input_coverage"] = indicators.values.reindex(columns=leaves).notna().mean(axis=1)
    return table


def earlier_of(periods: Mapping[str, PeriodParts], one: PeriodParts, plan: Plan) -> PeriodParts | None:
    """The period a growth looks back at: the plan's previous for the current one, else the latest that ended before."""
    if one.period.id == plan.current:
        return None if plan.previous is None else periods[plan.previous]
    ended = [other for other in periods.values() if other.period.end < one.period.start]
    return max(ended, key=lambda other: other.period.end, default=None)
