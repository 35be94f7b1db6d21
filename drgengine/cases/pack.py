"""A batch of cases -> the plain arrays the grouper works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.codes import MendedCodes, mend_codes, trim_texts
from drgengine.cases.coerce import distinct, is_textual, issue_at, plain_text, read_number, read_sex, read_stay
from drgengine.cases.columns import CodeColumns, ColumnMap, is_number, numbers_as_codes
from drgengine.cases.issues import BatchIssue
from drgengine.cases.unreadable import decoded

_BLANKS = "\\s\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SEPARATORS = ("|", ";", ",", "、", "；", "，")


@dataclass(frozen=True, slots=True, eq=False)
class PackedCodes:
    """Code lists of n cases.

    offsets : int32[n+1] from 0; case i holds index[offsets[i]:offsets[i+1]], principal first
    index : int32[m] into texts
    texts : distinct mended codes; two may be equal; "" for an empty place
    """

    offsets: np.ndarray
    index: np.ndarray
    texts: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class PackedTexts:
    """One text per case: index int32[n] into texts; "" where missing."""

    index: np.ndarray
    texts: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class PackedCases:
    """n cases as plain arrays.

    sex : int8[n], 1 male, 2 female, 0 unknown
    numbers : float64[k, n], NaN = missing, rows in the order asked for
    dx, proc : code lists; department : None unless asked for
    issues : what was mended or could not be read
    """

    n: int
    sex: np.ndarray
    numbers: np.ndarray
    dx: PackedCodes
    proc: PackedCodes
    department: PackedTexts | None
    issues: list[BatchIssue]


def pack(
    batch: pa.RecordBatch, columns: ColumnMap, *, numbers: tuple[str, ...], department: bool, first_row: int
) -> PackedCases:
    """Pack a batch; rows keep their order and number, whatever their content.

    numbers : canonical number columns wanted, e.g. ("age_years", "los_days"); one the table lacks is all
        missing; los_days is then worked out from admission and discharge date when both exist
    first_row : row number of the batch's first row, for the issues

    Pure and thread-safe. No error for any value: what cannot be read is missing and reported in `issues`.
    Raises CaseTableError for a code column of a number type that is not empty.
    """
    batch = _without_empty_numbers(batch, columns)
    try:
        return _pack(batch, columns, numbers, department, first_row)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        # Text that is no UTF-8; so rare that looking for it beforehand does not pay.
        readable, issues = _made_readable(batch, columns, _scalars_read(columns, numbers, department), first_row)
        cases = _pack(readable, columns, numbers, department, first_row)
        return replace(cases, issues=[*issues, *cases.issues])


def _pack(
    batch: pa.RecordBatch, columns: ColumnMap, numbers: tuple[str, ...], department: bool, first_row: int
) -> PackedCases:
    n = batch.num_rows
    issues: list[BatchIssue] = []
    table = np.empty((len(numbers), n))
    for row, name in enumerate(numbers):
        found = _number(batch, columns, name, first_row)
        table[row], remarks = (np.nan, []) if found is None else found
        issues += remarks
    sex = np.zeros(n, dtype=np.int8)
    if "sex" in columns.scalars:
        column = columns.scalars["sex"]
        sex, remarks = read_sex(batch.column(column), column, first_row)
        issues += remarks
    dx = _pack_codes(batch, columns.dx, first_row, issues)
    proc = _no_codes(n) if columns.proc is None else _pack_codes(batch, columns.proc, first_row, issues)
    place = _pack_department(batch, columns) if department else None
    return PackedCases(n, sex, table, dx, proc, place, issues)


def _without_empty_numbers(batch: pa.RecordBatch, columns: ColumnMap) -> pa.RecordBatch:
    """The batch with text in place of empty code columns that a reader took for numbers."""
    for column in _code_names(columns):
        values = batch.column(column)
        if not is_number(values.type):
            continue
        if not pc.all(values.is_null(nan_is_null=True), min_count=0).as_py():
            raise numbers_as_codes(columns.source, column, values.type)
        place = batch.schema.get_field_index(column)
        batch = batch.set_column(place, column, pa.nulls(batch.num_rows, pa.string()))
    return batch


def _code_names(columns: ColumnMap) -> tuple[str, ...]:
    return columns.dx.names if columns.proc is None else columns.dx.names + columns.proc.names


def _scalars_read(columns: ColumnMap, numbers: tuple[str, ...], department: bool) -> list[str]:
    names = [*numbers, "sex"]
    if department:
        names.append("department_id")
    if "los_days" in numbers and "los_days" not in columns.scalars:
        dates = ("admission_date", "discharge_date")
        names += dates if all(name in columns.scalars for name in dates) else ()
    return [columns.scalars[name] for name in names if name in columns.scalars]


def _made_readable(
    batch: pa.RecordBatch, columns: ColumnMap, scalars: list[str], first_row: int
) -> tuple[pa.RecordBatch, list[BatchIssue]]:
    """The batch with UTF-8 in the columns that pack reads: other text is missing, or a code with U+FFFD in it."""
    arrays, issues = batch.columns, []
    for column in (*scalars, *_code_names(columns)):
        place = batch.schema.get_field_index(column)
        values = arrays[place]
        is_list = pt.is_nested(values.type)
        offsets, flat = _flatten(values) if is_list else (np.arange(len(values) + 1, dtype=np.int32), values)
        if not is_textual(flat.type):
            continue
        texts, bad = decoded(flat)
        if bad.size:
            rows = _rows_of(offsets, bad)
            issues.append(issue_at(column, "text_not_utf8", rows, first_row, texts.take(pa.array(bad)).to_pylist()))
        if column in scalars:
            keep = np.ones(len(texts), dtype=bool)
            keep[bad] = False
            texts = pc.if_else(pa.array(keep), texts, pa.scalar(None, pa.string()))
        arrays[place] = pa.ListArray.from_arrays(pa.array(offsets), texts) if is_list else texts
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names), issues


def _number(
    batch: pa.RecordBatch, columns: ColumnMap, name: str, first_row: int
) -> tuple[np.ndarray, list[BatchIssue]] | None:
    column = columns.scalars.get(name)
    if column is not None:
        return read_number(batch.column(column), name, column, first_row)
    start, end = columns.scalars.get("admission_date"), columns.scalars.get("discharge_date")
    if name == "los_days" and start is not None and end is not None:
        return read_stay(batch.column(start), batch.column(end), (start, end), first_row)
    return None


def _pack_department(batch: pa.RecordBatch, columns: ColumnMap) -> PackedTexts:
    column = columns.scalars.get("department_id")
    if column is None:
        return PackedTexts(np.zeros(batch.num_rows, dtype=np.int32), [""])
    index, texts = distinct(batch.column(column))
    return PackedTexts(index, trim_texts(texts))


def _no_codes(n: int) -> PackedCodes:
    return PackedCodes(np.zeros(n + 1, dtype=np.int32), np.zeros(0, dtype=np.int32), [""])


def _pack_codes(batch: pa.RecordBatch, columns: CodeColumns, first_row: int, issues: list[BatchIssue]) -> PackedCodes:
    if columns.rest is None:
        return _from_slots(batch, columns.slots, first_row, issues)
    rest = _from_rest(batch.column(columns.rest), columns, first_row, issues)
    if not columns.slots:
        return rest
    principal = _from_slots(batch, columns.slots, first_row, issues)
    return _behind(principal, rest)


def _from_rest(values: pa.Array, columns: CodeColumns, first_row: int, issues: list[BatchIssue]) -> PackedCodes:
    """Codes of one column that holds several per case."""
    assert columns.rest is not None
    values = values if columns.rest_is_list else _split(values)
    offsets, flat = _flatten(values)
    index, texts = distinct(flat)
    mended = mend_codes(texts)
    marked = _marked(mended, index)
    issues += _touched(mended, index, marked, columns.rest, first_row, lambda at: _rows_of(offsets, at))
    empty = marked[mended.empty[index[marked]]]
    if empty.size:
        offsets, index = _look_at_empties(empty, offsets, index, columns, first_row, issues)
    return PackedCodes(offsets, index, mended.texts)


def _look_at_empties(
    empty: np.ndarray,
    offsets: np.ndarray,
    index: np.ndarray,
    columns: CodeColumns,
    first_row: int,
    issues: list[BatchIssue],
) -> tuple[np.ndarray, np.ndarray]:
    """Report holes; cut empties off the end of delimited text (a separator at the end says nothing).

    empty : ascending positions of the empty elements
    """
    assert columns.rest is not None
    row = _rows_of(offsets, empty)
    # At the end of its row: as many empty elements follow in the row as elements at all.
    empty_after = np.searchsorted(row, row, side="right") - np.arange(empty.size) - 1
    at_end = empty_after == offsets[row + 1] - 1 - empty
    # An empty first place of the whole list is the caller's to judge (no principal diagnosis), not a hole.
    hole = ~at_end & ((empty > offsets[row]) | bool(columns.slots))
    if hole.any():
        at = row[hole]
        issues.append(issue_at(columns.rest, "code_hole", at, first_row, [""] * at.size))
    if columns.rest_is_list or not at_end.any():
        return offsets, index
    sizes = np.diff(offsets) - np.bincount(row[at_end], minlength=offsets.size - 1).astype(np.int32)
    return _offsets(sizes), np.delete(index, empty[at_end])


def _rows_of(offsets: np.ndarray, positions: np.ndarray) -> np.ndarray:
    return np.searchsorted(offsets, positions, side="right") - 1


def _from_slots(
    batch: pa.RecordBatch, slots: tuple[tuple[int, str], ...], first_row: int, issues: list[BatchIssue]
) -> PackedCodes:
    """Codes of columns with one code each; places keep their number, empty places at the end are cut."""
    n = batch.num_rows
    encoded = _encode_together([batch.column(column) for _, column in slots])
    mended = mend_codes(encoded[0][1])
    used = np.zeros(n, dtype=np.int32)
    for (place, column), (index, _) in zip(slots, encoded, strict=True):
        marked = _marked(mended, index)
        filled = np.ones(n, dtype=bool)
        filled[marked[mended.empty[index[marked]]]] = False
        used[filled] = place + 1
        issues += _touched(mended, index, marked, column, first_row, lambda at: at)
    offsets = _offsets(used)
    texts = [*mended.texts, ""]
    codes = np.full(int(offsets[-1]), len(texts) - 1, dtype=np.int32)
    for (place, column), (index, _) in zip(slots, encoded, strict=True):
        rows = np.flatnonzero(used > place)
        codes[offsets[rows] + place] = index[rows]
        hole = rows[mended.empty[index[rows]]] if place else rows[:0]
        if hole.size:
            issues.append(issue_at(column, "code_hole", hole, first_row, [""] * hole.size))
    return PackedCodes(offsets, codes, texts)


def _behind(principal: PackedCodes, rest: PackedCodes) -> PackedCodes:
    """The principal code first, the rest after it; an empty principal keeps its place."""
    has_principal = np.diff(principal.offsets)
    rest_sizes = np.diff(rest.offsets)
    sizes = np.where(rest_sizes > 0, 1 + rest_sizes, has_principal).astype(np.int32)
    offsets = _offsets(sizes)
    shift = len(principal.texts)
    codes = np.full(int(offsets[-1]), shift - 1, dtype=np.int32)
    codes[offsets[:-1][has_principal > 0]] = principal.index
    row_of = np.repeat(np.arange(sizes.size), rest_sizes)
    codes[np.arange(rest.index.size) - rest.offsets[row_of] + offsets[row_of] + 1] = rest.index + shift
    return PackedCodes(offsets, codes, principal.texts + rest.texts)


def _offsets(sizes: np.ndarray) -> np.ndarray:
    offsets = np.zeros(sizes.size + 1, dtype=np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def _marked(mended: MendedCodes, index: np.ndarray) -> np.ndarray:
    """Ascending positions of the elements that are empty or were mended."""
    special = mended.empty.copy()
    for touched in mended.touched.values():
        special |= touched
    codes = np.flatnonzero(special)
    if codes.size == 0:
        return codes
    if codes.size > 8:
        return np.flatnonzero(np.take(special, index))
    # A few comparisons are faster than one look-up per element.
    found = index == codes[0]
    for code in codes[1:]:
        found |= index == code
    return np.flatnonzero(found)


def _touched(
    mended: MendedCodes,
    index: np.ndarray,
    marked: np.ndarray,
    column: str,
    first_row: int,
    row_of: Callable[[np.ndarray], np.ndarray],
) -> list[BatchIssue]:
    found = []
    for rule in sorted(mended.touched):
        at = marked[mended.touched[rule][index[marked]]]
        if at.size:
            values = list(map(mended.raw.__getitem__, index[at].tolist()))
            found.append(issue_at(column, rule, row_of(at), first_row, values))
    return found


def _flatten(values: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Offsets int32[n+1] from 0 and the elements of any list array; a null list is an empty one."""
    if values.null_count == 0 and pt.is_list(values.type):
        offsets = values.offsets.to_numpy()
        flat = values.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
        return (offsets - offsets[0] if offsets[0] else offsets), flat
    # A null list may still cover elements in the child array; flatten() leaves them out.
    sizes = pc.fill_null(pc.list_value_length(values), 0)
    return _offsets(sizes.to_numpy(zero_copy_only=False)), values.flatten()


