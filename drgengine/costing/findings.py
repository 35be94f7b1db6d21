"""Findings from their rule and their facts; the sentences stand in data/costing_findings.toml."""

from __future__ import annotations

from drgengine.costing.bilingual import sentences, translated
from drgengine.costing.model import Finding, Severity
from drgengine.errors import DrgEngineError


def finding(severity: Severity, key: str, place: str, amount: float | None = None, /, **values: object) -> Finding:
    """A finding in English and Chinese.

    key : rule, or rule and variant where a rule has several sentences, e.g. "share_sum.scaled"
    values : for the placeholders of its sentences

    >>> made = finding("note", "fen_rounding.charges", "charges.csv", n=2)
    >>> made.rule, made.remedy, made.text("zh").remedy
    ('fen_rounding', 'Export the amounts that were charged', '请导出实际收费金额')
    """
    problem, remedy = sentences(f"findings.{key}", **values)
    return Finding(severity, key.partition(".")[0], place, problem, remedy, amount)


def of_error(rule: str, error: DrgEngineError, place: str) -> Finding:
    """An error as a finding; texts that are English only are marked so in Chinese."""
    return Finding("error", rule, place, translated(error.problem), translated(error.remedy))
