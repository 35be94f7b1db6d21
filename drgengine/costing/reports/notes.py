"""Report notes and the list of exceptions (报表说明, 例外事项清单)."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from drgengine.costing.model import Finding, Settings
from drgengine.costing.reports.reporttables import ReportTable, report_table

RULES = (
    ("norm", "公立医院成本核算规范 国卫财务发〔2021〕4号"),
    ("guidance", "事业单位成本核算具体指引——公立医院 财会〔2021〕26号"),
)
"""What the methods follow; formulas as recalled."""

_METHODS = ("allocation.method", "allocation.order", "items.method", "cases.methods", "cases.main", "weights.trim")
_Row = tuple[str, str, str, int | None, str]
_SEVERITIES = ("error", "warning", "note")


def settings_values(settings: Settings) -> dict[str, Any]:
    """Settings as nested plain values, as the manifest holds them: dates as ISO text, tuples as lists."""
    return {key: _plain(value) for key, value in dataclasses.asdict(settings).items()}


def flat_settings(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as "allocation.method" -> text; a list is joined by commas, null is "".

    >>> flat_settings({"payment": {"rate": None, "coefficient": 1.0}, "cases": {"methods": ["a", "b"]}})
    {'payment.rate': '', 'payment.coefficient': '1', 'cases.methods': 'a, b'}
    """
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = _text(value)
    return flat


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Settings that differ between two runs, as (name, before, now); from `settings_values` or two manifests.

    >>> changed_settings({"allocation": {"method": "direct"}}, {"allocation": {"method": "reciprocal"}})
    [('allocation.method', 'direct', 'reciprocal')]
    """
    old, new = flat_settings(before), flat_settings(now)
    return [
        (key, old.get(key, ""), new.get(key, ""))
        for key in dict.fromkeys([*new, *old])
        if old.get(key, "") != new.get(key, "") and not key.startswith("tables.")
    ]


def report_notes(
    settings: Settings,
    findings: Iterable[Finding] = (),
    *,
    largest_difference: float | None = None,
    bases: Mapping[str, str] | None = None,
    before: Mapping[str, Any] | None = None,
    payment: Mapping[str, Any] | None = None,
) -> ReportTable:
    """报表说明: methods, parameters, changes since the last run, policies used, agreement with the ledger.

    findings : of the run; their rules say which policies were used
    largest_difference : yuan, of the reconciliation; None where there was none
    bases : giving department -> driver used
    before : settings of the last run, from its manifest
    payment : `CaseValue.payment_used`
    """
    values = settings_values(settings)
    changes = changed_settings(before, values) if before else []
    rows = [
        *_model_rows(settings),
        *_setting_rows(values),
        *(("basis", department, basis, None, "") for department, basis in (bases or {}).items()),
        *_payment_rows(payment or {}),
        *_policy_rows(values, findings),
        *(("change", name, now, None, old) for name, old, now in changes),
        *_agreement(largest_difference),
        *(("source", name, text, None, "") for name, text in RULES),
    ]
    frame = pd.DataFrame(rows, columns=["section", "item", "value", "used", "before"], dtype=object)
    return report_table("notes", frame.astype({"used": "float64"}))


def exceptions_table(findings: Iterable[Finding]) -> ReportTable:
    """例外事项清单: everything noticed, mended or decided by a policy; errors first, otherwise in the order found.

    Texts know both languages: a sheet shows its own, Parquet has place, problem, remedy in English and place_zh,
    problem_zh, remedy_zh in Chinese.
    """
    ordered = sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))
    columns = ["severity", "rule", "place", "problem", "remedy", "amount"]
    rows = [[getattr(finding, column) for column in columns] for finding in ordered]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    return report_table("exceptions", frame.astype({"amount": "float64"}))


def policies_used(settings: Settings, findings: Iterable[Finding]) -> dict[str, dict[str, Any]]:
    """Every policy with its setting, how many findings it led to, and the yuan concerned.

    >>> made = Finding("warning", "zero_driver", "row 4", "no staff", "Give staff", 12.5)
    >>> today = datetime.date(2024, 1, 1)
    >>> policies_used(Settings("m", "h", today, today, {}), [made])["zero_driver"]
    {'setting': 'refuse', 'used': 1, 'amount': 12.5}
    """
    found = list(findings)
    used: dict[str, dict[str, Any]] = {}
    for field in dataclasses.fields(settings.policies):
        own = [finding for finding in found if finding.rule == field.name]
        used[field.name] = {
            "setting": _plain(getattr(settings.policies, field.name)),
            "used": len(own),
            "amount": round(sum(finding.amount or 0.0 for finding in own), 2),
        }
    return used


def _model_rows(settings: Settings) -> Iterator[_Row]:
    yield "model", "name", settings.name, None, ""
    yield "model", "hospital", settings.hospital, None, ""
    yield "model", "period", f"{settings.start} — {settings.end}", None, ""
    yield "model", "amount_unit", settings.amount_unit, None, ""
    if settings.ledger_total is not None:
        yield "model", "ledger_total", f"{settings.ledger_total:,.2f}", None, ""


def _setting_rows(values: Mapping[str, Any]) -> Iterator[_Row]:
    parts = {part: values[part] for part in ("allocation", "items", "cases", "weights", "payment")}
    flat = flat_settings(parts)
    for name in _METHODS:
        if flat.get(name):
            yield "method", name, flat[name], None, ""
    for name, text in flat.items():
        if name not in _METHODS and text:
            yield "parameter", name, text, None, ""


def _policy_rows(values: Mapping[str, Any], findings: Iterable[Finding]) -> Iterator[_Row]:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    for name, text in flat_settings({"policies": values["policies"]}).items():
        used = counts.get(name.removeprefix("policies."), 0)
        if text:
            yield "policy", name, text, used, ""


def _payment_rows(payment: Mapping[str, Any]) -> Iterator[_Row]:
    for name, value in payment.items():
        if value is not None and value != "":
            text = f"{value:,.2f}" if name == "rate" else str(value)
            yield "payment", f"payment_used.{name}", text, None, ""


def _agreement(largest_difference: float | None) -> Iterator[_Row]:
    if largest_difference is not None:
        yield "reconciliation", "largest_difference", f"{largest_difference:.2f}", None, ""
        yield "reconciliation", "agrees", "true" if abs(largest_difference) < 0.005 else "false", None, ""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(entry) for entry in value)
    return str(value)
