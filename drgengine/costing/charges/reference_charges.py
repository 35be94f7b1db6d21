"""The charge lines added up the plain way: one line after the other, texts and dicts. The twin of charges.py."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from drgengine.costing.model import CostModel

Line = Mapping[str, Any]
_FACTOR = {"time": "minutes", "tdabc": "minutes", "equivalent": "equivalent"}


class ReferenceActivity:
    """Sums by text keys, as lists of whole numbers: fen, and millionths for quantities, weights and costs.

    service (object, exec_dept) -> fen, weight, lines      unit (object, service_unit) -> fen
    goods (object, order_dept, class) -> cost, fen, lines   order (order_dept, exec_dept, kind) -> qty, fen, goods fen
    item (exec_dept, item) -> qty, fen, weight, lines       goods_item: the same with the cost for the weight
    An object is a case number or "outpatient", "non_patient", "unmatched".
    total : lines, fen, lines of reversals, their fen;  refused, noticed : names of rules
    """

    def __init__(self, model: CostModel) -> None:
        self.model = model
        self.service: dict[tuple[str, str], list[int]] = {}
        self.unit: dict[tuple[str, str], list[int]] = {}
        self.goods: dict[tuple[str, str, str], list[int]] = {}
        self.item: dict[tuple[str, str], list[int]] = {}
        self.goods_item: dict[tuple[str, str], list[int]] = {}
        self.order: dict[tuple[str, str, str], list[int]] = {}
        self.total = [0, 0, 0, 0]
        self.refused: set[str] = set()
        self.noticed: set[str] = set()
        self.departments: list[str] = list(model.tables["departments"]["dept_code"])
        self.items = {row["item_code"]: row for row in _rows(model, "items")}
        self.cases = {row["case_id"] for row in _rows(model, "discharges")}
        self.targets: dict[str, set[str]] = {}
        for system in ("", "his"):
            here: dict[str, set[str]] = {}
            for row in _rows(model, "dept_map"):
                if _text(row["source_system"]) == system:
                    here.setdefault(row["source_code"], set()).add(row["dept_code"])
            self.targets.update(here)
        self.units = {row["dept_code"]: _text(row["service_unit"]) for row in _rows(model, "departments")}

    def department(self, code: Any) -> str | None:
        """The department of a code: as dept_map says, as it stands, with its zeros, or by policy; None = refused."""
        targets = self.targets
        for text in _spellings(code):
            if text in targets:
                if len(targets[text]) == 1:
                    return next(iter(targets[text]))
            elif text in self.departments:
                return text
        for text in _spellings(code):
            longer = [other for other in self.departments if other.lstrip("0") == text.lstrip("0") != ""]
            if len(longer) == 1 and longer[0] not in targets:
                return longer[0]
        return self.by_policy("unknown_department", "suspense", self.model.settings.policies.suspense_department)

    def by_policy(self, rule: str, word: str, answer: str | None) -> str | None:
        """The answer where the policy has the word, else a refusal."""
        if getattr(self.model.settings.policies, rule) == word:
            self.noticed.add(rule)
            return answer
        self.refused.add(rule)
        return None

    def add(self, line: Line) -> None:
        """Take in one line."""
        self.total[0] += 1
        if any(_blank(line.get(name)) for name in ("exec_dept", "item_code", "qty", "amount")):
            self.refused.add("missing")
            return
        qty, amount = line["qty"], line["amount"]
        flagged = bool(line.get("reversal"))
        reversal = flagged or amount < 0 or (amount == 0 and qty < 0)
        if reversal:
            qty, amount = -abs(qty), -abs(amount)
            self.noticed.add("reversal")
        elif qty < 0:
            self.noticed.add("sign_conflict")
        fen = round(amount * 100.0)
        if abs(amount * 100.0 - fen) > 0.001:
            self.noticed.add("fen_rounding")
        self.total[1] += fen
        if reversal:
            self.total[2] += 1
            self.total[3] += fen
        date = line.get("charge_date")
        settings = self.model.settings
        if isinstance(date, dt.date) and not settings.start <= date <= settings.end:
            self.noticed.add("outside_period")
        thing, kind = self.patient(line)
        performer = self.department(line["exec_dept"])
        orderer = performer
        if not _blank(line.get("order_dept")):
            orderer = self.department(line["order_dept"])
        code = next((text for text in _spellings(line["item_code"]) if text in self.items), None)
        if code is None:
            code = _spellings(line["item_code"])[-1]
            self.by_policy("unknown_item", "service", code)
        if performer is None or orderer is None:
            return
        self.sum_up(thing, kind, performer, orderer, code, qty, fen)

    def patient(self, line: Line) -> tuple[str, str]:
        """Object and patient kind of a line."""
        stated = _text(line.get("patient_type"))
        case = next((text for text in _spellings(line.get("case_id")) if text in self.cases), None)
        blank_case = _blank(line.get("case_id"))
        if case is not None and stated in ("", "住院"):
            return case, "inpatient"
        if case is not None:
            self.noticed.add("patient_type_stated")
        if stated == "门诊" or (stated == "" and blank_case and not _blank(line.get("visit_id"))):
            return "outpatient", "outpatient"
        if stated == "体检":
            return "non_patient", "other"
        self.by_policy("unmatched_case", "list", None)
        return "unmatched", "other" if blank_case and stated == "" else "inpatient"

    def sum_up(self, thing: str, kind: str, performer: str, orderer: str, code: str, qty: float, fen: int) -> None:
        """Put one line under all its keys."""
        row = self.items.get(code, {})
        goods = _text(row.get("goods")) or "none"
        volume = round(qty * 1e6)
        weight = round(self.weight(row, goods, qty, fen / 100.0) * 1e6)
        if goods == "none":
            _add(self.service, (thing, performer), fen, weight, 1)
            unit = _text(row.get("service_unit")) or self.units[performer] or performer
            _add(self.unit, (thing, unit), fen)
            _add(self.item, (performer, code), volume, fen, weight, 1)
        else:
            _add(self.goods, (thing, orderer, goods), weight, fen, 1)
            _add(self.goods_item, (performer, code), volume, fen, weight, 1)
        _add(self.order, (orderer, performer, kind), volume, fen, 0 if goods == "none" else fen)

    def weight(self, row: Mapping[str, Any], goods: str, qty: float, yuan: float) -> float:
        """Weight of a service line, purchase cost of a line of goods."""
        if goods != "none":
            return yuan if _blank(row["unit_cost"]) else float(row["unit_cost"] * qty)
        method = self.model.settings.items.method
        if method == "income":
            return yuan
        if method == "workload":
            return qty
        factor = row.get(_FACTOR[method])
        if not _blank(factor):
            return float(factor) * qty  # type: ignore[arg-type]
        self.by_policy("missing_equivalent", "price", None)
        both = [
            (other[_FACTOR[method]], other["price"])
            for other in self.items.values()
            if other["goods"] == "none" and not _blank(other[_FACTOR[method]]) and other["price"] > 0
        ]
        ratio = sum(one for one, _ in both) / sum(price for _, price in both) if both else 1.0
        price = row.get("price")
        return ratio * yuan if _blank(price) else float(price) * ratio * qty  # type: ignore[arg-type]


def reference_activity(model: CostModel, lines: Iterable[Line]) -> ReferenceActivity:
    """Add up charge lines given as dicts with canonical names; None is a blank cell."""
    activity = ReferenceActivity(model)
    for line in lines:
        activity.add(line)
    return activity


def _rows(model: CostModel, table: str) -> list[dict[str, Any]]:
    return model.tables[table].to_dict("records") if table in model.tables else []


def _add(sums: dict[Any, list[int]], key: Any, *values: int) -> None:
    sums[key] = [old + new for old, new in zip(sums.get(key, [0] * len(values)), values, strict=True)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _blank(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _spellings(code: Any) -> list[str]:
    """A code as it stands, plain, and without the .0 of a spreadsheet; the plain one last."""
    if _blank(code):
        return []
    plain = unicodedata.normalize("NFKC", code).strip()
    head, dot, tail = plain.partition(".")
    short = [head] if dot and head.isdigit() and tail and not tail.strip("0") else []
    return [code, plain, *short, plain]
