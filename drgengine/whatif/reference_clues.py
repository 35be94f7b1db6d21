"""The audit clues as their definitions word them: one record, texts and plain loops. Slow; the judge of clues.py.

It shares nothing with the fast way but the scheme, the reference grouper and data/whatif.toml's meaning.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from drgengine.formats.checks import check_logic
from drgengine.grouper.conditions import Condition, Count, InCodes, InList, StartsWith, atoms
from drgengine.grouper.reference import Case, Decision, decide
from drgengine.grouper.scheme import Scheme


class CodeClue(NamedTuple):
    """A code that a clue speaks of; place from 1; status, drg of the other answer, or None; reasons why doubtful."""

    clue: str
    kind: str
    place: int
    code: str
    status: str | None
    drg: str | None
    doubt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseClues:
    """The clues of one record: names of those that hold, and the codes."""

    flags: frozenset[str]
    codes: tuple[CodeClue, ...]


def reference_clues(scheme: Scheme, case: Case, mended: Collection[str] = ()) -> CaseClues:
    """The clues of one record. mended : its codes that were mended when they were read."""
    base = decide(scheme, case)
    if base.status == "invalid":
        return CaseClues(frozenset(), ())
    flags: set[str] = set()
    codes: list[CodeClue] = []
    for kind, place, code, other in _without_one(scheme, case):
        if (other.status, other.drg) == (base.status, base.drg):
            continue
        doubt = tuple(_doubts(scheme, case, kind, code, mended))
        codes.append(CodeClue("rests_on_one_code", kind, place, code, other.status, other.drg, doubt))
        flags |= {"rests_on_one_code"} | ({"doubtful"} if doubt else set())
        if kind == "dx" and base.severity in ("MCC", "CC") and other.severity != base.severity:
            flags.add("severity_rests_on_one_code")
    if base.status == "ambiguous":
        flags.add("operation_outside_mdc")
    for place, code in _first_places(case.proc):
        if base.status == "ambiguous" or (base.status == "grouped" and not _in_mdc(scheme, base.mdc, code)):
            if not _is_operation(scheme, code):
                continue
            codes.append(CodeClue("operation_outside_mdc", "proc", place, code, None, None, ()))
            flags.add("operation_outside_mdc")
    if base.severity == "none":
        missed = list(_missed(scheme, case))
        codes += missed
        flags |= {clue.clue for clue in missed} | ({"missed_severity"} if missed else set())
    return CaseClues(frozenset(flags), tuple(codes))


def _without_one(scheme: Scheme, case: Case) -> Iterator[tuple[str, int, str, Decision]]:
    """(kind, place, code, answer without it) of every further code, a repeated one at all its further places."""
    for code in dict.fromkeys(filter(None, case.dx[1:])):
        left = (case.dx[0], *(other for other in case.dx[1:] if other != code))
        other = Case(left, case.proc, case.sex, case.numbers, case.department)
        yield "dx", case.dx.index(code, 1) + 1, code, decide(scheme, other)
    for code in dict.fromkeys(filter(None, case.proc[1:])):
        left = (case.proc[0], *(other for other in case.proc[1:] if other != code))
        other = Case(case.dx, left, case.sex, case.numbers, case.department)
        yield "proc", case.proc.index(code, 1) + 1, code, decide(scheme, other)


def _first_places(codes: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    for code in dict.fromkeys(filter(None, codes)):
        yield codes.index(code) + 1, code


def _is_operation(scheme: Scheme, code: str) -> bool:
    lists = scheme.lists
    return code in lists["operations"] and not ("not_for_grouping" in lists and code in lists["not_for_grouping"])


def _in_mdc(scheme: Scheme, code_of_mdc: str | None, code: str) -> bool:
    conditions: list[Condition] = []
    for mdc in scheme.mdcs:
        if mdc.code == code_of_mdc:
            for rule in mdc.rules:
                conditions += [rule.when, *(group.when for group in rule.groups)]
    return any(_holds(scheme, atom, code) for condition in conditions for atom in atoms(condition))


def _holds(scheme: Scheme, atom: Condition, code: str) -> bool:
    """Whether a code stands in the list that a question about procedures names."""
    if not isinstance(atom, InList | InCodes | StartsWith | Count) or "proc" not in atom.scope:
        return False
    if isinstance(atom, StartsWith):
        return any(code.startswith(text) for text in atom.prefixes)
    if isinstance(atom, InCodes):
        return code in atom.codes and code in scheme.procedures.known
    return atom.list not in ("operations", "not_operations", "not_for_grouping") and code in scheme.lists[atom.list]


def _missed(scheme: Scheme, case: Case) -> Iterator[CodeClue]:
    further = [(case.dx.index(code, 1) + 1, code) for code in dict.fromkeys(filter(None, case.dx[1:]))]
    for place, code in further:
        if _severe(scheme, code):
            yield CodeClue("severity_cancelled", "dx", place, code, None, None, ())
    for place, code in further:
        first = code.partition("+")[0]
        unspecified = _unspecified(first) or re.search(r"x00$", first)
        alike = any(other.startswith(first[:3]) and _severe(scheme, other) for other in _category(scheme, first[:3]))
        if unspecified and alike and not _severe(scheme, code):
            yield CodeClue("severity_inexact_code", "dx", place, code, None, None, ())
    for place, code in _first_places(case.dx):
        if place == 1:
            continue
        dx = (code, *case.dx[: place - 1], *case.dx[place:])
        other = decide(scheme, Case(dx, case.proc, case.sex, case.numbers, case.department))
        if other.severity in ("MCC", "CC"):
            yield CodeClue("severity_by_other_principal", "dx", place, code, other.status, other.drg, ())


def _severe(scheme: Scheme, code: str) -> bool:
    return bool(scheme.mcc.holding(code) or scheme.cc.holding(code))


def _category(scheme: Scheme, beginning: str) -> Iterator[str]:
    return (code for code in scheme.diagnoses.codes if code[:3] == beginning)


def _unspecified(code: str) -> bool:
    return re.match(r"[A-Z0-9]{3}\.9", code) is not None and re.match(r"E1[0-4]", code) is None


def _doubts(scheme: Scheme, case: Case, kind: str, code: str, mended: Collection[str]) -> Iterator[str]:
    edition = scheme.diagnoses if kind == "dx" else scheme.procedures
    lists = scheme.lists
    if kind == "dx" and _unspecified(code.partition("+")[0]):
        yield "unspecified_code"
    if kind == "dx" and re.match(r"R[0-9][0-9]", code):
        yield "symptom_code"
    if code not in edition.known:
        yield "outside_edition"
    if code in mended:
        yield "mended_at_reading"
    if kind == "dx" and code in lists["not_principal"]:
        yield "barred_as_principal"
    if kind == "proc" and code in lists["not_operations"]:
        yield "not_an_operation"
    if kind == "proc" and "not_for_grouping" in lists and code in lists["not_for_grouping"]:
        yield "not_for_grouping"
    rules = {issue.rule for issue in check_logic(_one_row(case, kind, code), {kind: kind}, 1)}
    if "sex_against_code" in rules:
        yield "against_sex"
    if "age_against_code" in rules:
        yield "against_age"


def _one_row(case: Case, kind: str, code: str) -> pa.RecordBatch:
    """The record with this code alone, as the logic checks take it."""
    years, days = case.numbers.get("age_years"), case.numbers.get("age_days")
    columns = {
        kind: pa.array([[code]], pa.list_(pa.string())),
        "sex": pa.array([case.sex], pa.int8()),
        "age_years": pa.array([None if years is None else int(years)], pa.int32()),
        "age_days": pa.array([None if days is None else int(days)], pa.int32()),
    }
    return pa.record_batch(columns)
