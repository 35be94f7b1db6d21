"""Facts of a decision in words, Chinese or English."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from drgengine.errors import DrgEngineError
from drgengine.grouper.conditions import (
    NUMBERS,
    PROCEDURE_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
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
from drgengine.grouper.reference import Case, Finding, Step
from drgengine.grouper.scheme import OPERATIONS, SHARED, Scheme

DATA = Path(__file__).parent.parent / "data"
LANGUAGES = ("en", "zh")
_MANY = ("sdx", "any_dx", "any_proc", "other_proc")
_ROLE = re.compile(r"(?:dx|proc)(?P<group>/?)(?P<number>[1-9][0-9]?)")
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_OPERATORS = {"<": "less", "<=": "at_most", ">": "more", ">=": "at_least", "==": "equal", "!=": "not_equal"}


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


def plain(value: float) -> int | float:
    """A number without a fraction that says nothing.

    >>> plain(50.0), plain(0.5)
    (50, 0.5)
    """
    return int(value) if float(value).is_integer() else value


class Wording:
    """Turns findings about one case under one scheme into sentences of one language."""

    def __init__(self, scheme: Scheme, case: Case, language: str, names: Mapping[str, str]) -> None:
        self.scheme, self.case, self.names, self.language = scheme, case, names, language
        self.words = phrases(language)

    def code(self, code: str) -> str:
        """A code with its name, where one is known."""
        return f"{code} {self.names.get(code, '')}".strip() if code else self.words["empty"]

    def listed(self, items: Iterator[str] | list[str] | tuple[str, ...]) -> str:
        """Several items in a row."""
        return self.words["comma"].join(items)

    def counted(self, key: str, value: float) -> str:
        """A number with its unit, singular where it is one."""
        number = plain(value)
        return self.words.get(f"{key}_one" if number == 1 else key, self.words[key]).format(value=number)

    def step(self, step: Step, *, many: bool = False) -> str:
        """The fact of a step of the path; the last of several groups takes what the others left."""
        if step.group is not None and step.rule is not None and step.finding.condition == Constant(True):
            return self.words["always_yes" if step.group is step.rule.groups[0] else "residual"]
        return self.fact(step.finding, many=many)

    def fact(self, finding: Finding, *, many: bool = False, but_severity: bool = False) -> str:
        """Why a condition holds, or why it does not: only the facts that decided it.

        many : speak of the lists of several rules at once, without the name of this one
        but_severity : leave out what was found about MCC and CC
        """
        leaves = [leaf for leaf in deciding(finding) if not (but_severity and isinstance(leaf[0].condition, Severity))]
        together: dict[str, list[Compare]] = {}
        for leaf, negated in leaves:
            asked = _asked(leaf.condition, negated)
            if asked is not None and leaf.holds is not negated:
                together.setdefault(asked.name, []).append(asked)
        shown = [
            self._leaf(leaf, negated, many, together)
            for leaf, negated in leaves
            if not (isinstance(leaf.condition, Known) and leaf.condition.name in together)
        ]
        return self.words["joint"].join(dict.fromkeys(shown))

    def _leaf(self, finding: Finding, negated: bool, many: bool, together: Mapping[str, list[Compare]]) -> str:
        atom, words = finding.condition, self.words
        end = "yes" if finding.holds else "no"
        match atom:
            case Constant():
                return words["always_" + end]
            case InList() | InCodes():
                return self._in_list(atom, finding, many)
            case StartsWith(scope, prefixes):
                quoted = self.listed([words["quoted"].format(text=prefix) for prefix in prefixes])
                texts = {"prefixes": quoted, "codes": self.listed(finding.evidence)}
                return words["starts_" + end].format(scope=words[scope], **texts)
            case Count(scope, _, op, value):
                asked = words["bound_" + _OPERATORS[_OPPOSITE[op] if negated else op]].format(value=plain(value))
                n = len(finding.evidence)
                codes = words["counted_codes"].format(codes=self.listed(finding.evidence)) if n else ""
                texts = {"scope": words[scope], "list": self.list_name(atom, many=many), "codes": codes}
                return words["count"].format(**texts, n=n, asked=asked)
            case Has(scope):
                return words["has_" + end].format(scope=words[scope])
            case Severity(level):
                return words[f"{level}_{end}"].format(codes=self.listed(finding.evidence))
            case Department(value):
                return words["department_" + end].format(value=value)
            case Known(name):
                return words["known_" + end].format(name=words[name])
            case OneOf(name, values):
                texts = {"name": words[name], "values": self.listed([str(plain(value)) for value in values])}
                return words["one_of_" + end].format(have=self._have(name) or words["none"], **texts)
            case Compare():
                return self._compared(atom, finding.holds, negated, together)
        raise TypeError(f"not a condition: {atom!r}")

    def _in_list(self, atom: InList | InCodes, finding: Finding, many: bool) -> str:
        scope = self.words[atom.scope]
        if not finding.evidence:
            return self.words.get(f"nothing_{atom.scope}", self.words["in_nothing"]).format(scope=scope)
        codes = self.listed(finding.evidence)
        ending = "_no_all" if atom.scope in _MANY else "_no"
        if isinstance(atom, InList) and atom.list == OPERATIONS:
            return self.words["operation" + ("_yes" if finding.holds else ending)].format(scope=scope, codes=codes)
        texts = {"scope": scope, "codes": codes, "list": self.list_name(atom, many=many)}
        return self.words["in" + ("_yes" if finding.holds else ending)].format(**texts)

    def list_name(self, atom: InList | InCodes | Count, *, many: bool = False) -> str:
        """The list a condition asks for, as it stands in a sentence."""
        words = self.words
        if isinstance(atom, InCodes):
            return words["codes_list"].format(codes=self.listed(atom.codes))
        owner, _, role = atom.list.rpartition(".")
        kind = "proc" if atom.scope in PROCEDURE_SCOPES else "dx"
        if many and atom.list not in SHARED:
            return words[f"list_{kind}_many"]
        if not owner:
            return words["list_shared"].format(owner=role)
        owner = words["mdc_owner"].format(mdc=owner.removeprefix("MDC")) if owner.startswith("MDC") else owner
        numbered = _ROLE.fullmatch(role)
        if role in ("dx", "proc", "dx_sec"):
            return words[f"list_{role}"].format(owner=owner)
        if numbered is None:
            return words[f"list_{kind}_other"].format(owner=owner, role=role)
        if numbered["group"]:
            return words[f"list_{kind}_group"].format(owner=owner, number=numbered["number"])
        number = str(int(numbered["number"]) + 1)
        return words[f"list_{kind}_next"].format(owner=owner, number=words.get(f"ordinal_{number}", number))

    def _have(self, name: str) -> str:
        return self.counted(f"{name}_have", self.case.numbers[name]) if name in self.case.numbers else ""

    def _compared(self, atom: Compare, holds: bool, negated: bool, together: Mapping[str, list[Compare]]) -> str:
        met = holds is not negated
        if atom.name == "sex":
            have = {1: "male", 2: "female"}.get(self.case.sex, "sex_unknown")
            return self.words["sex_yes" if met else "sex_no"].format(have=self.words[have])
        asked = _asked(atom, negated)
        if atom.name == "trauma_sites" or asked is None:
            return self._regions(_OPPOSITE[atom.op] if negated else atom.op, atom.value)
        have = self._have(atom.name)
        if not have:
            return self.words["compare_missing"].format(name=self.words[atom.name])
        bounds = together.get(atom.name, []) if met else [asked]
        # That a weight is there at all is said by its number.
        bounds = [b for b in bounds if (b.op, b.value) != (">", 0)] or bounds
        texts = [self._bound(bound) for bound in dict.fromkeys(bounds) if not (met and bound.op == "==")]
        form = "compare_yes" if met else "compare_no"
        return self.words[form].format(have=have, bounds=self.listed(texts)) if texts else have

    def _bound(self, bound: Compare) -> str:
        value = self.words.get(f"{bound.name}_bound", "{value}").format(value=plain(bound.value))
        return self.words["bound_" + _OPERATORS[bound.op]].format(value=value)

    def _regions(self, op: str, value: float) -> str:
        """The injured body regions, each with its codes."""
        found: dict[str, list[str]] = {}
        for code in dict.fromkeys(self.case.dx):
            for site in self.scheme.sites.holding(code):
                found.setdefault(site, []).append(code)
        english = self.scheme.site_names if self.language == "en" else {}
        regions = [
            self.words["region"].format(region=english.get(site, site), codes=self.listed(codes))
            for site, codes in found.items()
        ]
        asked = self.words["sites_" + _OPERATORS[op]].format(value=plain(value))
        text = self.counted("sites", len(found)) + self.words["sites_asked"].format(asked=asked)
        return text + (self.words["sites_found"].format(regions=self.listed(regions)) if regions else "")


def deciding(finding: Finding, negated: bool = False) -> Iterator[tuple[Finding, bool]]:
    """The atoms that decided a condition, each with whether it stands behind a `not`."""
    condition, parts = finding.condition, finding.parts
    if isinstance(condition, All | AnyOf):
        decided_early = isinstance(condition, AnyOf) is finding.holds
        for part in parts[-1:] if decided_early else parts:
            yield from deciding(part, negated)
    elif isinstance(condition, Not):
        yield from deciding(parts[0], not negated)
    else:
        yield finding, negated


def _asked(condition: Condition, negated: bool) -> Compare | None:
    """A comparison of a number as the rule means it, a `not` before it taken in."""
    if not isinstance(condition, Compare) or condition.name not in NUMBERS:
        return None
    return Compare(condition.name, _OPPOSITE[condition.op], condition.value) if negated else condition
