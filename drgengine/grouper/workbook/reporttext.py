"""The import report as lines for a terminal."""

from __future__ import annotations

from drgengine.grouper.workbook.findings import LEVELS
from drgengine.grouper.workbook.loadreport import LoadReport
from drgengine.grouper.workbook.reportwords import kind_word, report_words
from drgengine.grouper.workbook.rows import Remark


def report_lines(report: LoadReport, limit: int = 3, language: str = "en") -> list[str]:
    """The report in short: what was read against what was expected, remarks by kind with their first places.

    limit : remarks shown of each kind; language : "zh" or "en" for headers and kinds
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
    for (level, kind), remarks in sorted(by_kind.items(), key=lambda item: LEVELS.index(item[0][0])):
        lines.append(f"{words[level]}: {kind_word(kind, language)} [{kind}], {len(remarks):,} x")
        lines += [f"  {remark.place}: {remark.text}" for remark in remarks[:limit]]
        if len(remarks) > limit:
            lines.append("  " + words["more"].format(n=f"{len(remarks) - limit:,}"))
    return lines
