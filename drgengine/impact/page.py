"""The impact as one self-contained HTML page (影响分析网页): no network, text escaped, for screen and A4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from drgengine.evaluation.report.figures import BASE, script_json
from drgengine.evaluation.report.page import asset, plotly_script
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell
from drgengine.evaluation.report.words import Words
from drgengine.grouper.tables import STATUSES
from drgengine.impact.cells import SEVERITY
from drgengine.impact.flowfigures import figures, legend
from drgengine.impact.result import Impact
from drgengine.impact.words import words
from drgengine.impact.workbook import notes, parts_of, reconciliation, severity

DEPARTMENTS_SHOWN = 30
_OWN = Path(__file__).parent / "templates"
_REPORT = Path(__file__).parents[1] / "evaluation" / "report" / "templates"
_DEPARTMENT = ("cases", "moved", "moved_adrg", "moved_mdc", "newly_ambiguous", "newly_ungroupable", "newly_grouped",
               "severity_up", "severity_down")  # fmt: skip
_DEPARTMENT_WEIGHT = ("weight_before", "weight_after", "weight_change", "price", "mix", "not_comparable",
                      "cmi_before", "cmi_after", "unweighted_before", "unweighted_after")  # fmt: skip
_SIGNED = ("weight_change", "price", "mix", "not_comparable", "cmi_change")
_CMI = ("cmi_before", "cmi_after", "cmi_change")


def page_html(found: Impact, language: str, top: int) -> str:
    """The text of the page; the same impact gives the same bytes."""
    text = words(language)
    movements = [row for row in found.flows.to_pylist() if row["kind"] != "stays"]
    departments = found.departments.slice(0, DEPARTMENTS_SHOWN)
    said = text["page_cases" if found.department_column else "page_cases_none"]
    return (
        _environment()
        .get_template("impact.html.jinja")
        .render(
            w=Words(language),
            text=text,
            language=language,
            found=found,
            scope=said.format(rows=f"{found.rows:,}", column=found.department_column),
            schemes=[(name.id, name.title.get(language) or name.id) for name in (found.a, found.b)],
            tiles=_tiles(found, text),
            figures=figures(found, language),
            legend=legend(found, language),
            top=_top_table(movements[:top], text, found.weights is not None),
            top_title=text["chapter_top"].format(n=min(top, len(movements)), all=f"{len(movements):,}"),
            parts=_parts_table(found, text),
            severity=_severity_table(found, language),
            status=_status_table(found, text),
            departments=_department_tables(departments.to_pylist(), text, found.weights is not None),
            departments_note=text["departments_note"].format(
                shown=departments.num_rows, all=f"{found.departments.num_rows:,}"
            ),
            notes=notes(found, language)[:-1],
            reconciliation=reconciliation(found, language),
            base=script_json(BASE),
            plotly=plotly_script(),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader([_OWN, _REPORT]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["asset"] = asset
    return made


def number(value: Any, name: str = "") -> str:
    """A number as it is shown: counts whole, weights with two decimals, CMI with four, changes with a sign.

    >>> from decimal import Decimal
    >>> number(1234), number(Decimal("-2.5"), "mix"), number(None, "cmi_before")
    ('1,234', '-2.50', '—')
    """
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}"
    digits = 4 if name in _CMI or name in ("old_weight", "new_weight") else 2
    shown = f"{value:+,.{digits}f}" if name in _SIGNED else f"{value:,.{digits}f}"
    return shown.lstrip("+-") if float(shown.replace(",", "")) == 0 else shown


def _cell(value: Any, name: str = "") -> Cell:
    return Cell(number(value, name), sort=None if value is None else float(value))


def _tiles(found: Impact, text: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Label, value, smaller line."""

    def share(n: int) -> str:
        return f"{n / found.rows:.1%}" if found.rows else ""

    tiles = [(text["cases"], number(found.rows), "")]
    counts = {name: getattr(found, name) for name in ("moved", "moved_adrg", "renumbered", "moved_mdc")}
    counts |= {f"newly_{status}": found.newly(status) for status in ("ambiguous", "ungroupable", "grouped")}
    tiles += [(text.get(f"of_which_{name}", text[name]), number(n), share(n)) for name, n in counts.items()]
    if found.weights is not None:
        weights = found.weights
        change = f"{float(weights.change / weights.before):+.2%}" if weights.before else ""
        tiles += [
            (text["weight_before"], number(weights.before), ""),
            (text["weight_after"], number(weights.after), ""),
            (text["weight_change"], number(weights.change, "weight_change"), change),
            (text["cmi_before"], number(weights.cmi_before, "cmi_before"), ""),
            (text["cmi_after"], number(weights.cmi_after, "cmi_after"), ""),
        ]
    return tiles


