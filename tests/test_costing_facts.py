"""What an accountant may rely on, whatever the amounts: nothing is lost, and what cannot matter does not.

Drawn hospitals are the departments, charge lines and cases of the fixture with other amounts in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from costing_fixture import model_tables, write_model
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drgengine import costing
from drgengine.costing.compute import Computation, compute_model
from drgengine.costing.model import SCOPES, CostModel, ItemMethod, Scope, with_method
from drgengine.costing.runmodel import CostingResult

FEW = settings(max_examples=5)
METHODS = ("three-level", "direct", "step-down", "reciprocal", "double")
ITEM_METHODS: tuple[ItemMethod, ...] = get_args(ItemMethod)
FUNDS = {
    "medical_business": ("basic",),
    "medical": ("basic",),
    "medical_full": ("basic", "fiscal_project", "other_fiscal"),
    "hospital_full": ("basic", "fiscal_project", "other_fiscal", "research_teaching", "non_medical"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CostModel:
    """The fixture as read."""
    return costing.read_model(write_model(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def departments_alone(tmp_path_factory: pytest.TempPathFactory) -> CostModel:
    """The fixture without charge lines and cases."""
    tables = model_tables()
    for name in ("charges", "discharges", "items", "goods", "stays", "service_units", "weights"):
        del tables[name]
    for department in tables["departments"]:
        department["basis"] = "staff" if department["dept_code"] == "X02" else department["basis"]
    return costing.read_model(write_model(tmp_path_factory.mktemp("alone"), tables))


@dataclass(frozen=True)
class Amounts:
    """How a ledger is drawn: a seed for its amounts, the share of lines without any, how large they are.

    step : amounts are multiples of so many fen; negative : share of lines that take something back
    """

    seed: int
    zeros: float
    digits: int
    step: int
    negative: float

    def drawn(self, model: CostModel) -> CostModel:
        """The model with other amounts, fund sources, details and behaviours in its ledger."""
        rng = np.random.default_rng(self.seed)
        ledger = model.tables["ledger"].copy()
        lines = len(ledger)
        fen = rng.integers(0, 10**self.digits, lines) // self.step * self.step
        fen = np.where(rng.random(lines) < self.negative, -fen, fen)
        ledger["amount"] = np.where(rng.random(lines) < self.zeros, 0, fen) / 100
        ledger["fund_source"] = rng.choice(FUNDS["hospital_full"], lines, p=[0.8, 0.05, 0.05, 0.05, 0.05])
        ledger["behaviour"] = rng.choice(["fixed", "variable", "mixed"], lines)
        personnel = (ledger["cost_item"] == "personnel").to_numpy()
        ledger["detail"] = np.where(personnel & (rng.random(lines) < 0.5), "nurse", None)
        policies = replace(model.settings.policies, negative_cost="allocate")
        chosen = replace(model.settings, policies=policies)
        return replace(model, settings=chosen, tables={**model.tables, "ledger": ledger})


def amounts(step: int = 1, negative: float = 0.2) -> st.SearchStrategy[Amounts]:
    return st.builds(
        Amounts,
        seed=st.integers(0, 10**9),
        zeros=st.sampled_from([0.0, 0.3, 0.9]),
        digits=st.integers(3, 10),
        step=st.just(step),
        negative=st.sampled_from([0.0, negative]),
    )


def elements(ledger: Any) -> Iterator[tuple[str, str, str, int]]:
    """Department, element, fund source and fen of every line, worked out anew."""
    for line in ledger.itertuples():
        if line.separately_charged and line.cost_item == "materials":
            element = "materials:charged"
        else:
            element = f"{line.cost_item}:{line.detail}" if isinstance(line.detail, str) else line.cost_item
        yield line.dept_code, element, line.fund_source, round(line.amount * 100)


def expected(model: CostModel, scope: Scope | None = None) -> dict[str, int]:
    """Fen of the ledger per element, in a scope."""
    category = dict(zip(model.tables["departments"]["dept_code"], model.tables["departments"]["category"], strict=True))
    sums: dict[str, int] = {}
    for code, element, fund, fen in elements(model.tables["ledger"]):
        own = scope is None or fund in FUNDS[scope]
        if own and not (scope == "medical_business" and category[code] == "administration"):
            sums[element] = sums.get(element, 0) + fen
    return {element: fen for element, fen in sums.items() if fen}


def without_zeros(sums: Any) -> dict[Any, int]:
    return {key: int(fen) for key, fen in dict(sums).items() if fen}


def in_method(model: CostModel, method: str, scope: Scope = "medical_full") -> CostModel:
    cases = replace(model.settings.cases, scope=scope)
    changed = replace(model, settings=replace(model.settings, cases=cases))
    return with_method(changed, method)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------- conservation


@FEW
@given(amounts(), st.sampled_from(METHODS))
def test_every_level_holds_the_ledger_by_item_and_fund_source(
    departments_alone: CostModel, drawn: Amounts, method: str
) -> None:
    model = in_method(drawn.drawn(departments_alone), method)
    made = compute_model(model)
    sums: dict[tuple[str, str], int] = {}
    by_department: dict[str, int] = {}
    for code, element, fund, fen in elements(model.tables["ledger"]):
        sums[element, fund] = sums.get((element, fund), 0) + fen
        by_department[code] = by_department.get(code, 0) + fen
    ledger = without_zeros(sums)
    costs, keys = made.departments, ["element", "fund_source"]
    assert without_zeros(made.direct.matrix.T.groupby(level=[0, 1]).sum().sum(axis=1)) == ledger
    assert without_zeros(made.direct.matrix.sum(axis=1)) == without_zeros(by_department)
    for cells in (costs.cells, costs.stage_cells, *(rows for _, rows in costs.after_level.groupby("level"))):
        assert without_zeros(cells.groupby(keys)["fen"].sum()) == ledger
    levels = costs.levels.set_index(["dept_code", "category"])
    if not drawn.negative:
        assert (levels[list(costs.level_names)] >= 0).all(axis=None)
    assert int(levels[list(costs.level_names)].to_numpy().sum()) == int(levels["given"].sum())
    assert not levels["final"][levels.index.get_level_values("category") != "clinical"].any()
    assert made.reconciliation.ok


@FEW
@given(amounts(), st.sampled_from(METHODS), st.sampled_from(SCOPES))
@example(Amounts(seed=7, zeros=0.0, digits=7, step=1, negative=0.0), "three-level", "medical_business")
def test_cost_objects_hold_the_ledger_in_scope_by_every_case_method(
    base: CostModel, drawn: Amounts, method: str, scope: Scope
) -> None:
    model = in_method(drawn.drawn(base), method, scope)
    made = compute_model(model)
    inside, whole = expected(model, scope), expected(model)
    for costs in made.cases.values():
        assert without_zeros(costs.by_kind.sum()) == inside
        left = {element: whole[element] - inside.get(element, 0) for element in whole}
        assert without_zeros(costs.outside) == without_zeros(left)
        if not drawn.negative:
            assert ((costs.variable >= 0) & (costs.variable <= costs.cost)).all()
    assert made.reconciliation.ok
    assert made.reconciliation.largest == 0.0


@FEW
@given(amounts())
def test_methods_of_allocation_agree_on_the_total(departments_alone: CostModel, drawn: Amounts) -> None:
    model = drawn.drawn(departments_alone)
    comparison = compute_model(model).comparison
    total = sum(expected(model).values()) / 100
    assert list(comparison.allocations) == sorted(METHODS, key=list(comparison.allocations).index)
    assert comparison.refused == {}
    for method in METHODS:
        assert comparison.totals[method].sum() == pytest.approx(total, rel=1e-12)
    gap = comparison.differences["largest_difference"]
    assert (gap >= 0).all()
    assert gap.is_monotonic_decreasing


# ------------------------------------------------------------------------------------ what cannot matter does not


def scaled(model: CostModel, factor: float) -> CostModel:
    """Every driver by a factor: staff, area, packs and orders in another unit."""
    tables = dict(model.tables)
    for name, columns in {
        "staff": ("fte", "hours", "pay"),
        "assets": ("area_m2",),
        "orders": ("qty", "income"),
    }.items():
        tables[name] = tables[name].copy()
        for column in columns:
            tables[name][column] *= factor
    tables["workload"] = tables["workload"].copy()
    tables["workload"].loc[tables["workload"]["indicator"] == "sterile_packs", "value"] *= factor
    return replace(model, tables=tables)


@FEW
@given(amounts(), st.sampled_from(METHODS), st.sampled_from([0.5, 1024.0, 0.1, 3.0, 1e6]))
def test_the_unit_of_a_driver_changes_nothing(
    departments_alone: CostModel, drawn: Amounts, method: str, factor: float
) -> None:
    model = in_method(drawn.drawn(departments_alone), method)
    one, two = compute_model(model).departments, compute_model(scaled(model, factor)).departments
    if factor in (0.5, 1024.0):  # exact in floating point
        pd.testing.assert_frame_equal(one.cells, two.cells)
    keys = ["dept_code", "element", "fund_source"]
    difference = one.cells.groupby(keys)["fen"].sum().sub(two.cells.groupby(keys)["fen"].sum(), fill_value=0)
    assert difference.abs().max() <= 2  # a tie in the rounding of the two blocks


@FEW
@given(amounts(), st.sampled_from(("three-level", "direct", "reciprocal")), st.randoms(use_true_random=False))
def test_the_order_of_departments_changes_nothing(
    departments_alone: CostModel, drawn: Amounts, method: str, random: Any
) -> None:
    model = in_method(drawn.drawn(departments_alone), method)
    table = model.tables["departments"]
    places = random.sample(range(len(table)), len(table))
    shuffled = replace(model, tables={**model.tables, "departments": table.iloc[places].reset_index(drop=True)})
    one, two = compute_model(model), compute_model(shuffled)
    own = one.departments.allocation.full
    pd.testing.assert_frame_equal(own, two.departments.allocation.full.loc[own.index, own.columns], check_exact=False)
    assert two.visits.cost("medical_full") == pytest.approx(one.visits.cost("medical_full"), rel=1e-6, abs=1e-4)


def split(model: CostModel, code: str, part: float) -> CostModel:
    """A department in two that take part and 1 - part of its cost, staff, area, work, orders given and received."""
    tables = dict(model.tables)
    place = tables["departments"].index[tables["departments"]["dept_code"] == code][0]
    rows = [tables["departments"].iloc[: place + 1], tables["departments"].iloc[place:]]
    tables["departments"] = pd.concat(rows, ignore_index=True)
    tables["departments"].loc[place + 1, "dept_code"] = f"{code}b"
    columns = {"ledger": ["amount"], "staff": ["fte", "hours", "pay"], "assets": ["area_m2"], "workload": ["value"]}
    for name, numbers in columns.items():
        tables[name] = _split_rows(tables[name], "dept_code", numbers, code, part)
    for key in ("order_dept", "exec_dept"):
        tables["orders"] = _split_rows(tables["orders"], key, ["qty", "income"], code, part)
    return replace(model, tables=tables)


def _split_rows(table: Any, key: str, numbers: list[str], code: str, part: float) -> Any:
    first, second = table.copy(), table[table[key] == code].copy()
    first.loc[first[key] == code, numbers] *= part
    second[numbers] *= 1 - part
    second[key] = f"{code}b"
    return pd.concat([first, second], ignore_index=True)


@settings(max_examples=8)
@given(
    amounts(step=4),
    st.sampled_from(("three-level", "direct", "step-down", "reciprocal")),
    st.sampled_from(["A01", "A02", "X01", "X02", "T01", "T03", "C02", "W01", "W03"]),
    st.sampled_from([0.25, 0.5, 0.75]),
)
def test_splitting_a_department_changes_no_other(
    departments_alone: CostModel, drawn: Amounts, method: str, code: str, part: float
) -> None:
    """With everything of it split alike. By the double method, one half would serve the other in the first round."""
    model = in_method(drawn.drawn(departments_alone), method)
    divided = split(model, code, part)
    assert expected(divided) == expected(model)
    one, two = compute_model(model).departments.allocation, compute_model(divided).departments.allocation
    own = one.full.T.groupby(level="element").sum().T
    other = two.full.T.groupby(level="element").sum().T
    for place in own.index.difference([code]):
        assert other.loc[place].to_dict() == pytest.approx(own.loc[place].to_dict(), rel=1e-9, abs=1e-6)
    if code in own.index:
        both = other.loc[code] + other.loc[f"{code}b"]
        assert both.to_dict() == pytest.approx(own.loc[code].to_dict(), rel=1e-9, abs=1e-6)
        assert other.loc[code].to_dict() == pytest.approx((own.loc[code] * part).to_dict(), rel=1e-9, abs=1e-6)


# ----------------------------------------------------------------------------------------- items, cases, payments


def stage_fen(made: Computation, *, goods: bool) -> dict[tuple[str, str], int]:
    """Fen in scope per department and element after level 2, with goods or without."""
    cells = made.departments.stage_cells
    kept = cells[cells["fund_source"].isin(FUNDS["medical_full"])]
    is_goods = kept["element"].isin(["drugs", "materials:charged"])
    return without_zeros(kept[is_goods == goods].groupby(["dept_code", "element"])["fen"].sum())


@FEW
@given(amounts(), st.sampled_from(ITEM_METHODS))
def test_item_costs_add_up_to_the_pool_of_their_department(base: CostModel, drawn: Amounts, method: ItemMethod) -> None:
    model = drawn.drawn(base)
    model = replace(model, settings=replace(model.settings, items=replace(model.settings.items, method=method)))
    made = compute_model(model)
    items = made.items
    assert items is not None
    table = pd.DataFrame(items.fen, columns=list(items.elements)).groupby(items.by_department["dept_code"]).sum()
    table = table.reindex(list(items.departments), fill_value=0)
    held = table.to_numpy() + items.unused + items.unassigned
    assert (held == items.pools).all()
    pools = {
        (code, element): int(items.pools[row, column])
        for row, code in enumerate(items.departments)
        for column, element in enumerate(items.elements)
    }
    assert without_zeros(pools) == stage_fen(made, goods=False)
    assert (items.unused.sum() == 0) or method == "tdabc"
    quantity, unit = items.by_department["quantity"], items.by_department["unit_cost"]
    assert (quantity * unit).sum() == pytest.approx(items.fen.sum() / 100, rel=1e-9)


@FEW
@given(amounts())
def test_case_costs_add_up_to_the_departments(base: CostModel, drawn: Amounts) -> None:
    """By centre group: what laboratory, theatre and wards hold after level 2 is what cases and others get of them."""
    made = compute_model(drawn.drawn(base))
    groups = dict(zip(*(made.model.tables["departments"][name] for name in ("dept_code", "centre_group")), strict=True))
    services: dict[tuple[str, str], int] = {}
    for (code, element), fen in stage_fen(made, goods=False).items():
        services[groups[code], element] = services.get((groups[code], element), 0) + fen
    goods: dict[tuple[str, str], int] = {}
    for (_, element), fen in stage_fen(made, goods=True).items():
        label = ("drugs" if element == "drugs" else "charged_materials", element)
        goods[label] = goods.get(label, 0) + fen
    for name, costs in made.cases.items():
        cube = costs.cube.select(["centre_group", "element", "cost"]).to_pandas()
        cube = cube.assign(fen=(cube["cost"] * 100).round().astype(np.int64)).astype({"element": object})
        held = without_zeros(cube.groupby([cube["centre_group"].astype(object), "element"])["fen"].sum())
        if name != "top-down":
            assert held == services | goods
            continue
        for key in {*held, *services, *goods}:  # full costs are rounded once more, at the last level
            assert abs(held.get(key, 0) - services.get(key, 0) - goods.get(key, 0)) <= 30, key


@FEW
@given(amounts(negative=0.0), st.sampled_from([1.0, 100.0, 12_345.67]))
def test_payments_add_up(base: CostModel, drawn: Amounts, rate: float) -> None:
    """Weight x rate per case, in whole fen; at the rate of the run's own weights they are all charges together."""
    model = drawn.drawn(base)
    discharges = model.tables["discharges"].assign(payment=np.nan)
    model = replace(model, tables={**model.tables, "discharges": discharges})
    for weights, given_rate in (("model", None), ("table", rate)):
        payment = replace(model.settings.payment, weights=weights, rate=given_rate)
        cases = replace(model.settings.cases, methods=("bottom-up",))
        made = compute_model(replace(model, settings=replace(model.settings, payment=payment, cases=cases))).value
        assert made is not None
        if made.payment is None:
            assert (made.cases["cost"] == 0).all()
            continue
        paid_cases = made.margins.cases
        if given_rate is None:
            assert round(paid_cases["payment"].sum() * 100) == round(paid_cases["charges"].sum() * 100)
        else:
            table = dict(zip(model.tables["weights"]["drg"], model.tables["weights"]["weight"], strict=True))
            for drg, paid in zip(paid_cases["drg"], paid_cases["payment"], strict=True):
                assert abs(Fraction(paid) - Fraction(str(table[drg])) * Fraction(str(rate))) < Fraction("0.0051")


