"""Readmission: the kernel against its twin, exposure at the end of the period, what is excluded and what is counted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import readmissions
from drgengine.evaluation.mix.nextstaykernel import next_stay_kernel
from drgengine.evaluation.mix.reference_next_stay import reference_next_stays

stay = st.fixed_dictionaries(
    {
        "patient": st.integers(0, 2),
        "admission": st.integers(0, 25),
        "length": st.integers(0, 8),
        "opens": st.booleans(),
        "counts": st.booleans(),
    }
)


@pytest.mark.kernel
@given(drawn=st.lists(stay, max_size=12), longest=st.integers(0, 15))
def test_kernel_equals_reference(drawn: list[dict[str, Any]], longest: int) -> None:
    stays = [{**one, "discharge": one["admission"] + one["length"]} for one in drawn]
    stays.sort(key=lambda one: (one["patient"], one["admission"], one["discharge"]))
    column = {name: np.array([one[name] for one in stays], np.int64) for name in ("patient", "admission", "discharge")}
    flags = {name: np.array([one[name] for one in stays], np.bool_) for name in ("opens", "counts")}
    follower, overlapping = np.zeros(len(stays), np.int64), np.zeros(len(stays), np.bool_)
    next_stay_kernel(
        column["patient"],
        column["admission"].astype(np.int32),
        column["discharge"].astype(np.int32),
        flags["opens"],
        flags["counts"],
        longest,
        follower,
        overlapping,
    )
    gaps = [None if k < 0 else int(column["admission"][k] - column["discharge"][i]) for i, k in enumerate(follower)]
    assert gaps == reference_next_stays(stays, longest)


def day(number: int) -> dt.date:
    return dt.date(2025, 1, 1) + dt.timedelta(days=number)


def table_of(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows: patient, admission, discharge (days), drg, disposition, plan, hospital."""
    filled = [
        (
            row[0],
            *(None if at is None else day(at) for at in row[1:3]),
            *row[3:],
            *("FR25", 1, "1", "H1")[len(row) - 3 :],
        )
        for row in rows
    ]
    names = ["patient_id", "admission_date", "discharge_date", "drg", "discharge_disposition", "planned_readmission"]
    return pd.DataFrame(filled, columns=[*names, "hospital_id"])


def counts(found: Any, kind: str, window: int, unit: str = "H1") -> tuple[int, int]:
    row = found.table.loc[(unit, kind, window)]
    return int(row["index_stays"]), int(row["readmissions"])


LAST = ("Z", 90, 100)


def test_windows_include_their_last_day() -> None:
    table = table_of(("A", 0, 5), ("A", 12, 15), ("A", 46, 50), LAST)
    found = readmissions(table)
    assert counts(found, "all_cause", 7) == (3, 1)
    assert counts(found, "all_cause", 30) == (3, 1)
    assert counts(found, "all_cause", 31) == (3, 2)
    assert found.settings["windows"] == (7, 14, 15, 30, 31)


def test_stays_whose_window_is_not_over_are_in_no_rate() -> None:
    table = table_of(("A", 0, 80), ("B", 60, 90), ("B", 95, 99), LAST)
    found = readmissions(table, windows=[7, 14, 30])
    assert found.until == day(100)
    assert found.incomplete == {7: 2, 14: 3, 30: 4}
    assert counts(found, "all_cause", 7) == (2, 1)
    assert counts(found, "all_cause", 14) == (1, 0)
    assert counts(found, "all_cause", 30) == (0, 0)
    assert np.isnan(found.table.loc[("H1", "all_cause", 30), "rate"])
    earlier = readmissions(table, windows=[7], until=day(90))
    assert counts(earlier, "all_cause", 7) == (1, 0)


def test_mdc_and_plan() -> None:
    table = table_of(
        ("A", 0, 5, "FR25"),
        ("A", 8, 10, "GB11"),
        ("B", 0, 5, "FR25", 1, "2"),
        ("B", 8, 10, "FR21"),
        ("C", 0, 5, "FR25", 4, "1"),
        ("C", 8, 10, "FR21"),
        LAST,
    )
    found = readmissions(table, windows=[7])
    assert counts(found, "all_cause", 7) == (6, 3)
    assert counts(found, "same_mdc", 7) == (6, 2)
    assert counts(found, "unplanned", 7) == (6, 1)


def test_death_transfer_and_series_open_no_window() -> None:
    table = table_of(
        ("A", 0, 5, "FR25", 5),
        ("B", 0, 5, "FR25", 2),
        ("B", 6, 9),
        ("C", 0, 5),
        ("C", 6, 7, "RN15"),
        ("C", 11, 12, "FR25", 5),
        (None, 0, 5),
        ("D", 7, 5),
        ("E", None, 5),
        LAST,
    )
    found = readmissions(table, windows=[7])
    flow = found.flow
    assert flow == {
        "stays": 10,
        "no_patient": 1,
        "no_dates": 2,
        "series_drg": 1,
        "excluded_disposition": 3,
        "index_stays": 3,
    }
    # Of C the stay for chemotherapy is passed over; dying in the readmission does not undo it.
    assert counts(found, "all_cause", 7) == (2, 1)
    assert counts(readmissions(table, windows=[7], excluded_adrgs=[]), "all_cause", 7) == (3, 2)


def test_same_day_duplicates_and_overlaps() -> None:
    table = table_of(("A", 5, 5), ("A", 5, 5), ("B", 0, 9), ("B", 4, 6), ("C", 0, 3), ("C", 3, 8), LAST)
    found = readmissions(table, windows=[7])
    assert found.same_day == 1
    assert found.overlapping == 1
    assert counts(found, "all_cause", 7) == (6, 1), "another record of the same stay is no readmission"


def test_hospital_of_the_index_stay_and_same_hospital() -> None:
    table = table_of(("A", 0, 5), ("A", 8, 10, "FR25", 1, "1", "H2"), LAST)
    found = readmissions(table, windows=[7])
    assert counts(found, "all_cause", 7, "H1") == (1, 1)
    assert counts(found, "all_cause", 7, "H2") == (1, 0)
    assert counts(readmissions(table, windows=[7], same_hospital=True), "all_cause", 7) == (1, 0)
    by_mdc = readmissions(table, ["hospital_id", "mdc"], windows=[7])
    assert by_mdc.table.loc[("H1", "F", "all_cause", 7), "readmissions"] == 1


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    rows = [(f"P{rng.integers(0, 60)}", int(a), int(a + rng.integers(0, 9))) for a in rng.integers(0, 300, 400)]
    table = table_of(*rows)
    first = readmissions(table)
    second = readmissions(table.sample(frac=1.0, random_state=2))
    pd.testing.assert_frame_equal(first.table, second.table, check_exact=True)


def test_errors() -> None:
    with pytest.raises(EvaluationError, match="patient_id"):
        readmissions(table_of(LAST).drop(columns="patient_id"))
    with pytest.raises(EvaluationError, match="windows"):
        readmissions(table_of(LAST), windows=[-1])
    with pytest.raises(EvaluationError, match="both dates"):
        readmissions(table_of((None, 0, 1)))
