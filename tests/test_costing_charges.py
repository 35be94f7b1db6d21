"""Charge lines added up: the plain twin, any batches, threads and order of lines, exceptions, odd files."""

from __future__ import annotations

import csv
import datetime as dt
import random
import threading
from collections.abc import Iterator
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drgengine.costing.charges.activity import Activity
from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.charges.reference_charges import ReferenceActivity, reference_activity
from drgengine.costing.model import CostModel, ItemSettings, Policies, Settings
from drgengine.errors import CostingError, DrgEngineError, InputFileError

COLUMNS: dict[str, Any] = {
    "case_id": pa.string(),
    "visit_id": pa.string(),
    "patient_type": pa.string(),
    "order_dept": pa.string(),
    "exec_dept": pa.string(),
    "item_code": pa.string(),
    "qty": pa.float64(),
    "amount": pa.float64(),
    "charge_date": pa.date32(),
    "reversal": pa.bool_(),
}
LENIENT = Policies(
    unknown_department="suspense",
    suspense_department="201",
    unknown_item="service",
    unmatched_case="list",
    missing_equivalent="price",
)
NAN = float("nan")


def tables() -> dict[str, Any]:
    """Three departments, five items, three cases, codes of the information system."""
    departments = pd.DataFrame({"dept_code": ["0101", "0102", "201"], "service_unit": ["内科", None, "201"]})
    mapped = pd.DataFrame(
        [["his", "H1", "0102", 1.0], [None, "H2", "0101", 0.5], [None, "H2", "201", 0.5], ["hr", "201", "0101", 1.0]],
        columns=["source_system", "source_code", "dept_code", "share"],
    )
    items = pd.DataFrame(
        [
            ["A", "none", 10.0, 20.0, 1.5, "检验", NAN],
            ["B", "none", 4.0, NAN, NAN, None, NAN],
            ["77", "none", NAN, NAN, 2.0, None, NAN],
            ["M", "drug", 3.0, NAN, NAN, None, 2.5],
            ["N", "material", 8.0, NAN, NAN, "材料", NAN],
        ],
        columns=["item_code", "goods", "price", "minutes", "equivalent", "service_unit", "unit_cost"],
    )
    cases = pd.DataFrame({"case_id": ["c1", "c2", "7"]})
    return {"departments": departments, "dept_map": mapped, "items": items, "discharges": cases}


def model(charges: Path | None, method: Any = "income", policies: Policies = LENIENT) -> CostModel:
    """The model around a charge file."""
    made = Settings(
        "m", "h", dt.date(2024, 1, 1), dt.date(2024, 12, 31), {}, items=ItemSettings(method), policies=policies
    )
    return CostModel(Path(), made, tables(), charges)


def line(**given: Any) -> dict[str, Any]:
    """A line of case c1; what is given differs."""
    usual = {"case_id": "c1", "exec_dept": "0101", "item_code": "A", "qty": 1.0, "amount": 10.0}
    return dict.fromkeys(COLUMNS) | usual | given


def write(path: Path, lines: list[dict[str, Any]], groups: int = 1 << 20) -> Path:
    """Lines as Parquet or CSV, by the ending."""
    if path.suffix == ".parquet":
        schema = pa.schema(list(COLUMNS.items()))
        pq.write_table(pa.Table.from_pylist(lines, schema=schema), path, row_group_size=groups)
        return path
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, list(COLUMNS))
        rows.writeheader()
        for one in lines:
            words = {True: "是", False: "否", None: ""}
            rows.writerow({k: words[v] if v is None or isinstance(v, bool) else v for k, v in one.items()})
    return path


def by_text(activity: Activity, made: CostModel) -> dict[str, dict[Any, list[int]]]:
    """The sums as the twin gives them."""
    things = [*made.tables["discharges"]["case_id"], "outpatient", "non_patient", "unmatched"]
    names: dict[str, Any] = {
        "object": things,
        "exec_dept": activity.departments,
        "order_dept": activity.departments,
        "service_unit": activity.service_units,
        "item": activity.item_codes,
        "goods_class": ("drug", "material"),
        "patient_kind": ("inpatient", "outpatient", "other"),
    }
    factor = {"amount": 100, "goods_amount": 100, "qty": 1e6, "weight": 1e6, "cost": 1e6, "lines": 1}
    found: dict[str, dict[Any, list[int]]] = {}
    for part in ("service", "unit", "goods", "item", "goods_item", "order"):
        table = getattr(activity, part)
        columns = {field.name: getattr(table, field.name) for field in fields(table)}
        keys = [[names[name][k] for k in column] for name, column in columns.items() if name in names]
        sums = [np.rint(column * factor[name]).astype(int) for name, column in columns.items() if name in factor]
        rows = zip(zip(*keys, strict=True), np.array(sums).T.tolist(), strict=True)
        found[part] = dict(rows)
        assert len(found[part]) == len(keys[0]), "a key stands twice"
    return found


