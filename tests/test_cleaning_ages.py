"""Ages: stated in any form, worked out from birth and admission, compared."""

from __future__ import annotations

import calendar
import datetime as dt

import pyarrow as pa
import pytest
from cleaning_checks import at_most_one_of_the_kind, rules_by_row
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.formats.cleaning import clean_ages

TIME = pa.timestamp("s")
ADMITTED = dt.datetime(2024, 5, 31, 9)


def ages(years, days=None, birth=None, admission=None, unit="days"):
    """Years, days, and the rules of the three columns for one row."""
    found = clean_ages(
        None if years is None else pa.array([years]),
        None if days is None else pa.array([days]),
        pa.array([birth], TIME),
        pa.array([admission], TIME),
        1,
        years_column="y",
        days_column="d",
        birth_column="b",
        days_unit=unit,
    )
    rules = [rules_by_row(part, 1, column=name)[0] for part, name in zip(found, ("y", "d"), strict=True)]
    fillers = sum(part.counted.get("filler", 0) for part in found)
    born = rules_by_row(found[0], 1, column="b")[0]
    years_out, days_out = (part.values[0].as_py() for part in found)
    return years_out, days_out, rules[0] + ["filler"] * fillers, rules[1], born


@pytest.mark.parametrize(
    ("raw", "years", "days", "days_from_admission", "rules"),
    [
        ("45", 45, None, None, []),
        ("0", 0, None, None, []),
        ("45岁", 45, None, None, ["age_with_unit"]),
        ("45Y", 45, None, None, ["age_with_unit"]),
        ("Y45", 45, None, None, ["age_with_unit"]),
        ("3月", 0, 91, 92, ["age_with_unit"]),
        ("3个月", 0, 91, 92, ["age_with_unit"]),
        ("M3", 0, 91, 92, ["age_with_unit"]),
        ("2月零5天", 0, 66, 66, ["age_with_unit"]),
        ("18月", 1, None, None, ["age_with_unit"]),
        ("1岁3月", 1, None, None, ["age_with_unit"]),
        ("12天", 0, 12, 12, ["age_with_unit"]),
        ("400天", 1, None, None, ["age_with_unit"]),
        ("3小时", 0, 0, 0, ["age_with_unit"]),
        ("0.5", 0, 182, 182, ["age_as_fraction"]),
        ("1/12", 0, 30, 31, ["age_as_fraction"]),
        ("15/30", 0, 15, 15, ["age_as_fraction"]),
        ("8 15/30", 0, 259, 259, ["age_as_fraction"]),
        ("45.0", 45, None, None, ["number_tail"]),
        ("45.5", 45, None, None, ["age_not_whole"]),
        ("-3", None, None, None, ["age_negative"]),
        ("-3天", None, None, None, ["age_negative"]),
        ("130", 130, None, None, []),
        ("131", None, None, None, ["age_over_130"]),
        ("999岁", None, None, None, ["age_over_130"]),
        ("成人", None, None, None, ["number_unreadable"]),
        ("４５", 45, None, None, ["text_full_width"]),
        (" 45岁", 45, None, None, ["age_with_unit", "text_blanks"]),
        ("4.5E+01", 45, None, None, ["number_in_exponent_form"]),
        ("5E-01", 0, 182, 182, ["age_as_fraction"]),
        ("4.5E+03", None, None, None, ["age_over_130"]),
        ("#N/A", None, None, None, ["spreadsheet_error"]),
        ("-", None, None, None, ["filler"]),
        ("", None, None, None, []),
    ],
)
def test_stated_years(raw, years, days, days_from_admission, rules):
    assert ages(raw) == (years, days, rules, [], [])
    assert ages(raw, admission=ADMITTED) == (years, days_from_admission, rules, [], [])


@pytest.mark.parametrize(
    ("raw", "rules"),
    [
        ("45", []),
        ("44", ["age_differs"]),
        ("", ["age_computed"]),
        (None, ["age_computed"]),
        ("-", ["age_computed", "filler"]),
        ("44岁", ["age_with_unit"]),
        ("45.0", ["number_tail"]),
        ("999", ["age_over_130"]),
        ("?", ["number_unreadable"]),
        ("４４", ["age_differs", "text_full_width"]),
    ],
)
def test_birth_and_admission_win(raw, rules):
    found = ages(raw if raw is not None else pa.scalar(None, pa.string()), "", dt.datetime(1979, 5, 31), ADMITTED)
    assert found == (45, None, rules, [], [])


@pytest.mark.parametrize(
    ("birth", "admission", "years", "days"),
    [
        ("2024-01-01", "2024-12-31", 0, 365),
        ("2023-01-01", "2024-01-01", 1, None),
        ("2023-12-31", "2024-12-30", 0, 365),
        ("2020-02-29", "2021-02-28", 0, 365),
        ("2020-02-29", "2021-03-01", 1, None),
        ("2020-02-29", "2024-02-28", 3, None),
        ("2020-02-29", "2024-02-29", 4, None),
        ("2024-05-31", "2024-05-31", 0, 0),
        ("1900-01-01", "2024-05-31", 124, None),
    ],
)
def test_calendar_age(birth, admission, years, days):
    born, admitted = dt.datetime.fromisoformat(birth) + dt.timedelta(hours=23), dt.datetime.fromisoformat(admission)
    assert ages(None, None, born, admitted)[:2] == (years, days)


