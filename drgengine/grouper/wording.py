"""Facts of a decision in words, Chinese or English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from drgengine.errors import DrgEngineError
from drgengine.grouper.conditions import (
    PROCEDURE_SCOPES,
    All,
    AnyOf,
    Compare,
    Constant,
    Department,
    Has,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
    Severity,
    StartsWith,
)
from drgengine.grouper.reference import Case, Finding
from drgengine.grouper.scheme import OPERATIONS, Scheme

DATA = Path(__file__).parent.parent / "data"
LANGUAGES = ("en", "zh")
_MANY = ("sdx", "any_dx", "any_proc", "other_proc")


@cache
def _data(name: str) -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


def phrases(language: str) -> Mapping[str, str]:
    """The words of a language. Raises DrgEngineError for a language there is none of."""
    if language not in LANGUAGES:
        raise DrgEngineError(f"language {language!r}", "there are no words for it", f"Use {' or '.join(LANGUAGES)}")
    return _data("phrases.toml")[language]


def reason_text(reason: str, language: str) -> tuple[str, str]:
    """What a reason code means and what to do about it.

    >>> reason_text("age_missing", "en")
    ('age is missing or not credible', 'Record the age in years')
    """
    entry = _data("reasons.toml")[reason]
    return entry[language], entry[f"{language}_remedy"]


class Wording:
    """Turns findings about one case under one scheme into sentences of one language."""

    def __init__(self, scheme: Scheme, case: Case, language: str, names: Mapping[str, str]) -> None:
        self.scheme, self.case, self.names, self.language = scheme, case, names, language
        self.words = phrases(language)

    def code(self, code: str) -> str:
        """A code with its name, where one is known."""
        if not code:
            return self.words["empty"]
        return f"{code} {self.names[code]}" if code in self.names else code

    def fact(self, finding: Finding, *, many: bool = False) -> str:
        """Why a condition holds, or why it does not: only the facts that decided it.

        many : speak of the lists of several rules at once, without the name of this one
        """
        return self.words["joint"].join(dict.fromkeys(self._facts(finding, many)))

    def _facts(self, finding: Finding, many: bool) -> list[str]:
        condition, parts = finding.condition, finding.parts
        if isinstance(condition, All | AnyOf):
            decided_early = isinstance(condition, AnyOf) is finding.holds
            chosen = parts[-1:] if decided_early else parts
            return [fact for part in chosen for fact in self._facts(part, many)]
        if isinstance(condition, Not):
            return self._facts(parts[0], many)
        return [self._atom(finding, many)]

    def _atom(self, finding: Finding, many: bool) -> str:
        atom, holds = finding.condition, finding.holds
        end = "yes" if holds else "no"
        match atom:
            case Constant():
                return self.words["always_" + end]
            case InList() | InCodes():
                return self._listed(atom, finding, many)
            case StartsWith(scope, prefixes):
                texts = {
                    "prefixes": self.words["comma"].join(prefixes),
                    "codes": self.words["comma"].join(finding.evidence),
                }
                return self.words["starts_" + end].format(scope=self.words[scope], **texts)
            case Has(scope):
                return self.words["has_" + end].format(scope=self.words[scope])
            case Severity(level):
                return self.words[f"{level}_{end}"].format(codes=self.words["comma"].join(finding.evidence))
            case Department(value):
                return self.words["department_" + end].format(value=value)
            case Known(name):
                return self.words["known_" + end].format(name=self.words[name])
            case OneOf(name, values):
                listed = self.words["comma"].join(f"{value:g}" for value in values)
                have = finding.evidence[0] if finding.evidence else self.words["none"]
                return self.words["one_of_" + end].format(name=self.words[name], have=have, values=listed)
            case Compare():
                return self._compared(atom, finding, end)
        raise TypeError(f"not a condition: {atom!r}")

    def _listed(self, atom: InList | InCodes, finding: Finding, many: bool) -> str:
        scope = self.words[atom.scope]
        if not finding.evidence:
            return self.words.get(f"nothing_{atom.scope}", self.words["in_nothing"]).format(scope=scope)
        codes = self.words["comma"].join(finding.evidence)
        ending = "_no_all" if atom.scope in _MANY else "_no"
        if isinstance(atom, InList) and atom.list == OPERATIONS:
            return self.words["operation" + ("_yes" if finding.holds else ending)].format(scope=scope, codes=codes)
        texts = {"scope": scope, "codes": codes, "list": self._list_name(atom, many)}
        return self.words["in" + ("_yes" if finding.holds else ending)].format(**texts)

    def _list_name(self, atom: InList | InCodes, many: bool) -> str:
        if isinstance(atom, InCodes):
            return self.words["codes_list"].format(codes=", ".join(atom.codes))
        owner, _, role = atom.list.rpartition(".")
        if not owner:
            return self.words["list_shared"].format(owner=role)
        kind = "proc" if atom.scope in PROCEDURE_SCOPES else "dx"
        if many:
            return self.words[f"list_{kind}_many"]
        if owner.startswith("MDC"):
            return self.words["list_mdc"].format(owner=owner.removeprefix("MDC"))
        key = f"list_{kind}" if role == kind else f"list_{kind}_other"
        return self.words[key].format(owner=owner, role=role)

    def _compared(self, atom: Compare, finding: Finding, end: str) -> str:
        if atom.name == "sex":
            have = {1: "male", 2: "female"}.get(self.case.sex, "sex_unknown")
            return self.words["sex_" + end].format(have=self.words[have])
        if not finding.evidence:
            return self.words["compare_missing"].format(name=self.words[atom.name])
        numbers = {"have": finding.evidence[0], "op": _SIGN.get(atom.op, atom.op), "value": f"{atom.value:g}"}
        if atom.name == "trauma_sites":
            found = dict.fromkeys(site for code in self.case.dx for site in self.scheme.sites.holding(code))
            english = self.scheme.site_names if self.language == "en" else {}
            regions = self.words["comma"].join(english.get(site, site) for site in found) or self.words["none"]
            return self.words["sites_" + end].format(regions=regions, **numbers)
        return self.words["compare_" + end].format(name=self.words[atom.name], **numbers)


_SIGN = {"<=": "≤", ">=": "≥", "==": "="}
