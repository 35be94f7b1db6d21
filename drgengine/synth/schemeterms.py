"""What a scheme says in the terms of a configuration workbook: its conditions, sets, variables and edition file."""

from __future__ import annotations

import json
import re
from itertools import combinations

from drgengine.grouper.conditions import (
    DIAGNOSIS_SCOPES,
    PROCEDURE_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
)
from drgengine.grouper.implication import simplify
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.scheme import CHECKS, OPERATIONS, Scheme
from drgengine.grouper.workbook.ruletext import VARIABLES

_OWN_VARIABLES = {
    "admission_weight_g": "RYTZ",
    "los_days": "ZYTS",
    "icu_hours": "ICU",
    "ventilator_hours": "HXJ",
    "discharge_disposition": "LYFS",
}
_OPERATION_SET = "OP_ALL"


class Terms:
    """Turns conditions of a scheme into such as the rule language can say and gives its lists the names of sets.

    own_variables : whether an edition file may name the variables; XSRTZ is then the birth weight where a rule asks
        for it
    """

    def __init__(self, scheme: Scheme, lists: ListedCodes, *, own_variables: bool) -> None:
        self.scheme, self.lists = scheme, lists
        self.variables = dict(VARIABLES)
        if own_variables:
            self.variables = {name: fact for name, fact in VARIABLES.items() if name != "XSRTZ"}
            self.variables |= {"XSRTZ": "birth_weight_g"} | {name: fact for fact, name in _OWN_VARIABLES.items()}
        self._sets: dict[str, list[str]] = {_OPERATION_SET: lists.codes(OPERATIONS)}
        self._names: dict[str, str] = {OPERATIONS: _OPERATION_SET}

    def sets(self) -> dict[str, list[str]]:
        """Set -> codes of every list that a condition asked for, and the operations."""
        return {name: codes for name, codes in sorted(self._sets.items()) if codes}

    def said(self, condition: Condition) -> Condition:
        """The same condition without what the workbook says elsewhere or otherwise."""
        return simplify(self._said(simplify(condition)))

    def _said(self, condition: Condition) -> Condition:
        match condition:
            case All(parts):
                return All(tuple(self._said(part) for part in parts))
            case AnyOf(parts):
                return AnyOf(tuple(self._said(part) for part in parts))
            case Not(part):
                return Not(self._said(part))
            case InList(scope, name):
                return InList(scope, self._set(scope, name)) if self.lists.codes(name) else Constant(False)
            case Count(scope, name, op, value):
                return Count(scope, self._set(scope, name), op, value)
            case InCodes(scope, codes):
                return self._codes(condition, scope, codes)
            case Known(name):
                return Compare(name, ">", 0) if name.endswith("weight_g") else Compare(name, ">=", 0)
            case OneOf(name, values):
                return AnyOf(tuple(Compare(name, "==", value) for value in values))
            case Compare("trauma_sites", op, value):
                return self._sites(op, value)
        return condition

    def _set(self, scope: str, name: str) -> str:
        """The set that stands for a list: `BB1.dx` is DI_BB1, further lists of the same owner DI1_BB1, DI2_BB1."""
        if name not in self._names:
            owner = re.sub(r"\W", "_", name.partition(".")[0].upper()) or "X"
            self._names[name] = self._free(scope, owner, self.lists.codes(name))
        return self._names[name]

    def _free(self, scope: str, owner: str, codes: list[str]) -> str:
        kind = "OP" if scope in PROCEDURE_SCOPES else "DI"
        at = 0
        while (name := f"{kind}{at or ''}_{owner}") in self._sets:
            at += 1
        self._sets[name] = codes
        return name

    def _codes(self, atom: InCodes, scope: str, codes: tuple[str, ...]) -> Condition:
        """A set of its own for codes that stand in the rule; the edition's codes are all that can match."""
        known = (self.scheme.diagnoses if scope in DIAGNOSIS_SCOPES else self.scheme.procedures).known
        held = sorted(set(codes) & known)
        if not held:
            return Constant(False)
        key = f"{{{scope[-2:]} {' '.join(held)}}}"
        if key not in self._names:
            self._names[key] = self._free(scope, "CODES", held)
        return InList(scope, self._names[key])

    def _sites(self, op: str, value: float) -> Condition:
        """Numbers of injured regions as pairs (triples, ...) of sets that any diagnosis hits."""
        least = {">=": value, ">": value + 1, "<": value, "<=": value + 1, "==": value}[op]
        if least != int(least):
            least = int(least) + 1 if op != "==" else -1
        if op == "==":
            one_more = self._sites(">=", value + 1)
            return All((self._sites(">=", value), Not(one_more))) if least >= 0 else Constant(False)
        reached = self._at_least(int(least))
        return reached if op in (">=", ">") else Not(reached)

    def _at_least(self, count: int) -> Condition:
        if count <= 0:
            return Constant(True)
        regions = [name for name in self.scheme.diagnosis_patterns if name.startswith("site.")]
        atoms = []
        for at, region in enumerate(regions, 1):
            if self.lists.codes(region):
                if region not in self._names:
                    self._names[region] = self._free("any_dx", f"SITE{at:02}", self.lists.codes(region))
                atoms.append(InList("any_dx", self._names[region]))
        together = tuple(All(chosen) if count > 1 else chosen[0] for chosen in combinations(atoms, count))
        return AnyOf(together) if together else Constant(False)


def edition_text(scheme: Scheme, terms: Terms) -> str:
    """The edition file (TOML) that makes an importer take the workbook as the scheme means it."""
    identity = scheme.identity
    lines = [f"# How to take the configuration workbook written from the scheme {scheme.id}.", "", "[identity]"]
    lines += [f"id = {_toml(identity.id)}", f"version = {_toml(identity.version)}"]
    for key, texts in (("title", identity.title), ("authority", identity.authority)):
        lines.append(f"{key} = {{ zh = {_toml(texts.get('zh', ''))}, en = {_toml(texts.get('en', ''))} }}")
    lines += [f"{key} = {_toml(text)}" for key in ("published", "note") if (text := getattr(identity, key))]
    for key in ("effective_from", "effective_to"):
        if getattr(identity, key) is not None:
            lines.append(f"{key} = {getattr(identity, key).isoformat()}")
    lines += ["", "[editions]", f"diagnosis = {_toml(scheme.diagnoses.name)}"]
    lines += [f"procedure = {_toml(scheme.procedures.name)}", "", "[options]"]
    lines += [f"retry_each_other_procedure = {_toml(scheme.retry_each_other_procedure)}"]
    if scheme.checks != CHECKS:
        lines.append(f"checks = {_toml(list(scheme.checks))}")
    if scheme.refused_principals:
        lines.append(f"refused_principals = {_toml(list(scheme.refused_principals))}")
    if scheme.day_age_of_infants_only:
        lines.append("day_age_of_infants_only = true")
    lines += ["", "[codes]", f"ungrouped_drg = {_toml(scheme.ungroupable)}"]
    for key, kind in (("fallback_adrg", "fallback"), ("ambiguous_adrg", "ambiguous")):
        codes = list(dict.fromkeys(rule.adrg for _, rule in scheme.rules if rule.kind == kind))
        if codes:
            lines.append(f"{key} = {_toml('|'.join(map(re.escape, codes)))}")
    lines += ["", "[variables]", *(f"{name} = {_toml(fact)}" for name, fact in terms.variables.items())]
    lines += ["", "[sets]", f"operations = {_toml(_OPERATION_SET)}", "", "[repairs]"]
    lines.append("operation_test_before_ambiguous = false")
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
