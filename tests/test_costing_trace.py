"""From the cost of a case back to ledger lines: what was traced adds up at every step, by any method."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from costing_fixture import CASES, model_tables, write_model

from drgengine import costing
from drgengine.costing.results.trace import Trace, trace_case
from drgengine.errors import CostingError

ROOT = Path(__file__).resolve().parent.parent
HOSPITAL = ROOT / "sample_cases" / "hospital"
CLOSE = 0.05
VARIANTS = {
    "bottom-up": "",
    "top-down": '[cases]\nmethods = ["top-down"]\nmain = "top-down"\n',
    "goods": '[cases]\nmethods = ["top-down"]\nmain = "top-down"\ngoods_scope = "department"\n',
    "hours": '[cases]\nmethods = ["top-down"]\nmain = "top-down"\ntop_down_key = "hours"\nscope = "medical_business"\n'
    '[allocation]\nmethod = "reciprocal"\n',
    "cost-to-revenue": '[cases]\nmethods = ["cost-to-revenue"]\nmain = "cost-to-revenue"\nscope = "hospital_full"\n'
    '[allocation]\nmethod = "step-down"\n',
    "double": '[cases]\nmethods = ["bottom-up"]\nscope = "medical"\n[allocation]\nmethod = "double"\n'
    '[items]\nmethod = "tdabc"\n',
}


@dataclass(frozen=True)
class Results:
    """A result folder and the model it came from."""

    model: Path
    folder: Path

    @cached_property
    def cube(self) -> pd.DataFrame:
        cube = pd.read_parquet(
            self.folder / "case_cube.parquet", columns=["case_id", "centre_group", "element", "cost"]
        )
        texts = cube.columns[:3]
        return cube[cube["case_id"].notna()].astype(dict.fromkeys(texts, object))

    @cached_property
    def lines(self) -> list[list[str]]:
        """The ledger file, row by row, headers included."""
        with (self.model / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))

    def trace(self, case: str, **asked: Any) -> Trace:
        return trace_case(self.folder, case, **asked)


def detailed() -> dict[str, Any]:
    """The fixture with personnel by role, so that a cost item has several elements."""
    tables = model_tables()
    rows = []
    for row in tables["ledger"]:
        if row["cost_item"] == "personnel":
            part = round(row["amount"] * 0.375, 2)
            rows.append(row | {"amount": part, "detail": "doctor"})
            rows.append(row | {"amount": round(row["amount"] - part, 2), "detail": "nurse"})
        else:
            rows.append(row | {"detail": ""})
    return tables | {"ledger": rows}


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Results]:
    """Results of the fixture by several methods, each made when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("variants"), dict[str, Results]()

    def get(name: str) -> Results:
        if name not in made:
            model = write_model(folder / name, detailed(), VARIANTS[name])
            costing.run(model, folder / f"{name}-out")
            made[name] = Results(model, folder / f"{name}-out")
        return made[name]

    return get


@pytest.fixture
def quarter(variants: Callable[[str], Results]) -> Results:
    return variants("bottom-up")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("hospital") / "out"
    costing.run(HOSPITAL, folder)
    return Results(HOSPITAL, folder)


def holds(found: Trace, cost: pd.Series) -> None:
    """Every step of a trace adds up to these cells of the cube, each of which was rounded to whole fen."""
    close = max(CLOSE, 0.02 * len(cost))
    assert found.amount == pytest.approx(cost.sum(), abs=0.001)
    for step in (found.pools, found.departments, found.origins, found.ledger):
        assert abs(step["amount"].sum() - cost.sum()) <= close, step
        assert step["amount"].is_monotonic_decreasing
    assert abs(found.remainder) <= close
    assert found.pools["share"].between(0, 1 + 1e-12).all()
    assert found.origins["share"].between(0, 1 + 1e-12).all()
    assert (found.pools["amount"] <= found.pools["pool_cost"] * (1 + 1e-12) + 1e-9).all()


def lines_exist(found: Trace, results: Results, *, amount: str, department: str) -> None:
    """The lines named stand in the ledger file at the row named."""
    headers = results.lines[0]
    money, code = headers.index(amount), headers.index(department)
    assert set(found.ledger["source_file"]) <= {"ledger.csv"}
    for row in found.ledger.itertuples():
        cells = results.lines[row.source_row - 1]
        if cells[code] == row.dept_code:  # a line that a department map has split names another code and amount
            assert float(cells[money]) == pytest.approx(row.line_amount)