@pytest.mark.parametrize(
    ("days", "unit", "expected", "rules"),
    [
        ("", "days", 45, []),
        ("45", "days", 45, []),
        ("44", "days", 45, ["age_differs"]),
        ("45天", "days", 45, ["age_with_unit"]),
        ("1", "months", 45, ["age_days_in_months"]),
        ("1.5", "unknown", 45, ["age_days_in_months"]),
        ("1.0", "unknown", 45, ["age_days_in_months"]),
        ("45", "months", 45, []),
        ("44", "unknown", 45, ["age_differs"]),
        ("1 15/30", "months", 45, ["age_as_fraction"]),
        ("x", "days", 45, ["number_unreadable"]),
    ],
)
def test_days_beside_dates(days, unit, expected, rules):
    born = ADMITTED - dt.timedelta(days=45)
    assert ages("0", days, born, ADMITTED, unit) == (0, expected, [], rules, [])


@pytest.mark.parametrize(
    ("years", "days", "unit", "expected", "rules"),
    [
        ("0", "20", "days", (0, 20), []),
        ("", "20", "days", (0, 20), []),
        ("0", "3", "months", (0, 91), ["age_days_in_months"]),
        ("0", "8.5", "unknown", (0, 259), ["age_days_in_months"]),
        ("0", "20", "unknown", (0, 20), []),
        ("5", "3", "months", (5, None), []),
        ("0", "12.5", "days", (0, 12), ["age_not_whole"]),
        ("0", "400", "days", (0, None), ["age_differs"]),
        ("0", "-1", "days", (0, None), ["age_negative"]),
    ],
)
def test_days_without_dates(years, days, unit, expected, rules):
    found = ages(years, days, unit=unit)
    assert (found[:2], found[3]) == (expected, rules)


def test_birth_after_admission_and_ages_beyond_all():
    later = ADMITTED + dt.timedelta(days=1)
    assert ages("45", None, later, ADMITTED) == (45, None, [], [], ["birth_after_admission"])
    assert ages("45", None, dt.datetime(1880, 1, 1), ADMITTED) == (45, None, [], [], ["age_over_130"])


def test_typed_columns():
    found = clean_ages(pa.array([45, 200, -1]), pa.array([None, None, 5.0]), None, None, 1, years_column="y")
    assert found[0].values.to_pylist() == [45, None, 0]
    assert rules_by_row(found[0], 3, column="y") == [[], ["age_over_130"], ["age_negative"]]
    assert found[0].values.type == found[1].values.type == pa.int32()
    empty = clean_ages(None, None, None, None, 1, years_column="y")
    assert len(empty[0].values) == 0


def age_reference(birth: dt.date, admission: dt.date) -> tuple[int, int | None]:
    """Birthdays counted one after the other."""
    years = 0
    while True:
        year = birth.year + years + 1
        leap_day = (birth.month, birth.day) == (2, 29) and not calendar.isleap(year)
        if (dt.date(year, 3, 1) if leap_day else birth.replace(year=year)) > admission:
            return years, (admission - birth).days if years == 0 else None
        years += 1


DATES = st.dates(dt.date(1995, 1, 1), dt.date(2030, 12, 31))


@settings(max_examples=50)
@given(st.lists(st.tuples(DATES, st.integers(0, 1500) | st.integers(0, 12000)), max_size=15))
def test_dates_by_the_reference(drawn):
    pairs = [(birth, birth + dt.timedelta(days=after)) for birth, after in drawn]
    stated = ["7"] * len(pairs)
    columns = [pa.array([pair[k] for pair in pairs], pa.date32()).cast(TIME) for k in (0, 1)]
    years, days = clean_ages(pa.array(stated, pa.string()), None, *columns, 1, years_column="y")
    expected = [age_reference(*pair) for pair in pairs]
    assert list(zip(years.values.to_pylist(), days.values.to_pylist(), strict=True)) == expected
    assert rules_by_row(years, len(pairs), column="y") == [[] if y == 7 else ["age_differs"] for y, _ in expected]


CELLS = st.text(max_size=6) | st.text("0123456789./岁月天小时YMD- ", max_size=8)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(CELLS, CELLS, st.none() | DATES, st.none() | DATES), max_size=10),
    st.integers(0, 10),
    st.sampled_from(["days", "months", "unknown"]),
)
def test_any_text_in_any_batches(rows, cut, unit):
    def clean(part, first_row):
        texts = [pa.array([row[k] for row in part], pa.string()) for k in (0, 1)]
        times = [pa.array([row[k] for row in part], pa.date32()).cast(TIME) for k in (2, 3)]
        found = clean_ages(*texts, *times, first_row, years_column="y", days_column="d", days_unit=unit)
        values = list(zip(found[0].values.to_pylist(), found[1].values.to_pylist(), strict=True))
        rules = [rules_by_row(found[k], len(part), first_row, name) for k, name in ((0, "y"), (1, "d"))]
        return [(*value, *both) for value, *both in zip(values, *rules, strict=True)]

    whole = clean(rows, 1)
    cut = min(cut, len(rows))
    assert whole == clean(rows[:cut], 1) + clean(rows[cut:], 1 + cut)
    for years, days, years_rules, days_rules in whole:
        assert days is None or (years == 0 and 0 <= days <= 366)
        assert years is None or 0 <= years <= 130
        own = [rule for rule in years_rules if rule != "birth_after_admission"]
        assert at_most_one_of_the_kind(own)
        assert at_most_one_of_the_kind(days_rules)


@pytest.mark.parametrize("unit", ["months", "unknown"])
def test_days_that_the_dates_confirm_are_no_months(unit):
    """A newborn of five days with a 5: right as it stands, whatever the unit of the column is said to be."""
    assert ages("0", "5", ADMITTED - dt.timedelta(days=5), ADMITTED, unit)[:4] == (0, 5, [], [])
    assert ages("0", "5", None, ADMITTED, unit)[3] == ["age_days_in_months"]
