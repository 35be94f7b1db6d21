"""What became of a workbook, line by line, so that a coder can check it (导入报告)."""

from __future__ import annotations

from dataclasses import dataclass

from drgengine.grouper.workbook.rows import Remark
from drgengine.grouper.workbook.sentences import Sentence, joined


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One row of the sheets MDC, ADRG and DRG.

    sheet, row : where it stands; mdc, code, name : as written; text : the rule as written (cleaned)
    meaning : the same rule in the notation of scheme folders; place : position among the rows of its parent in the
        order in which they are tried, from 1; became : rule, group, ambiguous, fallback, gate or ungrouped
    changes : what was changed on this line
    """

    sheet: str
    row: int
    mdc: str
    code: str
    name: str
    text: str
    meaning: str
    place: int
    became: str
    changes: tuple[Sentence, ...] = ()

    @property
    def remark(self) -> str:
        """What was changed on this line, in English, "" for nothing."""
        return self.changed("en")

    def changed(self, language: str) -> str:
        """What was changed on this line in a language, "zh" or "en"; "" for nothing."""
        return joined(self.changes, language)


@dataclass(frozen=True, slots=True)
class SetLine:
    """One set of the sheet 集合 or one exclusion table.

    rows : rows that name it; codes : distinct codes; unknown : codes the packaged edition lacks
    used_by : codes of the rows whose rules name it (exclusion tables: number of MCC and CC that refer to it)
    """

    name: str
    kind: str
    rows: int
    codes: int
    unknown: int
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The whole import: file, fingerprint, edition, what was counted, every remark, every line.

    counts : (what, rows or codes found, expected by the edition or None)
    folder : the scheme folder that was written; remarks : the important ones first
    """

    path: str
    sha256: str
    scheme_id: str
    edition: str
    folder: str
    counts: tuple[tuple[str, int, int | None], ...]
    remarks: tuple[Remark, ...]
    rules: tuple[RuleLine, ...]
    sets: tuple[SetLine, ...]
