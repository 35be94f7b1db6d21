"""Why a case is grouped as it is: the whole decision path, in words, as a dict and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.cases import PackedCodes, pack, resolve_columns
from drgengine.errors import CaseTableError
from drgengine.grouper.conditions import NUMBERS
from drgengine.grouper.expression import unparse
from drgengine.grouper.reference import Case, Decision, Step, decide
from drgengine.grouper.scheme import OPERATIONS, Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme, read_names
from drgengine.grouper.wording import Wording, reason_text


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The decision about one case and the way to it. `str()` gives it in words.

    case : the case as it was grouped, codes mended; mended : (raw code, mended code)
    decision : answer and path, see reference.Decision
    language : en or zh; names : code -> name, as far as known
    """

    scheme: Scheme
    case: Case
    mended: tuple[tuple[str, str], ...]
    decision: Decision
    language: str
    names: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(_lines(self)) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Everything the text says, as plain values."""
        wording = Wording(self.scheme, self.case, self.language, self.names)
        decision = self.decision
        return {
            "scheme": self.scheme.id,
            "case": {
                "dx": list(self.case.dx),
                "proc": list(self.case.proc),
                "sex": self.case.sex,
                "department_id": self.case.department,
                **dict(self.case.numbers),
            },
            "mended": [{"raw": raw, "code": code} for raw, code in self.mended],
            "answer": {key: getattr(decision, key) for key in ("status", "mdc", "adrg", "drg", "severity", "reason")},
            "failed_checks": list(decision.checks),
            "path": [_step_dict(step, wording) for step in decision.steps],
            "severity": [
                {"code": f.code, "level": f.level.upper(), "exclusion_list": f.exclusion, "cancelled": f.cancelled}
                for f in decision.severity_facts
            ],
            "retried_with": decision.retried,
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)


def explain(
    case: Mapping[str, Any] | pa.RecordBatch,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    language: str = "en",
    names: Mapping[str, str] | str | Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> Explanation:
    """Explain how one case is grouped (分组路径说明).

    case : {column: value} with the columns of the case table, English or Chinese, dx and proc as lists; or a
        record batch of one row
    scheme : packaged name, folder or loaded Scheme
    language : `en` or `zh`
    names : code -> name, or a CSV with the columns code and name; default: the names in the scheme folder
    columns : {name of a column: canonical name}, for names that are not recognised
    returns Explanation: `print` it, or take `.decision`, `.to_dict()`, `.to_json()`
    raises CaseTableError, SchemeError

    >>> explain({"dx": ["I10.x00x002"], "sex": 1, "age_years": 63}).decision.drg
    'FV25'
    """
    loaded = load_scheme(scheme)
    known = names if isinstance(names, Mapping) else read_names(names) if names else loaded.code_names
    made, mended = case_of(case, columns)
    Wording(loaded, made, language, known)
    return Explanation(loaded, made, mended, decide(loaded, made), language, known)


def case_of(
    record: Mapping[str, Any] | pa.RecordBatch, columns: Mapping[str, str] | None = None
) -> tuple[Case, tuple[tuple[str, str], ...]]:
    """One record, read and mended as a table row would be, and the codes that were mended."""
    row = record if isinstance(record, pa.RecordBatch) else _row(record)
    packed = pack(row, resolve_columns(row.schema, columns, "case"), numbers=NUMBERS, department=True, first_row=1)
    numbers = {name: float(value) for name, value in zip(NUMBERS, packed.numbers[:, 0], strict=True) if value == value}
    department = packed.department.texts[packed.department.index[0]] if packed.department else ""
    case = Case(_codes(packed.dx), _codes(packed.proc), int(packed.sex[0]), numbers, department)
    raw = [value for issue in packed.issues if issue.rule.startswith("code_") for value in issue.values if value]
    return case, tuple(dict.fromkeys(_mended_pairs(raw)))


def _row(record: Mapping[str, Any]) -> pa.RecordBatch:
    if not isinstance(record, Mapping):
        raise CaseTableError("case", f"a {type(record).__name__} is no record", "Pass a dict {column: value}")
    try:
        return pa.RecordBatch.from_pydict({str(name): _cell(value) for name, value in record.items()})
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        # What Arrow says may quote a value, which may be a name.
        raise CaseTableError(
            "case", "a value has no type that a table could hold", "Give codes as lists of texts, numbers as numbers"
        ) from None


def _cell(value: Any) -> pa.Array:
    """One value as a column; lists are lists of code texts."""
    if isinstance(value, list | tuple):
        codes = [None if code is None else str(code) for code in value]
        return pa.repeat(pa.scalar(codes, pa.list_(pa.string())), 1)
    return pa.nulls(1, pa.string()) if value is None else pa.repeat(pa.scalar(value), 1)


def _codes(packed: PackedCodes) -> tuple[str, ...]:
    return tuple(packed.texts[at] for at in packed.index.tolist())


def _mended_pairs(raw: list[str]) -> Iterator[tuple[str, str]]:
    from drgengine.cases.codes import mend_code

    for text in raw:
        code, _ = mend_code(text)
        if code != text:
            yield text, code


def _step_dict(step: Step, wording: Wording) -> dict[str, Any]:
    looked = {"mdc": step.mdc.code}
    if step.rule is not None:
        looked |= {"rule": step.rule.id, "adrg": step.rule.adrg, "kind": step.rule.kind}
    if step.group is not None:
        looked["drg"] = step.group.drg
    return looked | {
        "holds": step.finding.holds,
        "condition": unparse(step.finding.condition),
        "fact": wording.fact(step.finding),
    }


def _lines(this: Explanation) -> Iterator[str]:
    wording = Wording(this.scheme, this.case, this.language, this.names)
    words, identity = wording.words, this.scheme.identity
    yield words["title"].format(title=identity.title[this.language], authority=identity.authority[this.language])
    yield from _case_lines(this, wording)
    colon = "：" if this.language == "zh" else ": "
    yield f"{words['answer']}{colon}{_answer(this, words)}"
    because = _key_facts(this.decision, wording)
    if because:
        yield f"{words['because']}{colon}{words['joint'].join(because)}{words['stop']}"
    yield ""
    yield words["checks"]
    if this.decision.checks:
        yield from (f"  ✗ {reason_text(check, this.language)[0]}" for check in this.decision.checks)
    else:
        yield f"  ✓ {words['passed']}"
        yield ""
        yield words["path"]
        yield from _path_lines(this.decision, wording)
        yield ""
        yield words["severity"]
        yield from _severity_lines(this.decision, wording)


def _key_facts(decision: Decision, wording: Wording) -> list[str]:
    """The facts that carried the answer: of the MDC, of the rule and of the group."""
    if decision.status not in ("grouped", "ambiguous"):
        return []
    last = decision.steps[-1]
    gate = [step for step in decision.steps if step.rule is None][-1]
    rule = [step for step in decision.steps if step.rule is last.rule and step.group is None][-1]
    shown = [f"MDC {gate.mdc.code} ({wording.fact(gate.finding)})"]
    assert rule.rule is not None
    shown.append(f"{wording.words['rule_by'].format(rule=rule.rule.id)} ({wording.fact(rule.finding)})")
    if last.group is not None and last.finding.holds:
        shown.append(f"{wording.words['split_by'].format(drg=last.group.drg)} ({wording.fact(last.finding)})")
    return shown


def _case_lines(this: Explanation, wording: Wording) -> Iterator[str]:
    words, case = wording.words, this.case
    patient = [words[{1: "male", 2: "female"}.get(case.sex, "sex_unknown")]]
    for name, phrase in (("age_years", "years"), ("age_days", "days"), ("birth_weight_g", "grams")):
        if name in case.numbers and not (name == "age_days" and case.numbers.get("age_years", 0) >= 1):
            patient.append(words[phrase].format(value=f"{case.numbers[name]:g}"))
    colon = "：" if this.language == "zh" else ": "
    yield f"{words['case']}{colon}{words['comma'].join(patient)}"
    known = this.scheme.diagnoses.known
    for label, codes in (("principal", case.dx[:1]), ("others", case.dx[1:])):
        shown = [
            wording.code(code) + (f" [{words['unknown_code']}]" if code and code not in known else "") for code in codes
        ]
        yield f"  {words[label]}{colon}{words['joint'].join(shown) or words['none']}"
    procedures = []
    for code in case.proc:
        note = words["operation"] if code in this.scheme.lists[OPERATIONS] else ""
        note = note or (words["unknown_code"] if code and code not in this.scheme.procedures.known else "")
        procedures.append(wording.code(code) + (f" [{note}]" if note else ""))
    yield f"  {words['procedures']}{colon}{words['joint'].join(procedures) or words['none']}"
    if this.mended:
        pairs = [words["mended_to"].format(raw=raw.strip(), code=code or words["empty"]) for raw, code in this.mended]
        yield f"  {words['mended']}{colon}{words['joint'].join(pairs)}"


def _path_lines(decision: Decision, wording: Wording) -> Iterator[str]:
    """MDC by MDC; MDCs or rules in a row that fail by the same kind of fact share a line."""
    words, steps = wording.words, decision.steps
    gates = [index for index, step in enumerate(steps) if step.rule is None]
    ends = [*gates[1:], len(steps)]
    for fact, run in groupby(zip(gates, ends, strict=True), lambda at: _failing(steps[at[0]], wording)):
        looked = list(run)
        if fact is not None and len(looked) > 1:
            codes = words["comma"].join(steps[at].mdc.code for at, _ in looked)
            yield f"  ✗ MDC {codes}  {words['not_entered']}{words['joint']}{fact}"
            continue
        for at, end in looked:
            step = steps[at]
            mark, verb = ("✓", "entered") if step.finding.holds else ("✗", "not_entered")
            name, why = step.mdc.named(wording.language), wording.fact(step.finding)
            yield f"  {mark} MDC {step.mdc.code} {name}  {words[verb]}{words['joint']}{why}"
            if step.finding.holds:
                yield from _rule_lines(steps[at + 1 : end], wording)
                if end < len(steps) or decision.status == "ungroupable":
                    yield f"      {words['nothing_held']}"
    if decision.retried:
        yield f"  {words['retried'].format(code=wording.code(decision.retried))}"


def _failing(step: Step, wording: Wording) -> str | None:
    """The fact by which a gate or a rule fails, in words that fit its neighbours too; None where it holds."""
    if step.group is not None or step.finding.holds:
        return None
    return wording.fact(step.finding, many=True)


def _rule_lines(steps: tuple[Step, ...], wording: Wording) -> Iterator[str]:
    words = wording.words
    for fact, run in groupby(steps, lambda step: _failing(step, wording)):
        looked = list(run)
        if fact is None:
            for step in looked:
                yield from _holding_lines(step, steps, wording)
            continue
        ids = words["comma"].join(step.rule.id for step in looked if step.rule)
        yield f"      ✗ {ids}  {fact if len(looked) > 1 else wording.fact(looked[0].finding)}"


def _holding_lines(step: Step, steps: tuple[Step, ...], wording: Wording) -> Iterator[str]:
    words, rule, fact = wording.words, step.rule, wording.fact(step.finding)
    assert rule is not None
    if step.group is not None:
        yield f"          {'✓' if step.finding.holds else '✗'} {step.group.drg} {step.group.name}  {fact}"
    else:
        kind = words["ambiguous_kind" if rule.kind == "ambiguous" else rule.kind]
        yield f"      ✓ {f'{rule.id} {rule.name}'.strip()} [{kind}]  {fact}"
    groups = [s for s in steps if s.rule is rule and s.group is not None]
    last = groups[-1] if groups else None
    if (step.group is None and not groups) or (step is last and not step.finding.holds):
        if rule.otherwise == "ambiguous":
            yield f"          → {words['ambiguous_answer'].format(code=rule.adrg)}"
        elif rule.otherwise == "next":
            yield f"          → {words['no_group']}{words['joint']}{words['next_rule']}"
        else:
            yield f"          → {words['adrg_itself'].format(code=rule.otherwise)}"


def _severity_lines(decision: Decision, wording: Wording) -> Iterator[str]:
    words = wording.words
    if decision.status == "grouped" and decision.severity is None:
        yield f"  {words['severity_not_asked']}"
    if not decision.severity_facts:
        yield f"  {words['no_severity']}"
    for fact in dict.fromkeys(decision.severity_facts):
        phrase = words["cancelled" if fact.cancelled else "counts"]
        text = phrase.format(code=wording.code(fact.code), level=fact.level.upper(), number=fact.exclusion)
        yield f"  {'✗' if fact.cancelled else '✓'} {text}"


def _answer(this: Explanation, words: Mapping[str, str]) -> str:
    decision = this.decision
    if decision.status == "grouped":
        by_code = {group.drg: group.name for _, rule in this.scheme.rules for group in rule.groups}
        return words["grouped"].format(code=decision.drg, name=by_code.get(decision.drg or "", "")).strip()
    assert decision.reason is not None
    reason, remedy = reason_text(decision.reason, this.language)
    text = words[decision.status].format(code=decision.drg, reason=reason, remedy=remedy)
    more = [reason_text(check, this.language)[0] for check in decision.checks[1:]]
    tail = words["also"].format(reasons=words["joint"].join(more)) + words["stop"] if more else ""
    return text + words["stop"] + (" " if tail and this.language == "en" else "") + tail