def _group_cell(row: Mapping[str, Any], side: str, text: Mapping[str, str]) -> Cell:
    status = row[f"{side}_status"]
    below = row[f"{side}_name"] if status == "grouped" else text[status]
    return Cell(row[side] or text["no_group"], sort=row[side] or "", below=below or "", kind="t")


def _top_table(rows: Sequence[Mapping[str, Any]], text: Mapping[str, str], weighted: bool) -> Table:
    numbers = ["cases", "share_of_old", *(("old_weight", "new_weight", "weight_change") if weighted else ())]
    columns = [Column(text["old"], text=True), Column(text["new"], text=True), Column(text["kind"], text=True)]
    columns += [Column(text[name]) for name in numbers] + [Column(text["example_rows"], text=True)]
    cells = []
    for row in rows:
        line = [_group_cell(row, "old", text), _group_cell(row, "new", text), words_cell(text[row["kind"]])]
        line += [
            Cell(f"{row[name]:.1%}", sort=row[name]) if name == "share_of_old" else _cell(row[name], name)
            for name in numbers
        ]
        cells.append([*line, words_cell(", ".join(f"{at:,}" for at in row["example_rows"]))])
    return Table(columns, cells, css="dense", sortable=True)


def _parts_table(found: Impact, text: Mapping[str, str]) -> Table | None:
    if found.weights is None:
        return None
    rows = [
        [words_cell(text[f"part_{name}"]), _cell(value, "weight_change"), _cell(cases)]
        for name, value, cases in parts_of(found)
    ]
    rows.append([words_cell(text["part_total"]), _cell(found.weights.change, "weight_change"), Cell("")])
    columns = [Column(text["part"], text=True), Column(text["weight"]), Column(text["cases"])]
    return Table(columns, rows, note=text["parts_note"])


def _severity_table(found: Impact, language: str) -> Table:
    text = words(language)
    n = {(row["before"], row["after"]): row["cases"] for row in found.severity.to_pylist()}
    order = [*reversed(SEVERITY[1:]), SEVERITY[0]]
    return _matrix(n, [(one, severity(one, language)) for one in order], text, text["severity_note"])


def _status_table(found: Impact, text: Mapping[str, str]) -> Table:
    return _matrix(found.status, [(one, text[one]) for one in STATUSES], text)


def _matrix(n: Mapping[Any, int], names: Sequence[tuple[Any, str]], text: Mapping[str, str], note: str = "") -> Table:
    """Cases before (rows) and after (columns), with sums."""
    corner = f"{text['before']} \\ {text['after']}"
    columns = [Column(corner, text=True), *(Column(word) for _, word in names), Column(text["all"])]
    rows = []
    for old, word in names:
        line = [n.get((old, new), 0) for new, _ in names]
        rows.append([words_cell(word), *map(_cell, line), _cell(sum(line))])
    sums = [sum(n.get((old, new), 0) for old, _ in names) for new, _ in names]
    rows.append([words_cell(text["all"]), *map(_cell, sums), _cell(sum(sums))])
    return Table(columns, rows, note=note)


def _department_tables(rows: Sequence[Mapping[str, Any]], text: Mapping[str, str], weighted: bool) -> list[Table]:
    """Cases by department and, with weights, their weight."""
    tables = []
    for names in (_DEPARTMENT, _DEPARTMENT_WEIGHT) if weighted else (_DEPARTMENT,):
        columns = [Column(text["department"], text=True), *(Column(text[name]) for name in names)]
        cells = [[words_cell(row["department"]), *(_cell(row[name], name) for name in names)] for row in rows]
        if names is _DEPARTMENT:
            for line, row in zip(cells, rows, strict=True):
                share = f"{row['moved'] / row['cases']:.1%}" if row["cases"] else ""
                line[2] = Cell(number(row["moved"]), sort=row["moved"], below=share)
        tables.append(Table(columns, cells, css="dense", sortable=True))
    return tables
