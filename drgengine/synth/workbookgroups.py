"""More ADRGs and groups for an invented workbook: combined operations, robot and age tiers, up to the numbers asked."""

from __future__ import annotations

from random import Random

from drgengine.synth.workbookscheme import (
    AMBIGUOUS,
    FALLBACK,
    MEDICAL,
    NO_OPERATION,
    SURGICAL,
    Invented,
    InventedAdrg,
    InventedMdc,
    weight_rule,
)

ROBOT_ADRGS = ("LA2", "EB1", "GB4", "IB4", "IC3", "IE2", "MB1", "NA1", "NC1")
TWO_LISTS_PER_ADRG = 110 / 492
SETS_PER_ADRG = 634 / 492
TIERS = {
    "BB2": "135", "BD1": "35", "BV1": "EFG135", "BV2": "F35", "BT1": "135", "BT3": "13C5", "BY1": "13G5", "CD4": "D9",
    "CV1": "H9", "LX1": "G35", "LU1": "FG35", "VT1": "1G5", "XR2": "G135", "MC1": "D9", "MJ1": "D9", "XT1": "D9",
    "XS2": "F35", "LL1": "E135", "LJ1": "F35", "EK1": "13G5", "FU1": "1G5", "OB1": "15", "OB2": "15", "PS1": "9",
    "PS5": "15", "PV1": "15", "ZZ1": "15",
}  # fmt: skip
"""Tiers whose rules are known, in the order in which they are tried."""
_CARVED = ("CD4", "GB4", "IB4", "OB2", "RN4")
_OUTSIDE_OPERATIONS = ("AH3", "BN1", "EM1", "QK1")
_KEPT = {*TIERS, *ROBOT_ADRGS, "AA1", "AC1", "AH1", "AH2", "SB1", "TB1", "XJ1", "YC1", "WB2", "OF1", "OT1", "OZ1"}
_KEPT |= {"IC1", "IC2", "DC1", "PS2", "PS3", "PS4", "PU1", "PR1", "PK1", "ZB1", "ZC1", "ZD1", "ZJ1", "BT3", "GU2"}
_GROWS = {
    "9": ("35", "15", "H9", "D9"),
    "15": ("135", "E15", "1G5"),
    "35": ("G35", "F35", "3C5"),
    "135": ("13G5", "F135", "13C5"),
}
_SHRINKS = {"135": "15", "15": "9", "35": "9"}
_WORDS = {
    "0": "机器人辅助", "1": "伴严重并发症或合并症", "3": "伴一般并发症或合并症", "5": "不伴并发症或合并症", "9": "",
    "C": "年龄≤6岁", "D": "年龄≤6岁", "E": "年龄≥70岁，伴严重并发症或合并症", "F": "年龄≥70岁，伴并发症或合并症",
    "G": "年龄≥70岁", "H": "年龄≥70岁",
}  # fmt: skip


def tier_rule(tiers: str, at: int) -> str:
    """The rule of one group by the last character of its code and the tiers tried before it.

    >>> [tier_rule("EF135", at) for at in range(5)][1:4]
    ['QTZD in CC and NL>=70', 'QTZD in MCC', 'QTZD in CC']
    """
    letter, before = tiers[at], tiers[:at]
    either = "QTZD in {MCC, CC}"
    return {
        "0": "{ZYSS, QTSS} in OP_ARB",
        "1": "QTZD in MCC",
        "3": "QTZD in CC" if "1" in before else either,
        "C": "NL<=6",
        "D": "NL<=6",
        "E": "QTZD in MCC and NL>=70",
        "F": ("QTZD in CC" if "E" in before else either) + " and NL>=70",
        "G": "NL>=70",
        "H": "NL>=70",
    }.get(letter, "")


def groups_of(adrg: InventedAdrg) -> list[tuple[str, str, str]]:
    """(code, name, rule) of the groups of an ADRG in the order in which they are tried."""
    if not adrg.tiers:
        return [(adrg.code, adrg.name, "")]
    if adrg.kind == FALLBACK:
        return [(adrg.code + letter, adrg.name, "") for letter in adrg.tiers]
    return [
        (
            adrg.code + letter,
            adrg.group_names.get(letter) or "，".join(filter(None, (adrg.name, _WORDS.get(letter, "")))),
            adrg.group_rules.get(letter, tier_rule(adrg.tiers, at)),
        )
        for at, letter in enumerate(adrg.tiers)
    ]


def enlarge(invented: Invented, codes: tuple[str, ...], rng: Random, adrg: int, drg: int) -> None:
    """Bring the scheme to so many ADRGs and groups and add the rules that the base lacks. codes : of the edition."""
    named = {code for name, members in invented.sets.items() if name.startswith("OP") for code in members}
    _needed(invented, [code for code in codes if code not in named])
    _drop(invented, rng, adrg)
    _joints(invented)
    _combine(invented, rng, adrg)
    for mdc in invented.mdcs:
        for one in mdc.adrgs:
            one.tiers = TIERS.get(one.code, one.tiers)
            if one.code in ROBOT_ADRGS:
                one.tiers = "0" + one.tiers
            if one.code in ("OB1", "OB2"):
                one.group_rules["1"] = "ZYZD in DI_OBD or QTZD in MCC"
    _grow(invented, rng, drg)
    _forget_sets(invented)


