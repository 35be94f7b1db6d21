"""The import report as lines for a terminal."""

from __future__ import annotations

from drgengine.grouper.workbook.findings import SPELLINGS, rank
from drgengine.grouper.workbook.loadreport import LoadReport
from drgengine.grouper.workbook.reportwords import kind_word, report_words
from drgengine.grouper.workbook.rows import Remark


def report_lines(report: LoadReport, limit: int = 3, language: str = "en") -> list[str]:
    """The report in short: what was read against what was expected, remarks by kind with their first places.

    Important kinds come first; of blanks and spellings only how many.

    limit : remarks shown of each kind; language : "zh" or "en"
    """
    words = report_words(language)
    lines = [f"{words['title']}: {report.path}", f"  {words['edition']}: {report.edition}"]
    for what, found, expected in report.counts:
        beside = "" if expected is None else f"  {words['expected']} {expected:,}"
        mark = "" if expected in (None, found) else f"  <- {words['differs']}"
        lines.append(f"  {found:>9,}  {words['counts'].get(what, what)}{beside}{mark}")
    by_kind: dict[tuple[str, str], list[Remark]] = {}
    for remark in report.remarks:
        by_kind.setdefault((remark.level, remark.kind), []).append(remark)
    for (level, kind), remarks in sorted(by_kind.items(), key=lambda item: rank(item[0][1])):
        head: str = words["head_line"]
        lines.append(head.format(level=words[level], kind=kind_word(kind, language), key=kind, n=f"{len(remarks):,}"))
        if kind not in SPELLINGS:
            lines += _lines_of_a_kind(remarks, limit, language)
    return lines


def _lines_of_a_kind(remarks: list[Remark], limit: int, language: str) -> list[str]:
    words = report_words(language)
    line: str = words["line"]
    lines = [line.format(place=r.place.told(language), text=r.text.told(language)) for r in remarks[:limit]]
    if len(remarks) > limit:
        lines.append("  " + words["more"].format(n=f"{len(remarks) - limit:,}"))
    return lines
