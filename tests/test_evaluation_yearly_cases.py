"""The yearly evaluation from discharges: grouping, readmission, costs, files of several kinds, the result folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import click.testing
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drgengine import group_file
from drgengine.commands.evaluate import command
from drgengine.costing.results.outfolder import check_folder
from drgengine.errors import EvaluationError
from drgengine.evaluation import evaluate
from drgengine.evaluation.plan import load_plan
from drgengine.evaluation.yearly.drawnscores import draw_scores
from drgengine.evaluation.yearly.evaluateplan import _Run
from drgengine.evaluation.yearly.readmissiondraws import readmission_draws
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.synth import region_sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("cases") / "region"
    region_sample(target, hospitals=10, cases_per_year=1500, seed=3)
    text = (target / "plan.toml").read_text(encoding="utf-8")
    text = text.replace("draws = 1000", "draws = 200\nweight_draws = 100").replace("= 1000", "= 100")
    (target / "plan.toml").write_text(text, encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def found(folder: Path) -> Evaluation:
    return evaluate(folder)


def copied(folder: Path, tmp_path: Path, old: str, new: str) -> Path:
    target = tmp_path / "copy"
    shutil.copytree(folder, target)
    text = (target / "plan.toml").read_text(encoding="utf-8")
    assert old in text
    (target / "plan.toml").write_text(text.replace(old, new), encoding="utf-8")
    return target


def test_cases_are_grouped_and_give_what_statistics_cannot(found: Evaluation) -> None:
    assert found.current.readmissions is not None
    assert found.current.statistics.by == ("hospital_id", "department_id", "physician_id")
    assert "readmission_unplanned_31" in found.details["drawn_indicators"]
    values = found.current.indicators.values
    table = found.current.readmissions.table
    rate = table.xs(("unplanned", 31), level=("kind", "window"))["rate"] * 100
    assert np.allclose(values["readmission_unplanned_31"], rate.reindex(values.index))
    assert found.current.region is not None
    assert any("分组方案" in zh for zh, _ in found.notes)
    quality = found.current.quality
    parts = quality[["grouped", "invalid", "ungroupable", "ambiguous"]].sum(axis=1)
    assert (parts == quality["discharges"]).all()
    assert quality["dx_per_case"].between(1, 30).all()


def test_grouped_before_in_several_files_of_two_kinds_means_the_same(
    found: Evaluation, folder: Path, tmp_path: Path
) -> None:
    plan = copied(folder, tmp_path, '["cases_2025.parquet"]', '["part_*"]')
    group_file(plan / "cases_2025.parquet", plan / "grouped.parquet")
    table = pq.read_table(plan / "grouped.parquet")
    half = table.num_rows // 2
    pq.write_table(table.slice(0, half), plan / "part_1.parquet")
    group_file(plan / "cases_2025.parquet", plan / "all.csv")
    lines = (plan / "all.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    (plan / "part_2.csv").write_text(lines[0] + "".join(lines[1 + half :]), encoding="gb18030")
    (plan / "grouped.parquet").unlink()
    again = evaluate(plan)
    # A text has no missing list: cases whose procedures are not known become cases without one.
    known = ["procedure_known"]
    theirs, ours = found.current.statistics.table, again.current.statistics.table
    assert (ours[known].sum() - theirs[known].sum()).between(0, 10).all()
    pd.testing.assert_frame_equal(ours.drop(columns=known), theirs.drop(columns=known))
    pd.testing.assert_frame_equal(again.league, found.league)


def test_costs_are_joined_by_hospital_and_case(found: Evaluation, folder: Path, tmp_path: Path) -> None:
    plan = copied(folder, tmp_path, '["cases_2025.parquet"]', '["cases_2025.parquet"]\ncosts = ["costs.csv"]')
    cases = pq.read_table(plan / "cases_2025.parquet", columns=["case_id", "hospital_id", "total_charge"]).to_pandas()
    cases["成本"] = cases["total_charge"] * 0.5
    kept = cases[cases.index % 10 != 0].dropna(subset=["成本"])
    kept[["case_id", "hospital_id", "成本"]].to_csv(plan / "costs.csv", index=False)
    again = evaluate(plan)
    mix = again.current.mix.table
    assert np.allclose(mix["mean_cost"] / mix["mean_charge"], 0.5, rtol=0.2)
    assert np.allclose(again.league["score"], found.league["score"])
    share = len(kept) / len(cases)
    assert any(f"{share:.1%}" in zh and "匹配到病例成本" in zh for zh, _ in again.notes)
    doubled = pd.concat([kept, kept.iloc[:1]])
    doubled[["case_id", "hospital_id", "成本"]].to_csv(plan / "costs.csv", index=False)
    with pytest.raises(EvaluationError, match="stands there twice"):
        evaluate(plan)


def test_cases_of_unknown_hospitals_and_without_hospital_are_refused(folder: Path, tmp_path: Path) -> None:
    plan = copied(folder, tmp_path, "base = ", "# base\nbase = ")
    table = pq.read_table(plan / "cases_2025.parquet")
    at = table.schema.get_field_index("hospital_id")
    ids = table["hospital_id"].to_pylist()
    ids[0] = "R77"
    pq.write_table(table.set_column(at, "hospital_id", pa.array(ids)), plan / "cases_2025.parquet")
    with pytest.raises(EvaluationError, match="R77"):
        evaluate(plan)
    ids[0] = None
    pq.write_table(table.set_column(at, "hospital_id", pa.array(ids)), plan / "cases_2025.parquet")
    with pytest.raises(EvaluationError, match="1 discharges have no hospital_id"):
        evaluate(plan)
    pq.write_table(table.drop_columns(["hospital_id"]), plan / "cases_2025.parquet")
    with pytest.raises(EvaluationError, match="no column says the hospital"):
        evaluate(plan)


def test_draws_with_nothing_drawn_are_the_scores(folder: Path, tmp_path: Path) -> None:
    """The scores of draws come out of other code than the scores; without noise they have to agree."""
    made = _Run(load_plan(folder), tmp_path, None)
    made.read()
    made.periods()
    made.score()
    inputs = made.current.indicators.inputs
    quiet = {name: np.tile(inputs[name].to_numpy(float), (3, 1)) for name in ("cmi", "total_weight", "charge_index")}
    drawn = draw_scores(made.card, made.current.indicators, quiet, None, made.tree, made.plan.scores, 3)
    assert {"cmi", "charge_index", "weight_per_bed"} <= set(drawn.drawn)
    assert np.allclose(drawn.scores, made.card.total, atol=1e-9, equal_nan=True)
    for name, values in drawn.dimensions.items():
        assert np.allclose(values, made.card.scores.dimensions[name].to_numpy(), atol=1e-9, equal_nan=True)
    quiet["charge_index"] = quiet["charge_index"] * 2.0
    worse = draw_scores(made.card, made.current.indicators, quiet, None, made.tree, made.plan.scores, 3)
    assert np.allclose(worse.scores, made.card.total), "centred"
    assert (worse.shift < drawn.shift - 0.1).all()
    assert np.allclose(drawn.shift, 0.0, atol=1e-9)
    # Half of the draws with twice the index: below the score by as much as the others lie above it.
    quiet["charge_index"][:2] = inputs["charge_index"].to_numpy(float) * np.array([[1.0], [2.0]])
    both = {name: values[:2] for name, values in quiet.items()}
    mixed = draw_scores(made.card, made.current.indicators, both, None, made.tree, made.plan.scores, 2)
    assert np.allclose(mixed.scores.mean(axis=0), made.card.total)
    assert np.allclose(mixed.scores[0] - mixed.scores[1], -worse.shift)
    assert np.allclose(worse.dimensions["technical"], drawn.dimensions["technical"])


def test_readmission_draws_lie_around_the_rate(found: Evaluation) -> None:
    units = found.hospitals.index
    draws = readmission_draws(found.current.readmissions, units, 4000, (1, 0))
    again = readmission_draws(found.current.readmissions, units, 4000, (1, 0))
    other = readmission_draws(found.current.readmissions, units, 4000, (1, 1))
    name = "readmissions_all_cause_31"
    assert found.current.readmissions is not None
    table = found.current.readmissions.table.xs(("all_cause", 31), level=("kind", "window")).reindex(units)
    n, d = table["index_stays"], table["readmissions"]
    assert np.allclose(draws[name].mean(axis=0), n * (d + 0.5) / (n + 1), rtol=0.1)
    assert np.array_equal(draws[name], again[name])
    assert not np.array_equal(draws[name], other[name])


def test_the_command_runs_and_checks(folder: Path, tmp_path: Path) -> None:
    runner = click.testing.CliRunner()
    out = tmp_path / "out"
    answer = runner.invoke(command, [str(folder), "-o", str(out)], standalone_mode=False)
    assert answer.exception is None, answer.output
    assert answer.return_value in (0, 1)
    assert check_folder(out) == out.resolve(), "a further run may replace it"
    assert (out / "report.html").is_file()
    assert (out / "report.xlsx").is_file()
    assert (out / "tables" / "league.parquet").is_file()
    assert (out / "manifest.json").is_file()
    assert "report.html" in answer.output
    checked = runner.invoke(command, ["check", str(folder)], standalone_mode=False)
    assert checked.return_value == 0
    made = runner.invoke(command, ["new", str(tmp_path / "new")], standalone_mode=False)
    assert made.return_value == 0
    assert "plan.toml" in made.output
    text = (tmp_path / "new" / "plan.toml").read_text(encoding="utf-8")
    (tmp_path / "new" / "plan.toml").write_text(text.replace('units = "hosp', 'units = "xosp'), encoding="utf-8")
    checked = runner.invoke(command, ["check", str(tmp_path / "new"), "--language", "en"], standalone_mode=False)
    assert checked.return_value == 2
    assert "hospitals.csv" in checked.output
    assert "1 problems" in checked.output