def _needed(invented: Invented, free: list[str]) -> None:
    """The ADRGs that have a rule of their own kind and are not in the base."""
    for code in _CARVED:
        mdc = _mdc(invented, code[0])
        base = max(plain(invented, mdc), key=lambda one: len(invented.exclusive(mdc, one)))
        taken = invented.exclusive(mdc, base)[::2]
        invented.sets[f"OP_{base.code}"] = [c for c in invented.sets[f"OP_{base.code}"] if c not in set(taken)]
        invented.sets[f"OP_{code}"] = taken
        made = InventedAdrg(code, f"{base.name}（其他）", SURGICAL, f"ZYSS in OP_{code}")
        mdc.adrgs.insert(mdc.adrgs.index(base) + 1, made)
    for number, code in enumerate(_OUTSIDE_OPERATIONS):
        mdc = _mdc(invented, code[0])
        invented.sets[f"OP_{code}"] = free[number * 16 : number * 16 + 16]
        made = InventedAdrg(code, "手术室外操作治疗", SURGICAL, f"ZYSS in OP_{code}")
        mdc.adrgs.insert(_before_ambiguous(mdc), made)
    _burns(invented)
    newborn = _mdc(invented, "P")
    at = next(n for n, one in enumerate(newborn.adrgs) if one.code == "PS4")
    rule = f"{weight_rule('PS5')} and {NO_OPERATION}"
    newborn.adrgs.insert(at + 1, InventedAdrg("PS5", "发育不全（入院体重≥2500g）", MEDICAL, rule))
    for one in newborn.adrgs:
        if one.code in ("PS1", "PS2", "PS3", "PS4"):
            one.group_names, one.name = {}, f"发育不全{one.code[2]}（按入院体重）"


def _burns(invented: Invented) -> None:
    """WJ1 asks for skin operations, so that WQY takes the rest."""
    burns = _mdc(invented, "W")
    invented.sets["OP_WJ1"] = [code for code in invented.sets["OP_ALL"] if code.startswith("86.")]
    for one in burns.adrgs:
        if one.code == "WJ1":
            one.rule = "ZYSS in OP_WJ1"
    at = next(n for n, one in enumerate(burns.adrgs) if one.kind == MEDICAL)
    burns.adrgs.insert(at, InventedAdrg("WQY", "W类歧义病案", AMBIGUOUS, "ZYSS in OP_ALL", ""))


def _mdc(invented: Invented, letter: str) -> InventedMdc:
    return next(mdc for mdc in invented.mdcs if mdc.code == f"MDC{letter}")


def _before_ambiguous(mdc: InventedMdc) -> int:
    return next((n for n, one in enumerate(mdc.adrgs) if one.kind == AMBIGUOUS), len(mdc.adrgs))


def plain(invented: Invented, mdc: InventedMdc) -> list[InventedAdrg]:
    """ADRGs of an MDC whose rule is one list of principal procedures."""
    return [one for one in mdc.adrgs if one.rule == f"ZYSS in OP_{one.code}"]


def _drop(invented: Invented, rng: Random, adrg: int) -> None:
    """Leave ADRGs out until there is room for a few new ones; each MDC keeps one."""
    wanted = min(len(invented.adrgs), round(adrg * 0.94))
    kept = {*_KEPT, *_CARVED, *_OUTSIDE_OPERATIONS}
    others = [one.code for one in invented.adrgs if one.code not in kept]
    rng.shuffle(others)
    excess = len(invented.adrgs) - wanted
    for code in others:
        mdc = _mdc(invented, code[0])
        if excess > 0 and sum(one.kind in (SURGICAL, MEDICAL) for one in mdc.adrgs) > 1:
            mdc.adrgs = [one for one in mdc.adrgs if one.code != code]
            excess -= 1


def _joints(invented: Invented) -> None:
    """IC2: two different replacements. What was its own becomes part of IC3, which comes after it."""
    bones = _mdc(invented, "I")
    both = sorted({*invented.sets["OP_IC2"], *invented.sets["OP_IC3"]})
    invented.sets["OP_IC2"] = invented.sets["OP_IC3"] = both
    invented.sets["OP_IC3"] = list(both)
    for one in bones.adrgs:
        if one.code == "IC2":
            one.rule = "length(OP_IC2 ∩ {ZYSS, QTSS})>=2 and ZYSS in OP_IC2"
    order = {"IC2": 0, "IC1": 1, "IC3": 2}
    there = [n for n, one in enumerate(bones.adrgs) if one.code in order]
    sorted_ones = sorted((bones.adrgs[n] for n in there), key=lambda one: order[one.code])
    for n, one in zip(there, sorted_ones, strict=True):
        bones.adrgs[n] = one


