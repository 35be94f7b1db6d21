"""A whole run: files, manifest, reconciliation, tables and workbook agree with the ledger, and repeat to the byte."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import python_calamine
from costing_fixture import CASES, DEPARTMENTS, model_tables, write_model

import drgengine
from drgengine import costing
from drgengine.costing import compute
from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.compute import compute_model
from drgengine.costing.model import SCOPES, Policies
from drgengine.costing.reports.reportwords import table_form
from drgengine.costing.results.outfolder import check_folder, result_folder
from drgengine.costing.runmodel import CostingResult
from drgengine.errors import CostingError, OutputFileError

ROOT = Path(__file__).resolve().parent.parent
HOSPITAL = ROOT / "sample_cases" / "hospital"
ITEMS = ["personnel", "materials", "drugs", "depreciation", "amortisation", "risk_fund", "other"]
ITEM_WORDS = {
    "人员经费": "personnel",
    "卫生材料费": "materials",
    "药品费": "drugs",
    "固定资产折旧费": "depreciation",
    "无形资产摊销费": "amortisation",
    "提取医疗风险基金": "risk_fund",
    "其他运行费用": "other",
}
FUND_WORDS = {
    "基本": "basic",
    "科教经费": "research_teaching",
    "财政项目拨款": "fiscal_project",
    "非同级财政拨款项目": "other_fiscal",
    "非医疗": "non_medical",
}
IN_SCOPE = ("basic", "fiscal_project", "other_fiscal")
"""Fund sources of medical full cost (医疗全成本), the scope of both models."""
GOODS = ("drugs", "materials:charged")
TABLES = {
    "allocation_methods", "allocation_summary", "bed_day_cost", "case_methods", "clinical_composition", "clinical_full",
    "department_direct", "department_direct_full", "disease_composition", "disease_detail", "drg_composition",
    "drg_detail", "drg_inek", "drg_national", "exceptions", "item_detail", "item_summary", "margins_department",
    "margins_drg", "margins_physician", "notes", "reconciliation", "service_unit_ratio", "visit_cost", "weights",
}  # fmt: skip
CASE_TABLES = {name for name in TABLES if name.startswith(("drg_", "disease_", "margins_"))} | {
    "case_methods", "item_detail", "item_summary", "service_unit_ratio", "weights",
}  # fmt: skip
TRACE = {"claims", "direct", "ledger", "origins", "pools", "sources"}


@dataclass(frozen=True)
class Posting:
    """A line of the ledger as its file has it."""

    dept_code: str
    element: str
    fund_source: str
    fen: int

    @property
    def item(self) -> str:
        return self.element.partition(":")[0]


@dataclass(frozen=True)
class Done:
    """A run: where the model and the results stand, and the ledger read without the program."""

    source: Path
    out: Path
    result: CostingResult
    ledger: tuple[Posting, ...]
    administration: frozenset[str]

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        return {path.stem: pd.read_parquet(path) for path in (self.out / "tables").iterdir()}

    @cached_property
    def cube(self) -> pd.DataFrame:
        return pd.read_parquet(self.out / "case_cube.parquet")

    @cached_property
    def cases(self) -> pd.DataFrame:
        return pd.read_parquet(self.out / "cases.parquet")

    def fen(self, key: Callable[[Posting], Any], funds: tuple[str, ...] | None = None) -> dict[Any, int]:
        """Fen of the ledger by a key, of some fund sources."""
        sums: Counter[Any] = Counter()
        for line in self.ledger:
            if funds is None or line.fund_source in funds:
                sums[key(line)] += line.fen
        return dict(sums)

    def total(self, funds: tuple[str, ...] | None = None) -> int:
        return self.fen(lambda line: 0, funds)[0]


def whole(yuan: Any) -> int:
    """Sum of amounts in fen; every amount has to be whole fen by itself."""
    fen = np.asarray(yuan, float) * 100
    assert np.abs(fen - np.round(fen)).max(initial=0) < 1e-3
    return int(np.round(fen).astype(np.int64).sum())


def exact(amount: str) -> int:
    return int(Decimal(amount) * 100)


def quarter_ledger() -> tuple[Posting, ...]:
    rows = model_tables()["ledger"]
    return tuple(
        Posting(
            row["dept_code"],
            "materials:charged" if row["separately_charged"] else row["cost_item"],
            row["fund_source"],
            exact(f"{row['amount']:.2f}"),
        )
        for row in rows
    )


def hospital_ledger() -> tuple[Posting, ...]:
    with (HOSPITAL / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))

    def element(row: Mapping[str, str]) -> str:
        item = ITEM_WORDS[row["成本项目"]]
        if item == "materials" and row["单独收费标志"] == "是":
            return "materials:charged"
        return f"{item}:{row['成本明细']}" if row["成本明细"] else item

    return tuple(
        Posting(row["科室编码"], element(row), FUND_WORDS[row["资金来源"]], exact(row["金额"])) for row in rows
    )


def hospital_administration() -> frozenset[str]:
    with (HOSPITAL / "departments.csv").open(encoding="utf-8-sig", newline="") as file:
        return frozenset(row["科室编码"] for row in csv.DictReader(file) if row["科室类别"] == "行政后勤")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """The model of the fixture and the sample hospital, run once."""
    folder = tmp_path_factory.mktemp("runs")
    quarter = write_model(folder / "quarter")
    office = frozenset(row[0] for row in DEPARTMENTS if row[2] == "administration")
    made = {
        "quarter": (quarter, quarter_ledger(), office),
        "hospital": (HOSPITAL, hospital_ledger(), hospital_administration()),
    }
    return {
        name: Done(source, folder / f"{name}-out", costing.run(source, folder / f"{name}-out"), ledger, administration)
        for name, (source, ledger, administration) in made.items()
    }


@pytest.fixture(params=["quarter", "hospital"])
def done(request: pytest.FixtureRequest, runs: dict[str, Done]) -> Done:
    return runs[request.param]


@pytest.fixture
def quarter(runs: dict[str, Done]) -> Done:
    return runs["quarter"]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


# ------------------------------------------------------------------------------------------------ files, manifest


def test_a_run_writes_these_files_and_no_others(done: Done) -> None:
    names = {f"tables/{name}.parquet" for name in TABLES} | {f"trace/{name}.parquet" for name in TRACE}
    names |= {"manifest.json", "cases.parquet", "case_cube.parquet", "reconciliation.txt", "成本报表.xlsx"}
    assert set(files(done.out)) == names
    assert [path.name for path in done.out.parent.iterdir() if path.name.startswith(".")] == []
    assert done.result.folder == done.out


def test_the_manifest_names_every_input_with_its_hash(done: Done) -> None:
    said = json.loads((done.out / "manifest.json").read_text(encoding="utf-8"))
    assert said == done.result.manifest
    read = {path for path in done.source.iterdir() if path.suffix in (".toml", ".csv", ".parquet")}
    expected = {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted(read)
    }
    assert {entry["name"]: (entry["size"], entry["sha256"]) for entry in said["inputs"]} == expected


def test_the_manifest_names_every_output_with_size_and_rows(done: Done) -> None:
    said = {entry["name"]: entry for entry in done.result.manifest["outputs"]}
    written = files(done.out)
    assert set(said) == set(written) - {"manifest.json"}
    for name, entry in said.items():
        assert entry["size"] == len(written[name])
        if name.endswith(".parquet"):
            metadata = pq.read_metadata(done.out / name)
            assert (entry["rows"], entry["columns"]) == (metadata.num_rows, metadata.num_columns)


def test_the_manifest_states_settings_policies_and_versions(done: Done) -> None:
    said = done.result.manifest
    settings = done.result.computation.model.settings
    assert said["software"]["drgengine"] == drgengine.__version__
    assert all(said["software"].values())
    assert said["settings"]["allocation"]["method"] == "three-level"
    assert said["settings"]["cases"]["main"] == "bottom-up"
    assert said["settings"]["start"] == said["period"]["start"] == settings.start.isoformat()
    assert set(said["policies"]) == {field.name for field in fields(Policies)}
    assert {name: entry["setting"] for name, entry in said["policies"].items() if entry["setting"] == "refuse"}
    assert all(entry["used"] == 0 for entry in said["policies"].values())
    counts = Counter(finding.severity for finding in done.result.findings)
    assert said["findings"] == {"error": 0, "warning": counts["warning"], "note": counts["note"]}
    exceptions = done.tables["exceptions"]
    assert Counter(exceptions["rule"]) == Counter(finding.rule for finding in done.result.findings)
    assert exceptions["severity"].tolist() == sorted(exceptions["severity"], key=["error", "warning", "note"].index)


@pytest.mark.parametrize("name", ["quarter", "hospital"])
def test_a_second_run_gives_the_same_bytes(name: str, runs: dict[str, Done], tmp_path: Path) -> None:
    first = runs[name]
    again = costing.run(first.source, tmp_path / "again")
    one, two = files(first.out), files(tmp_path / "again")
    said, repeated = json.loads(one.pop("manifest.json")), json.loads(two.pop("manifest.json"))
    assert {key for key in one if one[key] != two.get(key)} == set()
    assert set(one) == set(two)
    assert again.manifest["run_id"] == first.result.manifest["run_id"]
    assert {**said, "written": ""} == {**repeated, "written": ""}


def test_the_run_id_follows_the_settings(quarter: Done, tmp_path: Path) -> None:
    changed = shutil.copytree(quarter.source, tmp_path / "changed")
    with (changed / "model.toml").open("a", encoding="utf-8") as file:
        file.write('\n[items]\nmethod = "workload"\n')
    own = quarter.result.manifest["run_id"]
    assert len(own) == 64
    assert costing.run(changed, tmp_path / "out").manifest["run_id"] != own


def test_english_changes_words_and_no_figure(quarter: Done, tmp_path: Path) -> None:
    moved = shutil.copytree(quarter.source, tmp_path / "moved")
    result = costing.run(moved, tmp_path / "out", language="en")
    assert result.manifest["run_id"] == quarter.result.manifest["run_id"]
    one, two = files(quarter.out), files(tmp_path / "out")
    assert set(one) - set(two) == {"成本报表.xlsx"}
    assert set(two) - set(one) == {"cost_reports.xlsx"}
    assert all(one[name] == two[name] for name in one if name.endswith(".parquet"))
    book = python_calamine.CalamineWorkbook.from_path(str(tmp_path / "out" / "cost_reports.xlsx"))
    assert book.sheet_names[0] == "Index"
    for name in quarter.tables.keys() - {"drg_national", "drg_inek"}:
        form = table_form(name)
        assert book.get_sheet_by_name(form.sheet["en"]).to_python()[0][0].startswith(form.title["en"])
    assert "differences 0.00" in two["reconciliation.txt"].decode()


# ------------------------------------------------------------------------------------------------- reconciliation


def test_the_reconciliation_closes_by_item_and_by_fund_source(done: Done) -> None:
    statement = done.result.reconciliation
    assert (statement.ok, statement.largest) == (True, 0.0)
    totals = statement.totals().set_index("stage")
    whole_ledger, inside = done.total(), done.total(IN_SCOPE)
    stages = ["departments", "after:administration", "after:auxiliary", "after:technology", "final", "all_objects"]
    for stage in ["ledger", *stages, "stage_departments"]:
        assert whole(totals.loc[stage, "amount"]) == whole_ledger, stage
    assert totals.loc[stages, "difference"].tolist() == [0.0] * len(stages)
    assert whole(totals.loc["objects", "amount"]) == inside
    assert whole(totals.loc["outside_scope", "amount"]) == whole_ledger - inside
    by_item = statement.totals("element")
    for stage in stages:
        held = by_item[by_item["stage"] == stage].set_index("element")["amount"]
        assert {item: whole(yuan) for item, yuan in held.items()} == done.fen(lambda line: line.item), stage
    by_fund = statement.totals("fund_source")
    for stage in stages[:-1]:
        held = by_fund[by_fund["stage"] == stage].set_index("fund_source")["amount"]
        assert {fund: whole(yuan) for fund, yuan in held.items()} == done.fen(lambda line: line.fund_source), stage


def test_the_statement_stands_in_a_table_and_in_a_text(done: Done) -> None:
    table, text = done.tables["reconciliation"], (done.out / "reconciliation.txt").read_text(encoding="utf-8")
    assert table["difference"].fillna(0.0).abs().max() == 0.0
    assert set(table["view"]) == {"total", "element", "fund_source", "both"}
    assert f"{done.total() / 100:,.2f}" in text
    assert "差异 0.00" in text
    for word in ("成本核对表", "行政后勤分摊后", "医疗辅助分摊后", "医疗技术分摊后", "按成本项目", "按资金来源"):
        assert word in text


# ------------------------------------------------------------------------------------------------ cube and cases


def test_the_cube_holds_the_ledger_in_scope_by_element(done: Done) -> None:
    held = {str(element): whole(rows) for element, rows in done.cube.groupby("element", observed=True)["cost"]}
    expected = done.fen(lambda line: line.element, IN_SCOPE)
    assert held == {element: fen for element, fen in expected.items() if fen}


def test_the_cube_of_a_case_is_its_cost(done: Done) -> None:
    cases = done.cases
    assert len(cases) == len(done.result.computation.model.tables["discharges"]) + 5
    assert cases["kind"].tolist()[-5:] == ["outpatient", "non_patient", "unmatched", "unassigned", "unused_capacity"]
    for column in ("cost", "variable_cost"):
        fen = (done.cube[column] * 100).round().astype(np.int64)
        by_case = fen.groupby(done.cube["case_id"].astype(object)).sum()
        own = cases[cases["case_id"].notna()].set_index("case_id")[column]
        difference = (own * 100).round().astype(np.int64) - by_case.reindex(own.index).fillna(0)
        assert difference.abs().max() == 0
        rest = done.cube.loc[done.cube["case_id"].isna(), column]
        assert whole(rest) == whole(cases.loc[cases["case_id"].isna(), column])
        assert (own >= 0).all()
    assert (cases["variable_cost"] <= cases["cost"] + 1e-9).all()


def test_the_three_case_methods_give_the_same_grand_total(done: Done) -> None:
    costs = done.result.computation.cases
    assert list(costs) == ["bottom-up", "top-down", "cost-to-revenue"]
    expected = done.fen(lambda line: line.element, IN_SCOPE)
    for one in costs.values():
        assert one.total == done.total(IN_SCOPE)
        held = one.by_kind.sum().to_dict()
        assert {element: fen for element, fen in held.items() if fen} == {k: v for k, v in expected.items() if v}
    means = done.tables["case_methods"]
    for method, one in costs.items():
        cases = one.totals[one.totals["kind"].isin(["discharged", "in_hospital"])]
        assert (means[method] * means["cases"]).sum() == pytest.approx(cases["cost"].sum(), rel=1e-12)
    assert means["cases"].sum() == cases.shape[0]


def test_the_views_hold_the_cost_of_discharged_cases(done: Done) -> None:
    discharged = whole(done.cases.loc[done.cases["kind"] == "discharged", "cost"])
    for name in ("drg_national", "drg_inek"):
        table = done.tables[name]
        assert whole(table["cost"]) == discharged
        assert set(table["drg"].dropna()) == set(done.tables["drg_detail"]["drg"]) - {""}


# ------------------------------------------------------------------------------------------- departments, objects


def test_department_tables_hold_the_ledger(quarter: Done) -> None:
    direct = quarter.tables["department_direct"].set_index("dept_code")
    full = quarter.tables["department_direct_full"].set_index("dept_code")
    assert set(direct.index) == {row[0] for row in DEPARTMENTS}
    medical = quarter.fen(lambda line: (line.dept_code, line.item), ("basic",))
    every = quarter.fen(lambda line: line.dept_code)
    for code in direct.index:
        for item in ITEMS:
            assert whole(direct.loc[code, item]) == medical.get((code, item), 0)
        assert whole(full.loc[code, "hospital_full"]) == every[code]
    assert direct["entered_direct"].add(direct["entered_computed"]).round(2).equals(direct["total"])


def test_department_tables_add_up_to_the_ledger(done: Done) -> None:
    tables = done.tables
    assert whole(tables["department_direct"]["total"]) == done.total(("basic",))
    assert whole(tables["department_direct_full"]["hospital_full"]) == done.total()
    assert whole(tables["clinical_full"]["total_full"]) == done.total(("basic",))
    assert whole(tables["clinical_composition"]["total"]) == done.total(IN_SCOPE)
    summary = tables["allocation_summary"]
    assert whole(summary["direct"]) == whole(summary["final"]) == done.total()
    assert whole(summary[["administration", "auxiliary", "technology"]]) == whole(summary["given"])
    assert whole(summary.loc[summary["category"] != "clinical", "final"]) == 0
    for method in ("direct", "step-down", "three-level", "reciprocal", "double"):
        assert whole(tables["allocation_methods"][method]) == done.total()
    by_item = done.fen(lambda line: line.item, IN_SCOPE)
    assert {item: whole(tables["clinical_composition"][item]) for item in ITEMS} == {
        item: by_item.get(item, 0) for item in ITEMS
    }


def test_the_four_totals_nest(done: Done) -> None:
    def outside(line: Posting) -> str:
        """The first scope a line counts in."""
        if line.fund_source == "basic":
            return "medical" if line.dept_code in done.administration else "medical_business"
        return "medical_full" if line.fund_source in IN_SCOPE else "hospital_full"

    added, held = done.fen(outside), 0
    mean = {}
    for table, unit, units in (("visit_cost", "visit", "visits"), ("bed_day_cost", "bed_day", "bed_days")):
        frame = done.tables[table]
        for goods in ("", "_without_goods"):
            per = [frame[f"{scope}{goods}_per_{unit}"] for scope in SCOPES]
            for smaller, larger in pairwise(per):
                assert (smaller.fillna(0) <= larger.fillna(0) + 1e-9).all()
        for scope in SCOPES:
            assert (
                frame[f"{scope}_without_goods_per_{unit}"].fillna(0) <= frame[f"{scope}_per_{unit}"].fillna(0) + 1e-9
            ).all()
            mean[unit, scope] = (frame[f"{scope}_per_{unit}"] * frame[units]).sum()
    assert set(added) <= set(SCOPES)
    for scope in SCOPES:
        held += added.get(scope, 0)
        # No department of these models has cost without visits or bed-days, so that nothing is left blank.
        assert mean["visit", scope] + mean["bed_day", scope] == pytest.approx(held / 100, abs=0.02)


def test_visits_and_bed_days_are_cost_by_units(done: Done) -> None:
    workload = done.result.computation.model.tables["workload"]
    asked = (
        ("visit_cost", "visits", ("outpatient_visits", "emergency_visits"), done.result.computation.visits, "visit"),
        ("bed_day_cost", "bed_days", ("bed_days",), done.result.computation.bed_days, "bed_day"),
    )
    together = 0
    for name, units, indicators, costs, unit in asked:
        table = done.tables[name].set_index("dept_code")
        counted = workload[workload["indicator"].isin(indicators)].groupby("dept_code")["value"].sum()
        assert table[units].sum() == counted.sum() > 0
        assert table[units].to_dict() == counted[counted > 0].reindex(table.index).fillna(0).to_dict()
        assert table[name].to_numpy() == pytest.approx((table["total"] / table[units]).to_numpy())
        assert table[f"medical_full_per_{unit}"].to_numpy() == pytest.approx(table[name].to_numpy())
        assert costs.cost("medical_full") == pytest.approx(table["total"].sum() / table[units].sum())
        together += whole(table["total"])
    assert together == done.total(IN_SCOPE)


def test_items_goods_and_what_no_item_has_are_the_ledger_in_scope(done: Done) -> None:
    items = done.result.computation.items
    assert items is not None
    goods = sum(fen for element, fen in done.fen(lambda line: line.element, IN_SCOPE).items() if element in GOODS)
    left = int(items.unused.sum() + items.unassigned.sum())
    assert whole(items.by_department["cost"]) + left + goods == done.total(IN_SCOPE)
    detail, summary = done.tables["item_detail"], done.tables["item_summary"]
    assert whole(detail["cost"]) == whole(summary["cost"]) == int(items.fen.sum())
    pools = detail.groupby("dept_code")["cost"].sum()
    unit = (detail["unit_cost"] * detail["quantity"]).groupby(detail["dept_code"]).sum()
    assert unit.to_numpy() == pytest.approx(pools.to_numpy(), rel=1e-9)
    by_item = detail.groupby("item_code")["cost"].sum().round(2)
    assert summary.set_index("item_code")["cost"].to_dict() == pytest.approx(by_item.to_dict())


# -------------------------------------------------------------------------------------- groups, weights, payment


def test_margins_reconcile_with_the_cases(done: Done) -> None:
    value = done.result.computation.value
    assert value is not None
    assert value.margins is not None
    kept = value.margins.reconciliation.set_index("cases")
    assert kept.loc["difference"].abs().max() == 0
    assert kept.loc["all", "n"] == (done.cases["kind"] == "discharged").sum()
    paid = done.cases[done.cases["case_id"].isin(value.margins.cases["case_id"])]
    assert len(paid) == kept.loc["paid", "n"]
    for name in ("margins_drg", "margins_department", "margins_physician"):
        table = done.tables[name]
        assert table["cases"].sum() == len(paid)
        assert whole(table["full_cost"]) == whole(paid["cost"])
        assert whole(table["variable_cost"]) == whole(paid["variable_cost"])
        assert whole(table["payment"]) == whole(kept.loc["paid", "payment"])
        assert whole(table["margin"]) == whole(table["payment"]) - whole(table["full_cost"])
        assert whole(table["contribution"]) == whole(table["payment"]) - whole(table["variable_cost"])
        assert whole(table["charge_margin"]) == whole(table["payment"]) - whole(table["charges"])


def test_payment_of_the_drg_table_is_payment_of_its_cases(done: Done) -> None:
    detail, margins = done.tables["drg_detail"], done.tables["margins_drg"]
    own = detail[detail["status"] == "grouped"].set_index("drg")
    paid = margins[margins["drg"] != ""].set_index("drg")
    assert own["payment"].dropna().to_dict() == paid["payment"].to_dict()
    assert own["result"].dropna().to_dict() == paid["margin"].to_dict()
    discharged = done.cases[done.cases["kind"] == "discharged"]
    assert detail["cases"].sum() == (done.cases["kind"].isin(["discharged", "in_hospital"])).sum()
    assert whole(detail.loc[detail["kind"] == "discharged", "cost"]) == whole(discharged["cost"])


def test_payments_by_weights_of_the_run_add_up_to_the_charges(runs: dict[str, Done]) -> None:
    value = runs["hospital"].result.computation.value
    assert value is not None
    assert value.payment is not None
    paid = value.margins.cases
    assert len(paid) > 3000
    assert whole(paid["payment"]) == whole(paid["charges"])
    assert {finding.rule for finding in value.findings} == {"model_weights"}


def without_own_payment() -> dict[str, Any]:
    tables = model_tables()
    for case in tables["discharges"]:
        case["payment"] = ""
    return tables


def test_groups_without_a_weight_are_listed_and_not_paid(tmp_path: Path) -> None:
    tables = without_own_payment()
    tables["weights"] = [row for row in tables["weights"] if row["drg"] != "GD25"]
    settings = '[payment]\nweights = "table"\nrate = 8000.0\n'
    result = costing.run(write_model(tmp_path / "model", tables, settings), tmp_path / "out")
    listed = [finding for finding in result.findings if finding.rule == "no_weight"]
    assert [finding.severity for finding in listed] == ["warning"]
    assert "GD25" in listed[0].problem
    assert result.manifest["findings"]["warning"] >= 1
    value = result.computation.value
    assert value is not None
    assert value.margins is not None
    assert sorted(value.margins.unpaid["case_id"]) == ["1004", "1005", "1008"]
    detail = pd.read_parquet(tmp_path / "out/tables/drg_detail.parquet").set_index("drg")
    assert detail.index.tolist() == ["ES21", "ES23", "GD25", "HC23", "HC25", ""]
    assert detail.loc["GD25", ["payment", "result", "weight"]].isna().all()
    assert detail.loc["GD25", "cost"] > 0
    margins = pd.read_parquet(tmp_path / "out/tables/margins_drg.parquet").set_index("drg")
    assert margins.index.tolist() == ["ES21", "ES23", "HC23", "HC25"]
    assert margins.loc["ES21", "payment"] == 2 * 8000 * 1.32
    weights = pd.read_parquet(tmp_path / "out/tables/weights.parquet").set_index("drg")
    assert np.isnan(weights.loc["GD25", "weight_payment"])


@pytest.fixture(scope="module")
def ungrouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the fixture with two ungroupable cases (0000) and an ambiguous one (ESQY), all with a payment."""
    folder = tmp_path_factory.mktemp("ungrouped")
    tables = model_tables()
    stated = {"1001": ("0000", "ungroupable"), "1002": ("0000", "ungroupable"), "1003": ("ESQY", "ambiguous")}
    for case in tables["discharges"]:
        case["drg"], case["status"] = stated.get(case["case_id"], (case["drg"], "grouped" if case["drg"] else ""))
        case["adrg"] = case["drg"][:3]
    costing.run(write_model(folder / "model", tables), folder / "out")
    return folder / "out" / "tables"


