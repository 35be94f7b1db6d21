"""Rules that a case missed by one fact: the place of a procedure, or the principal diagnosis beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from drgengine.grouper.conditions import (
    DIAGNOSIS_SCOPES,
    All,
    AnyOf,
    Condition,
    InCodes,
    InList,
    Not,
    StartsWith,
)
from drgengine.grouper.reference import Case, Decision, Finding, evaluate
from drgengine.grouper.scheme import SHARED, Mdc, Rule, Scheme

MOST = 5


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that did not hold although one of its lists holds a procedure of the case.

    kind : `later_procedure`, the rule would hold if the procedure stood first; `diagnosis`, it would hold with
        a diagnosis of its list
    code, position : the procedure and its place, from 1; listed : the list it stands in
    failing : the facts about diagnoses that fail (kind `diagnosis`)
    """

    kind: str
    mdc: Mdc
    rule: Rule
    code: str
    position: int
    listed: InList
    failing: tuple[Finding, ...] = ()


def near_misses(scheme: Scheme, case: Case, decision: Decision) -> tuple[NearMiss, ...]:
    """At most five near misses of a case that ended in an ambiguous group or that no rule took.

    Looked for in the MDC of the ambiguous group, or in all MDCs that were entered; procedures at later places
    first, one rule for each: the first that would hold.
    """
    if decision.status != "ambiguous" and decision.reason != "no_rule_matched":
        return ()
    entered = [step.mdc for step in decision.steps if step.rule is None and step.finding.holds]
    mdcs = [mdc for mdc in entered if decision.mdc in (None, mdc.code)]
    found = [*_later(scheme, case, mdcs), *_beside(scheme, case, mdcs)]
    return tuple(islice(found, MOST))


def _later(scheme: Scheme, case: Case, mdcs: list[Mdc]) -> Iterator[NearMiss]:
    for at, code in enumerate(case.proc[1:], 1):
        if not code or code in case.proc[:at]:
            continue
        swapped = replace(case, proc=(code, *case.proc[:at], *case.proc[at + 1 :]))
        for mdc in mdcs:
            miss = next(
                (
                    NearMiss("later_procedure", mdc, rule, code, at + 1, atom)
                    for rule in mdc.rules
                    for atom in _lists(rule.when, ("first_proc",))
                    if code in scheme.lists[atom.list] and evaluate(scheme, swapped, rule.when).holds
                ),
                None,
            )
            if miss is not None and not evaluate(scheme, case, miss.rule.when).holds:
                yield miss


def _beside(scheme: Scheme, case: Case, mdcs: list[Mdc]) -> Iterator[NearMiss]:
    code = case.proc[0] if case.proc else ""
    for mdc in mdcs:
        for rule in mdc.rules:
            lists = [a for a in _lists(rule.when, ("first_proc", "any_proc")) if code in scheme.lists[a.list]]
            if not lists or evaluate(scheme, case, rule.when).holds:
                continue
            if _but_for_diagnoses(scheme, case, rule.when, wanted=True):
                failing = tuple(_failing(scheme, case, rule.when))
                if failing:
                    yield NearMiss("diagnosis", mdc, rule, code, 1, lists[0], failing)


def _lists(condition: Condition, scopes: tuple[str, ...]) -> Iterator[InList]:
    """The rule's own lists that a condition asks for; those behind a `not` are left out."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from _lists(part, scopes)
    elif isinstance(condition, InList) and condition.scope in scopes and condition.list not in SHARED:
        yield condition


def _asks_diagnosis(condition: Condition) -> bool:
    return isinstance(condition, InList | InCodes | StartsWith) and condition.scope in DIAGNOSIS_SCOPES


def _but_for_diagnoses(scheme: Scheme, case: Case, condition: Condition, *, wanted: bool) -> bool:
    """Whether the condition would come out as wanted if everything it asks of diagnoses did."""
    if isinstance(condition, Not):
        return not _but_for_diagnoses(scheme, case, condition.part, wanted=not wanted)
    if isinstance(condition, All | AnyOf):
        parts = [_but_for_diagnoses(scheme, case, part, wanted=wanted) for part in condition.parts]
        return all(parts) if isinstance(condition, All) else any(parts)
    return wanted if _asks_diagnosis(condition) else evaluate(scheme, case, condition).holds


def _failing(scheme: Scheme, case: Case, condition: Condition) -> Iterator[Finding]:
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from _failing(scheme, case, part)
    elif _asks_diagnosis(condition):
        finding = evaluate(scheme, case, condition)
        if not finding.holds:
            yield finding
    elif isinstance(condition, Not) and _asks_diagnosis(condition.part):
        finding = evaluate(scheme, case, condition.part)
        if finding.holds:
            yield finding
