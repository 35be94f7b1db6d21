"""Signals beside the score: coding, pairs, vetoes in both languages, the screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from evaluation_region import changed, write_region

from drgengine.commands.evaluatescreen import alert_lines, print_result, to_look_at
from drgengine.errors import EvaluationError
from drgengine.evaluation import evaluate
from drgengine.evaluation.plan import load_plan
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.alerts import CODING, PAIRS, coding_alerts, pair_alerts, rules, transfer_counts
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.evaluation.yearly.runplan import run

VETO = '[[scores.veto]]\nindicator = "charge_index"\ncondition = ">"\nlimit = 0.5\ncap = "C"\nsource = "rule 1"\n'


def test_only_the_planted_hospital_has_a_coding_alert(evaluated_sample: Evaluation) -> None:
    table = evaluated_sample.details["coding_alerts"]
    assert list(table.columns) == list(CODING)
    assert list(table["hospital_id"]) == ["R03"]
    row = table.iloc[0]
    assert row["cmi_change"] == pytest.approx(row["within"] + row["between"])
    assert (row["within"] > 0.05, row["depth_after"] - row["depth_before"] > 0.3) == (True, True)
    assert "编码" in row["zh"]
    assert "coding" in row["en"]
    assert "-0.000" not in row["zh"]


def test_each_threshold_of_the_coding_alert_counts(evaluated_sample: Evaluation) -> None:
    drift, rule = evaluated_sample.drift, rules()["coding"]
    assert drift is not None
    only = pd.Index(["R03"], name="hospital_id")
    assert len(coding_alerts(drift, only)) == 1
    table = drift.table.loc[["R03"]]
    for column, value in (
        ("within", rule["least_within"] - 0.001),
        ("coding_depth_current", table["coding_depth_previous"].iloc[0] + rule["least_depth"] - 0.01),
        ("coding_depth_current", np.nan),
        ("cases_current", rule["least_cases"] - 1),
        ("change", -0.01),
    ):
        assert coding_alerts(replace(drift, table=table.assign(**{column: value})), only).empty, column
    assert list(coding_alerts(None, only).columns) == list(CODING)


def test_only_the_planted_hospital_has_a_pair_alert(evaluated_sample: Evaluation) -> None:
    table = evaluated_sample.details["pair_alerts"]
    assert list(table.columns) == list(PAIRS)
    assert table[["hospital_id", "pair"]].values.tolist() == [["R08", "short_stay_readmission"]]
    row = table.iloc[0]
    assert row["rate_value"] > row["limit"]
    assert "过早出院" in row["zh"]
    assert "too early" in row["en"]


def test_a_pair_needs_both_sides(evaluated_sample: Evaluation) -> None:
    drawn = evaluated_sample.funnels
    points = drawn["readmission_unplanned_31"].points
    indices = pd.DataFrame({"time_index": 0.95, "charge_index": np.nan}, index=points.index)
    assert pair_alerts(indices, drawn).empty
    assert pair_alerts(indices.assign(charge_index=0.85), drawn)["pair"].to_list() == ["low_charge_readmission"]
    assert pair_alerts(indices.assign(time_index=0.5), {}).empty
    flags = points.assign(flag="above 95")
    transfers = {"transfer_share": replace(drawn["readmission_unplanned_31"], points=flags)}
    assert set(pair_alerts(indices.assign(time_index=0.5), transfers)["pair"]) == {"short_stay_transfer"}


def test_transfers_are_counted_among_known_dispositions() -> None:
    table = pa.table({"hospital_id": ["A", "A", "A", "B"], "离院方式": ["2", "1", "", "3"], "drg": ["FR21"] * 4})
    found = transfer_counts(table, pd.Index(["A", "B", "C"], name="hospital_id"))
    assert found is not None
    assert found["known"].to_list()[:2] == [2, 1]
    assert found["share"].to_list()[:2] == [50.0, 0.0]
    assert np.isnan(found.loc["C", "share"])
    assert transfer_counts(table.drop_columns(["离院方式"]), pd.Index(["A"])) is None


def test_transfers_of_the_sample_are_at_hand(evaluated_sample: Evaluation) -> None:
    table = evaluated_sample.details["transfers"]
    assert list(table.index) == list(evaluated_sample.hospitals.index)
    assert table["share"].between(0, 5).all()
    assert table["high_95"].notna().all()


def test_the_screen_speaks_one_language(evaluated_sample: Evaluation, capsys: pytest.CaptureFixture[str]) -> None:
    english, chinese = (alert_lines(evaluated_sample, language) for language in ("en", "zh"))
    assert len(english) == len(chinese) == 2
    assert english[0].startswith("Yunze Central Hospital (invented) Coding to be checked: CMI rose")
    assert chinese[0].startswith("云泽市中心医院（虚构） 编码待核实: CMI由")
    veto = next(line for line in to_look_at(evaluated_sample, "en") if "Veto" in line)
    assert "Mortality in low-risk groups" in veto
    assert "class at most C" in veto
    assert "等级不高于C" in next(line for line in to_look_at(evaluated_sample, "zh") if "一票否决" in line)
    groups = evaluated_sample.hospitals["peer_group"].map({"三级综合医院": "Level 3"}).fillna("Others")
    named = replace(evaluated_sample, hospitals=evaluated_sample.hospitals.assign(peer_group_en=groups))
    print_result(named, "out", "en")
    shown = capsys.readouterr().err
    assert "Level 3 (4 of 4 scored)" in shown
    assert "三级综合医院" not in shown
    assert "Coding to be checked" in shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("yearly") / "region", drgs=20).parent


def test_vetoes_and_reasons_in_both_languages(folder: Path, tmp_path: Path) -> None:
    more = "[scores]\nminimum_coverage = 0.999\n" + VETO
    english = ('region = "试区"', 'region = "试区"\nlanguage = "en"')
    league = evaluate(changed(folder, tmp_path, english, more=more)).league
    assert league["veto"].equals(league["veto_en"])
    assert league["veto_zh"].str.contains("费用消耗指数.*等级不高于C").all()
    assert league["veto_en"].str.contains("class at most C").all()
    reasons = league[league["excluded"] != ""]
    if len(reasons):
        assert reasons["excluded_zh"].str.contains("覆盖率").all()
        assert reasons["excluded_en"].str.contains("coverage").all()


def test_a_hospital_without_score_has_its_reason_twice(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    for year in (2024, 2025):
        path = plan / f"statistics_{year}.csv"
        table = pd.read_csv(path)
        table[table["hospital_id"] != "H002"].to_csv(path, index=False)
    row = evaluate(plan).league.loc["H002"]
    assert row["excluded"] == row["excluded_zh"]
    assert "覆盖率" in row["excluded_zh"]
    assert "coverage" in row["excluded_en"]
    assert np.isnan(row["change"])


def test_english_names_of_peer_groups(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    units = pd.read_csv(plan / "hospitals.csv", encoding="gb18030")
    units["比较组"] = ["大", "小"] * 6
    units["比较组英文"] = ["large", None] * 6
    units.to_csv(plan / "hospitals.csv", index=False)
    found = evaluate(plan)
    assert set(found.hospitals["peer_group_en"]) == {"large", "小"}
    units.loc[0, "比较组英文"] = "big"
    units.to_csv(plan / "hospitals.csv", index=False)
    with pytest.raises(EvaluationError, match="'big' and 'large'"):
        evaluate(plan)


def test_notes_are_in_both_languages(evaluated_sample: Evaluation) -> None:
    tree = next(pair for pair in evaluated_sample.notes if pair[0].startswith("评价体系"))
    assert "The document" not in tree[0]
    assert "The document" in tree[1]
    assert any("平滑自助法" in zh and "smoothed bootstrap" in en for zh, en in evaluated_sample.frontier_notes)
    for funnel in evaluated_sample.funnels.values():
        assert bool(funnel.note_zh) == bool(funnel.note_en)
        assert "Units" not in funnel.note_zh


def test_methods_rank_within_the_peer_group(evaluated_sample: Evaluation) -> None:
    ranks, league = evaluated_sample.method_ranks, evaluated_sample.league
    pd.testing.assert_series_equal(ranks["efficacy"], league["rank"], check_names=False)
    size = league.groupby("peer_group")["rank"].transform("size")
    assert (ranks.max(axis=1) <= size).all()
    assert np.allclose(np.diag(evaluated_sample.agreement), 1.0)


def test_a_score_that_is_not_separable_is_a_score_all_the_same(evaluated_sample: Evaluation) -> None:
    league, table = evaluated_sample.league, evaluated_sample.decisions
    director = table[table["kind"] == "director"].set_index("hospital_id")
    assert np.allclose(director["amount"], league["score"])
    unsure = ~league["separable"]
    assert unsure.any()
    assert director.loc[unsure, "note"].str.contains("not separable").all()
    assert director.loc[unsure, "note_zh"].str.contains("不可区分").all()


def test_reasons_follow_the_language_of_the_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Chinese plan that is run in English is evaluated in English, so that no reason in a table stays Chinese."""

    class AskedError(Exception):
        pass

    def stop(plan: Plan, **_: object) -> None:
        raise AskedError(plan.language)

    monkeypatch.setattr("drgengine.evaluation.yearly.runplan.evaluate", stop)
    for language, expected in (("en", "en"), (None, "zh")):
        with pytest.raises(AskedError, match=expected):
            run(load_plan(folder), tmp_path / "out", language=language)  # type: ignore[arg-type]
