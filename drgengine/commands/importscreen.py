"""Importing an official workbook on the terminal: what is asked for, progress, the short report, report files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from drgengine.errors import OutputFileError, SchemeError

_ENDINGS = (".xlsx", ".xlsm", ".xls", ".xlsb")
_REPORTS = (".html", ".xlsx")
_PATIENCE = 2.0


def is_workbook(source: str) -> bool:
    """Whether this is a workbook, or a folder with one in it, and not a folder of interchange tables."""
    path = Path(source)
    if not path.is_dir():
        return path.suffix.lower() in _ENDINGS
    if (path / "mdc.csv").exists() or (path / "meta.json").exists():
        return False
    return any(file.suffix.lower() in _ENDINGS and not file.name.startswith("~$") for file in path.iterdir())


def refuse_options(given: dict[str, object]) -> None:
    """Raise SchemeError for options that only a workbook can have."""
    for option, value in given.items():
        if value:
            name = option if option.startswith("--") else "--" + option.replace("_", "-")
            raise SchemeError(name, "this is for an official workbook, not for tables", "Leave it out")


def import_and_tell(
    source: str, output: str, *, reports: Sequence[str], language: str, limit: int = 3, **options: Any
) -> None:
    """Import a workbook, print the short report to standard error and write the report files."""
    for report in reports:
        _check_report(report, source)
    from drgengine.grouper.workbook.importer import import_workbook
    from drgengine.grouper.workbook.reporttext import report_lines
    from drgengine.grouper.workbook.reportwords import report_words

    with _Spinner(language):
        found = import_workbook(source, output, **options)
    for line in report_lines(found, limit, language):
        click.echo(line, err=True)
    for report in reports:
        _write(found, report, language)
    numbers = {what: number for what, number, _ in found.counts}
    done: str = report_words(language)["done"]
    click.echo(done.format(id=found.scheme_id, remarks=len(found.remarks), folder=output, **numbers), err=True)


def import_tables(tables: str, output: str, *, overwrite: bool, header: dict[str, Any]) -> None:
    """Import interchange tables and print every remark to standard error."""
    from drgengine.grouper.interchange import import_scheme
    from drgengine.grouper.schemefile import load_scheme

    if Path(tables).is_file():
        problem = "neither a workbook (.xlsx) nor a folder of interchange tables"
        raise SchemeError(tables, problem, "Name the authority's workbook, or the folder that holds mdc.csv")
    remarks = import_scheme(tables, output, overwrite=overwrite, header=header)
    for remark in remarks:
        click.echo(str(remark), err=True)
    scheme = load_scheme(output)
    groups = {group.drg for _, rule in scheme.rules for group in rule.groups}
    click.echo(
        f"{scheme.id}: {len(scheme.mdcs)} MDCs, {sum(1 for _ in scheme.rules)} rules, {len(groups)} groups, "
        f"{len(remarks)} remarks; written to {output}",
        err=True,
    )


def _check_report(report: str, source: str) -> None:
    from drgengine.formats.sink import check_output, keep_apart

    if Path(report).suffix.lower() not in _REPORTS:
        raise OutputFileError(report, "a report ends in .html or .xlsx", "Name it so, such as report.html")
    keep_apart({"report": report}, {"the workbook": source})
    check_output(Path(report))


def _write(found: Any, report: str, language: str) -> None:
    if report.lower().endswith(".html"):
        from drgengine.grouper.workbook.reporthtml import write_report_html

        write_report_html(found, report, language)
    else:
        from drgengine.grouper.workbook.reportxlsx import write_report_xlsx

        write_report_xlsx(found, report, language)


class _Spinner:
    """A sign of life after two seconds, on a terminal only."""

    def __init__(self, language: str) -> None:
        from rich.console import Console

        console = Console(stderr=True)
        self._status = console.status("正在读取配置文件……" if language == "zh" else "reading the workbook ...")
        self._timer = threading.Timer(_PATIENCE, self._status.start) if console.is_terminal else None

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._status.stop()
