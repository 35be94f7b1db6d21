"""The yearly evaluation where something is missing, differs or is asked for in another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_region import changed, hospital_ids, rewrite, write_region

from drgengine.errors import EvaluationError
from drgengine.evaluation import evaluate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("yearly") / "region", drgs=20).parent


def test_one_period_without_previous(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, ('previous = "2024"\n', ""))
    found = evaluate(plan)
    assert found.previous is None
    assert found.previous_scores is None
    assert found.drift is None
    assert found.productivity is None
    assert found.base_id == "2025"
    assert found.league[["previous_score", "change", "p_improved"]].isna().all(axis=None)
    assert found.league["score"].notna().all()
    assert any("同" in zh or "自身死亡率" in zh for zh, _ in found.notes)


def test_a_single_hospital_needs_given_anchors(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, ('previous = "2024"\n', ""))
    for name in ("statistics_2025.csv", "inputs_2025.csv"):
        rewrite(plan / name, lambda table: table[table.iloc[:, 0] == "H001"])
    pd.read_csv(plan / "hospitals.csv", encoding="gb18030").iloc[:1].to_csv(plan / "hospitals.csv", index=False)
    found = evaluate(plan)
    assert found.league["score"].isna().all()
    assert "没有可计分的指标" in found.league.loc["H001", "excluded"]
    anchors = "指标,不允许值,满意值\n药占比（不含中药饮片）,40,20\ncmi,0.5,1.5\n"
    (plan / "anchors.csv").write_text(anchors, encoding="utf-8")
    text = (plan / "plan.toml").read_text(encoding="utf-8")
    (plan / "plan.toml").write_text(
        text + '[scores]\nanchors = "anchors.csv"\nminimum_coverage = 0.05\n', encoding="utf-8"
    )
    league = evaluate(plan).league
    assert league.loc["H001", "score"] > 0
    assert league.loc["H001", "rank"] == 1
    assert league.loc["H001", "class"] == ""


def test_a_hospital_without_discharges_stays_in_all_tables(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    for year in (2024, 2025):
        rewrite(plan / f"statistics_{year}.csv", lambda table: table[table["hospital_id"] != "H002"])
    found = evaluate(plan)
    assert list(found.league.index) == hospital_ids(12)
    assert found.league.loc["H002", "cases"] == 0
    assert found.current.quality.loc["H002", "discharges"] == 0
    assert np.isnan(found.league.loc["H002", "cmi"])
    reason = found.league.loc["H002", "excluded"]
    assert "覆盖率" in reason
    assert found.league.drop("H002")["score"].notna().all()
    assert found.frontier is not None
    assert found.frontier.loc["H002", "status"] == "excluded"


def test_a_hospital_that_nobody_listed_is_an_error_that_names_it(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    rewrite(plan / "statistics_2025.csv", lambda table: table.replace({"hospital_id": {"H003": "X9"}}))
    with pytest.raises(EvaluationError, match=r"statistics_2025.csv: 1 hospitals with discharges .* X9"):
        evaluate(plan)


def test_inputs_that_differ_from_the_cases_are_told(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    rewrite(plan / "inputs_2025.csv", lambda table: table.assign(discharges=9999.0, cmi=2.0))
    found = evaluate(plan)
    table = found.details["mismatches"]["2025"]
    used = table.groupby("input")["used"].unique().map(list).to_dict()
    assert used == {"cmi": ["cases"], "discharges": ["given"]}
    assert (found.current.indicators.inputs["discharges"] == 9999).all()
    assert (found.current.indicators.inputs["cmi"] != 2).all()
    assert any("24处" in zh for zh, _ in found.notes)


def test_statistics_without_squares_give_no_classes(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path)
    for year in (2024, 2025):
        drop = ["charge_sumsq", "los_sumsq", "deaths"]
        rewrite(plan / f"statistics_{year}.csv", lambda table, drop=drop: table.drop(columns=drop))
    found = evaluate(plan)
    assert found.league["score"].notna().all()
    assert not found.league["separable"].any()
    assert found.league["rank_low"].isna().all()
    assert "low_risk_mortality" in found.details["left_out"]
    assert any("没有平方和" in zh for zh, _ in found.notes)


def test_other_headers_and_encodings_mean_the_same(folder: Path, tmp_path: Path) -> None:
    found = evaluate(folder)
    plan = changed(folder, tmp_path, ('"inputs_2025.csv"', '"inputs_2025.xlsx"'))
    titles = {"beds": "编制床位数", "doctors": "执业（助理）医师数"}
    inputs = found.current.indicators.catalogue.inputs
    titles = {name: inputs[name].zh for name in titles}
    table = pd.read_csv(plan / "inputs_2025.csv").rename(columns=titles)
    table.to_excel(plan / "inputs_2025.xlsx", index=False)
    again = evaluate(plan)
    assert np.allclose(again.league["score"], found.league["score"])


def test_three_periods_look_back_at_their_own_previous_one(folder: Path, tmp_path: Path) -> None:
    """With a base before the previous period, the previous one has growths and both stand on the base's anchors."""
    more = (
        '[period.2023]\nstart = 2023-01-01\nend = 2023-12-31\nstatistics = "statistics_2024.csv"\n'
        'inputs = "inputs_2023.csv"\n'
    )
    plan = changed(folder, tmp_path, ('previous = "2024"\n', 'previous = "2024"\nbase = "2023"\n'), more=more)
    rewrite(plan / "inputs_2024.csv", lambda table: table)
    table = pd.read_csv(plan / "inputs_2024.csv")
    table["inpatient_revenue"] = table["inpatient_revenue"] * np.linspace(0.8, 1.0, len(table))
    table.to_csv(plan / "inputs_2023.csv", index=False)
    found = evaluate(plan)
    assert found.base_id == "2023"
    assert found.previous is not None
    growth = found.previous.indicators.values["inpatient_fee_growth"]
    assert growth.to_numpy()[0] == pytest.approx(25.0)
    assert growth.to_numpy()[-1] == pytest.approx(0.0)
    anchors = found.scores.anchors.set_index("indicator")
    assert anchors.loc["drug_share", "source"].str.contains("2023").all()
    assert anchors.loc["inpatient_fee_growth", "source"].str.contains("2025").all()


def test_a_peer_column_that_lacks_is_told(folder: Path, tmp_path: Path) -> None:
    plan = changed(folder, tmp_path, ('region = "试区"', 'peer_columns = ["ownership"]'))
    with pytest.raises(EvaluationError, match="no column 'ownership'"):
        evaluate(plan)


def test_evidence_and_region_by_names_in_chinese(folder: Path, tmp_path: Path) -> None:
    change = ('inputs = "inputs_2025.csv"', 'inputs = "inputs_2025.csv"\nregion = "r.csv"\nevidence = "e.csv"')
    plan = changed(folder, tmp_path, change)
    (plan / "r.csv").write_text("数据项,数值\n常住人口,500000\n", encoding="utf-8")
    head = "机构,指标,数值,来源,日期\n"
    (plan / "e.csv").write_text(head + "第3医院,outpatient_satisfaction,91,调查,2025-12-01\n", encoding="utf-8")
    found = evaluate(plan)
    assert found.current.indicators.values.loc["H003", "outpatient_satisfaction"] == 91
    assert found.current.region is not None
    assert found.current.region.inputs.loc["试区", "population"] == 500000
    assert "试区" in set(found.targets["unit"])
    (plan / "e.csv").write_text(head + "第33医院,outpatient_satisfaction,91,调查,2025-12-01\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="neither a hospital nor the region"):
        evaluate(plan)
