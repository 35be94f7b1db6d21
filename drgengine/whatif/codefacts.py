"""What the scheme and data/whatif.toml say of single codes, for all codes of a batch at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.formats.checks.limits import Beginnings, limits_of
from drgengine.grouper.compile import expand
from drgengine.grouper.conditions import PROCEDURE_SCOPES, Count, InCodes, InList, StartsWith, atoms
from drgengine.grouper.scheme import NOT_FOR_GROUPING, NOT_OPERATIONS, OPERATIONS, Mdc, Rule, Scheme
from drgengine.whatif.definitions import definitions

_SHARED_LISTS = (OPERATIONS, NOT_OPERATIONS, NOT_FOR_GROUPING)
_CATEGORY = 3


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Parallel to the texts asked for (t of them).

    doubt int32 (t,): bits of the reasons that lie in the code alone, in the order of doubt_ids()
    limits : sex int8 (0 either), least and most years, most days; int32 (t,) each
    severe bool (t,): listed as MCC or CC; inexact bool (t,): see severity_inexact_code
    operation bool (t,): an operation that counts for grouping; in_mdc bool (t, mdcs): stands in a procedure list there
    """

    doubt: np.ndarray
    limits: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    severe: np.ndarray
    inexact: np.ndarray
    operation: np.ndarray
    in_mdc: np.ndarray


class CodeFacts:
    """Facts of the diagnosis codes ("dx") or procedure codes ("proc") of a scheme; unknown codes are looked at anew."""

    def __init__(self, scheme: Scheme, of: str) -> None:
        self.scheme, self.of = scheme, of
        self.mdcs = tuple(dict.fromkeys(mdc.code for mdc in scheme.mdcs))
        edition = scheme.diagnoses if of == "dx" else scheme.procedures
        self._patterns = scheme.diagnosis_patterns if of == "dx" else scheme.procedure_patterns
        self._place = {code: at for at, code in enumerate(edition.codes)}
        self._severe_categories: frozenset[str] = frozenset()
        self._severe_categories = frozenset(
            code[:_CATEGORY] for code, severe in zip(edition.codes, self._severe(edition.codes), strict=True) if severe
        )
        self._known = self._measure(edition.codes, known=True)

    def of_texts(self, texts: list[str]) -> Facts:
        """The facts of some codes, in their order."""
        place = np.array([self._place.get(text, -1) for text in texts], np.int64)
        strange = place < 0
        if not strange.any():
            return _taken(self._known, place)
        unknown = tuple(text for text in texts if text not in self._place)
        place[strange] = len(self._place) + np.arange(len(unknown))
        return _taken(_joined(self._known, self._measure(unknown, known=False)), place)

    def _measure(self, codes: tuple[str, ...], *, known: bool) -> Facts:
        limits = limits_of(list(codes), self.of)
        severe = self._severe(codes) if known else np.zeros(len(codes), np.bool_)
        operation = self._listed(OPERATIONS, codes, known) & ~self._listed(NOT_FOR_GROUPING, codes, known)
        return Facts(
            self._doubt(codes, known),
            (limits.sex, limits.minimum_years, limits.maximum_years, limits.maximum_days),
            severe,
            np.array([self._inexact(code) for code in codes], np.bool_) & ~severe,
            operation,
            self._in_mdc(codes, known),
        )

    def _listed(self, name: str, codes: tuple[str, ...], known: bool) -> np.ndarray:
        if not known or name not in self._patterns:
            return np.zeros(len(codes), np.bool_)
        return expand(self._patterns[name], codes)

    def _severe(self, codes: tuple[str, ...]) -> np.ndarray:
        held = np.zeros(len(codes), np.bool_)
        for name, patterns in self._patterns.items():
            if name.startswith(("mcc.", "cc.")):
                held |= expand(patterns, codes)
        return held

    def _inexact(self, code: str) -> bool:
        rule = definitions()["inexact"]
        first = code.split("+")[0]
        asked = _fourth(first, rule) or first.endswith(tuple(rule["endings"]))
        return self.of == "dx" and asked and first[:_CATEGORY] in self._severe_categories

    def _doubt(self, codes: tuple[str, ...], known: bool) -> np.ndarray:
        bits = np.zeros(len(codes), np.int32)
        for bit, (name, rule) in enumerate(definitions()["doubt"].items()):
            if rule["of"] not in (self.of, "both"):
                continue
            if "fourth" in rule:
                held = np.array([_fourth(code.split("+")[0], rule) for code in codes], np.bool_)
            elif "codes" in rule:
                chapter = Beginnings(tuple(rule["codes"]))
                held = np.array([code in chapter for code in codes], np.bool_)
            elif "list" in rule:
                held = self._listed(rule["list"], codes, known)
            else:
                held = np.full(len(codes), name == "outside_edition" and not known)
            bits |= held.astype(np.int32) << bit
        return bits

    def _in_mdc(self, codes: tuple[str, ...], known: bool) -> np.ndarray:
        held = np.zeros((len(codes), len(self.mdcs) if self.of == "proc" else 0), np.bool_)
        if self.of == "dx":
            return held
        place = {code: at for at, code in enumerate(codes)}
        for mdc in self.scheme.mdcs:
            column = held[:, self.mdcs.index(mdc.code)]
            for atom in procedure_lists(mdc):
                if isinstance(atom, StartsWith):
                    column |= np.array([code.startswith(atom.prefixes) for code in codes], np.bool_)
                elif isinstance(atom, InCodes):
                    column[[place[code] for code in atom.codes if known and code in place]] = True
                else:
                    column |= self._listed(atom.list, codes, known)
        return held


def procedure_lists(mdc: Mdc) -> Iterator[InList | Count | InCodes | StartsWith]:
    """What the rules of an MDC ask of procedures, but for the lists that all MDCs share (operations ...)."""
    for atom in dict.fromkeys(atom for rule in mdc.rules for atom in _asked(rule)):
        if not isinstance(atom, InList | Count | InCodes | StartsWith) or atom.scope not in PROCEDURE_SCOPES:
            continue
        if isinstance(atom, InList | Count) and atom.list in _SHARED_LISTS:
            continue
        yield atom


def _asked(rule: Rule) -> Iterator[Any]:
    for condition in (rule.when, *(group.when for group in rule.groups)):
        yield from atoms(condition)


def _fourth(code: str, rule: dict[str, Any]) -> bool:
    dot = code.find(".")
    return dot == _CATEGORY and code[dot + 1 : dot + 2] == rule["fourth"] and not code.startswith(tuple(rule["except"]))


def _joined(first: Facts, second: Facts) -> Facts:
    return Facts(
        np.concatenate([first.doubt, second.doubt]),
        _four(np.concatenate(pair) for pair in zip(first.limits, second.limits, strict=True)),
        np.concatenate([first.severe, second.severe]),
        np.concatenate([first.inexact, second.inexact]),
        np.concatenate([first.operation, second.operation]),
        np.concatenate([first.in_mdc, second.in_mdc]),
    )


def _taken(facts: Facts, place: np.ndarray) -> Facts:
    return Facts(
        facts.doubt[place],
        _four(column[place] for column in facts.limits),
        facts.severe[place],
        facts.inexact[place],
        facts.operation[place],
        facts.in_mdc[place],
    )


def _four(columns: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    sex, low, high, days = columns
    return sex, low, high, days
