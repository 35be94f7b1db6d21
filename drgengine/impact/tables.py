"""Tables of an impact: flows, MDCs, severity, departments, groups (影响分析表)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.grouper.pairs import EXAMPLE_ROWS
from drgengine.grouper.scheme import Scheme
from drgengine.impact.cells import COUNTED, KINDS, SEVERITY, SUMS, WEIGHTED, Cells, added_up
from drgengine.impact.result import NO_DEPARTMENT
from drgengine.impact.weighttable import DECIMALS, SCALE, WeightTable

WEIGHT = pa.decimal128(38, DECIMALS)
Weights = tuple[WeightTable, WeightTable] | None


def exact(millionths: int | None) -> Decimal | None:
    """Millionths as a decimal number.

    >>> exact(1250000)
    Decimal('1.250000')
    """
    return None if millionths is None else Decimal(int(millionths)).scaleb(-DECIMALS)


def _weights(values: Iterable[Any]) -> pa.Array:
    return pa.array([exact(value) for value in values], WEIGHT)


def names_of(scheme: Scheme) -> dict[str, str]:
    """Code -> name of the groups and ADRGs of a scheme."""
    found: dict[str, str] = {}
    for _, rule in scheme.rules:
        for group in rule.groups:
            found.setdefault(group.drg, group.name or rule.name)
    for _, rule in scheme.rules:
        found.setdefault(rule.adrg, rule.name)
    return found


def groups_of(scheme: Scheme) -> dict[str, str]:
    """Code -> name of the groups that a case can be grouped in."""
    real = [rule for _, rule in scheme.rules if rule.kind not in ("ambiguous", "fallback")]
    return {group.drg: group.name or rule.name for rule in real for group in rule.groups}


def _change_columns(cells: Cells, sums: Mapping[str, np.ndarray]) -> dict[str, pa.Array]:
    """Weight before and after, and the parts of the change."""
    rest = sums["not_split"] + sums["only_before"] + sums["only_after"]
    return {
        "weight_before": _weights(sums["weight_before"]),
        "weight_after": _weights(sums["weight_after"]),
        "weight_change": _weights(sums["weight_after"] - sums["weight_before"]),
        "price": _weights(sums["price"]),
        "mix": _weights(sums["mix"]),
        "not_comparable": _weights(rest),
    }


def flow_table(
    cells: Cells,
    names: tuple[Mapping[str, str], Mapping[str, str]],
    weights: Weights,
    renumbered: Collection[tuple[str, str]] = (),
) -> pa.Table:
    """One row per pair of answers: movements first, most cases first, then what stays.

    renumbered : (old code, new code) of groups that only got another code
    """
    size = max(len(cells.news), 1)
    key = cells.old * size + cells.new
    found, added = added_up(key, cells.n, *(cells.sums[name] for name in SUMS if cells.sums))
    old, new = np.divmod(found, size)
    first = np.unique(key, return_index=True)[1]
    kind, n = cells.kind[first], added[0]
    codes = [
        [answers[at].drg or "" for at in place.tolist()]
        for answers, place in ((cells.olds, old), (cells.news, new))
    ]  # fmt: skip
    order = np.lexsort((np.array(codes[1], str), np.array(codes[0], str), -n, kind == 0)) if n.size else old
    of_old = dict(zip(*(one.tolist() for one in _total_of(cells.old, cells.n)), strict=True))
    columns: dict[str, Any] = {"kind": pa.array([KINDS[at] for at in kind[order].tolist()], pa.string())}
    for side, answers, place, called in (("old", cells.olds, old, names[0]), ("new", cells.news, new, names[1])):
        told = [answers[at] for at in place[order].tolist()]
        columns[f"{side}_status"] = pa.array([one.status for one in told], pa.string())
        columns[f"{side}_mdc"] = pa.array([one.mdc for one in told], pa.string())
        columns[f"{side}_adrg"] = pa.array([one.adrg for one in told], pa.string())
        columns[side] = pa.array([one.drg for one in told], pa.string())
        columns[f"{side}_name"] = pa.array([called.get(one.drg or "") for one in told], pa.string())
    pairs = zip(*(columns[name].to_pylist() for name in ("old", "new", "kind")), strict=True)
    kinds = [
        "renumbered" if told in ("adrg", "mdc") and (one, other) in renumbered else told for one, other, told in pairs
    ]
    columns["kind"] = pa.array(kinds, pa.string())
    columns["cases"] = pa.array(n[order], pa.int64())
    columns["share_of_old"] = pa.array([n[at] / of_old[int(old[at])] for at in order.tolist()], pa.float64())
    if weights is not None:
        for side, table, status in (("old", weights[0], "old_status"), ("new", weights[1], "new_status")):
            grouped = [one == "grouped" for one in columns[status].to_pylist()]
            told_codes = columns[side].to_pylist()
            values = [table.weights.get(c) if g else None for c, g in zip(told_codes, grouped, strict=True)]
            columns[f"{side}_weight"] = _weights(values)
        columns |= _change_columns(cells, {name: one[order] for name, one in zip(SUMS, added[1:], strict=True)})
    rows = _first_rows(key, cells.examples, found)
    columns["example_rows"] = pa.array([rows[at] for at in order.tolist()], pa.list_(pa.int64()))
    return pa.table(columns)


def _total_of(key: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, (total,) = added_up(key, n)
    return found, total


def _first_rows(key: np.ndarray, examples: np.ndarray, found: np.ndarray) -> list[list[int]]:
    """The lowest row numbers of each key."""
    of, rows = np.repeat(key, EXAMPLE_ROWS), examples.ravel()
    of, rows = of[rows > 0], rows[rows > 0]
    order = np.lexsort((rows, of))
    of, rows = of[order], rows[order]
    starts = np.searchsorted(of, found).tolist()
    ends = np.searchsorted(of, found, side="right").tolist()
    return [rows[low : min(high, low + EXAMPLE_ROWS)].tolist() for low, high in zip(starts, ends, strict=True)]


def mdc_table(flows: pa.Table) -> pa.Table:
    """Cases by kind of movement, status and MDC on both sides, most cases first."""
    total: dict[tuple[Any, ...], int] = {}
    names = ("kind", "old_status", "old_mdc", "new_status", "new_mdc")
    for *key, n in zip(*(flows[name].to_pylist() for name in (*names, "cases")), strict=True):
        total[tuple(key)] = total.get(tuple(key), 0) + n
    rows = sorted(total.items(), key=lambda item: (-item[1], [part or "" for part in item[0]]))
    columns: dict[str, Any] = {
        name: pa.array([key[at] for key, _ in rows], pa.string()) for at, name in enumerate(names)
    }
    columns["cases"] = pa.array([n for _, n in rows], pa.int64())
    return pa.table(columns)


def department_names(cells: Cells) -> list[str]:
    """The names as they are shown."""
    return [name or NO_DEPARTMENT for name in cells.departments]


def severity_table(cells: Cells, by_department: bool) -> pa.Table:
    """Cases by severity before and after, in all or per department."""
    size = len(SEVERITY)
    pair = cells.severity_old * size + cells.severity_new
    key = cells.department * size * size + pair if by_department else pair
    found, n = _total_of(key, cells.n)
    names = department_names(cells)
    columns: dict[str, Any] = {}
    if by_department:
        columns["department"] = pa.array([names[at] for at in (found // (size * size)).tolist()], pa.string())
    columns["before"] = pa.array([SEVERITY[at] for at in (found // size % size).tolist()], pa.string())
    columns["after"] = pa.array([SEVERITY[at] for at in (found % size).tolist()], pa.string())
    columns["cases"] = pa.array(n, pa.int64())
    return pa.table(columns)


def department_table(cells: Cells) -> pa.Table:
    """One row per department, most cases first."""
    counted = [name for name in (*COUNTED, *WEIGHTED) if name in cells.counts]
    values = [cells.counts[name] for name in counted]
    found, added = added_up(cells.department, cells.n, *values, *cells.sums.values())
    order = np.lexsort((found, -added[0])) if found.size else found
    names = department_names(cells)
    columns: dict[str, Any] = {
        "department": pa.array([names[at] for at in found[order].tolist()], pa.string()),
        "cases": pa.array(added[0][order], pa.int64()),
    }
    counts = {name: one[order] for name, one in zip(counted, added[1:], strict=False)}
    columns |= {name: pa.array(counts[name], pa.int64()) for name in COUNTED}
    if cells.sums:
        sums = {name: one[order] for name, one in zip(cells.sums, added[1 + len(counted) :], strict=True)}
        columns |= _change_columns(cells, sums)
        cmi = [
            [int(weight) / SCALE / n if n else None for weight, n in zip(sums[what], counts[by].tolist(), strict=True)]
            for what, by in (("weight_before", "weighted_before"), ("weight_after", "weighted_after"))
        ]
        columns["cmi_before"], columns["cmi_after"] = (pa.array(one, pa.float64()) for one in cmi)
        change = [None if x is None or y is None else y - x for x, y in zip(*cmi, strict=True)]
        columns["cmi_change"] = pa.array(change, pa.float64())
        columns |= {name: pa.array(counts[name], pa.int64()) for name in WEIGHTED[:4]}
    return pa.table(columns)


def group_table(flows: pa.Table, weights: Weights) -> pa.Table:
    """One row per group that occurs on a side: cases before and after, how many stayed, left, arrived."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    wanted = ("old_status", "old", "old_name", "new_status", "new", "new_name", "kind", "cases")
    for old_status, old, old_name, new_status, new, new_name, kind, n in zip(
        *(flows[name].to_pylist() for name in wanted), strict=True
    ):
        stays = n if kind == "stays" else 0
        before = _entry(rows, old_status, old)
        before["name_before"] = old_name
        before["cases_before"] += n
        before["stayed"] += stays
        before["left"] += n - stays
        after = _entry(rows, new_status, new)
        after["name_after"] = new_name
        after["cases_after"] += n
        after["arrived"] += n - stays
    told = [rows[key] for key in sorted(rows)]
    columns: dict[str, Any] = {}
    for name in ("status", "code", "name_before", "name_after"):
        columns[name] = pa.array([row[name] for row in told], pa.string())
    for name in ("cases_before", "cases_after", "stayed", "left", "arrived"):
        columns[name] = pa.array([row[name] for row in told], pa.int64())
    if weights is not None:
        for side, table in zip(("before", "after"), weights, strict=True):
            values = [
                table.weights.get(row["code"] or "") if row["status"] == "grouped" and row[f"cases_{side}"] else None
                for row in told
            ]
            columns[f"weight_{side}"] = _weights(values)
    return pa.table(columns)


def _entry(rows: dict[tuple[str, str], dict[str, Any]], status: str, code: str | None) -> dict[str, Any]:
    empty = {"status": status, "code": code, "name_before": None, "name_after": None}
    numbers = dict.fromkeys(("cases_before", "cases_after", "stayed", "left", "arrived"), 0)
    return rows.setdefault((status, code or ""), {**empty, **numbers})
