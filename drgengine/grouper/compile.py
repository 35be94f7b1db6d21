"""Scheme -> arrays for the kernel, and the tables that turn the kernel's numbers back into codes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from drgengine.errors import SchemeError
from drgengine.grouper.bits import pack_bits
from drgengine.grouper.conditions import (
    DIAGNOSIS_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    Department,
    InCodes,
    InList,
    Known,
    OneOf,
    StartsWith,
    atoms,
)
from drgengine.grouper.possible import candidate_rules
from drgengine.grouper.program import Program, Vocabulary
from drgengine.grouper.scheme import CHECKS, NOT_FOR_GROUPING, NOT_PRINCIPAL, Mdc, Rule, Scheme
from drgengine.grouper.tables import FIRST_NUMBERS, KernelTables

UNKNOWN, BARRED, ASKED, EMPTY, LISTED = 1, 2, 4, 8, 16
_DX_LISTED = (InList, InCodes, StartsWith)


@dataclass(frozen=True)
class Compiled:
    """A scheme ready for the kernel.

    tables : arrays, see tables.KernelTables; gate_tables : the same for gates_as_rules
    dx_codes, proc_codes : known code -> signature; dx_prefixes, proc_prefixes : signature of an unknown code that
        starts with a text some rule asks for ("" for any other unknown code)
    numbers : numeric facts in the order of the kernel's rows; departments : names that rules ask for, from number 1
    leaf_mdc, leaf_adrg, leaf_drg : codes per leaf, leaf_ambiguous per leaf; ungroupable : the code of no group
    counts_codes : some rule counts different codes; day_age_of_infants_only : as in the scheme
    """

    scheme_id: str
    digest: str
    tables: KernelTables
    gate_tables: KernelTables
    dx_codes: tuple[str, ...]
    dx_signature: np.ndarray
    proc_codes: tuple[str, ...]
    proc_signature: np.ndarray
    dx_prefixes: Mapping[str, int]
    proc_prefixes: Mapping[str, int]
    numbers: tuple[str, ...]
    departments: tuple[str, ...]
    leaf_mdc: tuple[str, ...]
    leaf_adrg: tuple[str, ...]
    leaf_drg: tuple[str, ...]
    leaf_ambiguous: tuple[bool, ...]
    ungroupable: str
    counts_codes: bool
    day_age_of_infants_only: bool


def expand(patterns: Iterable[str], codes: Sequence[str]) -> np.ndarray:
    """Which codes of a sorted edition a list holds: bool array, shape (codes,). The longest pattern decides."""
    held = np.zeros(len(codes), bool)
    for pattern in sorted(patterns, key=lambda p: (p.lstrip("-").startswith("="), len(p.lstrip("-")))):
        text = pattern.lstrip("-=")
        low = bisect_left(codes, text)
        if pattern.lstrip("-").startswith("="):
            high = low + (low < len(codes) and codes[low] == text)
        else:
            high = bisect_left(codes, text + "\U0010ffff", low)
        held[low:high] = not pattern.startswith("-")
    return held


def compile_scheme(scheme: Scheme) -> Compiled:
    """Compile a scheme. Raises SchemeError where the scheme asks for more than the compiled form can hold."""
    conditions = [mdc.gate for mdc in scheme.mdcs]
    conditions += [condition for _, rule in scheme.rules for condition in (rule.when, *(g.when for g in rule.groups))]
    asked = [atom for condition in conditions for atom in atoms(condition)]
    vocabulary = _vocabulary(asked)
    _check_sizes(scheme)
    dx = _Side(scheme, vocabulary.dx_lists, scheme.diagnosis_patterns, scheme.diagnoses.codes)
    proc = _Side(scheme, vocabulary.proc_lists, scheme.procedure_patterns, scheme.procedures.codes)
    severity = _severity(scheme, dx)
    flags = _flags(scheme, dx, asked, vocabulary, severity.sites)
    dx_sig = dx.signatures(severity.levels, severity.cancels, severity.sites, flags)
    proc_sig = proc.signatures(proc.leave_out(scheme.procedure_patterns.get(NOT_FOR_GROUPING, ())))
    program, tables = _tables(scheme, vocabulary, dx_sig, proc_sig)
    return Compiled(
        scheme_id=scheme.id,
        digest=scheme.digest,
        tables=tables,
        gate_tables=_tables(gates_as_rules(scheme), vocabulary, dx_sig, proc_sig)[1],
        dx_codes=scheme.diagnoses.codes,
        dx_signature=dx_sig.of_code,
        proc_codes=scheme.procedures.codes,
        proc_signature=proc_sig.of_code,
        dx_prefixes=dx_sig.of_unknown,
        proc_prefixes=proc_sig.of_unknown,
        numbers=vocabulary.numbers,
        departments=vocabulary.departments,
        leaf_mdc=tuple(leaf.mdc for leaf in program.leaves),
        leaf_adrg=tuple(leaf.adrg for leaf in program.leaves),
        leaf_drg=tuple(leaf.drg for leaf in program.leaves),
        leaf_ambiguous=tuple(leaf.ambiguous for leaf in program.leaves),
        ungroupable=scheme.ungroupable,
        counts_codes=any(isinstance(atom, Count) for atom in asked),
        day_age_of_infants_only=scheme.day_age_of_infants_only,
    )


def _tables(scheme: Scheme, vocabulary: Vocabulary, dx: _Signatures, proc: _Signatures) -> tuple[Program, KernelTables]:
    program = Program(scheme, vocabulary)
    rules = candidate_rules(scheme, vocabulary, dx.rows[0], proc.rows[0])
    return program, KernelTables(
        dx_lists=dx.rows[0],
        dx_severity=dx.rows[1],
        dx_cancels=dx.rows[2],
        dx_sites=dx.rows[3],
        dx_flags=dx.rows[4],
        proc_lists=proc.rows[0],
        rules_by_pdx=rules.by_pdx,
        rules_by_single=rules.by_single,
        rules_by_first=rules.by_first,
        rules_by_patient=rules.by_patient,
        rule_entry=program.rule_entry,
        nodes=program.nodes,
        values=program.values,
        leaf_flags=program.leaf_flags,
        lowest_bit=np.array([(b & -b).bit_length() - 1 if b else 0 for b in range(256)], np.uint8),
        options=np.array([scheme.retry_each_other_procedure, *_masks(scheme)], np.int64),
    )


def _masks(scheme: Scheme) -> tuple[int, int]:
    """Checks as bits by their numbers, and the flags of principal diagnoses that are refused."""
    refused = {"unknown": UNKNOWN, "not_allowed": BARRED}
    return sum(1 << CHECKS.index(check) for check in scheme.checks), sum(refused[r] for r in scheme.refused_principals)


def gates_as_rules(scheme: Scheme) -> Scheme:
    """A scheme that asks one thing: does the gate of an MDC hold that lists the principal diagnosis?

    By it the kernel tells apart why a record is ungroupable.
    """
    always = Constant(True)
    rules = tuple(
        Rule(mdc.code, mdc.code, "", "medical", All((mdc.gate, _is_listed(mdc))), (), mdc.code) for mdc in scheme.mdcs
    )
    return replace(scheme, mdcs=(Mdc("", "", always, rules),), retry_each_other_procedure=False)


def _is_listed(mdc: Mdc) -> Condition:
    listing = _listing(mdc)
    return AnyOf(listing) if listing else Constant(False)


def _listing(mdc: Mdc) -> tuple[InList | InCodes | StartsWith, ...]:
    """Questions whether the principal diagnosis stands in a list of the gate."""
    return tuple(
        replace(atom, scope="pdx")
        for atom in atoms(mdc.gate)
        if isinstance(atom, _DX_LISTED) and atom.scope in ("pdx", "any_dx")
    )


def _vocabulary(asked: list[Condition]) -> Vocabulary:
    """Numbers for everything that conditions name: lists, numeric facts, departments."""
    dx: dict[Condition, int] = {}
    proc: dict[Condition, int] = {}
    numbers = list(FIRST_NUMBERS)
    departments: list[str] = []
    for atom in asked:
        if isinstance(atom, (*_DX_LISTED, Count)):
            side = dx if atom.scope in DIAGNOSIS_SCOPES else proc
            side.setdefault(Vocabulary.key(atom), len(side))
        elif isinstance(atom, Department) and atom.value not in departments:
            departments.append(atom.value)
        elif isinstance(atom, Compare | Known | OneOf) and atom.name not in (*numbers, "sex", "trauma_sites"):
            numbers.append(atom.name)
    return Vocabulary(dx, proc, tuple(numbers), tuple(departments))


def _check_sizes(scheme: Scheme) -> None:
    sites = sum(name.startswith("site.") for name in scheme.diagnosis_patterns)
    if sites > 64:
        raise SchemeError(f"scheme {scheme.id}", f"{sites} body regions; the compiled form holds 64", "Join some")
    answers = sum(len(rule.groups) + 1 for _, rule in scheme.rules)
    if answers > 32_000:
        raise SchemeError(
            f"scheme {scheme.id}", f"{answers} answers; the compiled form holds 32,000", "Split the scheme"
        )


class _Side:
    """Memberships of all codes of one side (diagnoses or procedures), then their signatures.

    Rows: the codes of the edition, then "no code", then unknown codes by the prefix they start with ("" = none).
    """

    def __init__(
        self,
        scheme: Scheme,
        lists: Mapping[Condition, int],
        patterns: Mapping[str, tuple[str, ...]],
        codes: tuple[str, ...],
    ) -> None:
        prefixes = {p for key in lists if isinstance(key, StartsWith) for p in key.prefixes}
        self.unknown = ["", *sorted(prefixes)]
        self.codes = codes
        self.patterns = patterns
        self.size = len(codes) + 1 + len(self.unknown)
        self.member = np.zeros((self.size, max(len(lists), 1)), bool)
        place = {code: at for at, code in enumerate(codes)}
        for key, number in lists.items():
            if isinstance(key, InList):
                self.member[: len(codes), number] = expand(patterns[key.list], codes)
            elif isinstance(key, InCodes):
                self.member[[place[code] for code in key.codes if code in place], number] = True
            elif isinstance(key, StartsWith):
                texts = [*codes, "", *self.unknown]
                self.member[:, number] = [text.startswith(key.prefixes) for text in texts]

    def column(self, patterns: Iterable[str]) -> np.ndarray:
        """Membership in one more list, over all rows."""
        held = np.zeros(self.size, bool)
        held[: len(self.codes)] = expand(patterns, self.codes)
        return held

    def leave_out(self, patterns: Iterable[str]) -> np.ndarray:
        """Make the codes of a list as if no code stood there; returns which rows are no code, over all rows."""
        nothing = self.column(patterns)
        nothing[len(self.codes)] = True
        self.member[nothing] = False
        return nothing

    def signatures(self, *more: np.ndarray) -> _Signatures:
        """Distinct rows over memberships and further columns; row 0 is "no code"."""
        columns = [pack_bits(self.member), *more]
        order = [len(self.codes), *range(len(self.codes)), *range(len(self.codes) + 1, self.size)]
        raw = np.concatenate([np.ascontiguousarray(c).reshape(self.size, -1).view(np.uint8) for c in columns], axis=1)
        keys = np.ascontiguousarray(raw[order]).view([("", np.void, raw.shape[1])]).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        numbers = rank[inverse].astype(np.uint32)
        chosen = np.array(order)[np.sort(first)]
        end = 1 + len(self.codes)
        return _Signatures(
            rows=[np.ascontiguousarray(column[chosen]) for column in columns],
            of_code=numbers[1:end],
            of_unknown={text: int(numbers[end + at]) for at, text in enumerate(self.unknown)},
        )


@dataclass(frozen=True, slots=True)
class _Signatures:
    rows: list[np.ndarray]
    of_code: np.ndarray
    of_unknown: dict[str, int]


@dataclass(frozen=True, slots=True)
class _SeverityColumns:
    levels: np.ndarray
    cancels: np.ndarray
    sites: np.ndarray


def _severity(scheme: Scheme, dx: _Side) -> _SeverityColumns:
    families: dict[str, dict[str, tuple[str, ...]]] = {"mcc": {}, "cc": {}, "excluded": {}, "site": {}}
    for name, patterns in scheme.diagnosis_patterns.items():
        family, _, rest = name.partition(".")
        if rest and family in families:
            families[family][rest] = patterns
    numbers = {
        name: at for at, name in enumerate(dict.fromkeys([*families["mcc"], *families["cc"], *families["excluded"]]))
    }
    levels = np.full((dx.size, 2), -1, np.int16)
    for level, family in enumerate(("mcc", "cc")):
        column = levels[:, level]
        for name, patterns in families[family].items():
            held = dx.column(patterns)
            if (column[held] >= 0).any():
                code = dx.codes[int(np.flatnonzero(held & (column >= 0))[0])]
                raise SchemeError(
                    f"{Path(scheme.source) / 'diagnoses.txt'} [{family}.{name}]",
                    f"{code} stands in two lists of {family}",
                    "Leave it in one of them",
                )
            column[held] = numbers[name]
    cancels = np.zeros((dx.size, max(len(numbers), 1)), bool)
    for name, patterns in families["excluded"].items():
        cancels[:, numbers[name]] = dx.column(patterns)
    sites = np.zeros((dx.size, max(len(families["site"]), 1)), bool)
    for at, patterns in enumerate(families["site"].values()):
        sites[:, at] = dx.column(patterns)
    return _SeverityColumns(levels, pack_bits(cancels), pack_bits(sites)[:, 0])


def _flags(scheme: Scheme, dx: _Side, asked: list[Condition], vocabulary: Vocabulary, sites: np.ndarray) -> np.ndarray:
    flags = np.zeros(dx.size, np.uint8)
    flags[len(dx.codes)] |= EMPTY
    flags[len(dx.codes) + 1 :] |= UNKNOWN
    flags[dx.column(scheme.diagnosis_patterns[NOT_PRINCIPAL])] |= BARRED
    flags[sites != 0] |= ASKED
    for atom in asked:
        if isinstance(atom, (*_DX_LISTED, Count)) and atom.scope in ("any_dx", "sdx"):
            flags[dx.member[:, vocabulary.list_number(atom)]] |= ASKED
    for mdc in scheme.mdcs:
        for listing in _listing(mdc):
            flags[dx.member[:, vocabulary.list_number(listing)]] |= LISTED
    return flags
