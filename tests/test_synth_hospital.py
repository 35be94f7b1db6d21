"""The invented cost model: sums to the fen, refers only to what it holds, plausible, the same for the same seed."""

import csv
import importlib.util
import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from drgengine.costing.intake.vocabulary import tables
from drgengine.errors import CaseTableError, DrgEngineError, OutputFileError
from drgengine.synth import sample
from drgengine.synth.costledger import whole_fen
from drgengine.synth.hospitalitems import FEE_CLASSES, PARTS
from drgengine.synth.hospitalmodel import hospital_model

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "sample_cases" / "hospital"
CODES = {
    "ledger": ["科室编码"],
    "staff": ["科室编码"],
    "assets": ["使用科室"],
    "workload": ["科室编码"],
    "drivers": ["来源科室", "接收科室"],
    "orders": ["开单科室", "执行科室"],
    "stays": ["科室编码"],
    "service_units": ["科室编码"],
    "dept_map": ["标准科室编码"],
}


@pytest.fixture(scope="module")
def cases():
    return sample(3_000, seed=11, hospitals=2)[0]


@pytest.fixture(scope="module")
def made(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital") / "model"
    return folder, hospital_model(folder, cases, seed=4, lines_per_case=40)


def rows(folder, table):
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fen(text):
    return round(float(text) * 100)


def of_hospital(cases, hospital):
    return cases.filter(pc.equal(cases["hospital_id"], hospital))


def plain(column):
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def test_lines_of_a_case_sum_to_its_charges_by_fee_class(cases, made):
    folder, summary = made
    lines = pq.read_table(folder / "charges.parquet")
    lines = lines.filter(pc.is_valid(plain(lines["住院号"])))
    sums = defaultdict(int)
    columns = (plain(lines[name]).to_pylist() for name in ("住院号", "费用类别", "金额"))
    for case, fee_class, amount in zip(*columns, strict=True):
        sums[case, fee_class] += fen(amount)
    source = of_hospital(cases, summary.hospital)
    assert source.num_rows == summary.cases + summary.left_out
    for title, part in zip(FEE_CLASSES, PARTS, strict=True):
        for case, amount in zip(source["case_id"].to_pylist(), source[f"charge_{part}"].to_pylist(), strict=True):
            assert sums[case, title] == fen(amount)
    total = defaultdict(int)
    for (case, _), amount in sums.items():
        total[case] += amount
    discharges = pq.read_table(folder / "discharges.parquet")
    assert dict(zip(discharges["住院号"].to_pylist(), map(fen, discharges["总费用"].to_pylist()), strict=True)) == total


def test_amounts_are_quantity_times_price(made):
    lines = pq.read_table(made[0] / "charges.parquet")
    qty, price, amount = (lines[name].to_numpy() for name in ("数量", "单价", "金额"))
    assert np.abs(qty * price - amount).max() < 0.02
    back = lines["冲销标志"].to_numpy(zero_copy_only=False)
    assert back.sum() == made[1].reversals > 0
    assert (amount[back] < 0).all()
    assert (amount[~back] > 0).all()


def test_ledger_sums_to_the_total_that_is_stated(made):
    folder, summary = made
    total = sum(fen(row["金额"]) for row in rows(folder, "ledger"))
    model = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    assert total == fen(model["model"]["ledger_total"]) == fen(summary.cost)
    assert 0.93 <= summary.cost / summary.income <= 1.02


def test_every_code_is_known(made):
    folder, _ = made
    departments = {row["科室编码"] for row in rows(folder, "departments")}
    mapped = {row["来源科室编码"] for row in rows(folder, "dept_map")}
    assert 60 <= len(departments) <= 95
    for table, columns in CODES.items():
        known = departments | mapped if table == "ledger" else departments
        for column in columns:
            assert {row[column] for row in rows(folder, table)} <= known, (table, column)
    lines = pq.read_table(folder / "charges.parquet")
    items = {row["项目编码"] for table in ("items", "goods") for row in rows(folder, table)}
    assert set(pc.unique(plain(lines["项目编码"])).to_pylist()) <= items
    for column in ("开单科室", "执行科室"):
        assert set(pc.unique(plain(lines[column])).to_pylist()) <= departments
    discharges = pq.read_table(folder / "discharges.parquet")
    ids = set(discharges["住院号"].to_pylist())
    assert {row["住院号"] for row in rows(folder, "stays")} == ids
    assert set(pc.unique(plain(lines["住院号"])).to_pylist()) - {None} == ids
    assert set(pc.unique(plain(discharges["出院科室"])).to_pylist()) <= departments


def test_headers_are_those_of_the_vocabulary(made):
    folder, _ = made
    for name in tables():
        path = folder / f"{name}.csv"
        if path.exists():
            found = tables()[name].match(list(rows(folder, name)[0]))
            assert (found.unknown, found.twice, found.missing) == ((), (), ())
    for name in ("charges", "discharges"):
        found = tables()[name].match(pq.read_schema(folder / f"{name}.parquet").names)
        assert (found.unknown, found.twice, found.missing) == ((), (), ())


def test_days_of_stays_are_days_of_cases(made):
    folder, _ = made
    days = defaultdict(int)
    for row in rows(folder, "stays"):
        days[row["住院号"]] += int(row["占用床日"])
    discharges = pq.read_table(folder / "discharges.parquet")
    assert dict(zip(discharges["住院号"].to_pylist(), discharges["住院天数"].to_pylist(), strict=True)) == days
    workload = {(row["科室编码"], row["指标"]): int(row["数值"]) for row in rows(folder, "workload")}
    assert sum(value for (_, name), value in workload.items() if name == "占用床日") == sum(days.values())
    assert days.keys() != {row["住院号"] for row in rows(folder, "stays") if row["科室编码"] == "ICU"}


def test_shares_sum_to_one(made):
    shares = defaultdict(int)
    for row in rows(made[0], "service_units"):
        shares[row["科室编码"]] += round(float(row["比例"]) * 10_000)
    assert set(shares.values()) == {10_000}
    assert sum(float(row["比例"]) for row in rows(made[0], "dept_map")) == 1


def test_goods_cost_what_they_are_sold_for(made):
    """Zero mark-up (零加成): purchase cost of what was charged, and drugs in the ledger, are near the income."""
    folder, _ = made
    cost = {row["项目编码"]: (row["药品耗材标志"], float(row["采购价"])) for row in rows(folder, "goods")}
    lines = pq.read_table(folder / "charges.parquet")
    sold, bought = defaultdict(float), defaultdict(float)
    for code, qty, amount in zip(
        plain(lines["项目编码"]).to_pylist(), lines["数量"].to_pylist(), lines["金额"].to_pylist(), strict=True
    ):
        if code in cost:
            kind, price = cost[code]
            sold[kind] += amount
            bought[kind] += qty * price
    booked = sum(float(row["金额"]) for row in rows(folder, "ledger") if row["成本项目"] == "药品费")
    assert sold["药品"] == pytest.approx(bought["药品"], rel=0.01)
    assert sold["卫生材料"] == pytest.approx(bought["卫生材料"], rel=0.01)
    assert booked == pytest.approx(bought["药品"], rel=0.01)


def test_every_kind_of_patient_fund_and_category_occurs(made):
    folder, summary = made
    lines = pq.read_table(folder / "charges.parquet")
    assert set(pc.unique(plain(lines["患者类型"])).to_pylist()) == {"住院", "门急诊", "体检"}
    ledger = rows(folder, "ledger")
    assert len({row["资金来源"] for row in ledger}) == 5
    assert len({row["成本项目"] for row in ledger}) == 7
    assert {row["性态"] for row in ledger} == {"固定", "变动", "混合"}
    assert len({row["期间"] for row in ledger}) == 12
    assert set(summary.departments) == {"administration", "auxiliary", "technology", "clinical"}
    assert summary.in_hospital > 0
    discharges = pq.read_table(folder / "discharges.parquet")
    assert discharges["出院日期"].null_count == summary.in_hospital


def test_every_receiving_department_works(made):
    """No department of technology or clinical service is without income, so no cost is left over."""
    folder, _ = made
    lines = pq.read_table(folder / "charges.parquet")
    goods = {row["项目编码"] for row in rows(folder, "goods")}
    pairs = zip(plain(lines["执行科室"]).to_pylist(), plain(lines["项目编码"]).to_pylist(), strict=True)
    working = {executing for executing, item in pairs if item not in goods}
    wanted = {row["科室编码"] for row in rows(folder, "departments") if row["科室类别"] in ("医疗技术", "临床服务")}
    assert wanted == working


def test_staff_can_do_the_minutes(made):
    folder, _ = made
    minutes = {row["项目编码"]: float(row["标准时间"]) for row in rows(folder, "items")}
    lines = pq.read_table(folder / "charges.parquet")
    used, able = defaultdict(float), defaultdict(float)
    for item, executing, qty in zip(
        *(plain(lines[name]).to_pylist() for name in ("项目编码", "执行科室", "数量")), strict=True
    ):
        used[executing] += minutes.get(item, 0.0) * qty
    for row in rows(folder, "staff"):
        able[row["科室编码"]] += float(row["人数"]) * 99_600
    assert all(used[code] < able[code] for code in used)


def test_same_arguments_same_bytes(cases, made, tmp_path):
    folder, summary = made
    hospital_model(tmp_path / "again", cases, hospital=summary.hospital, seed=4, lines_per_case=40)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    hospital_model(tmp_path / "other", cases, seed=5, lines_per_case=40)
    assert (tmp_path / "other" / "ledger.csv").read_bytes() != (folder / "ledger.csv").read_bytes()


def test_small_tables_as_parquet_and_from_a_file(cases, made, tmp_path):
    pq.write_table(cases, tmp_path / "cases.parquet")
    hospital_model(tmp_path / "model", tmp_path / "cases.parquet", seed=4, lines_per_case=40, form="parquet")
    table = pq.read_table(tmp_path / "model" / "ledger.parquet").to_pylist()
    wanted = [{key: value or None for key, value in row.items()} for row in rows(made[0], "ledger")]
    assert table == wanted
    named = tomllib.loads((tmp_path / "model" / "model.toml").read_text(encoding="utf-8"))["tables"]
    assert all((tmp_path / "model" / file).exists() for file in named.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.parquet", "model"]


def test_a_handful_of_cases_is_enough(cases, tmp_path):
    summary = hospital_model(tmp_path / "tiny", of_hospital(cases, "H002").slice(0, 5), lines_per_case=1)
    assert summary.cases == 5
    assert 0.85 < summary.cost / summary.income < 1.1


def test_what_the_classes_do_not_explain_is_charged_as_other(cases, tmp_path):
    few = of_hospital(cases, "H002").slice(0, 3)
    more = pc.add(few["total_charge"], 12.34)
    few = few.set_column(few.schema.get_field_index("total_charge"), "total_charge", more)
    hospital_model(tmp_path / "model", few)
    found = pq.read_table(tmp_path / "model" / "discharges.parquet")["总费用"].to_pylist()[:3]
    assert found == pytest.approx(more.to_pylist())


def with_column(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, table.schema.field(name).type))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop_columns("total_charge"), ["total_charge", "missing"]),
        (lambda t: with_column(t, "total_charge", [1.0] * t.num_rows), ["above total_charge"]),
        (lambda t: with_column(t, "case_id", ["A"] * t.num_rows), ["stands twice"]),
        (lambda t: with_column(t, "department_id", [None] * t.num_rows), ["department_id"]),
        (lambda t: with_column(t, "discharge_date", [None] * t.num_rows), ["no discharge"]),
    ],
)
def test_cases_that_cannot_be_used(cases, change, words, tmp_path):
    with pytest.raises(CaseTableError) as caught:
        hospital_model(tmp_path / "model", change(cases.slice(0, 50)))
    assert all(word in str(caught.value) for word in words)
    assert not list(tmp_path.iterdir())


