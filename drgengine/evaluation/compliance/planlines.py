"""Lines of a regional plan with base and target year (规划指标): green, amber and red in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.compliance.knowntargets import nearer_end, target_of
from drgengine.evaluation.compliance.linerow import Held, row_of
from drgengine.evaluation.compliance.wording import Said, said, target_text
from drgengine.evaluation.indicators.catalogue import Catalogue
from drgengine.evaluation.indicators.targetfile import Target


def plan_row(
    planned: pd.Series,
    head: dict[str, Any],
    values: Held,
    always: list[Said],
    known: Iterable[Target],
    catalogue: Catalogue,
) -> dict[str, Any]:
    """A row of plan_progress() as a row of the compliance table; of a range (区间) the nearer end is the target."""
    target, zh, en = target_of(planned, known)
    status, remarks = _status(planned, values)
    if planned["nature"] == "expected":
        remarks.append(said("expected_nature"))
    elif bool(planned["fails"]):
        status = "missed"
    numbers = {name: float(planned[name]) for name in ("actual", "target", "gap")}
    if target.direction == "range":
        numbers["target"] = nearer_end(target, numbers["actual"])
    counts = {"units": int(not np.isnan(numbers["actual"])), "met": int(status in ("met", "trend right"))}
    counts["missed"] = int(status == "missed")
    text = target_text(target, catalogue)
    words = {"status": status, "target_text": text, "source_zh": zh, "source_en": en}
    return row_of(head | {"scope": "region"}, [*remarks, *values.remarks(1), *always], **counts, **numbers, **words)


def _status(planned: pd.Series, values: Held) -> tuple[str, list[Said]]:
    colour = planned["colour"]
    if colour == "no data":
        why = values.why if values.why[1] else said("not_computed")
        return "no data", [said("no_value", reason=why)]
    done = _way(planned)
    if colour == "green":
        reached = bool(planned["reached"])
        return "met" if reached else "trend right", [_coloured("green", "reached" if reached else "on_course"), *done]
    if colour == "amber":
        return "near", [_coloured("amber", "behind"), *done]
    if colour == "red":
        status = "missed" if planned["nature"] == "binding" else "behind"
        return status, [_coloured("red", "late"), *done]
    before = float(values.previous.median()) if values.previous.notna().any() else np.nan
    return not_reached(float(planned["actual"]), float(planned["target"]), before)


def _coloured(colour: str, words: str) -> Said:
    (zh, en), (meaning_zh, meaning_en) = said(colour), said(words)
    return f"{zh}：{meaning_zh}", f"{en}: {meaning_en}"


def _way(planned: pd.Series) -> list[Said]:
    done, due = float(planned["progress"]), float(planned["expected"])
    if np.isnan(done) or np.isnan(due):
        return []
    return [said("progress", done=f"{done:.0%}", due=f"{due:.0%}")]


def not_reached(actual: float, target: float, before: float) -> tuple[str, list[Said]]:
    """Not reached, and no base is stated: the way since the previous period, where its value is known."""
    if np.isnan(before):
        return "no data", [said("no_base")]
    nearer = abs(actual - target) < abs(before - target)
    return "trend right" if nearer else "trend wrong", [said("no_base"), said("since_previous")]
