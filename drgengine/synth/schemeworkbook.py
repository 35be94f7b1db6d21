"""Writes a scheme of the packaged kind as a configuration workbook, with an edition file that says how to take it."""

from __future__ import annotations

from pathlib import Path

from drgengine.errors import SchemeError
from drgengine.grouper.conditions import Condition
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.scheme import Mdc, Rule, Scheme
from drgengine.grouper.workbook.ruletext import RuleTextError, print_rule
from drgengine.synth.schemeterms import Terms, edition_text
from drgengine.synth.workbook import HEADERS
from drgengine.synth.workbookcontent import Cell, SheetContent, WorkbookContent, write_workbook

_NO_TABLE = "none"


def scheme_as_workbook(
    scheme: Scheme, path: str | Path | None, *, edition_path: str | Path | None = None
) -> WorkbookContent:
    """Write a scheme as a workbook; returns what was written. No path, no file.

    edition_path : also write an edition file there (identity, checks, variables), which `import_workbook` needs for
        the same answers; without it only the variables NL, XB, XSRTL and XSRTZ can be said

    Rules that can never hold are left out, several rules of one ADRG are joined. Lists that stand in no workbook
    (not allowed as principal, not for grouping) are left out as well.
    Raises SchemeError naming rule and construct for what the language cannot say, OutputFileError.
    """
    writer = _Writer(scheme, own_variables=edition_path is not None)
    content = writer.content()
    if edition_path is not None:
        from drgengine.formats.sink import write_whole

        write_whole(Path(edition_path), edition_text(scheme, writer.terms))
    if path is not None:
        write_workbook(content, path)
    return content


class _Writer:
    """Rows of the six sheets, in the order in which they are tried."""

    def __init__(self, scheme: Scheme, *, own_variables: bool) -> None:
        self.scheme = scheme
        self.lists = ListedCodes(scheme)
        self.terms = Terms(scheme, self.lists, own_variables=own_variables)
        self.rows: dict[str, list[list[Cell]]] = {name: [] for name in HEADERS}

    def content(self) -> WorkbookContent:
        for mdc in self.scheme.mdcs:
            self.mdc(mdc)
        self.rows["MDC"].append(["0000", "", "", len(self.rows["MDC"]) + 1])
        self.rows["ADRG"].append(["000", "", "", "0000", 1])
        self.rows["DRG"].append(["0000", "", "", "000", "0000", 1])
        names = self.scheme.code_names
        self.rows["集合"] = [
            [name, code, names.get(code, ""), name[:2]] for name, codes in self.terms.sets().items() for code in codes
        ]
        self.severity()
        sheets = [SheetContent(name, header, self.rows[name]) for name, header in HEADERS.items()]
        return WorkbookContent(sheets)

    def place(self, what: str) -> str:
        return f"scheme {self.scheme.id}, {what}"

    def refuse(self, what: str, problem: str) -> SchemeError:
        return SchemeError(self.place(what), problem, "A workbook cannot say it; write the scheme otherwise")

    def text(self, condition: Condition, what: str) -> str:
        """Rule text; "1" for always, "0" for never."""
        try:
            return print_rule(self.terms.said(condition), self.terms.variables)
        except RuleTextError as error:
            raise self.refuse(what, error.problem) from None

    def mdc(self, mdc: Mdc) -> None:
        gate = self.text(mdc.gate, f"gate of MDC {mdc.code}")
        kept: dict[str, list[tuple[Rule, str]]] = {}
        last = ""
        for rule in mdc.rules:
            when = self.text(rule.when, f"rule {rule.id}")
            if when == "0" or gate == "0" or not self.groups(rule):
                continue
            if rule.adrg in kept and rule.adrg != last:
                raise self.refuse(f"rule {rule.id}", f"ADRG {rule.adrg} has rules before and after those of {last}")
            kept.setdefault(rule.adrg, []).append((rule, when))
            last = rule.adrg
        if not kept:
            return
        code = f"MDC{mdc.code}"
        self.rows["MDC"].append([code, mdc.name, gate, len(self.rows["MDC"]) + 1])
        for number, (adrg, rules) in enumerate(kept.items(), 1):
            self.adrg(code, number, adrg, rules)

    def adrg(self, mdc: str, number: int, adrg: str, rules: list[tuple[Rule, str]]) -> None:
        first = rules[0][0]
        groups = self.groups(first)
        for rule, _ in rules[1:]:
            if self.groups(rule) != groups or rule.kind != first.kind:
                raise self.refuse(f"rule {rule.id}", f"it splits otherwise than {first.id} of the same ADRG {adrg}")
        texts = list(dict.fromkeys(when for _, when in rules))
        text = texts[0] if len(texts) == 1 else "1" if "1" in texts else " or ".join(f"({when})" for when in texts)
        self.rows["ADRG"].append([adrg, first.name, text, mdc, number])
        for place, (drg, name, when) in enumerate(groups, 1):
            self.rows["DRG"].append([drg, name, when, adrg, mdc, place])

    def groups(self, rule: Rule) -> list[tuple[str, str, str]]:
        """(code, name, rule text) of the groups that can be reached; none: the rule never answers."""
        if rule.kind == "ambiguous" or rule.otherwise == "ambiguous":
            if rule.groups:
                raise self.refuse(f"rule {rule.id}", "it is ambiguous and has groups")
            return [(rule.adrg, rule.name, "")]
        found: list[tuple[str, str, str]] = []
        for group in rule.groups:
            when = self.text(group.when, f"group {group.drg} of rule {rule.id}")
            if when == "0":
                continue
            if not group.drg.startswith(rule.adrg):
                raise self.refuse(f"group {group.drg}", f"its code does not start with {rule.adrg}")
            found.append((group.drg, group.name, "" if when == "1" else when))
            if when == "1":
                return found
        if rule.otherwise != "next":
            raise self.refuse(f"rule {rule.id}", f"it answers {rule.otherwise} where no group holds")
        return found

    def severity(self) -> None:
        """The sheets CC and 排除表. Tables are numbered from 1 in the order of their names in the scheme."""
        families = {level: self.family(level) for level in ("mcc", "cc", "excluded")}
        numbers = list(dict.fromkeys(number for family in families.values() for number in family))
        tables = {number: f"EX_{at}" for at, number in enumerate(sorted(numbers, key=_by_number), 1)}
        names, stated = self.scheme.code_names, dict[str, tuple[str, str]]()
        for level in ("mcc", "cc"):
            for number, codes in families[level].items():
                table = tables[number] if families["excluded"].get(number) and number != _NO_TABLE else ""
                for code in codes:
                    if stated.setdefault(code, (level, table)) != (level, table):
                        raise self.refuse(f"list {level}.{number}", f"{code} has two levels or two exclusion lists")
                    self.rows["CC"].append([code, names.get(code, ""), table, level.upper()])
        for number, codes in families["excluded"].items():
            self.rows["排除表"] += [[tables[number], code, names.get(code, "")] for code in codes]

    def family(self, prefix: str) -> dict[str, list[str]]:
        there = [name for name in self.scheme.diagnosis_patterns if name.startswith(f"{prefix}.")]
        return {name.partition(".")[2]: self.lists.codes(name) for name in there}


def _by_number(name: str) -> tuple[int, str]:
    return len(name), name
