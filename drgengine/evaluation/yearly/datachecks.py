"""What in weights, groups and evidence does not fit the cases (数据核对), in both languages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import GroupWeights
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.periodresult import PeriodParts
from drgengine.evaluation.yearly.result import PeriodResult

Note = tuple[str, str]
ENOUGH, LEAST = 0.95, 0.5
"""Shares of the included cases whose DRG a table of weights knows: fewer are listed, fewer than half refused."""
SHOWN = 5
YEAR = dt.timedelta(days=366)


def weight_checks(plan: Plan, parts: Mapping[str, PeriodParts], weights: GroupWeights) -> list[Note]:
    """Periods of which a given table of weights knows less than 95 % of the included cases.

    Raises EvaluationError where it knows less than half: the codes are then of another version or spelling.
    """
    if plan.mix.weights is None:
        return []
    found: list[Note] = []
    for name, one in parts.items():
        included = int(one.mix.flow["included"].sum())
        without = int(one.mix.flow["included_without_weight"].sum())
        share = 1.0 if not included else 1.0 - without / included
        if share >= ENOUGH:
            continue
        lacking = one.mix.without_weight.sort_values("cases", ascending=False)["drg"].head(SHOWN).to_list()
        if share < LEAST:
            problem = (
                f"it knows the DRG of {share:.1%} of the included cases of {name}: it has "
                f"{', '.join(list(weights.weights)[:SHOWN])}, and lacks {', '.join(map(str, lacking))}"
            )
            raise EvaluationError(str(plan.mix.weights), problem, "Take the table of the scheme, spelled as its codes")
        hospitals = one.mix.flow.index[(one.mix.flow["included_without_weight"] > 0).to_numpy()]
        who = [str(unit) for unit in hospitals[:SHOWN]]
        more = ("等", " ...") if len(hospitals) > SHOWN else ("", "")
        zh = (
            f"{name}期权重表只覆盖{share:.1%}的纳入病例，{without}例无权重（如{'、'.join(map(str, lacking))}），不计入"
            f"{'、'.join(who)}{more[0]}的总权重和CMI"
        )
        en = (
            f"the table of weights knows {share:.1%} of the included cases of {name}; {without} have no weight (such "
            f"as {', '.join(map(str, lacking))}) and stay out of total weight and CMI of {', '.join(who)}{more[1]}"
        )
        found.append((zh, en))
    return found


def unknown_groups(parts: Mapping[str, PeriodParts], plan: Plan) -> list[Note]:
    """Where most included cases of the current period have a DRG that no other period knows."""
    groups = {name: set(one.mix.cells.groups) for name, one in parts.items()}
    others = {code for name, codes in groups.items() if name != plan.current for code in codes}
    if not others:
        return []
    cells = parts[plan.current].mix.cells
    cases = cells.per_group(cells.n)
    strange = np.array([code not in others for code in cells.groups], np.bool_)
    share = float(cases[strange].sum() / cases.sum()) if cases.sum() else 0.0
    if share <= LEAST:
        return []
    codes = [code for code in cells.groups if code not in others][:SHOWN]
    known = sorted(others)[:SHOWN]
    zh = (
        f"{plan.current}期{share:.1%}的纳入病例所在DRG（如{'、'.join(codes)}）在其他期（如{'、'.join(known)}）中没有："
        "请核对编码写法和分组版本"
    )
    en = (
        f"{share:.1%} of the included cases of {plan.current} are in DRGs (such as {', '.join(codes)}) that no other "
        f"period has (such as {', '.join(known)}): check spelling and version of the codes"
    )
    return [(zh, en)]


def late_evidence(current: PeriodResult, plan: Plan) -> list[Note]:
    """Evidence dated more than a year after the period."""
    last = plan.periods[current.id].end
    found: list[Note] = []
    for row in current.indicators.evidence.itertuples(index=False):
        if row.date - last > YEAR:
            one = current.indicators.catalogue[row.indicator]
            zh = f"{row.unit}“{one.zh}”的佐证日期{row.date}晚于评价期结束一年以上"
            found.append((zh, f"evidence of {row.unit} for {one.en} is dated {row.date}, over a year after the period"))
    return found
