"""Interchange tables (a scheme as plain CSV tables, what a city's bureau fills in) -> a scheme folder."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drgengine.cases.codes import mend_code
from drgengine.cases.editions import load_edition
from drgengine.errors import SchemeError
from drgengine.grouper.conditions import Condition, Count, InCodes, InList, atoms
from drgengine.grouper.expression import unparse
from drgengine.grouper.jsoncondition import ConditionError, read_condition
from drgengine.grouper.scheme import KINDS
from drgengine.grouper.schemefile import ANSWER
from drgengine.grouper.schemewriter import FolderContent, RuleText, write_folder
from drgengine.grouper.tablefiles import LINE, OPTIONS, Row, read_meta, read_tables, retry_option

_CODE = re.compile(r"[0-9A-Z][0-9A-Za-z_.+*/-]*")
NO_EXCLUSION = "none"
_ORDER = re.compile(r"[+-]?[0-9]+(\.0+)?")
_LIST_NAME = re.compile(r"[^\s\[\]#]+")
_ROLE = re.compile(r"""[^\s\[\]#(){},<>="!]+""")


@dataclass(frozen=True, slots=True)
class ImportRemark:
    """Something import mended, dropped or noticed: what kind, where, and the value."""

    kind: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}: {self.detail}"


@dataclass
class _Import:
    source: Path
    tables: dict[str, list[Row]]
    remarks: list[ImportRemark] = field(default_factory=list)
    diagnoses: dict[str, list[str]] = field(default_factory=dict)
    procedures: dict[str, list[str]] = field(default_factory=dict)
    exclusion_names: dict[str, str] = field(default_factory=dict)
    literal_diagnoses: set[str] = field(default_factory=set)
    literal_procedures: set[str] = field(default_factory=set)

    def remark(self, kind: str, place: str, detail: str) -> None:
        self.remarks.append(ImportRemark(kind, place, detail))

    def codes(self, table: str, column: str = "code") -> list[tuple[Row, str]]:
        """Rows of a table with their code, malformed codes left out and remarked."""
        good, mended = [], []
        for row in self.tables[table]:
            code, rules = mend_code(row[column])
            if rules:
                mended.append(f"{row[column]!r} as {code}")
            if _CODE.fullmatch(code):
                good.append((row, code))
            else:
                self.remark(
                    "malformed_code", f"{table} line {row[LINE]}", f"{row[column]!r} can match nothing, left out"
                )
        if mended:
            self.remark("mended_code", table, f"{len(mended)} codes are read as in records, such as {mended[0]}")
        return good


def import_scheme(
    tables: str | Path,
    folder: str | Path,
    *,
    overwrite: bool = False,
    header: dict[str, Any] | None = None,
    mdc_names: dict[str, dict[str, str]] | None = None,
    diagnosis_edition: str = "icd10-yb-2.0",
    procedure_edition: str = "icd9cm3-yb-2.0",
) -> list[ImportRemark]:
    """Build a scheme folder from a folder of interchange tables.

    tables : folder with meta.json, mdc.csv, mdc_dx.csv, adrg.csv, adrg_codes.csv, drg.csv, mcc.csv, cc.csv,
        exclusion.csv, operations.csv and, where there are any, not_operation.csv, not_for_grouping.csv,
        dx_not_principal.csv, anomalies.csv
    folder : the scheme folder to write; a folder that exists is replaced only with overwrite=True
    header : keys for scheme.toml (id, title, authority, version, published, effective_from, note, oddity)
    mdc_names : language -> MDC code -> name, for tables whose mdc.csv has no columns `name`, `name_en`
    returns the remarks: everything that was dropped, joined or looks odd; nothing happens without one
    raises SchemeError naming table, line, value and remedy

    Codes that the packaged code edition does not have are kept in the folder as its own extra codes.
    """
    source = Path(tables)
    state = _Import(source, read_tables(source))
    meta = read_meta(source)
    _diagnosis_lists(state)
    _severity_lists(state)
    _rule_lists(state)
    mdcs = _mdc_texts(state, mdc_names or {})
    extra = {
        "diagnosis": _unknown([*state.diagnoses.values(), state.literal_diagnoses], diagnosis_edition),
        "procedure": _unknown([*state.procedures.values(), state.literal_procedures], procedure_edition),
    }
    content = FolderContent(
        header=_header(meta, source.resolve().name, state.tables["anomalies.csv"]) | (header or {}),
        retry=retry_option(meta, source),
        ungroupable=str(meta.get("fail_drg") or "0000"),
        editions={"diagnosis": diagnosis_edition, "procedure": procedure_edition},
        extra=extra,
        mdcs=mdcs,
        diagnoses=state.diagnoses,
        procedures=state.procedures,
        options={key: meta[key] for key in OPTIONS if key in meta},
    )
    for kind, codes in extra.items():
        if codes:
            shown = " ".join(sorted(codes)[:5])
            state.remark("code_not_in_edition", f"{len(codes)} {kind} codes", f"kept as extra codes, such as {shown}")
    write_folder(content, Path(folder), overwrite=overwrite)
    return state.remarks


