"""Ages (年龄) at admission: completed years, and days below one year."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.agespans import Ages, age_between, age_of_span, days_of, unknown_ages
from drgengine.formats.cleaning.agetexts import DAYS_OF_MONTH, OLDEST, AgeReading, read_days_text, read_years_text
from drgengine.formats.cleaning.cells import Cells, cells_of, issue_of, masked, places_array, text_list
from drgengine.formats.cleaning.result import Cleaned

DaysUnit = Literal["days", "months", "unknown"]
_MONTHS_BELOW = 12
_COMMON = ("text_blanks", "text_full_width")


class _Stated(NamedTuple):
    """What the cells of a column say, row by row.

    age : as stated; fine : days below one year are stated; number : a bare number, else NaN
    rules : rule -> bool[n]; ruled : a rule of the kind was met; fillers : number of them
    """

    cells: Cells
    age: Ages
    fine: np.ndarray
    number: np.ndarray
    rules: dict[str, np.ndarray]
    ruled: np.ndarray
    fillers: int


def clean_ages(
    years: pa.Array | None,
    days: pa.Array | None,
    birth: pa.Array | None,
    admission: pa.Array | None,
    first_row: int,
    *,
    years_column: str,
    days_column: str | None = None,
    birth_column: str | None = None,
    days_unit: DaysUnit = "days",
) -> tuple[Cleaned, Cleaned]:
    """Age at admission in completed years (年龄), int32, and in days below one year (不足1周岁的年龄（天）), int32.

    years, days : the two columns as they stand, None where the export lacks them
    birth, admission : cleaned timestamps, or None. Where both are known and in order they count, by the calendar: days
        are those between the two dates, and a stated age that differs is reported
    days_unit : what a bare number of the days column means; under "months" and "unknown" a number with a fraction or
        below 12 is taken for months, unless the two dates confirm it as days
    Days are null from one year on. Source: 国家卫生健康委员会, HQMS fields A14 and A16.

    >>> years, days = clean_ages(pa.array(["45岁", "3月"]), None, None, None, 1, years_column="NL")
    >>> years.values.to_pylist(), days.values.to_pylist()
    ([45, 0], [None, 91])
    """
    size = next((len(given) for given in (years, days, birth, admission) if given is not None), 0)
    born, admitted = days_of(birth, size), days_of(admission, size)
    computed, issues = _computed(born, admitted, birth_column or years_column, first_row)
    # Counting back from admission is needed only where the two dates do not tell.
    since = np.where(computed.known, np.datetime64("NaT", "D"), admitted)
    stated = None if years is None else _stated(years, read_years_text, since)
    said = unknown_ages(size) if stated is None else stated.age
    young = np.where(computed.known, computed.years == 0, ~said.known | (said.years == 0))
    infant = None
    if days is not None:
        cells = _stated(days, read_days_text, since)
        # Days that the two dates confirm are days, whatever the unit is said to be.
        confirmed = computed.known & (computed.years == 0) & (cells.number == computed.days)
        infant = _infant(cells, since, young & ~confirmed, days_unit)
    in_days = unknown_ages(size) if infant is None else infant.age
    full = np.where(computed.known, computed.years, np.where(said.known, said.years, in_days.years))
    known = computed.known | said.known | in_days.known
    below = known & (full == 0)
    of_days = in_days.known & (in_days.years == 0)
    fine = np.zeros(size, bool) if stated is None else stated.fine
    few = np.where(computed.known, computed.days, np.where(of_days, in_days.days, said.days))
    few_known = below & (computed.known | of_days | fine)
    out_years = masked(full.astype(np.int32), known, pa.int32())
    out_days = masked(few.astype(np.int32), few_known, pa.int32())
    if stated is not None:
        _compare_years(stated, computed)
        issues += _issues(stated, years_column, first_row, full, known)
    if infant is not None:
        _compare_days(infant, computed, said)
        issues_of_days = _issues(infant, days_column or years_column, first_row, few, few_known)
    else:
        issues_of_days = []
    return Cleaned(out_years, issues, _counted(stated)), Cleaned(out_days, issues_of_days, _counted(infant))


def _computed(born: np.ndarray, admitted: np.ndarray, column: str, first_row: int) -> tuple[Ages, list[BatchIssue]]:
    """The ages by the two dates; a birth after admission, or one beyond all ages, gives none."""
    ages = age_between(born, admitted)
    both = ~np.isnat(born) & ~np.isnat(admitted)
    found = {"birth_after_admission": both & ~ages.known, "age_over_130": ages.known & (ages.years > OLDEST)}
    issues = []
    for rule, mask in found.items():
        rows = np.flatnonzero(mask)
        if rows.size:
            shown = [str(day) for day in born[rows]]
            hints = [str(day) for day in admitted[rows]]
            issues.append(issue_of(column, rule, rows, first_row, shown, None, hints))
    return ages._replace(known=ages.known & (ages.years <= OLDEST)), issues


def _stated(values: pa.Array, read: Callable[[str], AgeReading], admitted: np.ndarray) -> _Stated:
    cells = cells_of(values)
    readings = [read(raw) for raw in text_list(cells.texts)]

    def rows(table: list[float] | list[int] | list[bool], kind: type) -> np.ndarray:
        return np.array(table, dtype=kind)[cells.places]

    rules = {
        rule: rows([rule in reading.rules for reading in readings], bool)
        for rule in dict.fromkeys(rule for reading in readings for rule in reading.rules)
    }
    months = rows([reading.years * 12 + reading.months for reading in readings], np.int64)
    known = rows([reading.known for reading in readings], bool)
    return _Stated(
        cells,
        age_of_span(months, rows([reading.days for reading in readings], np.float64), admitted, known),
        rows([reading.fine for reading in readings], bool) & known,
        rows([reading.number for reading in readings], np.float64),
        rules,
        rows([any(rule not in _COMMON for rule in reading.rules) for reading in readings], bool),
        int(np.count_nonzero(rows([reading.filler for reading in readings], bool))),
    )


def _infant(cells: _Stated, admitted: np.ndarray, young: np.ndarray, unit: DaysUnit) -> _Stated:
    """The bare numbers of the days column, as days or as months."""
    number = cells.number
    bare = ~np.isnan(number)
    amount = np.where(bare, number, 0)
    broken = amount != np.floor(amount)
    as_months = bare & young & (broken | (amount < _MONTHS_BELOW)) if unit != "days" else np.zeros(bare.size, bool)
    months = np.where(as_months, np.floor(amount), 0).astype(np.int64)
    days = np.where(as_months, (amount - months) * DAYS_OF_MONTH, np.floor(amount))
    age = age_of_span(months, days, admitted, bare)
    merged = Ages(*(np.where(bare, by_number, by_form) for by_number, by_form in zip(age, cells.age, strict=True)))
    rules = dict(cells.rules)
    for form in rules.keys() & {"number_tail", "number_in_exponent_form"}:
        rules[form] = rules[form] & ~as_months & ~broken
    rules["age_days_in_months"] = as_months
    rules["age_not_whole"] = bare & broken & ~as_months
    ruled = cells.ruled | as_months | (bare & broken)
    sensible = merged.known & (merged.years <= OLDEST)
    return cells._replace(age=merged._replace(known=sensible), rules=rules, ruled=ruled)


def _compare_years(stated: _Stated, computed: Ages) -> None:
    open_ = computed.known & ~stated.ruled
    stated.rules["age_computed"] = open_ & ~stated.age.known
    stated.rules["age_differs"] = open_ & stated.age.known & (stated.number != computed.years)


def _compare_days(infant: _Stated, computed: Ages, said: Ages) -> None:
    """Stated days against the two dates or, without them, against the stated years."""
    open_ = infant.age.known & ~infant.ruled
    by_dates = computed.known & (computed.years == 0) & (infant.number != computed.days)
    by_years = ~computed.known & said.known & (said.years == 0) & (infant.age.years > 0)
    infant.rules["age_differs"] = open_ & (by_dates | by_years)


def _issues(cells: _Stated, column: str, first_row: int, numbers: np.ndarray, known: np.ndarray) -> list[BatchIssue]:
    issues = []
    for rule, mask in cells.rules.items():
        rows = np.flatnonzero(mask)
        if rows.size:
            raw = text_list(cells.cells.texts.take(places_array(cells.cells.places[rows])))
            after = [str(numbers[row]) if known[row] else "" for row in rows]
            issues.append(issue_of(column, rule, rows, first_row, raw, after))
    return issues


def _counted(cells: _Stated | None) -> dict[str, int]:
    return {"filler": cells.fillers} if cells is not None and cells.fillers else {}
