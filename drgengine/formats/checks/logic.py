"""Logic checks of cleaned cases: what contradicts itself is reported, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.checks.limits import age_text, limits_of, logic_data, principals_that_ask_for

_SEX_WORDS = {1: "for men (1)", 2: "for women (2)"}
_SECONDS_A_DAY = 86_400


def check_logic(
    batch: pa.RecordBatch,
    columns: Mapping[str, str | Mapping[int, str]],
    first_row: int,
    rows: np.ndarray | None = None,
    *,
    slots: Mapping[str, pa.ListArray] | None = None,
) -> list[BatchIssue]:
    """What contradicts itself in cleaned cases (逻辑校验): rules of kind "logic" in data/cleaning.toml.

    batch : columns of FRONT_PAGE_SCHEMA; a column that is absent is not checked
    columns : canonical name -> header of the input; for dx, proc and proc_date also {slot: header}. A rule that asks
        for a value (stay_against_dates, pathology_missing, external_cause_missing) applies only when the input has its
        column; elsewhere a missing name is shown under its canonical name
    first_row : number of the batch's first row
    rows : row number of every row, instead of first_row
    slots : of dx and proc: the slot every code came from, parallel to the codes; without it a code's place is its slot

    Codes are looked at once per distinct code, by the beginnings of data/logic_checks.toml. Sex 0 and an unknown age
    contradict nothing. A procedure is outside the stay by its day, not by its hour. birth_after_admission is found
    where ages are cleaned, not here.

    >>> batch = pa.record_batch({"sex": pa.array([1, 2], pa.int8()), "dx": [["O80.000"], ["N40.x00", "I10.x00"]]})
    >>> [(i.column, i.rule, i.rows.tolist(), i.values) for i in check_logic(batch, {"dx": {0: "JBDM"}}, 1)]
    [('JBDM', 'sex_against_code', [1, 2], ['O80.000', 'N40.x00'])]
    """
    numbers = np.arange(first_row, first_row + batch.num_rows, dtype=np.int64) if rows is None else rows
    look = _Look(batch, columns, numbers, slots or {})
    return [*_against_codes(look), *_stay(look), *_outside_stay(look), *_asked_for(look)]


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    batch: pa.RecordBatch
    columns: Mapping[str, str | Mapping[int, str]]
    numbers: np.ndarray
    slots: Mapping[str, pa.ListArray]

    def has(self, *names: str) -> bool:
        return all(name in self.batch.schema.names for name in names)

    def whole(self, name: str, missing: int = -1) -> np.ndarray:
        """A number column as int64, `missing` for null."""
        return np.asarray(pc.fill_null(self.batch[name].cast(pa.int64()), missing))

    def header(self, name: str, slot: int) -> str:
        named = self.columns.get(name)
        if named is None and name == "proc_date":
            return self.header("proc", slot)
        if named is None or isinstance(named, str):
            return named or name
        return named.get(slot, name)

    def said(self, name: str, rule: str, rows: np.ndarray, values: list[str], hints: list[str]) -> list[BatchIssue]:
        """One issue of a column that holds one value a row."""
        return [BatchIssue(self.header(name, 0), rule, self.numbers[rows], values, None, hints)] if rows.size else []


@dataclass(frozen=True, slots=True, eq=False)
class _Codes:
    """A code list, flattened: the row and the slot of every code, and its place among the distinct codes."""

    distinct: list[str]
    index: np.ndarray
    row: np.ndarray
    slot: np.ndarray


def _codes(look: _Look, name: str) -> _Codes:
    lists = look.batch[name]
    encoded = pc.fill_null(pc.list_flatten(lists), "").dictionary_encode()
    row = np.asarray(pc.list_parent_indices(lists)).astype(np.int64)
    given = look.slots.get(name)
    slot = _places(row) if given is None else np.asarray(pc.list_flatten(given)).astype(np.int64)
    return _Codes(encoded.dictionary.to_pylist(), np.asarray(encoded.indices), row, slot)


def _places(row: np.ndarray) -> np.ndarray:
    """Place of every element inside its row; `row` is ascending."""
    starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]]) if row.size else np.empty(0, np.int64)
    return np.arange(row.size) - np.repeat(starts, np.diff(np.r_[starts, row.size]))


def _against_codes(look: _Look) -> Iterator[BatchIssue]:
    for name in ("dx", "proc"):
        if not look.has(name):
            continue
        codes = _codes(look, name)
        limits = limits_of(codes.distinct, name)
        if look.has("sex"):
            sex = look.whole("sex", 0)[codes.row]
            asked = limits.sex[codes.index]
            wrong = (asked > 0) & (sex > 0) & (asked != sex)
            hints = [_SEX_WORDS.get(int(s), "") for s in limits.sex]
            yield from _by_header(look, name, "sex_against_code", codes, wrong, hints)
        if look.has("age_years"):
            years = look.whole("age_years")[codes.row]
            days = look.whole("age_days")[codes.row] if look.has("age_days") else np.full(years.size, -1)
            known = years >= 0
            outside = (years < limits.minimum_years[codes.index]) | (years > limits.maximum_years[codes.index])
            most = limits.maximum_days[codes.index]
            outside |= (days > most) | ((years >= 1) & (most < 365))
            hints = [age_text(limits, at) for at in range(len(codes.distinct))]
            yield from _by_header(look, name, "age_against_code", codes, known & outside, hints)


def _by_header(
    look: _Look, name: str, rule: str, codes: _Codes, wrong: np.ndarray, hints: list[str]
) -> Iterator[BatchIssue]:
    """Issues of single codes, one per input column."""
    places = np.flatnonzero(wrong)
    headers = [look.header(name, int(slot)) for slot in codes.slot[places]]
    for header in dict.fromkeys(headers):
        here = places[[at for at, other in enumerate(headers) if other == header]]
        index = codes.index[here]
        values = [codes.distinct[at] for at in index]
        yield BatchIssue(header, rule, look.numbers[codes.row[here]], values, None, [hints[at] for at in index])


def _stay(look: _Look) -> list[BatchIssue]:
    if not look.has("los_days", "admission_date", "discharge_date") or "los_days" not in look.columns:
        return []
    missing = -(1 << 40)
    dates = [
        np.asarray(pc.fill_null(look.batch[name].cast(pa.date32()).cast(pa.int32()).cast(pa.int64()), missing))
        for name in ("admission_date", "discharge_date")
    ]
    stated, between = look.whole("los_days"), dates[1] - dates[0]
    known = (stated >= 0) & (dates[0] != missing) & (dates[1] != missing) & (between >= 0)
    fits = np.where(between == 0, np.isin(stated, logic_data()["stay"]["same_day"]), stated == between)
    rows = np.flatnonzero(known & ~fits)
    hints = [f"discharge - admission = {days} d" for days in between[rows]]
    return look.said("los_days", "stay_against_dates", rows, [str(days) for days in stated[rows]], hints)


def _outside_stay(look: _Look) -> Iterator[BatchIssue]:
    if not look.has("proc_date", "proc") or not look.has("admission_date", "discharge_date"):
        return
    lists = look.batch["proc_date"]
    when = pc.list_flatten(lists).cast(pa.timestamp("s"))
    row = np.asarray(pc.list_parent_indices(lists)).astype(np.int64)
    if "proc" in look.slots and len(when) == len(pc.list_flatten(look.slots["proc"])):
        slot = np.asarray(pc.list_flatten(look.slots["proc"])).astype(np.int64)
    else:
        slot = _places(row)
    day = np.asarray(pc.fill_null(when.cast(pa.int64()), 0)) // _SECONDS_A_DAY
    start, end = (
        look.batch[name].cast(pa.date32()).cast(pa.int32()).take(pa.array(row))
        for name in ("admission_date", "discharge_date")
    )
    before = np.asarray(pc.fill_null(start, -(1 << 30))) > day
    after = np.asarray(pc.fill_null(end, 1 << 30)) < day
    # A stay that ends before it begins has no inside.
    order = np.asarray(pc.fill_null(pc.less_equal(start, end), True))
    wrong = np.asarray(pc.is_valid(when)) & order & (before | after)
    texts = pc.strftime(when, "%Y-%m-%d %H:%M:%S")
    places = np.flatnonzero(wrong)
    codes = _Codes(texts.take(pa.array(places)).to_pylist(), np.arange(places.size), row[places], slot[places])
    hints = ["before admission" if early else "after discharge" for early in before[places]]
    yield from _by_header(look, "proc_date", "procedure_outside_stay", codes, np.ones(places.size, bool), hints)


def _asked_for(look: _Look) -> Iterator[BatchIssue]:
    """Principal diagnoses that ask for a further code which is empty."""
    if not look.has("dx"):
        return
    principal = _principal(look.batch["dx"]).dictionary_encode()
    distinct = principal.dictionary.to_pylist()
    for name in ("pathology", "external_cause"):
        if not look.has(name) or name not in look.columns:
            continue
        asks = np.array([code in principals_that_ask_for(name) for code in distinct], bool)
        empty = np.asarray(pc.equal(pc.fill_null(look.batch[name], ""), ""))
        rows = np.flatnonzero(asks[np.asarray(principal.indices)] & empty)
        hints = [f"principal {distinct[at]}" for at in np.asarray(principal.indices)[rows]]
        yield from look.said(name, f"{name}_missing", rows, [""] * rows.size, hints)


def _principal(lists: pa.ListArray) -> pa.Array:
    """The first code of every row, "" where there is none."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    first = np.cumsum(np.r_[0, np.asarray(lengths)[:-1]]) if len(lists) else np.empty(0, np.int64)
    flat = pc.list_flatten(lists)
    picked = flat.take(pc.if_else(pc.greater(lengths, 0), pa.array(first), pa.scalar(None, pa.int64())))
    return pc.fill_null(picked, "")
