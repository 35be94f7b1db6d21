"""Audit clues of one batch: which codes they speak of, and the flags of every record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from drgengine.cases.codes import mend_code
from drgengine.cases.issues import BatchIssue
from drgengine.grouper.group import BatchAnswer
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.tables import SEVERITIES, STATUSES
from drgengine.whatif.codefacts import CodeFacts, Facts
from drgengine.whatif.definitions import clue_ids, doubt_ids
from drgengine.whatif.variants import Batch, Side, VariantGrouper, Variants

CODE_CLUES = (
    "rests_on_one_code",
    "operation_outside_mdc",
    "severity_cancelled",
    "severity_inexact_code",
    "severity_by_other_principal",
)
"""Clues that name a code, in the order of their numbers in Findings."""
KINDS = ("dx", "proc")
GROUPED, AMBIGUOUS, INVALID = (STATUSES.index(name) for name in ("grouped", "ambiguous", "invalid"))
NO_SEVERITY = SEVERITIES.index("none")
_STATUS, _MDC, _DRG, _SEVERITY = 0, 1, 3, 4
_WHOLE_YEAR = 365


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Codes that clues speak of, sorted by record, clue, kind and place (f of them).

    case int64 (f,): record in the batch, from 0; clue, kind int8 (f,): numbers in CODE_CLUES and KINDS
    place int32 (f,): in the record, from 0; text int32 (f,): number of the code among the texts of its kind
    status, drg int32 (f,): the answer without the code, or with it as principal; numbers in the dictionaries of the
        answer, -1 where the clue names none
    severity int8 (f,): the same of the severity; doubt int32 (f,): bits of doubt_ids()
    """

    case: np.ndarray
    clue: np.ndarray
    kind: np.ndarray
    place: np.ndarray
    text: np.ndarray
    status: np.ndarray
    drg: np.ndarray
    severity: np.ndarray
    doubt: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class BatchClues:
    """The clues of a batch: flags bool (n, clues) in the order of clue_ids(), the answers, the findings."""

    batch: Batch
    answer: BatchAnswer
    flags: np.ndarray
    findings: Findings


@dataclass(frozen=True, slots=True, eq=False)
class _Base:
    """The answers to the records as they are, as numbers; -1 = null."""

    status: np.ndarray
    mdc: np.ndarray
    drg: np.ndarray
    severity: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        return self.status != INVALID


