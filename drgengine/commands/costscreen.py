"""What the cost commands show on the terminal."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drgengine.costing.model import Finding
from drgengine.costing.reports.reportwords import shown_value

MOST_FINDINGS = 20
_COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of the cost commands."""
    path = Path(__file__).parent.parent / "data" / "cost_screen.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))[language]


def print_result(result: Any, language: str) -> None:
    """Reconciliation, unit costs, exceptions and where the results are, on standard error."""
    text, console = words(language), Console(stderr=True, highlight=False)
    click.echo(result.reconciliation.text(language), err=True)
    made = result.computation
    console.print(_objects(made, text))
    to_decide = [one for one in result.findings if one.severity != "note"]
    if to_decide:
        print_findings(to_decide, language, err=True, limit=MOST_FINDINGS)
    if len(result.findings) > len(to_decide):
        console.print(text["notes"].format(n=len(result.findings) - len(to_decide)))
    for name in sorted(path.name for path in result.folder.iterdir()):
        key = "file_" + name.partition(".")[0].replace("成本报表", "cost_reports")
        console.print(f"  {result.folder / name}   {text.get(key, '')}", markup=False, soft_wrap=True)


def _objects(made: Any, text: Mapping[str, str]) -> Table:
    table = _table(text["objects"])
    table.add_column(text["object"])
    table.add_column(text["volume"], justify="right")
    table.add_column(text["unit_cost"], justify="right")
    for costs, name in ((made.visits, "visit"), (made.bed_days, "bed_day")):
        scope = made.model.settings.cases.scope
        units = costs.wide[costs.count_name].sum()
        mean = costs.cost(scope)
        table.add_row(text[name], f"{units:,.0f}", f"{mean:,.2f}" if mean == mean else "-")
    if made.items is not None:
        table.add_row(text["item"], f"{len(made.items.by_hospital):,}", "")
    if made.value is not None:
        cases = made.value.cases
        grouped = cases[cases["status"].isna() | (cases["status"] == "grouped")]
        table.add_row(text["disease"], f"{cases['disease'].nunique():,}", "")
        table.add_row(text["drg"], f"{grouped['drg'].nunique():,}", "")
        for method, costs in made.cases.items():
            kept = costs.totals[costs.totals["kind"] == "discharged"]
            table.add_row(text["case"].format(method=text[method]), f"{len(kept):,}", f"{kept['cost'].mean():,.2f}")
        if made.value.margins is not None:
            whole = made.value.margins.by().iloc[0]
            table.add_row(text["margin"], f"{whole['n']:,.0f}", f"{whole['margin'] / whole['n']:,.2f}")
    return table


def print_findings(findings: Sequence[Finding], language: str, *, err: bool = False, limit: int | None = None) -> None:
    """Findings as a table, errors first; of more than limit the number of the others."""
    text, console = words(language), Console(stderr=err, highlight=False)
    if not findings:
        console.print(text["no_findings"])
        return
    table = _table(text["findings"].format(n=len(findings)))
    table.add_column("", no_wrap=True)
    table.add_column(text["what"], overflow="fold")
    for one in findings[:limit]:
        amount = "" if one.amount is None else f" [{one.amount:,.2f} {text['yuan']}]"
        told = one.text(language)
        what = f"[bold]{escape(told.place)}[/bold]  {escape(told.problem + amount)}\n{escape(told.remedy)}"
        colour, rule = _COLOURS[one.severity], shown_value(one.rule, "rule", "zh" if language == "zh" else "en")
        table.add_row(f"[{colour}]{text[one.severity]}[/{colour}]\n{escape(rule)}", what)
    console.print(table)
    if limit is not None and len(findings) > limit:
        console.print(text["more"].format(n=len(findings) - limit))