GROUPS = ["ES21", "ES23", "GD25", "HC23", "HC25"]


@pytest.mark.parametrize("name", ["drg_detail", "drg_composition", "case_methods"])
def test_cases_that_belong_to_no_group_stand_in_rows_of_their_own(name: str, ungrouped: Path) -> None:
    table = pd.read_parquet(ungrouped / f"{name}.parquet")
    assert table.loc[table["status"] == "grouped", "drg"].tolist() == GROUPS
    rest = table[table["status"] != "grouped"]
    assert rest["drg"].tolist() == ["", "", ""]
    assert dict(zip(rest["status"], rest["cases"], strict=True)) == {
        "ambiguous": 1,
        "ungroupable": 2,
        "in_hospital": 1,
    }
    assert table["cases"].sum() == len(CASES)


@pytest.mark.parametrize("name", ["weights", "margins_drg", "drg_national", "drg_inek"])
def test_a_code_of_no_group_is_no_row_among_drgs(name: str, ungrouped: Path) -> None:
    table = pd.read_parquet(ungrouped / f"{name}.parquet")
    assert sorted(set(table["drg"].dropna()) - {""}) == GROUPS


def test_a_payment_stands_once_in_the_drg_table(ungrouped: Path) -> None:
    table = pd.read_parquet(ungrouped / "drg_detail.parquet")
    assert whole(table["payment"].dropna()) == whole(pd.read_parquet(ungrouped / "margins_drg.parquet")["payment"])
    assert table.loc[table["status"] == "in_hospital", ["payment", "result"]].isna().all(axis=None)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> CostingResult:
    """Results of the fixture where some payments are stated, some computed, and one group has neither."""
    folder = tmp_path_factory.mktemp("mixed")
    tables = model_tables()
    for case in tables["discharges"]:
        if case["drg"] in ("ES21", "GD25"):
            case["payment"] = ""
    tables["weights"] = [row for row in tables["weights"] if row["drg"] != "GD25"]
    settings = '[payment]\nweights = "table"\nrate = 8000.0\n'
    return costing.run(write_model(folder / "model", tables, settings), folder / "out")


