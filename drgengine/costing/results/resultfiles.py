"""What a run writes: report tables, workbook, case cube, cost matrices, reconciliation and the files of the trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from drgengine.costing.cases.casegroups import compare_case_methods, group_statistics, paid_rows
from drgengine.costing.cases.caserows import grouped_cases
from drgengine.costing.cases.cube import write_cube
from drgengine.costing.cases.views import read_view, view_cube
from drgengine.costing.compute import Computation
from drgengine.costing.model import Finding
from drgengine.costing.reports.casereports import case_methods, group_composition, group_detail
from drgengine.costing.reports.departmentreports import (
    allocation_methods,
    allocation_summary,
    clinical_composition,
    clinical_full,
    department_direct,
    department_direct_full,
    direct_long,
)
from drgengine.costing.reports.marginreports import margins_table, reconciliation_table, weights_table
from drgengine.costing.reports.notes import exceptions_table, report_notes
from drgengine.costing.reports.objectreports import item_detail, item_summary, service_unit_ratio, unit_cost_table
from drgengine.costing.reports.reportparquet import write_report
from drgengine.costing.reports.reporttables import ReportTable
from drgengine.costing.reports.reportwords import Language, remark
from drgengine.costing.reports.workbook import Caption, write_workbook
from drgengine.costing.results.tracefiles import write_trace
from drgengine.formats import open_sink

WORKBOOK = {"zh": "成本报表.xlsx", "en": "cost_reports.xlsx"}
RECONCILIATION = "reconciliation.txt"
CUBE = "case_cube.parquet"
CASES = "cases.parquet"
VIEWS = ("national", "inek")


def write_results(
    folder: Path,
    made: Computation,
    findings: Sequence[Finding],
    language: Language,
    before: Mapping[str, Any] | None,
) -> None:
    """Write everything into a folder. before : settings of the run it replaces, for the notes."""
    settings = made.model.settings
    period = (settings.start, settings.end)
    tables = list(report_tables(made, findings, before))
    (folder / "tables").mkdir()
    for table in tables:
        write_report(table, folder / "tables" / f"{table.name}.parquet", period=period)
    caption = Caption(settings.hospital, settings.start, settings.end, language)
    with ThreadPoolExecutor(1) as thread:
        book = thread.submit(write_workbook, folder / WORKBOOK[language], tables, caption)
        _write_data(folder, made)
        book.result()
    (folder / RECONCILIATION).write_text(made.reconciliation.text(language), encoding="utf-8")


def _write_data(folder: Path, made: Computation) -> None:
    """Cube, cases, DRG matrices and the files of the trace."""
    if made.main is not None and made.pools is not None:
        write_cube(made.main, folder / CUBE)
        _write_frame(case_table(made), folder / CASES)
        for name in VIEWS:
            _write_frame(
                view_cube(made.main, read_view(name), by="drg").table, folder / "tables" / f"drg_{name}.parquet"
            )
        write_trace(folder / "trace", made)


def report_tables(
    made: Computation, findings: Sequence[Finding], before: Mapping[str, Any] | None = None
) -> Iterator[ReportTable]:
    """The report tables (成本报表) of a run, in the order of the workbook's sheets."""
    model, costs = made.model, made.departments
    departments = model.tables["departments"]
    bases = {str(code): str(word) for code, word in made.drivers.basis.items()}
    largest = made.reconciliation.largest
    yield report_notes(
        model.settings, findings, largest_difference=largest, bases=bases, before=before, payment=made.payment
    )
    yield reconciliation_table(made.reconciliation)
    yield exceptions_table(findings)
    direct = direct_long(made.direct.by_entry)
    yield department_direct(direct, departments)
    yield department_direct_full(direct, departments)
    yield clinical_full(costs.cells, departments)
    scope = model.settings.cases.scope
    visits, bed_days = unit_cost_table(made.visits, scope), unit_cost_table(made.bed_days, scope)
    yield clinical_composition(costs.cells, departments, scope, visits=visits.frame, bed_days=bed_days.frame)
    yield allocation_summary(costs.levels, departments)
    yield from (visits, bed_days)
    yield from _case_tables(made)
    full = {name: found.full.sum(axis=1) for name, found in made.comparison.allocations.items()}
    yield allocation_methods(full, departments, made.comparison.refused)


