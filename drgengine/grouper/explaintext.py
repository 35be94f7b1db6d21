"""The lines of an explanation: case, answer, checks, path and severity, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from drgengine.cases.issues import issue_rules
from drgengine.grouper.conditions import Compare, Constant, InCodes, InList, Severity, StartsWith, atoms
from drgengine.grouper.nearmiss import NearMiss, near_misses
from drgengine.grouper.onecase import OneCase
from drgengine.grouper.reference import Case, Decision, SeverityFact, Step, evaluate
from drgengine.grouper.scheme import CHECKS, NOT_FOR_GROUPING, NOT_PRINCIPAL, OPERATIONS
from drgengine.grouper.wording import Wording, deciding, reason_text

_LEVELS = ("mcc", "cc")
_MOST_CODES = 5
_CATEGORY = 3


def lines(one: OneCase, decision: Decision, wording: Wording) -> Iterator[str]:
    """An explanation, line by line."""
    words, identity = wording.words, wording.scheme.identity
    title, authority = identity.title[wording.language], identity.authority[wording.language]
    yield words["title" if authority else "title_plain"].format(title=title, authority=authority)
    yield from _case_lines(one, wording)
    yield _labelled("answer", answer_text(decision, wording), wording)
    why = because(decision, wording)
    if why:
        yield _labelled("because", words["joint"].join(why) + words["stop"], wording)
    misses = near_misses(wording.scheme, wording.case, decision)
    if misses:
        yield _labelled("near_misses", "", wording).rstrip()
        yield from (f"  · {miss_text(miss, wording)}" for miss in misses)
    yield ""
    yield words["checks"]
    if decision.checks:
        yield from (f"  ✗ {reason_text(check, wording.language)[0]}" for check in decision.checks)
    else:
        yield f"  ✓ {words['passed' if wording.scheme.checks == CHECKS else 'passed_less']}"
    yield from (f"  ! {remark}" for remark in principal_remarks(wording))
    if decision.checks:
        return
    yield ""
    yield words["path"]
    yield from _path_lines(decision, wording) if decision.steps else (f"  ✗ {words['refused']}",)
    yield ""
    yield words["severity"]
    yield from _severity_lines(decision, wording)


def _labelled(label: str, text: str, wording: Wording) -> str:
    return wording.words[label] + ("：" if wording.language == "zh" else ": ") + text


def _spaced(*parts: str) -> str:
    """Parts in a row; a name that is not known leaves no hole."""
    return " ".join(part for part in parts if part)


# ------------------------------------------------------------------------------------------------------- the case


def _case_lines(one: OneCase, wording: Wording) -> Iterator[str]:
    words, case, scheme = wording.words, one.case, wording.scheme
    patient = [words[{1: "male", 2: "female"}.get(case.sex, "sex_unknown")]]
    for name, phrase in (("age_years", "years"), ("age_days", "days"), ("birth_weight_g", "grams")):
        if name in case.numbers and not (name == "age_days" and case.numbers.get("age_years", 0) >= 1):
            patient.append(wording.counted(phrase, case.numbers[name]))
    yield _labelled("case", wording.listed(patient), wording)
    known = scheme.diagnoses.known
    for label, codes in (("principal", case.dx[:1]), ("others", case.dx[1:])):
        shown = [
            wording.code(code) + (f" [{words['unknown_code']}]" if code and code not in known else "") for code in codes
        ]
        yield "  " + _labelled(label, words["joint"].join(shown) or words["none"], wording)
    procedures = []
    left_out = scheme.lists.get(NOT_FOR_GROUPING, ())
    for code in case.proc:
        note = words["operation"] if code in scheme.lists[OPERATIONS] else ""
        note = words["not_for_grouping"] if code in left_out else note
        note = note or (words["unknown_code"] if code and code not in scheme.procedures.known else "")
        procedures.append(wording.code(code) + (f" [{note}]" if note else ""))
    yield "  " + _labelled("procedures", words["joint"].join(procedures) or words["none"], wording)
    for label, found in record_remarks(one, wording).items():
        if found:
            yield "  " + _labelled(label, words["joint"].join(found), wording)


def record_remarks(one: OneCase, wording: Wording) -> dict[str, list[str]]:
    """What was odd about the record, by kind: codes mended, values that could not be read, columns not recognised."""
    words = wording.words
    rules = issue_rules()
    return {
        "mended": [words["mended_to"].format(raw=raw.strip(), code=code or words["empty"]) for raw, code in one.mended],
        "unread": [
            words["unread_value"].format(column=column, value=value, text=rules[rule][wording.language])
            for column, value, rule in one.unread
        ],
        "unknown_columns": [words["unknown_column"].format(column=column, near=near) for column, near in one.unknown],
    }


# ----------------------------------------------------------------------------------------------------- the answer


def answer_text(decision: Decision, wording: Wording) -> str:
    """The answer in a sentence."""
    words = wording.words
    if decision.status == "grouped":
        by_code = {group.drg: group.name for _, rule in wording.scheme.rules for group in rule.groups}
        return words["grouped"].format(code=decision.drg, name=by_code.get(decision.drg or "", "")).strip()
    assert decision.reason is not None
    reason, remedy = reason_text(decision.reason, wording.language)
    if decision.reason == "mdc_condition_not_met":
        reason = words["joint"].join(_closed_mdcs(decision, wording)) or reason
    text = words[decision.status].format(code=decision.drg, reason=reason, remedy=remedy)
    more = [reason_text(check, wording.language)[0] for check in decision.checks[1:]]
    tail = words["also"].format(reasons=words["joint"].join(more)) + words["stop"] if more else ""
    return text + words["stop"] + (" " if tail and wording.language == "en" else "") + tail


def _closed_mdcs(decision: Decision, wording: Wording) -> Iterator[str]:
    """The MDCs that list the principal diagnosis, and what their gates ask beside it."""
    principal = wording.case.dx[0]
    alone = Case((principal,))
    seen = set()
    for step in decision.steps:
        asks = (InList, InCodes, StartsWith)
        listing = [a for a in atoms(step.mdc.gate) if isinstance(a, asks) and a.scope in ("pdx", "any_dx")]
        if step.rule is not None or step.mdc.code in seen:
            continue
        seen.add(step.mdc.code)
        if not any(evaluate(wording.scheme, alone, atom).holds for atom in listing):
            continue
        name = step.mdc.named(wording.language)
        texts = {"code": wording.code(principal), "mdc": step.mdc.code, "name": name}
        leaf, negated = next(iter(deciding(step.finding)))
        if isinstance(leaf.condition, Compare) and leaf.condition.name == "sex" and not negated:
            sexes = {1: wording.words["male"], 2: wording.words["female"]}
            texts |= {"asked": sexes.get(int(leaf.condition.value), ""), "have": sexes.get(wording.case.sex, "")}
            yield wording.words["belongs_named" if name else "belongs"].format(**texts)
        else:
            texts["fact"] = wording.fact(step.finding)
            yield wording.words["belongs_else_named" if name else "belongs_else"].format(**texts)


def miss_text(miss: NearMiss, wording: Wording) -> str:
    """A near miss in a sentence."""
    texts = {"code": wording.code(miss.code), "position": miss.position, "rule": miss.rule.id}
    facts = wording.words["and"].join(dict.fromkeys(wording.fact(finding) for finding in miss.failing))
    key = "later_procedure" if miss.kind == "later_procedure" else "beside_diagnosis"
    return wording.words[key].format(list=wording.list_name(miss.listed), facts=facts, **texts)


def because(decision: Decision, wording: Wording) -> list[str]:
    """The facts that carried the answer: of the MDC, of the rule and of the group."""
    if decision.status not in ("grouped", "ambiguous"):
        return []
    words, last = wording.words, decision.steps[-1]
    gate = [step for step in decision.steps if step.rule is None][-1]
    rule = [step for step in decision.steps if step.rule is last.rule and step.group is None][-1]
    assert rule.rule is not None
    shown = [(f"MDC {gate.mdc.code}", gate), (words["rule_by"].format(rule=rule.rule.id), rule)]
    texts = [words["because_fact"].format(what=what, fact=wording.step(step)) for what, step in shown]
    if last.group is not None and last.finding.holds:
        what = words["split_by"].format(drg=last.group.drg)
        texts.append(words["because_group"].format(what=what, fact=_group_fact(decision, wording)))
    return texts


def _group_fact(decision: Decision, wording: Wording) -> str:
    """Why this group of its rule: its own fact, or what kept the case out of the groups before it."""
    last = decision.steps[-1]
    before = [s for s in decision.steps if s.rule is last.rule and s.group is not None and not s.finding.holds]
    residual = last.finding.condition == Constant(True) and bool(before)
    missed = {level for step in [*before, last] for level in _missed_levels(step)}
    levels = [level for level in _LEVELS if level in missed]
    facts = [] if residual else [wording.fact(last.finding)]
    if residual:
        facts += filter(None, (wording.fact(s.finding, but_severity=True) for s in before))
    facts += _not_counted(decision, levels, wording, residual)
    return wording.words["joint"].join(dict.fromkeys(facts)) or wording.step(last)


def _missed_levels(step: Step) -> Iterator[str]:
    for leaf, _ in deciding(step.finding):
        if isinstance(leaf.condition, Severity) and not leaf.holds:
            yield leaf.condition.level


def _not_counted(decision: Decision, levels: list[str], wording: Wording, residual: bool) -> Iterator[str]:
    """Why levels of severity did not decide: cancelled, not there, or not what the ADRG asks for."""
    words, facts = wording.words, decision.severity_facts
    empty = []
    for level in levels:
        counted = {f.code for f in facts if f.level == level and not f.cancelled}
        by_list: dict[str, list[str]] = {}
        for fact in facts:
            if fact.level == level and fact.cancelled and fact.code not in counted:
                by_list.setdefault(fact.exclusion, []).append(fact.code)
        for number, codes in by_list.items():
            shown = wording.listed(tuple(dict.fromkeys(codes)))
            yield words["why_cancelled"].format(codes=shown, level=level.upper(), number=number)
        if not counted and not by_list:
            empty.append(level)
    if residual and empty:
        yield words["neither_no" if len(empty) == len(_LEVELS) else f"{empty[0]}_no"]
    rule = decision.steps[-1].rule
    asked = {a.level for g in (rule.groups if rule else ()) for a in atoms(g.when) if isinstance(a, Severity)}
    if residual and len(asked) == 1:
        others = [f for f in facts if f.level not in asked and not f.cancelled]
        if others:
            shown = wording.listed(tuple(dict.fromkeys(f.code for f in others)))
            level, only = others[0].level.upper(), next(iter(asked)).upper()
            yield words["why_not_asked"].format(codes=shown, level=level, asked=only)


# -------------------------------------------------------------------------------------------------------- checks


def principal_remarks(wording: Wording) -> list[str]:
    """What is odd about the principal diagnosis itself: unknown (with codes that begin alike), or barred."""
    words, scheme = wording.words, wording.scheme
    principal = next(iter(wording.case.dx), "")
    if not principal:
        return []
    if principal not in scheme.diagnoses.known:
        for length in range(len(principal), _CATEGORY - 1, -1):
            prefix = principal[:length]
            near = [code for code in scheme.diagnoses.codes if code.startswith(prefix)]
            if near:
                shown = " ".join(near[:_MOST_CODES]) + (" …" if len(near) > _MOST_CODES else "")
                return [words["principal_begins"].format(code=principal, prefix=prefix, codes=shown)]
        return [words["principal_unknown"].format(code=principal)]
    if principal in scheme.lists[NOT_PRINCIPAL]:
        return [words["principal_barred"].format(code=wording.code(principal))]
    return []


# ----------------------------------------------------------------------------------------------------------- path


def _path_lines(decision: Decision, wording: Wording) -> Iterator[str]:
    """MDC by MDC; MDCs or rules in a row that fail by the same kind of fact share a line."""
    words, steps = wording.words, decision.steps
    gates = [index for index, step in enumerate(steps) if step.rule is None]
    ends = [*gates[1:], len(steps)]
    for fact, run in groupby(zip(gates, ends, strict=True), lambda at: _failing(steps[at[0]], wording)):
        looked = list(run)
        if fact is not None and len(looked) > 1:
            codes = wording.listed([steps[at].mdc.code for at, _ in looked])
            yield f"  ✗ MDC {codes}  {words['not_entered']}{words['joint']}{fact}"
            continue
        for at, end in looked:
            step = steps[at]
            mark, verb = ("✓", "entered") if step.finding.holds else ("✗", "not_entered")
            head = _spaced("MDC", step.mdc.code, step.mdc.named(wording.language))
            yield f"  {mark} {head}  {words[verb]}{words['joint']}{wording.step(step)}"
            if step.finding.holds:
                yield from _rule_lines(steps[at + 1 : end], wording)
                if end < len(steps) or (decision.status == "ungroupable" and decision.reason != "fallback_group"):
                    yield f"      {words['nothing_held']}"
    if decision.retried:
        yield f"  {words['retried'].format(code=wording.code(decision.retried))}"


def _failing(step: Step, wording: Wording) -> str | None:
    """The fact by which a gate or a rule fails, in words that fit its neighbours too; None where it holds."""
    if step.group is not None or step.finding.holds:
        return None
    return wording.step(step, many=True)


def _rule_lines(steps: tuple[Step, ...], wording: Wording) -> Iterator[str]:
    for fact, run in groupby(steps, lambda step: _failing(step, wording)):
        looked = list(run)
        if fact is None:
            for step in looked:
                yield from _holding_lines(step, steps, wording)
            continue
        ids = wording.listed([step.rule.id for step in looked if step.rule])
        yield f"      ✗ {ids}  {fact if len(looked) > 1 else wording.step(looked[0])}"


def _holding_lines(step: Step, steps: tuple[Step, ...], wording: Wording) -> Iterator[str]:
    words, rule, fact = wording.words, step.rule, wording.step(step)
    assert rule is not None
    if step.group is not None:
        mark = "✓" if step.finding.holds else "✗"
        yield f"          {mark} {_spaced(step.group.drg, step.group.name)}  {fact}"
        if rule.kind == "fallback" and step.finding.holds:
            yield f"          → {words['fallback_ends'].format(code=step.group.drg)}"
    else:
        kind = words["ambiguous_kind" if rule.kind == "ambiguous" else rule.kind]
        yield f"      ✓ {_spaced(rule.id, rule.name)} [{kind}]  {fact}"
    groups = [s for s in steps if s.rule is rule and s.group is not None]
    last = groups[-1] if groups else None
    if (step.group is None and not groups) or (step is last and not step.finding.holds):
        if rule.otherwise == "ambiguous":
            yield f"          → {words['ambiguous_answer'].format(code=rule.adrg)}"
        elif rule.otherwise == "next":
            yield f"          → {words['no_group']}{words['joint']}{words['next_rule']}"
        else:
            yield f"          → {words['adrg_itself'].format(code=rule.otherwise)}"


# ------------------------------------------------------------------------------------------------------- severity


def not_listed(wording: Wording, facts: tuple[SeverityFact, ...]) -> list[str]:
    """The secondary diagnoses that stand in no list of MCC or CC."""
    listed = {fact.code for fact in facts}
    return [code for code in dict.fromkeys(wording.case.dx[1:]) if code and code not in listed]


def _severity_lines(decision: Decision, wording: Wording) -> Iterator[str]:
    words = wording.words
    counts = "counts"
    if decision.severity is None:
        counts = {"grouped": "counts_not_split", "ambiguous": "counts_ambiguous"}.get(
            decision.status, "counts_ungroupable"
        )
        if decision.status == "grouped":
            yield f"  {words['severity_not_asked']}"
    for fact in dict.fromkeys(decision.severity_facts):
        phrase = words["cancelled" if fact.cancelled else counts]
        text = phrase.format(code=wording.code(fact.code), level=fact.level.upper(), number=fact.exclusion)
        yield f"  {'✗' if fact.cancelled else '✓'} {text}"
    others = not_listed(wording, decision.severity_facts)
    if others:
        yield f"  · {words['neither'].format(codes=wording.listed([wording.code(code) for code in others]))}"
    elif not decision.severity_facts:
        yield f"  {words['no_severity']}"
