"""Case-mix indices: printed examples, identities, the plain twin, and public data computed two ways."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import (
    GroupWeights,
    casemix,
    relative_weights,
    statistics_of_table,
    unit_statistics,
)
from drgengine.evaluation.mix.reference_indices import reference_indices


def cells(**columns: Any) -> Any:
    size = len(columns["cases"])
    frame = pd.DataFrame({"hospital_id": ["H"] * size, "drg": [f"G{k}" for k in range(size)], **columns})
    return statistics_of_table(frame)


@pytest.mark.parametrize(
    ("weights", "cases", "total", "cmi", "tolerance"),
    [
        pytest.param([1.2, 0.8, 2.5], [50, 30, 20], 134.0, 1.34, 1e-9, id="published and confirmed: dxy post 51502853"),
        pytest.param([15192 / 10471], [10471], 15192.0, 1.45, 5e-3, id="published to 2 decimals: US coding exam item"),
    ],
)
def test_printed_cmi(weights: list[float], cases: list[int], total: float, cmi: float, tolerance: float) -> None:
    given_weights = {f"G{k}": weight for k, weight in enumerate(weights)}
    row = casemix(cells(cases=cases), weights=given_weights).table.loc["H"]
    assert row["total_weight"] == pytest.approx(total, rel=1e-12)
    assert row["cmi"] == pytest.approx(cmi, abs=tolerance)


def test_both_forms_of_the_charge_index_may_fall_on_opposite_sides_of_one() -> None:
    # Constructed example: 40 cases at 9000 against 10000, 10 at 50000 against 40000.
    found = casemix(cells(cases=[40, 10], charge_mean=[9000.0, 50000.0]), benchmark={"G0": 10000.0, "G1": 40000.0})
    row = found.table.loc["H"]
    assert row["charge_index"] == pytest.approx(0.97, abs=1e-9)
    assert row["charge_index_oe"] == pytest.approx(1.075, abs=1e-9)
    assert math.isnan(row["cost_index"]), "a charge is no cost"
    assert math.isnan(row["charge_index_se"]), "without sums of squares there is no standard error"


def drawn_table(seed: int, size: int, units: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    drg = rng.choice(["FB19", "FM11", "FR21", "FR23", "FR25", "GB11", "GR15"], size)
    return pd.DataFrame(
        {
            "hospital_id": [f"H{k}" for k in rng.integers(0, units, size)],
            "drg": drg,
            "status": "grouped",
            "total_charge": np.round(rng.lognormal(8, 1, size), 2) + 0.01,
            "cost": np.round(rng.lognormal(7.5, 1, size), 2) + 0.01,
            "los_days": rng.integers(1, 40, size),
            "discharge_disposition": rng.choice([1, 4, 5], size, p=[0.9, 0.05, 0.05]),
        }
    )


@given(seed=st.integers(0, 10_000), size=st.integers(1, 60))
def test_indices_equal_the_plain_twin(seed: int, size: int) -> None:
    table = drawn_table(seed, size)
    rows = table.rename(columns={"hospital_id": "unit", "total_charge": "charge"}).to_dict("records")
    expected = reference_indices(rows)
    found = casemix(table).table
    assert set(found.index) == set(expected)
    for unit, values in expected.items():
        for name, value in values.items():
            assert found.loc[unit, name] == pytest.approx(value, rel=1e-7, abs=1e-7, nan_ok=True), (unit, name)


@pytest.mark.parametrize("by", ["hospital_id", "mdc", ["hospital_id", "mdc"], []])
def test_identities_of_the_benchmark(by: Any) -> None:
    statistics = unit_statistics(drawn_table(3, 900), ["hospital_id"])
    found = casemix(statistics, by)
    table = found.table
    assert table["total_weight"].sum() == pytest.approx(900, rel=1e-12), "sum of N w = N"
    observed = (table["mean_charge"] * table["cases"]).sum()
    expected = (table["mean_charge"] * table["cases"] / table["charge_index_oe"]).sum()
    assert observed / expected == pytest.approx(1.0, rel=1e-12)
    for name in ("charge_index", "cost_index", "time_index"):
        assert (table[name] * table["cases"]).sum() == pytest.approx(900, rel=1e-9)
    if by in ("mdc", []):
        assert table["charge_index_oe"].to_numpy() == pytest.approx(np.ones(len(table)), rel=1e-12)
    assert table["expected_deaths"].sum() == pytest.approx(table["deaths"].sum(), rel=1e-12)


def test_the_whole_equals_its_merged_shards_to_the_last_bit() -> None:
    table = drawn_table(5, 800)
    parts = [unit_statistics(table.iloc[k::3]) for k in range(3)]
    whole = casemix(table).table
    pd.testing.assert_frame_equal(casemix(parts[2].merge(parts[0], parts[1])).table, whole, check_exact=True)
    shuffled = table.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(casemix(shuffled).table, whole, check_exact=True)


def test_flow_reconciles_and_what_is_not_grouped_is_in_no_index() -> None:
    table = drawn_table(11, 300)
    table.loc[:9, ["status", "drg"]] = ["ambiguous", "FQY"]
    table.loc[10:14, ["status", "drg"]] = ["ungroupable", "0000"]
    table.loc[15:17, ["status", "drg"]] = ["invalid", None]
    table.loc[18:30, "total_charge"] = np.nan
    found = casemix(table, max_stay_days=30)
    flow = found.flow
    parts = ["included", "long_stay", "ambiguous", "ungroupable", "invalid"]
    assert (flow[parts].sum(axis=1) == flow["discharges"]).all()
    assert flow[["ambiguous", "ungroupable", "invalid"]].sum().tolist() == [10, 5, 3]
    assert flow["included_without_charge"].sum() <= 13
    clean = table[(table["status"] == "grouped") & (table["los_days"] <= 30)]
    columns = ["cases", "total_weight", "cmi", "charge_index", "time_index_oe", "smr", "drg_breadth"]
    left = casemix(clean).table[columns]
    pd.testing.assert_frame_equal(found.table[columns], left, check_exact=True)
    rate = (flow["included"] + flow["long_stay"]) / flow["discharges"]
    assert found.table["grouping_rate"].tolist() == pytest.approx(rate.tolist())


def test_units_without_an_included_case_stay_in_the_table() -> None:
    table = pa.table({"hospital_id": ["H1", "H2", None], "drg": ["FR21", "0000", "FR21"], "total_charge": [5.0] * 3})
    found = casemix(table).table
    assert found.index.tolist() == ["(missing)", "H1", "H2"]
    assert found.loc["H2", "cases"] == 0
    assert math.isnan(found.loc["H2", "cmi"])
    assert found.loc["H2", "missing_mdcs"] == "F"


def test_groups_without_a_weight_are_listed_and_left_out() -> None:
    found = casemix(cells(cases=[10, 5, 2]), weights={"G0": 2.0, "G2": 1.0})
    assert found.without_weight.to_dict("list") == {"drg": ["G1"], "cases": [5]}
    assert found.table.loc["H", ["cases", "cases_weighted"]].tolist() == [17, 12]
    assert found.table.loc["H", "cmi"] == pytest.approx(22 / 12)
    assert found.flow.loc["H", "included_without_weight"] == 5
    assert any("G1" in note and "5 cases" in note for note in found.notes)


def test_kinds_high_weights_and_thresholds() -> None:
    frame = pd.DataFrame({"hospital_id": "H", "drg": ["FB11", "FM11", "FR21", "GR11"], "cases": [1, 4, 5, 10]})
    row = casemix(statistics_of_table(frame), weights={"FB11": 4.0, "FM11": 2.0, "FR21": 1.0, "GR11": 0.5})
    values = row.table.loc["H"]
    assert values[["cmi_surgical", "cmi_procedure"]].tolist() == [4.0, 2.0]
    assert values["cmi_medical"] == pytest.approx(10 / 15)
    assert values["high_weight_share"] == pytest.approx(5 / 20)
    assert values[["drg_count", "drg_count_5", "drg_count_10"]].tolist() == [4, 2, 1]
    assert casemix(statistics_of_table(frame), kinds={"GR1": "surgical"}).settings["confidence"] == 0.95
    with pytest.raises(EvaluationError, match="surgical, procedure, medical"):
        casemix(statistics_of_table(frame), kinds={"GR1": "surg"})


def test_shrinkage_and_leave_one_out_follow_their_formulas() -> None:
    frame = pd.DataFrame(
        {
            "hospital_id": ["H1", "H2", "H1", "H1"],
            "drg": ["FR21", "FR21", "FR25", "GB11"],
            "cases": [10, 30, 5, 4],
            "charge_mean": [100.0, 200.0, 400.0, 50.0],
        }
    )
    statistics = statistics_of_table(frame)
    plain = casemix(statistics)
    mean, family = (10 * 100 + 30 * 200) / 40, (10 * 100 + 30 * 200 + 5 * 400) / 45
    shrunk = {"FR21": (40 * mean + 20 * family) / 60, "FR25": (5 * 400 + 20 * family) / 25, "GB11": 50.0}
    hand = (10 * 100 / shrunk["FR21"] + 5 * 400 / shrunk["FR25"] + 4) / 19
    assert plain.table.loc["H1", "charge_index_shrunk"] == pytest.approx(hand, rel=1e-12)
    same = casemix(statistics, shrinkage=0).table
    assert same["charge_index_shrunk"].tolist() == same["charge_index"].tolist()
    without = casemix(statistics, leave_one_out=True)
    row = without.table.loc["H1"]
    assert row["charge_index"] == pytest.approx(100 / 200), "only FR21 is treated elsewhere"
    assert without.flow.loc["H1", "included_without_benchmark"] == 9
    # FR25 is treated by H1 alone: the rest of its ADRG stands in; GB1 is treated by nobody else.
    assert row["charge_index_shrunk"] == pytest.approx((10 * 100 / 200 + 5 * 400 / 200) / 15)
    with pytest.raises(EvaluationError, match="leave_one_out"):
        casemix(statistics, leave_one_out=True, benchmark=statistics)


def test_a_benchmark_of_other_statistics_gives_weights_and_means() -> None:
    region, own = drawn_table(20, 900), drawn_table(21, 200)
    found = casemix(own, benchmark=unit_statistics(region))
    weights = relative_weights(unit_statistics(region)).weights
    assert dict(found.weights.weights) == dict(weights)
    means = region.groupby("drg")["total_charge"].mean()
    ratio = own["total_charge"] / own["drg"].map(means)
    expected = ratio.groupby(own["hospital_id"]).mean()
    assert found.table["charge_index"].tolist() == pytest.approx(expected.tolist(), rel=1e-9)


def test_winsorised_ratios_equal_numpy() -> None:
    table = drawn_table(8, 700)
    found = casemix(table, winsorise=(0.05, 0.95))
    ratio = table["total_charge"] / table.groupby("drg")["total_charge"].transform("mean")
    low, high = np.quantile(ratio, [0.05, 0.95])
    expected = ratio.clip(low, high).groupby(table["hospital_id"]).agg(["mean", "sem"])
    got = found.table
    assert got["charge_index_winsorised"].tolist() == pytest.approx(expected["mean"].tolist(), rel=1e-9)
    assert got["charge_index_winsorised_se"].tolist() == pytest.approx(expected["sem"].tolist(), rel=1e-7)
    assert found.settings["cuts"]["charge_index"] == pytest.approx((low, high), rel=1e-9)
    stream = pa.Table.from_pandas(table).to_reader(max_chunksize=64)
    pd.testing.assert_frame_equal(casemix(stream, winsorise=(0.05, 0.95)).table, got, check_exact=True)
    with pytest.raises(EvaluationError, match="winsorise"):
        casemix(unit_statistics(table), winsorise=(0.05, 0.95))
    with pytest.raises(EvaluationError, match="winsorise"):
        casemix(table, winsorise=(0.95, 0.05))


def test_rarefied_breadth_is_the_expected_number_of_groups() -> None:
    found = casemix(cells(cases=[6, 3, 1]), rarefaction=2).table.loc["H", "drg_breadth"]
    pairs_of_one_group = math.comb(6, 2) + math.comb(3, 2)
    assert found == pytest.approx(2 - pairs_of_one_group / math.comb(10, 2))
    assert math.isnan(casemix(cells(cases=[6, 3, 1]), rarefaction=11).table.loc["H", "drg_breadth"])
    assert casemix(cells(cases=[6, 3, 1]), rarefaction=10).table.loc["H", "drg_breadth"] == pytest.approx(3)


def test_small_units_and_small_cells_are_flagged_not_dropped() -> None:
    table = drawn_table(2, 100).assign(physician_id="P1")
    table.loc[:10, "physician_id"] = "P2"
    found = casemix(table, ["hospital_id", "physician_id"])
    assert found.settings["minimum"] == 30
    assert (found.table["below_minimum"] == (found.table["cases"] < 30)).all()
    assert found.table["cases"].sum() == 100
    cell = found.cell_table()
    assert cell["cases"].sum() == 100
    assert (cell["below_minimum"] == (cell["cases"] < 5)).all()
    assert list(cell.columns[:2]) == ["hospital_id", "physician_id"]


def test_missing_specialities() -> None:
    frame = pd.DataFrame({"hospital_id": ["H1", "H1", "H2"], "drg": ["FR21", "GB11", "FR21"], "cases": [9, 2, 4]})
    found = casemix(statistics_of_table(frame), expected_mdcs=["F", "G", "O"], mdc_threshold=3)
    assert found.table["missing_mdcs"].tolist() == ["G,O", "G,O"]
    assert found.table["mdc_coverage"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert found.missing_mdcs == (("G", "O"), ("G", "O"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": {"G0": -0.5}}, ["group G0", "from 0"]),
        ({"weights": {"G0": "x"}}, ["group G0", "'x'"]),
        ({"weights": {1: 1.0}}, ["1", "text"]),
        ({"weights": {}}, ["weights"]),
        ({"weights": 3}, ["int", "mapping"]),
        ({"benchmark": pd.DataFrame({"fee": [1.0]})}, ["'fee'", "charge, cost, los"]),
        ({"benchmark": 3}, ["int"]),
        ({"confidence": 95}, ["95", "0.95"]),
        ({"rarefaction": 0}, ["rarefaction"]),
        ({"base": {"G0": 2.0}}, ["group G0", "2.0"]),
    ],
)
def test_errors_say_what_and_what_to_do(options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        casemix(cells(cases=[3, 4]), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.fixture(scope="module")
def minnesota(shared: Path) -> pd.DataFrame:
    """CMS provider x DRG table of fiscal year 2011, Minnesota (public data)."""
    path = shared / "data" / "cms_fy2011_mn_provider_drg.csv"
    if not path.exists():
        pytest.skip("no Minnesota table")
    return pd.read_csv(path, dtype={"drg": str, "provider": str})


def test_minnesota_two_ways_and_the_year_of_the_weights(minnesota: pd.DataFrame, shared: Path) -> None:
    table = pd.read_csv(shared / "reference" / "weights" / "msdrg_weights_vista_fy2008_2016_2019.csv", dtype=str)
    table = table[table["fy"] == "2008"].set_index("ms_drg")
    weights = GroupWeights(table["weight"].astype(float).to_dict(), "MS-DRG weights of FY 2008", 2008)
    kinds = table["type"].map({"SURG": "surgical", "MED": "medical"}).dropna().to_dict()
    frame = minnesota.rename(columns={"provider": "hospital_id", "totDischg": "cases", "avgCovChg": "charge_mean"})
    frame["mdc"] = frame["drg"].map(table["mdc"])
    period = (dt.date(2010, 10, 1), dt.date(2011, 9, 30))
    found = casemix(statistics_of_table(frame, period=period), weights=weights, kinds=kinds)
    assert any("2008" in note and "2010-2011" in note for note in found.notes), "a mismatch of years is said"

    w, n, c = frame["drg"].map(weights.weights), frame["cases"], frame["charge_mean"]
    benchmark = (n * c).groupby(frame["drg"]).sum() / n.groupby(frame["drg"]).sum()
    expected = frame["drg"].map(benchmark)

    def per_hospital(values: Any) -> Any:
        return values.groupby(frame["hospital_id"]).sum()

    by_hand = pd.DataFrame(
        {
            "cases": per_hospital(n),
            "total_weight": per_hospital(n * w),
            "cmi": per_hospital(n * w) / per_hospital(n),
            "charge_index": per_hospital(n * c / expected) / per_hospital(n),
            "charge_index_oe": per_hospital(n * c) / per_hospital(n * expected),
            "drg_count": per_hospital((n > 0).astype(int)),
            "cmi_surgical": per_hospital(n * w * (frame["drg"].map(kinds) == "surgical"))
            / per_hospital(n * (frame["drg"].map(kinds) == "surgical")),
        }
    )
    assert len(found.table) == minnesota["provider"].nunique() == 50
    for name in by_hand.columns:
        got, hand = found.table[name].to_numpy(float), by_hand[name].to_numpy(float)
        assert got == pytest.approx(hand, rel=1e-8, nan_ok=True), name
    assert found.table["cases"].sum() == minnesota["totDischg"].sum()
    # Computed from the data's own charges, the weights are another measure of the same mix.
    own = casemix(statistics_of_table(frame)).table
    assert own["total_weight"].sum() == pytest.approx(own["cases"].sum(), rel=1e-12)
    other = relative_weights(statistics_of_table(frame)).weights
    pairs = np.log([(other[drg], weights.weights[drg]) for drg in other])
    assert np.corrcoef(pairs.T)[0, 1] > 0.9


def test_sample_discharges_reconcile(tmp_path: Path) -> None:
    import drgengine

    sample = Path(__file__).resolve().parent.parent / "sample_cases" / "demo" / "discharges.parquet"
    grouped = tmp_path / "grouped.parquet"
    drgengine.group_file(sample, grouped, scheme="chs-drg-2.0")
    levels = unit_statistics(grouped, ["hospital_id", "department_id", "physician_id"])
    assert levels.cases == 15_000
    hospitals = casemix(levels, "hospital_id")
    pd.testing.assert_frame_equal(hospitals.table, casemix(grouped).table, check_exact=True)
    assert hospitals.table["total_weight"].sum() == pytest.approx(hospitals.table["cases"].sum(), rel=1e-12)
    departments = casemix(levels, ["hospital_id", "department_id"])
    physicians = casemix(levels, "physician_id")
    for name in ("discharges", "cases", "total_weight", "deaths", "expected_deaths"):
        totals = {round(float(mix.table[name].sum()), 6) for mix in (hospitals, departments, physicians)}
        assert len(totals) == 1, name
    assert physicians.table["below_minimum"].any()
    parts = ["included", "long_stay", "ambiguous", "ungroupable", "invalid"]
    assert hospitals.flow[parts].to_numpy().sum() == 15_000
