"""The data quality report as one self-contained HTML page, for screen and A4 (数据质量报告)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drgengine import __version__
from drgengine.cases.issues import issue_rules
from drgengine.formats.pagetemplate import page_environment
from drgengine.formats.sink import write_whole
from drgengine.grouper.wording import reason_text
from drgengine.quality.collect import column_title
from drgengine.quality.result import Department, Problem, QualityReport, RuleCount
from drgengine.quality.words import settings, words

_STATUSES = ("grouped", "ambiguous", "ungroupable", "invalid")


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """A problem as it is shown. text : what and remedy   where : columns, department, example rows"""

    id: str
    text: str
    severity: str
    cells: str
    rows: str
    not_grouped: str
    extra: str
    where: str
    share: float


def write_page(report: QualityReport, path: str | os.PathLike[str], language: str = "zh") -> Path:
    """Write the page: no script, no network, text escaped; the same report gives the same bytes.

    language : "zh" or "en". Raises OutputFileError where it cannot be written.
    """
    return write_whole(Path(path), page_html(report, language))


def page_html(report: QualityReport, language: str = "zh") -> str:
    """The text of the page."""
    text = words(language)
    return (
        page_environment(Path(__file__).parent / "templates")
        .get_template("quality.html.jinja")
        .render(
            report=report,
            text=text,
            percent=percent,
            language=language,
            version=__version__,
            statuses=[(name, text[name], report.status.get(name, 0)) for name in _STATUSES] if report.status else [],
            problems=problem_lines(report, language),
            departments=report.departments[: settings()["departments_shown"]],
            rest=rest_of(report.departments[settings()["departments_shown"] :]),
            logic=[rule for rule in report.rules if rule.kind == "logic"],
            mended=[rule for rule in report.rules if rule.kind != "logic"],
            rule_text=lambda rule: issue_rules()[rule][language],
            reason_text=lambda reason: _capital(reason_text(reason, language)[0]),
            repeats=repeat_lines(report, language),
            weight=settings()["weight"],
            title=column_title,
        )
    )


def problem_lines(report: QualityReport, language: str) -> list[ProblemLine]:
    """The problems in words, worst first."""
    worst = max((problem.damage for problem in report.problems), default=1.0)
    return [_line(problem, words(language), language, worst) for problem in report.problems]


def _line(problem: Problem, text: Mapping[str, str], language: str, worst: float) -> ProblemLine:
    if problem.is_reason:
        meaning, remedy = reason_text(problem.id, language)
        said = _capital(f"{meaning}{text['stop']}{remedy}")
    else:
        said = issue_rules()[problem.id][language]
    where = [", ".join(problem.columns)] if problem.columns else []
    if problem.department is not None:
        where.append(text["department_most"].format(department=problem.department or text["no_department"]))
    if problem.examples:
        where.append(text["rows_word"].format(rows=", ".join(f"{row:,}" for row in problem.examples)))
    return ProblemLine(
        id=problem.id,
        text=said,
        severity=problem.severity,
        cells=f"{problem.cells:,}",
        rows=f"{problem.rows:,}",
        not_grouped=f"{problem.not_grouped:,}",
        extra=f"{problem.extra:,.0f}",
        where=text["semicolon"].join(where),
        share=problem.damage / worst,
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def rest_of(departments: tuple[Department, ...]) -> tuple[int, Department] | None:
    """The departments that are not shown as one line, and how many they are."""
    if not departments:
        return None
    cases, grouped, ambiguous, ungroupable, invalid = (
        sum(getattr(row, name) for row in departments) for name in ("cases", *_STATUSES)
    )
    return len(departments), Department("", cases, grouped, ambiguous, ungroupable, invalid, None)


def repeat_lines(report: QualityReport, language: str) -> list[str]:
    """Repeated uploads, repeated procedures and readmissions in sentences."""
    text = words(language)
    cells: Mapping[str, RuleCount] = {rule.rule: rule for rule in report.rules}
    lines = [text["superseded_note"].format(n=f"{report.superseded:,}")]
    if "record_number_missing" in cells:
        lines.append(text["superseded_unknown"].format(n=f"{cells['record_number_missing'].rows:,}"))
    if "procedure_repeated" in cells:
        lines.append(text["repeated_procedures"].format(n=f"{cells['procedure_repeated'].cells:,}"))
    found = report.readmitted
    if found.why_not:
        why = text[found.why_not].format(n=f"{settings()['readmission_rows']:,}")
        lines.append(text["readmissions_none"].format(why=why))
    else:
        share = f"{100 * found.readmitted / found.stays:.1f} %" if found.stays else "-"
        lines.append(
            text["readmissions"].format(
                n=f"{found.readmitted:,}", stays=f"{found.stays:,}", days=found.days, share=share
            )
        )
    return lines


def percent(part: float, whole: float) -> str:
    """A share for a reader; "-" of nothing. What is not all is never shown as 100 %.

    >>> percent(1, 3), percent(0, 0), percent(99_999, 100_000)
    ('33.3 %', '-', '99.9 %')
    """
    if not whole:
        return "-"
    share = 100 * part / whole
    if part != whole and share >= 99.95:
        share = 99.9
    if part and share < 0.05:
        return "< 0.1 %"
    return f"{share:.1f} %"
