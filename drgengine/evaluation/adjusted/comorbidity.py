"""Comorbidities of the Charlson index among secondary diagnoses (查尔森合并症)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.errors import EvaluationError
from drgengine.tomltable import Table, read_toml

Masks = npt.NDArray[np.uint32]
_CODE = re.compile(r"([A-Z])(\d\d)(?:\.?(\d))?")
_RANGE = re.compile(r"([A-Z])(\d\d)(?:\.(\d))?(?:-\1(\d\d)(?:\.(\d))?)?")
_PACKAGED = Path(__file__).parents[2] / "data" / "evaluation" / "comorbidities.toml"


@dataclass(frozen=True, slots=True, eq=False)
class Comorbidities:
    """Groups of ICD-10 codes with weights; bit k of a mask is group k.

    ids, zh, en, weight : per group   milder : pairs of numbers (mild, severe): the mild one scores nothing beside the
    severe one   source, version : of the file
    """

    ids: tuple[str, ...]
    zh: tuple[str, ...]
    en: tuple[str, ...]
    weight: tuple[float, ...]
    milder: tuple[tuple[int, int], ...]
    source: str
    version: str
    _bits: dict[str, int] = field(repr=False)

    def mask_of(self, code: str) -> int:
        """Groups a code belongs to; both codes of a dagger and asterisk pair count.

        >>> groups = load_comorbidities()
        >>> [groups.ids[k] for k in range(17) if groups.mask_of("I50.900x002") >> k & 1], groups.mask_of("I10.x00")
        (['heart_failure'], 0)
        """
        mask = 0
        for part in code.upper().split("+"):
            match = _CODE.match(part.strip())
            if match:
                category = match[1] + match[2]
                mask |= self._bits.get(category, 0) | self._bits.get(f"{category}{match[3]}", 0)
        return mask

    def score(self, masks: Masks) -> npt.NDArray[np.float64]:
        """Charlson score of masks, float64[n].

        >>> groups = load_comorbidities()
        >>> both = groups.mask_of("C50.9") | groups.mask_of("C78.7") | groups.mask_of("F03")
        >>> groups.score(np.array([both, 0], np.uint32))
        array([8., 0.])
        """
        score = np.zeros(masks.shape)
        for place, weight in enumerate(self.weight):
            has = (masks >> np.uint32(place)) & np.uint32(1)
            for mild, severe in self.milder:
                if mild == place:
                    has = has & ~(masks >> np.uint32(severe)) & np.uint32(1)
            score += weight * has
        return score


@cache
def load_comorbidities(path: str | os.PathLike[str] | None = None) -> Comorbidities:
    """Read groups of comorbidities; default data/evaluation/comorbidities.toml.

    Raises EvaluationError naming the file, group and key at fault.
    """
    file = _PACKAGED if path is None else Path(path)
    top = Table(str(file), read_toml(file, EvaluationError, "Check the path"), EvaluationError)
    version, source = top.take("version", str), top.take("source", str)
    pairs = top.take("milder", list, [])
    rows = [
        Table(f"{file}, comorbidity[{k}]", row, EvaluationError) for k, row in enumerate(top.take("comorbidity", list))
    ]
    top.done()
    if not 0 < len(rows) <= 32:
        raise EvaluationError(str(file), f"{len(rows)} groups of comorbidities", "Give 1 to 32")
    ids, zh, en, weight, bits = [], [], [], [], dict[str, int]()
    for place, row in enumerate(rows):
        ids.append(row.take("id", str))
        zh.append(row.take("zh", str))
        en.append(row.take("en", str))
        weight.append(row.take("weight", float))
        row.take("weight_1987", float, 0.0)
        for text in row.take("codes", list):
            for code in _codes(text, row):
                bits[code] = bits.get(code, 0) | 1 << place
        row.done()
    return Comorbidities(
        tuple(ids), tuple(zh), tuple(en), tuple(weight), _pairs(pairs, ids, str(file)), source, version, bits
    )


def _codes(text: Any, row: Table) -> list[str]:
    """Categories (I60) or subcategories (I425) of "I60-I69" or "I42.5-I42.9"."""
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None or (match[4] is not None and (match[3] is None) != (match[5] is None)):
        raise EvaluationError(row.at("codes"), f"{text!r} is no code or range", 'Write "I50", "I42.5" or "I60-I69"')
    letter, first, last = match[1], match[2] + (match[3] or ""), (match[4] or match[2]) + (match[5] or match[3] or "")
    width = len(first)
    if int(last) < int(first) or len(last) != width:
        raise EvaluationError(row.at("codes"), f"the range {text!r} runs backwards", "Put the lower code first")
    return [f"{letter}{number:0{width}d}" for number in range(int(first), int(last) + 1)]


def _pairs(pairs: list[Any], ids: list[str], place: str) -> tuple[tuple[int, int], ...]:
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(name in ids for name in pair)):
            raise EvaluationError(
                f"{place}, key 'milder'", f"{pair!r} is no pair of groups", f"Known: {', '.join(ids)}"
            )
    return tuple((ids.index(mild), ids.index(severe)) for mild, severe in pairs)


class SecondaryMasks:
    """Masks of the secondary diagnoses of cases, batch by batch; every distinct code is looked up once."""

    def __init__(self, groups: Comorbidities) -> None:
        self.groups = groups
        self._known: dict[str | None, int] = {None: 0}

    def masks(self, values: pa.Array) -> Masks:
        """uint32[n] of a list column whose first code is the principal diagnosis."""
        lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        flat = pc.list_flatten(values)
        result = np.zeros(len(values), np.uint32)
        filled = np.flatnonzero(lengths)
        if not filled.size:
            return result
        encoded = flat if pt.is_dictionary(flat.type) else flat.cast(pa.string()).dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        table = np.array([self._mask(code) for code in encoded.dictionary.to_pylist()] + [0], np.uint32)
        place = pc.fill_null(encoded.indices.cast(pa.int64()), len(table) - 1).to_numpy(zero_copy_only=False)
        found = table[place]
        starts = (np.cumsum(lengths) - lengths)[filled]
        found[starts] = 0  # the principal diagnosis is what the patient came for
        result[filled] = np.bitwise_or.reduceat(found, starts)
        return result

    def _mask(self, code: str | None) -> int:
        if code not in self._known:
            self._known[code] = self.groups.mask_of(str(code))
        return self._known[code]
