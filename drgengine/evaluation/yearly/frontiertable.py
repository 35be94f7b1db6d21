"""Efficiency frontier (DEA) and productivity of the hospitals as tables (效率前沿与生产率)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from drgengine.costing.bilingual import in_language
from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier import dea, dea_bootstrap, malmquist
from drgengine.evaluation.indicators import Catalogue
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.result import PeriodResult

Note = tuple[str, str]
FEWEST = 3
PEERS_SHOWN = 5


@dataclass(slots=True, eq=False)
class FrontierTables:
    """frontier, productivity : as in Evaluation, None where there is none   notes : (zh, en)   thin : too few units"""

    frontier: pd.DataFrame | None = None
    productivity: pd.DataFrame | None = None
    notes: list[Note] = field(default_factory=list)
    thin: bool = False


def frontier_tables(
    plan: Plan, hospitals: pd.DataFrame, current: PeriodResult, previous: PeriodResult | None
) -> FrontierTables:
    """Input-oriented VRS scores with bootstrap intervals, targets, peers; Malmquist against the previous period."""
    made = FrontierTables()
    catalogue = current.indicators.catalogue
    inputs, outputs, reasons = _data(plan, current, catalogue)
    if len(inputs) < FEWEST:
        lacking = next(iter(reasons.values()), "")
        made.notes.append(
            (
                f"数据齐全的机构仅{len(inputs)}家，不足{FEWEST}家，未计算效率前沿。",
                f"Only {len(inputs)} hospitals have all data, {FEWEST} are needed: no frontier. {lacking}".strip(),
            )
        )
        return made
    made.frontier = _frontier(plan, hospitals.index, inputs, outputs, reasons, made)
    if previous is not None:
        made.productivity = _productivity(plan, hospitals.index, current, previous, made)
    return made


def _data(plan: Plan, period: PeriodResult, catalogue: Catalogue) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Inputs and outputs of the hospitals that have them all, and why the others have not."""
    names = (*plan.frontier.inputs, *plan.frontier.outputs)
    table = period.indicators.inputs.reindex(columns=list(names))
    reasons: dict[str, str] = {}
    for unit, row in table.iterrows():
        lacking = [name for name in names if not np.isfinite(row[name])]
        below = [name for name in plan.frontier.inputs if row[name] <= 0]
        below += [name for name in plan.frontier.outputs if row[name] < 0]
        if lacking or below:
            word = "没有数值" if plan.language == "zh" else "no value for"
            wrong = "须大于0" if plan.language == "zh" else "not above 0:"
            parts = lacking or below
            titles = [catalogue.inputs[n].zh if plan.language == "zh" else catalogue.inputs[n].en for n in parts]
            said = word if lacking else wrong
            joined = "、".join(titles) if plan.language == "zh" else ", ".join(titles)
            reasons[str(unit)] = f"{joined}{said}" if plan.language == "zh" else f"{said} {joined}"
        elif not any(row[name] > 0 for name in plan.frontier.outputs):
            reasons[str(unit)] = "产出均为0" if plan.language == "zh" else "all outputs are 0"
    kept = table.loc[[unit for unit in table.index if unit not in reasons]]
    return kept[list(plan.frontier.inputs)], kept[list(plan.frontier.outputs)], reasons


def _frontier(
    plan: Plan,
    hospitals: pd.Index,
    inputs: pd.DataFrame,
    outputs: pd.DataFrame,
    reasons: dict[str, str],
    made: FrontierTables,
) -> pd.DataFrame:
    found = dea(inputs, outputs, "bcc", slack_weights="own")
    table = pd.DataFrame(index=inputs.index)
    table["score"] = found.score
    table[["corrected", "low", "high"]] = np.nan
    try:
        drawn = dea_bootstrap(
            inputs,
            outputs,
            "vrs",
            replications=plan.frontier.replications,
            level=plan.frontier.level,
            seed=plan.uncertainty.seed,
        )
        table["corrected"], table["low"], table["high"] = drawn.corrected, drawn.low, drawn.high
        made.notes += [(in_language(remark, "zh"), in_language(remark, "en")) for remark in drawn.remarks]
    except EvaluationError as error:
        made.notes.append((f"效率值未作自助校正：{error.problem}。", f"No bootstrap of efficiency: {error.problem}."))
    table["efficient"] = found.efficient
    table["returns_to_scale"] = found.returns_to_scale
    table["scale_efficiency"] = found.scale_efficiency
    table["peers"] = [
        ", ".join(f"{peer} {share:.2f}" for peer, share in found.peers[unit][:PEERS_SHOWN]) for unit in inputs.index
    ]
    table["status"] = list(found.status)
    table["reason"] = [reason or "" for reason in found.reason]
    for word, sides in (("slack", found.slacks), ("target", found.targets)):
        for names, numbers in zip((found.input_names, found.output_names), sides, strict=True):
            for at, name in enumerate(names):
                table[f"{word}_{name}"] = numbers[:, at]
    table = table.reindex(hospitals)
    for unit, reason in reasons.items():
        table.loc[unit, ["status", "reason"]] = ["excluded", reason]
    for name in ("efficient",):
        table[name] = table[name].fillna(False).astype(bool)
    for name in ("returns_to_scale", "peers", "status", "reason"):
        table[name] = table[name].fillna("")
    made.thin = bool(found.thin)
    made.notes.append(_model_note(plan, len(inputs)))
    if found.thin:
        made.notes.append(
            (
                f"参与机构{len(inputs)}家，少于投入产出个数要求，多数机构会显得有效，请谨慎解读。",
                f"{len(inputs)} hospitals are few for so many inputs and outputs: most look efficient; mind that.",
            )
        )
    return table


def _model_note(plan: Plan, count: int) -> Note:
    inputs, outputs = ", ".join(plan.frontier.inputs), ", ".join(plan.frontier.outputs)
    return (
        f"效率前沿：投入导向BCC（规模报酬可变）模型，{count}家机构；投入：{inputs}；产出：{outputs}；"
        f"规模效率=CCR/BCC；Simar-Wilson自助{plan.frontier.replications}次，种子{plan.uncertainty.seed}。",
        f"Frontier: input-oriented BCC (variable returns), {count} hospitals; inputs {inputs}; outputs {outputs}; "
        f"scale efficiency = CCR / BCC; Simar-Wilson bootstrap, {plan.frontier.replications} replications, seed "
        f"{plan.uncertainty.seed}.",
    )


def _productivity(
    plan: Plan, hospitals: pd.Index, current: PeriodResult, previous: PeriodResult, made: FrontierTables
) -> pd.DataFrame | None:
    catalogue = current.indicators.catalogue
    x1, y1, now = _data(plan, current, catalogue)
    x0, y0, then = _data(plan, previous, catalogue)
    units = x1.index.intersection(x0.index, sort=False)
    if len(units) < FEWEST:
        made.notes.append(
            (
                f"两期数据齐全的机构不足{FEWEST}家，未计算Malmquist指数。",
                f"Fewer than {FEWEST} hospitals have all data in both periods: no Malmquist index.",
            )
        )
        return None
    found = malmquist(x0.loc[units], y0.loc[units], x1.loc[units], y1.loc[units])
    table = found.frame().rename(
        columns={
            "index": "malmquist",
            "pure_efficiency_change": "pure",
            "scale_efficiency_change": "scale",
        }
    )
    table["reason"] = [reason or "" for reason in table["reason"]]
    table = table.reindex(hospitals)
    for unit in hospitals.difference(units):
        table.loc[unit, ["status", "reason"]] = ["excluded", now.get(unit) or then.get(unit, "")]
    return table
