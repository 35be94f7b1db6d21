"""Anchors that are not given: whose percentiles, how far apart, what their source says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation.plan.settings import ScoreSettings
from drgengine.evaluation.yearly.anchors import FEWEST, Values, find_anchors

NOTHING = pd.DataFrame(columns=["indicator", "peer_group", "bad", "good", "source"])


def anchors_of(
    values: list[float], groups: list[str], direction: int = 1, bounds: tuple[float, float] | None = None
) -> pd.DataFrame:
    frame = pd.DataFrame({"x": values}, dtype=float)
    found = find_anchors(
        {"x": direction}, Values(frame, "2024", frame, "2025"), pd.Series(groups, frame.index), NOTHING, (), {},
        ScoreSettings(), {"x": bounds},
    )  # fmt: skip
    return found.table.set_index("peer_group")


def test_ten_peers_have_percentiles_of_their_own_and_nine_have_not() -> None:
    values = [*np.arange(FEWEST, dtype=float), *(100 + np.arange(FEWEST - 1, dtype=float))]
    table = anchors_of(values, ["a"] * FEWEST + ["b"] * (FEWEST - 1))
    assert table.loc["a", ["bad", "good"]].to_list() == pytest.approx(np.percentile(values[:FEWEST], [10, 90]))
    assert table.loc["b", ["bad", "good"]].to_list() == pytest.approx(np.percentile(values, [10, 90]))
    assert table.loc["a", "source_en"] == "P10/P90 of peers, 2024, n = 10"
    assert "全部机构" in table.loc["b", "source_zh"]
    assert "同组9家" in table.loc["b", "source_zh"]


def test_narrow_anchors_are_moved_apart_around_their_middle() -> None:
    values = [50.0] * 18 + [40.0, 61.0]  # percentiles coincide, and the spread is that of two hospitals
    row = anchors_of(values, ["a"] * 20).loc["a"]
    spread = np.std(values, ddof=1)
    assert (row["good"] - row["bad"], row["good"] + row["bad"]) == (pytest.approx(spread), pytest.approx(100.0))
    assert "one standard deviation within peer groups" in row["source_en"]
    assert "组内合并标准差" in row["source_zh"]
    less = anchors_of(values, ["a"] * 20, direction=-1).loc["a"]
    assert (less["bad"], less["good"]) == (pytest.approx(row["good"]), pytest.approx(row["bad"]))


def test_five_per_cent_of_the_median_is_the_least_distance() -> None:
    values = list(100.0 + np.linspace(-0.5, 0.5, 12))
    row = anchors_of(values, ["a"] * 12).loc["a"]
    assert (row["bad"], row["good"]) == (pytest.approx(97.5), pytest.approx(102.5))
    assert "5% of the median" in row["source_en"]


def test_the_spread_is_pooled_within_groups() -> None:
    """Two groups far apart that are alike within: all hospitals are taken, and their distance needs no widening."""
    values = [1.0, 1.1, 1.2, 9.0, 9.1, 9.2]
    row = anchors_of(values, ["a"] * 3 + ["b"] * 3).loc["a"]
    assert "moved apart" not in row["source_en"]
    assert row["good"] - row["bad"] == pytest.approx(np.diff(np.percentile(values, [10, 90]))[0])


def test_widened_anchors_stay_within_what_an_indicator_can_be() -> None:
    values = [0.0] * 19 + [2.0]
    row = anchors_of(values, ["a"] * 20, direction=-1, bounds=(0.0, 100.0)).loc["a"]
    assert row["good"] == 0.0
    assert row["bad"] == pytest.approx(np.std(values, ddof=1))
    top = anchors_of([100.0] * 19 + [98.0], ["a"] * 20, bounds=(0.0, 100.0)).loc["a"]
    assert top["good"] == 100.0


def test_nobody_differs_and_there_is_no_scale() -> None:
    assert anchors_of([3.0] * 12, ["a"] * 12).empty
    assert anchors_of([3.0], ["a"]).empty
    alike = anchors_of([3.0] * 10 + [1.0, 9.0], ["a"] * 10 + ["b"] * 2)
    assert "全部机构" in alike.loc["a", "source_zh"], "ten peers without a difference make no scale of their own"
