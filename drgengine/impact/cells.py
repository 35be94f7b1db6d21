"""Cells of cases counted under two schemes as arrays: kind of movement, severity, weight (计数单元)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from drgengine.grouper.pairs import Answer, PairCounts
from drgengine.impact.weighttable import WeightTable

KINDS = (
    "stays", "drg", "adrg", "mdc", "becomes_grouped", "becomes_ambiguous", "becomes_ungroupable", "becomes_invalid",
)  # fmt: skip
"""What happens to a case: the first one is no movement."""
SEVERITY = (None, "none", "CC", "MCC")
"""From light to severe; None where no group of the rule asks."""
COUNTED = (
    "moved", "moved_adrg", "moved_mdc",
    "newly_ambiguous", "newly_ungroupable", "newly_grouped", "newly_invalid",
    "severity_up", "severity_down", "severity_other", "grouped_before", "grouped_after",
)  # fmt: skip
WEIGHTED = (
    "weighted_before", "weighted_after", "unweighted_before", "unweighted_after",
    "cases_split", "cases_not_split", "cases_only_before", "cases_only_after",
)  # fmt: skip
SUMS = ("weight_before", "weight_after", "price", "mix", "not_split", "only_before", "only_after")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells as arrays, each shape (cells,).

    department, old, new : numbers into departments, olds, news (answers without severity)
    kind : number into KINDS; severity_old, severity_new : numbers into SEVERITY; n : cases
    counts : name of COUNTED or WEIGHTED -> cases of the cell that count; sums : name of SUMS -> millionths, whole
        numbers (int64, or Python integers where these could overflow); empty without weights
    """

    departments: tuple[str, ...]
    olds: tuple[Answer, ...]
    news: tuple[Answer, ...]
    department: np.ndarray
    old: np.ndarray
    new: np.ndarray
    kind: np.ndarray
    severity_old: np.ndarray
    severity_new: np.ndarray
    n: np.ndarray
    examples: np.ndarray
    counts: Mapping[str, np.ndarray]
    sums: Mapping[str, np.ndarray]


