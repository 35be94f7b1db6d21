"""Anchors of the points (不允许值与满意值): given ones, else percentiles of the base period per peer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.costing.bilingual import Bilingual, in_language
from drgengine.evaluation.indicators import Target
from drgengine.evaluation.plan.settings import ScoreSettings

FEWEST = 10
"""Hospitals with a value a peer group needs for percentiles of its own: of fewer the 10th is nearly the least."""
LEAST_SPREADS, LEAST_SHARE = 1.0, 0.05
"""Least distance of bad and good: standard deviations within the peer groups, and share of the median."""
COLUMNS = ("indicator", "peer_group", "bad", "good", "source", "source_zh", "source_en")
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Anchors of a tree's indicators.

    table : one row per indicator and peer group: indicator, peer_group, bad, good, source (Bilingual; a given one as
        given), source_zh, source_en
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
    bounds: Mapping[str, tuple[float, float] | None] | None = None,
) -> Anchors:
    """Anchors for each indicator and peer group.

    directions : indicator -> +1 or -1   groups : hospital -> peer group   given : table of read_anchors()
    targets : policy targets, taken as good where settings.targets_as_good   target_groups : hospital -> group

    bounds : values an indicator can have, within which anchors that are moved apart stay

    In this order: the given row of the peer group; the given row for all; percentiles of the peer group in the better
    direction if at least 10 of its hospitals have a value that is not the same for all; percentiles of all hospitals.
    Percentiles less than one standard deviation (pooled within the peer groups) or 5 % of the median apart, whichever
    is more, are moved apart to that distance around their middle; `source` says so. Where no two hospitals differ the
    indicator is left out.
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
                found.append([name, group, row.bad, row.good, *_texts(row.source)])
                continue
            pair = _percentiles(name, direction, group, groups, values, settings, (bounds or {}).get(name))
            if pair is None:
                continue
            bad, good, source = pair
            if settings.targets_as_good:
                good, source = _with_target(name, direction, bad, good, source, targets, target_groups, groups, group)
            found.append([name, group, bad, good, *_texts(source)])
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


def _texts(source: str) -> tuple[str, str, str]:
    return source, in_language(source, "zh"), in_language(source, "en")


def _percentiles(
    name: str,
    direction: int,
    group: str,
    groups: pd.Series,
    values: Values,
    settings: ScoreSettings,
    bounds: tuple[float, float] | None,
) -> tuple[float, float, Bilingual] | None:
    """(bad, good, source), None where no two hospitals differ."""
    frame, period = values.base, values.base_id
    if name not in frame.columns or frame[name].notna().sum() < 2:
        frame, period = values.current, values.current_id
    if name not in frame.columns:
        return None
    everyone = frame[name].dropna()
    home = groups.reindex(everyone.index).to_numpy()
    peers = everyone[home == group]
    own = len(peers) >= FEWEST and _differ(peers)
    sample = peers if own else everyone
    if not _differ(sample):
        return None
    low, high = settings.bad_percentile, settings.good_percentile
    if direction < 0:
        low, high = 100.0 - low, 100.0 - high
    bad, good = (float(x) for x in np.percentile(sample.to_numpy(), [low, high]))
    who = Bilingual("peers", "同组") if own else Bilingual("all hospitals", "全部机构")
    en = f"P{low:g}/P{high:g} of {who}, {period}, n = {len(sample)}"
    zh = f"{period}期{who.zh}第{low:g}、{high:g}百分位数，n={len(sample)}"
    if not own and len(peers) < len(everyone):
        en += f" (the peer group has {len(peers)}, {FEWEST} are needed)"
        zh += f"（同组{len(peers)}家，不足{FEWEST}家或无差异）"
    least, rule = _least_width(sample, pd.Series(home, everyone.index).loc[sample.index])
    if abs(good - bad) < least * (1.0 - _SAME):
        bad, good = _apart(bad, good, direction, least, bounds)
        en, zh = f"{en}; moved apart to {rule} ({least:.4g})", f"{zh}；间距过窄，放宽至{rule.zh}（{least:.4g}）"
    return bad, good, Bilingual(en, zh)


def _differ(sample: pd.Series) -> bool:
    if len(sample) < 2:
        return False
    low, high = float(sample.min()), float(sample.max())
    return high - low > _SAME * max(abs(low), abs(high))


def _least_width(sample: pd.Series, home: pd.Series) -> tuple[float, Bilingual]:
    """The distance anchors need, and which of the two rules gives it."""
    grouped = sample.groupby(home.to_numpy())
    freedom = float((grouped.size() - 1).sum())
    within = float((grouped.var(ddof=1).fillna(0.0) * (grouped.size() - 1)).sum())
    spread = np.sqrt(within / freedom) if freedom > 0 else 0.0
    if spread <= 0.0:  # groups of one hospital, or alike within
        spread = float(sample.std(ddof=1))
    by_spread, by_share = LEAST_SPREADS * float(spread), LEAST_SHARE * abs(float(sample.median()))
    if by_spread >= by_share:
        return by_spread, Bilingual("one standard deviation within peer groups", "组内合并标准差")
    return by_share, Bilingual(f"{LEAST_SHARE:.0%} of the median", f"中位数的{LEAST_SHARE:.0%}")


def _apart(
    bad: float, good: float, direction: int, width: float, bounds: tuple[float, float] | None
) -> tuple[float, float]:
    """Ends `width` apart around their middle, moved inside the bounds where they would leave them.

    >>> _apart(1.0, 1.5, 1, 1.0, None), _apart(0.5, 0.25, -1, 1.0, (0.0, 100.0))
    ((0.75, 1.75), (1.0, 0.0))
    """
    middle = (bad + good) / 2.0
    low, high = middle - width / 2.0, middle + width / 2.0
    if bounds is not None:
        shift = max(0.0, bounds[0] - low) or min(0.0, bounds[1] - high)
        low, high = low + shift, high + shift
    return (low, high) if direction > 0 else (high, low)


def _with_target(
    name: str,
    direction: int,
    bad: float,
    good: float,
    source: Bilingual,
    targets: Sequence[Target],
    target_groups: Mapping[Any, str],
    groups: pd.Series,
    group: str,
) -> tuple[float, Bilingual]:
    """The target as good where it lies on the better side of bad; the percentile stays otherwise."""
    members = {target_groups.get(unit) for unit in groups.index[(groups == group).to_numpy()]}
    for one in targets:
        fits = not one.group or members == {one.group}
        if one.indicator == name and fits and np.isfinite(one.value) and (one.value - bad) * direction > 0:
            en, zh = f"bad: {source}; good: {one.cited()}", f"不允许值：{source.zh}；满意值：{one.cited('zh')}"
            return one.value, Bilingual(en, zh)
    return good, source


def _why(name: str, values: Values) -> tuple[str, str]:
    frames = [frame for frame in (values.base, values.current) if name in frame.columns]
    if not any(frame[name].notna().any() for frame in frames):
        return "没有任何机构有数值", "no hospital has a value"
    return "各机构数值相同或只有一家有数值，无法确定标准值", "no two hospitals differ, so there is no scale"
