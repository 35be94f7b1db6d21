"""The grouper as the manual prints it: texts, lists and plain loops. Slow, readable, and the kernel's judge.

It shares nothing with the compiled form but the Scheme itself. Explanations are made from what it finds.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from drgengine.grouper.conditions import (
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
    atoms,
)
from drgengine.grouper.scheme import NOT_FOR_GROUPING, Group, Mdc, Rule, Scheme

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
_WEIGHTS = ("birth_weight_g", "admission_weight_g")


@dataclass(frozen=True, slots=True)
class Case:
    """One discharge. dx and proc keep their places; an empty text is a code that is missing there.

    sex : 1 male, 2 female, 0 unknown
    numbers : age_years, age_days, birth_weight_g, los_days, ... ; a missing fact is absent
    """

    dx: tuple[str, ...]
    proc: tuple[str, ...] = ()
    sex: int = 0
    numbers: Mapping[str, float] = field(default_factory=dict)
    department: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a condition holds, and the facts that decided it (codes, or a value)."""

    condition: Condition
    holds: bool
    evidence: tuple[str, ...] = ()
    parts: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class SeverityFact:
    """A secondary diagnosis of a severity list, and the exclusion list that cancels it, if it is cancelled."""

    code: str
    level: str
    exclusion: str
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One look at an MDC gate (rule None), a rule (group None) or a group."""

    mdc: Mdc
    rule: Rule | None
    group: Group | None
    finding: Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one case and the way to it.

    status : grouped, ambiguous, ungroupable or invalid; mdc, adrg, drg, severity, reason as in the result columns
    checks : all checks that an invalid record fails (reason is the first)
    steps : everything looked at, in order; retried : the procedure that was taken as the only one, if any
    """

    status: str
    mdc: str | None
    adrg: str | None
    drg: str | None
    severity: str | None
    reason: str | None
    checks: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    severity_facts: tuple[SeverityFact, ...] = ()
    retried: str | None = None


def failed_checks(scheme: Scheme, case: Case) -> tuple[str, ...]:
    """The checks of the scheme that a record fails, in order."""
    years, days = case.numbers.get("age_years"), case.numbers.get("age_days")
    infant = years is not None and years < 1
    failed = {
        "sex_invalid": case.sex not in (1, 2),
        "age_missing": years is None,
        "age_days_missing": infant and days is None,
        "newborn_weight_missing": infant and days is not None and days <= 28 and not case.numbers.get("birth_weight_g"),
        "principal_diagnosis_missing": not case.dx or not case.dx[0],
    }
    return tuple(check for check, fails in failed.items() if fails and check in scheme.checks)


def as_asked(scheme: Scheme, case: Case) -> Case:
    """The case as the rules see it: procedures that are not for grouping leave an empty place, days of infants only."""
    left_out = scheme.lists.get(NOT_FOR_GROUPING, ())
    proc = tuple("" if code in left_out else code for code in case.proc)
    numbers = dict(case.numbers)
    if scheme.day_age_of_infants_only and "age_days" in numbers:
        if "age_years" not in numbers and 0 <= numbers["age_days"] < 366:
            numbers["age_years"] = 0
        if numbers.get("age_years", 0) >= 1:
            del numbers["age_days"]
    return replace(case, proc=proc, numbers=numbers)


def severity_facts(scheme: Scheme, case: Case) -> tuple[SeverityFact, ...]:
    """The secondary diagnoses that stand in a severity list, cancelled or not, in the order of the record."""
    cancelling = scheme.excluded.holding(case.dx[0])
    facts: list[SeverityFact] = []
    for code in case.dx[1:]:
        for level, family in (("mcc", scheme.mcc), ("cc", scheme.cc)):
            facts += [SeverityFact(code, level, number, number in cancelling) for number in family.holding(code)]
    return tuple(facts)


def decide(scheme: Scheme, case: Case) -> Decision:
    """Group one case under a scheme. Returns a Decision; never raises on a case."""
    case = as_asked(scheme, case)
    checks = failed_checks(scheme, case)
    if checks:
        return Decision("invalid", None, None, None, None, checks[0], checks=checks)
    look = _Look(scheme, case)
    refusal = _refusal(scheme, case.dx[0])
    if refusal is not None:
        return Decision("ungroupable", None, None, scheme.ungroupable, None, refusal, (), (), look.severity, None)
    found = look.group()
    retried: str | None = None
    if found is None and scheme.retry_each_other_procedure:
        for procedure in filter(None, case.proc[1:]):
            look = _Look(scheme, Case(case.dx, (procedure,), case.sex, case.numbers, case.department), look.steps)
            found = look.group()
            if found is not None:
                retried = procedure
                break
    facts, steps = look.severity, tuple(look.steps)
    if found is None:
        why = _why_ungroupable(scheme, case)
        return Decision("ungroupable", None, None, scheme.ungroupable, None, why, (), steps, facts, None)
    mdc, rule, adrg, drg, status = found
    if rule.kind == "fallback":
        return Decision(
            "ungroupable", None, None, scheme.ungroupable, None, "fallback_group", (), steps, facts, retried
        )
    reason = "operation_outside_mdc" if status == "ambiguous" else None
    severity = look.severity_word() if _asks_severity(rule) else None
    return Decision(status, mdc.code, adrg, drg, severity, reason, (), steps, facts, retried)


def evaluate(scheme: Scheme, case: Case, condition: Condition) -> Finding:
    """Whether one condition holds for a case, and by which facts."""
    return _Look(scheme, case).evaluate(condition)


def _refusal(scheme: Scheme, principal: str) -> str | None:
    """The reason for which the scheme refuses a principal diagnosis, None when it does not."""
    if "unknown" in scheme.refused_principals and principal not in scheme.diagnoses.known:
        return "principal_diagnosis_unknown"
    if "not_allowed" in scheme.refused_principals and principal in scheme.lists["not_principal"]:
        return "principal_diagnosis_not_allowed"
    return None


