"""Policy targets, regional plan and policy lines against the values (政策目标达成)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from drgengine.evaluation.indicators import (
    Catalogue,
    Stated,
    Target,
    TargetSet,
    check_consistency,
    check_targets,
    plan_progress,
)
from drgengine.evaluation.plan.namecheck import plan_targets, regional_plan, target_list
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.result import PeriodResult


@dataclass(frozen=True, slots=True, eq=False)
class TargetTables:
    """targets, progress, consistency, lines : as in Evaluation   notes : (zh, en)"""

    targets: pd.DataFrame
    progress: pd.DataFrame
    consistency: pd.DataFrame
    lines: pd.DataFrame
    notes: tuple[tuple[str, str], ...]


def target_tables(
    plan: Plan, hospitals: pd.DataFrame, current: PeriodResult, previous: PeriodResult | None, catalogue: Catalogue
) -> TargetTables:
    """Targets of hospitals and of the region, progress of the regional plan, consistency, policy lines."""
    from drgengine.evaluation.compliance import policy_compliance

    sets = plan_targets(plan, catalogue)
    regional = regional_plan(plan, catalogue)
    year, notes = plan.periods[plan.current].end.year, []
    known = target_list(sets)
    groups = target_groups(plan, hospitals)
    asked = [one for one in known if one.group]
    if asked and groups is None:
        zh = f"机构表没有{plan.targets.column}列，{len(asked)}项分组目标未检查。"
        en = f"The hospitals have no column {plan.targets.column}: {len(asked)} targets of one group are not checked."
        notes.append((zh, en))
        known = tuple(one for one in known if not one.group)
    targets = _checked(known, hospitals, current, previous, groups, year, catalogue, plan)
    progress = _progress(plan, regional, current, year)
    everything: list[TargetSet] = [
        *sets,
        *([regional] if regional is not None and regional.name not in {s.name for s in sets} else []),
    ]
    said: list[Target | Stated] = [
        *(t for s in everything for t in s.targets),
        *(t for s in everything for t in s.stated),
    ]
    consistency = check_consistency(said, language=plan.language)
    lines = policy_compliance(
        targets, current.indicators, current.region, progress, region_name=plan.region, known=known
    )
    return TargetTables(targets, progress, consistency, lines, tuple(notes))


def target_groups(plan: Plan, hospitals: pd.DataFrame) -> dict[str, str] | None:
    """Hospital -> group for targets of one group; None where the column is not there."""
    if plan.targets.column not in hospitals.columns:
        return None
    return {str(unit): str(group) for unit, group in hospitals[plan.targets.column].items()}


def _checked(
    known: tuple[Target, ...],
    hospitals: pd.DataFrame,
    current: PeriodResult,
    previous: PeriodResult | None,
    groups: dict[str, str] | None,
    year: int,
    catalogue: Catalogue,
    plan: Plan,
) -> pd.DataFrame:
    of_hospital = [one for one in known if catalogue[one.indicator].of in ("hospital", "any")]
    of_region = [one for one in known if catalogue[one.indicator].of == "region"]
    if current.region is not None:
        of_region += [
            one
            for one in of_hospital
            if one.indicator in current.region.values and current.region.values[one.indicator].notna().any()
        ]
    before = None if previous is None else previous.indicators.values
    parts = [
        check_targets(current.indicators, of_hospital, before, groups=groups or {}, year=year, language=plan.language)
    ]
    if current.region is not None:
        earlier = None if previous is None or previous.region is None else previous.region.values
        region_groups = {plan.region: ""}
        parts.append(
            check_targets(current.region, of_region, earlier, groups=region_groups, year=year, language=plan.language)
        )
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def _progress(plan: Plan, regional: TargetSet | None, current: PeriodResult, year: int) -> pd.DataFrame:
    nothing = pd.DataFrame(index=pd.Index([], name="region"))
    if regional is None or current.region is None:
        return plan_progress(nothing, [], year, language=plan.language)
    return plan_progress(current.region, regional, year, language=plan.language)