def _header(meta: dict[str, Any], folder_name: str, anomalies: list[Row]) -> dict[str, Any]:
    name = str(meta.get("scheme") or folder_name)
    label = str(meta.get("label") or name)
    details = defaultdict(list)
    for row in anomalies:
        details[row["kind"]].append(row["detail"])
    return {
        "id": name,
        "title": {"zh": label, "en": label},
        "authority": {"zh": "未注明", "en": "not stated in the tables"},
        "version": str(meta.get("version", "")),
        "note": "Built from interchange tables.",
        "oddity": [
            {
                "kind": kind,
                "detail": f"{len(rows)} x, such as {'; '.join(rows[:3])}" if len(rows) > 3 else "; ".join(rows),
            }
            for kind, rows in details.items()
        ],
    }


def _add(state: _Import, lists: dict[str, list[str]], name: str, codes: list[str], place: str) -> None:
    repeats = [code for code, times in Counter(codes).items() if times > 1]
    if repeats:
        state.remark(
            "duplicate_code", f"{place} [{name}]", f"{len(repeats)} codes stand twice: {' '.join(repeats[:5])}"
        )
    lists[name] = sorted(set(codes))


def _diagnosis_lists(state: _Import) -> None:
    by_mdc: dict[str, list[str]] = defaultdict(list)
    site: dict[str, str] = {}
    for row, code in state.codes("mdc_dx.csv"):
        by_mdc[row["mdc"]].append(code)
        region = (row.get("site") or "").strip()
        if region:
            if site.get(code, region) != region:
                state.remark("two_body_regions", f"mdc_dx.csv {code}", f"{site[code]} and {region}: the last counts")
            site[code] = region
    for mdc, codes in by_mdc.items():
        _add(state, state.diagnoses, f"MDC{mdc}.dx", codes, "mdc_dx.csv")
    for region in dict.fromkeys(site.values()):
        name = "site." + re.sub(r"[\s\[\]#]+", "_", region)
        while name in state.diagnoses:
            name += "_"
        state.diagnoses[name] = sorted(code for code, of in site.items() if of == region)
    for table, name, lists in (
        ("dx_not_principal.csv", "not_principal", state.diagnoses),
        ("operations.csv", "operations", state.procedures),
        ("not_operation.csv", "not_operations", state.procedures),
        ("not_for_grouping.csv", "not_for_grouping", state.procedures),
    ):
        _add(state, lists, name, [code for _, code in state.codes(table)], table)


def _exclusion_name(state: _Import, stated: str) -> str:
    """The name of an exclusion list as part of a section's name; different texts stay different."""
    if not stated:
        return NO_EXCLUSION
    if stated not in state.exclusion_names:
        name = re.sub(r"[\s\[\]#]+", "_", stated)
        while name == NO_EXCLUSION or name in state.exclusion_names.values():
            name += "_"
        state.exclusion_names[stated] = name
    return state.exclusion_names[stated]


def _list_name(state: _Import, row: Row, table: str, column: str) -> str:
    """A cell that becomes part of a list's name. Raises SchemeError when it cannot."""
    name = row[column].strip()
    if not (_ROLE if column in ("role", "group") else _LIST_NAME).fullmatch(name):
        raise SchemeError(
            f"{state.source / table} line {row[LINE]}, column {column}",
            f"{row[column]!r} cannot name a list",
            "Use a name without blanks, brackets and signs",
        )
    return name


