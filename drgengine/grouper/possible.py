"""Which rules can still hold once one fact of a case is known: three-valued logic over whole columns at a time.

A rule that the principal diagnosis, the first procedure, sex and age already rule out need not be asked.
Of a rule left over, only what these tables cannot decide for good is still asked (program.left_to_ask).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drgengine.grouper.bits import pack_bits
from drgengine.grouper.conditions import (
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    Has,
    InCodes,
    InList,
    Not,
    StartsWith,
)
from drgengine.grouper.program import Vocabulary
from drgengine.grouper.scheme import Scheme

Can = tuple[np.ndarray, np.ndarray]
"""(can hold, can fail), bool arrays of one length."""
Known = Callable[[Condition], Can | None]
_EXACT = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}
_LISTED = (InList, InCodes, StartsWith)


@dataclass(frozen=True, slots=True)
class CandidateRules:
    """Rules left possible, as bits, by what is known of a case (see tables.KernelTables)."""

    by_pdx: np.ndarray
    by_single: np.ndarray
    by_first: np.ndarray
    by_patient: np.ndarray


def can(condition: Condition, known: Known, size: int) -> Can:
    """Whether a condition can hold and can fail when only some atoms are known."""
    match condition:
        case Constant(value):
            return np.full(size, value), np.full(size, not value)
        case Not(part):
            holds, fails = can(part, known, size)
            return fails, holds
        case All(parts) | AnyOf(parts):
            cans = [can(part, known, size) for part in parts]
            hold, fail = np.array([c[0] for c in cans]), np.array([c[1] for c in cans])
            if isinstance(condition, All):
                return np.asarray(hold.all(axis=0)), np.asarray(fail.any(axis=0))
            return np.asarray(hold.any(axis=0)), np.asarray(fail.all(axis=0))
    return known(condition) or (np.ones(size, bool), np.ones(size, bool))


def candidate_rules(
    scheme: Scheme, vocabulary: Vocabulary, dx_lists: np.ndarray, proc_lists: np.ndarray
) -> CandidateRules:
    """Candidates per signature of the principal diagnosis and of the first procedure, per patient, and if plain."""

    def rules(known: Known, size: int) -> np.ndarray:
        gates = {mdc.code: can(mdc.gate, known, size)[0] for mdc in scheme.mdcs}
        held = [gates[mdc.code] & can(rule.when, known, size)[0] for mdc, rule in scheme.rules]
        return pack_bits(np.array(held, bool).reshape(len(held), size).T)

    def bit(lists: np.ndarray, atom: InList | InCodes | StartsWith) -> np.ndarray:
        number = vocabulary.list_number(atom)
        return (lists[:, number >> 6] >> np.uint64(number & 63)) & np.uint64(1) != 0

    def principal(atom: Condition) -> Can | None:
        if isinstance(atom, _LISTED) and atom.scope == "pdx":
            held = bit(dx_lists, atom)
            return held, ~held
        if isinstance(atom, _LISTED) and atom.scope == "any_dx":
            return np.ones(len(dx_lists), bool), ~bit(dx_lists, atom)
        return None

    def single(atom: Condition) -> Can | None:
        if isinstance(atom, (*_LISTED, Has)) and "proc" in atom.scope:
            held = np.arange(len(proc_lists)) > 0 if isinstance(atom, Has) else bit(proc_lists, atom)
            held = held & (atom.scope != "other_proc")
            return held, ~held
        return None

    def first(atom: Condition) -> Can | None:
        if isinstance(atom, _LISTED) and atom.scope == "first_proc":
            held = bit(proc_lists, atom)
            return held, ~held
        if isinstance(atom, _LISTED) and atom.scope == "any_proc":
            return np.ones(len(proc_lists), bool), ~bit(proc_lists, atom)
        return None

    everything = np.uint64(0xFFFFFFFFFFFFFFFF)
    may_lack_age = "age_missing" not in scheme.checks
    return CandidateRules(
        by_pdx=rules(principal, len(dx_lists)),
        by_single=rules(single, len(proc_lists)),
        by_first=rules(first, len(proc_lists)),
        by_patient=np.concatenate(
            [
                rules(_patient(sex, infant, may_lack_age), 1) & (rules(_plain, 1) if plain else everything)
                for sex in (1, 2)
                for infant in (False, True)
                for plain in (False, True)
            ]
        ),
    )


def _one(holds: bool, fails: bool) -> Can:
    return np.array([holds]), np.array([fails])


def _plain(atom: Condition) -> Can | None:
    """What is known when no diagnosis stands in a list that is asked for in any position, or has a body region."""
    if isinstance(atom, _LISTED) and atom.scope in ("any_dx", "sdx"):
        return _one(False, True)
    counts_nothing = isinstance(atom, Count) and atom.scope in ("any_dx", "sdx")
    if counts_nothing or (isinstance(atom, Compare) and atom.name == "trauma_sites"):
        holds = _EXACT[atom.op](0, atom.value)  # type: ignore[union-attr]
        return _one(holds, not holds)
    return None


def _patient(sex: int, infant: bool, may_lack_age: bool) -> Known:
    """What sex and age decide; a record that may lack its age counts as no infant, and its comparisons may fail."""
    low, high = (0.0, 1.0) if infant else (1.0, np.inf)

    def known(atom: Condition) -> Can | None:
        if not isinstance(atom, Compare) or atom.name not in ("sex", "age_years"):
            return None
        value = atom.value
        if atom.name == "sex":
            holds = _EXACT[atom.op](sex, value)
            return _one(holds, not holds)
        above = high > value
        missing = may_lack_age and not infant
        return {
            "<": _one(low < value, above or missing),
            "<=": _one(low <= value, above or missing),
            ">": _one(above, low <= value or missing),
            ">=": _one(above, low < value or missing),
            "==": _one(low <= value < high, True),
        }[atom.op]

    return known