class ClueFinder:
    """Finds the clues of batches of one layout under one scheme. Pure and thread-safe."""

    def __init__(self, scheme: Scheme, grouper: VariantGrouper) -> None:
        self.grouper = grouper
        self.dx, self.proc = CodeFacts(scheme, "dx"), CodeFacts(scheme, "proc")

    def __call__(self, record_batch: pa.RecordBatch, first_row: int) -> BatchClues:
        """The clues of a batch whose first row has the number first_row."""
        batch = self.grouper.packed(record_batch, first_row)
        answer = self.grouper.recorded(batch)
        base = _Base(*(_numbers(answer, column) for column in (_STATUS, _MDC, _DRG, _SEVERITY)))
        dx, proc = self.dx.of_texts(batch.dx.codes.texts), self.proc.of_texts(batch.proc.codes.texts)
        mended = _Mended(batch, first_row, set(self.grouper.columns.dx.names))
        found = [
            *self._one_code(batch, base, dx, proc, mended),
            self._outside(batch, base, proc, answer),
            *self._severity(batch, base, dx),
        ]
        findings = _sorted(found)
        return BatchClues(batch, answer, _flags(batch.n, base, findings), findings)

    def _one_code(self, batch: Batch, base: _Base, dx: Facts, proc: Facts, mended: _Mended) -> list[Findings]:
        """rests_on_one_code: every further code left out alone."""
        found = []
        for kind, side, facts in ((0, batch.dx, dx), (1, batch.proc, proc)):
            case, place = side.place(np.flatnonzero(side.leaves))
            tried = base.valid[case]
            case, place = case[tried], place[tried]
            still = np.zeros(case.size, np.int32)
            variants = Variants(case, *((place, still) if kind == 0 else (still, place)))
            for part, answer in self.grouper.left_out(batch, variants):
                status, drg = _numbers(answer, _STATUS), _numbers(answer, _DRG)
                hit = np.flatnonzero((status != base.status[part.case]) | (drg != base.drg[part.case]))
                where, at = part.case[hit], (part.dx_place if kind == 0 else part.proc_place)[hit]
                text = side.codes.index[side.codes.offsets[where] + at]
                doubt = facts.doubt[text] | _against(batch, where, text, facts) | mended.bits(kind, side, where, at)
                severity = _numbers(answer, _SEVERITY)[hit]
                found.append(_found(0, kind, where, at, text, status[hit], drg[hit], severity, doubt))
        return found

    def _outside(self, batch: Batch, base: _Base, facts: Facts, answer: BatchAnswer) -> Findings:
        """operation_outside_mdc: operations that stand in no procedure list of the MDC; of ambiguous ones all."""
        side = batch.proc
        at = np.flatnonzero(side.as_first & (side.number >= 0))
        at = at[facts.operation[side.codes.index[at]]]
        case, place = side.place(at)
        text = side.codes.index[at]
        words = answer.columns[_MDC].dictionary.to_pylist()
        column = np.array([self.proc.mdcs.index(word) if word in self.proc.mdcs else -1 for word in words], np.int64)
        mdc = column[base.mdc[case]] if column.size else np.full(case.size, -1)
        outside = (base.status[case] == GROUPED) & (mdc >= 0)
        if facts.in_mdc.size:
            outside &= ~facts.in_mdc[text, mdc]
        hit = np.flatnonzero(outside | (base.status[case] == AMBIGUOUS))
        return _plain(1, 1, case[hit], place[hit], text[hit])

    def _severity(self, batch: Batch, base: _Base, facts: Facts) -> list[Findings]:
        """The three ways in which a severity may be missed, of records whose rule asks and where none counts."""
        side = batch.dx
        asked = base.valid & (base.severity == NO_SEVERITY)
        at = np.flatnonzero(side.leaves)
        case, place = side.place(at)
        text = side.codes.index[at]
        found = []
        for clue, listed in ((2, facts.severe), (3, facts.inexact)):
            hit = np.flatnonzero(asked[case] & listed[text])
            found.append(_plain(clue, 0, case[hit], place[hit], text[hit]))
        case, place = side.place(np.flatnonzero(side.as_first))
        tried = asked[case] & (place > 0)
        case, place = case[tried], place[tried]
        for part, answer in self.grouper.moved(batch, Variants(case, place, np.zeros(case.size, np.int32))):
            severity = _numbers(answer, _SEVERITY)
            hit = np.flatnonzero((severity >= 0) & (severity != NO_SEVERITY))
            where, there = part.case[hit], part.dx_place[hit]
            text = side.codes.index[side.codes.offsets[where] + there]
            status, drg = _numbers(answer, _STATUS)[hit], _numbers(answer, _DRG)[hit]
            found.append(_found(4, 0, where, there, text, status, drg, severity[hit], np.zeros(hit.size, np.int32)))
        return found


def _numbers(answer: BatchAnswer, column: int) -> np.ndarray:
    """A result column as numbers int32 into its dictionary, -1 = null."""
    return np.asarray(answer.columns[column].indices.fill_null(-1))


def _against(batch: Batch, case: np.ndarray, text: np.ndarray, facts: Facts) -> np.ndarray:
    """Bits of against_sex and against_age for codes of records."""
    ids = doubt_ids()
    sex, numbers = batch.arguments[8][case], batch.arguments[9]
    years, days = numbers[0][case], numbers[1][case]
    asked, low, high, most = (column[text] for column in facts.limits)
    wrong_sex = (asked > 0) & (sex > 0) & (asked != sex)
    with np.errstate(invalid="ignore"):
        wrong_age = (years < low) | (years > high) | (days > most) | ((years >= 1) & (most < _WHOLE_YEAR))
        wrong_age &= years >= 0
    bits = wrong_sex.astype(np.int32) << ids.index("against_sex")
    return np.asarray(bits | (wrong_age.astype(np.int32) << ids.index("against_age")))