def print_comparison(comparison: Any, base: str, names: Mapping[str, str], top: int, language: str) -> None:
    """Departments that differ most between the methods: full cost by one, and what the others say more or less."""
    text, console = words(language), Console(highlight=False)
    totals = comparison.totals
    spread = (totals.max(axis=1) - totals.min(axis=1)).sort_values(ascending=False, kind="stable")
    first, *others = sorted(totals.columns, key=lambda method: method != base)
    table = _table(text["comparison"])
    table.add_column(text["department"], overflow="fold")
    table.add_column(text[first], justify="right", no_wrap=True)
    for method in others:
        table.add_column(text[method], justify="right", no_wrap=True)
    for code in spread.index[:top]:
        own = totals.loc[code, first]
        differences = [_signed(totals.loc[code, method] - own) for method in others]
        table.add_row(f"{code} {names.get(str(code), '')}".strip(), f"{own:,.0f}", *differences)
    table.add_section()
    sums = totals.sum()
    table.add_row(text["total"], f"{sums[first]:,.0f}", *(_signed(sums[method] - sums[first]) for method in others))
    console.print(table)
    for method, reason in comparison.refused.items():
        console.print(f"{text[method]}: {reason}", markup=False)


def _signed(yuan: float) -> str:
    """Whole yuan with their sign; nothing is 0 and not -0."""
    return f"{round(yuan):+,}" if round(yuan) else "0"


def print_trace(trace: Any, top: int, language: str) -> None:
    """The way from a case's cost to ledger lines, step by step."""
    text, console = words(language), Console(highlight=False)
    case = trace.case
    about = text["trace_case"].format(case=case["case_id"], drg=_known(case["drg"]), amount=f"{trace.amount:,.2f}")
    console.print(about, style="bold", markup=False)
    steps = (
        ("trace_pools", trace.pools, ("label", "centre_group", "share", "pool_cost", "amount")),
        ("trace_departments", trace.departments, ("dept_code", "element", "amount")),
        ("trace_origins", trace.origins, ("origin", "dept_code", "element", "share", "amount")),
        ("trace_ledger", trace.ledger, ("source_file", "source_row", "dept_code", "element", "line_amount", "amount")),
    )
    for title, frame, columns in steps:
        console.print(
            _frame(text[title].format(n=len(frame)), frame, [c for c in columns if c in frame], top, language)
        )
    console.print(
        text["trace_sum"].format(
            sum=f"{trace.ledger['amount'].sum():,.2f}", rest=f"{trace.remainder + 0.0:,.2f}".replace("-0.00", "0.00")
        )
    )


def _frame(title: str, frame: Any, columns: list[str], top: int, language: str) -> Table:
    text, table = words(language), _table(title)
    for column in columns:
        table.add_column(text.get(column, column), justify="right" if frame[column].dtype.kind in "fi" else "left")
    for row in frame[columns].head(top).itertuples(index=False):
        table.add_row(*(_cell(name, value, language) for name, value in zip(columns, row, strict=True)))
    if len(frame) > top:
        rest = frame["amount"].iloc[top:].sum()
        table.add_row(text["rest"].format(n=len(frame) - top), *[""] * (len(columns) - 2), f"{rest:,.2f}")
    return table


def _known(value: Any) -> str:
    """A value as text; "-" where there is none."""
    return "-" if value is None or value != value or not str(value).strip() else str(value)


def _cell(name: str, value: Any, language: str) -> str:
    if name == "share":
        return f"{value:.6f}"
    if name in ("amount", "pool_cost", "line_amount"):
        return f"{value:,.2f}"
    spoken: Literal["zh", "en"] = "zh" if language == "zh" else "en"
    if name == "element":
        item, _, detail = str(value).partition(":")
        known = shown_value(value, "element", spoken)
        return escape(
            known if known != value else ":".join(filter(None, (shown_value(item, "element", spoken), detail)))
        )
    if name in ("label", "centre_group"):
        return escape(shown_value(value, "centre_group", spoken))
    return escape("" if value is None or value != value else str(value))


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)


def write_table(frame: Any, path: str) -> None:
    """A pandas DataFrame as .csv (UTF-8 with BOM, cells escaped) or .parquet, whole or not at all."""
    import pyarrow as pa

    from drgengine.formats import open_sink

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    with open_sink(path, table.schema, output_schema=table.schema) as sink:
        for batch in table.to_batches():
            sink.write(batch)
