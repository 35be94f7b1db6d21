"""The yearly evaluation under other settings of the plan: vetoes, gaps, weights, anchors, peer groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_region import changed, rewrite, write_region

from drgengine.errors import EvaluationError
from drgengine.evaluation import evaluate

VETO = '[[scores.veto]]\nindicator = "charge_index"\ncondition = ">"\nlimit = 0.5\ncap = "C"\nsource = "示例"\n'


@pytest.fixture(autouse=True)
def without_policy_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take a third of the time and hang on none of these settings."""
    monkeypatch.setattr("drgengine.evaluation.compliance.policy_compliance", lambda *_, **__: pd.DataFrame())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("yearly") / "region", drgs=20).parent


def test_a_veto_caps_the_class_and_is_told(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, more="[scores]\n" + VETO)
    league = evaluate(plan).league
    assert set(league["class"]) <= {"", "C"}
    assert (league["class_before_veto"] == "A").any()
    assert league["veto"].str.contains("等级不高于C（示例）").all()


@pytest.mark.parametrize(
    ("missing", "how"), [("reweight", "geometric"), ("median", "sum"), ("exclude", "geometric"), ("reweight", "sum")]
)
def test_a_gap_is_treated_as_the_plan_says(folder: Path, tmp_path: Path, missing: str, how: str) -> None:
    more = f'[scores]\nmissing = "{missing}"\nhow = "{how}"\nfloor = 10\n'
    plan = changed(folder, tmp_path, more=more)
    rewrite(plan / "inputs_2025.csv", lambda table: table.assign(nurses=table["nurses"].where(table.index != 4)))
    found = evaluate(plan)
    own = found.scores.contributions.set_index(["hospital_id", "indicator"]).loc[("H005", "nurses_per_doctor")]
    excluded = found.league.loc["H005", "excluded"]
    total = found.scores.contributions.groupby("hospital_id")["contribution"].sum()
    scored = found.league["score"].notna()
    assert np.allclose(total[scored], found.league["score"][scored], atol=1e-9)
    if missing == "exclude":
        assert "nurses_per_doctor" in excluded
    elif missing == "median":
        assert own["weight"] > 0
        assert np.isnan(own["value"])
        assert excluded == ""
    else:
        assert own["weight"] == 0
        assert np.isnan(own["points"])
        assert found.league.loc["H005", "coverage"] < 1


@pytest.mark.parametrize("weights", ["entropy", "critic", "variation"])
def test_weights_from_the_data_are_blended_and_capped(folder: Path, tmp_path: Path, weights: str) -> None:
    more = f'[scores]\nweights = "{weights}"\nexpert_share = 0.0\ncap = [0.5, 2.0]\n'
    plan = changed(folder, tmp_path, more=more)
    if weights == "variation":  # a growth has a mean near 0 by chance only
        rewrite(plan / "inputs_2025.csv", lambda table: table.assign(medical_surplus=table["beds"] * 10))
    found = evaluate(plan)
    used = found.details["indicator_weights"]
    assert used.sum() == pytest.approx(1.0)
    assert used.max() <= 2.0 / len(used) + 1e-9
    assert used.min() >= 0.5 / len(used) - 1e-9


def test_targets_take_the_place_of_good(folder: Path, tmp_path: Path) -> None:
    found = evaluate(changed(folder, tmp_path, more="[scores]\ntargets_as_good = true\n"))
    anchors = found.scores.anchors
    row = anchors[anchors["indicator"] == "consumables_per_100"].iloc[0]
    assert row["good"] == 20.0
    assert "good:" in row["source"]


def test_one_peer_group_and_english(folder: Path, tmp_path: Path) -> None:
    change = ('region = "试区"', 'region = "试区"\npeer_columns = []\nlanguage = "en"\nbooks = false')
    found = evaluate(changed(folder, tmp_path, change))
    assert set(found.league["peer_group"]) == {"all hospitals"}
    assert sorted(found.league["rank"]) == list(range(1, 13))
    assert found.books == {}


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("cmi,1.5,0.5", "larger value is better"),
        ("cmi,1,1", "no scale"),
        ("cmii,1,2", "Did you mean"),
        ("cmi,x,2", "'x'"),
    ],
)
def test_anchors_that_make_no_scale_are_refused(folder: Path, tmp_path: Path, row: str, word: str) -> None:
    plan = changed(folder, tmp_path, more='[scores]\nanchors = "anchors.csv"\n')
    (plan / "anchors.csv").write_text(f"indicator,bad,good\n{row}\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match=word):
        evaluate(plan)


def test_given_weights_are_used_and_groups_without_one_are_counted(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, more='[case_mix]\nweights = "weights.csv"\n')
    codes = sorted(pd.read_csv(plan / "statistics_2025.csv")["drg"].unique())
    pd.DataFrame({"DRG编码": codes[1:], "权重": 2.0}).to_csv(plan / "weights.csv", index=False)
    found = evaluate(plan)
    assert np.allclose(found.league["cmi"], 2.0)
    assert found.current.quality["without_weight"].sum() > 0
    assert any("weights.csv" in zh for zh, _ in found.notes)
    pd.DataFrame({"drg": codes[:1] * 2, "weight": 1.0}).to_csv(plan / "weights.csv", index=False)
    with pytest.raises(EvaluationError, match="stands there twice"):
        evaluate(plan)