# ---------------------------------------------------------------- the list of everything decided and mended (6.5)


def decided(folder: Path, tables: dict[str, Any], policies: str) -> CostingResult:
    return costing.run(write_model(folder / "model", tables, f"[policies]\n{policies}\n"), folder / "out")


def listed(result: CostingResult, rule: str) -> pd.DataFrame:
    table = pd.read_parquet(result.folder / "tables" / "exceptions.parquet")
    return table[table["rule"] == rule]


def test_amounts_of_unknown_departments_are_listed_once(tmp_path: Path) -> None:
    tables = model_tables()
    tables["ledger"][5]["dept_code"] = "Q1"
    amount = tables["ledger"][5]["amount"]
    result = decided(tmp_path, tables, 'unknown_department = "suspense"\nsuspense_department = "A02"')
    found = listed(result, "unknown_department")
    assert len(found) >= 1
    assert "Q1" in "".join(found["place"] + found["problem"])
    statement = result.reconciliation.totals().set_index("stage")
    assert statement.loc["suspense", "amount"] == pytest.approx(amount)
    assert result.manifest["policies"]["unknown_department"]["amount"] == pytest.approx(amount)


@pytest.mark.parametrize("policy", ["allocate", "carry"])
def test_negative_cost_is_listed_once(policy: str, tmp_path: Path) -> None:
    tables = model_tables()
    tables["ledger"].append({**tables["ledger"][0], "dept_code": "C02", "cost_item": "amortisation", "amount": -77.7})
    result = decided(tmp_path, tables, f'negative_cost = "{policy}"')
    assert result.reconciliation.ok
    assert len(listed(result, "negative_cost")) >= 1
    stages = result.reconciliation.totals().set_index("stage")["amount"]
    assert stages.get("set_aside", 0.0) == (-77.7 if policy == "carry" else 0.0)
    assert stages["departments"] == pytest.approx(stages["ledger"] - stages.get("set_aside", 0.0))
    assert result.manifest["policies"]["negative_cost"]["amount"] == -77.7