def _severity_lists(state: _Import) -> None:
    for table, column, family in (
        ("mcc.csv", "code", "mcc"),
        ("cc.csv", "code", "cc"),
        ("exclusion.csv", "principal_dx", "excluded"),
    ):
        number: dict[str, str] = {}
        for row, code in state.codes(table, column):
            wanted = _exclusion_name(state, row["exclusion_list"].strip())
            if number.get(code, wanted) != wanted:
                detail = f"exclusion lists {number[code]} and {wanted}: the last counts"
                state.remark("two_exclusion_lists", f"{table} {code}", detail)
            number[code] = wanted
        if family == "excluded":
            number = {code: wanted for code, wanted in number.items() if wanted != NO_EXCLUSION}
        for wanted in sorted(set(number.values()), key=lambda text: (len(text), text)):
            state.diagnoses[f"{family}.{wanted}"] = sorted(code for code, of in number.items() if of == wanted)


def _rule_lists(state: _Import) -> None:
    plain: dict[tuple[str, str], list[str]] = defaultdict(list)
    group_of: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    grouped: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    rules = {row["rule"].strip() for row in state.tables["adrg.csv"]}
    orphans: dict[str, list[str]] = {}
    for row, code in state.codes("adrg_codes.csv"):
        rule, role = (_list_name(state, row, "adrg_codes.csv", column) for column in ("rule", "role"))
        group = row.get("group", "").strip() and _list_name(state, row, "adrg_codes.csv", "group")
        if rule not in rules:
            orphans.setdefault(rule, []).append(code)
            continue
        plain[rule, role].append(code)
        if group:
            first = group_of[rule, role].setdefault(code, group)
            if first != group:
                state.remark("two_procedure_groups", f"adrg_codes.csv {rule} {code}", f"counts for group {first} only")
            elif code not in grouped[rule, role, group]:
                grouped[rule, role, group].append(code)
    for rule, codes in orphans.items():
        detail = f"{len(codes)} codes of a rule that adrg.csv does not have, such as {codes[0]}; left out"
        state.remark("codes_without_rule", f"adrg_codes.csv {rule}", detail)
    for (rule, role), codes in plain.items():
        _add(state, _lists_of(state, role), f"{rule}.{role}", codes, "adrg_codes.csv")
    for (rule, role, group), codes in grouped.items():
        _lists_of(state, role)[f"{rule}.{role}/{group}"] = sorted(codes)


def _lists_of(state: _Import, role: str) -> dict[str, list[str]]:
    kind = role.split(":")[-1]
    if not kind.startswith(("dx", "proc")):
        raise SchemeError(
            str(state.source / "adrg_codes.csv"),
            f"role {role!r} is unknown",
            "Use dx..., proc... or DRG:dx..., DRG:proc...",
        )
    return state.diagnoses if kind.startswith("dx") else state.procedures


def _mdc_texts(state: _Import, mdc_names: dict[str, dict[str, str]]) -> list[RuleText]:
    used: set[str] = set()
    for table, column in (("mdc.csv", "mdc"), ("adrg.csv", "rule")):
        _refuse_repeats(state, table, column)
    groups: dict[str, list[RuleText]] = defaultdict(list)
    for row in _ordered(state, "drg.csv"):
        condition = _condition(state, row, "drg.csv", row["drg"], row["rule"], used)
        groups[row["rule"]].append(RuleText(row["drg"], row.get("name", ""), row["rule"], condition))
    rules: dict[str, list[RuleText]] = defaultdict(list)
    for row in _ordered(state, "adrg.csv"):
        row["kind"] = row["kind"].strip().lower()
        if row["kind"] not in KINDS:
            raise SchemeError(
                f"{state.source / 'adrg.csv'} line {row[LINE]}, column kind",
                f"{row['kind']!r} is unknown",
                f"Use {', '.join(KINDS)}",
            )
        condition = _condition(state, row, "adrg.csv", row["rule"], row["rule"], used)
        rules[row["mdc"]].append(
            RuleText(
                row["rule"], row.get("name", ""), row["rule"], condition, row["adrg"], row["kind"],
                _otherwise(state, row), groups.pop(row["rule"], []),
            )
        )  # fmt: skip
    mdcs = []
    for row in _ordered(state, "mdc.csv"):
        owner = f"MDC{row['mdc']}"
        condition = _condition(state, row, "mdc.csv", row["mdc"], owner, used)
        names = {
            key: row.get(key) or mdc_names.get(language, {}).get(row["mdc"], "")
            for key, language in (("name", "zh"), ("name_en", "en"))
        }
        mdcs.append(RuleText(row["mdc"], owner=owner, when=condition, parts=rules.pop(row["mdc"], []), **names))
    for rule, lost in groups.items():
        state.remark("group_without_rule", f"drg.csv {rule}", f"{len(lost)} groups left out")
    for mdc, orphans in rules.items():
        detail = f"MDC {mdc!r} is not in mdc.csv; {len(orphans)} rules that nothing can reach are left out"
        state.remark("rule_without_mdc", f"adrg.csv {orphans[0].code}", detail)
    _drop_unused(state, used)
    return mdcs


