"""The code lists of a front page and the columns that stand beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.codes import mend_code
from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning import CleanedCodes, CodeSlot, clean_code_list, clean_codes
from drgengine.formats.cleaning.cells import text_list
from drgengine.formats.cleaning.codecell import SPREADSHEET_ERROR, Plus, is_error, quoted, without_numbers
from drgengine.formats.cleaning.codeshape import Kind
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.codemaps import CodeMap, MappedCodes, apply_codes
from drgengine.formats.frontpage.work import Work
from drgengine.formats.profiles import Found


@dataclass(frozen=True, slots=True)
class CodeOptions:
    """How codes are read, by kind ("dx", "proc"); see open_front_page.

    known : codes that exist, to complete damaged ones by
    targets : codes of the insurance edition, to tell unknown codes by; empty where they are not to be told
    """

    known: Mapping[str, frozenset[str]]
    targets: Mapping[str, frozenset[str]]
    maps: Mapping[str, CodeMap | None]
    grey: frozenset[str]
    separators: str
    plus: Plus


@dataclass(frozen=True, slots=True, eq=False)
class CodeLists:
    """mapped : codes, slots, source and status; given : codes before the mapping, for telling the edition by."""

    mapped: MappedCodes
    given: pa.ListArray


def read_codes(work: Work, found: Found, kind: Kind, options: CodeOptions) -> CodeLists | None:
    """One code list of a batch, cleaned and mapped; None when the file has no such columns."""
    headers = found.slots.get(f"{kind}.code", {})
    listed = found.slots.get(f"{kind}.list", {})
    if not headers and not listed:
        return None
    known = options.known[kind]
    if headers:
        slots = _slots(work, found, kind)
        cleaned = clean_codes(
            slots, kind, work.first_row, known=known, separators=options.separators, plus=options.plus
        )
        columns = dict(headers)
    else:
        header = listed[0]
        cleaned = clean_code_list(
            work.batch.column(header), header, kind, work.first_row,
            known=known, separators=options.separators, plus=options.plus,
        )  # fmt: skip
        columns = {0: header}
    _keep(work, cleaned, kind)
    mapped = apply_codes(
        cleaned, options.maps[kind], options.grey, kind, columns, work.first_row, known=options.targets[kind]
    )
    work.issues += mapped.issues
    return CodeLists(mapped, cleaned.codes)


def _slots(work: Work, found: Found, kind: Kind) -> list[CodeSlot]:
    """The slots up to the last one that is filled in this batch."""
    headers = found.slots[f"{kind}.code"]
    names, added = found.slots.get(f"{kind}.name", {}), found.slots.get(f"{kind}.added", {})
    slots, used = [], 1
    for place, header in headers.items():
        name, extra = work.column(names.get(place)), work.column(added.get(place))
        slots.append(CodeSlot(place, header, work.batch.column(header), name, extra, added.get(place)))
        if not (work.column(header) is None and name is None and extra is None):
            used = len(slots)
    return slots[:used]


def _keep(work: Work, cleaned: CleanedCodes, kind: Kind) -> None:
    work.issues += cleaned.issues
    for rule, count in cleaned.counted.items():
        work.counted[kind, rule] += count


def beside(
    work: Work,
    codes: MappedCodes,
    headers: Mapping[int, str],
    clean: Callable[[pa.Array, str], Cleaned],
    of: pa.DataType,
) -> pa.Array:
    """A column beside a code list, put where the code of its slot stands; nulls when the file has no such column."""
    if not headers:
        return pa.nulls(work.rows, pa.list_(of))
    filled: list[pa.Array] = []
    number_of_slot = np.full(1 + max([*headers, int(pc.max(codes.slots.values).as_py() or 0)]), -1, np.int64)
    for place, header in headers.items():
        values = work.column(header)
        if values is not None:
            number_of_slot[place] = len(filled)
            filled.append(work.take(clean(values, header), header).cast(of))
    offsets, rows, slots = flat_places(codes.slots)
    number = number_of_slot[slots]
    # One null row behind the last column serves the slots that have no value.
    side = pa.concat_arrays([*filled, pa.nulls(1, of)])
    index = np.where(number >= 0, number * work.rows + rows, len(side) - 1)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), side.take(pa.array(index)))


def flat_places(slots: pa.ListArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets from 0, and the row and slot of every code."""
    sizes = np.asarray(pc.fill_null(pc.list_value_length(slots), 0))
    offsets = np.r_[0, np.cumsum(sizes)]
    return offsets, np.repeat(np.arange(len(slots)), sizes), np.asarray(slots.flatten()).astype(np.int64)


def note_repeated_procedures(work: Work, codes: MappedCodes, times: pa.ListArray, headers: Mapping[int, str]) -> None:
    """procedure_repeated: the same code at the same second again in one row."""
    _, rows, slots = flat_places(codes.slots)
    flat = codes.codes.flatten().dictionary_encode()
    when = times.flatten().cast(pa.int64())
    number = np.asarray(flat.indices).astype(np.int64)
    second = np.asarray(pc.fill_null(when, 0))
    empty = flat.dictionary.to_pylist().index("") if "" in flat.dictionary.to_pylist() else -1
    usable = np.flatnonzero(np.asarray(when.is_valid()) & (number != empty))
    if usable.size < 2:
        return
    order = usable[np.lexsort((usable, second[usable], number[usable], rows[usable]))]
    same = (np.diff(rows[order]) == 0) & (np.diff(number[order]) == 0) & (np.diff(second[order]) == 0)
    again = np.sort(order[1:][same])
    texts = flat.dictionary.to_pylist()
    for slot in np.unique(slots[again]).tolist():
        at = again[slots[again] == slot]
        work.note(headers.get(slot, "proc"), "procedure_repeated", rows[at], [texts[number[p]] for p in at])


def clean_single_code(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """A column of one code a row that belongs to no list, such as the pathology code: mended, fillers empty."""
    # Not safe: bytes that are no UTF-8 pass and are read as U+FFFD.
    encoded = values.cast(pa.string(), safe=False).dictionary_encode()
    texts, index = text_list(encoded.dictionary), np.asarray(pc.fill_null(encoded.indices, -1))
    mended = [_mended(text) for text in texts]
    issues, fillers = [], 0
    for rule in sorted({rule for _, rules in mended for rule in rules}):
        touched = np.array([rule in rules for _, rules in mended])
        at = np.flatnonzero((index >= 0) & touched[np.maximum(index, 0)])
        if rule == "code_placeholder":
            fillers += at.size
            continue
        raw, clean = [quoted(texts[index[p]]) for p in at], [mended[index[p]][0] for p in at]
        issues.append(BatchIssue(column, rule, at.astype(np.int64) + first_row, raw, clean))
    clean_texts = pa.array([text if text not in _NO_CODE else None for text, _ in mended], pa.string())
    counted = {"filler": fillers} if fillers else {}
    return Cleaned(clean_texts.take(encoded.indices), issues, counted)


def _mended(text: str) -> tuple[str, tuple[str, ...]]:
    """As mend_code; the error of a spreadsheet is no code, and an identity or phone number is masked."""
    clean, rules = mend_code(text)
    if is_error(clean):
        return "", (SPREADSHEET_ERROR,)
    shown = without_numbers(clean)
    return (clean, rules) if shown == clean else (shown, (*rules, "code_is_name"))


_NO_CODE = ("", "—", "/", "\\", "无")
