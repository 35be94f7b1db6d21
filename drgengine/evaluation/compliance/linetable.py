"""Every line A01 to B33 with actual value, target, status, gap and source (政策符合性对照表)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.compliance.knowntargets import nearer_end, target_of
from drgengine.evaluation.compliance.linerow import Held, beside, held, row_of
from drgengine.evaluation.compliance.planlines import not_reached, plan_row
from drgengine.evaluation.compliance.wording import Said, how, said, target_text
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.entries import Indicator
from drgengine.evaluation.indicators.linespage import PolicyLine, policy_lines
from drgengine.evaluation.indicators.targetfile import Target
from drgengine.evaluation.indicators.targetstatus import judge

COLUMNS = (
    *("line", "zh", "en", "scope", "indicator", "indicator_zh", "indicator_en", "actual", "units", "met", "missed"),
    *("target", "target_text", "status", "gap", "source_zh", "source_en", "remark_zh", "remark_en"),
)
STATUS = (
    *("met", "near", "missed", "trend right", "trend wrong", "behind", "no data"),
    *("evidence", "engine", "out of scope", "no target"),
)
_KEY = ["indicator", "word", "direction", "strictness", "nature", "year", "source"]
_GOOD, _BAD = ("met", "trend right"), ("missed", "trend wrong", "behind")


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What came in; targets and progress by indicator, ids by line."""

    targets: Mapping[str, pd.DataFrame]
    progress: Mapping[str, pd.DataFrame]
    named: Mapping[str, list[str]]
    hospital: Indicators
    region: Indicators | None
    region_name: str
    known: tuple[Target, ...]

    def found(self, scope: str) -> Indicators | None:
        return self.region if scope == "region" else self.hospital


def _by_indicator(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(name): part for name, part in table.groupby("indicator", sort=False)}


