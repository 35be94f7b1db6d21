"""The authority's workbook -> a scheme folder, and a report of what became of every line."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from drgengine.cases.editions import load_edition
from drgengine.errors import SchemeError
from drgengine.grouper.expression import unparse
from drgengine.grouper.schemewriter import FolderContent, RuleText, check_folder, write_folder
from drgengine.grouper.workbook.codefiles import add_code_files
from drgengine.grouper.workbook.editionfile import DEFAULT_EDITION, WorkbookEdition, load_edition_file
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.loadreport import LoadReport, RuleLine, SetLine
from drgengine.grouper.workbook.members import Members, read_members
from drgengine.grouper.workbook.rows import Workbook, at_sheet
from drgengine.grouper.workbook.rulerows import RULE_SHEETS, RuleRow, read_rule_rows
from drgengine.grouper.workbook.ruletree import as_texts, put_together
from drgengine.grouper.workbook.sentences import Word, said

FORMAT = 2
"""Raised whenever the same workbook would give another folder; cached folders are then made anew."""
Lists = tuple[dict[str, list[str]], dict[str, list[str]]]
"""List name -> codes, of diagnoses and of procedures."""
_DATA_KINDS = ("diagnosis", "procedure")


def import_workbook(
    path: str | os.PathLike[str] | Workbook,
    folder: str | os.PathLike[str],
    *,
    edition: str | Path = DEFAULT_EDITION,
    overwrite: bool = False,
    header: dict[str, Any] | None = None,
    not_principal: str | os.PathLike[str] | None = None,
    not_for_grouping: str | os.PathLike[str] | None = None,
    amendments: bool = True,
) -> LoadReport:
    """Build a scheme folder from an official configuration workbook (分组方案配置信息).

    path : the .xlsx, a folder that holds exactly one, or a Workbook that was read already
    folder : the scheme folder to write; a folder that exists is replaced only with overwrite=True
    edition : packaged edition file or the path of one (identity, options, expected counts, amendments)
    header : keys for scheme.toml in place of those of the edition (id, title, authority, version, ...)
    not_principal, not_for_grouping : files with one column of codes (CSV, TXT, XLSX), published elsewhere: diagnoses
        not allowed as principal, procedures not used for grouping (灰码)
    amendments : insert exclusion rows that the edition file knows to be missing
    returns the report: counts, remarks, every rule line and every set
    raises SchemeError or InputFileError with sheet, cell, text and remedy; errors are collected and told together, and
        nothing is written then. OutputFileError where the folder cannot be written
    """
    check_folder(Path(folder), overwrite=overwrite)
    known = load_edition_file(edition)
    workbook = path if isinstance(path, Workbook) else _read(Path(path))
    findings = Findings(workbook.path, list(workbook.remarks))
    members = read_members(workbook, known, findings, amendments=amendments)
    rows, uses = read_rule_rows(workbook, members.sets, known, findings)
    # Where a rule names the missing set, that is told already.
    told = known.operations in uses
    mdcs = put_together(rows, known, findings, operations_known=told or known.operations in members.sets)
    findings.stop()
    lists = members.lists(known.operations)
    add_code_files(known, members, *lists, (not_principal, not_for_grouping), findings)
    extra = _unknown(known, lists, findings)
    used = _table_uses(members, uses)
    _tell_unused(members, used, findings)
    counts = _counts(rows, members, extra, workbook, known)
    _compare(counts, findings)
    head = _header(workbook, known, header or {}, findings)
    content = _content(head, known, as_texts(mdcs, lists[1]), lists, extra, _files(workbook, known, members, findings))
    write_folder(content, Path(folder), overwrite=overwrite, look=lambda made: _look_again(made, rows))
    return LoadReport(
        workbook.path, workbook.sha256, str(head["id"]), known.name, str(folder), counts,
        findings.by_weight(), _rule_lines(rows), _set_lines(members, used, extra),
    )  # fmt: skip


def _read(path: Path) -> Workbook:
    from drgengine.grouper.workbook.sheets import read_workbook

    return read_workbook(path)


def _content(
    header: dict[str, Any],
    edition: WorkbookEdition,
    mdcs: list[RuleText],
    lists: Lists,
    extra: dict[str, set[str]],
    files: dict[str, str],
) -> FolderContent:
    return FolderContent(
        header=header,
        retry=edition.retry,
        ungroupable=edition.codes.ungrouped_drg,
        editions=edition.editions,
        extra=extra,
        mdcs=mdcs,
        diagnoses=lists[0],
        procedures=lists[1],
        options=edition.options,
        files=files,
    )


def _unknown(edition: WorkbookEdition, lists: Lists, findings: Findings) -> dict[str, set[str]]:
    """Codes that the packaged code edition lacks; they become extra codes of the folder."""
    extra = {}
    for kind, of_kind in zip(_DATA_KINDS, lists, strict=True):
        known = load_edition(edition.editions[kind]).known
        extra[kind] = {code for codes in of_kind.values() for code in codes if code not in known}
        if extra[kind]:
            findings.note(
                "code_not_in_edition", at_sheet("集合", "CC", "排除表"), n=len(extra[kind]), data=Word("data", kind),
                edition=edition.editions[kind], codes=some(sorted(extra[kind])),
            )  # fmt: skip
    return extra


def _table_uses(members: Members, uses: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Set -> rows that name it; exclusion table -> how many MCC and CC refer to it."""
    severity = Counter(members.severity.values())
    used = {name: tuple(uses.get(name, ())) for name in members.sets}
    for table in members.tables:
        found = ((level, severity[level, table]) for level in ("mcc", "cc"))
        used[table] = tuple(f"{level.upper()} {number}" for level, number in found if number)
    return used


