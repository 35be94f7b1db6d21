"""The rows of the sheets MDC, ADRG and DRG: codes, parents, numbers and conditions, checked but not yet in order."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from drgengine.grouper.conditions import PROCEDURE_SCOPES, All, AnyOf, Condition, Constant, Count, InList, Not, atoms
from drgengine.grouper.scheme import OPERATIONS
from drgengine.grouper.workbook.editionfile import WorkbookEdition
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.members import CodeSet
from drgengine.grouper.workbook.rows import Sheet, SheetRow, Workbook
from drgengine.grouper.workbook.ruletext import RuleTextError, parse_rule
from drgengine.grouper.workbook.sentences import Sentence

RULE_SHEETS = ("MDC", "ADRG", "DRG")
ALWAYS = Constant(True)
_ROW_CODE = re.compile(r"[A-Z0-9][A-Z0-9_.-]*")


@dataclass(eq=False)
class RuleRow:
    """One row of the sheets MDC, ADRG and DRG.

    sheet, row : where it stands; code : as the scheme has it (MDCB is B); parent : code of its MDC or ADRG
    order : number of 排序, infinite where none stands; condition : its rule, with lists named as in the scheme
    became : gate, rule, group, ambiguous, fallback or ungrouped; place : from 1 among the rows of its parent, as tried
    changes : what was changed on this row
    """

    sheet: Sheet
    row: SheetRow
    code: str
    parent: str
    became: str
    order: float = math.inf
    condition: Condition = ALWAYS
    place: int = 0
    children: list[RuleRow] = field(default_factory=list)
    changes: list[Sentence] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.row["name"]

    @property
    def text(self) -> str:
        return self.row["rule"]

    def at(self, field_name: str) -> Sentence:
        """Sheet, cell and code, for messages."""
        return self.sheet.place(self.row, field_name, self.row["code"])


def read_rule_rows(
    workbook: Workbook, sets: Mapping[str, CodeSet], edition: WorkbookEdition, findings: Findings
) -> tuple[dict[str, list[RuleRow]], dict[str, list[str]]]:
    """The rows of the three sheets in the order of the file, and set -> codes of the rows that name it.

    Errors of all rows go to `findings`.
    """
    rows = {name: _rows(workbook.sheets[name], edition, findings) for name in RULE_SHEETS}
    uses: dict[str, list[RuleRow]] = {}
    for row in (row for name in RULE_SHEETS for row in rows[name]):
        parsed = _parsed(row, edition, findings)
        if parsed is not None:
            _check_sets(row, parsed, sets, uses, findings)
            row.condition = renamed(parsed, {edition.operations: OPERATIONS})
    _tell_missing(uses, sets, edition, findings)
    return rows, {name: list(dict.fromkeys(row.row["code"] for row in named)) for name, named in uses.items()}


def bare_mdc(code: str, edition: WorkbookEdition) -> str:
    """The code of an MDC without what the workbook puts before its letter: MDCB is B."""
    return code.removeprefix(edition.codes.mdc_prefix) or code


def _rows(sheet: Sheet, edition: WorkbookEdition, findings: Findings) -> list[RuleRow]:
    found: list[RuleRow] = []
    seen: dict[str, RuleRow] = {}
    for row in sheet.rows:
        code = row["code"].upper()
        parent = row[{"MDC": "code", "ADRG": "mdc", "DRG": "adrg"}[sheet.name]].upper()
        if sheet.name != "DRG":
            parent = bare_mdc(parent, edition)
        made = RuleRow(sheet, row, bare_mdc(code, edition) if sheet.name == "MDC" else code, parent, "")
        if not _ROW_CODE.fullmatch(code):
            problem = f"{row['code']!r} is no {sheet.name} code" if code else f"the {sheet.name} code is empty"
            remedy = "Write the code; if names stand there, the headers and the columns do not belong together"
            findings.error("row_code", sheet.place(row, "code"), problem, remedy)
            continue
        if made.code in seen:
            problem = f"{row['code']} stands in row {seen[made.code].row.number} already"
            findings.error("code_twice", sheet.place(row, "code"), problem, "Keep the row that is meant")
            continue
        seen[made.code] = made
        made.became = _became(made, edition)
        made.order = _order(made, findings)
        found.append(made)
    return found


def _became(row: RuleRow, edition: WorkbookEdition) -> str:
    shapes = edition.codes
    if row.sheet.name == "MDC":
        return "ungrouped" if row.code == shapes.ungrouped_mdc else "gate"
    adrg = row.code if row.sheet.name == "ADRG" else row.parent
    if adrg == shapes.ungrouped_adrg or (row.sheet.name == "DRG" and row.code == shapes.ungrouped_drg):
        return "ungrouped"
    if shapes.fallback_adrg.fullmatch(adrg):
        return "fallback"
    if shapes.ambiguous_adrg.fullmatch(adrg):
        return "ambiguous"
    return "rule" if row.sheet.name == "ADRG" else "group"


def _order(row: RuleRow, findings: Findings) -> float:
    text = row.row["order"]
    if not text:
        if row.became != "ungrouped":
            findings.warning("order_missing", row.at("order"))
        return math.inf
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        findings.error("order", row.at("order"), f"{text!r} in 排序 is no number", "Write a whole number")
        return math.inf
    return number


def _parsed(row: RuleRow, edition: WorkbookEdition, findings: Findings) -> Condition | None:
    try:
        return parse_rule(row.text, edition.variables)
    except RuleTextError as error:
        place = f"{row.at('rule')}, character {error.position}"
        near = row.text[max(0, error.position - 16) : error.position + 15]
        findings.error("rule_text", place, f"{error.problem}, near {near!r}", error.remedy.rstrip("."))
        return None


def _check_sets(
    row: RuleRow,
    condition: Condition,
    sets: Mapping[str, CodeSet],
    uses: dict[str, list[RuleRow]],
    findings: Findings,
) -> None:
    for atom in atoms(condition):
        if not isinstance(atom, InList | Count):
            continue
        named = uses.setdefault(atom.list, [])
        if row not in named[-1:]:
            named.append(row)
        asked = "OP" if atom.scope in PROCEDURE_SCOPES else "DI"
        there = sets.get(atom.list)
        if there is not None and there.kind in ("DI", "OP") and there.kind != asked:
            words = {"DI": "diagnoses", "OP": "procedures"}
            problem = f"{words[asked]} are looked up in {atom.list}, a set of {words[there.kind]}"
            remedy = "Name a set of the other kind, or mend the type of the set in 集合"
            findings.error("set_of_other_kind", row.at("rule"), problem, remedy)


def _tell_missing(
    uses: Mapping[str, list[RuleRow]], sets: Mapping[str, CodeSet], edition: WorkbookEdition, findings: Findings
) -> None:
    for name, named in uses.items():
        if name in sets:
            continue
        near = get_close_matches(name, sets, n=1, cutoff=0.8)
        others = f"; so do {some([row.row['code'] for row in named[1:]])}" if named[1:] else ""
        what = ", the operations," if name == edition.operations else ""
        problem = f"the rule names the set {name}{what} which 集合 does not have{others}"
        remedy = f"Did you mean {near[0]}? If not, add its rows to 集合" if near else "Add its rows to 集合"
        findings.error("set_missing", named[0].at("rule"), problem, remedy)


def renamed(condition: Condition, names: Mapping[str, str]) -> Condition:
    """The condition with some of its lists under other names.

    >>> renamed(Not(InList("first_proc", "OP_ALL")), {"OP_ALL": "operations"})
    Not(part=InList(scope='first_proc', list='operations'))
    """
    match condition:
        case All(parts):
            return All(tuple(renamed(part, names) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(renamed(part, names) for part in parts))
        case Not(part):
            return Not(renamed(part, names))
        case InList(scope, name):
            return InList(scope, names.get(name, name))
        case Count(scope, name, op, value):
            return Count(scope, names.get(name, name), op, value)
    return condition