def test_payments_of_two_sources_are_counted(mixed: CostingResult) -> None:
    value = mixed.computation.value
    assert value is not None
    assert value.payment_used == {
        "weights_from": "weights.csv",
        "rate": 8000.0,
        "given": value.settled,
        "computed": 2,
        "unpaid": 3,
    }
    assert [one.severity for one in mixed.findings if one.rule == "mixed_payment"] == ["note"]
    notes = pd.read_parquet(mixed.folder / "tables/notes.parquet")
    told = notes[notes["section"] == "payment"].set_index("item")["value"].to_dict()
    assert told["payment_used.rate"] == "8,000.00"
    assert told["payment_used.weights_from"] == "weights.csv"
    about = pq.read_schema(mixed.folder / "tables/drg_detail.parquet").metadata
    assert any(b"2 from weight and rate" in text for text in about.values())
    assert any(b"3 more cases have no payment" in text for text in about.values())


def test_payment_and_result_of_a_case_stand_in_the_table_of_cases(mixed: CostingResult) -> None:
    cases = pd.read_parquet(mixed.folder / "cases.parquet")
    discharged = cases[cases["kind"] == "discharged"]
    assert cases.loc[cases["kind"] != "discharged", ["payment", "weight", "margin"]].isna().all(axis=None)
    assert Counter(discharged["payment_from"].fillna("")) == {"table": 6, "weights": 2, "": 3}
    unpaid = discharged[discharged["payment_from"].isna()]
    assert set(unpaid["drg"]) == {"GD25"}
    assert unpaid[["payment", "weight", "margin"]].isna().all(axis=None)
    paid = discharged.dropna(subset="payment")
    assert (paid["payment"] - paid["cost"]).round(2).tolist() == paid["margin"].tolist()
    assert paid.loc[paid["drg"] == "ES21", "weight"].tolist() == [1.32, 1.32]


