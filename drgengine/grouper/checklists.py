"""What is odd about the code lists of a scheme."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from drgengine.grouper.conditions import Compare, Count, InList, Severity, atoms
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.remark import SchemeRemark, first, tally
from drgengine.grouper.scheme import NOT_OPERATIONS, OPERATIONS, SHARED, Scheme

_MOST = 64
NO_EXCLUSION = "none"


def list_place(scheme: Scheme, name: str) -> str:
    """File and section of a list."""
    return f"{'diagnoses.txt' if name in scheme.diagnosis_patterns else 'procedures.txt'} [{name}]"


def numbered(scheme: Scheme, family: str) -> dict[str, str]:
    """Exclusion list number -> list name, for one of the families mcc, cc, excluded."""
    return {name.partition(".")[2]: name for name in scheme.diagnosis_patterns if name.startswith(family + ".")}


def sizes(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """More MDCs or body regions than the grouper can tell apart."""
    scheme = lists.scheme
    for what, count, file in (
        ("MDCs", len(scheme.mdcs), "rules.toml"),
        ("body regions", sum(name.startswith("site.") for name in scheme.diagnosis_patterns), "diagnoses.txt"),
    ):
        if count > _MOST:
            yield SchemeRemark("error", "too_many", file, f"{count} {what}, at most {_MOST} can be told apart")


def severity(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """MCC and CC lists that contradict each other, and exclusion lists with only one side."""
    scheme = lists.scheme
    codes = np.array(scheme.diagnoses.codes, dtype=object)
    level = {}
    for family in ("mcc", "cc"):
        names = list(numbered(scheme, family).values())
        times = np.zeros(len(codes), np.int64)
        for name in names:
            times += lists.member(name)
        level[family] = times > 0
        for name in names:
            twice = codes[(times > 1) & lists.member(name)]
            if twice.size:
                detail = f"in another {family} list as well: {tally(twice)}"
                yield SchemeRemark("error", "severity_code_twice", list_place(scheme, name), detail)
    both = codes[level["mcc"] & level["cc"]]
    if both.size:
        detail = f"both MCC and CC: {tally(both)}"
        yield SchemeRemark("warning", "code_mcc_and_cc", "diagnoses.txt", detail)
    mcc, cc, excluded = (numbered(scheme, family) for family in ("mcc", "cc", "excluded"))
    for number in dict.fromkeys([*mcc, *cc]):
        if number != NO_EXCLUSION and number not in excluded:
            held = [code for family in (mcc, cc) if number in family for code in lists.codes(family[number])]
            detail = f"exclusion list {number} has MCC and CC, but no principal diagnosis: {tally(held)}"
            yield SchemeRemark("note", "exclusion_without_principal", "diagnoses.txt", detail)
    for number, name in excluded.items():
        if number not in mcc and number not in cc:
            detail = f"exclusion list {number} has principal diagnoses, but no MCC or CC: {tally(lists.codes(name))}"
            yield SchemeRemark("note", "exclusion_without_severity", list_place(scheme, name), detail)


def operations(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Procedures that count as operations and do not."""
    codes = lists.scheme.procedures.codes
    both = np.flatnonzero(lists.member(OPERATIONS) & lists.member(NOT_OPERATIONS)).tolist()
    if both:
        detail = f"in {OPERATIONS} as well: {tally(codes[at] for at in both)}"
        yield SchemeRemark("warning", "operation_and_not", list_place(lists.scheme, NOT_OPERATIONS), detail)


def use(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Lists that are asked for and empty, or not asked for at all."""
    scheme = lists.scheme
    conditions = [mdc.gate for mdc in scheme.mdcs]
    conditions += [when for _, rule in scheme.rules for when in (rule.when, *(group.when for group in rule.groups))]
    asked = list(dict.fromkeys(atom for condition in conditions for atom in atoms(condition)))
    named = dict.fromkeys(atom.list for atom in asked if isinstance(atom, InList | Count))
    for name in named:
        if not lists.member(name).any():
            detail = "a condition asks for the list, but it is empty and matches nothing"
            yield SchemeRemark("warning", "list_empty", list_place(scheme, name), detail)
    levels = {atom.level for atom in asked if isinstance(atom, Severity)}
    families = (
        *(level + "." for level in levels),
        *(["excluded."] if levels else []),
        *(["site."] if any(isinstance(atom, Compare) and atom.name == "trauma_sites" for atom in asked) else []),
    )
    for name in (*scheme.diagnosis_patterns, *scheme.procedure_patterns):
        if name not in named and name not in SHARED and not name.startswith(families):
            detail = f"no condition asks for the list: {tally(lists.codes(name))}"
            yield SchemeRemark("note", "list_not_asked_for", list_place(scheme, name), detail)


def patterns(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Patterns that no code of the edition answers to."""
    scheme = lists.scheme
    for family in (scheme.diagnosis_patterns, scheme.procedure_patterns):
        for name, written in family.items():
            codes = lists.edition(name)
            lost = [pattern for pattern in written if not _matches(pattern.lstrip("-"), codes)]
            if lost:
                detail = f"{len(lost)} of {len(written)} patterns match no code of the edition: {first(lost)}"
                yield SchemeRemark("warning", "pattern_without_code", list_place(scheme, name), detail)


def _matches(pattern: str, codes: tuple[str, ...]) -> bool:
    text = pattern.lstrip("=")
    at = bisect_left(codes, text)
    return at < len(codes) and (codes[at] == text if pattern.startswith("=") else codes[at].startswith(text))
