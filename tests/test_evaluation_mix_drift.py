"""CMI between periods: the two parts add up, weights alone move nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import cmi_chain, cmi_drift, statistics_of_table

DRGS = ["FR21", "FR23", "FR25", "FB19", "GB11", "GB15"]
WEIGHTS = {"FR21": 1.9, "FR23": 1.2, "FR25": 0.8, "FB19": 4.0, "GB11": 2.5, "GB15": 1.1}


def statistics(cases: list[int], hospital: str = "H", **columns: Any) -> Any:
    frame = pd.DataFrame({"hospital_id": hospital, "drg": DRGS, "cases": cases, **columns})
    return statistics_of_table(frame[frame["cases"] > 0])


numbers = st.lists(st.integers(0, 50), min_size=6, max_size=6).filter(any)


@given(old=numbers, new=numbers)
def test_between_and_within_add_up_to_the_change(old: list[int], new: list[int]) -> None:
    found = cmi_drift(statistics(old), statistics(new), WEIGHTS)
    row = found.table.loc["H"]
    w = np.array([WEIGHTS[drg] for drg in DRGS])
    share_old, share_new = np.array(old) / sum(old), np.array(new) / sum(new)
    assert row["change"] == pytest.approx(float((share_new - share_old) @ w), abs=1e-12)
    assert row["between"] + row["within"] == pytest.approx(row["change"], abs=1e-12)
    assert found.adrgs[["between", "within"]].sum().tolist() == pytest.approx(
        row[["between", "within"]].tolist(), abs=1e-12
    )


def test_mix_alone_and_severity_alone() -> None:
    old = statistics([10, 10, 20, 10, 10, 10])
    mix = cmi_drift(old, statistics([10, 10, 20, 30, 10, 10]), WEIGHTS).table.loc["H"]
    assert mix["within"] == pytest.approx(0.0, abs=1e-12)
    severity = cmi_drift(old, statistics([30, 10, 0, 10, 10, 10]), WEIGHTS).table.loc["H"]
    assert severity["between"] == pytest.approx(0.0, abs=1e-12)
    assert severity["within"] == pytest.approx(20 * (1.9 - 0.8) / 70)


def test_coding_stands_beside() -> None:
    asked = {"severity_asked": 10, "mcc": 1, "cc": 2, "dx_count": 30}
    old = statistics([10] * 6, **asked)
    new = statistics([10] * 6, **{**asked, "mcc": 4, "dx_count": 50})
    row = cmi_drift(old, new, WEIGHTS).table.loc["H"]
    assert row[["coding_depth_previous", "coding_depth_current"]].tolist() == [3.0, 5.0]
    assert row[["mcc_share_previous", "mcc_share_current"]].tolist() == [0.1, 0.4]
    assert row["cc_or_mcc_share_current"] == pytest.approx(0.6)
    assert row["change"] == pytest.approx(0.0, abs=1e-15)


def test_a_unit_of_one_period_has_no_change() -> None:
    old, new = statistics([10] * 6, "H1"), statistics([10] * 6, "H2")
    table = cmi_drift(old, new, WEIGHTS).table
    assert table.index.tolist() == ["H1", "H2"]
    assert table[["change", "between", "within"]].isna().all().all()


def test_cases_without_a_weight_are_counted() -> None:
    weights = {drg: weight for drg, weight in WEIGHTS.items() if drg != "FB19"}
    found = cmi_drift(statistics([1] * 6), statistics([1, 1, 1, 7, 1, 1]), weights)
    assert found.without_weight == (1, 7)
    assert found.table.loc["H", "change"] == pytest.approx(0.0, abs=1e-15)


def test_chain_index() -> None:
    periods = {"2023": statistics([10] * 6), "2024": statistics([10] * 6), "2025": statistics([30, 10, 10, 10, 10, 10])}
    doubled = {drg: 2 * weight for drg, weight in WEIGHTS.items()}
    other = {**WEIGHTS, "FR21": 3.0}
    found = cmi_chain(periods, {"2023": WEIGHTS, "2024": doubled, "2025": other})
    assert found.index.loc["H", ["2023", "2024"]].tolist() == pytest.approx([1.0, 1.0]), "new weights move nothing"
    link = found.links.loc[("2024", "2025", "H")]
    old, new = np.array([10] * 6) / 60, np.array([30, 10, 10, 10, 10, 10]) / 80
    laspeyres, paasche = (float(new @ w / (old @ w)) for w in ([WEIGHTS[d] for d in DRGS], [other[d] for d in DRGS]))
    assert link[["laspeyres", "paasche"]].tolist() == pytest.approx([laspeyres, paasche])
    assert found.index.loc["H", "2025"] == pytest.approx((laspeyres * paasche) ** 0.5)
    with pytest.raises(EvaluationError, match="period 2025"):
        cmi_chain(periods, {"2023": WEIGHTS, "2024": WEIGHTS})
    with pytest.raises(EvaluationError, match="at least two"):
        cmi_chain({"2023": periods["2023"]}, {"2023": WEIGHTS})
