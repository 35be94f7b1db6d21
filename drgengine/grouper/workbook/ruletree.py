"""Rows of MDC, ADRG and DRG put under their parents, in the order in which they are tried, with the known repairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from drgengine.grouper.conditions import PROCEDURE_SCOPES, All, AnyOf, Condition, Count, InList, Not, atoms
from drgengine.grouper.scheme import OPERATIONS
from drgengine.grouper.schemewriter import RuleText
from drgengine.grouper.workbook.editionfile import WorkbookEdition
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.rulerows import ALWAYS, RuleRow, bare_mdc
from drgengine.grouper.workbook.sentences import said

NO_OPERATION = Not(InList("first_proc", OPERATIONS))
_IN_ORDER, _LAST, _VERY_LAST = 0, 1, 2


def put_together(
    rows: Mapping[str, list[RuleRow]], edition: WorkbookEdition, findings: Findings, *, operations_known: bool
) -> list[RuleRow]:
    """The MDC rows in order, each with its ADRG rows in order, each with its DRG rows in order.

    Every row gets its place; what is changed is told in `findings` and kept with the row.
    operations_known : the set of operations is there; without it an error is kept where an ambiguous row needs it
    """
    _attach(rows, edition, findings)
    for mdc in rows["MDC"]:
        mdc.children = _arranged(mdc.children, _adrg_rank, findings)
        for adrg in mdc.children:
            adrg.children = _arranged(adrg.children, _drg_rank, findings)
            _tell_hidden(adrg, findings)
            for row in (adrg, *adrg.children):
                if row.became == "fallback" and row.condition != ALWAYS:
                    findings.warning("fallback_rule", row.at("rule"), code=row.code)
        _ambiguous_rows(mdc, edition, findings, operations_known)
        _tell_always(mdc, findings)
    mdcs = _arranged(rows["MDC"], lambda row: _VERY_LAST if row.became == "ungrouped" else _IN_ORDER, findings)
    for mdc in mdcs[1:]:
        if not mdc.text and mdc.became == "gate":
            findings.note("gate_always", mdc.at("rule"), mdc=mdc.row["code"])
    return mdcs


def as_texts(mdcs: list[RuleRow], procedures: Mapping[str, list[str]]) -> list[RuleText]:
    """The tree as a scheme folder writes it; rows that say "no group" are left out.

    procedures : list name -> codes, for the kind of a rule
    """
    operations = set(procedures.get(OPERATIONS, ()))
    return [
        RuleText(
            mdc.code,
            mdc.name,
            f"MDC{mdc.code}",
            mdc.condition,
            parts=[_rule_text(adrg, operations, procedures) for adrg in mdc.children if adrg.became != "ungrouped"],
        )
        for mdc in mdcs
        if mdc.became != "ungrouped"
    ]


def _rule_text(adrg: RuleRow, operations: set[str], procedures: Mapping[str, list[str]]) -> RuleText:
    ambiguous = adrg.became == "ambiguous"
    groups = [RuleText(drg.code, drg.name, adrg.code, drg.condition) for drg in adrg.children]
    kind = adrg.became if adrg.became != "rule" else kind_of(adrg.condition, operations, procedures)
    when = adrg.condition
    if ambiguous:
        when = _both(when, *(drg.condition for drg in adrg.children[:1]))
    return RuleText(
        adrg.code,
        adrg.name,
        adrg.code,
        when,
        adrg.code,
        kind,
        "ambiguous" if ambiguous else "next",
        [] if ambiguous else groups,
    )


def kind_of(condition: Condition, operations: set[str], procedures: Mapping[str, list[str]]) -> str:
    """surgical: a set it asks for holds an operation; non_or_procedure: its sets hold other procedures; else medical.

    >>> kind_of(InList("first_proc", "OP_A"), {"38.4000"}, {"OP_A": ["38.4000"]})
    'surgical'
    >>> kind_of(Not(InList("first_proc", "operations")), {"38.4000"}, {"operations": ["38.4000"]})
    'medical'
    """
    asked = [procedures[atom.list] for atom in _positive(condition) if atom.scope in PROCEDURE_SCOPES]
    if any(not operations.isdisjoint(codes) for codes in asked):
        return "surgical"
    return "non_or_procedure" if asked else "medical"


def _positive(condition: Condition, wanted: bool = True) -> Iterator[InList | Count]:
    """The list atoms that help the condition to hold, not those under `not`."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from _positive(part, wanted)
    elif isinstance(condition, Not):
        yield from _positive(condition.part, not wanted)
    elif isinstance(condition, InList | Count) and wanted:
        yield condition


def _attach(rows: Mapping[str, list[RuleRow]], edition: WorkbookEdition, findings: Findings) -> None:
    """Put every row under its parent and look whether parents and children agree."""
    mdcs = {row.code: row for row in rows["MDC"]}
    adrgs = {row.code: row for row in rows["ADRG"]}
    for sheet, field, parents in (("ADRG", "mdc", mdcs), ("DRG", "adrg", adrgs)):
        for row in rows[sheet]:
            parent = parents.get(row.parent)
            if parent is None:
                problem = f"its parent {row.row[field]!r} does not stand in the sheet {field.upper()}"
                remedy = f"Correct the parent, or add it to the sheet {field.upper()}"
                findings.error("parent_unknown", row.at(field), problem, remedy)
            else:
                parent.children.append(row)
                _compare(row, parent, edition, findings)
    for adrg in rows["ADRG"]:
        if not adrg.children:
            remedy = "Add a row to the sheet DRG, or take the ADRG out"
            findings.error("adrg_without_drg", adrg.at("code"), "no DRG belongs to this ADRG", remedy)


