"""impact: the cases of a hospital under an old and under a new scheme (新旧方案影响分析)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from drgengine.errors import DrgEngineError
from drgengine.grouper.cache import compiled
from drgengine.grouper.group import BATCH_ROWS
from drgengine.grouper.pairs import DEPARTMENT, PairCounts, count_pairs, refuse_department
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.tables import STATUSES
from drgengine.impact import tables
from drgengine.impact.cells import SUMS, WEIGHTED, Cells, cells_of
from drgengine.impact.renumbered import renumbered_groups
from drgengine.impact.result import Check, Impact, Remark, SchemeName, WeightTotals
from drgengine.impact.weighttable import WeightTable, read_weights

Progress = Callable[[int, int | None], None]
_MOST_CODES = 12


def impact(
    cases: Any,
    a: str | Path | Scheme,
    b: str | Path | Scheme,
    *,
    weights_a: Any = None,
    weights_b: Any = None,
    department: str = DEPARTMENT,
    columns: Mapping[str, str] | None = None,
    batch_rows: int = BATCH_ROWS,
    threads: int | None = None,
    encoding: str = "auto",
    progress: Progress | None = None,
) -> Impact:
    """Say what changes for a set of cases when scheme b takes the place of scheme a (新方案影响分析).

    cases : a file or folder that `group_file` reads, or a table that `group` takes
    a, b : packaged name, path of a scheme folder or of an official workbook, or a loaded Scheme
    weights_a, weights_b : weights of the groups of a and of b, see read_weights; both or neither
    department : column to count by, header or canonical name; without a column department_id all cases stand in
        one line "(none)"
    columns, threads, encoding : as in `group_file`; progress : called with (rows, rows in all or None)
    returns Impact; it depends neither on batch_rows nor on threads. Names and identity numbers are never read
    raises InputFileError (cases, weights), CaseTableError (columns), SchemeError, DrgEngineError (weights of one side)

    >>> cases = {"dx": [["I21.001"], ["A00.000"]], "sex": [1, 2], "age_years": [63, 40], "department_id": ["C", "I"]}
    >>> found = impact(cases, "chs-drg-2.0", "chs-drg-2.0", weights_a={"FR11": 2}, weights_b={"FR11": 3})
    >>> found.rows, found.moved, found.reconciled
    (2, 0, True)
    """
    refuse_department(department)
    weights = _both(weights_a, weights_b)
    old, new = load_scheme(a), load_scheme(b)
    counts = count_pairs(
        cases, old, new,
        columns=columns, department=department, batch_rows=batch_rows, threads=threads, encoding=encoding,
        progress=progress,
    )  # fmt: skip
    return _assembled(counts, (old, new), weights)


def _assembled(
    counts: PairCounts, schemes: tuple[Scheme, Scheme], weights: tuple[WeightTable, WeightTable] | None
) -> Impact:
    """Tables, totals, checks and remarks of what was counted."""
    old, new = schemes
    names = tables.names_of(old), tables.names_of(new)
    renumbered = renumbered_groups(tables.groups_of(old), tables.groups_of(new))
    cells = cells_of(counts, weights, renumbered)
    flows = tables.flow_table(cells, names, weights, renumbered)
    totals = _totals(cells, weights)
    found = {
        "flows": flows,
        "mdcs": tables.mdc_table(flows),
        "severity": tables.severity_table(cells, by_department=False),
        "departments": tables.department_table(cells),
        "department_severity": tables.severity_table(cells, by_department=True),
        "groups": tables.group_table(flows, weights),
    }
    moved = {name: int(cells.counts[name].sum()) for name in ("moved", "moved_adrg", "moved_mdc")}
    return Impact(
        a=_name(old),
        b=_name(new),
        rows=counts.rows,
        **moved,
        status=_status(counts),
        **found,
        weights=totals,
        department_column=counts.department_column,
        checks=tuple(_checks(counts.rows, moved["moved"], _status(counts), found, totals)),
        remarks=tuple(_remarks(counts, schemes, weights, totals, found)),
    )


def _both(weights_a: Any, weights_b: Any) -> tuple[WeightTable, WeightTable] | None:
    if weights_a is None and weights_b is None:
        return None
    if weights_a is None or weights_b is None:
        missing, given = ("weights_b", "weights_a") if weights_b is None else ("weights_a", "weights_b")
        raise DrgEngineError(
            f"argument {missing}",
            f"there are weights for one scheme only ({given})",
            f"Give --{missing.replace('_', '-')} too; the same file again if the weights stay as they are",
        )
    first = read_weights(weights_a)
    return first, first if weights_b is weights_a else read_weights(weights_b)


def _name(scheme: Scheme) -> SchemeName:
    return SchemeName(scheme.id, scheme.identity.title, scheme.identity.version, scheme.digest)


def _status(counts: PairCounts) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for old, new, n, _ in counts.cells():
        found[old.status, new.status] = found.get((old.status, new.status), 0) + n
    return {(x, y): found[x, y] for x in STATUSES for y in STATUSES if (x, y) in found}


def _totals(cells: Cells, weights: tuple[WeightTable, WeightTable] | None) -> WeightTotals | None:
    if weights is None:
        return None
    sums = {name: tables.exact(int(cells.sums[name].sum())) or Decimal(0) for name in SUMS}
    n = {name: int(cells.counts[name].sum()) for name in WEIGHTED}
    return WeightTotals(
        before=sums["weight_before"],
        after=sums["weight_after"],
        price=sums["price"],
        mix=sums["mix"],
        not_comparable=sums["not_split"] + sums["only_before"] + sums["only_after"],
        not_split=sums["not_split"],
        only_before=sums["only_before"],
        only_after=sums["only_after"],
        cases_before=n["weighted_before"],
        cases_after=n["weighted_after"],
        lacking_before=n["unweighted_before"],
        lacking_after=n["unweighted_after"],
        cases_split=n["cases_split"],
        cases_not_split=n["cases_not_split"],
        cases_only_before=n["cases_only_before"],
        cases_only_after=n["cases_only_after"],
        source_before=weights[0].source,
        source_after=weights[1].source,
    )


def _added(table: Any, column: str) -> Any:
    return pc.sum(table[column]).as_py() or 0


def _checks(
    rows: int,
    moved: int,
    status: Mapping[tuple[str, str], int],
    found: Mapping[str, Any],
    totals: WeightTotals | None,
) -> list[Check]:
    """Sums that must agree, taken from the finished tables."""
    checks = [Check("status_rows", sum(status.values()), rows)]
    by_table = ("flows", "mdcs", "departments", "severity", "department_severity")
    checks += [Check(f"{name}_rows", _added(found[name], "cases"), rows) for name in by_table]
    checks += [Check(f"groups_{side}", _added(found["groups"], f"cases_{side}"), rows) for side in ("before", "after")]
    checks.append(Check("departments_moved", _added(found["departments"], "moved"), moved))
    if totals is not None:
        for name in ("flows", "departments"):
            for side, total in (("before", totals.before), ("after", totals.after)):
                checks.append(Check(f"{name}_weight_{side}", _added(found[name], f"weight_{side}"), total))
        checks.append(Check("parts", totals.price + totals.mix + totals.not_comparable, totals.change))
    return checks


def _remarks(
    counts: PairCounts,
    schemes: tuple[Scheme, Scheme],
    weights: tuple[WeightTable, WeightTable] | None,
    totals: WeightTotals | None,
    found: Mapping[str, Any],
) -> list[Remark]:
    remarks = [Remark("absent", {"column": name}) for name in counts.absent]
    if counts.department_column is None:
        remarks.append(Remark("no_department"))
    if schemes[0].digest == schemes[1].digest:
        remarks.append(Remark("same_scheme"))
    if weights is None or totals is None:
        return [*remarks, Remark("no_weights")]
    for side, scheme, table in zip(("before", "after"), schemes, weights, strict=True):
        values: dict[str, object] = {"source": table.source, "scheme": scheme.id}
        known = set(compiled(scheme).leaf_drg)
        unknown = sorted(code for code in (*table.weights, *table.empty) if code not in known)
        if unknown:
            remarks.append(Remark("unknown_codes", {**values, "n": len(unknown), "codes": _listed(unknown)}))
        if table.empty:
            remarks.append(Remark("empty_weights", {**values, "n": len(table.empty), "codes": _listed(table.empty)}))
        if table.rounded:
            remarks.append(Remark("rounded", {**values, "n": table.rounded}))
        groups = found["groups"].to_pylist()
        lacking = [
            row["code"]
            for row in groups
            if row["status"] == "grouped" and row[f"cases_{side}"] and row[f"weight_{side}"] is None
        ]
        if lacking:
            n = totals.lacking_before if side == "before" else totals.lacking_after
            values |= {"n": len(lacking), "codes": _listed(lacking), "cases": f"{n:,}"}
            remarks.append(Remark("lacking", values))
    return remarks


def _listed(codes: Any) -> str:
    shown = ", ".join(list(codes)[:_MOST_CODES])
    return f"{shown} ..." if len(codes) > _MOST_CODES else shown
