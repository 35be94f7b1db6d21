"""One record of any layout as a case: read and mended as a table row would be, and what was odd about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from drgengine.cases import ColumnMap, PackedCodes, pack, resolve_columns
from drgengine.cases.shown import shown_name
from drgengine.cases.vocabulary import fold, is_personal
from drgengine.errors import CaseTableError
from drgengine.grouper.conditions import NUMBERS
from drgengine.grouper.reference import Case

_PARTS = ("principal", "other")
_KNOWN = (
    *("sex", "dx", "proc", "department_id", "admission_date", "discharge_date", *NUMBERS),
    *(f"{name}_{part}" for name in ("dx", "proc") for part in _PARTS),
)


class Unread(NamedTuple):
    """A value that could not be read as it stands: its column, the raw value, a rule id of data/issues.toml."""

    column: str
    value: str
    rule: str


class OneCase(NamedTuple):
    """A case and what was odd about its record.

    mended : (raw code, mended code); unread : values other than codes
    unknown : (column, canonical name it is probably a slip of); only for a dict, a file may hold what it likes
    """

    case: Case
    mended: tuple[tuple[str, str], ...] = ()
    unread: tuple[Unread, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()


def case_of(record: Mapping[str, Any] | pa.RecordBatch, columns: Mapping[str, str] | None = None) -> OneCase:
    """One record, read and mended as a table row would be.

    >>> one = case_of({"dx": ["i10.X00x002"], "sexx": 1, "age": "thirty"})
    >>> one.case.dx, one.mended, one.unknown
    (('I10.x00x002',), (('i10.X00x002', 'I10.x00x002'),), (('sexx', 'sex'),))
    >>> one.unread
    (Unread(column='age', value='thirty', rule='number_unreadable'),)
    """
    row = record if isinstance(record, pa.RecordBatch) else _row(record)
    found = resolve_columns(row.schema, columns, "case")
    packed = pack(row, found, numbers=NUMBERS, department=True, first_row=1)
    numbers = {name: float(value) for name, value in zip(NUMBERS, packed.numbers[:, 0], strict=True) if value == value}
    department = packed.department.texts[packed.department.index[0]] if packed.department else ""
    case = Case(_codes(packed.dx), _codes(packed.proc), int(packed.sex[0]), numbers, department)
    raw = [value for issue in packed.issues if issue.rule.startswith("code_") for value in issue.values if value]
    unread = [
        Unread(shown_name(issue.column), shown_name(str(value)), issue.rule)
        for issue in packed.issues
        if not issue.rule.startswith("code_")
        for value in issue.values
    ]
    unknown = () if isinstance(record, pa.RecordBatch) else tuple(_slips(found))
    return OneCase(case, tuple(dict.fromkeys(_mended_pairs(raw))), tuple(dict.fromkeys(unread)), unknown)


def _slips(found: ColumnMap) -> Iterator[tuple[str, str]]:
    """Columns that were not recognised and look like a canonical one that the record lacks."""
    free = {fold(name): name for name in _KNOWN if name not in found.scalars and name not in ("dx", "proc")}
    free |= {"proc": "proc"} if found.proc is None else {}
    for column in found.extras:
        near = difflib.get_close_matches(fold(column), free, n=1, cutoff=0.8)
        if near and not is_personal(column):
            yield shown_name(column), free[near[0]]


def _row(record: Mapping[str, Any]) -> pa.RecordBatch:
    if not isinstance(record, Mapping):
        raise CaseTableError("case", f"a {type(record).__name__} is no record", "Pass a dict {column: value}")
    try:
        return pa.RecordBatch.from_pydict({str(name): _cell(value) for name, value in record.items()})
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        # What Arrow says may quote a value, which may be a name.
        raise CaseTableError(
            "case", "a value has no type that a table could hold", "Give codes as lists of texts, numbers as numbers"
        ) from None


def _cell(value: Any) -> pa.Array:
    """One value as a column; lists are lists of code texts."""
    if isinstance(value, list | tuple):
        codes = [None if code is None else str(code) for code in value]
        return pa.repeat(pa.scalar(codes, pa.list_(pa.string())), 1)
    return pa.nulls(1, pa.string()) if value is None else pa.repeat(pa.scalar(value), 1)


def _codes(packed: PackedCodes) -> tuple[str, ...]:
    return tuple(packed.texts[at] for at in packed.index.tolist())


def _mended_pairs(raw: list[str]) -> Iterator[tuple[str, str]]:
    from drgengine.cases.codes import mend_code

    for text in raw:
        code, _ = mend_code(text)
        if code != text:
            yield text, code