def test_every_row_of_the_drg_table_sets_payment_against_the_cost_of_paid_cases(mixed: CostingResult) -> None:
    table = pd.read_parquet(mixed.folder / "tables/drg_detail.parquet")
    known = table.dropna(subset="payment")
    assert (known["payment"] - known["paid_cost"]).round(2).tolist() == known["result"].tolist()
    assert known["paid_cases"].sum() == 8
    whole_table = pd.read_parquet(mixed.folder / "tables/margins_drg.parquet")
    assert whole(known["result"]) == whole(whole_table["margin"])


def departments_only() -> dict[str, Any]:
    """The fixture without charge lines and cases."""
    cases = ("discharges", "charges", "stays", "items", "goods", "service_units", "weights")
    tables = {name: rows for name, rows in model_tables().items() if name not in cases}
    for department in tables["departments"]:
        department["basis"] = "staff" if department["dept_code"] == "X02" else department["basis"]
    return tables


def test_a_comparison_that_policies_refuse_does_not_stop_a_run(tmp_path: Path) -> None:
    """By three levels, sterile supply serves no administration: its blank matters to the other methods alone."""
    tables = departments_only()
    tables["workload"].append({"dept_code": "A01", "indicator": "sterile_packs", "value": ""})
    result = costing.run(write_model(tmp_path / "model", tables), tmp_path / "out")
    comparison = result.computation.comparison
    assert list(comparison.allocations) == ["three-level"]
    assert set(comparison.refused) == {"direct", "step-down", "reciprocal", "double"}
    assert "sterile_packs" in comparison.refused["reciprocal"]
    full = result.computation.departments.allocation.full.sum(axis=1)
    assert comparison.totals["three-level"].to_numpy() == pytest.approx(full.to_numpy(), abs=1e-6)
    about = pq.read_schema(tmp_path / "out/tables/allocation_methods.parquet").metadata
    assert "交互分配法" in about[b"remark1_zh"].decode()