def cells_of(
    counts: PairCounts,
    weights: tuple[WeightTable, WeightTable] | None,
    renumbered: Collection[tuple[str, str]] = (),
) -> Cells:
    """The counted pairs with what happens to their cases.

    renumbered : (old code, new code) of groups that only got another code
    Weights belong to grouped cases; see docs/impact.md for the parts of the change.
    """
    olds, old = _without_severity(counts.old_answers, counts.old)
    news, new = _without_severity(counts.new_answers, counts.new)
    before = _severity(counts.old_answers)[counts.old]
    after = _severity(counts.new_answers)[counts.new]
    pairs, place = np.unique(old * max(len(news), 1) + new, return_inverse=True)
    told = [(olds[one // len(news)], news[one % len(news)]) for one in pairs.tolist()]
    kinds = np.array([KINDS.index(_kind(*pair)) for pair in told], np.int64)[place]
    flags: dict[str, np.ndarray] = {}
    for name, level in (("moved", "drg"), ("moved_adrg", "adrg"), ("moved_mdc", "mdc")):
        flags[name] = np.array([getattr(x, level) != getattr(y, level) for x, y in told], bool)[place]
    for status in ("ambiguous", "ungroupable", "grouped", "invalid"):
        flags[f"newly_{status}"] = np.array([y.status == status != x.status for x, y in told], bool)[place]
    known = (before > 0) & (after > 0)
    flags["severity_up"], flags["severity_down"] = known & (after > before), known & (after < before)
    flags["severity_other"] = ~known & (before != after)
    flags["grouped_before"] = np.array([x.status == "grouped" for x in olds], bool)[old]
    flags["grouped_after"] = np.array([y.status == "grouped" for y in news], bool)[new]
    sums: dict[str, np.ndarray] = {}
    if weights is not None:
        more, sums = _weighed(olds, old, news, new, counts.n, weights, dict(renumbered))
        flags |= more
    found = {name: np.where(flag, counts.n, 0) for name, flag in flags.items()}
    return Cells(
        counts.departments, olds, news, counts.department, old, new, kinds, before, after, counts.n, counts.examples,
        found, sums,
    )  # fmt: skip


def _without_severity(answers: Sequence[Answer], numbers: np.ndarray) -> tuple[tuple[Answer, ...], np.ndarray]:
    plain = [replace(answer, severity=None) for answer in answers]
    place = {answer: at for at, answer in enumerate(dict.fromkeys(plain))}
    return tuple(place), np.array([place[answer] for answer in plain], np.int64)[numbers]


def _severity(answers: Sequence[Answer]) -> np.ndarray:
    return np.array([SEVERITY.index(answer.severity) for answer in answers], np.int64)


def _kind(old: Answer, new: Answer) -> str:
    """What happens to cases with these answers.

    >>> _kind(Answer("grouped", "F", "FR1", "FR11", None), Answer("grouped", "F", "FR1", "FR15", None))
    'drg'
    """
    if old.status != new.status:
        return f"becomes_{new.status}"
    return next((level for level in ("mdc", "adrg", "drg") if getattr(old, level) != getattr(new, level)), "stays")


def _weighed(
    olds: Sequence[Answer],
    old: np.ndarray,
    news: Sequence[Answer],
    new: np.ndarray,
    n: np.ndarray,
    weights: tuple[WeightTable, WeightTable],
    renumbered: Mapping[str, str],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Cells that count as weighted or not, and sums of weight in millionths.

    The new table gives the old group under its new code, where it only got another one.
    """
    most = max((weight for table in weights for weight in table.weights.values()), default=0)
    kind = np.int64 if (most + 1) * (int(n.sum()) + 1) < 2**61 else np.object_
    before = _of(olds, weights[0], kind)[old]
    found_again = [replace(one, drg=renumbered.get(one.drg or "", one.drg)) for one in olds]
    common = _of(found_again, weights[1], kind)[old]
    after = _of(news, weights[1], kind)[new]
    grouped = [np.array([one.status == "grouped" for one in answers], bool) for answers in (olds, news)]
    has_before, has_after, has_common = (np.asarray(one >= 0, bool) for one in (before, after, common))
    split = has_before & has_after & has_common
    flags = {
        "weighted_before": has_before,
        "weighted_after": has_after,
        "unweighted_before": grouped[0][old] & ~has_before,
        "unweighted_after": grouped[1][new] & ~has_after,
        "cases_split": split,
        "cases_not_split": has_before & has_after & ~has_common,
        "cases_only_before": has_before & ~has_after,
        "cases_only_after": has_after & ~has_before,
    }
    parts = {
        "weight_before": (before, has_before),
        "weight_after": (after, has_after),
        "price": (common - before, split),
        "mix": (after - common, split),
        "not_split": (after - before, flags["cases_not_split"]),
        "only_before": (-before, flags["cases_only_before"]),
        "only_after": (after, flags["cases_only_after"]),
    }
    return flags, {name: np.where(where, values, 0) * n.astype(kind) for name, (values, where) in parts.items()}


def _of(answers: Sequence[Answer], table: WeightTable, kind: type) -> np.ndarray:
    """Weight per answer in millionths, -1 for none; only groups have one."""
    found = [table.weights.get(one.drg or "", -1) if one.status == "grouped" else -1 for one in answers]
    return np.array(found, kind)


def added_up(key: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Distinct keys in ascending order, and for each the exact sums of the values.

    >>> added_up(np.array([7, 3, 7]), np.array([1, 2, 3]))
    (array([3, 7]), [array([2, 4])])
    """
    order = np.argsort(key, kind="stable")
    found, starts = np.unique(key[order], return_index=True)
    if not found.size:
        return found, [value[:0] for value in values]
    return found, [np.add.reduceat(value[order], starts) for value in values]
