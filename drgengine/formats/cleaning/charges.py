"""Charges in yuan (费用) and whether they fit each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.columns import is_number
from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.cells import (
    Cells,
    Reading,
    Remarks,
    cells_of,
    issue_of,
    masked,
    matches,
    places_array,
    remarks_of,
    text_list,
    truths,
)
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.cleaning.texts import domain_data, mend_text, number_of

SUM_TOLERANCE = 0.05
PART_TOLERANCE = 0.005
# Far below a tenth of a cent, far above what binary fractions lose in a sum.
_BINARY = 1e-6
_PLAIN = r"^[0-9]{1,15}(?:\.[0-9]{1,12})?$"
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_IN_BRACKETS = re.compile(r"\(([^()-]+)\)")


def clean_charges(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """Charges (费用), float64 yuan; negative ones are kept and reported, what is no number is null.

    >>> clean_charges(pa.array(["1,234.50", "￥12", "-3", "x", "-"]), "D01", 1).values.to_pylist()
    [1234.5, 12.0, -3.0, None, None]
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type.value_type if pt.is_dictionary(values.type) else values.type
    if is_number(kind):
        return _typed(values.cast(kind), column, first_row)
    cells = cells_of(values)
    plain = matches(cells.texts, _PLAIN)
    numbers = np.full(len(cells.texts), np.nan)
    numbers[plain] = cells.texts.filter(truths(plain)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    remarks = _read_odd(cells, np.flatnonzero(~plain), numbers)
    issues, counted = remarks_of(cells, column, first_row, remarks, lambda at: shown_charge(numbers[at]))
    return Cleaned(_floats(numbers[cells.places]), issues, counted)


def _read_odd(cells: Cells, odd: np.ndarray, numbers: np.ndarray) -> Remarks:
    remarks = Remarks()
    for at, raw in zip(odd.tolist(), text_list(cells.texts.take(places_array(odd))), strict=True):
        reading = _read_charge(raw)
        remarks.take(at, reading)
        if reading.value is not None:
            numbers[at] = reading.value
    return remarks


def _read_charge(raw: str) -> Reading:
    cell = mend_text(raw, number=True)
    if cell.empty:
        return Reading(None, cell.rules, cell.filler)
    text, rule = cell.text, ""
    bare = _marks().sub("", text)
    if bare != text:
        text, rule = bare, "charge_currency"
    bracketed = _IN_BRACKETS.fullmatch(text)
    if bracketed:
        text = f"-{bracketed[1]}"
    if _GROUPED.fullmatch(text):
        text, rule = text.replace(",", ""), rule or "charge_separators"
    number = number_of(text)
    if number is None:
        rule = "number_unreadable"
    elif number < 0:
        rule = "charge_negative"
    return Reading(number, cell.with_rule(rule))


@cache
def _marks() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, domain_data()["units"]["charge"]["marks"])), re.IGNORECASE)


def _typed(values: pa.Array, column: str, first_row: int) -> Cleaned:
    numbers = np.array(
        pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False), dtype=np.float64
    )
    # Beyond all measure, as in texts: sums of such numbers would overflow.
    unreadable = np.abs(numbers) >= 1e300
    found = {"number_unreadable": unreadable, "charge_negative": (numbers < 0) & ~unreadable}
    shown = {rule: [f"{numbers[row]:.15g}" for row in np.flatnonzero(mask)] for rule, mask in found.items()}
    numbers[found["number_unreadable"]] = np.nan
    issues = [
        issue_of(column, rule, rows, first_row, shown[rule], [shown_charge(numbers[row]) for row in rows])
        for rule, rows in ((rule, np.flatnonzero(mask)) for rule, mask in found.items())
        if rows.size
    ]
    return Cleaned(_floats(numbers), issues)


def shown_charge(number: float) -> str:
    """A charge as the issues show it.

    >>> shown_charge(1234.5), shown_charge(float("nan"))
    ('1234.5', '')
    """
    return "" if np.isnan(number) else f"{number:.15g}"


def check_charges(
    total: pa.Array,
    total_column: str,
    parts: Mapping[str, pa.Array],
    of_which: Mapping[str, tuple[pa.Array, str]],
    first_row: int,
) -> list[BatchIssue]:
    """Whether the parts add up to the total and the parts of parts lie inside them (费用勾稽).

    total, parts : float64 yuan as clean_charges gives them; a missing part counts as 0
    of_which : column of FRONT_PAGE_SCHEMA -> cleaned values and input header; a part is held against its charge of
        `parts` where both are known
    A total differs beyond 0.05 yuan, a part beyond 0.005; where all parts are missing nothing is compared.

    >>> found = check_charges(pa.array([10.0, 9.0]), "D01", {"charge_general_service": pa.array([10.0, 10.0])}, {}, 1)
    >>> [(issue.rule, issue.rows.tolist(), issue.hints) for issue in found]
    [('charge_sum_differs', [2], ['10'])]
    """
    # Imported here, as the package of the front pages imports this one.
    from drgengine.formats.frontpage.schema import OF_WHICH

    issues = []
    whole = _numbers(total)
    if parts:
        added, any_known = np.zeros(whole.size), np.zeros(whole.size, dtype=bool)
        for part in parts.values():
            any_known |= part.is_valid().to_numpy(zero_copy_only=False)
            added += pc.fill_null(part.cast(pa.float64()), 0).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(any_known & (np.abs(whole - added) > SUM_TOLERANCE + _BINARY))
        if rows.size:
            hints = [shown_charge(round(float(added[row]), 4)) for row in rows]
            issues.append(_differing(total_column, "charge_sum_differs", rows, first_row, whole, hints))
    for name, (values, column) in of_which.items():
        if OF_WHICH[name] not in parts:
            continue
        inside, around = _numbers(values), _numbers(parts[OF_WHICH[name]])
        rows = np.flatnonzero(inside - around > PART_TOLERANCE + _BINARY)
        if rows.size:
            hints = [shown_charge(around[row]) for row in rows]
            issues.append(_differing(column, "charge_part_above_whole", rows, first_row, inside, hints))
    return issues


def _differing(
    column: str, rule: str, rows: np.ndarray, first_row: int, numbers: np.ndarray, hints: list[str]
) -> BatchIssue:
    shown = [shown_charge(numbers[row]) for row in rows]
    return issue_of(column, rule, rows, first_row, shown, None, hints)


def _numbers(values: pa.Array) -> np.ndarray:
    return pc.fill_null(values.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)


def _floats(numbers: np.ndarray) -> pa.Array:
    return masked(numbers, ~np.isnan(numbers), pa.float64())