@pytest.mark.parametrize("method", ["direct", "step-down", "three-level", "reciprocal", "double"])
def test_the_own_method_of_the_comparison_is_that_of_the_run(method: str, tmp_path: Path) -> None:
    settings = f'[allocation]\nmethod = "{method}"\n'
    made = compute_model(costing.read_model(write_model(tmp_path / "model", departments_only(), settings)))
    full = made.departments.allocation.full.sum(axis=1)
    assert made.comparison.totals[method].to_numpy() == pytest.approx(full.to_numpy(), abs=1e-6)


def test_unfinished_folders_of_killed_runs_are_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, running = (tmp_path / f".out.{number}-0.part" for number in (gone.pid, os.getppid()))
    for folder in (left, running, tmp_path / ".out.part", tmp_path / f".other.{gone.pid}-0.part"):
        folder.mkdir()
        (folder / "file").touch()
    with result_folder(tmp_path / "out") as folder:
        (folder / "file").touch()
    assert not left.exists()
    assert running.exists()
    assert (tmp_path / ".out.part").exists()
    assert (tmp_path / f".other.{gone.pid}-0.part").exists()


def test_a_file_is_no_parent_of_a_result_folder(tmp_path: Path) -> None:
    (tmp_path / "afile").touch()
    with pytest.raises(OutputFileError, match="afile' is a file, not a folder"):
        check_folder(tmp_path / "afile" / "sub")