def assert_same(activity: Activity, expected: ReferenceActivity) -> None:
    found = by_text(activity, expected.model)
    for part, sums in found.items():
        assert sums == getattr(expected, part), part
    totals = [activity.lines, activity.amount * 100, activity.reversal_lines, activity.reversal_amount * 100]
    assert [round(value) for value in totals] == expected.total


def assert_equal(one: Activity, other: Activity) -> None:
    """The same to the last bit."""
    for a, b in zip(astuple(one), astuple(other), strict=True):
        if isinstance(a, tuple) and a and isinstance(a[0], np.ndarray):
            for x, y in zip(a, b, strict=True):
                np.testing.assert_array_equal(x, y)
                assert x.dtype == y.dtype
        else:
            assert a == b


LINES = st.lists(
    st.fixed_dictionaries(
        {
            "case_id": st.sampled_from(["c1", "c1", "c2", " c2", "7", "7.0", "x9", "", None]),
            "visit_id": st.sampled_from(["v1", "v2", "", " ", None]),
            "patient_type": st.sampled_from([None, None, "", "住院", "门诊", "体检"]),
            "order_dept": st.sampled_from(["0101", "0102", "201", "H1", None, "", "zz"]),
            "exec_dept": st.sampled_from(["0101", "0102", "201", "201.0", "101", "０１０２", "H1", "H2", "zz"]),
            "item_code": st.sampled_from(["A", "A", "B", "77", "77.0", "M", "M ", "N", "Z", "Y"]),
            "qty": st.sampled_from([1.0, 2.0, 0.5, -1.0, 0.0, 0.3333, 1 / 3, 1000.0]),
            "amount": st.sampled_from([10.0, 0.29, 1.15, -10.0, 0.0, 123456.78, 0.005, -0.01]),
            "charge_date": st.sampled_from([dt.date(2024, 5, 1), dt.date(2024, 12, 31), dt.date(2025, 1, 1), None]),
            "reversal": st.sampled_from([False, None, True]),
        }
    ),
    max_size=60,
)
METHODS = st.sampled_from(["income", "workload", "time", "equivalent", "tdabc"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return tmp_path_factory.mktemp("charges")


@pytest.mark.kernel
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=LINES,
    method=METHODS,
    ending=st.sampled_from([".parquet", ".csv"]),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 3)),
)
def test_sums_are_those_of_the_twin(
    folder: Path, lines: list[dict[str, Any]], method: str, ending: str, sizes: tuple[int, int, int]
) -> None:
    groups, batch_rows, threads = sizes
    made = model(write(folder / f"drawn{ending}", lines, groups), method)
    expected = reference_activity(made, lines)
    activity = read_activity(made, batch_rows=batch_rows, threads=threads)
    assert not expected.refused
    assert_same(activity, expected)
    rules = {finding.rule for finding in activity.findings}
    own = {"mended_code", "no_unit_cost", "negative_net", "quantity_sign", "price_times_quantity"}
    assert rules - own == expected.noticed
    order = list(zip(activity.service.object.tolist(), activity.service.exec_dept.tolist(), strict=True))
    assert order == sorted(order)


@pytest.mark.kernel
@given(
    lines=LINES,
    method=METHODS,
    choice=st.tuples(*[st.booleans()] * 4),
    missing=st.sampled_from([None, "exec_dept", "item_code", "qty", "amount"]),
)
def test_policies_refuse_what_the_twin_refuses(
    folder: Path, lines: list[dict[str, Any]], method: str, choice: tuple[bool, ...], missing: str | None
) -> None:
    if missing and lines:
        lines = [*lines, lines[0] | {missing: None}]
    names = ("unknown_department", "unknown_item", "unmatched_case", "missing_equivalent")
    policies = replace(LENIENT, **{name: "refuse" for name, strict in zip(names, choice, strict=True) if strict})
    made = model(write(folder / "policies.parquet", lines, 7), method, policies)
    expected = reference_activity(made, lines)
    if expected.refused:
        with pytest.raises(CostingError):
            read_activity(made, batch_rows=5, threads=2)
    else:
        assert_same(read_activity(made, batch_rows=5, threads=2), expected)