def _combine(invented: Invented, rng: Random, adrg: int) -> None:
    """New ADRGs that ask for a principal operation and a second one anywhere; some old ones become such."""
    pairs = round(adrg * TWO_LISTS_PER_ADRG) - sum(one.rule.startswith("ZYSS in OP1_") for one in invented.adrgs)
    new = max(adrg - len(invented.adrgs), 0)
    most_sets = round(adrg * SETS_PER_ADRG)
    bases = [
        (mdc, one)
        for mdc in invented.mdcs[1:]
        for one in plain(invented, mdc)
        if len(invented.exclusive(mdc, one)) > 7 and len(plain(invented, mdc)) > 2 and one.code not in _KEPT
    ]
    rng.shuffle(bases)
    spare = max(pairs - new, 0)
    if len(bases) < new:
        raise ValueError(f"at most {len(invented.adrgs) + len(bases)} ADRGs can be invented")
    sets_left = [most_sets - len(_asked(invented)) - 2 * new - spare]
    for mdc, base in bases[:new]:
        code = _free_code(invented, base.code)
        invented.sets[f"OP1_{code}"] = sorted(invented.exclusive(mdc, base)[:36])
        made = InventedAdrg(code, f"{base.name}，联合其他手术", SURGICAL, "", rng.choice(("9", "9", "15", "35")))
        made.rule = f"ZYSS in OP1_{code} and {{ZYSS, QTSS}} in {_second(invented, mdc, code, rng, sets_left)}"
        mdc.adrgs.insert(mdc.adrgs.index(base), made)
    for mdc, base in sorted(bases[new:], key=lambda pair: len(invented.sets[f"OP_{pair[1].code}"]))[:spare]:
        invented.sets[f"OP1_{base.code}"], base.rule = invented.sets.pop(f"OP_{base.code}"), ""
        second = _second(invented, mdc, base.code, rng, sets_left)
        base.rule = f"ZYSS in OP1_{base.code} and {{ZYSS, QTSS}} in {second}"


def _free_code(invented: Invented, code: str) -> str:
    taken = {one.code for mdc in invented.mdcs for one in mdc.adrgs}
    for second in (code[1], *"ABCDEFGHJ"):
        for digit in "123456789":
            if code[0] + second + digit not in taken:
                return code[0] + second + digit
    raise ValueError(f"MDC {code[0]} has no free code")


def _second(invented: Invented, mdc: InventedMdc, code: str, rng: Random, sets_left: list[int]) -> str:
    """The set of the second operation: one of the same MDC that shares no code with the first, or a new one."""
    first = set(invented.sets[f"OP1_{code}"])
    if sets_left[0] < 0:
        for other in mdc.adrgs:
            name = f"OP2_{other.code}"
            if name in other.rule and first.isdisjoint(invented.sets[name]):
                sets_left[0] += 1
                return name
    others = [c for one in plain(invented, mdc) for c in invented.sets[f"OP_{one.code}"] if c not in first]
    others = sorted(set(others)) or [c for c in invented.sets["OP_ALL"] if c not in first]
    invented.sets[f"OP2_{code}"] = sorted(rng.sample(others, min(12, len(others))))
    return f"OP2_{code}"


def _grow(invented: Invented, rng: Random, drg: int) -> None:
    """Split groups, or join them again, until there are as many as asked."""
    steps = [one for one in invented.adrgs if one.code not in {*TIERS, *ROBOT_ADRGS} and one.code[0] != "P"]
    rng.shuffle(steps)
    there = sum(len(one.tiers) for one in invented.adrgs)
    for _ in range(3):
        for one in steps:
            if there < drg and one.tiers in _GROWS:
                one.tiers = rng.choice(_GROWS[one.tiers])
                there += 1
            elif there > drg and one.tiers in _SHRINKS:
                one.tiers = _SHRINKS[one.tiers]
                there -= 1
    if there != drg:
        raise ValueError(f"{drg} groups cannot be invented from {len(invented.adrgs)} ADRGs; {there} can")


def _asked(invented: Invented) -> set[str]:
    """Names of the sets that rules ask for, OP_ARB and DI_OBD among them."""
    rules = " ".join([*(m.rule for m in invented.mdcs), *(a.rule for m in invented.mdcs for a in m.adrgs)])
    words = {word.strip("(){},") for word in rules.replace("(", " ").replace(")", " ").split()}
    return {name for name in invented.sets if name in words} | {"OP_ARB", "DI_OBD"}


def _forget_sets(invented: Invented) -> None:
    asked = _asked(invented)
    invented.sets = {name: codes for name, codes in sorted(invented.sets.items()) if name in asked}
