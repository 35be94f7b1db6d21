"""Everything that is wrong in a plan and its small tables, before anything is computed (方案检查)."""

from __future__ import annotations

import os
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

from drgengine.errors import DrgEngineError, EvaluationError
from drgengine.evaluation.indicators import Catalogue
from drgengine.evaluation.plan.namecheck import plan_catalogue, plan_tree
from drgengine.evaluation.plan.planfile import collect_plan
from drgengine.evaluation.plan.settings import Period, Plan

LEAGUE_QUANTITIES = (
    *("rank", "rank_low", "rank_high", "rank_expected", "rank_worst", "p_top", "class_probability", "p_improved"),
    *("score", "score_low", "score_high", "coverage", "previous_score", "comparable_score"),
    *("previous_comparable_score", "comparable_rank", "previous_rank", "change", "cases", "low_risk_expected"),
    *("mean_score", "median_score", "best_score", "factor", "base"),
)
"""What formulas of decisions may use of the league and of their own."""


def check_plan(path: str | os.PathLike[str]) -> tuple[DrgEngineError, ...]:
    """All problems of a plan and of its tables of hospitals, inputs, region, evidence, anchors, weights; none is ().

    Each has place, problem and remedy. Cases and statistics are looked at for their columns only.
    """
    plan, problems = collect_plan(path)
    if plan is not None and not problems:
        problems += _table_problems(plan)
    return tuple(problems)


def _table_problems(plan: Plan) -> list[DrgEngineError]:
    from drgengine.evaluation.yearly.casecosts import read_costs
    from drgengine.evaluation.yearly.readinputs import (
        read_anchors,
        read_evidence,
        read_inputs,
        read_region,
        read_weights,
    )
    from drgengine.evaluation.yearly.readunits import read_units

    found: list[DrgEngineError] = []

    def tried(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except DrgEngineError as error:
            found.append(error)
            return None

    catalogue = plan_catalogue(plan)
    tried(lambda: _decision_names(plan, catalogue))
    hospitals = tried(lambda: read_units(plan))
    tried(lambda: read_weights(plan))
    if hospitals is not None:
        leaves = plan_tree(plan, catalogue).table()
        directions = {str(name): int(direction) for name, direction in leaves["direction"].items()}
        tried(lambda: read_anchors(plan, catalogue, set(hospitals["peer_group"]), directions))
    for period in plan.periods.values():
        tried(partial(read_region, period, plan, catalogue))
        tried(partial(_case_columns, period))
        if period.costs:
            tried(partial(read_costs, period.costs))
        if hospitals is not None:
            tried(partial(read_inputs, period, hospitals.index, catalogue))
            tried(partial(read_evidence, period, hospitals, plan.region, catalogue))
    return found


def _decision_names(plan: Plan, catalogue: Catalogue) -> None:
    """Names in formulas of decisions, against what an evaluation will have."""
    import pyarrow as pa

    from drgengine.evaluation.decisions import read_rules
    from drgengine.evaluation.mix import casemix

    one = pa.table({"hospital_id": ["1"], "drg": ["FR25"], "total_charge": [1.0]})
    columns = {*casemix(one).table.columns, *LEAGUE_QUANTITIES, *catalogue.inputs, *catalogue.indicators}
    for rule in read_rules(plan.decisions):
        known = {*columns, *rule.quantities}
        for name in dict.fromkeys(name for formula in rule.formulas for name in formula.names):
            if name not in known:
                near = get_close_matches(name, known, n=1)
                remedy = f"Did you mean {near[0]}?" if near else f"Add it to [decisions.{rule.kind}.quantities]"
                place = f"{plan.path} [decisions.{rule.kind}]"
                raise EvaluationError(place, f"no quantity is called {name!r}", remedy)


def _case_columns(period: Period) -> None:
    import pyarrow as pa

    from drgengine.cases import missing_required, resolve_columns
    from drgengine.evaluation.mix.casecolumns import open_cases
    from drgengine.evaluation.yearly.groupedparts import canonical

    for path in period.cases:
        names = open_cases(path).names
        known = canonical(names)
        if "hospital_id" not in known:
            problem = "no column says the hospital (hospital_id, 机构代码)"
            raise EvaluationError(str(path), problem, "Add it, with the ids of the table of hospitals")
        if "drg" not in known:
            lacking = missing_required(
                resolve_columns(pa.schema([(name, pa.string()) for name in names]), source=str(path))
            )
            if lacking:
                problem = f"it is not grouped and lacks {', '.join(lacking)}"
                raise EvaluationError(str(path), problem, "Add these columns, or group the cases first")
