"""Trimming and weights the way a manual prints them: dicts, lists, plain loops; the twin of trim.py and weights.py.

It shares nothing with them but the settings, so that a mistake in a helper cannot hide in both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from drgengine.costing.model import WeightSettings


def quantile(values: Sequence[float], share: float, method: str) -> float:
    """Sample quantile by the plotting position of Hyndman and Fan; method by numpy's name."""
    alpha, beta = {
        "interpolated_inverted_cdf": (0.0, 1.0),
        "hazen": (0.5, 0.5),
        "weibull": (0.0, 0.0),
        "linear": (1.0, 1.0),
        "median_unbiased": (1 / 3, 1 / 3),
        "normal_unbiased": (3 / 8, 3 / 8),
    }[method]
    ranked = sorted(values)
    place = len(ranked) * share + alpha + share * (1 - alpha - beta) - 1
    place = min(max(place, 0.0), len(ranked) - 1.0)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])


def bounds(values: Sequence[float], settings: WeightSettings) -> tuple[float, float]:
    """Lowest and highest cost a case may have to be kept."""
    if settings.trim == "none" or not values:
        return -math.inf, math.inf
    if settings.trim == "multiple":
        mean = math.fsum(values) / len(values)
        return mean * settings.low_multiple, mean * settings.high_multiple
    if settings.trim == "percentile":
        low = quantile(values, settings.low_percentile / 100, settings.quantile)
        return low, quantile(values, settings.high_percentile / 100, settings.quantile)
    if settings.trim == "iqr":
        first, third = (quantile(values, share, settings.quantile) for share in (0.25, 0.75))
        width = settings.multiplier * (third - first)
        return first - width, third + width
    logs = [math.log(value) for value in values]
    first, third = (quantile(logs, share, settings.quantile) for share in (0.25, 0.75))
    width = settings.multiplier * (third - first)
    return math.exp(first - width), math.exp(third + width)


def flags(cost: Sequence[float | None], group: Sequence[str | None], settings: WeightSettings) -> list[str]:
    """ "kept", "low", "high" or "left out" per case; a cost at a bound is kept."""
    found = ["left out"] * len(cost)
    for name in sorted({g for g in group if g}):
        rows = [
            i
            for i, (c, g) in enumerate(zip(cost, group, strict=True))
            if g == name and c is not None and 0 < c < math.inf
        ]
        for row in rows:
            found[row] = "kept"
        for _ in range(2 if settings.iterate else 1):
            kept = [row for row in rows if found[row] == "kept"]
            low, high = bounds([cost[row] or 0.0 for row in kept], settings)
            for row in kept:
                value = cost[row] or 0.0
                if value < low and not math.isclose(value, low):
                    found[row] = "low"
                elif value > high and not math.isclose(value, high):
                    found[row] = "high"
    return found


def pool_violators(values: Sequence[float], cases: Sequence[int]) -> list[float]:
    """Values that never rise, nearest by cases: neighbours that rise are replaced by their common mean."""
    blocks: list[tuple[float, int, int]] = []
    for value, n in zip(values, cases, strict=True):
        block = (value, n, 1)
        while blocks and blocks[-1][0] < block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / total, total, before[2] + block[2])
        blocks.append(block)
    return [value for value, _, many in blocks for _ in range(many)]


def weights(
    cost: Sequence[float | None],
    group: Sequence[str | None],
    parent: Mapping[str, str],
    rank: Mapping[str, int],
    settings: WeightSettings,
    minimum_cases: int,
) -> dict[str, float]:
    """Weight of every group that kept a case; parent : ADRG of each group, rank : severity, 0 the most severe."""
    kept: dict[str, list[float]] = {}
    for value, name, flag in zip(cost, group, flags(cost, group, settings), strict=True):
        if flag == "kept" and name is not None and value is not None:
            kept.setdefault(name, []).append(value)
    everything = [value for values in kept.values() for value in values]
    overall = math.fsum(everything) / len(everything)
    k = settings.shrink_cases
    found = {}
    for name, values in kept.items():
        siblings = [value for other in kept if parent[other] == parent[name] for value in kept[other]]
        towards = math.fsum(siblings) / len(siblings)
        if len(siblings) < minimum_cases:
            towards = (math.fsum(siblings) + k * overall) / (len(siblings) + k)
        found[name] = (math.fsum(values) + k * towards) / (len(values) + k)
    if settings.enforce_severity:
        for family in sorted(set(parent.values())):
            members = sorted((n for n in found if parent[n] == family and n in rank), key=lambda n: rank[n])
            ordered = pool_violators([found[n] for n in members], [len(kept[n]) for n in members])
            found.update(zip(members, ordered, strict=True))
    mean = math.fsum(value * len(kept[name]) for name, value in found.items()) / len(everything)
    return {name: value / mean for name, value in found.items()}