def _refuse_repeats(state: _Import, table: str, column: str) -> None:
    seen: set[str] = set()
    for row in state.tables[table]:
        name = _list_name(state, row, table, column)
        if name in seen:
            raise SchemeError(
                f"{state.source / table} line {row[LINE]}, column {column}",
                f"{name!r} stands twice",
                "Keep one of the rows",
            )
        seen.add(name)


def _ordered(state: _Import, table: str) -> list[Row]:
    for row in state.tables[table]:
        if not _ORDER.fullmatch(row["order"].strip()):
            raise SchemeError(
                f"{state.source / table} line {row[LINE]}, column order",
                f"{row['order']!r} is no whole number",
                "Mend it",
            )
    return sorted(state.tables[table], key=lambda row: int(float(row["order"])))


def _otherwise(state: _Import, row: Row) -> str:
    stated = row["on_no_drg"].strip()
    answer = stated.partition(":")[2] or row["adrg"].strip()
    if re.fullmatch("return_adrg(:.+)?", stated) and ANSWER.fullmatch(answer):
        return answer
    known = {"fallthrough": "next", "return": "ambiguous"}
    if stated not in known:
        raise SchemeError(
            f"{state.source / 'adrg.csv'} rule {row['rule']}, column on_no_drg",
            f"{stated!r} is unknown",
            "Use fallthrough, return, return_adrg or return_adrg:ADRG",
        )
    return known[stated]


def _condition(state: _Import, row: Row, table: str, code: str, owner: str, used: set[str]) -> Condition:
    try:
        condition = read_condition(json.loads(row["condition"]))
        unparse(condition)
    except (ValueError, ConditionError) as error:
        raise SchemeError(
            f"{state.source / table} {code}, column condition",
            f"{row['condition'][:120]!r}: {error}",
            "Mend the condition",
        ) from None
    for atom in atoms(condition):
        if isinstance(atom, InCodes):
            (state.literal_procedures if "proc" in atom.scope else state.literal_diagnoses).update(atom.codes)
        if isinstance(atom, InList | Count) and atom.list.startswith("@"):
            name = f"{owner}.{atom.list[1:]}"
            used.add(name)
            lists = state.procedures if "proc" in atom.scope else state.diagnoses
            if name not in lists:
                state.remark("empty_list", f"{table} {code}", f"list {name} has no codes and matches nothing")
                lists[name] = []
    return condition


def _drop_unused(state: _Import, used: set[str]) -> None:
    for lists in (state.diagnoses, state.procedures):
        for name in [n for n in lists if "." in n and not n.startswith(("mcc.", "cc.", "excluded.", "site."))]:
            if name not in used:
                by_groups = any(other.startswith(name + "/") for other in used)
                if not by_groups:
                    state.remark(
                        "list_not_used", name, f"{len(lists[name])} codes that no condition asks for, left out"
                    )
                del lists[name]


def _unknown(lists: Iterable[Iterable[str]], edition: str) -> set[str]:
    known = load_edition(edition).known
    return {code for codes in lists for code in codes if code not in known and _CODE.fullmatch(code)}
