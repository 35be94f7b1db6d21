"""Worked examples of frontier models. The test id says how far the answer can be trusted, and its tolerance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from drgengine.evaluation.frontier import Frontier, additive, cost_efficiency, dea, sbm

SEEN, RECALLED, RECOMPUTED = "published", "published_data_recalled_scores", "recomputed_only"
EXAMPLES = {
    "dea_cst_hospitals_ccr": (RECOMPUTED, 1e-6),
    "dea_cst_hospitals_bcc_input": (RECOMPUTED, 1e-6),
    "dea_cst_hospitals_bcc_output": (RECOMPUTED, 1e-6),
    "dea_cst_hospitals_super_ccr_input": (RECOMPUTED, 1e-6),
    "dea_cst_hospitals_sbm_crs_nonoriented": (RECOMPUTED, 1e-6),
    "dea_cn_provinces_bcc_in": (SEEN, 1e-6),
    "dea_fls11": (SEEN, 1e-7),
    "sbm_tone2001": (RECALLED, 6e-4),
    "super_powerplants": (RECALLED, 6e-5),
    "cost_efficiency_coelli": (RECALLED, 6e-4),
}
PREFIXES = ("dea_", "sbm_", "super_", "cost_efficiency_", "malmquist_")
# What this package answers for each printed column: model, and how the column is called in the file.
ANSWERS: dict[str, dict[str, Any]] = {
    "dea_cst_hospitals_ccr": {"theta": lambda x, y, _: dea(x, y).score},
    "dea_cst_hospitals_bcc_input": {"score": lambda x, y, _: dea(x, y, "bcc").score},
    "dea_cst_hospitals_bcc_output": {"score": lambda x, y, _: dea(x, y, "bcc", "output").efficiency},
    "dea_cst_hospitals_super_ccr_input": {"score": lambda x, y, _: dea(x, y, super_efficiency=True).score},
    "dea_cst_hospitals_sbm_crs_nonoriented": {"score": lambda x, y, _: dea(x, y, "sbm").score},
    "dea_cn_provinces_bcc_in": {"theta": lambda x, y, _: dea(x, y, "bcc").score},
    "dea_fls11": {
        "in_crs": lambda x, y, _: dea(x, y).score,
        "out_crs": lambda x, y, _: dea(x, y, orientation="output").score,
        "in_vrs": lambda x, y, _: dea(x, y, "bcc").score,
        "additive_crs": lambda x, y, _: additive(x, y, "crs").score,
        "additive_vrs": lambda x, y, _: additive(x, y, "vrs").score,
    },
    "sbm_tone2001": {"sbm": lambda x, y, _: sbm(x, y).score, "ccr": lambda x, y, _: dea(x, y).score},
    "super_powerplants": {"theta": lambda x, y, _: dea(x, y, super_efficiency=True).score},
    "cost_efficiency_coelli": {
        "te": lambda x, y, given: cost_efficiency(x, y, given["prices"]).technical_efficiency,
        "ae": lambda x, y, given: cost_efficiency(x, y, given["prices"]).allocative_efficiency,
        "ce": lambda x, y, given: cost_efficiency(x, y, given["prices"]).score,
    },
}


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, dict[str, Any]]:
    path = shared / "oracles" / "evaluation_examples.json"
    if not path.is_file():
        pytest.skip("no worked examples beside the reference data")
    return {example["id"]: example for example in json.loads(path.read_text("utf-8"))}


def given_data(examples: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    data = examples[name]["inputs"]
    return given_data(examples, data["ref"]) if "ref" in data else data


def columns() -> list[Any]:
    return [
        pytest.param(name, column, id=f"{name}-{column}-{EXAMPLES[name][0]}-{EXAMPLES[name][1]:g}")
        for name, answers in ANSWERS.items()
        for column in answers
    ]


def test_every_frontier_example_of_the_file_is_here(examples: dict[str, dict[str, Any]]) -> None:
    in_file = {name for name in examples if name.startswith(PREFIXES)}
    assert in_file == set(EXAMPLES) == set(ANSWERS)
    for name, (_, tolerance) in EXAMPLES.items():
        assert examples[name]["tolerance"] == tolerance
        assert set(examples[name]["expected"]) == set(ANSWERS[name])


@pytest.mark.parametrize(("name", "column"), columns())
def test_worked_example(examples: dict[str, dict[str, Any]], name: str, column: str) -> None:
    data = given_data(examples, name)
    found = ANSWERS[name][column](data["inputs"], data["outputs"], data)
    np.testing.assert_allclose(found, examples[name]["expected"][column], rtol=0, atol=EXAMPLES[name][1])
    np.testing.assert_allclose(found, examples[name]["recomputed"][column], rtol=0, atol=1.1e-7)


def test_unit_on_the_frontier_with_slack_is_not_efficient(examples: dict[str, dict[str, Any]]) -> None:
    data = given_data(examples, "dea_fls11")
    found = dea(data["inputs"], data["outputs"])
    assert found.score[10] == pytest.approx(1.0)
    np.testing.assert_allclose(found.slacks.inputs[10], [0.0, 4.0], atol=1e-9)
    assert not found.efficient[10]
    assert found.efficient[0]
    tone = given_data(examples, "sbm_tone2001")
    weak = dea(tone["inputs"], tone["outputs"])
    assert weak.score[3] == pytest.approx(1.0)
    assert not weak.efficient[3]
    np.testing.assert_allclose(weak.slacks.outputs[3], [0.0, 1.0], atol=1e-9)


def test_provinces_without_super_score_and_with_a_slipped_point(examples: dict[str, dict[str, Any]]) -> None:
    data = given_data(examples, "dea_cn_provinces_bcc_in")
    x = pd.DataFrame(data["inputs"], index=data["dmus"], columns=["床位", "人员"])
    y = pd.DataFrame(data["outputs"], index=data["dmus"], columns=["诊疗人次", "入院人数"])
    found: Frontier = dea(x, y, "bcc", super_efficiency=True)
    none = [unit for unit, word in zip(found.labels, found.status, strict=True) if word == "infeasible"]
    assert none == ["广东", "山东"]
    guangdong = found.labels.index("广东")
    assert np.isnan(found.score[guangdong])
    assert found.reason[guangdong] is not None
    assert "诊疗人次 29378.4" in str(found.reason[guangdong])
    assert found.peers["广东"] == []
    assert found.efficient[guangdong]
    assert any("'广西'" in remark and "9.05" in remark for remark in found.remarks)
