"""What was strange about the charge lines (例外事项): refused, or let pass by a policy and listed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.bilingual import Bilingual, listed, phrase, sentences
from drgengine.costing.charges.activity import Activity
from drgengine.costing.charges.chargechecks import charges_against_tables
from drgengine.costing.charges.chargecodes import Strangers, nearest_codes
from drgengine.costing.charges.chargetables import ChargeTables
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import shown_choices, tables
from drgengine.costing.model import CostModel, Finding, Severity
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.charges.chargebatches import ChargeBatch

_SHOWN = 5
_Refusal = tuple[str, str, str]


class Faults:
    """Cells that cannot be used: how many, and in which rows the first ones stand."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[Path, str, str], tuple[int, list[int]]] = {}

    def add(self, batch: ChargeBatch, column: str, what: str, positions: Any) -> None:
        """Positions int64[k], ascending, in the batch."""
        key = (batch.path, column, what)
        with self._lock:
            count, rows = self._found.get(key, (0, []))
            first = (positions[:_SHOWN] + batch.first_row).tolist()
            self._found[key] = (count + len(positions), sorted([*rows, *first])[:_SHOWN])

    def refusals(self) -> list[_Refusal]:
        """Place, problem and remedy of each kind of fault, in order of file and column."""
        label = tables()["charges"].columns
        return [
            (
                f"{path} row {rows[0]}",
                f"{label[column].label} {what} ({count} lines; rows {listed(map(str, rows), _SHOWN, count)})",
                "Complete the export, or take these lines out",
            )
            for (path, column, what), (count, rows) in sorted(self._found.items())
        ]


def charge_findings(
    activity: Activity,
    model: CostModel,
    numbers: ChargeTables,
    counts: Mapping[str, int],
    strangers: Strangers,
    tally: Any,
    faults: Faults,
) -> Activity:
    """The activity with its findings; CostingError with everything refused."""
    said = _Said(model, numbers, counts)
    said.refused += faults.refusals()
    said.codes(strangers, tally)
    said.counted()
    said.factors(activity)
    said.goods_without_cost(activity)
    said.negative(activity)
    said.stop()
    said.findings += charges_against_tables(activity, model, said.place)
    return replace(activity, findings=tuple(said.findings))


