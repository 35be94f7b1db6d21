"""Sentences of the method annex (方法附录), in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from drgengine.evaluation.indicators import Catalogue, Tree
from drgengine.evaluation.mix import GroupWeights
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.anchors import FEWEST, LEAST_SHARE, LEAST_SPREADS
from drgengine.evaluation.yearly.drawnscores import DrawnScores
from drgengine.evaluation.yearly.periodresult import PeriodParts
from drgengine.evaluation.yearly.riskperiods import risk_notes

Note = tuple[str, str]
_HOW = {"sum": "加权算术平均", "geometric": "加权几何平均"}
_MISSING = {
    "reweight": ("缺失指标的权重分给其余指标", "the weights of missing indicators go to the others"),
    "median": ("缺失值取同组中位数", "a missing value is the median of the peers"),
    "exclude": ("缺失任一指标的机构不计分", "a hospital that lacks an indicator is not scored"),
}


def data_notes(plan: Plan, parts: Mapping[str, PeriodParts], weights: GroupWeights) -> list[Note]:
    """Periods, inclusion, weights, risk groups."""
    notes: list[Note] = []
    for one in parts.values():
        flow = one.mix.flow
        counts = {
            name: int(flow[name].sum())
            for name in ("discharges", "included", "long_stay", "ambiguous", "ungroupable", "invalid")
        }
        period = one.period
        notes.append(
            (
                f"{period.id}期（{period.start}至{period.end}）：出院{counts['discharges']}例，纳入{counts['included']}例；"
                f"住院超过{plan.mix.max_stay_days}天{counts['long_stay']}例，歧义组{counts['ambiguous']}例，"
                f"未入组{counts['ungroupable']}例，无效{counts['invalid']}例。",
                f"Period {period.id} ({period.start} to {period.end}): {counts['discharges']} discharges, "
                f"{counts['included']} included; {counts['long_stay']} stayed more than {plan.mix.max_stay_days} days, "
                f"{counts['ambiguous']} in ambiguous groups, {counts['ungroupable']} ungroupable, {counts['invalid']} "
                "invalid.",
            )
        )
        notes += one.notes
        if len(one.mismatches):
            notes.append(
                (
                    f"{period.id}期填报值与病例计算值相差超过0.5%的有{len(one.mismatches)}处，见数据质量表。",
                    f"In {period.id} {len(one.mismatches)} given inputs differ from the cases by more than 0.5 %.",
                )
            )
        for row in one.unknown.itertuples(index=False):
            notes.append(
                (f"{row.file}的列“{row.name}”不是数据项，未使用。", f"{row.file}, column {row.name!r}: {row.remark}.")
            )
    origin = (
        f"采用权重表{plan.mix.weights.name}"
        if plan.mix.weights is not None
        else f"由评价期{plan.current}的例均费用计算"
    )
    if plan.mix.structured and plan.mix.weights is None:
        origin = f"由评价期{plan.current}的费用分类计算（结构化权重）"
    notes.append(
        (
            f"DRG权重：{origin}，共{len(weights.weights)}组；各期使用同一权重（固定权重）。",
            f"DRG weights: {weights.source}; the same weights for all periods.",
        )
    )
    notes += risk_notes(plan, list(parts))
    notes.append(
        (
            "费用、时间消耗指数以同期全部参评机构为基准（=1），为例均比值法。",
            "Charge and time index compare with all hospitals of the same period (= 1), as means of ratios.",
        )
    )
    return notes


def score_notes(
    plan: Plan,
    tree: Tree,
    catalogue: Catalogue,
    weights: pd.Series,
    left_out: Mapping[str, Note],
    drawn: DrawnScores,
    in_play: float = 1.0,
) -> list[Note]:
    """Tree, anchors, weights, missing values, what is drawn and what is fixed, classes."""
    scores, uncertainty = plan.scores, plan.uncertainty
    missing_zh, missing_en = _MISSING[scores.missing]
    notes: list[Note] = [
        (f"评价体系：{tree.zh}。{tree.provenance_zh}", f"Tree: {tree.en}. {tree.provenance}"),
        (
            f"计分：功效系数法，不允许值60分、满意值100分，{_HOW[scores.how]}，单项最低{scores.floor:g}分；{missing_zh}，"
            f"数据覆盖率不低于{scores.minimum_coverage:.0%}。",
            f"Points: efficacy coefficient, 60 at bad and 100 at good, {scores.how}, at least {scores.floor:g} per "
            f"indicator; {missing_en}; at least {scores.minimum_coverage:.0%} of the weights covered.",
        ),
        (
            f"未给出的标准值取基期{plan.base}同组第{scores.bad_percentile:g}、{scores.good_percentile:g}百分位数（按优劣方向），"
            f"同组不足{FEWEST}家时取全部机构；两值间距至少为组内合并标准差（{LEAST_SPREADS:g}倍）和中位数的{LEAST_SHARE:.0%}中较大者，"
            "不足时以中点为中心对称放宽；两期使用同一标准值和权重。",
            f"Anchors that are not given are percentiles {scores.bad_percentile:g} and {scores.good_percentile:g} of "
            f"the peer group in {plan.base}, of all hospitals where fewer than {FEWEST} have a value; at least "
            f"{LEAST_SPREADS:g} standard deviation within peer groups and {LEAST_SHARE:.0%} of the median apart, moved "
            "apart around their middle otherwise; same in both periods.",
        ),
        _weight_note(plan, weights),
    ]
    if left_out:
        notes.append(
            (
                f"未计分指标占评价体系权重的{1 - in_play:.1%}，计入各机构数据覆盖率。",
                f"Indicators that are not scored hold {1 - in_play:.1%} of the tree's weight: nobody covers it.",
            )
        )
    for name, (zh, en) in left_out.items():
        one = catalogue[name]
        notes.append((f"指标“{one.zh}”未计分：{zh}。", f"{one.en} is not scored: {en}."))
    notes.append(
        (
            f"不确定性：自助抽样{uncertainty.draws}次，种子{uncertainty.seed}，区间{uncertainty.level:.0%}；"
            f"随机变动的指标：{_listed(drawn.drawn, catalogue, 'zh')}；"
            f"其余固定：{_listed(drawn.fixed, catalogue, 'zh')}。区间向外取至包含得分和名次本身。",
            f"Uncertainty: {uncertainty.draws} bootstrap draws, seed {uncertainty.seed}, {uncertainty.level:.0%} "
            f"intervals; drawn: {_listed(drawn.drawn, catalogue, 'en')}; "
            f"fixed: {_listed(drawn.fixed, catalogue, 'en')}. "
            "Intervals are taken outwards to hold score and rank themselves.",
        )
    )
    shifts = np.abs(drawn.shift[np.isfinite(drawn.shift)])
    largest = float(shifts.max()) if shifts.size else 0.0
    notes.append(
        (
            f"得分的抽样分布以得分为中心：单项得分有上下限、部分指标有门槛，抽样均值与得分不等（最大相差{largest:.2f}分），"
            "每家机构、每一期的各次抽样均减去该差；得分区间、名次区间、前列概率、等级概率和改善概率均由此得出。",
            "Drawn scores are centred on the score: points have a floor and a ceiling and some indicators a threshold, "
            f"so that the mean of the draws is not the score (off by {largest:.2f} points at most); per hospital and "
            "period this difference is taken from every draw. Intervals of scores and ranks, the probabilities of "
            "the top and of classes and p(improved) come from the centred draws.",
        )
    )
    classes = plan.classes
    shares = "、".join(f"{name} {share:.0%}" for name, share in zip(classes.names, classes.shares, strict=True))
    notes.append(
        (
            f"等级：同组内{shares}；仅当概率不低于{classes.probability:.0%}时给出等级，否则标为“不可区分”。",
            f"Classes within the peer group: {shares.replace('、', ', ')}; given only from a probability of "
            f"{classes.probability:.0%} on, else not separable.",
        )
    )
    return notes


def _weight_note(plan: Plan, weights: pd.Series) -> Note:
    scores = plan.scores
    effective = 1.0 / float((weights**2).sum()) if len(weights) else 0.0
    if scores.weights == "expert":
        return (
            f"指标权重取自评价体系（专家权重），有效指标数{effective:.1f}。",
            f"Weights of the indicators are those of the tree (expert); effective number {effective:.1f}.",
        )
    return (
        f"指标权重：专家权重与{scores.weights}客观权重按{scores.expert_share:g}：{1 - scores.expert_share:g}组合，"
        f"客观权重限于1/m的{scores.cap[0]:g}至{scores.cap[1]:g}倍；有效指标数{effective:.1f}。",
        f"Weights: expert {scores.expert_share:g} and {scores.weights} {1 - scores.expert_share:g} (product), the "
        f"latter within {scores.cap[0]:g} and {scores.cap[1]:g} times 1/m; effective number {effective:.1f}.",
    )


def _listed(names: Iterable[str], catalogue: Catalogue, language: str) -> str:
    titles = [catalogue[name].zh if language == "zh" else catalogue[name].en for name in names]
    if not titles:
        return "无" if language == "zh" else "none"
    return ("、" if language == "zh" else ", ").join(titles)


def distinct(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes in order, each once."""
    return tuple(dict.fromkeys(notes))