def _split(values: pa.Array) -> pa.ListArray:
    """Delimited cells as lists; '+' never separates, an empty place between two separators is kept."""
    text = values.cast(pa.string())
    data = np.frombuffer(text.buffers()[2] or b"", dtype=np.uint8)
    wide = data.size > 0 and int(data.max()) >= 0x80
    for separator in _SEPARATORS[1:]:
        if bool((data == ord(separator)).any()) if separator.isascii() else wide:
            text = pc.replace_substring(text, separator, "|")
    if wide or any(bool((data == blank).any()) for blank in b"\t\n\v\f\r "):
        text = pc.replace_substring_regex(text, f"^[{_BLANKS}]+|[{_BLANKS}]+$", "")
        text = pc.replace_substring_regex(text, f"[{_BLANKS}]*\\|[{_BLANKS}]*", "|")
        text = pc.replace_substring_regex(text, f"[{_BLANKS}]+", "|")
    return pc.split_pattern(text, "|")


def _encode_together(values: list[pa.Array]) -> list[tuple[np.ndarray, pa.StringArray]]:
    """Positions of every column into one common set of distinct texts."""
    if len(values) == 1:
        return [distinct(values[0])]
    plain = [plain_text(column) for column in values]
    if any(pt.is_dictionary(column.type) for column in plain):
        plain = [column if pt.is_dictionary(column.type) else column.dictionary_encode() for column in plain]
        chunks = pa.chunked_array(plain).unify_dictionaries().chunks
    else:
        chunks = pa.chunked_array(plain).dictionary_encode().chunks
    # Chunks share the dictionary of the last one up to nulls, which distinct() points to an added empty text.
    dictionary = pa.concat_arrays([pc.fill_null(chunks[-1].dictionary, ""), pa.repeat("", 1)])
    last = pa.scalar(len(dictionary) - 1, pa.int32())
    return [(pc.fill_null(chunk.indices, last).to_numpy(zero_copy_only=False), dictionary) for chunk in chunks]
