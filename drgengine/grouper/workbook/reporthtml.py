"""The import report as one self-contained HTML page with filters."""

from __future__ import annotations

import os
from pathlib import Path

from drgengine import __version__
from drgengine.formats.pagetemplate import page_environment
from drgengine.formats.sink import write_whole
from drgengine.grouper.workbook.findings import LEVELS
from drgengine.grouper.workbook.loadreport import LoadReport
from drgengine.grouper.workbook.reportwords import kind_word, notation, report_words
from drgengine.grouper.workbook.reportxlsx import used_by


def write_report_html(report: LoadReport, path: str | os.PathLike[str], language: str = "zh") -> Path:
    """Write the page: no network, text escaped; the same report gives the same bytes.

    language : "zh" or "en". Raises OutputFileError where it cannot be written.
    """
    return write_whole(Path(path), report_page(report, language))


def report_page(report: LoadReport, language: str = "zh") -> str:
    """The text of the page."""
    tallies = {level: sum(r.level == level for r in report.remarks) for level in LEVELS}
    return (
        page_environment(Path(__file__).parent / "templates")
        .get_template("loadreport.html.jinja")
        .render(
            report=report,
            text=report_words(language),
            language=language,
            version=__version__,
            tallies=tallies,
            kinds=list(dict.fromkeys(remark.kind for remark in report.remarks)),
            kind_word=lambda kind: kind_word(kind, language),
            notation=notation(language),
            used_by=used_by,
        )
    )