def test_a_fallback_is_listed_once_with_its_amount(tmp_path: Path) -> None:
    tables = model_tables()
    tables["workload"] = [row for row in tables["workload"] if row["indicator"] != "sterile_packs"]
    tables["workload"].append({"dept_code": "W02", "indicator": "sterile_packs", "value": 0})
    result = decided(tmp_path, tables, 'zero_driver = "fallback"\nfallback = ["staff"]')
    assert result.computation.drivers.basis["X01"] == "staff"
    assert result.computation.drivers.asked["X01"] == "workload.sterile_packs"
    assert len(listed(result, "zero_driver")) >= 1
    notes = pd.read_parquet(result.folder / "tables" / "notes.parquet")
    basis = notes[notes["section"] == "basis"].set_index("item")["value"]
    assert basis["X01"] == "staff"
    assert result.manifest["policies"]["zero_driver"]["used"] == 1


def test_unmatched_and_repeated_cases_are_listed(tmp_path: Path) -> None:
    tables = model_tables()
    tables["charges"].append({**tables["charges"][0], "case_id": "7777"})
    tables["discharges"].append(dict(tables["discharges"][0]))
    result = decided(tmp_path, tables, 'unmatched_case = "list"\nduplicate_case = "first"')
    assert "7777" in "".join(listed(result, "unmatched_case")["problem"])
    assert listed(result, "unmatched_case")["amount"].tolist() == [tables["charges"][0]["amount"]]
    assert len(listed(result, "duplicate_case")) == 1
    assert result.computation.main is not None
    assert result.computation.main.by_kind.loc["unmatched"].sum() > 0
    assert result.reconciliation.ok


def test_figures_that_differ_between_tables_are_said(tmp_path: Path) -> None:
    """Bed-days of the workload against those of the ward stays (工作量与卫统口径)."""
    tables = model_tables()
    for row in tables["workload"]:
        if (row["dept_code"], row["indicator"]) == ("W01", "bed_days"):
            row["value"] *= 2
    found = costing.check_model(write_model(tmp_path / "model", tables))
    assert [finding.severity for finding in found if finding.rule == "bed_days_differ"] == ["warning"]
    same = costing.check_model(write_model(tmp_path / "same"))
    assert "bed_days_differ" not in {finding.rule for finding in same}


def test_a_stated_total_that_the_lines_miss_is_refused(tmp_path: Path) -> None:
    total = round(sum(row["amount"] for row in model_tables()["ledger"]), 2)
    stated = write_model(tmp_path / "model")
    text = (stated / "model.toml").read_text(encoding="utf-8")
    for amount, rules in ((total, False), (total + 0.01, True)):
        changed = text.replace("[model]\n", f"[model]\nledger_total = {amount:.2f}\n")
        (stated / "model.toml").write_text(changed, encoding="utf-8")
        errors = [finding for finding in costing.check_model(stated) if finding.severity == "error"]
        assert bool(errors) == rules