def _named(*tables: pd.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table in tables:
        for line, indicator in dict.fromkeys(zip(table["line"], table["indicator"], strict=True)):
            found.setdefault(str(line), []).append(str(indicator))
    return found


def policy_compliance(
    targets: pd.DataFrame,
    hospital: Indicators,
    region: Indicators | None,
    progress: pd.DataFrame,
    *,
    region_name: str,
    known: Iterable[Target] = (),
) -> pd.DataFrame:
    """Each line A01 to A36 and B01 to B33, one row per indicator and target (政策符合性对照), none left out.

    targets : check_targets() of the hospitals and of the region; what is no unit of `hospital` is of the region
    hospital, region : indicators of the hospitals and of the region (None = no table of the region)
    progress : plan_progress() of the region   known : targets of the user's own, for their bands and sources; the
        shipped sets are known

    actual : value of the region, or the median of the hospitals that have one, and the remark says which; met and
    missed count hospitals. Over hospitals the status is that of the majority, as the remark says: met if at least half
    of those with a value meet the target, near if at least half meet it or are near, else missed; gap is that of
    `actual`. A trend (逐步) is judged by hospitals with both periods: right if most of them move that way, and of as
    many on either side as the median of their changes does; gap is that median, not the change of the medians. Of a
    range (区间) the text states both ends, target is the end nearer to `actual`, gap is 0 inside. Where a target
    differs between hospitals (groups, limits), its median is shown; a limit that only the region has, such as the
    growth of incomes, serves all hospitals.
    A line that gives no number is engine, out of scope, evidence or no data, and the remark says why; no target means
    that the chosen sets ask for nothing.
    A target of a plan with base and year: met - reached; trend right - green, on the straight line from base to
    target; near - amber; red is missed where the target is binding (约束性), and behind where it is expected
    (预期性), which never fails and is never missed. Not reached without a base: judged by the previous period, else
    no data.

    >>> from drgengine.evaluation.indicators import check_targets, compute_indicators, load_targets, plan_progress
    >>> table = pd.DataFrame({"drug_revenue": [31.0, 36], "tcm_revenue": [1.0, 1], "medical_revenue": [100.0, 100]})
    >>> found = compute_indicators(table)
    >>> targets, progress = check_targets(found, load_targets("putuo")), plan_progress(found, [], 2025)
    >>> lines = policy_compliance(targets, found, None, progress, region_name="R")
    >>> lines.head(1)[["line", "actual", "met", "target_text", "status", "gap"]].values.tolist()
    [['A01', 32.5, 1, '左右 30', 'met', 2.5]]
    """
    given = _Given(
        _by_indicator(targets),
        _by_indicator(progress),
        _named(targets, progress),
        hospital,
        region,
        region_name,
        tuple(known),
    )
    rows = [row for line in policy_lines() if line.id[0] in "AB" for row in _line(line, given)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("units", "met", "missed"):
        table[name] = table[name].astype(np.int64)
    return table


def _line(line: PolicyLine, given: _Given) -> list[dict[str, Any]]:
    catalogue = given.hospital.catalogue
    ids = [*(one.id for one in catalogue.of_line(line.id)), *given.named.get(line.id, ())]
    shared = _head(line)
    remark = how(line.id, line.how)
    if not ids or line.status in ("engine", "out of scope"):
        status = line.status if line.status != "computed" else "no data"
        scope = "engine" if status == "engine" else "none"
        return [row_of(shared, [remark], scope=scope, status=status)]
    rows = []
    for name in dict.fromkeys(ids):
        rows += _indicator(line, catalogue[name], given, remark)
    return rows


def _head(line: PolicyLine) -> dict[str, Any]:
    texts = ("indicator", "indicator_zh", "indicator_en", "target_text", "source_zh", "source_en")
    numbers = dict.fromkeys(("actual", "target", "gap"), np.nan) | dict.fromkeys(("units", "met", "missed"), 0)
    return {"line": line.id, "zh": line.zh, "en": line.en, **dict.fromkeys(texts, ""), **numbers}


def _indicator(line: PolicyLine, one: Indicator, given: _Given, remark: Said) -> list[dict[str, Any]]:
    scope = _scope(line, one, given)
    names = {"scope": scope, "indicator": one.id, "indicator_zh": one.zh, "indicator_en": one.en}
    head = _head(line) | names | {"source_zh": one.cited("zh"), "source_en": one.cited("en")}
    values = held(one, scope, given.found(scope))
    always = [beside(one, given.hospital), remark]
    if scope == "region" and values.known:
        always.insert(0, said("of_region", region=given.region_name))
    rows = []
    plan = given.progress.get(one.id, pd.DataFrame(columns=["line"]))
    plan = plan[plan["line"] == line.id]
    for _, planned in plan.iterrows():
        rows.append(plan_row(planned, head, values, always, given.known, given.hospital.catalogue))
    rows += [_target_row(judged, one, head, always, given) for judged in _judged(line, one, scope, given, plan)]
    return rows or [_untargeted(one, head, values, always)]


def _scope(line: PolicyLine, one: Indicator, given: _Given) -> str:
    """Hospital or region; what may be of either is of the region in lines B and where only the region has it."""
    if one.of != "any":
        return "region" if one.of == "region" else "hospital"
    if line.id[0] == "B":
        return "region"
    alone = held(one, "region", given.region).known and not held(one, "hospital", given.hospital).known
    return "region" if alone else "hospital"


def _judged(line: PolicyLine, one: Indicator, scope: str, given: _Given, plan: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of check_targets() on the indicator in this scope, one table per target."""
    table = given.targets.get(one.id)
    if table is None:
        return []
    of_hospital = table["unit"].isin(given.hospital.values.index)
    mine = table["line"].isin([line.id, ""])
    mine &= of_hospital if scope == "hospital" else ~of_hospital
    rows = table[mine].copy()
    if not len(rows):
        return []
    rows["year"] = rows["year"].fillna(0).astype(np.int64)
    parts = []
    for _, part in rows.groupby(_KEY, sort=False, dropna=False):
        if part["unit"].is_unique:
            parts.append(part)
        else:
            parts += [each for _, each in part.groupby("target", sort=False, dropna=False)]
    # A target that the plan's progress shows already is not shown a second time.
    planned = [target_of(row, given.known)[1] for _, row in plan.iterrows()]
    return [part for part in parts if not planned or target_of(part.iloc[0], given.known)[1] not in planned]


def _target_row(
    part: pd.DataFrame, one: Indicator, head: dict[str, Any], always: list[Said], given: _Given
) -> dict[str, Any]:
    scope = head["scope"]
    values = held(one, scope, given.found(scope), pd.Index(part["unit"]) if scope == "hospital" else None)
    target, zh, en = target_of(part.iloc[0], given.known)
    part = _with_regional_limit(part, target, given)
    status, reference, gap, varies = _judgement(part, target)
    known = part[part["status"] != "no data"]
    counts = {
        "units": int(part["actual"].notna().sum()),
        "met": int(part["status"].isin(_GOOD).sum()),
        "missed": int(part["status"].isin(_BAD).sum()),
    }
    actual = float(part["actual"].median()) if counts["units"] else np.nan
    remarks = [*values.remarks(len(part)), *([said("varies")] if varies else [])]
    if scope == "hospital" and len(known):
        word = "paired" if target.strictness == "trend" else "majority"
        remarks.append(said(word, n=counts["met"], of=len(known)))
    near = int((known["status"] == "near").sum())
    if scope == "hospital" and near:
        remarks.append(said("near", n=near))
    if status == "no data":
        remarks.append(said("no_limit") if target.limit and counts["units"] else _no_data(one, values, actual))
        status = "evidence" if one.evidence and np.isnan(actual) else status
    if target.nature == "expected":
        remarks.append(said("expected_nature"))
        counts["missed"] = 0
        if status == "missed":
            status, said_so = not_reached(actual, reference, float(part["previous"].median()))
            remarks += said_so
    text = target_text(target, given.hospital.catalogue)
    numbers = {"actual": actual, "target": reference, "target_text": text, "gap": gap}
    return row_of(head, [*remarks, *always], **counts, **numbers, status=status, source_zh=zh, source_en=en)


def _with_regional_limit(part: pd.DataFrame, target: Target, given: _Given) -> pd.DataFrame:
    """Hospitals judged by a limit of which only the region has a value."""
    if not target.limit or part["target"].notna().any():
        return part
    limit = held(given.hospital.catalogue[target.limit], "region", given.region).middle
    if np.isnan(limit):
        return part
    status = [judge(target, float(actual), limit=limit)[0] for actual in part["actual"]]
    return part.assign(target=limit, gap=part["actual"] - limit, status=status)


def _judgement(part: pd.DataFrame, target: Target) -> tuple[str, float, float, bool]:
    """Status by the majority of units, reference, gap, and whether the target differs between hospitals."""
    usable = part[part["status"] != "no data"]
    if not len(usable):
        none = float(part["target"].median()) if part["target"].notna().any() else np.nan
        if target.direction == "range":
            none = nearer_end(target, np.nan)
        return "no data", none, np.nan, False
    actual = float(usable["actual"].median())
    if target.strictness == "trend":
        change = float((usable["actual"] - usable["previous"]).median())
        return _direction(usable["status"], change, target), float(usable["previous"].median()), change, False
    status = _majority(usable["status"])
    if target.direction == "range":
        return status, nearer_end(target, actual), _outside(usable, target, actual), False
    reference = float(usable["target"].median())
    return status, reference, actual - reference, bool(usable["target"].nunique() > 1)


def _majority(status: pd.Series) -> str:
    """Met, near or missed, whichever at least half of the units reach."""
    met, near = (status == "met").mean(), (status == "near").mean()
    return "met" if met >= 0.5 else "near" if met + near >= 0.5 else "missed"


def _direction(status: pd.Series, change: float, target: Target) -> str:
    """The direction of most units; the median of the changes decides between as many on either side."""
    right = float((status == "trend right").mean())
    if right == 0.5:
        return judge(target, change, 0.0)[0]
    return "trend right" if right > 0.5 else "trend wrong"


def _outside(usable: pd.DataFrame, target: Target, actual: float) -> float:
    """How far the median value lies outside the range, 0 inside; of unknown ends the median of the units' gaps."""
    if np.isnan(target.low):
        return float(usable["gap"].median())
    return actual - min(max(actual, target.low), target.high)


def _no_data(one: Indicator, values: Held, actual: float) -> Said:
    if one.evidence and np.isnan(actual):
        return said("needs_evidence")
    if not np.isnan(actual):
        return said("no_previous")
    return said("no_value", reason=values.why if values.why[1] else said("not_computed"))


def _untargeted(one: Indicator, head: dict[str, Any], values: Held, always: list[Said]) -> dict[str, Any]:
    """An indicator for which no target is set: its value, or why there is none."""
    if values.known:
        status, remarks = "no target", [*values.remarks(len(values.values)), said("no_target")]
    elif one.evidence:
        status, remarks = "evidence", [said("needs_evidence")]
    else:
        status, remarks = "no data", [_no_data(one, values, np.nan)]
    return row_of(head, [*remarks, *always], status=status, actual=values.middle, units=values.known)