def _compare(row: RuleRow, parent: RuleRow, edition: WorkbookEdition, findings: Findings) -> None:
    code = row.code
    if row.sheet.name == "ADRG":
        if row.became in ("ambiguous", "fallback") and not code.startswith(parent.code):
            problem = f"{code} stands under {parent.row['code']}, whose letter is {parent.code}"
            findings.error("letter_differs", row.at("mdc"), problem, "Correct the code or its MDC")
        elif row.became != "ungrouped" and parent.became == "ungrouped":
            problem = f"{code} stands under {parent.row['code']}, which is no MDC"
            findings.error("parent_unknown", row.at("mdc"), problem, "Name the MDC of the row")
        return
    if not code.startswith(row.parent):
        problem = f"{code} does not start with its ADRG {row.parent}"
        findings.error("drg_outside_adrg", row.at("adrg"), problem, "Correct the code or its ADRG")
    stated = bare_mdc(row.row.cells.get("mdc", "").upper(), edition)
    if stated and stated != parent.parent:
        findings.warning("mdc_differs", row.at("mdc"), stated=stated, adrg=row.parent, mdc=parent.parent)


def _adrg_rank(row: RuleRow) -> int:
    if row.became in ("fallback", "ungrouped"):
        return _VERY_LAST
    return _LAST if not row.text and row.became == "rule" else _IN_ORDER


def _drg_rank(row: RuleRow) -> int:
    return _LAST if row.condition == ALWAYS else _IN_ORDER


def _arranged(rows: list[RuleRow], rank: Callable[[RuleRow], int], findings: Findings) -> list[RuleRow]:
    """Rows of one parent as they are tried: by number, equal numbers as in the sheet, rows for the rest at the end."""
    numbered = sorted(rows, key=lambda row: row.order)
    equal: dict[float, list[RuleRow]] = {}
    for row in numbered:
        equal.setdefault(row.order, []).append(row)
    for number, same in equal.items():
        if len(same) > 1 and number != math.inf:
            codes = some([row.row["code"] for row in same])
            findings.note("equal_order", same[1].at("order"), codes=codes, number=f"{number:g}")
    arranged = sorted(numbered, key=rank)
    for place, row in enumerate(arranged, 1):
        row.place = place
        behind = numbered[numbered.index(row) + 1 :]
        if rank(row) != _IN_ORDER and any(rank(other) < rank(row) for other in behind):
            last = max((other.order for other in arranged[: place - 1] if other.order != math.inf), default=0)
            moved = said("moved", code=row.row["code"], before=f"{row.order:g}", after=f"{last + 1:g}")
            sentence = "order_moved" if row.became != "ungrouped" else "order_moved_no_group"
            findings.repair("order_moved", row.at("order"), sentence, moved=moved)
            row.changes.append(moved)
    return arranged


def _tell_hidden(adrg: RuleRow, findings: Findings) -> None:
    always = [row for row in adrg.children if row.condition == ALWAYS]
    for row in always[1:]:
        findings.warning("never_reached", row.at("rule"), code=row.code, always=always[0].code)


def _tell_always(mdc: RuleRow, findings: Findings) -> None:
    """Rows of an MDC that always hold and are not meant for the rest."""
    for at, row in enumerate(mdc.children):
        if row.became == "rule" and not row.text:
            findings.warning("adrg_always", row.at("rule"), code=row.code)
        behind = [other.code for other in mdc.children[at + 1 :] if other.became == "rule"]
        if row.became == "rule" and row.condition == ALWAYS and behind:
            findings.warning("never_reached", row.at("rule"), "hides_others", code=row.code, others=some(behind))


def _ambiguous_rows(mdc: RuleRow, edition: WorkbookEdition, findings: Findings, operations_known: bool) -> None:
    found = [at for at, row in enumerate(mdc.children) if row.became == "ambiguous"]
    for at in found:
        row = mdc.children[at]
        if len(row.children) > 1 or any(drg.code != row.code for drg in row.children):
            codes = some([drg.code for drg in row.children])
            findings.warning("ambiguous_groups", row.at("code"), groups=codes, code=row.code)
        if not row.text:
            row.condition = InList("first_proc", OPERATIONS)
            row.changes.append(said("read_as_operation"))
            findings.repair("ambiguous_always", row.at("rule"), code=row.code, set=edition.operations)
    if not found:
        return
    if not operations_known:
        remedy = "Add its rows to 集合, or say in the edition file which set holds the operations ([sets] operations)"
        problem = f"the set {edition.operations}, the operations, is missing and the ambiguous groups need it"
        findings.error("operations_missing", mdc.children[found[0]].at("rule"), problem, remedy)
    elif edition.operation_test:
        _test_operations(mdc.children[: found[-1]], mdc.children[found[-1]], findings)


def _test_operations(before: list[RuleRow], ambiguous: RuleRow, findings: Findings) -> None:
    """Keep operations out of rows that say nothing of procedures, so that they reach the ambiguous row behind."""
    for row in before:
        if row.became != "rule" or any(getattr(a, "scope", "") in PROCEDURE_SCOPES for a in atoms(row.condition)):
            continue
        row.condition = _both(row.condition, NO_OPERATION)
        row.changes.append(said("read_without_operation"))
        values = {"code": row.code, "ambiguous": ambiguous.code, "list": OPERATIONS}
        findings.repair("operation_test_added", row.at("rule"), **values)


def _both(*conditions: Condition) -> Condition:
    """All of the conditions, without those that always hold."""
    parts: list[Condition] = []
    for condition in conditions:
        parts += condition.parts if isinstance(condition, All) else [condition]
    left = tuple(part for part in parts if part != ALWAYS)
    return left[0] if len(left) == 1 else All(left) if left else ALWAYS
