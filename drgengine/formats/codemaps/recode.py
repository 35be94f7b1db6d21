"""Cleaned codes -> codes of the insurance edition (转码), with the source and a status for every code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.codeshape import Kind, looks_like_code
from drgengine.formats.cleaning.result import CleanedCodes
from drgengine.formats.codemaps.maptable import CodeMap, Fallback, code_key


@dataclass(frozen=True, slots=True, eq=False)
class MappedCodes:
    """Code lists after mapping; all four lists are parallel.

    codes : list<string>, "" for an empty place
    slots : list<int16>, the slot each code came from
    source : list<string>, the code before mapping
    status : list<string>: identical (in the table, same code), mapped, split (one of several targets), unmapped (not
        in the table or without target; kept), as_given (no table, known), unknown (no table and not known, or no code
        at all), grey (灰码, whatever else holds); "" for an empty place
    issues : edition_unmapped, edition_split, edition_fallback once per source code, edition_grey once per grey code
    """

    codes: pa.ListArray
    slots: pa.ListArray
    source: pa.ListArray
    status: pa.ListArray
    issues: list[BatchIssue] = field(default_factory=list)


class _Outcome(NamedTuple):
    codes: tuple[str, ...]
    status: tuple[str, ...]
    rules: tuple[str, ...] = ()
    hint: str = ""


def apply_codes(
    codes: CleanedCodes,
    code_map: CodeMap | None,
    grey: frozenset[str] | None,
    kind: Kind,
    columns_of_slot: Mapping[int, str],
    first_row: int = 1,
    *,
    known: frozenset[str] = frozenset(),
    fallback: Fallback | None = None,
) -> MappedCodes:
    """Map cleaned codes by the user's table, exactly, and mark grey codes (转码与灰码标记).

    code_map : None leaves every code as it is
    grey : grey codes of the insurance edition; compared, like the keys of the table, without case and dots
    columns_of_slot : slot -> header of the input column, for the issues; a slot it lacks takes the last header
    first_row : row number of the batch's first row
    known : codes of the insurance edition; empty = not checked
    fallback : see CodeMap.find; None = exact look-up only. Each use is reported

    Several targets stand in the table's order, right behind each other, with the slot of their source. Works once
    per distinct code; raises no error for any code.

    >>> from drgengine.formats.cleaning.cleancodes import clean_code_list
    >>> table = CodeMap("", "dx", {"A06400": ("A06.400+K77.0*",), "B01900": ("B01.901", "B01.902")}, frozenset())
    >>> given = clean_code_list(pa.array(["A06.400|B01.900|C34.900"]), "dx", known=frozenset())
    >>> mapped = apply_codes(given, table, None, "dx", {0: "dx"})
    >>> mapped.codes.to_pylist()
    [['A06.400+K77.0*', 'B01.901', 'B01.902', 'C34.900']]
    >>> mapped.status.to_pylist()
    [['mapped', 'split', 'split', 'unmapped']]
    """
    sizes = pc.fill_null(pc.list_value_length(codes.codes), 0).to_numpy(zero_copy_only=False)
    encoded = codes.codes.flatten().dictionary_encode()
    index = encoded.indices.to_numpy(zero_copy_only=False)
    texts: list[str] = encoded.dictionary.to_pylist()
    greys = frozenset(map(code_key, grey or ()))
    outcomes = [_outcome(text, code_map, greys, kind, known, fallback) for text in texts]
    counts = np.array([len(outcome.codes) for outcome in outcomes], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    times = counts[index]
    cell = np.repeat(np.arange(index.size), times)
    ends = np.cumsum(times)
    place = starts[index[cell]] + np.arange(cell.size) - (ends - times)[cell]
    row = np.repeat(np.arange(sizes.size), sizes)
    slots = codes.slots.flatten().to_numpy(zero_copy_only=False)
    bounds = pa.array(np.concatenate([[0], np.cumsum(np.bincount(row[cell], minlength=sizes.size))]), pa.int32())

    def lists(values: pa.Array, at: np.ndarray) -> pa.ListArray:
        return pa.ListArray.from_arrays(bounds, values.take(pa.array(at)))

    flat_codes = pa.array([code for outcome in outcomes for code in outcome.codes], pa.string())
    flat_status = pa.array([status for outcome in outcomes for status in outcome.status], pa.string())
    return MappedCodes(
        lists(flat_codes, place),
        lists(pa.array(slots, pa.int16()), cell),
        lists(pa.array(texts, pa.string()), index[cell]),
        lists(flat_status, place),
        list(_issues(outcomes, texts, index, slots, row + first_row, columns_of_slot)),
    )


def _outcome(
    code: str,
    code_map: CodeMap | None,
    greys: frozenset[str],
    kind: Kind,
    known: frozenset[str],
    fallback: Fallback | None,
) -> _Outcome:
    if not code:
        return _Outcome(("",), ("",))
    targets, status, rules, hint = _targets(code, code_map, kind, known, fallback)
    marks = tuple("grey" if code_key(target) in greys else status for target in targets)
    return _Outcome(targets, marks, (*rules, *("edition_grey" for mark in marks if mark == "grey")), hint)


def _targets(
    code: str, code_map: CodeMap | None, kind: Kind, known: frozenset[str], fallback: Fallback | None
) -> tuple[tuple[str, ...], str, tuple[str, ...], str]:
    """Targets, status, rules and hint of one code; grey codes are not looked at."""
    if code_map is None:
        as_given = code in known or (not known and looks_like_code(code, kind))
        return (code,), "as_given" if as_given else "unknown", (), ""
    if not looks_like_code(code, kind):
        return (code,), "unknown", (), ""
    found = code_map.find(code, fallback)
    if found is None or not found.targets:
        return (code,), "unmapped", ("edition_unmapped",), ""
    guessed = () if found.way == "exact" else ("edition_fallback",)
    hint = f"{found.way} {found.key}" if guessed else ""
    if len(found.targets) > 1:
        return found.targets, "split", (*guessed, "edition_split"), hint
    status = "identical" if code_key(found.targets[0]) == code_key(code) else "mapped"
    return found.targets, status, guessed, hint


def _issues(
    outcomes: list[_Outcome],
    texts: list[str],
    index: np.ndarray,
    slots: np.ndarray,
    rows: np.ndarray,
    columns_of_slot: Mapping[int, str],
) -> Iterator[BatchIssue]:
    last = columns_of_slot[max(columns_of_slot)] if columns_of_slot else ""
    for rule in ("edition_fallback", "edition_grey", "edition_split", "edition_unmapped"):
        met = np.array([outcome.rules.count(rule) for outcome in outcomes], dtype=np.int64)
        if not met.any():
            continue
        at = np.repeat(np.arange(index.size), met[index])
        columns = [columns_of_slot.get(slot, last) for slot in slots[at].tolist()]
        places: dict[str, list[int]] = {}
        for position, column in zip(at.tolist(), columns, strict=True):
            places.setdefault(column, []).append(position)
        for column, positions in places.items():
            numbers = index[positions].tolist()
            changed = rule in ("edition_fallback", "edition_split")
            yield BatchIssue(
                column,
                rule,
                rows[positions].astype(np.int64),
                [texts[number] for number in numbers],
                ["|".join(outcomes[number].codes) for number in numbers] if changed else None,
                [outcomes[number].hint for number in numbers] if rule == "edition_fallback" else None,
            )