# ------------------------------------------------------------------------------------------------------ workbook


def printed(table: str, path: Path) -> Iterator[tuple[str, str, str]]:
    """Name, title and kind of the columns of a table."""
    for field in pq.read_schema(path / f"{table}.parquet"):
        if field.name.endswith("_zh"):
            continue  # the same in Chinese, which a sheet shows in its place
        notes = {key.decode(): value.decode() for key, value in field.metadata.items()}
        if not field.name.endswith("_zh"):  # a further language of the same column
            yield field.name, notes["title_zh"], notes["kind"]


def test_totals_of_the_workbook_are_the_sums_of_the_tables(done: Done) -> None:
    path = done.out / "成本报表.xlsx"
    cached = python_calamine.CalamineWorkbook.from_path(str(path))
    formulas = openpyxl.load_workbook(path, read_only=True)
    assert cached.sheet_names == formulas.sheetnames
    assert cached.sheet_names[0] == "目录"
    compared = 0
    for name in done.tables.keys() - {"drg_national", "drg_inek"}:
        form = table_form(name)
        rows = cached.get_sheet_by_name(form.sheet["zh"]).to_python()
        assert rows[0][0] == form.title["zh"]
        columns = list(printed(name, done.out / "tables"))
        assert rows[3] == [title for _, title, _ in columns]
        if not form.total:
            continue
        assert "合计" in rows[-1]
        typed = next(formulas[form.sheet["zh"]].iter_rows(min_row=len(rows), values_only=True))
        for place, (column, _, kind) in enumerate(columns):
            if kind in ("amount", "count") and column not in form.blank_totals:
                assert typed[place].startswith("=SUM("), (name, column)
                assert rows[-1][place] == pytest.approx(done.tables[name][column].sum(), abs=0.001), (name, column)
                compared += 1
    formulas.close()
    assert compared > 100


