"""Dirt in diagnosis and procedure codes."""

from __future__ import annotations

from drgengine.synth.exportcells import clear_slot, write_slot
from drgengine.synth.exportsoil import Planter, Soil
from drgengine.synth.exportstay import Stay, invented_title, needs_pathology

_BLANKS = (" {} ", "{}\u00a0", "\t{}", "{}\r\n", "\u3000{}")
_AFFIXES = ("诊断{}", "{}待查", "[{}]", "《{}》")
_SEPARATORS = (";", "；", "、", ",", "，", "|", " ", "/")


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in text)


def _any_code(soil: Soil, stay: Stay) -> tuple[str, int]:
    kinds = [kind for kind in ("dx", "proc") if stay.truth[kind]]
    kind = soil.pick(kinds)
    return kind, int(soil.rng.integers(len(stay.truth[kind])))


def _rewrite(soil: Soil, stay: Stay, rule: str, kind: str, at: int, raw: str) -> bool:
    code = stay.truth[kind][at]
    return raw != code and soil.put(stay, f"{kind}.code.{at}", raw, rule, code)


def _split(stay: Stay, soil: Soil) -> bool:
    return soil.layout.dialect == "hn041" and any("+" in code for code in stay.truth["dx"])


def blanks(soil: Soil, stay: Stay) -> bool:
    kind, at = _any_code(soil, stay)
    code = stay.cells[f"{kind}.code.{at}"]
    return not _split(stay, soil) and _rewrite(soil, stay, "code_blanks", kind, at, soil.pick(_BLANKS).format(code))


def full_width(soil: Soil, stay: Stay) -> bool:
    kind, at = _any_code(soil, stay)
    raw = _full_width(stay.truth[kind][at])
    return not _split(stay, soil) and _rewrite(soil, stay, "code_full_width", kind, at, raw)


def dagger(soil: Soil, stay: Stay) -> bool:
    at = _append_pair(soil, stay)
    return at > 0 and _rewrite(soil, stay, "code_dagger", "dx", at, stay.truth["dx"][at].replace("+", "†"))


def dagger_apart(soil: Soil, stay: Stay) -> bool:
    """Dagger and asterisk in two slots, one behind the other."""
    if soil.layout.dialect == "hn041":
        return False
    at = _append_pair(soil, stay)
    if at < 0 or at + 1 >= soil.layout.places("dx"):
        return False
    code = stay.truth["dx"][at]
    first, _, second = code.partition("+")
    stay.cells[f"dx.code.{at + 1}"] = second
    return _rewrite(soil, stay, "code_dagger_joined", "dx", at, first)


def lower_case(soil: Soil, stay: Stay) -> bool:
    at = int(soil.rng.integers(len(stay.truth["dx"])))
    code = stay.cells[f"dx.code.{at}"]
    return not _split(stay, soil) and _rewrite(soil, stay, "code_lower_case", "dx", at, code[0].lower() + code[1:])


def capital_x(soil: Soil, stay: Stay) -> bool:
    for kind in ("proc", "dx"):
        for at, code in enumerate(stay.truth[kind]):
            if "x" in code and "+" not in code:
                return _rewrite(soil, stay, "code_capital_x", kind, at, code.replace("x", "X"))
    return False


def affix(soil: Soil, stay: Stay) -> bool:
    at = int(soil.rng.integers(len(stay.truth["dx"])))
    raw = soil.pick(_AFFIXES).format(stay.truth["dx"][at])
    return not _split(stay, soil) and _rewrite(soil, stay, "code_affix", "dx", at, raw)


def swapped(soil: Soil, stay: Stay) -> bool:
    kind, at = _any_code(soil, stay)
    code = stay.truth[kind][at]
    if _split(stay, soil) or not soil.has(f"{kind}.name.{at}"):
        return False
    stay.cells[f"{kind}.name.{at}"] = code
    return _rewrite(soil, stay, "code_name_swapped", kind, at, invented_title(code))


def is_name(soil: Soil, stay: Stay) -> bool:
    at = int(soil.rng.integers(len(stay.truth["dx"])))
    if _split(stay, soil) or (at == 0 and _asks_more(stay)):
        return False
    title = invented_title(stay.truth["dx"][at])
    stay.truth["dx"][at] = title
    return soil.put(stay, f"dx.code.{at}", title, "code_is_name")


def several(soil: Soil, stay: Stay) -> bool:
    """The last two codes of a list in one cell."""
    kind = soil.pick([kind for kind in ("dx", "proc") if len(stay.truth[kind]) > 2] or [""])
    if not kind or _split(stay, soil):
        return False
    codes = stay.truth[kind]
    at = len(codes) - 2
    raw = soil.pick(_SEPARATORS).join(codes[at:])
    clear_slot(stay, kind, at + 1)
    # What stands beside the cell belongs to both codes.
    for name in ("dx_condition",) if kind == "dx" else ("proc_date", "proc_level"):
        stay.truth[name][at + 1] = stay.truth[name][at]
    return codes[at] != codes[at + 1] and soil.put(stay, f"{kind}.code.{at}", raw, "code_several", " ".join(codes[at:]))


def plus_ambiguous(soil: Soil, stay: Stay) -> bool:
    codes = stay.truth["dx"]
    if len(codes) < 3 or "+" in "".join(codes):
        return False
    raw = "+".join(codes[-2:])
    del codes[-1], stay.truth["dx_condition"][-1]
    codes[-1] = raw
    clear_slot(stay, "dx", len(codes))
    return soil.put(stay, f"dx.code.{len(codes) - 1}", raw, "code_plus_ambiguous")


