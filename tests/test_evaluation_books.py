"""Books: departments beside peers, physicians masked, small rows hidden so that no difference gives them away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.books import DEPARTMENT_COLUMNS, OTHERS, PHYSICIAN_COLUMNS, make_books
from drgengine.evaluation.books.masking import masked_names
from drgengine.evaluation.books.peers import median_of_others
from drgengine.evaluation.books.suppression import hidden_rows
from drgengine.evaluation.mix import UnitStatistics, casemix, risk_groups, statistics_of_table
from drgengine.evaluation.plan.settings import MixSettings, Privacy
from drgengine.evaluation.yearly.result import Book

LEVELS = ["hospital_id", "department_id", "physician_id"]
WEIGHTS = {"FB19": 2.0, "FR25": 0.5}
HOSPITALS = pd.DataFrame({"peer_group": ["3", "3", "3", "2"]}, index=pd.Index(["H1", "H2", "H3", "H4"]))


def statistics(rows: list[tuple[str, str, str, str, int, float]], **more: object) -> UnitStatistics:
    table = pd.DataFrame(rows, columns=[*LEVELS, "drg", "cases", "charge_mean"])
    table["charge_sumsq"] = table["charge_mean"] ** 2 * table["cases"] * 1.1
    table["los_mean"], table["deaths"] = 8.0, 0
    return statistics_of_table(table.assign(**more), LEVELS)


ROWS = [
    ("H1", "surgery", "alice", "FB19", 70, 1000.0),
    ("H1", "surgery", "bob", "FB19", 40, 2000.0),
    ("H1", "surgery", "bob", "FR25", 20, 500.0),
    ("H1", "surgery", "carol", "FR25", 3, 500.0),
    ("H1", "medicine", "alice", "FR25", 55, 400.0),
    ("H1", "medicine", "dan", "FR25", 20, 450.0),
    ("H2", "surgery", "alice", "FB19", 100, 1500.0),
    ("H3", "surgery", "x", "FB19", 120, 1200.0),
    ("H3", "tiny", "y", "FR25", 4, 300.0),
    ("H3", "other", "z", "FR25", 70, 300.0),
    ("H3", "third", "z", "FR25", 90, 300.0),
    ("H4", "surgery", "q", "FB19", 90, 900.0),
]


def books(rows: list[tuple[str, str, str, str, int, float]] | None = None, **more: object) -> dict[str, object]:
    options = {"weights": WEIGHTS, "hospitals": HOSPITALS, "privacy": Privacy(), "mix_settings": MixSettings()}
    return make_books(statistics(ROWS if rows is None else rows), **{**options, **more})  # type: ignore[return-value]


def test_tables_have_the_promised_columns_and_sums_come_out() -> None:
    found = books()
    assert list(found) == list(HOSPITALS.index)
    for code, book in found.items():
        assert list(book.departments.columns) == list(DEPARTMENT_COLUMNS)
        assert list(book.physicians.columns) == list(PHYSICIAN_COLUMNS)
        whole = sum(row[4] for row in ROWS if row[0] == code)
        assert book.departments["cases"].sum() == book.physicians["cases"].sum() == whole
        weight = sum(row[4] * WEIGHTS[row[3]] for row in ROWS if row[0] == code)
        assert book.departments["total_weight"].sum() == pytest.approx(weight)
        assert book.physicians["total_weight"].sum() == pytest.approx(weight)


def test_indices_are_those_of_casemix_by_department() -> None:
    plain = casemix(statistics(ROWS), ["hospital_id", "department_id"], WEIGHTS).table
    surgery = books()["H1"].departments.loc["surgery"]
    for name in ("cases", "cmi", "drg_count", "charge_index", "charge_index_low", "time_index", "high_weight_share"):
        assert surgery[name] == pytest.approx(plain.loc[("H1", "surgery"), name]), name
    assert np.isnan(surgery["cost_index"])


def test_department_stands_beside_the_same_department_of_its_peer_group() -> None:
    found = books()
    surgery = found["H1"].departments.loc["surgery"]
    assert surgery["peers"] == 2
    assert surgery["peer_cases"] == 110.0  # H2 100 and H3 120; H4 is of another group
    assert surgery["peer_cmi"] == 2.0
    assert surgery["cmi_rank"] == 3
    assert surgery["remark"] == ""
    lonely = found["H1"].departments.loc["medicine"]
    assert np.isnan(lonely["peer_cmi"])
    assert np.isnan(lonely["cmi_rank"])
    assert "Only 0 peer hospitals" in lonely["remark"]
    assert "仅0家" in lonely["remark_zh"]
    assert found["H4"].departments.loc["surgery", "peers"] == 0


def test_physicians_are_numbers_by_falling_weight_and_no_code_is_left() -> None:
    found = books()["H1"].physicians
    assert "alice" not in found.to_csv()
    # alice 70 * 2 + 55 * 0.5 = 167.5 in two departments, bob 90, dan 10, carol 1.5 is too small
    assert sorted(found[found.index == "P001"]["department_id"]) == ["medicine", "surgery"]
    assert found.loc["P003", "department_id"] == "medicine"
    assert found.loc["P003", "below_minimum"]
    assert np.isnan(found.loc["P003", "weight_rank"])
    assert found[(found.index == "P001") & (found["department_id"] == "surgery")]["weight_rank"].item() == 1
    shown = books(privacy=Privacy(mask_physicians=False))["H1"].physicians
    assert "alice" in shown.index


def test_one_small_physician_takes_the_next_smallest_along() -> None:
    found = books()["H1"]
    surgery = found.physicians[found.physicians["department_id"] == "surgery"]
    assert set(surgery.index) == {"P001", OTHERS}
    assert surgery.loc[OTHERS, "cases"] == 63  # bob 60 and carol 3: neither follows from the department's 133
    assert found.suppressed == {"departments": 0, "physicians": 2}
    assert "Those of fewer than 5 cases together" in surgery.loc[OTHERS, "remark"]


def test_one_small_department_takes_another_along_and_its_physicians_follow() -> None:
    book = books()["H3"]
    assert set(book.departments.index) == {"surgery", "third", OTHERS}
    assert book.departments.loc[OTHERS, "cases"] == 74  # other 70 and tiny 4
    assert book.suppressed["departments"] == 2
    assert set(book.physicians["department_id"]) == {"surgery", "third", OTHERS}


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), max_size=20),
    st.integers(1, 8),
)
def test_no_hidden_row_follows_from_the_total(rows: list[tuple[int, int]], smallest: int) -> None:
    counts = np.array([row[0] for row in rows], np.int64)
    group = np.array([row[1] for row in rows], np.int64)
    hidden = hidden_rows(counts, group, smallest)
    assert hidden[counts < smallest].all()
    for one in set(group.tolist()):
        there = group == one
        if not (counts[there] < smallest).any():
            assert not hidden[there].any()
            continue
        out = there & hidden
        everything = out.sum() == there.sum()
        assert everything or (out.sum() >= 2 and counts[out].sum() >= smallest)
        assert everything or counts[out].max() <= counts[there & ~hidden].min()


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=12))
def test_median_of_others_equals_numpy(values: list[int | None]) -> None:
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    median, others = median_of_others(numbers)
    for at in range(len(numbers)):
        rest = np.delete(numbers, at)
        rest = rest[~np.isnan(rest)]
        assert others[at] == rest.size
        expected = np.median(rest) if rest.size else np.nan
        assert median[at] == expected or (np.isnan(median[at]) and np.isnan(expected))


def test_previous_period_under_the_same_weights() -> None:
    old = statistics([("H1", "surgery", "alice", "FR25", 60, 500.0), ("H1", "medicine", "alice", "FR25", 3, 500.0)])
    found = books(previous=old)["H1"].departments
    assert found.loc["surgery", "previous_cmi"] == 0.5
    assert found.loc["surgery", "cmi_change"] == pytest.approx(found.loc["surgery", "cmi"] - 0.5)
    assert found.loc["surgery", "previous_charge_index"] == pytest.approx(1.0)
    assert np.isnan(found.loc["medicine", "previous_cmi"])  # 3 cases are too few to be shown
    people = books(previous=old)["H1"].physicians
    first = people[(people.index == "P001") & (people["department_id"] == "surgery")]
    assert first["previous_cmi"].item() == 0.5


def test_low_risk_deaths_are_hidden_by_their_cases() -> None:
    risks = risk_groups({"FR25": 0.0001, "FB19": 0.02, "A": 0.01, "B": 0.03, "C": 0.02})
    assert risks.score["FR25"] == 1
    table = books(risks=risks)["H1"].departments
    assert table.loc["medicine", "low_risk_cases"] == 75
    few = [*ROWS[:1], ("H1", "surgery", "bob", "FR25", 3, 500.0), *ROWS[4:6]]
    hidden = books(few, risks=risks)["H1"].departments
    assert np.isnan(hidden.loc["surgery", "low_risk_deaths"])
    assert np.isnan(hidden.loc["medicine", "low_risk_deaths"])  # else surgery would follow from the hospital's total


def test_below_50_cases_a_department_is_flagged_and_serves_no_peer() -> None:
    rows = [(code, "eye", "a", "FB19", cases, 1000.0) for code, cases in (("H1", 60), ("H2", 49), ("H3", 50))]
    found = books(rows)
    assert found["H1"].departments.loc["eye", "peers"] == 1
    assert found["H2"].departments.loc["eye", "below_minimum"]
    assert "Fewer than 50 cases" in found["H2"].departments.loc["eye", "remark"]
    assert found["H2"].departments.loc["eye", "peers"] == 2
    assert np.isnan(found["H2"].departments.loc["eye", "cmi_rank"])


def test_a_hospital_with_too_few_cases_shows_nothing_and_says_how_many() -> None:
    book = books([("H1", "a", "p", "FB19", 3, 1.0), ("H2", "a", "p", "FB19", 30, 1.0)])["H1"]
    assert len(book.departments) == len(book.physicians) == 0
    assert book.suppressed == {"departments": 1, "physicians": 1}


def test_levels_that_were_not_kept_are_empty_and_a_missing_physician_stays_missing() -> None:
    only = statistics(ROWS).roll_up(["hospital_id", "department_id"])
    found = make_books(only, hospitals=HOSPITALS, weights=WEIGHTS)
    assert len(found["H1"].physicians) == 0
    assert len(found["H1"].departments) == 2
    people = statistics(ROWS).roll_up(["hospital_id", "physician_id"])
    found = make_books(people, hospitals=HOSPITALS)
    assert len(found["H1"].departments) == 0
    assert set(found["H1"].physicians["department_id"]) == {""}
    rows = [("H1", "a", None, "FB19", 30, 1.0), ("H1", "a", "p", "FB19", 40, 1.0)]
    nameless = books(rows)["H1"].physicians  # type: ignore[arg-type]
    assert set(nameless.index) == {"P001", "(missing)"}
    assert np.isnan(nameless.loc["(missing)", "weight_rank"])


def test_masking_is_stable_and_breaks_ties_by_code() -> None:
    names = masked_names(pd.Series(["H", "H", "G"]), pd.Series(["b", "a", "b"]), np.ones(3))
    assert names.to_list() == ["P002", "P001", "P001"]


def test_statistics_without_hospital_are_refused() -> None:
    with pytest.raises(EvaluationError, match="not by hospital"):
        make_books(statistics(ROWS).roll_up(["department_id"]), hospitals=HOSPITALS)


def low_risk_books(seed: int, smallest: int) -> tuple[dict[str, Book], UnitStatistics]:
    """Books of hospitals whose departments and physicians have few low-risk cases."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"H{h}", f"D{d}", f"{h}p{rng.integers(0, 8)}", drg, int(rng.choice([1, 2, 4, 7, 15, 40, 90])), 1000.0)
        for h in range(1, 4)
        for d in range(int(rng.integers(1, 5)))
        for _ in range(int(rng.integers(1, 5)))
        for drg in ("FR25", "FB19")
        if rng.random() < 0.7
    ]
    made = statistics(rows)
    risks = risk_groups({"FR25": 0.0001, "FB19": 0.02, "A": 0.01, "B": 0.03, "C": 0.02})
    privacy = Privacy(smallest_cell=smallest)
    return make_books(made, weights=WEIGHTS, hospitals=HOSPITALS, privacy=privacy, risks=risks), made