def test_openpyxl_reads_formulas_and_their_values(quarter: Done) -> None:
    path = quarter.out / "成本报表.xlsx"
    formulas, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    seen = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    seen += 1
                    assert values[sheet.title][cell.coordinate].value is not None, (sheet.title, cell.coordinate)
                    assert cell.data_type == "f"
    assert seen > 500
    assert any("小计" in str(cell.value) for cell in values["科室直接成本（医疗成本）"]["C"])


# ---------------------------------------------------------------------------------------------- smaller models


def test_a_model_without_charges_costs_departments_alone(quarter: Done, tmp_path: Path) -> None:
    tables = model_tables()
    for name in ("charges", "discharges", "items", "goods", "stays", "service_units", "weights"):
        del tables[name]
    for department in tables["departments"]:
        if department["dept_code"] == "X02":
            department["basis"] = "staff"
    out = tmp_path / "out"
    result = costing.run(write_model(tmp_path / "model", tables), out)
    assert result.reconciliation.ok
    made = result.computation
    assert (made.items, made.pools, made.value, made.cases, made.main) == (None, None, None, {}, None)
    assert {path.stem for path in (out / "tables").iterdir()} == TABLES - CASE_TABLES
    assert sorted(path.name for path in out.iterdir()) == [
        "manifest.json",
        "reconciliation.txt",
        "tables",
        "成本报表.xlsx",
    ]
    assert whole(pd.read_parquet(out / "tables/clinical_composition.parquet")["total"]) == quarter.total(IN_SCOPE)
    assert "objects" not in set(result.reconciliation.lines["stage"])
    assert python_calamine.CalamineWorkbook.from_path(str(out / "成本报表.xlsx")).sheet_names


