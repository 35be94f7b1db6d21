"""Simulation with known truth: intervals of the bootstrap hold true indices and ranks as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation.mix import statistics_of_table
from drgengine.evaluation.scoring.places import places
from drgengine.evaluation.uncertainty import bootstrap_chain, rank_intervals
from drgengine.evaluation.uncertainty.unitlabels import Floats

HOSPITALS, GROUPS, RUNS = 15, 12, 20
VARIANCE = float(np.log(1 + 0.9**2))  # of the logarithm of a charge: log-normal with a coefficient of variation of 0.9


def sums(rng: np.random.Generator, n: np.ndarray, mean: Floats) -> tuple[Floats, Floats]:
    """Sum and sum of squares of n skewed charges per cell."""
    cell = np.repeat(np.arange(n.size), n.ravel())
    normal = rng.normal(0, np.sqrt(VARIANCE), cell.size)
    charge = mean.ravel()[cell] * np.exp(normal - VARIANCE / 2)
    return np.bincount(cell, charge, n.size), np.bincount(cell, charge**2, n.size)


@pytest.mark.parametrize(
    "largest", [pytest.param(60, id="3 to 60 cases per cell"), pytest.param(9, id="3 to 9 cases per cell")]
)
def test_intervals_hold_the_truth_as_often_as_they_say(largest: int) -> None:
    rng = np.random.default_rng(largest)
    n = rng.integers(3, largest + 1, (HOSPITALS, GROUPS))
    mean = np.exp(rng.normal(0, 0.1, HOSPITALS))[:, None] * np.exp(rng.normal(8, 0.6, GROUPS))
    benchmark = (n * mean).sum(axis=0) / n.sum(axis=0)
    index = (n * mean / benchmark).sum(axis=1) / n.sum(axis=1)
    cmi = (n * benchmark).sum(axis=1) / n.sum(axis=1) / ((n * mean).sum() / n.sum())
    rank = places(index, larger_is_better=False)
    frame = pd.DataFrame(
        {
            "hospital_id": np.repeat([f"H{h:02d}" for h in range(HOSPITALS)], GROUPS),
            "drg": np.tile([f"FR{j // 3 + 1}{j % 3}" for j in range(GROUPS)], HOSPITALS),
            "cases": n.ravel(),
        }
    )
    held: dict[str, list[bool]] = {"index": [], "cmi": [], "rank": [], "all ranks": []}
    for run in range(RUNS):
        frame["charge_sum"], frame["charge_sumsq"] = sums(rng, n, mean)
        drawn = bootstrap_chain(statistics_of_table(frame), draws=300, seed=run, columns=["charge_index", "cmi"])
        for name, column, truth in (("index", "charge_index", index), ("cmi", "cmi", cmi)):
            table = drawn.interval(column)
            held[name] += ((table["low"] <= truth) & (truth <= table["high"])).tolist()
        seen = rank_intervals(
            drawn.observed["charge_index"],
            draws=drawn.columns["charge_index"],
            higher_is_better=False,
            simultaneous=True,
        ).table
        held["rank"] += ((seen["rank_low"] <= rank) & (rank <= seen["rank_high"])).tolist()
        held["all ranks"].append(((seen["rank_low_all"] <= rank) & (rank <= seen["rank_high_all"])).all())
    error = np.sqrt(0.95 * 0.05 / (HOSPITALS * RUNS))
    assert np.mean(held["index"]) == pytest.approx(0.95, abs=3 * error)
    assert np.mean(held["cmi"]) == pytest.approx(0.95, abs=3 * error)
    # Whole ranks hold more than asked for where units are apart, somewhat less where they are not.
    assert np.mean(held["rank"]) >= 0.95 - 3 * error
    assert np.mean(held["all ranks"]) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / RUNS)
