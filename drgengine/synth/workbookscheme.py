"""An invented scheme in the words of a configuration workbook: MDCs, ADRGs, groups, sets, severity lists.

Lists and names come from the packaged CHS-DRG 2.0, so that invented discharges group sensibly; the rest is invented.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drgengine.grouper.conditions import Compare, InList, atoms
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.scheme import Mdc, Rule, Scheme

SURGICAL, MEDICAL, AMBIGUOUS, FALLBACK = "surgical", "medical", "ambiguous", "fallback"
NO_OPERATION = "ZYSS not in OP_ALL"
ROBOTS = ("17.4100", "17.4200", "17.4300", "17.4400", "17.4500")
VALID_OPERATIONS = 9_514
_WEIGHTS = {
    "PS1": "XSRTZ<1000",
    "PS2": "XSRTZ>=1000 and XSRTZ<=1499",
    "PS3": "XSRTZ>1499 and XSRTZ<2000",
    "PS4": "XSRTZ>=2000 and XSRTZ<2500",
    "PS5": "XSRTZ>=2500",
}


@dataclass(slots=True)
class InventedAdrg:
    """One row of the sheet ADRG. tiers : last characters of its groups in the order in which they are tried."""

    code: str
    name: str
    kind: str
    rule: str
    tiers: str = "9"
    group_names: dict[str, str] = field(default_factory=dict)
    group_rules: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class InventedMdc:
    """One row of the sheet MDC and its ADRGs in the order in which they are tried."""

    code: str
    name: str
    rule: str
    adrgs: list[InventedAdrg] = field(default_factory=list)


@dataclass(slots=True)
class Invented:
    """The whole scheme. sets : name -> codes; severity : code -> (MCC or CC, table); excluded : table -> codes."""

    mdcs: list[InventedMdc]
    sets: dict[str, list[str]]
    severity: dict[str, tuple[str, str]] = field(default_factory=dict)
    excluded: dict[str, list[str]] = field(default_factory=dict)

    @property
    def adrgs(self) -> list[InventedAdrg]:
        """Every ADRG that is neither ambiguous nor a fall-back, in order."""
        return [a for mdc in self.mdcs for a in mdc.adrgs if a.kind in (SURGICAL, MEDICAL)]

    def exclusive(self, mdc: InventedMdc, adrg: InventedAdrg) -> list[str]:
        """Procedures of an ADRG's first list that no earlier rule of its MDC and no rule of MDCA names."""
        earlier: set[str] = set()
        for other in [*self.mdcs[0].adrgs, *mdc.adrgs[: mdc.adrgs.index(adrg)]]:
            for name in (f"OP_{other.code}", f"OP1_{other.code}", f"OP3_{other.code}", f"OP4_{other.code}"):
                earlier.update(self.sets.get(name, ()))
        return [code for code in self.sets.get(f"OP_{adrg.code}", ()) if code not in earlier]


def invent_base(scheme: Scheme) -> Invented:
    """The scheme in the words of a workbook, with ambiguous and fall-back rules where the official file has them."""
    lists = ListedCodes(scheme)
    invented = Invented([], {})
    _whole_sets(scheme, lists, invented.sets)
    for mdc in scheme.mdcs:
        made = InventedMdc(f"MDC{mdc.code}", mdc.name, _gate(mdc, scheme, lists, invented.sets))
        rules: dict[str, list[Rule]] = {}
        for rule in mdc.rules:
            rules.setdefault(rule.adrg, []).append(rule)
        made.adrgs = [_adrg(code, same, lists, invented.sets) for code, same in rules.items()]
        if "B" <= mdc.code <= "Y":
            made.adrgs.append(InventedAdrg(f"{mdc.code}00", "", FALLBACK, "", "0"))
        invented.mdcs.append(made)
    return invented


def _whole_sets(scheme: Scheme, lists: ListedCodes, sets: dict[str, list[str]]) -> None:
    """OP_ALL, OP_ARB and DI_OBD. Operations that lists of rules name stay valid as far as there is room."""
    named = {code for name in scheme.procedure_patterns if "." in name for code in lists.codes(name)}
    valid = sorted(set(lists.codes("operations")) - set(ROBOTS), key=lambda code: (code not in named, code))
    sets["OP_ALL"] = sorted(valid[:VALID_OPERATIONS])
    sets["OP_ARB"] = list(ROBOTS)
    sets["DI_OBD"] = lists.codes("MDCO.dx")[:793]