class _Said:
    """Findings and refusals of one pass, in a fixed order."""

    def __init__(self, model: CostModel, numbers: ChargeTables, counts: Mapping[str, int]) -> None:
        self.model, self.numbers, self.counts = model, numbers, counts
        self.policies = model.settings.policies
        self.place = model.settings.tables.get("charges", str(model.charges))
        self.findings: list[Finding] = []
        self.refused: list[_Refusal] = []

    def _note(self, severity: Severity, key: str, fen: int | None = None, /, **values: object) -> None:
        amount = None if fen is None else fen / 100.0
        values |= {} if amount is None else {"amount": amount}
        self.findings.append(finding(severity, key, self.place, amount, **values))

    def codes(self, strangers: Strangers, tally: Any) -> None:
        """Codes the tables do not know, by column; unmatched cases."""
        by_role: dict[str, list[tuple[str, int, int]]] = {}
        for k, (role, code) in enumerate(strangers.codes):
            lines, fen = tally[k].tolist() if k < len(tally) else (0, 0)
            if lines:
                by_role.setdefault(role, []).append((code, lines, fen))
        for role in ("exec_dept", "order_dept"):
            if role in by_role:
                self._departments(role, by_role[role])
        if "item_code" in by_role:
            self._items(by_role["item_code"])
        if "patient_type" in by_role:
            text, _ = _summary(by_role["patient_type"])
            remedy = f"Use one of {shown_choices('patient_type')}"
            self.refused.append((self.place, f"患者类型 (patient_type) holds unknown words: {text}", remedy))
        if self.counts["unmatched"]:
            self._unmatched(by_role.get("case_id", []))
        if strangers.mended:
            shown = sorted(strangers.mended)
            codes = listed((phrase("code_as", raw=raw, code=code) for _, raw, code in shown), _SHOWN)
            self._note("warning", "mended_code", n=len(shown), codes=codes)

    def _departments(self, role: str, found: list[tuple[str, int, int]]) -> None:
        text, fen = _summary(found, self.numbers.department_number)
        label = tables()["charges"].columns[role].label
        divided = sorted(code for code, _, _ in found if code in self.numbers.divided)
        why = phrase("divided", code=divided[0]) if divided else ""
        if self.policies.unknown_department == "refuse":
            problem = f"{label}: {len(found)} codes are not in the department table: {text}"
            remedy = f"Add them to departments or dept_map{why}"
            other = ", or set unknown_department = 'suspense' with a suspense_department"
            self.refused.append((self.place, problem, remedy + other))
        else:
            values = {"n": len(found), "codes": text, "divided": why, "suspense": self.policies.suspense_department}
            self._note("warning", "unknown_department.charges", fen, column=label, **values)

    def _items(self, found: list[tuple[str, int, int]]) -> None:
        text, fen = _summary(found, self.numbers.item_number)
        if self.policies.unknown_item == "refuse":
            problem = f"{len(found)} items are not in the items table: {text}"
            remedy = "Add them to items, drugs and materials with their goods mark"
            self.refused.append((self.place, problem, remedy + ", or set unknown_item = 'service'"))
        else:
            self._note("warning", "unknown_item", fen, n=len(found), codes=text)

    def _unmatched(self, found: list[tuple[str, int, int]]) -> None:
        lines, fen = self.counts["unmatched"], self.counts["unmatched_fen"]
        values: dict[str, object] = {"n": lines, "codes": "", "nameless": ""}
        if found:
            values["codes"] = phrase("these_codes", codes=_summary(found, self.numbers.case_number)[0])
        if self.counts["nameless"]:
            amount = self.counts["nameless_fen"] / 100
            values["nameless"] = phrase("nameless", n=self.counts["nameless"], amount=amount)
        if self.policies.unmatched_case == "refuse":
            problem, remedy = sentences("findings.unmatched_case.charges", amount=fen / 100, **values)
            self.refused.append((self.place, problem, f"{remedy}, or set unmatched_case = 'list'"))
        else:
            self._note("warning", "unmatched_case.charges", fen, **values)

    def counted(self) -> None:
        """What the kernel counted."""
        counts = self.counts
        if counts["too_large"]:
            problem = f"{counts['too_large']} lines have an amount, a quantity or a weight of impossible size"
            self.refused.append((self.place, problem, "Check the unit of amounts, quantities and item factors"))
        if counts["broken_fen"]:
            self._note("note", "fen_rounding.charges", n=counts["broken_fen"])
        if counts["reversal_lines"]:
            self._note("note", "reversal", counts["reversal_fen"], n=counts["reversal_lines"])
        if counts["quantity_turned"]:
            self._note("note", "quantity_sign", n=counts["quantity_turned"])
        if counts["sign_conflict"]:
            self._note("warning", "sign_conflict", n=counts["sign_conflict"])
        if counts["stated"]:
            self._note("note", "patient_type_stated", counts["stated_fen"], n=counts["stated"])
        if counts["outside"]:
            self._note("warning", "outside_period.charges", counts["outside_fen"], n=counts["outside"])

    def factors(self, activity: Activity) -> None:
        """Services without the minutes or equivalents the item method needs."""
        column = self.numbers.factor
        if not column:
            return
        lacking = np.append(self.numbers.lacking, np.ones(len(activity.item_codes) - len(self.numbers.lacking), bool))
        rows = lacking[activity.item.item]
        if not rows.any():
            return
        items = np.unique(activity.item.item[rows])
        fen = int(np.rint(activity.item.amount[rows] * 100).astype(np.int64).sum())
        codes = listed((activity.item_codes[k] for k in items), _SHOWN)
        label = tables()["items"].columns[column].label
        if self.policies.missing_equivalent == "refuse":
            problem = f"{len(items)} charged items ({_yuan(fen)}) have no {label}: {codes}"
            remedy = "Complete the items table, or set missing_equivalent = 'price'"
            self.refused.append((self.place, problem, remedy))
        else:
            self._note("warning", "missing_equivalent.charges", fen, n=len(items), column=label, codes=codes)

    def goods_without_cost(self, activity: Activity) -> None:
        """Drugs and materials taken at what was charged."""
        rows = self.numbers.no_unit_cost[activity.goods_item.item]
        if rows.any():
            items = np.unique(activity.goods_item.item[rows])
            fen = int(np.rint(activity.goods_item.amount[rows] * 100).astype(np.int64).sum())
            codes = listed((activity.item_codes[k] for k in items), _SHOWN)
            self._note("note", "no_unit_cost", fen, n=len(items), codes=codes)

    def negative(self, activity: Activity) -> None:
        """Keys at which more was reversed than charged."""
        parts: tuple[tuple[Bilingual, Any, Any], ...] = (
            (phrase("services"), activity.service, activity.service.exec_dept),
            (phrase("goods"), activity.goods, activity.goods.order_dept),
        )
        for what, rows, department in parts:
            at = np.flatnonzero(rows.amount < 0)
            if at.size == 0:
                continue
            fen = int(np.rint(rows.amount[at] * 100).astype(np.int64).sum())
            pairs = [
                phrase(
                    "object_at",
                    object=self._object(activity, int(rows.object[k])),
                    department=activity.departments[department[k]],
                    amount=round(rows.amount[k] * 100) / 100,
                )
                for k in at[:_SHOWN]
            ]
            named = listed(pairs, _SHOWN, at.size)
            self._note("warning", "negative_net", fen, what=what, n=at.size, pairs=named)

    def _object(self, activity: Activity, number: int) -> Bilingual:
        if number < activity.n_cases:
            return phrase("case", case=self.model.tables["discharges"]["case_id"].iloc[number])
        return (phrase("outpatients"), phrase("non_patients"), phrase("unmatched_cases"))[number - activity.n_cases]

    def stop(self) -> None:
        """Raise what was refused."""
        if len(self.refused) == 1:
            raise CostingError(*self.refused[0])
        if self.refused:
            lines = [f"({at}) {place}: {what}. {remedy}" for at, (place, what, remedy) in enumerate(self.refused, 1)]
            raise CostingError(
                self.place, f"{len(lines)} problems: " + "; ".join(lines), "Mend the tables or the export and run again"
            )


def _summary(found: list[tuple[str, int, int]], known: Mapping[str, int] | None = None) -> tuple[Bilingual, int]:
    """The codes with lines and amount, largest amounts first, and the amount of all in fen."""
    order = sorted(found, key=lambda one: (-abs(one[2]), one[0]))
    parts = []
    for code, lines, fen in order[:_SHOWN]:
        near = nearest_codes(code, known) if known else []
        guess = phrase("guess", near=near[0]) if near else ""
        parts.append(phrase("code_lines", code=code, lines=lines, amount=fen / 100, guess=guess))
    return listed(parts, _SHOWN, len(found)), sum(fen for _, _, fen in found)


def _yuan(fen: int) -> str:
    return f"{fen / 100:,.2f} yuan"
