"""The invented region: the committed files are what the script makes, and the planted story is in the figures."""

import csv
import importlib.util
import re
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from drgengine.cases import CASE_SCHEMA
from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.evaluation.indicators import (
    casemix_inputs,
    check_consistency,
    compute_indicators,
    join_inputs,
    load_catalogue,
    load_targets,
    load_tree,
)
from drgengine.evaluation.mix import casemix, cmi_drift, readmissions, unit_statistics
from drgengine.grouper.group import group
from drgengine.synth import region_sample
from drgengine.synth.settings import data

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "sample_cases" / "region"
YEARS = (2024, 2025)
CALM = ["R01", "R04", "R06", "R09", "R10", "R11", "R12"]
GENERAL = [f"R{n:02d}" for n in (*range(1, 9), 11)]


def rows(name):
    with (COMMITTED / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_zh():
    inputs = load_catalogue().inputs
    return {one.zh: name for name, one in inputs.items()}


@pytest.fixture(scope="module")
def cases():
    return [pq.read_table(COMMITTED / f"cases_{year}.parquet") for year in YEARS]


@pytest.fixture(scope="module")
def grouped(cases):
    return [group(table) for table in cases]


@pytest.fixture(scope="module")
def statistics(grouped):
    return [unit_statistics(table, by="hospital_id") for table in grouped]


@pytest.fixture(scope="module")
def mixes(statistics):
    weights = casemix(statistics[1]).weights
    return [casemix(one, weights=weights, base=statistics[0], low_risk_scores=[0, 1]) for one in statistics]


@pytest.fixture(scope="module")
def drift(statistics, mixes):
    return cmi_drift(*statistics, mixes[1].weights)


@pytest.fixture(scope="module")
def returns(grouped):
    return [readmissions(table) for table in grouped]


@pytest.fixture(scope="module")
def given():
    names = by_zh()
    tables = []
    for year in YEARS:
        listed = rows(f"inputs_{year}.csv")
        index = pd.Index([row["机构代码"] for row in listed], name="hospital_id")
        columns = {
            names[title]: [float(row[title]) if row[title] else np.nan for row in listed]
            for title in listed[0]
            if title != "机构代码"
        }
        tables.append(pd.DataFrame(columns, index=index))
    return tables


@pytest.fixture(scope="module")
def indicators(given, mixes, returns, drift):
    drifts = (None, drift)
    joined = []
    for table, mix, again, change in zip(given, mixes, returns, drifts, strict=True):
        out_of_cases = casemix_inputs(mix, again, change)
        joined.append(join_inputs({"case mix": out_of_cases, "given": table}))
    return compute_indicators(joined[1], previous=joined[0])


def region_values(year):
    return pd.DataFrame([{row["name"]: float(row["value"]) for row in rows(f"region_{year}.csv")}], index=["R"])


# ------------------------------------------------------------------ files


def test_the_committed_sample_is_what_the_script_makes(tmp_path):
    spec = importlib.util.spec_from_file_location("make_region", ROOT / "sample_cases" / "make_region.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    summary = script.make(tmp_path / "region")
    committed = {path.name for path in COMMITTED.iterdir()} - {"README.md"}
    assert set(summary.files) == committed
    for name in committed:
        assert (tmp_path / "region" / name).read_bytes() == (COMMITTED / name).read_bytes(), name
    assert sum(summary.files.values()) < 4_000_000
    assert summary.both_years > 500
    assert summary.across_new_year >= 5
    assert summary.missing == 9
    assert "R03" in summary.text()
    assert "more secondary diagnoses" in summary.text()


def test_the_story_is_told_beside_the_files():
    text = (COMMITTED / "README.md").read_text(encoding="utf-8")
    stories = {entry["id"]: entry.get("story") for entry in data("region")["hospital"]}
    for hospital, story in stories.items():
        if story:
            assert hospital in text
            assert data("region")["story"][story]["zh"] in text
            assert data("region")["story"][story]["en"] in text
    for gap in data("region")["missing"]:
        for name in gap["inputs"]:
            assert name in text, name


def test_years_and_columns(cases):
    for table, year in zip(cases, YEARS, strict=True):
        assert table.schema.equals(CASE_SCHEMA)
        gone = table["discharge_date"].to_pylist()
        assert min(gone) == date(year, 1, 1)
        assert max(gone) == date(year, 12, 31)
        assert any(day < date(year, 1, 1) for day in table["admission_date"].to_pylist())
        assert table.num_rows in (14_400, 14_760)
        counts = pd.Series(table["hospital_id"].to_pylist()).value_counts()
        assert counts.min() > 500
        assert counts.max() < 2_000
        assert len(counts) == 12


def test_cases_are_whole(cases):
    for table in cases:
        parts = [name for name in CASE_SCHEMA.names if name.startswith("charge_")]
        cents = sum(np.rint(table[name].to_numpy() * 100) for name in parts)
        assert (cents == np.rint(table["total_charge"].to_numpy() * 100)).all()
        frame = table.select(["case_id", "admission_date", "discharge_date", "los_days", "icu_hours"]).to_pandas()
        span = (pd.to_datetime(frame["discharge_date"]) - pd.to_datetime(frame["admission_date"])).dt.days
        assert ((span == frame["los_days"]) | ((span == 0) & (frame["los_days"] == 1))).all()
        assert (frame["icu_hours"] <= 24 * frame["los_days"]).all()
        assert frame["case_id"].is_unique


def test_hospitals_physicians_and_patients_go_on(cases):
    for name in ("hospital_id", "department_id", "physician_id"):
        old, new = (set(table[name].to_pylist()) for table in cases)
        assert len(old & new) >= 0.9 * max(len(old), len(new))
    both = pd.concat([table.select(["patient_id", "sex", "age_years"]).to_pandas() for table in cases])
    assert (both.groupby("patient_id")[["sex", "age_years"]].nunique() <= 1).all(axis=None)


def test_a_patient_is_in_one_bed_at_a_time(cases):
    frame = pd.concat([t.select(["patient_id", "admission_date", "discharge_date"]).to_pandas() for t in cases])
    frame = frame.sort_values(["patient_id", "admission_date"])
    again = frame["patient_id"] == frame["patient_id"].shift()
    assert again.sum() > 2_000
    assert (frame["admission_date"] > frame["discharge_date"].shift())[again].all()


def test_no_personal_data(cases):
    for table in cases:
        assert all(re.fullmatch("[0-9a-f]{16}", one) for one in table["patient_id"].to_pylist())
        assert all(re.fullmatch(r"R\d\d-[\d.]+-\d\d", one) for one in set(table["physician_id"].to_pylist()))
    for path in COMMITTED.glob("*.csv"):
        assert not re.search(
            r"(?<![\d.])\d{17}[\dXx]|(?<![\d.])1[3-9]\d{9}(?!\d)", path.read_text(encoding="utf-8-sig")
        )
    for row in rows("hospitals.csv"):
        assert "虚构" in row["机构名称"]
        assert "invented" in row["英文名称"]


def test_two_peer_groups_of_four():
    groups = pd.Series([row["比较组"] for row in rows("hospitals.csv")]).value_counts()
    assert (groups >= 4).sum() >= 2


# ------------------------------------------------------------------ inputs


def test_tables_have_a_mark_and_known_names():
    names = by_zh()
    for path in COMMITTED.glob("*.csv"):
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    for year in YEARS:
        titles = list(rows(f"inputs_{year}.csv")[0])
        assert len(set(titles)) == len(titles)
        assert all(title in names for title in titles[1:])
        assert {row["name"] for row in rows(f"region_{year}.csv")} <= set(load_catalogue().inputs)
    assert {row["指标"] for row in rows("evidence_2025.csv")} <= set(load_catalogue().indicators)


def test_inputs_agree_with_the_cases(given, cases):
    for table, discharges in zip(given, cases, strict=True):
        frame = discharges.select(["hospital_id", "total_charge", "los_days"]).to_pandas()
        sums = frame.groupby("hospital_id").sum()
        assert table["total_charges"].to_numpy() == pytest.approx(sums["total_charge"].to_numpy(), abs=0.01)
        assert (table["discharged_bed_days"] == sums["los_days"]).all()
        assert table["inpatient_revenue"].to_numpy() == pytest.approx(sums["total_charge"].to_numpy(), rel=0.02)
        drugs = [f"charge_{name}" for name in data("region")["families"]["drug"]]
        bought = discharges.select(["hospital_id", *drugs]).to_pandas().groupby("hospital_id").sum().sum(axis=1)
        assert table["inpatient_drug_revenue"].to_numpy() == pytest.approx(bought.to_numpy(), abs=1)


def test_the_accounts_add_up(given):
    for table in given:
        assert (table["medical_revenue"] == table["inpatient_revenue"] + table["outpatient_revenue"]).all()
        assert (table["drug_revenue"] == table["inpatient_drug_revenue"] + table["outpatient_drug_revenue"]).all()
        assert (table["medical_surplus"] == table["medical_revenue"] - table["business_cost"]).all()
        assert (table["open_bed_days"] == table["beds"] * table["days"]).all()
        for part, whole in (
            ("grade4_discharges", "surgical_discharges"),
            ("day_operations", "elective_operations"),
            ("clinic_visits", "visits"),
            ("reviewed_prescriptions", "prescriptions"),
            ("pathway_completed", "pathway_entered"),
            ("drg_paid_cases", "insured_discharges"),
            ("tcm_revenue", "drug_revenue"),
            ("nurses", "technicians"),
        ):
            assert ((table[part] <= table[whole]) | table[part].isna()).all(), part


def test_gaps_are_those_on_purpose(given):
    years = {"previous": given[0], "current": given[1]}
    planted = {(gap["hospital"], gap["year"], name) for gap in data("region")["missing"] for name in gap["inputs"]}
    found = {
        (hospital, year, name)
        for year, table in years.items()
        for hospital, name in table.isna().stack().loc[lambda gone: gone].index
    }
    assert found == planted


def test_almost_every_indicator_of_the_tree_has_a_value(indicators):
    leaves = [leaf.indicator for dimension in load_tree("putuo").dimensions for leaf in dimension.leaves]
    there = indicators.values[leaves].notna()
    assert (there.mean(axis=1) >= 0.9).all()
    assert not there.all(axis=None)
    assert indicators.remarks.empty


@pytest.mark.parametrize(
    ("indicator", "low", "high"),
    [
        ("bed_occupancy", 70, 102),
        ("mean_stay", 5, 12),
        ("drug_share", 18, 35),
        ("consumables_per_100", 14, 28),
        ("medical_service_share", 20, 35),
        ("nurses_per_doctor", 1.0, 1.6),
        ("bed_days_per_doctor_day", 1.0, 2.5),
        ("visits_per_doctor_day", 2.0, 7.0),
        ("medical_surplus_rate", -4, 5),
        ("debt_ratio", 20, 60),
        ("inpatient_fee_growth", -16, 30),
        ("outpatient_fee_growth", -4, 12),
        ("drug_markup_rate", 0, 0),
        ("prescription_review_share", 3, 12),
    ],
)
def test_figures_are_plausible(indicators, indicator, low, high):
    assert indicators.values[indicator].between(low, high).all(), indicators.values[indicator]


def test_every_indicator_of_the_tree_has_anchors_in_its_direction(indicators):
    groups = {row["机构代码"]: row["比较组"] for row in rows("hospitals.csv")}
    anchors = {
        (row["指标"], row["比较组"]): (float(row["不允许值"]), float(row["满意值"])) for row in rows("anchors.csv")
    }
    assert len(anchors) == len(rows("anchors.csv"))
    for dimension in load_tree("putuo").dimensions:
        for leaf in dimension.leaves:
            for peers in set(groups.values()):
                bad, good = anchors.get((leaf.indicator, peers)) or anchors[leaf.indicator, ""]
                assert (good > bad) == (leaf.direction == "up"), leaf.indicator
    points = [
        60 + 40 * (indicators.values.at[unit, name] - bad) / (good - bad)
        for (name, of), (bad, good) in anchors.items()
        for unit, peers in groups.items()
        if of in ("", peers)
    ]
    assert 70 < np.nanmedian(points) < 90


def test_the_region_plan_is_readable_and_consistent():
    targets = load_targets(COMMITTED / "targets_region.toml")
    assert len(targets) >= 25
    assert {one.year for one in targets} == {2025, 2030}
    assert set(check_consistency(targets)["verdict"]) == {"agrees"}
    values = compute_indicators(region_values(2025), previous=region_values(2024)).values.loc["R"]
    wanted = {one.indicator for one in targets} - {"life_expectancy"}
    assert values[sorted(wanted)].notna().all()
    assert 0.8 <= values["health_expenditure_elasticity"] <= 1.2
    assert values["beds_per_1000"] == pytest.approx(
        values["county_public_beds_per_1000"] + values["nonpublic_beds_per_1000"]
    )


def test_evidence_is_read(indicators, given):
    listed = [row for row in rows("evidence_2025.csv") if row["机构"].startswith("R")]
    table = pd.DataFrame(
        {
            "unit": [row["机构"] for row in listed],
            "indicator": [row["指标"] for row in listed],
            "value": [float(row["数值"]) for row in listed],
            "source": [row["来源"] for row in listed],
            "date": [row["日期"] for row in listed],
        }
    )
    found = compute_indicators(given[1], ids=["outpatient_satisfaction", "published_quality"], evidence=table)
    assert found.values["outpatient_satisfaction"].between(75, 100).all()
    assert found.values["published_quality"].to_list() == [1.0] * 11 + [0.0]


def test_the_plan_names_files_that_are_there():
    plan = tomllib.loads((COMMITTED / "plan.toml").read_text(encoding="utf-8"))
    named = [plan["units"], plan["targets"]["plan"], plan["scores"]["anchors"]]
    for period in plan["period"].values():
        named += [*period["cases"], *period["inputs"], period["region"]]
        named += [period["evidence"]] if "evidence" in period else []
    assert {path.name for path in COMMITTED.iterdir()} == {*named, "plan.toml", "README.md"}
    assert plan["region"] == data("region")["zh"]


# ------------------------------------------------------------------ story


def test_grouping_rate(mixes):
    for mix in mixes:
        assert mix.table["grouping_rate"].between(0.95, 0.995).all()


def change(mixes, name):
    return mixes[1].table[name] - mixes[0].table[name]


def test_one_hospital_improves(mixes, indicators):
    assert change(mixes, "charge_index")["R02"] < -0.10
    assert change(mixes, "time_index")["R02"] < -0.10
    assert indicators.values.at["R02", "inpatient_fee_growth"] < -7


def test_one_hospital_deteriorates(mixes, indicators):
    assert change(mixes, "charge_index")["R05"] > 0.10
    assert change(mixes, "time_index")["R05"] > 0.10
    assert indicators.values.at["R05", "inpatient_fee_growth"] > 12


def test_the_others_change_by_chance_only(mixes):
    for name, most in (("charge_index", 0.06), ("time_index", 0.06), ("cmi", 0.08)):
        assert change(mixes, name)[CALM].abs().max() < most, name


def test_one_hospital_upcodes(drift):
    table = drift.table
    assert table.at["R03", "within"] > 0.04
    assert abs(table.at["R03", "between"]) < 0.03
    assert table["within"].drop("R03").abs().max() < 0.02
    deeper = table["coding_depth_current"] - table["coding_depth_previous"]
    assert deeper["R03"] > 0.25
    assert deeper.drop("R03").abs().max() < 0.15
    assert table.at["R03", "cc_or_mcc_share_current"] - table.at["R03", "cc_or_mcc_share_previous"] > 0.15


def test_one_hospital_has_deaths_in_low_risk_groups(mixes, statistics):
    table = mixes[1].table
    rate = table["low_risk_deaths"] / table["low_risk_cases"]
    assert rate["R07"] > 2 * rate.drop("R07").max()
    assert mixes[0].table.at["R07", "low_risk_deaths"] <= 2
    strict = casemix(statistics[1], base=statistics[0], low_risk_scores=[1]).table
    assert strict["low_risk_deaths"].idxmax() == "R07"


def test_one_hospital_discharges_early(mixes, returns):
    for mix, again in zip(mixes, returns, strict=True):
        assert mix.table["time_index"].idxmin() == "R08"
        assert mix.table.at["R08", "time_index"] < 0.88
        rate = again.table["rate"].xs(("unplanned", 31), level=("kind", "window"))
        assert rate[GENERAL].idxmax() == "R08"
        assert rate["R08"] > 1.4 * rate[GENERAL].drop("R08").max()


# ------------------------------------------------------------------ the call


def test_a_small_region(tmp_path):
    first = region_sample(tmp_path / "a", hospitals=10, cases_per_year=1_000, seed=3)
    again = region_sample(tmp_path / "b", hospitals=10, cases_per_year=1_000, seed=3)
    other = region_sample(tmp_path / "c", hospitals=10, cases_per_year=1_000, seed=4)
    assert list(first.cases) == [f"R{n:02d}" for n in range(1, 11)]
    assert sum(before for before, _ in first.cases.values()) == 1_000
    contents = [{name: (made.folder / name).read_bytes() for name in made.files} for made in (first, again, other)]
    assert contents[0] == contents[1]
    assert contents[0]["cases_2025.parquet"] != contents[2]["cases_2025.parquet"]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("wrong", [{"hospitals": 9}, {"hospitals": 13}, {"cases_per_year": 999}, {"seed": -1}], ids=str)
def test_arguments_out_of_range(wrong, tmp_path):
    with pytest.raises(DrgEngineError, match="out of range"):
        region_sample(tmp_path / "region", **wrong)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFileError):
        region_sample(tmp_path / "file" / "region", hospitals=10, cases_per_year=1_000)
