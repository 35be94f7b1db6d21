"""Risk-adjusted mortality: identities, known truths in drawn cases, refusals, ways to hand the cases in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit
from scipy.stats import chi2

import drgengine
from drgengine.errors import EvaluationError
from drgengine.evaluation import adjusted_mortality
from drgengine.evaluation.adjusted import AdjustedMortality
from drgengine.evaluation.mix import unit_statistics
from drgengine.synth import sample

Floats = npt.NDArray[np.float64]
DRGS = {"FM11": -4.5, "FR21": -3.0, "FR25": -5.0, "GB13": -4.0, "ES23": -2.5, "RA15": -4.2}


@cache
def grouped() -> pa.Table:
    """Invented discharges with the column dictionary of a hospital, grouped."""
    return drgengine.group(sample(12_000, seed=3, hospitals=5)[0])


@cache
def found() -> AdjustedMortality:
    return adjusted_mortality(grouped())


@cache
def drawn(size: int = 30_000, seed: int = 5, bad: float = 0.6) -> tuple[pd.DataFrame, Floats]:
    """Cases with a known risk. H0 sees young patients and has odds of death e^bad too high; H3 sees the oldest."""
    rng = np.random.default_rng(seed)
    hospital = rng.integers(0, 4, size)
    age = np.clip(rng.normal(45 + 8 * hospital, 15), 1, 95).round()
    drg = rng.choice(list(DRGS), size)
    emergency = rng.random(size) < 0.3
    severity = rng.choice(["none", "CC", "MCC"], size, p=[0.7, 0.2, 0.1])
    fair = expit(
        np.array([DRGS[code] for code in drg])
        + 0.04 * (age - 60)
        + 0.7 * emergency
        + np.select([severity == "CC", severity == "MCC"], [0.4, 1.2], 0.0)
    )
    risk = expit(np.log(fair / (1 - fair)) + bad * (hospital == 0))
    died = rng.random(size) < risk
    table = pd.DataFrame(
        {
            "hospital_id": [f"H{k}" for k in hospital],
            "drg": drg,
            "age_years": age.astype(int),
            "sex": rng.integers(1, 3, size),
            "admission_route": np.where(emergency, "1", "2"),
            "severity": severity,
            "discharge_disposition": np.where(died, 5, 1),
        }
    )
    return table, fair


def test_expected_deaths_add_up_to_deaths_and_counts_reconcile() -> None:
    table = found().table
    assert table["expected"].sum() == pytest.approx(table["deaths"].sum(), rel=1e-9)
    assert (table["discharges"] == table["cases"] + table["excluded"]).all()
    assert (found().excluded.sum(axis=1) == table["excluded"]).all()
    assert found().excluded[["ambiguous", "invalid"]].to_numpy().sum() > 0
    deciles = found().calibration
    assert deciles["deaths"].sum() == table["deaths"].sum()
    assert deciles["expected"].sum() == pytest.approx(table["expected"].sum(), rel=1e-12)
    assert deciles["risk_high"].iloc[:-1].to_numpy() == pytest.approx(deciles["risk_low"].iloc[1:].to_numpy(), rel=0.2)


def test_interval_is_the_exact_one_of_the_poisson_count() -> None:
    row = found().table.iloc[0]
    deaths, expected = row["deaths"], row["expected"]
    assert row["smr"] == pytest.approx(deaths / expected)
    assert row["low"] == pytest.approx(chi2.ppf(0.025, 2 * deaths) / 2 / expected, rel=1e-9)
    assert row["high"] == pytest.approx(chi2.ppf(0.975, 2 * deaths + 2) / 2 / expected, rel=1e-9)
    overall = found().table["deaths"].sum() / found().table["cases"].sum()
    assert row["adjusted_rate"] == pytest.approx(row["smr"] * overall)


def test_realistic_cases_are_told_apart_and_honest_figures_are_below_the_fitted_ones() -> None:
    model = found()
    assert model.fitted
    assert 0.7 < model.c_statistic_honest <= model.c_statistic + 1e-9
    assert model.brier <= model.brier_honest
    assert abs(model.intercept) < 0.2
    assert 0.7 < model.slope < 1.1
    assert model.hosmer_lemeshow.df == len(model.calibration) - 2


def test_a_hospital_that_is_worse_is_found_where_crude_rates_hide_it() -> None:
    cases, fair = drawn()
    model = adjusted_mortality(cases)
    table = model.table
    assert table["crude_rate"].idxmax() == "H3", "the oldest patients die most"
    assert table["smr"].idxmax() == "H0", "but H0 is the one with too many deaths"
    assert table.loc["H0", "low"] > 1.1
    # Expected deaths of each hospital against those of the risks the cases were drawn with, at the same total.
    known = pd.Series(fair).groupby(cases["hospital_id"]).sum()
    known *= table["deaths"].sum() / known.sum()
    assert table["expected"].to_numpy() == pytest.approx(known.to_numpy(), rel=0.06)
    truth = model.coefficients["coefficient"]
    assert truth["age"] == pytest.approx(0.4, abs=0.15)
    assert truth["emergency"] == pytest.approx(0.7, abs=0.2)
    assert truth["mcc"] == pytest.approx(1.2, abs=0.25)
    assert truth["group_risk"] == pytest.approx(1.0, abs=0.2)
    sex = model.coefficients.loc["female"]
    assert sex["low"] < 1 < sex["high"], "sex has no part in it"


def test_comparisons_within_units_keep_quality_out_of_the_effect_of_age() -> None:
    cases, fair = drawn()
    known = pd.Series(fair).groupby(cases["hospital_id"]).sum()
    error = []
    for within in (True, False):
        table = adjusted_mortality(cases, within_units=within).table
        error.append((table["expected"] / known * known.sum() / table["deaths"].sum() - 1).abs().max())
    assert error[0] < 0.05 < error[1], "the bad hospital has the youngest patients"


def test_without_differences_between_hospitals_ratios_lie_around_one() -> None:
    table = adjusted_mortality(drawn(seed=8, bad=0.0)[0]).table
    assert ((table["low"] < 1) & (table["high"] > 1)).all()
    assert table["smr"].to_numpy() == pytest.approx(np.ones(4), abs=0.15)


def test_folds_of_whole_units_keep_own_deaths_out_of_the_risk_of_a_group() -> None:
    cases, _ = drawn()
    cases = cases.copy()
    # H0 alone treats a DRG in which everybody of its own dies twice as often as in the rest of the ADRG.
    own = (cases["hospital_id"] == "H0") & (cases["drg"] == "FR21")
    cases.loc[own, "drg"] = "FR23"
    by_case, by_unit = adjusted_mortality(cases), adjusted_mortality(cases, folds_by="unit")
    assert by_unit.table.loc["H0", "smr"] > by_case.table.loc["H0", "smr"]
    assert by_unit.table["expected"].sum() == pytest.approx(by_unit.table["deaths"].sum(), rel=1e-9)


def test_base_period_gives_the_risk_of_a_group() -> None:
    cases, _ = drawn()
    earlier, _ = drawn(seed=6)
    model = adjusted_mortality(cases, base=unit_statistics(earlier))
    assert model.settings["group_risk"] == "base"
    assert "base period" in " ".join(en for _, en in model.notes)
    pd.testing.assert_frame_equal(adjusted_mortality(cases, base=earlier).table, model.table)
    known = adjusted_mortality(cases).table["expected"]
    assert model.table["expected"].to_numpy() == pytest.approx(known.to_numpy(), rel=0.05)
    alive = earlier.assign(discharge_disposition=1)
    with pytest.raises(EvaluationError, match="nobody died"):
        adjusted_mortality(cases, base=unit_statistics(alive))


def test_same_numbers_from_every_kind_of_table_and_file(tmp_path: Path) -> None:
    table = grouped()
    plain = found().table
    path = tmp_path / "cases.parquet"
    pq.write_table(table, path, row_group_size=1_000)
    for cases in (path, str(path), pl.from_arrow(table), table.to_batches(max_chunksize=777)):
        handed = pa.Table.from_batches(cases) if isinstance(cases, list) else cases
        pd.testing.assert_frame_equal(adjusted_mortality(handed).table, plain, check_exact=False, rtol=1e-9)
    frame = table.to_pandas()
    pd.testing.assert_frame_equal(adjusted_mortality(frame).table, plain, rtol=1e-9)
    chinese = frame.rename(columns={"hospital_id": "医疗机构代码", "discharge_disposition": "离院方式", "sex": "性别"})
    renamed = adjusted_mortality(chinese, by="医疗机构代码").table
    np.testing.assert_allclose(renamed["expected"], plain["expected"], rtol=1e-9)


def test_units_of_several_columns_and_all_in_one() -> None:
    table = grouped()
    fine = adjusted_mortality(table, ["hospital_id", "department_id"]).table
    assert fine.index.names == ["hospital_id", "department_id"]
    np.testing.assert_allclose(fine.groupby("hospital_id")["expected"].sum(), found().table["expected"], rtol=1e-9)
    one = adjusted_mortality(table, []).table
    assert one["smr"].tolist() == pytest.approx([1.0], rel=1e-9)
    mdc = adjusted_mortality(table, "mdc").table
    assert mdc["deaths"].sum() == found().table["deaths"].sum()


def test_large_files_are_fitted_on_a_drawn_part_and_still_add_up() -> None:
    cases, _ = drawn()
    part = adjusted_mortality(cases, limit=8_000, seed=4)
    whole = adjusted_mortality(cases)
    assert part.settings["sampled"]
    assert any("drawn at random" in en for _, en in part.notes)
    assert part.table["expected"].sum() == pytest.approx(part.table["deaths"].sum(), rel=1e-9)
    assert part.table["expected"].to_numpy() == pytest.approx(whole.table["expected"].to_numpy(), rel=0.05)
    pd.testing.assert_frame_equal(adjusted_mortality(cases, limit=8_000, seed=4).table, part.table)
    assert adjusted_mortality(cases, limit=8_000, seed=5).table["expected"].tolist() != part.table["expected"].tolist()


@pytest.mark.parametrize(
    ("column", "word", "feature"),
    [
        ("age_years", "age", "age"),
        ("sex", "sex", "female"),
        ("admission_route", "admission route", "emergency"),
        ("severity", "severity", "mcc"),
    ],
)
def test_a_column_that_is_missing_leaves_the_model_and_is_named(column: str, word: str, feature: str) -> None:
    cases, _ = drawn()
    model = adjusted_mortality(cases.drop(columns=column))
    assert model.fitted
    assert feature not in model.coefficients.index
    assert (f"The cases have no {word}; the model goes without it.") in [en for _, en in model.notes]
    assert model.table["expected"].sum() == pytest.approx(model.table["deaths"].sum(), rel=1e-9)


def test_few_deaths_allow_few_columns_and_too_few_none() -> None:
    cases, _ = drawn()
    dead = cases[cases["discharge_disposition"] == 5].head(45)
    some = pd.concat([dead, cases[cases["discharge_disposition"] == 1].head(3_000)])
    model = adjusted_mortality(some)
    assert model.fitted
    assert model.settings["features"] == ["group_risk", "age", "emergency", "female"], "45 deaths, 4 columns"
    assert any("Too few deaths (10 per column) for: CC, MCC" in en for _, en in model.notes)
    few = pd.concat([dead.head(19), cases[cases["discharge_disposition"] == 1].head(500)])
    refused = adjusted_mortality(few)
    assert not refused.fitted
    assert refused.table["deaths"].sum() == 19
    assert refused.table[["expected", "smr", "low", "high", "adjusted_rate"]].isna().to_numpy().all()
    assert refused.table["reason_zh"].str.contains("死亡 19 例").all()
    assert (len(refused.calibration), len(refused.coefficients)) == (0, 0)
    assert np.isnan(refused.c_statistic)
    assert refused.notes[0][1].startswith("No risk adjustment: 19 deaths")


def test_cases_that_cannot_be_judged_are_counted_by_reason() -> None:
    cases, _ = drawn()
    cases = cases.copy()
    cases["age_years"] = cases["age_years"].astype(float)
    cases.loc[:9, "age_years"] = np.nan
    cases["discharge_disposition"] = cases["discharge_disposition"].astype(float)
    cases.loc[20:24, "discharge_disposition"] = np.nan
    cases.loc[30:36, "drg"] = "0000"
    cases.loc[40:42, "hospital_id"] = "H9"
    cases.loc[40:42, "drg"] = None
    model = adjusted_mortality(cases)
    counts = model.excluded.sum()
    assert (counts["age_missing"], counts["disposition_missing"]) == (10, 5)
    assert (counts["ungroupable"], counts["invalid"]) == (7, 3)
    row = model.table.loc["H9"]
    assert (row["cases"], row["excluded"], row["reason_en"]) == (0, 3, "no case in the model")
    assert np.isnan(row["expected"])
    assert any(en.startswith("25 cases are not in the model") for _, en in model.notes)


def test_newborns_have_an_age_in_days() -> None:
    cases, _ = drawn()
    cases = cases.copy()
    cases["age_days"] = pd.array([None] * len(cases), dtype="Int32")
    cases.loc[:199, "age_years"] = 0
    cases.loc[:199, "age_days"] = 3
    model = adjusted_mortality(cases)
    assert "infant" in model.coefficients.index
    assert model.coefficients.loc["infant", "mean"] == pytest.approx(200 / len(cases))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"folds": 1}, "folds: 1 is below 2"),
        ({"folds_by": "hospital"}, "folds_by: 'hospital' makes no folds"),
        ({"comorbidities": "elixhauser"}, "comorbidities: 'elixhauser' is unknown"),
        ({"penalty": 0.0}, "penalty: 0.0 is not above 0"),
        ({"confidence": 95}, "confidence: 95 is no share"),
        ({"by": "ward"}, "there is no column 'ward'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        adjusted_mortality(drawn()[0], **options)


def test_without_dispositions_nobody_is_known_to_have_died() -> None:
    with pytest.raises(EvaluationError, match="there is no column 'discharge_disposition'"):
        adjusted_mortality(drawn()[0].drop(columns="discharge_disposition"))
