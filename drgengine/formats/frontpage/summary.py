"""What reading or converting an export did, in numbers."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.cases.issues import IssueLog, issue_rules
from drgengine.formats.codemaps import EditionSigns

_WORDS = Path(__file__).parent.parent.parent / "data" / "convert_screen.toml"


@cache
def convert_words(language: str) -> Mapping[str, Any]:
    """The words of `drgengine convert`."""
    words: Mapping[str, Any] = tomllib.loads(_WORDS.read_text(encoding="utf-8"))[language]
    return words


@dataclass(slots=True)
class ConvertSummary:
    """Counts of one conversion; they do not depend on the batches.

    profile, code_edition : what the export was read by
    rows_read = rows_written + rows_superseded
    rows_ragged : rows that did not fit the header and were kept as empty records (part of rows_written)
    issues : occurrences by (column, rule) and their first rows; counted : (column, rule) -> cells only counted
    signs : of "dx" and "proc", whether the codes look like those of the other edition
    dropped : columns with personal data that were not read
    remarks : what is to be known of the file; output, superseded_output : what was written
    """

    profile: str
    code_edition: str
    rows_read: int = 0
    rows_written: int = 0
    rows_superseded: int = 0
    rows_ragged: int = 0
    issues: IssueLog = field(default_factory=IssueLog)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    signs: dict[str, EditionSigns] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    output: str = ""
    superseded_output: str = ""
    seconds: float = 0.0

    @property
    def rules(self) -> dict[str, int]:
        """Rule -> occurrences over all columns, listed and counted, most frequent first."""
        total: Counter[str] = Counter()
        for counts in (self.issues.counts, self.counted):
            for (_, rule), count in counts.items():
                total[rule] += count
        return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))

    @property
    def by_severity(self) -> dict[str, int]:
        """error, warning, info -> occurrences."""
        total = dict.fromkeys(("error", "warning", "info"), 0)
        for rule, count in self.rules.items():
            total[issue_rules()[rule]["severity"]] += count
        return total

    def reconciliation(self, language: str = "en") -> str:
        """One line that accounts for every row (行数核对).

        >>> ConvertSummary("hqms", "clinical", 100, 98, 2).reconciliation()
        '100 rows read = 98 written + 2 set aside as superseded uploads'
        """
        return str(convert_words(language)["reconciliation"]).format(
            read=f"{self.rows_read:,}", written=f"{self.rows_written:,}", superseded=f"{self.rows_superseded:,}"
        )

    def as_dict(self) -> dict[str, object]:
        """Everything as plain values, for JSON."""
        counts = [*self.issues.counts.items(), *self.counted.items()]
        return {
            "profile": self.profile,
            "code_edition": self.code_edition,
            "rows_read": self.rows_read,
            "rows_written": self.rows_written,
            "rows_superseded": self.rows_superseded,
            "rows_ragged": self.rows_ragged,
            "rules": [{"column": column, "rule": rule, "count": count} for (column, rule), count in sorted(counts)],
            "by_severity": self.by_severity,
            "edition_warning": self.warning("en"),
            "dropped_columns": list(self.dropped),
            "remarks": list(self.remarks),
            "output": self.output,
            "superseded_output": self.superseded_output,
            "seconds": round(self.seconds, 3),
        }

    def warning(self, language: str) -> str:
        """The warnings that codes look like another edition, one a line; "" when they do not."""
        words = convert_words(language)
        found = {kind: sign.warning_zh if language == "zh" else sign.warning_en for kind, sign in self.signs.items()}
        return "\n".join(words["codes_of"][kind].format(warning=warning) for kind, warning in found.items() if warning)
