"""What the generator knows of every code of a scheme's editions: lists, sex, newborn, severity, frequency."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from drgengine.grouper.codelists import ListFamily
from drgengine.grouper.conditions import InList, StartsWith, atoms
from drgengine.grouper.scheme import NOT_OPERATIONS, NOT_PRINCIPAL, OPERATIONS, Rule, Scheme
from drgengine.synth.settings import FEMALE, MALE, data, longest_prefix, starting

_ORDER_SEED = 20240701
_LAST_SIGN = "\x7f"


@dataclass(frozen=True)
class CodeBook:
    """Facts per code. Diagnosis arrays have shape (D,), procedure arrays (P,), in the order of the editions.

    dx, proc : the codes; dx_lists, proc_lists : name -> positions, ascending
    sex : 0 any, 1 men only, 2 women only; newborn, obstetric, barred (as principal diagnosis), mcc, cc, trauma : bool
    gate_only : bool, codes that alone open an MDC gate from any place (HIV); kept out of other patients' records
    delivery : bool, says that a child was born; with_x : bool, an x stands after the dot of the first part
    dx_weight, proc_weight : frequency within a list before boosts
    operation, defining : bool, counts as an operation; stands in a procedure list of a rule
    """

    dx: tuple[str, ...]
    proc: tuple[str, ...]
    dx_lists: Mapping[str, np.ndarray]
    proc_lists: Mapping[str, np.ndarray]
    sex: np.ndarray
    newborn: np.ndarray
    obstetric: np.ndarray
    barred: np.ndarray
    mcc: np.ndarray
    cc: np.ndarray
    trauma: np.ndarray
    gate_only: np.ndarray
    delivery: np.ndarray
    with_x: np.ndarray
    dx_weight: np.ndarray
    proc_weight: np.ndarray
    operation: np.ndarray
    defining: np.ndarray

    def dx_starting(self, prefixes: Iterable[str]) -> np.ndarray:
        """Positions of the diagnoses that begin with one of the prefixes, by prefix."""
        # The edition is sorted as text, so that a beginning owns one run.
        runs = [np.arange(bisect_left(self.dx, p), bisect_left(self.dx, p + _LAST_SIGN)) for p in prefixes]
        return np.concatenate([np.zeros(0, np.int64), *runs])


def make_codebook(scheme: Scheme) -> CodeBook:
    """Expand a scheme's lists and join them with data/diagnoses.toml."""
    dx, proc = scheme.diagnoses.codes, scheme.procedures.codes
    dx_lists = _expand(scheme.diagnosis_patterns, dx, scheme.diagnoses.known)
    proc_lists = _expand(scheme.procedure_patterns, proc, scheme.procedures.known)
    traits, exponent = data("diagnoses")["traits"], data("diagnoses")["exponent"]
    sex = np.zeros(len(dx), dtype=np.int8)
    sex[starting(dx, traits["female"])] = FEMALE
    sex[starting(dx, traits["male"])] = MALE
    operation = _mask(len(proc), [proc_lists[OPERATIONS]])
    operation &= ~_mask(len(proc), [proc_lists[NOT_OPERATIONS]])
    rule_lists = {a.list for _, rule in scheme.rules for a in atoms(rule.when) if isinstance(a, InList)}
    any_lists, any_starts = _gates_from_any_place(scheme)
    return CodeBook(
        dx=dx,
        proc=proc,
        dx_lists=dx_lists,
        proc_lists=proc_lists,
        sex=sex,
        newborn=starting(dx, traits["newborn"]),
        obstetric=starting(dx, traits["obstetric"]),
        barred=_mask(len(dx), [dx_lists[NOT_PRINCIPAL]]),
        mcc=_mask(len(dx), _family(dx_lists, "mcc")),
        cc=_mask(len(dx), _family(dx_lists, "cc")),
        trauma=_mask(len(dx), _family(dx_lists, "site")),
        gate_only=_mask(len(dx), [dx_lists[name] for name in any_lists]) | starting(dx, any_starts),
        delivery=starting(dx, traits["delivery"]),
        with_x=np.array(["x" in code[4:].split("+")[0] for code in dx]),
        dx_weight=_zipf(dx, longest_prefix(dx, data("diagnoses")["boost"], 0.0), exponent),
        proc_weight=_zipf(proc, [0.0] * len(proc), exponent),
        operation=operation,
        defining=_mask(len(proc), [proc_lists[n] for n in rule_lists & set(proc_lists) if n != OPERATIONS]),
    )


def rules_lists(rules: Iterable[Rule]) -> set[str]:
    """Names of the lists that the rules ask."""
    return {atom.list for rule in rules for atom in atoms(rule.when) if isinstance(atom, InList)}


def _expand(
    patterns: Mapping[str, tuple[str, ...]], codes: tuple[str, ...], known: frozenset[str]
) -> dict[str, np.ndarray]:
    family = ListFamily(patterns, known)
    found: dict[str, list[int]] = {name: [] for name in patterns}
    for place, code in enumerate(codes):
        for name in family.holding(code):
            found[name].append(place)
    return {name: np.array(places, dtype=np.int32) for name, places in found.items()}


def _family(lists: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [places for name, places in lists.items() if name.startswith(prefix + ".")]


def _mask(size: int, lists: Iterable[np.ndarray]) -> np.ndarray:
    mask = np.zeros(size, dtype=bool)
    for places in lists:
        mask[places] = True
    return mask


def _gates_from_any_place(scheme: Scheme) -> tuple[list[str], tuple[str, ...]]:
    """Lists and beginnings that open a gate from any place of the record."""
    lists: list[str] = []
    starts: list[str] = []
    for mdc in scheme.mdcs:
        for atom in atoms(mdc.gate):
            if isinstance(atom, InList) and atom.scope == "any_dx":
                lists.append(atom.list)
            elif isinstance(atom, StartsWith) and atom.scope == "any_dx":
                starts.extend(atom.prefixes)
    return lists, tuple(starts) or ("\0",)


def _zipf(codes: tuple[str, ...], boost: list[float], exponent: float) -> np.ndarray:
    """Weights: a fixed order drawn once, codes without a national extension first; plus the boosts."""
    order = np.random.default_rng(_ORDER_SEED).random(len(codes))
    plain = np.fromiter(("x" not in code[4:] and "+" not in code for code in codes), bool, len(codes))
    # Within any list of k codes the uniform numbers are about 1/k apart, which makes u**-s a Zipf law there.
    uniform = np.where(plain, order * 0.5, 0.3 + order * 0.7)
    weights = np.minimum((uniform + 0.004) ** -exponent, 60.0) / 60.0
    keys = np.array(boost)
    if keys.any():
        # A boost is shared by its codes: half of it goes to the first one.
        for value in np.unique(keys[keys > 0]):
            places = np.flatnonzero(keys == value)
            for group in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
                part = 0.5 ** np.arange(group.size) + 0.02
                weights[group] += value * part / part.sum()
    return weights
