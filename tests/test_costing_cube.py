"""The case cost cube: the file, its views, and statistics per group of cases."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy import stats
from smallhospital import Hospital, small_hospital

from drgengine.costing.cases.casecosts import CaseCosts, case_costs, collect
from drgengine.costing.cases.casegroups import compare_case_methods, group_statistics
from drgengine.costing.cases.casemethods import METHODS, MethodPools
from drgengine.costing.cases.cube import write_cube
from drgengine.costing.cases.pools import Pools, make_claims
from drgengine.costing.cases.views import UNMAPPED, read_view, view_cube
from drgengine.costing.ledger.directcosts import COST_ITEMS
from drgengine.errors import CostingError, OutputFileError

COLUMNS = [
    "case_id", "kind", "drg", "centre_group", "element", "cost",
    "variable_cost",
]  # fmt: skip


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return small_hospital(tmp_path_factory.mktemp("hospital"), cases=40)


@pytest.fixture(scope="module")
def methods(hospital: Hospital) -> list[CaseCosts]:
    return [case_costs(hospital.model, hospital.activity, hospital.departments, method) for method in METHODS]


@pytest.fixture(scope="module")
def costs(methods: list[CaseCosts]) -> CaseCosts:
    return methods[0]


# --- the file --------------------------------------------------------------------------------------------------------


def test_cube_file_holds_every_fen(costs: CaseCosts, tmp_path: Path) -> None:
    rows = write_cube(costs, tmp_path / "cube.parquet")
    table = pq.read_table(tmp_path / "cube.parquet")
    assert table.schema.names == COLUMNS
    assert (table.num_rows, rows) == (costs.cube.num_rows, costs.cube.num_rows)
    assert all(str(table.schema.field(name).type) == "string" for name in COLUMNS[:5])
    frame = table.to_pandas()
    assert np.rint(frame["cost"] * 100).astype(np.int64).sum() == costs.total
    assert np.rint(frame["variable_cost"] * 100).astype(np.int64).sum() == costs.variable.sum()
    by_case = frame.groupby("case_id")["cost"].sum()
    assert by_case["C003"] == pytest.approx(costs.totals["cost"][3])
    first = frame[frame["case_id"] == "C003"].iloc[0]
    assert first["kind"] == "discharged"
    assert first["drg"] == costs.objects["drg"][3]
    outpatient = frame[frame["kind"] == "outpatient"]
    assert outpatient["case_id"].isna().all()
    assert outpatient["cost"].sum() == pytest.approx(costs.by_kind.loc["outpatient"].sum() / 100)


def test_cube_file_is_the_same_each_time_and_compressed(costs: CaseCosts, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_cube(costs, tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0).column(5).compression == "ZSTD"


def test_cube_as_text(costs: CaseCosts, tmp_path: Path) -> None:
    write_cube(costs, tmp_path / "cube.csv")
    frame = pd.read_csv(tmp_path / "cube.csv")
    assert frame.columns.tolist() == COLUMNS
    assert round(frame["cost"].sum() * 100) == costs.total


def test_cube_in_batches_is_the_cube(costs: CaseCosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cube(costs, tmp_path / "one.parquet")
    monkeypatch.setattr("drgengine.costing.cases.cube.BATCH_OBJECTS", 7)
    write_cube(costs, tmp_path / "many.parquet")
    assert pq.read_table(tmp_path / "one.parquet").equals(pq.read_table(tmp_path / "many.parquet"))


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(costs: CaseCosts, tmp_path: Path) -> None:
    with pytest.raises(OutputFileError):
        write_cube(costs, tmp_path / "nowhere" / "cube.parquet")
    assert list(tmp_path.iterdir()) == []


def test_cube_without_cost_has_no_rows(tmp_path: Path) -> None:
    pools = Pools(("a",), ("g",), ("",), (("personnel", "fixed"),), np.zeros((1, 1), np.int64))
    claims, _ = make_claims([0], [0], [1.0], place="here")
    names = ["case_id", "kind", "drg"]
    objects = pd.DataFrame({name: ["discharged"] for name in names})
    empty = collect(MethodPools("bottom-up", pools, claims, 1, {}, ()), objects, "medical")
    assert (empty.total, write_cube(empty, tmp_path / "cube.parquet")) == (0, 0)
    assert pq.read_table(tmp_path / "cube.parquet").num_rows == 0


# --- views -----------------------------------------------------------------------------------------------------------


def test_national_view_is_the_seven_items(costs: CaseCosts) -> None:
    view = read_view("national")
    assert [line.id for line in view.elements] == list("1234567")
    shown = view_cube(costs, "national")
    matrix = shown.matrix()
    discharged = costs.by_kind.loc["discharged"] / 100
    assert matrix["1"].sum() == pytest.approx(discharged[["personnel:doctor", "personnel:nurse"]].sum())
    assert matrix["2"].sum() == pytest.approx(discharged[["materials", "materials:charged"]].sum())
    assert set(matrix.index) <= set(costs.centre_groups)
    assert len(shown.unmapped) == 0


def test_every_view_foots(costs: CaseCosts) -> None:
    for name in ("national", "inek"):
        for kinds in (("discharged",), ("discharged", "in_hospital", "outpatient", "non_patient")):
            shown = view_cube(costs, name, by="drg", kinds=kinds)
            fen = np.rint(shown.table["cost"] * 100).astype(np.int64).sum()
            assert fen == costs.by_kind.loc[list(kinds)].to_numpy().sum()


def test_inek_view_shows_capital_apart_and_charged_materials_by_patient(costs: CaseCosts) -> None:
    view = read_view("inek")
    ids = [line.id for line in view.elements]
    assert ids == ["1", "2", "3", "4a", "4b", "5", "6a", "6b", "6c", "7", "8", "capital"]
    assert [line.id for line in view.elements if line.capital] == ["capital"]
    matrix = view_cube(costs, view).matrix()
    discharged = costs.by_kind.loc["discharged"] / 100
    assert matrix["capital"].sum() == pytest.approx(discharged["depreciation"])
    assert matrix["6b"].sum() == pytest.approx(discharged["materials:charged"])
    assert matrix["4b"].sum() == pytest.approx(discharged["drugs"])
    assert matrix.index.tolist() == ["1", "4", "10", "goods"]


def test_view_by_drg_is_the_sum_of_its_cases(costs: CaseCosts) -> None:
    table = view_cube(costs, "national", by="drg").table
    groups = group_statistics(costs).table.dropna(subset="drg").set_index("drg")
    assert table.groupby("drg")["cost"].sum().to_dict() == pytest.approx(groups["cost"].to_dict())
    with pytest.raises(CostingError, match="doctor"):
        view_cube(costs, "national", by="doctor")


def own_view(folder: Path, text: str) -> Path:
    file = folder / "view.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_own_mapping_lists_what_it_does_not_know(costs: CaseCosts, tmp_path: Path) -> None:
    text = """
    [buckets]
    [[buckets.element]]
    id = "staff"
    match = ["PERSONNEL:*"]
    [[buckets.element]]
    id = "nurses"
    match = ["personnel:nurse"]
    [[buckets.centre]]
    id = "beds"
    match = ["ward"]
    """
    shown = view_cube(costs, own_view(tmp_path, text))
    matrix = shown.matrix()
    assert matrix.columns.tolist() == ["staff", "nurses", UNMAPPED]
    assert matrix.index.tolist() == ["beds", UNMAPPED]
    discharged = costs.by_kind.loc["discharged"] / 100
    assert matrix["nurses"].sum() == pytest.approx(discharged["personnel:nurse"])
    unmapped = shown.unmapped[shown.unmapped["axis"] == "element"].set_index("name")["cost"]
    assert unmapped.to_dict() == pytest.approx(discharged.drop(["personnel:doctor", "personnel:nurse"]).to_dict())
    assert matrix.to_numpy().sum() == pytest.approx(discharged.sum())


BROKEN = {
    "not toml": ("[v", "cannot be read"),
    "two views": ("[a]\n[b]\n", "2 tables"),
    "no element": ("[v]\ntitle_zh = 'x'\n", "element"),
    "unknown key": ("[v]\ncolour = 1\n[[v.element]]\nid = '1'\nmatch = ['x']\n", "colour"),
    "unknown key of a line": ("[v]\n[[v.element]]\nid = '1'\nmatches = ['x']\n", "matches"),
    "id twice": ("[v]\n[[v.element]]\nid='1'\nmatch=['x']\n[[v.element]]\nid='1'\nmatch=['y']\n", "element 2"),
    "reserved id": ("[v]\n[[v.element]]\nid='unmapped'\nmatch=['x']\n", "unmapped"),
    "matches nothing": ("[v]\n[[v.element]]\nid='1'\nmatch=[]\n", "match"),
    "match is text": ("[v]\n[[v.element]]\nid='1'\nmatch='x'\n", "match"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_mapping_says_where(tmp_path: Path, broken: str) -> None:
    text, word = BROKEN[broken]
    with pytest.raises(CostingError) as caught:
        read_view(own_view(tmp_path, text))
    assert "view.toml" in str(caught.value)
    assert word in str(caught.value)


def test_unknown_view_names_those_there_are() -> None:
    with pytest.raises(CostingError, match="national or inek"):
        read_view("nhs")


# --- groups ----------------------------------------------------------------------------------------------------------


def test_group_statistics_are_those_of_the_cases(costs: CaseCosts) -> None:
    table = group_statistics(costs, confidence=0.9).table.set_index("drg")
    mine = costs.totals[(costs.totals["drg"] == "AA10") & (costs.totals["kind"] == "discharged")]
    values, row = mine["cost"].tolist(), table.loc["AA10"]
    assert row["cases"] == len(values)
    assert row["mean_cost"] == pytest.approx(statistics.mean(values))
    assert row["median"] == pytest.approx(statistics.median(values))
    assert row["sd"] == pytest.approx(statistics.stdev(values))
    assert row["cv"] == pytest.approx(statistics.stdev(values) / statistics.mean(values))
    assert (row["min"], row["max"]) == (min(values), max(values))
    interval = stats.t.interval(0.9, len(values) - 1, row["mean_cost"], stats.sem(values))
    assert (row["low"], row["high"]) == pytest.approx(interval)
    assert row["mean_charge"] == pytest.approx(mine["total_charge"].mean())
    assert row["mean_days"] == pytest.approx(mine["los_days"].mean())
    assert row["cost_charge_ratio"] == pytest.approx(sum(values) / mine["total_charge"].sum())
    assert row[list(COST_ITEMS)].sum() == pytest.approx(sum(values))


@pytest.mark.parametrize("by", ["drg", "adrg", "disease"])
def test_no_case_is_lost(costs: CaseCosts, by: str) -> None:
    made = group_statistics(costs, by)  # type: ignore[arg-type]
    cases = costs.objects["kind"].isin(["discharged", "in_hospital"]).sum()
    assert made.table["cases"].sum() == cases
    assert round(made.table["cost"].sum() * 100) == costs.object_fen[:cases].sum()
    status = made.table["status"].tolist()
    assert status[-1] == "in_hospital"
    assert ("no_group" in status) == (by != "disease")
    np.testing.assert_allclose(made.elements.sum(axis=1), 1.0)
    np.testing.assert_allclose(made.centre_groups.sum(axis=1), 1.0)
    parts = made.table[["drug_cost", "material_cost", "service_cost"]].sum(axis=1)
    np.testing.assert_allclose(parts, made.table["cost"])


def one_case(status: str | None) -> CaseCosts:
    pools = Pools(("a",), ("g",), ("",), (("personnel", "fixed"),), np.array([[9900]], np.int64))
    claims, _ = make_claims([0, 0, 0], [0, 1, 2], [1.0, 1.0, 1.0], place="here")
    objects = pd.DataFrame(
        {"case_id": ["1", "2", "3"], "kind": "discharged", "drg": ["A", None, None], "los_days": 3.0}
    ).assign(status=["grouped", status, None], total_charge=np.nan)
    return collect(MethodPools("bottom-up", pools, claims, 1, {}, ()), objects, "medical")


def test_one_case_has_no_spread_and_no_charge_no_ratio() -> None:
    table = group_statistics(one_case("ungroupable")).table
    assert table["status"].tolist() == ["grouped", "no_group", "ungroupable"]
    assert table[["sd", "cv", "low", "high", "cost_charge_ratio", "charge"]].isna().all(axis=None)
    assert table["mean_cost"].tolist() == [33.0, 33.0, 33.0]


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_none_is_refused(costs: CaseCosts, level: float) -> None:
    with pytest.raises(CostingError, match="level"):
        group_statistics(costs, confidence=level)


def test_methods_side_by_side_with_what_explains_them(methods: list[CaseCosts]) -> None:
    wide, long = compare_case_methods(methods)
    for costs in methods:
        expected = group_statistics(costs).table["mean_cost"].tolist()
        assert wide[costs.method].tolist() == pytest.approx(expected)
    for name in ("top-down", "cost-to-revenue"):
        np.testing.assert_allclose(wide[f"{name} difference"], wide[name] - wide["bottom-up"])
        parts = long[long["method"] == name].groupby(["drg", "status"], dropna=False, sort=False)["difference"].sum()
        np.testing.assert_allclose(sorted(parts), sorted(wide[f"{name} difference"]), atol=1e-6)
        assert set(wide[f"{name} largest"]) <= set(long["part"])
    # Over all cases and what is no case the methods agree, so that nothing but the split differs.
    assert len({costs.total for costs in methods}) == 1
    assert not set(long["part"]) & {"drugs", "charged_materials"}


def test_methods_of_different_cases_are_not_compared(costs: CaseCosts) -> None:
    with pytest.raises(CostingError, match="different cases"):
        compare_case_methods([costs, one_case(None)])