# --------------------------------------------------------------------------------------------------- it adds up


@pytest.mark.parametrize("name", VARIANTS)
def test_ledger_lines_add_up_to_every_cell_of_the_cube(name: str, variants: Callable[[str], Results]) -> None:
    results = variants(name)
    drawn = random.Random(name)
    for case in drawn.sample([case[0] for case in CASES], 3):
        own = results.cube[results.cube["case_id"] == case]
        holds(results.trace(case), own["cost"])
        for row in drawn.sample(list(own.itertuples()), min(3, len(own))):
            found = results.trace(case, centre=row.centre_group, element=row.element)
            holds(found, own.loc[[row.Index], "cost"])
            assert set(found.pools["centre_group"]) == {row.centre_group}
            assert set(found.ledger["element"]) <= {row.element}
            lines_exist(found, results, amount="amount", department="dept_code")


def test_traces_of_drawn_cases_of_a_hospital(hospital: Results) -> None:
    drawn = random.Random(20250101)
    cells = list(hospital.cube.itertuples())
    for row in drawn.sample(cells, 6):
        found = hospital.trace(row.case_id, centre=row.centre_group, element=row.element)
        holds(found, hospital.cube.loc[[row.Index], "cost"])
        lines_exist(found, hospital, amount="金额", department="科室编码")
    for row in drawn.sample(cells, 2):
        own = hospital.cube[hospital.cube["case_id"] == row.case_id]
        holds(hospital.trace(row.case_id), own["cost"])
        inside = own[own["centre_group"] == row.centre_group]
        holds(hospital.trace(row.case_id, centre=row.centre_group), inside["cost"])


def test_a_cost_item_takes_all_its_details(quarter: Results) -> None:
    own = quarter.cube[quarter.cube["case_id"] == "1003"]
    parts = own[own["element"].str.startswith("personnel:")]
    assert set(parts["element"]) == {"personnel:doctor", "personnel:nurse"}
    found = quarter.trace("1003", element="personnel")
    holds(found, parts["cost"])
    assert set(found.ledger["element"]) == {"personnel:doctor", "personnel:nurse"}
    both = [quarter.trace("1003", element=name).amount for name in ("personnel:doctor", "personnel:nurse")]
    assert sum(both) == pytest.approx(found.amount, abs=0.001)


def test_an_element_is_no_beginning_of_another(quarter: Results) -> None:
    """materials are materials of the pools; those charged separately are materials:charged, a part of the cost item."""
    own = quarter.cube[(quarter.cube["case_id"] == "1006")].groupby("element")["cost"].sum()
    assert quarter.trace("1006", element="materials:charged").amount == pytest.approx(own["materials:charged"])
    whole = own["materials"] + own["materials:charged"]
    assert quarter.trace("1006", element="materials").amount == pytest.approx(whole)
    with pytest.raises(CostingError, match="material'"):
        quarter.trace("1006", element="material")


def test_overhead_is_followed_to_the_departments_it_came_from(quarter: Results) -> None:
    found = quarter.trace("1001", centre="检验科", element="depreciation")
    assert found.departments["dept_code"].tolist() == ["T01"]
    assert set(found.origins["origin"]) == {"A01", "A02", "X02", "T01"}
    own = found.origins.set_index("origin")
    assert own.loc["T01", "share"] == 1.0
    # 4 of the 45 full-time staff that administration serves, and a part of what X02 took over and passed on.
    assert 4 / 45 < own.loc["A01", "share"] < 6 / 45
    assert found.ledger["dept_code"].isin(own.index).all()


def test_a_patient_still_in_hospital_can_be_traced(quarter: Results) -> None:
    found = quarter.trace("1012")
    assert found.case["kind"] == "in_hospital"
    holds(found, quarter.cube[quarter.cube["case_id"] == "1012"]["cost"])


def test_a_case_without_charges_has_nothing_to_trace(tmp_path: Path) -> None:
    tables = model_tables()
    tables["charges"] = [line for line in tables["charges"] if line["case_id"] != "1008"]
    costing.run(write_model(tmp_path / "model", tables), tmp_path / "out")
    found = trace_case(tmp_path / "out", "1008")
    assert (found.amount, found.remainder, len(found.ledger)) == (0.0, 0.0, 0)


def test_a_trace_needs_nothing_but_the_result_folder(quarter: Results, tmp_path: Path) -> None:
    moved = shutil.copytree(quarter.folder, tmp_path / "moved")
    one, two = trace_case(moved, "1004", element="other"), quarter.trace("1004", element="other")
    assert one.amount == two.amount
    pd.testing.assert_frame_equal(one.ledger, two.ledger)