def worked_out(whole: float, departments: pd.Series, physicians: pd.DataFrame) -> set[str]:
    """Departments, physicians (DEPARTMENT/PHYSICIAN) whose hidden number follows from sums of what is shown.

    whole : of the hospital, which is published; the sum of the departments, and each department the sum of its
        physicians. A number follows where its unit vector lies in the space of the equations.
    """
    labels = physicians["department_id"] + "/" + physicians.index
    values = pd.concat([departments, pd.Series(physicians["low_risk_cases"].to_numpy(), index=labels)])
    unknown = [name for name in values.index if np.isnan(values[name])]
    equations = [[float(name in departments.index) for name in unknown]]
    for name in departments.index:
        parts = [label for label in labels if label.rpartition("/")[0] == name]
        if parts:
            equations.append([float(one in parts) - float(one == name) for one in unknown])
    matrix = np.array(equations)
    rank = np.linalg.matrix_rank(matrix) if unknown else 0
    return {
        name
        for at, name in enumerate(unknown)
        if np.linalg.matrix_rank(np.vstack([matrix, np.eye(len(unknown))[at]])) == rank
    }


@pytest.mark.parametrize("smallest", [5, 10, 30])
@pytest.mark.parametrize("seed", range(8))
def test_sums_of_physicians_and_departments_give_no_hidden_number(seed: int, smallest: int) -> None:
    found, made = low_risk_books(seed, smallest)
    for code, book in found.items():
        departments, physicians = book.departments["low_risk_cases"], book.physicians
        mine = made.cells.to_pandas().query("hospital_id == @code and drg == 'FR25'")
        whole = float(mine["cases"].sum())
        hidden = departments[departments.isna()].index
        for name in worked_out(whole, departments, physicians):
            # The only one of a hospital is the hospital, whose number is evaluated and published.
            assert len(hidden) == 1, (code, name)
            assert whole - departments.sum() == whole, (code, name)
        for name, part in physicians.groupby("department_id"):
            assert part["cases"].sum() == book.departments.loc[name, "cases"], (code, name)
            assert (part["cases"] >= smallest).all(), (code, name)