def _gate(mdc: Mdc, scheme: Scheme, lists: ListedCodes, sets: dict[str, list[str]]) -> str:
    if mdc.code == "A":
        return ""
    if mdc.code == "P":
        sets["DI_PV1"] = lists.codes("MDCP.dx")
        return (
            "((NL=0) and (XSRTL>=29) and (XSRTL<366) and (ZYZD in DI_PV1) and (ZYSS not in OP_ALL))"
            " or ((NL=0) and (XSRTL<29))"
        )
    if mdc.code == "Z":
        sites = [name for name in scheme.diagnosis_patterns if name.startswith("site.")][:9]
        names = [f"DI_Z{number:02}" for number in range(1, len(sites) + 1)]
        sets.update({name: lists.codes(site) for name, site in zip(names, sites, strict=True)})
        return " or ".join(
            f"((ZYZD in {name}) and (QTZD in {{{', '.join(n for n in names if n != name)}}}))" for name in names
        )
    sets[f"DI_{mdc.code}00"] = lists.codes(f"MDC{mdc.code}.dx")
    sex = {"M": " and XB = 1", "N": " and XB=2", "O": " and XB = 2"}.get(mdc.code, "")
    return f"ZYZD in DI_{mdc.code}00{sex}"


def _adrg(code: str, rules: list[Rule], lists: ListedCodes, sets: dict[str, list[str]]) -> InventedAdrg:
    if code.endswith("QY"):
        newborn = " and XSRTL<29" if code == "PQY" else ""
        return InventedAdrg(code, f"{code[0]}类歧义病案", AMBIGUOUS, f"ZYSS in OP_ALL{newborn}", "")
    kind = MEDICAL if rules[0].kind == "medical" else SURGICAL
    made = InventedAdrg(code, rules[0].name, kind, "", "".join(group.drg[3:] for group in rules[0].groups))
    made.group_names = {group.drg[3:]: group.name for group in rules[0].groups}
    if code in _WEIGHTS:
        made.rule = weight_rule(code)
        sets["DI_PS1"] = lists.codes("PS1.dx")
    elif code == "PV1":
        made.rule = "XSRTL>=29 and ZYZD in DI_PV1"
    elif code == "ZZ1":
        made.rule = "1"
    else:
        namer = _Namer(code, sets)
        texts = [_text(rule, lists, namer) for rule in rules]
        made.rule = texts[0] if len(texts) == 1 else " or ".join(f"({text})" for text in texts)
    if kind == MEDICAL and code not in ("ZZ1", "PV1"):
        made.rule = f"({made.rule}) and {NO_OPERATION}" if " or " in made.rule else f"{made.rule} and {NO_OPERATION}"
    return made


def weight_rule(code: str) -> str:
    """The rule of PS1 to PS5, which share a set and differ in weight."""
    return f"{{ZYZD, QTZD}} in DI_PS1 and {_WEIGHTS[code]} and XSRTL<29"


class _Namer:
    """Names the sets of one ADRG: DI_BB1, DI1_BB1, ... and OP_BB1, OP1_BB1, ..."""

    def __init__(self, code: str, sets: dict[str, list[str]]) -> None:
        self.code, self.sets = code, sets

    def put(self, kind: str, codes: list[str], digits: tuple[str, ...]) -> str:
        """A name for the codes: one that holds the very same codes already, or the first that is free."""
        for digit in digits:
            name = f"{kind}{digit}_{self.code}"
            if self.sets.setdefault(name, codes) == codes:
                return name
        raise ValueError(f"too many sets of {self.code}")


_DIGITS = ("", *"123456789")


def _text(rule: Rule, lists: ListedCodes, namer: _Namer) -> str:
    """One rule in the language of the workbook. Two lists of any procedure become principal and any (AC1)."""
    parts: list[str] = []
    any_lists: list[list[str]] = []
    for atom in atoms(rule.when):
        match atom:
            case InList("first_proc", "operations"):
                parts.append("ZYSS in OP_ALL")
            case InList("first_proc", name):
                parts.append(f"ZYSS in {namer.put('OP', lists.codes(name), _DIGITS)}")
            case InList("any_proc", name):
                any_lists.append(lists.codes(name))
            case InList(scope, name):
                fields = {"pdx": "ZYZD", "sdx": "QTZD", "any_dx": "{ZYZD, QTZD}"}[scope]
                parts.append(f"{fields} in {namer.put('DI', lists.codes(name), _DIGITS)}")
            case Compare("age_days"):
                parts.append("XSRTL<29")
    return " and ".join([*parts, *_two_lists(any_lists, namer)])


def _two_lists(any_lists: list[list[str]], namer: _Namer) -> list[str]:
    if not any_lists:
        return []
    first, *rest = any_lists
    second = sorted({code for codes in rest for code in codes} - set(first))
    if not second:
        return [f"ZYSS in {namer.put('OP', first, _DIGITS)}"]
    one, two = namer.put("OP", first, ("1", "3", "5", "7")), namer.put("OP", second, ("2", "4", "6", "8"))
    return [f"ZYSS in {one}", f"{{ZYSS, QTSS}} in {two}"]