def many(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Lines over many keys."""
    draw = random.Random(seed)
    return [
        line(
            case_id=draw.choice(["c1", "c2", "7", None, f"x{draw.randrange(400)}"]),
            visit_id=draw.choice(["v", None]),
            order_dept=draw.choice(["0101", "0102", "201"]),
            exec_dept=draw.choice(["0101", "0102", "201"]),
            item_code=draw.choice(["A", "B", "77", "M", "N", f"Z{draw.randrange(6000)}"]),
            qty=draw.randrange(-3, 40) / 7,
            amount=draw.randrange(-300, 40_000) / 100,
        )
        for _ in range(count)
    ]


@pytest.mark.kernel
def test_tables_grow(folder: Path) -> None:
    lines = many(20_000)
    made = model(write(folder / "many.parquet", lines, 3000), "equivalent")
    assert_same(read_activity(made, batch_rows=2500, threads=2), reference_activity(made, lines))


def test_neither_batches_nor_threads_nor_order_matter(folder: Path) -> None:
    lines = many(3000)
    usual = read_activity(model(write(folder / "usual.parquet", lines), "equivalent"), threads=1)
    random.Random(1).shuffle(lines)
    for batch_rows, threads, groups in ((1, 1, 3000), (100, 3, 70), (1 << 18, 2, 500)):
        made = model(write(folder / "usual.parquet", lines, groups), "equivalent")
        assert_equal(read_activity(made, batch_rows=batch_rows, threads=threads), usual)


def test_pages_of_many_objects_and_departments(tmp_path: Path) -> None:
    """Case x department keys far beyond the first tables, every key once or twice."""
    cases, departments = 400, 60
    codes = [f"D{k}" for k in range(departments)]
    frames = tables() | {
        "departments": pd.DataFrame({"dept_code": codes, "service_unit": codes}),
        "discharges": pd.DataFrame({"case_id": [f"c{k}" for k in range(cases)]}),
    }
    pairs = [(c, d) for c in range(cases) for d in range(departments) for _ in range(1 + (c + d) % 2)]
    random.Random(5).shuffle(pairs)
    lines = [line(case_id=f"c{c}", exec_dept=f"D{d}", amount=(c * 100 + d) / 100) for c, d in pairs]
    made = replace(model(write(tmp_path / "l.parquet", lines), policies=Policies()), tables=frames)
    activity = read_activity(made, batch_rows=5000)
    assert activity.service.lines.tolist() == [1 + (c + d) % 2 for c in range(cases) for d in range(departments)]
    expected = [(1 + (c + d) % 2) * (c * 100 + d) for c in range(cases) for d in range(departments)]
    assert np.rint(activity.service.amount * 100).astype(int).tolist() == expected


def test_every_yuan_is_somewhere(tmp_path: Path) -> None:
    activity = read_activity(model(write(tmp_path / "l.parquet", many(2000)), "workload"))
    fen = [round(float(part.amount.sum()) * 100) for part in (activity.service, activity.goods)]
    assert sum(fen) == round(activity.amount * 100)
    assert round(float(activity.unit.amount.sum()) * 100) == fen[0]
    assert round(float(activity.item.amount.sum()) * 100) == fen[0]
    assert round(float(activity.goods_item.amount.sum()) * 100) == fen[1]
    assert round(float(activity.order.amount.sum()) * 100) == sum(fen)
    assert round(float(activity.order.goods_amount.sum()) * 100) == fen[1]


def test_a_reversal_takes_back(tmp_path: Path) -> None:
    lines = [line(qty=2.0, amount=20.0), line(qty=2.0, amount=20.0, reversal=True), line(qty=1.0, amount=10.0)]
    activity = read_activity(model(write(tmp_path / "l.parquet", lines), "workload"))
    assert (activity.service.amount.tolist(), activity.service.weight.tolist()) == ([10.0], [1.0])
    assert (activity.reversal_lines, activity.reversal_amount) == (1, -20.0)
    assert [finding.rule for finding in activity.findings] == ["reversal"]


def test_more_reversed_than_charged_is_found(tmp_path: Path) -> None:
    lines = [line(qty=-1.0, amount=-12.5), line(item_code="M", qty=-1.0, amount=-3.0, order_dept="0102")]
    activity = read_activity(model(write(tmp_path / "l.parquet", lines)))
    found = [f for f in activity.findings if f.rule == "negative_net"]
    assert [f.amount for f in found] == [-12.5, -3.0]
    assert "case c1 at 0101 (-12.50 yuan)" in found[0].problem
    assert "case c1 at 0102" in found[1].problem


def test_all_that_is_refused_is_told_at_once(tmp_path: Path) -> None:
    lines = [line(), line(qty=None), line(amount=None), line(amount=None), line(exec_dept=" ")]
    lines += [line(exec_dept="01O1"), line(item_code="Q"), line(case_id="c9", amount=7.5), line(patient_type="??")]
    path = write(tmp_path / "l.parquet", lines)
    with pytest.raises(CostingError) as caught:
        read_activity(model(path, policies=Policies()), batch_rows=3)
    text = str(caught.value)
    words = ["(qty)", "row 2", "(amount)", "rows 3, 4", "(exec_dept) is blank", "row 5", "'01O1' (1 lines, 10.00 yuan"]
    words += ["'Q'", "unknown_item = 'service'", "'c9'", "unmatched_case = 'list'", "'??'", "7 problems"]
    assert [word for word in words if word not in text] == []


def test_lost_zeros_are_given_back_to_departments_only(tmp_path: Path) -> None:
    path = write(tmp_path / "l.parquet", [line(exec_dept="101")])
    activity = read_activity(model(path, policies=Policies()))
    assert activity.departments[activity.service.exec_dept[0]] == "0101"
    assert "'101' as '0101'" in next(f.problem for f in activity.findings if f.rule == "mended_code")
    with pytest.raises(CostingError, match="'007'"):
        read_activity(model(write(tmp_path / "l.parquet", [line(case_id="007")]), policies=Policies()))


def test_a_divided_code_has_no_department(tmp_path: Path) -> None:
    with pytest.raises(CostingError, match="dept_map divides H2"):
        read_activity(model(write(tmp_path / "l.parquet", [line(exec_dept="H2")]), policies=Policies()))


def test_suspense_department_must_exist(tmp_path: Path) -> None:
    path = write(tmp_path / "l.parquet", [line()])
    with pytest.raises(CostingError, match="'nowhere' is not in the department table"):
        read_activity(model(path, policies=replace(LENIENT, suspense_department="nowhere")))


def test_without_charges_all_is_empty() -> None:
    activity = read_activity(model(None))
    assert (activity.lines, activity.amount, activity.n_cases, activity.findings) == (0, 0.0, 3, ())
    assert all(getattr(activity, part).amount.size == 0 for part in ("service", "unit", "goods", "item", "order"))


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_an_empty_table_is_no_error(tmp_path: Path, ending: str) -> None:
    assert read_activity(model(write(tmp_path / f"l{ending}", []))).lines == 0


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    lines = many(500)
    whole = read_activity(model(write(tmp_path / "all.parquet", lines)))
    parts = tmp_path / "parts"
    (parts / "month=2").mkdir(parents=True)
    write(parts / "a.parquet", lines[:200])
    write(parts / "month=2" / "b.parquet", lines[200:])
    folder = read_activity(model(parts))
    assert_equal(replace(folder, findings=()), replace(whole, findings=()))


def test_other_types_give_the_same(tmp_path: Path) -> None:
    """Dictionaries, large strings, decimals, numbers as codes, timestamps, 0/1 marks, Chinese headers, 万元."""
    lines = [line(case_id="7", qty=2.0, amount=30.0), line(case_id="7", qty=1.0, amount=15.0, reversal=True)]
    expected = by_text(read_activity(model(write(tmp_path / "a.parquet", lines))), model(None))
    n = len(lines)
    table = pa.table(
        {
            "住院号": pa.array([7.0] * n),
            "执行科室": pa.array(["0101"] * n).dictionary_encode(),
            "项目编码": pa.array(["A"] * n, pa.large_string()),
            "数量": pa.array(["2", "1.0"]),
            "金额（万元）": pa.array([0.003, 0.0015]).cast(pa.decimal128(12, 4)),
            "收费日期": pa.array([dt.datetime(2024, 12, 31, 23, 59)] * n),
            "冲销标志": pa.array([0, 1], pa.int8()),
        }
    )
    pq.write_table(table, tmp_path / "b.parquet")
    activity = read_activity(model(tmp_path / "b.parquet"))
    assert by_text(activity, model(None)) == expected
    assert {f.rule for f in activity.findings} == {"reversal", "mended_code"}


def test_text_numbers(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(
        'case_id,exec_dept,item_code,qty,amount,reversal\nc1,0101,A,1,"1,234.50元",正常\nc1,0101,A, 2 ,0.5,冲销\n',
        encoding="utf-8",
    )
    activity = read_activity(model(path, "workload"))
    assert activity.service.amount.tolist() == [1234.0]
    assert activity.service.weight.tolist() == [-1.0]


def test_excel(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    rows = [["case_id", "exec_dept", "item_code", "qty", "amount", "charge_date"]]
    for row in [*rows, ["c1", "0101", "A", 2, 20.5, dt.datetime(2024, 3, 1)]]:
        book.active.append(row)
    book.save(tmp_path / "l.xlsx")
    assert read_activity(model(tmp_path / "l.xlsx")).service.amount.tolist() == [20.5]


def test_impossible_numbers_are_refused(tmp_path: Path) -> None:
    for wrong, words in (({"amount": 1e300}, "impossible size"), ({"qty": float("inf")}, "no number")):
        with pytest.raises(CostingError, match=words):
            read_activity(model(write(tmp_path / "l.parquet", [line(), line(**wrong)])))


def test_headers_at_fault(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"case_id": ["c1"], "exec_dept": ["0101"], "qty": [1.0], "amount": [1.0]}), tmp_path / "a.parquet"
    )
    with pytest.raises(CostingError, match="项目编码"):
        read_activity(model(tmp_path / "a.parquet"))
    with pytest.raises(InputFileError, match="no such file"):
        read_activity(model(tmp_path / "none.parquet"))
    for wrong in ({"batch_rows": 0}, {"threads": 0}):
        with pytest.raises(DrgEngineError, match="too small"):
            read_activity(model(None), **wrong)


def test_damaged_file(tmp_path: Path) -> None:
    path = write(tmp_path / "l.parquet", many(5000), 500)
    data = bytearray(path.read_bytes())
    data[200:4000] = bytes(3800)
    path.write_bytes(data)
    with pytest.raises(InputFileError, match="damaged"):
        read_activity(model(path), threads=2)


def test_progress_and_interrupt(tmp_path: Path) -> None:
    made = model(write(tmp_path / "l.parquet", many(2000), 100))
    calls: list[tuple[int, int | None]] = []
    read_activity(made, progress=lambda *now: calls.append(now), batch_rows=100, threads=2)
    assert [total for _, total in calls] == [2000] * 20
    assert [rows for rows, _ in calls] == sorted(rows for rows, _ in calls)
    assert calls[-1][0] == 2000

    def stop(rows: int, total: int | None) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            read_activity(made, progress=stop, batch_rows=100, threads=threads)
    assert threading.active_count() == before


def test_dates_need_not_be_read_where_the_file_tells(tmp_path: Path) -> None:
    """Statistics only save work: the same lines without them give the same."""
    lines = [line(charge_date=dt.date(2024, 2, 1)), line(charge_date=dt.date(2023, 2, 1), amount=4.0), line()]
    schema = pa.schema(list(COLUMNS.items()))
    found = []
    for statistics in (True, False):
        path = tmp_path / "l.parquet"
        table = pa.Table.from_pylist(lines, schema=schema)
        pq.write_table(table, path, row_group_size=1, write_statistics=statistics)
        found.append(read_activity(model(path)))
    assert_equal(*found)
    assert [(f.rule, f.amount) for f in found[0].findings] == [("outside_period", 4.0)]


def test_a_visit_number_without_a_case_is_an_outpatient(tmp_path: Path) -> None:
    lines = [line(case_id=None, visit_id=v) for v in ("v1", "", " ", None)]
    for groups in (1, 2, 4):
        activity = read_activity(model(write(tmp_path / "l.parquet", lines, groups)))
        assert activity.service.object.tolist() == [activity.outpatient, activity.unmatched]
        assert activity.service.lines.tolist() == [1, 3]


def test_unknown_items_come_last_by_text(tmp_path: Path) -> None:
    lines = [line(item_code=code) for code in ("Z9", "Z1", "A", "Z5")]
    activity = read_activity(model(write(tmp_path / "l.parquet", lines, 1), "workload"), threads=2, batch_rows=1)
    assert activity.item_codes == ("A", "B", "77", "M", "N", "Z1", "Z5", "Z9")
    assert activity.item.item.tolist() == [0, 5, 6, 7]


def test_goods_cost_their_purchase_price(tmp_path: Path) -> None:
    lines = [line(item_code="M", qty=4.0, amount=12.0), line(item_code="N", qty=1.0, amount=8.0)]
    activity = read_activity(model(write(tmp_path / "l.parquet", lines)))
    assert (activity.goods.goods_class.tolist(), activity.goods.cost.tolist()) == ([0, 1], [10.0, 8.0])
    assert [f.rule for f in activity.findings] == ["no_unit_cost"]
    assert activity.service.object.size == 0