def _case_tables(made: Computation) -> Iterator[ReportTable]:
    scope = made.model.settings.cases.scope
    names = department_names(made)
    if made.items is not None:
        yield item_summary(made.items, scope)
        yield item_detail(made.items, scope)
    ratios = made.cases.get("cost-to-revenue")
    if ratios is not None:
        yield service_unit_ratio(ratios.rates, scope)
    main, value = made.main, made.value
    if main is None or value is None:
        return
    confidence = made.model.settings.weights.confidence
    diseases = group_statistics(main, "disease", confidence=confidence)
    yield group_detail(diseases, scope)
    yield group_composition(diseases, scope)
    drgs = group_statistics(main, "drg", confidence=confidence)
    paid = None if value.margins is None else paid_rows(main, value.paid)
    remarks = _remarks(made)
    yield group_detail(drgs, scope, weights=_weights(made), paid=paid, remarks=remarks)
    yield group_composition(drgs, scope)
    if len(made.cases) > 1:
        yield case_methods(compare_case_methods(list(made.cases.values()))[0])
    if value.weights is not None:
        yield weights_table(value.weights.table, payment=value.payment_weights or None, remarks=remarks)
    if value.margins is not None:
        yield margins_table(value.margins.by("drg"), "drg", remarks=remarks)
        yield margins_table(value.margins.by("department"), "department", names=names, remarks=remarks)
        yield margins_table(value.margins.by("physician"), "physician", remarks=remarks)


def case_table(made: Computation) -> Any:
    """cases.parquet: the cost objects with cost; payment, weight and margin are NaN where there is none.

    payment : the one used, in the discharges stated or computed
    weight : of the payment, without one of this run's cost weights; margin = payment - cost, whole fen
    payment_from : "table" (as stated in the discharges) or "weights" (weight x rate)
    """
    assert made.main is not None
    table = made.main.totals.drop(columns="status").assign(weight=np.nan, margin=np.nan, payment_from=None)
    value = made.value
    if value is None:
        return table
    rows = np.flatnonzero(made.main.objects["kind"] == "discharged")
    given = value.cases["payment"].notna().to_numpy(bool)
    paid, cost = np.full(len(table), np.nan), table["cost"].to_numpy(float)
    paid[rows] = value.paid
    weight = np.full(len(table), np.nan)
    by_group = _weights(made) or {}
    weight[rows] = [by_group.get(drg, np.nan) for drg in grouped_cases(value.cases)]
    source = np.full(len(table), None, object)
    source[rows[np.isfinite(value.paid)]] = "weights"
    source[rows[given]] = "table"
    margin = (np.rint(paid * 100) - np.rint(cost * 100)) / 100
    return table.assign(payment=paid, weight=weight, margin=margin, payment_from=source)


def _remarks(made: Computation) -> tuple[str | Mapping[str, str], ...]:
    """Where payments come from, as remarks of the tables that show them."""
    value = made.value
    if value is None:
        return ()
    weights = made.model.settings.payment.weights
    found: list[str | Mapping[str, str]] = [] if value.payment is None else [f"payment_{weights}"]
    used = value.payment_used
    if used is not None and used["given"]:
        mixed = remark("payment_mixed", given=used["given"], computed=used["computed"])
        found.append(mixed if used["computed"] else "payment_own")
    if used is not None and used["unpaid"]:
        found.append(remark("unpaid", n=used["unpaid"]))
    return tuple(found)


def department_names(made: Computation) -> dict[str, str]:
    """Department code -> name."""
    table = made.model.tables["departments"]
    return dict(zip(table["dept_code"].astype(str), table["dept_name"].astype(str), strict=True))


def _weights(made: Computation) -> dict[str, float] | None:
    """Weights that a DRG table shows: those of the payment, else those from cost."""
    value = made.value
    if value is None:
        return None
    if value.payment is not None:
        return value.payment_weights
    return None if value.weights is None else value.weights.cost.by_group


def _write_frame(frame: Any, path: Path) -> None:
    """A pandas DataFrame as Parquet, whole or not at all."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    with open_sink(path, table.schema, output_schema=table.schema) as sink:
        for batch in table.to_batches():
            sink.write(batch)