# ------------------------------------------------------------------------------------------------------- errors


def refused(results: Path, case: str, **asked: Any) -> CostingError:
    with pytest.raises(CostingError) as caught:
        trace_case(results, case, **asked)
    assert caught.value.remedy
    assert caught.value.place
    return caught.value


def test_an_unknown_case_is_refused_with_where_to_look(quarter: Results, hospital: Results) -> None:
    error = refused(quarter.folder, "9999")
    assert "9999" in error.problem
    assert "cases.parquet" in error.remedy
    case = hospital.cube["case_id"].iloc[0]
    assert case.startswith("00000")
    assert case in refused(hospital.folder, case.lstrip("0")).remedy


def test_an_unknown_centre_is_refused_with_those_of_the_case(quarter: Results) -> None:
    error = refused(quarter.folder, "1001", centre="手术室")
    assert "手术室" in error.place
    for group in ("ward", "检验科", "影像科", "drugs"):
        assert group in error.remedy


def test_an_unknown_element_is_refused_with_those_of_the_case(quarter: Results) -> None:
    error = refused(quarter.folder, "1001", element="salaries")
    assert "salaries" in error.place
    for element in ("personnel:nurse", "depreciation", "drugs"):
        assert element in error.remedy
    assert "drugs" not in refused(quarter.folder, "1001", centre="ward", element="salaries").remedy


def test_a_folder_without_results_is_refused(quarter: Results, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none", quarter.model, quarter.folder / "cases.parquet"):
        error = refused(folder, "1001")
        assert error.place == str(folder)
        assert "-o" in error.remedy


def test_results_without_cases_say_what_the_model_needs(tmp_path: Path) -> None:
    tables = model_tables()
    for name in ("charges", "discharges", "items", "goods", "stays", "service_units", "weights"):
        del tables[name]
    for department in tables["departments"]:
        department["basis"] = department["basis"] or "staff"
    costing.run(write_model(tmp_path / "model", tables), tmp_path / "out")
    assert "charge" in refused(tmp_path / "out", "1001").remedy


# ------------------------------------------------------------------------------------------------------ command


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_command_writes_every_line(ending: str, quarter: Results, tmp_path: Path, run: Any) -> None:
    file = tmp_path / f"lines.{ending}"
    code, out, err = run("cost", "trace", quarter.folder, "--case", "1007", "-o", file, "--lang", "en", "--top", 2)
    assert (code, err) == (0, "")
    written = pd.read_csv(file, encoding="utf-8-sig") if ending == "csv" else pd.read_parquet(file)
    found = quarter.trace("1007")
    assert written.columns.tolist() == found.ledger.columns.tolist()
    assert len(written) == len(found.ledger)
    assert abs(written["amount"].sum() - found.amount) <= CLOSE
    assert written["source_row"].tolist() == found.ledger["source_row"].tolist()
    assert f"{found.amount:,.2f}" in out
    assert "HC23" in out
    assert f"{len(written) - 2} others" in out


def test_the_command_speaks_chinese(quarter: Results, run: Any) -> None:
    code, out, _ = run("cost", "trace", quarter.folder, "--case", "1007", "--centre", "手术室", "--lang", "zh")
    assert code == 0
    for word in ("病例 1007", "成本池", "来源科室", "明细合计", "取整差额", "ledger.csv"):
        assert word in out


def test_the_command_shows_a_case_without_drg(quarter: Results, run: Any) -> None:
    code, out, _ = run("cost", "trace", quarter.folder, "--case", "1012", "--lang", "en")
    assert code == 0
    assert "nan" not in out.lower().split("ledger")[0]
    assert "DRG -" in out


def test_the_command_refuses_with_exit_code_2(quarter: Results, tmp_path: Path, run: Any) -> None:
    for words in (
        ("trace", quarter.folder, "--case", "9999"),
        ("trace", quarter.folder, "--case", "1001", "--element", "salaries"),
        ("trace", tmp_path, "--case", "1001"),
        ("trace", quarter.folder),
        ("trace", quarter.folder, "--case", "1001", "-o", tmp_path / "lines.pdf"),
        ("trace", quarter.folder, "--case", "1001", "-o", tmp_path / "none" / "lines.csv"),
    ):
        code, _, err = run("cost", *words)
        assert code == 2, words
        assert "rror" in err
        assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
