"""Small value domains of the linked tables, read once per distinct text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.coerce import distinct, issue_at
from drgengine.cases.issues import BatchIssue
from drgengine.formats.settlement.profile import plain_word


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """codes : int64, parallel to the values; issues : texts that are in no domain"""

    codes: np.ndarray
    issues: list[BatchIssue] = field(default_factory=list)


def read_words(values: pa.Array, column: str, domain: Mapping[str, int], missing: int, other: int) -> Words:
    """Values of a small domain as numbers; `missing` for an empty value, `other` for a text the domain lacks.

    domain : text in half-width -> number; letters are compared without case
    """
    index, texts = distinct(values)
    raw = texts.to_pylist()
    folded = {plain_word(word).casefold(): code for word, code in domain.items()}
    words = [plain_word(text).casefold() for text in raw]
    codes = np.array([folded.get(word, other if word else missing) for word in words], np.int64)
    strange = np.array([bool(word) and word not in folded for word in words], bool)
    rows = np.flatnonzero(strange[index])
    issues = []
    if rows.size:
        found = issue_at(column, "domain_unknown", rows, 1, [raw[at] for at in index[rows]])
        issues = [BatchIssue(found.column, found.rule, found.rows, found.values, [""] * rows.size)]
    return Words(codes[index], issues)


def read_order(values: pa.Array) -> np.ndarray:
    """A column of sequence numbers as float64; what is no number comes last."""
    index, texts = distinct(values)
    numbers = np.array([_number(text) for text in texts.to_pylist()], np.float64)
    return numbers[index] if len(values) else np.empty(0)


def is_one_of(values: pa.Array, texts: list[str]) -> np.ndarray:
    """bool: whether the value, half-width and without blanks, is one of the texts; null counts as ""."""
    index, found = distinct(pc.fill_null(values.cast(pa.string()), ""))
    hits = np.array([plain_word(text) in texts for text in found.to_pylist()], bool)
    return hits[index] if len(values) else np.empty(0, bool)


def _number(text: str) -> float:
    try:
        number = float(plain_word(text))
    except ValueError:
        return np.inf
    return number if number == number else np.inf