def plus_separated(soil: Soil, stay: Stay) -> bool:
    """As plus_ambiguous, for a reader that is told that + separates."""
    codes = stay.truth["dx"]
    if len(codes) < 3 or "+" in "".join(codes):
        return False
    at = len(codes) - 2
    clear_slot(stay, "dx", at + 1)
    stay.truth["dx_condition"][at + 1] = stay.truth["dx_condition"][at]
    return soil.put(stay, f"dx.code.{at}", "+".join(codes[at:]), "code_plus_separated", " ".join(codes[at:]))


def dot_missing(soil: Soil, stay: Stay) -> bool:
    kind, at = _any_code(soil, stay)
    code = stay.truth[kind][at]
    raw = code.replace(".", "")
    alone = soil.without_dot[kind][raw] == 1 and raw not in soil.codes[kind] and "+" not in code
    return alone and code in soil.codes[kind] and _rewrite(soil, stay, "code_dot_missing", kind, at, raw)


def short(soil: Soil, stay: Stay) -> bool:
    kind, at = _any_code(soil, stay)
    code = stay.truth[kind][at]
    if "+" in code or (at == 0 and kind == "dx" and _asks_more(stay)):
        return False
    raw = code[: soil.pick((3, 5) if kind == "dx" else (5,))]
    if raw not in soil.beginnings[kind] or raw in stay.truth[kind]:
        return False
    stay.truth[kind][at] = raw
    return soil.put(stay, f"{kind}.code.{at}", raw, "code_short")


def hole(soil: Soil, stay: Stay) -> bool:
    """An empty slot before the end of a list; of procedures it may be the main one."""
    kind = soil.pick([kind for kind in ("dx", "proc") if len(stay.truth[kind]) > 1] or [""])
    if not kind or _split(stay, soil) or len(stay.truth[kind]) >= soil.layout.places(kind):
        return False
    at = int(soil.rng.integers(kind == "dx", len(stay.truth[kind])))
    for name in (kind, "dx_condition") if kind == "dx" else (kind, "proc_date", "proc_level"):
        stay.truth[name].insert(at, "" if name == kind else None)
    for slot in range(at, len(stay.truth[kind])):
        write_slot(stay, kind, slot, slot)
    return soil.put(stay, f"{kind}.code.{at}", "", "code_hole")


def filler(soil: Soil, stay: Stay) -> bool:
    """A filler in the slot behind the last code."""
    kind = soil.pick(("dx", "proc"))
    at = len(stay.truth[kind])
    if at >= soil.layout.places(kind):
        return False
    return soil.fill(stay, f"{kind}.code.{at}", soil.pick(("-", "--", "—", "/", "\\", "null", "NULL")))


def principal_missing(soil: Soil, stay: Stay) -> bool:
    if _split(stay, soil) or _asks_more(stay):
        return False
    clear_slot(stay, "dx", 0)
    alone = len(stay.truth["dx"]) == 1
    stay.truth["dx"][:1], stay.truth["dx_condition"][:1] = ([], []) if alone else ([""], [None])
    return soil.put(stay, "dx.code.0", "", "principal_missing")


def principal_repeated(soil: Soil, stay: Stay) -> bool:
    at = _append(soil, stay, stay.truth["dx"][0])
    return at > 0 and soil.put(stay, f"dx.code.{at}", stay.truth["dx"][0], "principal_repeated")


def procedure_repeated(soil: Soil, stay: Stay) -> bool:
    truth = stay.truth
    at = len(truth["proc"])
    if at == 0 or at >= soil.layout.places("proc"):
        return False
    for name in ("proc", "proc_date", "proc_level"):
        truth[name].append(truth[name][0])
    write_slot(stay, "proc", at, at)
    return soil.put(stay, f"proc.code.{at}", truth["proc"][0], "procedure_repeated")


def morphology(soil: Soil, stay: Stay) -> bool:
    """A code of morphology behind a diagnosis, which is no asterisk code and stays where it is."""
    return _append(soil, stay, "M81400/3") > 0


def _append(soil: Soil, stay: Stay, code: str) -> int:
    at = len(stay.truth["dx"])
    if at >= soil.layout.places("dx") or _split(stay, soil) or ("+" in code and soil.layout.dialect == "hn041"):
        return -1
    stay.truth["dx"].append(code)
    stay.truth["dx_condition"].append(soil.pick("1234"))
    write_slot(stay, "dx", at, at)
    return at


def _append_pair(soil: Soil, stay: Stay) -> int:
    # Pairs of these categories fit any sex and age.
    return _append(
        soil, stay, soil.pick([code for code in soil.pairs if code.startswith(("A17", "B00", "B02", "E85"))])
    )


def _asks_more(stay: Stay) -> bool:
    """Whether the principal diagnosis asks for a further code, so that changing it would provoke more."""
    principal = stay.truth["dx"][0]
    return needs_pathology(principal) or principal[0] in "ST"


PLANTERS: dict[str, Planter] = {
    "code_blanks": blanks,
    "code_full_width": full_width,
    "code_dagger": dagger,
    "code_dagger_apart": dagger_apart,
    "code_lower_case": lower_case,
    "code_capital_x": capital_x,
    "code_affix": affix,
    "code_name_swapped": swapped,
    "code_is_name": is_name,
    "code_several": several,
    "code_plus": plus_ambiguous,
    "code_plus_separator": plus_separated,
    "code_dot_missing": dot_missing,
    "code_short": short,
    "code_hole": hole,
    "code_filler": filler,
    "code_of_morphology": morphology,
    "principal_missing": principal_missing,
    "principal_repeated": principal_repeated,
    "procedure_repeated": procedure_repeated,
}
