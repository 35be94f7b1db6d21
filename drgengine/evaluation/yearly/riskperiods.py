"""Which period classifies the DRGs by risk of death (死亡风险分级的依据期), for the deaths of which period."""

from __future__ import annotations

from drgengine.evaluation.plan.settings import Plan

Note = tuple[str, str]


def risk_period(plan: Plan, name: str) -> str | None:
    """The period whose mortality makes the risk groups for the deaths of `name`, None where there is no other one.

    Never the period itself: a DRG that is low-risk because few died in it has few deaths in that very period by
    construction, and many hospitals would worsen afterwards by regression to the mean alone. The base period makes the
    groups of the others; the current one makes those of the base, or the previous one where base and current are the
    same.
    """
    if name != plan.base:
        return plan.base
    return plan.previous if name == plan.current else plan.current


def risk_notes(plan: Plan, periods: list[str]) -> list[Note]:
    """What the annex says about it."""
    pairs = [(name, risk_period(plan, name)) for name in periods]
    notes: list[Note] = []
    crossed = [(name, source) for name, source in pairs if source is not None]
    if crossed:
        zh = "，".join(f"{name}期按{source}期" for name, source in crossed)
        en = ", ".join(f"{name} by {source}" for name, source in crossed)
        scores = list(plan.mix.low_risk_scores)
        notes.append(
            (
                f"死亡风险分级以另一期的各组死亡率划分：{zh}；低风险组为{scores}级。同一期的死亡不用同期划分的分级计数，"
                "否则低风险组死亡必然偏低，次年必然“变差”（向均数回归）。",
                f"Risk groups are made from mortality in another period: {en}; low risk: {scores}. Deaths are never "
                "counted with groups made of the same period: they would be low by construction, and worse the year "
                "after by regression to the mean.",
            )
        )
    for name, source in pairs:
        if source is None:
            notes.append(
                (
                    f"低风险组：没有其他期，{name}期按自身死亡率划分；本期无死亡的组必然无低风险死亡。",
                    f"Risk groups of {name} come from the same data whose deaths are counted, as there is no other "
                    "period: a DRG without a death has none by construction.",
                )
            )
    notes.append(
        (
            "低风险组期望死亡数按计数期全部机构的实际死亡率计算（死亡较多的DRG用本组死亡率，其余合并），各机构之和等于实际死亡数；"
            "不用划分分级那一期的死亡率，因其经筛选而偏低。",
            "Expected low-risk deaths are those at the actual mortality of all hospitals in the counted period (of the "
            "DRG where it has deaths enough, else of the others together), so that they sum to the deaths; rates of "
            "the period that made the groups are not used, being low by selection.",
        )
    )
    return notes