def test_arguments_out_of_range(cases, tmp_path):
    with pytest.raises(CaseTableError, match=r"H009 has no cases.*H001, H002"):
        hospital_model(tmp_path / "model", cases, hospital="H009")
    for wrong in ({"seed": -1}, {"lines_per_case": 0}, {"form": "xlsx"}):
        with pytest.raises(DrgEngineError, match=next(iter(wrong))):
            hospital_model(tmp_path / "model", cases, **wrong)
    with pytest.raises(OutputFileError):
        hospital_model(tmp_path / "none" / "model", cases.slice(0, 50))


def test_rounding_keeps_the_sum():
    values = np.random.default_rng(1).uniform(0, 3, 500)
    assert abs(whole_fen(values).sum() - values.sum()) <= 0.5
    assert np.abs(whole_fen(values) - values).max() <= 1


def test_the_model_is_accepted(made):
    check = pytest.importorskip("drgengine.costing.intake.check", reason="model check not there yet")
    findings = check.check_model(made[0])
    assert [finding for finding in findings if finding.severity != "note"] == []


def test_the_committed_sample_is_what_the_script_makes(tmp_path):
    spec = importlib.util.spec_from_file_location("make_hospital", ROOT / "sample_cases" / "make_hospital.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make(tmp_path / "hospital")
    names = sorted(path.name for path in (tmp_path / "hospital").iterdir())
    assert sorted([*names, "README.md"]) == sorted(path.name for path in COMMITTED.iterdir())
    for name in names:
        new, old = tmp_path / "hospital" / name, COMMITTED / name
        if name.endswith(".parquet"):
            assert pq.read_table(new).equals(pq.read_table(old)), name
        else:
            assert new.read_bytes() == old.read_bytes(), name
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) <= 2_500_000
