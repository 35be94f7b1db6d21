"""The diagnoses of a settlement list: principal by its flag, Western ones only, beside their settlement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning import CleanedCodes, clean_code_list, clean_domain
from drgengine.formats.cleaning.codecell import Plus
from drgengine.formats.cleaning.codeshape import Kind
from drgengine.formats.settlement.evidence import Evidence, at_settlements, without
from drgengine.formats.settlement.joining import Gathered, with_empty_principal
from drgengine.formats.settlement.profile import plain_word, settlement_profile
from drgengine.formats.settlement.tables import InputTable
from drgengine.formats.settlement.unjoined import unjoined
from drgengine.formats.settlement.words import Words, read_order, read_words

_WESTERN, _TCM = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """How codes are read: the codes that exist, what separates several in a cell, the column of their sequence."""

    known: frozenset[str]
    separators: str = "auto"
    plus: Plus = "auto"
    order: str | None = None

    def sequence(self, table: InputTable) -> np.ndarray:
        """The place of every row by the order column, all alike without one."""
        return read_order(table.column(self.order)) if self.order else np.zeros(table.rows)

    def clean(self, table: InputTable, lists: pa.ListArray, kind: Kind) -> CleanedCodes:
        """The cleaned lists; a dagger and an asterisk code of two rows are one only where a sequence is known."""
        codes = clean_code_list(
            lists, table.shown("code"), kind, 1, known=self.known, separators=self.separators, plus=self.plus
        )
        return codes if self.order else unjoined(codes)


def read_diagnoses(
    table: InputTable, parent: np.ndarray, count: int, counts: np.ndarray, coding: Coding, evidence: Evidence
) -> tuple[CleanedCodes, Gathered, dict[str, pa.Array], dict[str, int]]:
    """Diagnosis codes (诊断编码) of `count` settlements; by row dx_condition; what was left out.

    One diagnosis must carry the main flag: without one, or with several that differ, the principal stays empty and
    nothing moves up. TCM diagnoses (中医诊断) are left out and counted. counts : settlements not set aside; others need
    have no diagnoses
    """
    kind, main = _kinds(table), read_flags(table)
    western = (parent >= 0) & (kind.codes == _WESTERN)
    flagged = western & (main.codes == 1)
    lead, several, clashing = _principals(table, parent, flagged, count)
    gathered = with_empty_principal(parent, western, lead, coding.sequence(table), count)
    codes = coding.clean(table, gathered.lists(table.column("code")), "dx")
    evidence.count(codes, table.shown("code"))
    some, led = np.zeros(count, bool), np.zeros(count, bool)
    some[parent[western]], led[parent[flagged]] = True, True
    bare = np.flatnonzero(~counts & ~some)
    evidence.issues += [*without(codes.issues, "principal_missing", np.r_[clashing, bare]), *several]
    evidence.issues += at_settlements([*kind.issues, *main.issues], parent, table.file)
    given = clean_domain(table.column("condition"), table.shown("condition"), 1, "admission_condition")
    condition = evidence.below(given, table.shown("condition"), parent, table.file)
    tallies = {
        "diagnoses_of_tcm": int(np.count_nonzero((parent >= 0) & (kind.codes == _TCM))),
        "settlements_without_diagnosis": int(np.count_nonzero(counts & ~some)),
        "settlements_without_main": int(np.count_nonzero(some & ~led)),
        "settlements_with_several_mains": int(clashing.size),
    }
    return codes, gathered, {"dx_condition": condition}, tallies


def _kinds(table: InputTable) -> Words:
    words = settlement_profile()["diagnosis_kind"]
    domain = dict.fromkeys(words["western"], _WESTERN) | dict.fromkeys(words["tcm"], _TCM)
    return read_words(table.column("kind"), table.shown("kind"), domain, _WESTERN, _WESTERN)


def read_flags(table: InputTable) -> Words:
    """1 where a row carries the main flag, 0 elsewhere."""
    words = settlement_profile()["main_flag"]
    domain = dict.fromkeys(words["yes"], 1) | dict.fromkeys(words["no"], 0)
    return read_words(table.column("main"), table.shown("main"), domain, 0, 0)


def _principals(
    table: InputTable, parent: np.ndarray, flagged: np.ndarray, count: int
) -> tuple[np.ndarray, list[BatchIssue], np.ndarray]:
    """The rows that lead, the issues of settlements with several main flags, and the rows where they differ."""
    rows = np.flatnonzero(flagged)
    rows = rows[np.argsort(parent[rows], kind="stable")]
    owner = parent[rows]
    start = np.r_[True, owner[1:] != owner[:-1]] if rows.size else np.empty(0, bool)
    several = np.bincount(owner, minlength=count) > 1
    raw = table.column("code").cast(pa.string()).take(pa.array(rows))
    encoded = pc.fill_null(raw, "").dictionary_encode()
    # Texts that differ in blanks or width only are the same diagnosis.
    plain = pa.array([plain_word(text).casefold() for text in encoded.dictionary.to_pylist()], pa.string())
    same = np.asarray(plain.dictionary_encode().indices)[np.asarray(encoded.indices)] if rows.size else rows
    first = same[np.flatnonzero(start)][np.cumsum(start) - 1] if rows.size else same
    differs = np.zeros(count, bool)
    differs[owner[same != first]] = True
    lead = np.zeros(table.rows, bool)
    lead[rows[start & ~differs[owner]]] = True
    issues = []
    for rule, met in (("principal_several", differs), ("principal_flagged_twice", several & ~differs)):
        at = np.flatnonzero(met)
        if at.size:
            inside = np.flatnonzero(met[owner])
            texts = encoded.take(pa.array(inside)).cast(pa.string()).to_pylist()
            values = ["、".join(part) for part in np.split(np.array(texts, object), np.flatnonzero(start[inside])[1:])]
            issues.append(BatchIssue(table.shown("main"), rule, at + 1, values))
    return lead, issues, np.flatnonzero(differs)