class _Mended:
    """Codes of records that were mended when they were read."""

    def __init__(self, batch: Batch, first_row: int, dx_columns: set[str]) -> None:
        self._bit = np.int32(1 << doubt_ids().index("mended_at_reading"))
        self._keys = [self._mended(batch.issues, side, first_row, dx_columns, dx) for side, dx in _sides(batch)]

    def bits(self, kind: int, side: Side, case: np.ndarray, place: np.ndarray) -> np.ndarray:
        """The bit of mended_at_reading for codes of records."""
        if not self._keys[kind].size:
            return np.zeros(case.size, np.int32)
        number = side.number[side.codes.offsets[case] + place]
        return np.isin(case * len(side.codes.texts) + number, self._keys[kind]) * self._bit

    @staticmethod
    def _mended(issues: list[BatchIssue], side: Side, first_row: int, dx_columns: set[str], dx: bool) -> np.ndarray:
        number: dict[str, int] = {}
        for place, text in enumerate(side.codes.texts):
            number.setdefault(text, place)
        keys = [np.empty(0, np.int64)]
        for issue in issues:
            if not issue.rule.startswith("code_") or (issue.column in dx_columns) is not dx:
                continue
            read = {raw: mend_code(raw)[0] for raw in set(issue.values)}
            at = np.array([number.get(read[raw], -1) if read[raw] != raw else -1 for raw in issue.values], np.int64)
            kept = (at >= 0) & np.array([bool(read[raw]) for raw in issue.values], np.bool_)
            keys.append(((issue.rows - first_row) * len(side.codes.texts) + at)[kept])
        return np.unique(np.concatenate(keys))


def _sides(batch: Batch) -> tuple[tuple[Side, bool], tuple[Side, bool]]:
    return (batch.dx, True), (batch.proc, False)


def _plain(clue: int, kind: int, case: np.ndarray, place: np.ndarray, text: np.ndarray) -> Findings:
    none = np.full(case.size, -1, np.int32)
    return _found(clue, kind, case, place, text, none, none, none, np.zeros(case.size, np.int32))


def _found(
    clue: int, kind: int, case: np.ndarray, place: np.ndarray, text: np.ndarray, status: np.ndarray, drg: np.ndarray,
    severity: np.ndarray, doubt: np.ndarray,
) -> Findings:  # fmt: skip
    same = np.full(case.size, clue, np.int8), np.full(case.size, kind, np.int8)
    return Findings(case, *same, place, text.astype(np.int32), status, drg, severity.astype(np.int8), doubt)


def _sorted(parts: list[Findings]) -> Findings:
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in Findings.__slots__]
    whole = Findings(*columns)
    order = np.lexsort((whole.place, whole.kind, whole.clue, whole.case))
    return Findings(*(column[order] for column in columns))


def _flags(n: int, base: _Base, found: Findings) -> np.ndarray:
    """bool (n, clues): a flag for each clue of each record."""
    flags = {name: np.zeros(n, np.bool_) for name in clue_ids()}
    for number, name in enumerate(CODE_CLUES):
        flags[name][found.case[found.clue == number]] = True
    one = found.clue == 0
    flags["doubtful"][found.case[one & (found.doubt != 0)]] = True
    counts = (base.severity >= 0) & (base.severity != NO_SEVERITY)
    changed = one & (found.kind == 0) & counts[found.case] & (found.severity != base.severity[found.case])
    flags["severity_rests_on_one_code"][found.case[changed]] = True
    flags["operation_outside_mdc"] |= base.status == AMBIGUOUS
    for name in ("severity_cancelled", "severity_inexact_code", "severity_by_other_principal"):
        flags["missed_severity"] |= flags[name]
    return np.stack([flags[name] for name in clue_ids()], axis=1)
