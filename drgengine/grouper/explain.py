"""Why a case is grouped as it is: the whole decision path, in words, as a dict and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.grouper.explaintext import (
    answer_text,
    because,
    lines,
    miss_text,
    not_listed,
    principal_remarks,
    record_remarks,
)
from drgengine.grouper.expression import unparse
from drgengine.grouper.nearmiss import NearMiss, near_misses
from drgengine.grouper.onecase import OneCase, Unread, case_of
from drgengine.grouper.reference import Case, Decision, Step, decide
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme, read_names
from drgengine.grouper.wording import Wording, phrases, plain

__all__ = ["Explanation", "case_of", "explain"]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The decision about one case and the way to it. `str()` gives it in words.

    case : the case as it was grouped, codes mended; mended : (raw code, mended code)
    decision : answer and path, see reference.Decision
    language : en or zh; names : code -> name, as far as known
    unread : values that could not be read as they stand; unknown : (column not recognised, canonical name it
        resembles)
    """

    scheme: Scheme
    case: Case
    mended: tuple[tuple[str, str], ...]
    decision: Decision
    language: str
    names: Mapping[str, str]
    unread: tuple[Unread, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "\n".join(lines(self._one(), self.decision, self._wording())) + "\n"

    def _wording(self) -> Wording:
        return Wording(self.scheme, self.case, self.language, self.names)

    def _one(self) -> OneCase:
        return OneCase(self.case, self.mended, self.unread, self.unknown)

    def to_dict(self) -> dict[str, Any]:
        """Everything the text says, as plain values; numbers without a fraction are ints."""
        wording, decision = self._wording(), self.decision
        answer = ("status", "mdc", "adrg", "drg", "severity", "reason")
        remarks = record_remarks(self._one(), wording)
        return {
            "scheme": self.scheme.id,
            "case": {
                "dx": list(self.case.dx),
                "proc": list(self.case.proc),
                "sex": self.case.sex,
                "department_id": self.case.department or None,
                **{name: plain(value) for name, value in self.case.numbers.items()},
            },
            "mended": [{"raw": raw, "code": code} for raw, code in self.mended],
            "unread": [unread._asdict() for unread in self.unread],
            "unknown_columns": [{"column": column, "near": near} for column, near in self.unknown],
            "remarks": [*remarks["unread"], *remarks["unknown_columns"], *principal_remarks(wording)],
            "answer": {key: getattr(decision, key) for key in answer},
            "answer_text": answer_text(decision, wording),
            "because": because(decision, wording),
            "near_misses": [_miss_dict(miss, wording) for miss in near_misses(self.scheme, self.case, decision)],
            "failed_checks": list(decision.checks),
            "path": [_step_dict(step, wording) for step in decision.steps],
            "severity": [
                {"code": f.code, "level": f.level.upper(), "exclusion_list": f.exclusion, "cancelled": f.cancelled}
                for f in decision.severity_facts
            ],
            "neither_mcc_nor_cc": not_listed(wording, decision.severity_facts) if decision.steps else [],
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
    made, mended, unread, unknown = case_of(case, columns)
    phrases(language)
    return Explanation(loaded, made, mended, decide(loaded, made), language, known, unread, unknown)


def _miss_dict(miss: NearMiss, wording: Wording) -> dict[str, Any]:
    return {
        "kind": miss.kind,
        "mdc": miss.mdc.code,
        "rule": miss.rule.id,
        "code": miss.code,
        "position": miss.position,
        "fact": miss_text(miss, wording),
    }


def _step_dict(step: Step, wording: Wording) -> dict[str, Any]:
    looked = {"mdc": step.mdc.code}
    if step.rule is not None:
        looked |= {"rule": step.rule.id, "adrg": step.rule.adrg, "kind": step.rule.kind}
    if step.group is not None:
        looked["drg"] = step.group.drg
    return looked | {
        "holds": step.finding.holds,
        "condition": unparse(step.finding.condition),
        "fact": wording.step(step),
    }
