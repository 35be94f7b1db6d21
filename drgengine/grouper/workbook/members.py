"""The sheets 集合, CC and 排除表: rows to code lists, with their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drgengine.cases.codes import mend_code
from drgengine.grouper.workbook.editionfile import WorkbookEdition
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.rows import Sheet, SheetRow, Workbook, at_sheet
from drgengine.grouper.workbook.sentences import said

CODE = re.compile(r"[0-9A-Z][0-9A-Za-z_.+*/-]*")
NO_TABLE = "none"
_SET_NAME = re.compile(r"[^\W\d]\w*")
_TABLE_NAME = re.compile(r"\w[\w.-]*")
_ODD_CODE = re.compile(r"[0-9]{2}\.[0-9]{3,4}x[0-9]{4,}")
KINDS = {"DI": "diagnosis", "OP": "procedure"}


@dataclass
class CodeSet:
    """One set, exclusion table or severity class. codes : code -> row that names it first; rows : rows in all."""

    name: str
    kind: str
    rows: int = 0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass
class Members:
    """Everything the three sheets say.

    sets : 集合 by name; tables : 排除表 by name; severity : code -> (mcc or cc, table or "none")
    names : diagnosis and procedure -> code -> name, the first one that stands anywhere
    """

    sets: dict[str, CodeSet] = field(default_factory=dict)
    tables: dict[str, CodeSet] = field(default_factory=dict)
    severity: dict[str, tuple[str, str]] = field(default_factory=dict)
    severity_rows: int = 0
    exclusion_rows: int = 0
    names: dict[str, dict[str, str]] = field(default_factory=lambda: {"diagnosis": {}, "procedure": {}})
    renamed: dict[str, list[str]] = field(default_factory=dict)

    def name(self, kind: str, code: str, name: str) -> None:
        """Keep a name; of several the first one counts."""
        if name and self.names[kind].setdefault(code, name) != name:
            self.renamed.setdefault(code, [self.names[kind][code]]).append(name)

    def codes(self, kind: str) -> set[str]:
        """All different codes of a kind (diagnosis, procedure), wherever they stand."""
        there = [s for s in self.sets.values() if KINDS.get(s.kind) == kind]
        codes = {code for lists in there for code in lists.codes}
        if kind == "diagnosis":
            codes.update(self.severity, *(table.codes for table in self.tables.values()))
        return codes

    def lists(self, operations: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """List name -> codes, of diagnoses and of procedures, as a scheme folder names them."""
        diagnoses = {s.name: sorted(s.codes) for s in self.sets.values() if s.kind == "DI"}
        procedures = {
            "operations" if s.name == operations else s.name: sorted(s.codes)
            for s in self.sets.values()
            if s.kind == "OP"
        }
        for level in ("mcc", "cc"):
            by_table: dict[str, list[str]] = {}
            for code, (of, table) in self.severity.items():
                if of == level:
                    by_table.setdefault(table, []).append(code)
            for table in sorted(by_table, key=_by_number):
                diagnoses[f"{level}.{table}"] = sorted(by_table[table])
        for table in sorted(self.tables, key=_by_number):
            diagnoses[f"excluded.{table}"] = sorted(self.tables[table].codes)
        return diagnoses, procedures


def _by_number(name: str) -> tuple[int, str]:
    return len(name), name


def read_members(workbook: Workbook, edition: WorkbookEdition, findings: Findings, *, amendments: bool) -> Members:
    """Sets, severity and exclusion tables of a workbook; errors and remarks go to `findings`.

    amendments : insert the exclusion rows that the edition file knows to be missing
    """
    members = Members()
    _read_sets(workbook.sheets["集合"], members, findings)
    _read_tables(workbook.sheets["排除表"], members, findings)
    if amendments:
        _amend(edition, members, findings)
    _read_severity(workbook.sheets["CC"], members, findings)
    _correct_names(edition, members, findings)
    return members


def _codes(sheet: Sheet, findings: Findings) -> Iterator[tuple[SheetRow, str]]:
    """Rows with their code as records have it; rows without a usable code are left out and remarked."""
    mended: list[str] = []
    lost: list[SheetRow] = []
    seen: dict[str, str] = {}
    for row in sheet.rows:
        raw = row["code"]
        if raw not in seen:
            code = mend_code(raw)[0]
            seen[raw] = code if CODE.fullmatch(code) else ""
            if seen[raw] and code != raw:
                mended.append(f"{raw} -> {code}")
        if seen[raw]:
            yield row, seen[raw]
        else:
            lost.append(row)
    if lost:
        cells = some([f"{sheet.columns.get('code', '')}{row.number} {row['code']!r}" for row in lost])
        findings.warning("unusable_code", sheet.place(lost[0], "code"), n=len(lost), cells=cells)
    if mended:
        findings.repair("mended_code", at_sheet(sheet.name), n=len(mended), codes=some(mended))


def _tell_repeats(sheet: Sheet, repeats: dict[str, list[tuple[SheetRow, str]]], findings: Findings) -> None:
    for name, found in repeats.items():
        codes = some([code for _, code in found])
        findings.repair("duplicate_member", sheet.place(found[0][0], "code"), set=name, n=len(found), codes=codes)


def _read_sets(sheet: Sheet, members: Members, findings: Findings) -> None:
    repeats: dict[str, list[tuple[SheetRow, str]]] = {}
    odd: list[str] = []
    mixed: set[str] = set()
    for row, code in _codes(sheet, findings):
        name, kind = row["set"].upper(), _kind(sheet, row, findings)
        found = members.sets.get(name) or _new_set(sheet, row, name, kind, findings)
        members.sets[name] = found
        found.kind = found.kind or kind
        if kind and kind != found.kind and name not in mixed:
            mixed.add(name)
            problem = f"set {name} holds both {found.kind} and {kind} rows"
            remedy = "Give all rows of a set the same type"
            findings.error("set_of_two_kinds", sheet.place(row, "kind"), problem, remedy)
        found.rows += 1
        if code in found.codes:
            repeats.setdefault(name, []).append((row, code))
        else:
            found.codes[code] = row.number
            if _ODD_CODE.fullmatch(code):
                odd.append(f"{code} ({name})")
        members.name(KINDS.get(found.kind, "diagnosis"), code, row["name"])
    _tell_repeats(sheet, repeats, findings)
    if odd:
        findings.warning("unusual_code", at_sheet(sheet.name), n=len(odd), codes=some(odd))


def _new_set(sheet: Sheet, row: SheetRow, name: str, kind: str, findings: Findings) -> CodeSet:
    if not _SET_NAME.fullmatch(name) or name in ("MCC", "CC"):
        shown = repr(row["set"]) if name else "an empty cell"
        remedy = "Name the set by letters, digits and _, such as DI_B00"
        findings.error("set_name", sheet.place(row, "set"), f"{shown} cannot name a set", remedy)
    if kind and name[:2] in KINDS and name[:2] != kind:
        findings.warning("set_name_and_type", sheet.place(row, "kind"), set=name, type=kind, by_name=name[:2])
    return CodeSet(name, kind)


def _kind(sheet: Sheet, row: SheetRow, findings: Findings) -> str:
    """DI or OP; "" and an error for anything else."""
    kind = row["kind"].upper()
    if kind in KINDS:
        return kind
    remedy = "Write DI for diagnoses, OP for procedures"
    findings.error("set_kind", sheet.place(row, "kind"), f"type {row['kind']!r} is neither DI nor OP", remedy)
    return ""


def _read_tables(sheet: Sheet, members: Members, findings: Findings) -> None:
    repeats: dict[str, list[tuple[SheetRow, str]]] = {}
    for row, code in _codes(sheet, findings):
        name = row["set"].upper()
        if not _TABLE_NAME.fullmatch(name) or name == NO_TABLE.upper():
            shown = repr(row["set"]) if name else "an empty cell"
            remedy = "Name the table as the sheet CC does, such as EX_1"
            findings.error("table_name", sheet.place(row, "set"), f"{shown} cannot name an exclusion table", remedy)
            continue
        table = members.tables.setdefault(name, CodeSet(name, "EX"))
        table.rows += 1
        members.exclusion_rows += 1
        if code in table.codes:
            repeats.setdefault(name, []).append((row, code))
        else:
            table.codes[code] = row.number
        members.name("diagnosis", code, row["name"])
    _tell_repeats(sheet, repeats, findings)


def _amend(edition: WorkbookEdition, members: Members, findings: Findings) -> None:
    """Insert known missing exclusion rows, each only where it is absent."""
    expected = edition.counts.get("exclusion_tables")
    other = expected is not None and expected != len(members.tables)
    doubt = (said("amendment_doubt", n=len(members.tables), expected=expected or 0),) if other else ()
    for amendment in edition.amendments:
        table = members.tables.get(amendment.table)
        if table is None:
            codes = some(list(amendment.codes))
            findings.note("amendment_without_table", at_sheet("排除表"), table=amendment.table, codes=codes)
            continue
        for code in amendment.codes:
            if code not in table.codes:
                table.codes[code] = 0
                added = said("amendment_added", code=code, table=amendment.table, source=amendment.source)
                findings.repair("amendment", at_sheet("排除表"), parts=(added, *doubt))


def _read_severity(sheet: Sheet, members: Members, findings: Findings) -> None:
    repeats: dict[str, list[tuple[SheetRow, str]]] = {}
    first: dict[str, SheetRow] = {}
    without: dict[str, list[str]] = {}
    for row, code in _codes(sheet, findings):
        level, table = row["level"].lower(), row["exclusion"].upper()
        members.severity_rows += 1
        if level not in ("mcc", "cc"):
            problem = f"type {row['level']!r} of {code} is neither MCC nor CC"
            findings.error("severity_kind", sheet.place(row, "level"), problem, "Write MCC or CC")
            continue
        if table and not _TABLE_NAME.fullmatch(table):
            problem = f"{row['exclusion']!r} cannot name an exclusion table"
            findings.error("table_name", sheet.place(row, "exclusion"), problem, "Write a name such as EX_1")
            continue
        stated = (level, table or NO_TABLE)
        before = members.severity.setdefault(code, stated)
        if before != stated:
            _refuse_two(sheet, row, code, before, stated, first[code], findings)
        elif code in first:
            repeats.setdefault(level.upper(), []).append((row, code))
        first.setdefault(code, row)
        if table and table not in members.tables:
            without.setdefault(table, []).append(code)
        members.name("diagnosis", code, row["name"])
    _tell_repeats(sheet, repeats, findings)
    for table, codes in without.items():
        place = sheet.place(first[codes[0]], "exclusion")
        findings.warning("table_without_rows", place, table=table, codes=some(codes))


def _refuse_two(
    sheet: Sheet, row: SheetRow, code: str, before: tuple[str, str], stated: tuple[str, str], first: SheetRow,
    findings: Findings,
) -> None:  # fmt: skip
    kind, field_name = ("severity_twice", "level") if before[0] != stated[0] else ("table_twice", "exclusion")
    one, other = (f"{level.upper()} with table {table}" for level, table in (before, stated))
    problem = f"{code} is {other} here and {one} in row {first.number}"
    findings.error(kind, sheet.place(row, field_name), problem, "Keep the row that is meant")


def _correct_names(edition: WorkbookEdition, members: Members, findings: Findings) -> None:
    for correction in edition.names:
        for names in members.names.values():
            if names.get(correction.code) == correction.written:
                names[correction.code] = correction.name
                place = said("at_code", code=correction.code)
                shown = {"code": correction.code, "name": correction.name, "written": correction.written}
                findings.repair("name_corrected", place, **shown)
    if members.renamed:
        several = some([f"{code} {' / '.join(dict.fromkeys(names))}" for code, names in members.renamed.items()])
        findings.note("several_names", at_sheet("集合", "CC", "排除表"), n=len(members.renamed), names=several)
