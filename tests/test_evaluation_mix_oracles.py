"""Published and constructed examples of case mix, with tolerance and status in the test id."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation.mix import casemix, risk_groups, statistics_of_table

Answer = dict[str, Any]


def weighted(given: Answer) -> Answer:
    groups = [f"G{n}" for n in range(len(given["cases"]))]
    table = pd.DataFrame({"hospital_id": "H", "drg": groups, "cases": given["cases"]})
    row = casemix(statistics_of_table(table), weights=dict(zip(groups, given["weights"], strict=True))).table.iloc[0]
    return {"total_weight": [row["total_weight"]], "cmi": [row["cmi"]]}


def mean_weight(given: Answer) -> Answer:
    one = {"cases": [given["discharges"]], "weights": [given["sum_weights"] / given["discharges"]]}
    return {"cmi": weighted(one)["cmi"]}


def scores(given: Answer) -> Answer:
    codes = [f"G{n}" for n in range(len(given["mortality"]))]
    found = risk_groups(dict(zip(codes, given["mortality"], strict=True)))
    return {"score": [found.score[code] for code in codes], "mean": [found.mean], "sd": [found.sd]}


def indices(given: Answer) -> Answer:
    groups = ["G0", "G1"]
    table = pd.DataFrame(
        {"hospital_id": "H", "drg": groups, "cases": given["cases"], "charge_mean": given["hospital_mean"]}
    )
    benchmark = pd.DataFrame({"charge": given["benchmark_mean"]}, index=groups)
    row = casemix(statistics_of_table(table), benchmark=benchmark, weights={"G0": 1.0, "G1": 1.0}).table.iloc[0]
    return {"mean_of_ratios": [row["charge_index"]], "oe": [row["charge_index_oe"]]}


WAYS: dict[str, tuple[Callable[[Answer], Answer], str]] = {
    "cmi_dxy": (weighted, "published-1e-9"),
    "cmi_us": (mean_weight, "published-2-decimals-5e-3"),
    "risk_groups_micro": (scores, "recomputed-only-1e-6"),
    "cost_index_micro": (indices, "recomputed-only-1e-9"),
}


@pytest.mark.parametrize("name", WAYS, ids=[f"{name}-{status}" for name, (_, status) in WAYS.items()])
def test_oracle(name: str, shared: Path) -> None:
    examples = json.loads((shared / "oracles" / "evaluation_examples.json").read_text(encoding="utf-8"))
    example = next(one for one in examples if one["id"] == name)
    found = WAYS[name][0](example["inputs"])
    assert set(found) == set(example["expected"])
    for column, expected in example["expected"].items():
        np.testing.assert_allclose(found[column], expected, rtol=0.0, atol=example["tolerance"], err_msg=column)