def _asks_severity(rule: Rule) -> bool:
    return any(isinstance(atom, Severity) for group in rule.groups for atom in atoms(group.when))


def _why_ungroupable(scheme: Scheme, case: Case) -> str:
    principal = case.dx[0]
    if principal not in scheme.diagnoses.known:
        return "principal_diagnosis_unknown"
    if principal in scheme.lists["not_principal"]:
        return "principal_diagnosis_not_allowed"
    look = _Look(scheme, Case((principal,)))
    listing = [
        mdc
        for mdc in scheme.mdcs
        if any(
            look.evaluate(atom).holds
            for atom in atoms(mdc.gate)
            if isinstance(atom, InList | InCodes | StartsWith) and atom.scope in ("pdx", "any_dx")
        )
    ]
    if not listing:
        return "principal_diagnosis_in_no_mdc"
    if not any(_Look(scheme, case).evaluate(mdc.gate).holds for mdc in listing):
        return "mdc_condition_not_met"
    return "no_rule_matched"


class _Look:
    """One pass over a scheme with one case."""

    def __init__(self, scheme: Scheme, case: Case, steps: list[Step] | None = None) -> None:
        self.scheme = scheme
        self.case = as_asked(scheme, case)
        self.steps: list[Step] = steps if steps is not None else []
        self.severity = severity_facts(scheme, case)

    def group(self) -> tuple[Mdc, Rule, str, str, str] | None:
        """(MDC, rule, ADRG, DRG, status) of the first rule that gives an answer."""
        for mdc in self.scheme.mdcs:
            if not self.step(mdc, None, None, mdc.gate):
                continue
            for rule in mdc.rules:
                if not self.step(mdc, rule, None, rule.when):
                    continue
                for group in rule.groups:
                    if self.step(mdc, rule, group, group.when):
                        return mdc, rule, rule.adrg, group.drg, "grouped"
                if rule.otherwise == "ambiguous":
                    return mdc, rule, rule.adrg, rule.adrg, "ambiguous"
                if rule.otherwise != "next":
                    return mdc, rule, rule.otherwise, rule.otherwise, "grouped"
        return None

    def step(self, mdc: Mdc, rule: Rule | None, group: Group | None, condition: Condition) -> bool:
        finding = self.evaluate(condition)
        self.steps.append(Step(mdc, rule, group, finding))
        return finding.holds

    def severity_word(self) -> str:
        levels = {fact.level for fact in self.severity if not fact.cancelled}
        return "MCC" if "mcc" in levels else "CC" if "cc" in levels else "none"

    def evaluate(self, condition: Condition) -> Finding:
        """Whether a condition holds. AND stops at the first part that fails, OR at the first that holds."""
        if isinstance(condition, All | AnyOf):
            parts = []
            wanted = isinstance(condition, AnyOf)
            for part in condition.parts:
                parts.append(self.evaluate(part))
                if parts[-1].holds is wanted:
                    return Finding(condition, wanted, parts=tuple(parts))
            return Finding(condition, not wanted, parts=tuple(parts))
        if isinstance(condition, Not):
            inner = self.evaluate(condition.part)
            return Finding(condition, not inner.holds, parts=(inner,))
        holds, evidence = self.atom(condition)
        return Finding(condition, holds, evidence)

    def atom(self, atom: Condition) -> tuple[bool, tuple[str, ...]]:
        match atom:
            case Constant(value):
                return value, ()
            case InList(scope, name):
                return self.hits([c for c in self.scope(scope) if c in self.scheme.lists[name]], scope)
            case InCodes(scope, codes):
                known = (self.scheme.procedures if "proc" in scope else self.scheme.diagnoses).known
                return self.hits([c for c in self.scope(scope) if c in codes and c in known], scope)
            case StartsWith(scope, prefixes):
                return self.hits([c for c in self.scope(scope) if c.startswith(prefixes)], scope)
            case Count(scope, name, op, value):
                found = tuple(dict.fromkeys(c for c in self.scope(scope) if c in self.scheme.lists[name]))
                return _COMPARE[op](len(found), value), found
            case Has(scope):
                return self.hits([c for c in self.scope(scope) if c], scope)
            case Severity(level):
                counted = [f.code for f in self.severity if f.level == level and not f.cancelled]
                return bool(counted), tuple(dict.fromkeys(counted))
            case Department(value):
                return self.case.department == value, (self.case.department,)
            case Known(name):
                have = self.case.numbers.get(name)
                return have is not None and (name not in _WEIGHTS or have != 0), ()
            case OneOf(name, values):
                have = self.case.numbers.get(name)
                return have in values, () if have is None else (f"{have:g}",)
            case Compare(name, op, value):
                have = self.value(name)
                return have is not None and _COMPARE[op](have, value), () if have is None else (f"{have:g}",)
        raise TypeError(f"not a condition: {atom!r}")

    def hits(self, codes: list[str], scope: str) -> tuple[bool, tuple[str, ...]]:
        return bool(codes), tuple(dict.fromkeys(codes)) or tuple(c for c in self.scope(scope) if c)[:1]

    def scope(self, scope: str) -> tuple[str, ...]:
        codes = self.case.proc if "proc" in scope else self.case.dx
        if scope in ("pdx", "first_proc"):
            return codes[:1]
        return codes[1:] if scope in ("sdx", "other_proc") else codes

    def value(self, name: str) -> float | None:
        if name == "sex":
            return self.case.sex
        if name == "trauma_sites":
            return len({site for code in self.case.dx for site in self.scheme.sites.holding(code)})
        return self.case.numbers.get(name)
