"""All arrangements of one record: every diagnosis as principal, every procedure as first, in the record's order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.grouper.onecase import case_of
from drgengine.grouper.reference import Case, Decision, decide
from drgengine.grouper.scheme import NOT_PRINCIPAL, Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme, read_names
from drgengine.grouper.wording import reason_text
from drgengine.whatif.definitions import words

ANSWER = ("status", "mdc", "adrg", "drg", "severity", "reason")


@dataclass(frozen=True, slots=True)
class Alternative:
    """One arrangement of a record and its answer.

    principal, procedure : codes; procedure None where the record has none
    principal_place, procedure_place : their places in the record, from 1; None without procedures
    as_recorded : the record as it is
    status, mdc, adrg, drg, severity, reason : the answer
    changed : names of the parts of the answer that differ from the record as it is
    remark : principal_diagnosis_unknown, principal_diagnosis_not_allowed or None
    """

    principal: str
    principal_place: int
    procedure: str | None
    procedure_place: int | None
    as_recorded: bool
    status: str
    mdc: str | None
    adrg: str | None
    drg: str | None
    severity: str | None
    reason: str | None
    changed: tuple[str, ...]
    remark: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Alternatives:
    """All arrangements of one record, in the order of the record. `str()` gives them in words.

    case : as it was grouped, codes mended; recorded : the answer to the record as it is
    items : the arrangements, the record as it is first; none when the record is invalid
    """

    scheme: Scheme
    case: Case
    recorded: Decision
    items: tuple[Alternative, ...]
    language: str
    names: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        keys = [name for name in Alternative.__slots__ if name != "changed"]
        return {
            "scheme": self.scheme.id,
            "purpose": words(self.language)["purpose"],
            "case": {"dx": list(self.case.dx), "proc": list(self.case.proc)},
            "as_recorded": {name: getattr(self.recorded, name) for name in ANSWER},
            "alternatives": [
                {key: getattr(item, key) for key in keys} | {"changed": list(item.changed)} for item in self.items
            ],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def _lines(self) -> list[str]:
        text = words(self.language)
        lines = [text["title"].format(scheme=self.scheme.id), text["purpose"]]
        if not self.items:
            reason = reason_text(self.recorded.reason, self.language)[0] if self.recorded.reason else ""
            return [*lines, text["invalid"].format(reason=reason)]
        dx = len({item.principal_place for item in self.items})
        proc = len({item.procedure_place for item in self.items} - {None})
        answers = len({tuple(getattr(item, name) for name in ANSWER) for item in self.items})
        lines += [text["count"].format(n=len(self.items), dx=dx, proc=proc, answers=answers), ""]
        named = {g.drg: g.name for _, rule in self.scheme.rules for g in rule.groups}
        for number, item in enumerate(self.items, 1):
            lines += self._item(number, item, named, text)
        return lines

    def _item(self, number: int, item: Alternative, named: Mapping[str, str], text: Mapping[str, str]) -> list[str]:
        mark = f"  [{text['as_recorded']}]" if item.as_recorded else ""
        first = text["principal"].format(place=item.principal_place)
        lines = [f"{number:>3}  {first}: {self._code(item.principal, text)}{mark}"]
        if item.procedure_place is None:
            lines.append(f"     {text['no_procedure']}")
        else:
            second = text["procedure"].format(place=item.procedure_place)
            lines.append(f"     {second}: {self._code(item.procedure or '', text)}")
        parts = [text[item.status], f"{item.drg or ''} {named.get(item.drg or '', '')}".strip()]
        parts += [text["severity"].format(severity=text.get(item.severity, item.severity))] if item.severity else []
        parts += [reason_text(item.reason, self.language)[0]] if item.reason else []
        lines.append(f"     -> {text['comma'].join(parts)}")
        if item.remark:
            lines.append(f"     {text[item.remark]}")
        if not item.as_recorded:
            what = [text["severity_column" if name == "severity" else name] for name in item.changed]
            lines.append(f"     {text['changed'].format(what=text['comma'].join(what)) if what else text['same']}")
        return lines

    def _code(self, code: str, text: Mapping[str, str]) -> str:
        return f"{code} {self.names.get(code, '')}".strip() if code else text["empty"]


def alternatives(
    case: Mapping[str, Any] | pa.RecordBatch,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    language: str = "en",
    names: Mapping[str, str] | str | Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> Alternatives:
    """Every diagnosis of a record as principal with every procedure as first (换主诊断模拟).

    case, scheme, language, names, columns : as in `explain`
    returns Alternatives in the order of the record: principal diagnosis by its place, then procedure by its place,
        the record as it is first. The other codes keep their order; no code is added and none is left out. A code that
        stands in several places is taken once. An invalid record has none
    raises CaseTableError, SchemeError

    >>> found = alternatives({"dx": ["I10.x00x002", "I63.900"], "sex": 1, "age_years": 63})
    >>> [(item.principal, item.drg) for item in found.items]
    [('I10.x00x002', 'FV25'), ('I63.900', 'BR25')]
    """
    loaded = load_scheme(scheme)
    known = names if isinstance(names, Mapping) else read_names(names) if names else loaded.code_names
    words(language)
    made = case_of(case, columns).case
    recorded = decide(loaded, made)
    items = [] if recorded.status == "invalid" else _all(loaded, made, recorded)
    return Alternatives(loaded, made, recorded, tuple(items), language, known)


def _all(scheme: Scheme, case: Case, recorded: Decision) -> list[Alternative]:
    found = []
    for i in _firsts(case.dx):
        places: list[int | None] = [*_firsts(case.proc)]
        for j in places or [None]:
            proc = case.proc if j is None else _to_front(case.proc, j)
            decision = decide(scheme, Case(_to_front(case.dx, i), proc, case.sex, case.numbers, case.department))
            found.append(
                Alternative(
                    principal=case.dx[i],
                    principal_place=i + 1,
                    procedure=None if j is None else case.proc[j],
                    procedure_place=None if j is None else j + 1,
                    as_recorded=i == 0 and not j,
                    changed=tuple(n for n in ANSWER if getattr(decision, n) != getattr(recorded, n)),
                    remark=_remark(scheme, case.dx[i]),
                    **{name: getattr(decision, name) for name in ANSWER},
                )
            )
    return found


def _firsts(codes: tuple[str, ...]) -> list[int]:
    return [at for at, code in enumerate(codes) if at == 0 or (code and code not in codes[:at])]


def _to_front(codes: tuple[str, ...], place: int) -> tuple[str, ...]:
    return (codes[place], *codes[:place], *codes[place + 1 :])


def _remark(scheme: Scheme, principal: str) -> str | None:
    if principal not in scheme.diagnoses.known:
        return "principal_diagnosis_unknown"
    return "principal_diagnosis_not_allowed" if principal in scheme.lists[NOT_PRINCIPAL] else None