def _tell_unused(members: Members, used: dict[str, tuple[str, ...]], findings: Findings) -> None:
    for name, there in members.sets.items():
        if not used[name]:
            findings.note("set_not_used", at_sheet("集合"), set=name, n=len(there.codes))
    for name, there in members.tables.items():
        if not used[name]:
            findings.note("table_not_used", at_sheet("排除表"), table=name, n=len(there.codes))


def _counts(
    rows: dict[str, list[RuleRow]],
    members: Members,
    extra: dict[str, set[str]],
    workbook: Workbook,
    edition: WorkbookEdition,
) -> tuple[tuple[str, int, int | None], ...]:
    became = {name: Counter(row.became for row in rows[name]) for name in RULE_SHEETS}
    found = {
        "mdc_rows": len(workbook.sheets["MDC"].rows),
        "adrg_rows": len(workbook.sheets["ADRG"].rows),
        "drg_rows": len(workbook.sheets["DRG"].rows),
        "set_rows": len(workbook.sheets["集合"].rows),
        "sets": len(members.sets),
        "severity_rows": len(workbook.sheets["CC"].rows),
        "exclusion_rows": len(workbook.sheets["排除表"].rows),
        "exclusion_tables": len(members.tables),
        "mdcs": became["MDC"]["gate"],
        "adrgs": became["ADRG"]["rule"],
        "drgs": became["DRG"]["group"],
        "ambiguous": became["ADRG"]["ambiguous"],
        "fallback": became["ADRG"]["fallback"],
        "set_members": sum(len(there.codes) for there in members.sets.values()),
        "severity_codes": len(members.severity),
        "diagnosis_codes": len(members.codes("diagnosis")),
        "procedure_codes": len(members.codes("procedure")),
        "extra_codes": sum(map(len, extra.values())),
    }
    return tuple((what, number, edition.counts.get(what)) for what, number in found.items())


def _compare(counts: tuple[tuple[str, int, int | None], ...], findings: Findings) -> None:
    other = tuple(
        said("count_differs", what=Word("counts", what), n=found, expected=wanted)
        for what, found, wanted in counts
        if wanted is not None and wanted != found
    )
    if other:
        findings.warning("counts_differ", said("at_whole_file"), parts=other)


def _header(workbook: Workbook, edition: WorkbookEdition, given: dict[str, Any], findings: Findings) -> dict[str, Any]:
    made_of = f"Workbook sha256 {workbook.sha256}, edition file {edition.name}, importer format {FORMAT}."
    note = f"{edition.identity.get('note', '')} {made_of}".strip()
    repairs: dict[str, list[str]] = {}
    for remark in findings.by_weight():
        if remark.level == "repair":
            repairs.setdefault(remark.kind, []).append(f"{remark.place}: {remark.text}")
    oddities = [
        {"kind": kind, "detail": (f"{len(texts)} x, such as " if len(texts) > 3 else "") + "; ".join(texts[:3])}
        for kind, texts in repairs.items()
    ]
    return {**edition.identity, "note": note, "oddity": [*edition.oddities, *oddities], **given}


def _files(workbook: Workbook, edition: WorkbookEdition, members: Members, findings: Findings) -> dict[str, str]:
    """Further files of the folder: names of the codes, and what the folder was made of."""
    made_of = {
        "workbook_sha256": workbook.sha256,
        "edition": edition.name,
        "format": FORMAT,
        "remarks": dict(sorted(Counter(remark.kind for remark in findings.remarks).items())),
    }
    files = {"import.json": json.dumps(made_of, ensure_ascii=False, indent=1) + "\n"}
    for kind in _DATA_KINDS:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["code", "name"])
        writer.writerows(sorted(members.names[kind].items()))
        files[f"{kind}_names.csv"] = text.getvalue()
    return files


def _look_again(folder: Path, rows: dict[str, list[RuleRow]]) -> None:
    """Load what was written: every group of the file must be there. Raises SchemeError if one is not."""
    from drgengine.grouper.schemefile import load_scheme

    scheme = load_scheme(folder)
    there = {group.drg for _, rule in scheme.rules for group in rule.groups}
    there |= {rule.adrg for _, rule in scheme.rules if rule.otherwise == "ambiguous"}
    lost = [row.code for row in rows["DRG"] if row.became in ("group", "fallback") and row.code not in there]
    lost += [row.code for row in rows["ADRG"] if row.became == "ambiguous" and row.code not in there]
    if lost:
        raise SchemeError(str(folder), f"the groups {' '.join(lost[:5])} were lost", "Report this as a mistake")


def _rule_lines(rows: dict[str, list[RuleRow]]) -> tuple[RuleLine, ...]:
    return tuple(
        RuleLine(
            sheet=row.sheet.name,
            row=row.row.number,
            mdc=row.row.cells.get("mdc", "") or (row.row["code"] if row.sheet.name == "MDC" else ""),
            code=row.row["code"],
            name=row.name,
            text=row.text,
            meaning=unparse(row.condition),
            place=row.place,
            became=row.became,
            changes=tuple(row.changes),
        )
        for name in RULE_SHEETS
        for row in rows[name]
    )


def _set_lines(members: Members, used: dict[str, tuple[str, ...]], extra: dict[str, set[str]]) -> tuple[SetLine, ...]:
    return tuple(
        SetLine(
            name=name,
            kind=there.kind,
            rows=there.rows,
            codes=len(there.codes),
            unknown=len(extra["procedure" if there.kind == "OP" else "diagnosis"].intersection(there.codes)),
            used_by=used[name],
        )
        for lists in (members.sets, members.tables)
        for name, there in lists.items()
    )