def test_charges_without_discharges_give_items_and_no_cases(quarter: Done, tmp_path: Path) -> None:
    tables = model_tables()
    for name in ("discharges", "stays", "weights"):
        del tables[name]
    settings = '[policies]\nunmatched_case = "list"\n'
    result = costing.run(write_model(tmp_path / "model", tables, settings), tmp_path / "out")
    assert result.reconciliation.ok
    assert result.computation.items is not None
    assert result.computation.cases == {}
    assert whole(result.computation.items.by_department["cost"]) == whole(quarter.tables["item_detail"]["cost"])
    assert not (tmp_path / "out" / "cases.parquet").exists()


def test_mistakes_of_a_model_are_named_together_and_nothing_is_written(tmp_path: Path) -> None:
    tables = model_tables()
    tables["ledger"][3]["dept_code"] = "Q99"
    tables["staff"][4]["dept_code"] = "Q98"
    with pytest.raises(CostingError) as caught:
        costing.run(write_model(tmp_path / "model", tables), tmp_path / "out")
    assert "Q99" in str(caught.value)
    assert "Q98" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


# ---------------------------------------------------------------------------------------------------- determinism


def as_folder(model: Path, groups: tuple[int, ...], seed: int) -> Path:
    """The charge lines of a model folder as a folder of Parquet files, shuffled, one file per size of row groups."""
    text = (model / "model.toml").read_text(encoding="utf-8")
    name = "charges.csv" if (model / "charges.csv").exists() else "charges.parquet"
    if name.endswith("csv"):
        rows = model_tables()["charges"]
        lines = pd.DataFrame(rows).replace({"": None})
    else:
        lines = pd.read_parquet(model / name)
    order = random.Random(seed).sample(range(len(lines)), len(lines))
    (model / name).unlink()
    (model / "charges").mkdir()
    for number, group in enumerate(groups):
        part = lines.iloc[order[number :: len(groups)]].reset_index(drop=True)
        part.to_parquet(model / "charges" / f"part{number}.parquet", row_group_size=group, index=False)
    (model / "model.toml").write_text(text.replace(f'"{name}"', '"charges"'), encoding="utf-8")
    return model


def test_the_order_of_charge_lines_does_not_matter(quarter: Done, tmp_path: Path) -> None:
    tables = model_tables()
    random.Random(5).shuffle(tables["charges"])
    costing.run(write_model(tmp_path / "model", tables), tmp_path / "out")
    one, two = files(quarter.out), files(tmp_path / "out")
    told = {"manifest.json", "tables/exceptions.parquet", "成本报表.xlsx"}  # these name rows of the charge lines
    assert {name for name in one if one[name] != two[name]} <= told


def test_charge_lines_may_be_split_into_files(quarter: Done, tmp_path: Path) -> None:
    model = as_folder(write_model(tmp_path / "model"), (1, 7, 1000), seed=3)
    costing.run(model, tmp_path / "out")
    for name in ("cases.parquet", "case_cube.parquet", "tables/item_detail.parquet", "trace/claims.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (quarter.out / name).read_bytes(), name


@pytest.mark.parametrize(("batch_rows", "threads"), [(1, 1), (13, 3)])
def test_batches_and_threads_do_not_matter(
    quarter: Done, batch_rows: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "read_activity", partial(read_activity, batch_rows=batch_rows, threads=threads))
    costing.run(quarter.source, tmp_path / "out")
    one, two = files(quarter.out), files(tmp_path / "out")
    assert {name for name in one if one[name] != two[name]} == {"manifest.json"}


def test_a_large_file_in_another_order_and_form_gives_the_same_cases(
    runs: dict[str, Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = as_folder(shutil.copytree(HOSPITAL, tmp_path / "model"), (1_000, 60_000), seed=9)
    monkeypatch.setattr(compute, "read_activity", partial(read_activity, batch_rows=5_000, threads=2))
    made = compute_model(costing.read_model(model))
    assert made.main is not None
    own = runs["hospital"].result.computation.main
    assert own is not None
    pd.testing.assert_frame_equal(made.main.totals, own.totals)
    assert made.main.cube.equals(own.cube)
