"""Anchors of the points (不允许值与满意值): given ones, else percentiles of the base period per peer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.indicators import Target
from drgengine.evaluation.plan.settings import ScoreSettings

FEWEST = 5
"""Hospitals with a value a peer group needs for percentiles of its own."""
COLUMNS = ("indicator", "peer_group", "bad", "good", "source")
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Anchors of a tree's indicators.

    table : one row per indicator and peer group: indicator, peer_group, bad, good, source
    left_out : indicator -> (zh, en) why it is not scored   notes : (zh, en) on repairs
    """

    table: pd.DataFrame
    left_out: Mapping[str, tuple[str, str]]
    notes: tuple[tuple[str, str], ...]

    def wide(self, which: str, indicators: Sequence[str], groups: pd.Series) -> pd.DataFrame:
        """Hospitals x indicators of "bad" or "good" values."""
        by_group = self.table.pivot(index="peer_group", columns="indicator", values=which)
        found = by_group.reindex(index=groups.to_numpy(), columns=list(indicators))
        found.index = groups.index
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Values the percentiles are of: base period, and the current one for what the base period does not have."""

    base: pd.DataFrame
    base_id: str
    current: pd.DataFrame
    current_id: str


def find_anchors(
    directions: Mapping[str, int],
    values: Values,
    groups: pd.Series,
    given: pd.DataFrame,
    targets: Sequence[Target],
    target_groups: Mapping[Any, str],
    settings: ScoreSettings,
) -> Anchors:
    """Anchors for each indicator and peer group.

    directions : indicator -> +1 or -1   groups : hospital -> peer group   given : table of read_anchors()
    targets : policy targets, taken as good where settings.targets_as_good   target_groups : hospital -> group

    In this order: the given row of the peer group; the given row for all; percentiles of the peer group in the better
    direction if at least 5 of its hospitals have a value; percentiles of all hospitals. Where bad and good coincide,
    all hospitals take the place of the peer group, then the least and the largest value that of the percentiles; if
    they coincide too, nobody differs and the indicator is left out.
    """
    rows: list[list[Any]] = []
    left_out: dict[str, tuple[str, str]] = {}
    notes: list[tuple[str, str]] = []
    own = {(r.indicator, r.peer_group): r for r in given.itertuples(index=False)}
    for name, direction in directions.items():
        found: list[list[Any]] = []
        for group in dict.fromkeys(groups):
            row = own.get((name, group)) or own.get((name, ""))
            if row is not None:
                _given_direction(row, direction)
                found.append([name, group, row.bad, row.good, row.source])
                continue
            pair = _percentiles(name, direction, group, groups, values, settings)
            if pair is None:
                continue
            bad, good, source = pair
            if settings.targets_as_good:
                good, source = _with_target(name, direction, bad, good, source, targets, target_groups, groups, group)
            found.append([name, group, bad, good, source])
        if len(found) == groups.nunique():
            rows += found
        else:
            left_out[name] = _why(name, values)
    return Anchors(pd.DataFrame(rows, columns=list(COLUMNS)), left_out, tuple(notes))


def _given_direction(row: Any, direction: int) -> None:
    if (row.good - row.bad) * direction < 0:
        from drgengine.errors import EvaluationError

        better = "larger" if direction > 0 else "smaller"
        problem = f"bad {row.bad:g}, good {row.good:g}, but a {better} value is better in the tree"
        raise EvaluationError(f"anchors, indicator {row.indicator!r}", problem, "Swap them, or mend the tree")


def _percentiles(
    name: str, direction: int, group: str, groups: pd.Series, values: Values, settings: ScoreSettings
) -> tuple[float, float, str] | None:
    """(bad, good, source), None where no two hospitals differ."""
    frame, period = values.base, values.base_id
    if name not in frame.columns or frame[name].notna().sum() < 2:
        frame, period = values.current, values.current_id
    if name not in frame.columns:
        return None
    everyone = frame[name].dropna()
    peers = everyone[(groups.reindex(everyone.index) == group).to_numpy()]
    low, high = settings.bad_percentile, settings.good_percentile
    if direction < 0:
        low, high = 100.0 - low, 100.0 - high
    tries = [(peers, "peers", (low, high))] if len(peers) >= FEWEST else []
    ends = (0.0, 100.0) if direction > 0 else (100.0, 0.0)
    tries += [(everyone, "all hospitals", (low, high)), (everyone, "all hospitals", ends)]
    for sample, who, (p, q) in tries:
        if len(sample) < 2:
            continue
        bad, good = (float(x) for x in np.percentile(sample.to_numpy(), [p, q]))
        if abs(good - bad) > _SAME * max(abs(good), abs(bad)):
            return bad, good, f"P{p:g}/P{q:g} of {who}, {period}, n = {len(sample)}"
    return None


def _with_target(
    name: str,
    direction: int,
    bad: float,
    good: float,
    source: str,
    targets: Sequence[Target],
    target_groups: Mapping[Any, str],
    groups: pd.Series,
    group: str,
) -> tuple[float, str]:
    """The target as good where it lies on the better side of bad; the percentile stays otherwise."""
    members = {target_groups.get(unit) for unit in groups.index[(groups == group).to_numpy()]}
    for one in targets:
        fits = not one.group or members == {one.group}
        if one.indicator == name and fits and np.isfinite(one.value) and (one.value - bad) * direction > 0:
            return one.value, f"bad: {source}; good: {one.cited()}"
    return good, source


def _why(name: str, values: Values) -> tuple[str, str]:
    frames = [frame for frame in (values.base, values.current) if name in frame.columns]
    if not any(frame[name].notna().any() for frame in frames):
        return "没有任何机构有数值", "no hospital has a value"
    return "各机构数值相同或只有一家有数值，无法确定标准值", "no two hospitals differ, so there is no scale"