def test_physicians_of_a_department_with_hidden_low_risk_cases_are_hidden_too() -> None:
    risks = risk_groups({"FR25": 0.0001, "FB19": 0.02, "A": 0.01, "B": 0.03, "C": 0.02})
    few = [*ROWS[:1], ("H1", "surgery", "bob", "FR25", 3, 500.0), *ROWS[4:6]]
    book = books(few, risks=risks)["H1"]
    assert (
        book.departments["low_risk_cases"].isna().all()
    )  # surgery has 3; medicine, which has 75, would give them away
    assert book.physicians["low_risk_cases"].isna().all()  # and so would 55 and 20 of its physicians


def test_a_department_called_like_the_pooled_row_stays_one_of_its_own() -> None:
    rows = [*ROWS, ("H3", OTHERS, "w", "FB19", 60, 100.0), ("H3", "(others)*", "w", "FB19", 65, 100.0)]
    book = books(rows)["H3"]
    assert book.departments.loc[OTHERS, "cases"] == 64  # tiny 4 and the smallest other one, of 60, now "(others)*"
    assert book.departments.loc["(others)**", "cases"] == 65
    plain = books([*ROWS[:6], ("H1", OTHERS, "w", "FB19", 60, 100.0)], previous=statistics(ROWS))["H1"]
    assert OTHERS not in plain.departments.index
    assert plain.departments.loc["(others)*", "cases"] == 60
    assert plain.departments.loc["(others)*", "remark"].count("together") == 0


def test_departments_that_carry_codes_of_physicians_are_refused() -> None:
    rows = [(one, person, person, drg, cases, charge) for one, _, person, drg, cases, charge in ROWS]
    with pytest.raises(EvaluationError, match="physicians have the code of a department") as caught:
        books(rows)
    assert "mask_physicians = false" in caught.value.remedy
    assert "alice" in books(rows, privacy=Privacy(mask_physicians=False))["H1"].departments.index
    some = [*ROWS, ("H1", "dan", "carol", "FR25", 60, 1.0)]  # one of eight: a coincidence
    assert "dan" in books(some)["H1"].departments.index
