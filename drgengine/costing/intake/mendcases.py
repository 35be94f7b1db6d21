"""Codes of diagnoses and groups made alike, and the state of grouping (入组状态) that a group code tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from drgengine.cases.codes import mend_code
from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.findings import finding
from drgengine.costing.intake.cells import DIAGNOSIS_SEPARATOR
from drgengine.costing.intake.tables import ReadTable
from drgengine.costing.intake.vocabulary import choice_word
from drgengine.costing.model import Finding

_CODES = {"discharges": ("dx", "drg", "adrg"), "weights": ("drg",)}
_UNGROUPABLE = re.compile(r"0{3,4}|[A-Z]00")
_AMBIGUOUS = re.compile(r".*QY")


def mend_case_codes(tables: Mapping[str, ReadTable]) -> list[Finding]:
    """Mend codes in place as codes in records are mended, so that discharges and weights speak of one group."""
    findings = []
    for name, columns in _CODES.items():
        table = tables.get(name)
        if table is None:
            continue
        for column in columns:
            values = table.frame[column]
            read = _diagnoses if column == "dx" else _group
            mended = {raw: code for raw in values.dropna().unique() if (code := read(raw)) != raw}
            if mended:
                concerned = values.isin(list(mended))
                place = table.place(np.flatnonzero(concerned), column)
                table.frame[column] = values.where(~concerned, values.map(mended))
                raw, code = next(iter(mended.items()))
                rows = int(concerned.sum())
                findings.append(
                    finding("note", "code_mended.cases", place, n=len(mended), rows=rows, raw=raw, code=code)
                )
    return findings


def fill_status(tables: Mapping[str, ReadTable]) -> list[Finding]:
    """Where no case has a status, codes such as 0000 and AQY say that theirs is no group."""
    table = tables.get("discharges")
    if table is None or table.frame["status"].notna().any():
        return []
    status_of = {code: status for code in table.frame["drg"].dropna().unique() if (status := _status(code))}
    if not status_of:
        return []
    rows = table.frame["drg"].isin(list(status_of))
    table.frame["status"] = table.frame["status"].where(~rows, table.frame["drg"].map(status_of))
    counts = table.frame["status"][rows].value_counts(sort=False)
    told = listed(phrase("count_of", n=int(n), what=choice_word("status", str(word))) for word, n in counts.items())
    place = table.place(np.flatnonzero(rows), "drg")
    return [finding("note", "no_drg.status", place, n=int(rows.sum()), codes=listed(sorted(status_of)), statuses=told)]


def _status(code: str) -> str:
    if _UNGROUPABLE.fullmatch(code):
        return "ungroupable"
    return "ambiguous" if _AMBIGUOUS.fullmatch(code) else ""


def _group(raw: str) -> str | None:
    """
    >>> _group("br21"), _group("BR21"), _group("bQY")
    ('BR21', 'BR21', 'BQY')
    """
    code, rules = mend_code(raw)
    return (code.upper() if "code_lower_case" in rules else code) or None


def _diagnoses(raw: str) -> str | None:
    """
    >>> _diagnoses("i10.X00;E11.900")
    'I10.x00;E11.900'
    """
    parts = (mend_code(part)[0] for part in raw.split(DIAGNOSIS_SEPARATOR))
    return DIAGNOSIS_SEPARATOR.join(part for part in parts if part) or None
