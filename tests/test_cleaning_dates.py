"""Dates in every form of the national formats' exports."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from cleaning_checks import read_one, rules_by_row, same_in_pieces
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.formats.cleaning import clean_dates

DAY = dt.datetime(2019, 1, 2)
MORNING = dt.datetime(2019, 1, 2, 8, 5)

TABLE = [
    ("2019-01-02", DAY, []),
    ("2019-01-02 08:05:00", MORNING, []),
    ("2019-01-02T08:05:00", MORNING, []),
    ("2019-01-02 08:05", MORNING, []),
    ("2019-01-02 08:05:00.0", MORNING, []),
    ("2020-02-29 08:05:00.000", dt.datetime(2020, 2, 29, 8, 5), []),
    ("2019/1/2 0:00:00", DAY, ["date_rewritten"]),
    ("2019/01/02 08:05:00", MORNING, ["date_rewritten"]),
    ("2019-1-2", DAY, ["date_rewritten"]),
    ("2019.1.2", DAY, ["date_rewritten"]),
    ("2019年1月2日", DAY, ["date_rewritten"]),
    ("2019年01月02日 8时5分", MORNING, ["date_rewritten"]),
    ("2019年1月2日8:05", MORNING, ["date_rewritten"]),
    ("20190102", DAY, ["date_rewritten"]),
    ("2019-01-01 24:00:00", DAY, []),
    ("2019-01-01 24:00:01", None, ["date_unreadable"]),
    ("1900-01-01 00:00:00.000", None, ["date_placeholder"]),
    ("1900/1/1", None, ["date_placeholder"]),
    (" 1899-12-30", None, ["date_placeholder", "text_blanks"]),
    ("1900-01-02", dt.datetime(1900, 1, 2), []),
    ("#VALUE!", None, ["spreadsheet_error"]),
    ("20190102080500", MORNING, ["date_rewritten"]),
    ("201901020805", MORNING, ["date_rewritten"]),
    ("2020/2/29", dt.datetime(2020, 2, 29), ["date_rewritten"]),
    ("13/2/2019", dt.datetime(2019, 2, 13), ["date_rewritten"]),
    ("2/13/2019 8:05", dt.datetime(2019, 2, 13, 8, 5), ["date_rewritten"]),
    ("1/2/2019", DAY, ["date_ambiguous"]),
    ("1/2/2019 8:05:00 AM", MORNING, ["date_ambiguous"]),
    ("43467", DAY, ["date_serial"]),
    ("43467.25", dt.datetime(2019, 1, 2, 6), ["date_serial"]),
    ("20000", dt.datetime(1954, 10, 3), ["date_serial"]),
    ("19999", None, ["date_unreadable"]),
    ("60001", None, ["date_unreadable"]),
    ("2019-02-29", None, ["date_unreadable"]),
    ("2019/13/1", None, ["date_unreadable"]),
    ("2019-01-02 25:00:00", None, ["date_unreadable"]),
    ("1879-12-31", None, ["date_unreadable"]),
    ("2101-01-01", None, ["date_unreadable"]),
    ("0000-00-00 00:00:00", None, ["date_unreadable"]),
    ("昨天", None, ["date_unreadable"]),
    ("2.0190102E+13", None, ["number_in_scientific_form"]),
    (" 2019-01-02\t", DAY, ["text_blanks"]),
    ("2019-01-02  08:05:00", MORNING, ["text_blanks"]),
    ("２０１９-01-02", DAY, ["text_full_width"]),
    ("２０１９／1／2", DAY, ["date_rewritten", "text_full_width"]),
    ("\u00a02019/1/2", DAY, ["date_rewritten", "text_blanks"]),
    ("", None, []),
    (None, None, []),
    ("  ", None, []),
    ("-", None, ["filler"]),
    ("NULL", None, ["filler"]),
]


@pytest.mark.parametrize(("raw", "value", "rules"), TABLE)
def test_table(raw, value, rules):
    assert read_one(clean_dates, raw) == (value, rules)


def test_typed_placeholders_are_no_dates():
    days = pa.array([dt.date(1899, 12, 30), dt.date(1900, 1, 1), dt.date(1900, 1, 2)])
    found = clean_dates(days, "c", 1)
    assert found.values.to_pylist() == [None, None, dt.datetime(1900, 1, 2)]
    assert rules_by_row(found, 3) == [["date_placeholder"], ["date_placeholder"], []]


def test_issue_tells_raw_and_cleaned():
    found = clean_dates(pa.array(["2019-01-02", "2019/1/2 8:05:00", "x"]), "B12", 11)
    assert {i.rule: (i.column, i.rows.tolist(), i.values, i.cleaned) for i in found.issues} == {
        "date_rewritten": ("B12", [12], ["2019/1/2 8:05:00"], ["2019-01-02 08:05:00"]),
        "date_unreadable": ("B12", [13], ["x"], [""]),
    }
    assert found.values.type == pa.timestamp("s")


@pytest.mark.parametrize(
    ("hour", "seconds", "rules"),
    [
        ("8", 28800, []),
        ("8时", 28800, []),
        ("08:30", 30600, []),
        ("0", 0, []),
        ("23", 82800, []),
        ("24", 86400, []),
        ("25", 0, ["number_unreadable"]),
        ("早上", 0, ["number_unreadable"]),
        ("8.0", 28800, ["number_tail"]),
        ("", 0, []),
        ("-", 0, []),
    ],
)
def test_hour_of_its_own_column(hour, seconds, rules):
    hours = pa.array([hour] * 3)
    dates = pa.array(["2019-01-02", "2019/1/2 0:00:00", "2019-01-02 10:00:00"])
    found = clean_dates(dates, "c", 1, hours=hours, hours_column="h")
    merged = DAY + dt.timedelta(seconds=seconds)
    assert found.values.to_pylist() == [merged, merged, dt.datetime(2019, 1, 2, 10)]
    assert rules_by_row(found, 3, column="h") == [rules] * 3
    assert found.counted.get("filler", 0) == 3 * (hour == "-")


@pytest.mark.parametrize(
    ("values", "value", "rules"),
    [
        (pa.array([DAY.date()]), DAY, []),
        (pa.array([MORNING], pa.timestamp("ns")), MORNING, []),
        (pa.array([MORNING], pa.timestamp("us")).dictionary_encode(), MORNING, []),
        (pa.array([MORNING], pa.timestamp("ms", "Asia/Shanghai")), dt.datetime(2019, 1, 2, 16, 5), []),
        (pa.array([DAY.date()], pa.date64()), DAY, []),
        (pa.array([dt.date(1500, 1, 1)]), None, ["date_unreadable"]),
        (pa.array([2**62], pa.timestamp("s")), None, ["date_unreadable"]),
        (pa.array([43467]), DAY, ["date_serial"]),
        (pa.array([43467.25]), dt.datetime(2019, 1, 2, 6), ["date_serial"]),
        (pa.array([20190102]), DAY, ["date_rewritten"]),
        (pa.array([None], pa.float64()), None, []),
        (pa.nulls(1), None, []),
        (pa.array(["2019-01-02"], pa.large_string()), DAY, []),
    ],
)
def test_typed_columns(values, value, rules):
    found = clean_dates(values, "c", 1)
    assert found.values.to_pylist() == [value]
    assert rules_by_row(found, 1) == [rules]


def written(when: dt.datetime, form: int) -> tuple[str, list[str]]:
    y, m, d, time = when.year, when.month, when.day, when.strftime("%H:%M:%S")
    serial = (when - dt.datetime(1899, 12, 30)).total_seconds() / 86400
    ambiguous = ["date_ambiguous"] if d <= 12 else ["date_rewritten"]
    return [
        (f"{y}-{m:02}-{d:02} {time}", []),
        (f"{y}/{m}/{d} {time}", ["date_rewritten"]),
        (f"{y}年{m}月{d}日 {time}", ["date_rewritten"]),
        (f"{y}{m:02}{d:02}{time.replace(':', '')}", ["date_rewritten"]),
        (f"{m}/{d}/{y} {time}", ambiguous),
        (f"{serial:.8f}", ["date_serial"]),
    ][form]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.datetimes(dt.datetime(1955, 1, 1), dt.datetime(2063, 12, 31)).map(lambda w: w.replace(microsecond=0)),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_form_comes_back(drawn):
    cells = [written(when, form) for when, form in drawn]
    found = clean_dates(pa.array([text for text, _ in cells]), "c", 1)
    assert found.values.to_pylist() == [when for when, _ in drawn]
    assert rules_by_row(found, len(cells)) == [rules for _, rules in cells]


@settings(max_examples=50)
@given(
    st.lists(
        st.text(max_size=12)
        | st.text("0123456789-/: .年月日T", max_size=20)
        | st.sampled_from([t for t, _, _ in TABLE if t]),
        max_size=10,
    ),
    st.integers(0, 10),
)
def test_any_text_in_any_batches(texts, cut):
    same_in_pieces(clean_dates, texts, min(cut, len(texts)))


def test_every_day_is_read_as_the_library_does():
    days = np.arange(np.datetime64("1880-01-01"), np.datetime64("2101-01-01"))
    texts = np.datetime_as_string(days).tolist()
    found = clean_dates(pa.array(texts), "c", 1)
    assert [(issue.rule, issue.values) for issue in found.issues] == [
        ("date_placeholder", ["1899-12-30", "1899-12-31", "1900-01-01"])
    ]
    given = found.values.cast(pa.date32()).cast(pa.int32()).to_pylist()
    assert [day for day in given if day is not None] == np.delete(days, [7303, 7304, 7305]).astype(int).tolist()
