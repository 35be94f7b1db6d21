"""What changes between two schemes: small cases worked by hand, sums that agree, privacy, batches, the command."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from drawn import make_scheme
from hypothesis import given, settings
from hypothesis import strategies as st

import drgengine
from drgengine.errors import CaseTableError, DrgEngineError, InputFileError
from drgengine.grouper.expression import parse
from drgengine.grouper.scheme import Group, Mdc, Rule, Scheme
from drgengine.impact import Impact, WeightTable, impact, read_weights
from drgengine.impact.tables import exact

SAMPLE = Path(__file__).resolve().parent.parent / "sample_cases" / "demo" / "discharges.parquet"
LISTS = {"a": ("A00",), "b": ("A01",), "mcc.1": ("A02.0",), "cc.2": ("B00.0",), "excluded.1": (), "excluded.2": ()}


def rule(adrg: str, when: str, *groups: tuple[str, str], otherwise: str = "next") -> Rule:
    made = tuple(Group(drg, f"name of {drg}", parse(condition)) for drg, condition in groups)
    return Rule(adrg, adrg, f"name of {adrg}", "medical", parse(when), made, otherwise)


def scheme(name: str, *rules: Rule) -> Scheme:
    made = make_scheme([Mdc("A", "all", parse("pdx in a or pdx in b"), rules)], dict(LISTS), {"p": ("01",)})
    return replace(made, identity=replace(made.identity, id=name), digest=name.ljust(64, "0"))


OLD = scheme(
    "old",
    rule("AR1", "pdx in a", ("AR11", "mcc"), ("AR13", "cc"), ("AR15", "always")),
    rule("AS1", "pdx in b", ("AS19", "always")),
)
# The CC step is gone, and AS1 answers only for men.
NEW = scheme(
    "new",
    rule("AR1", "pdx in a", ("AR11", "mcc"), ("AR15", "always")),
    rule("AS2", "pdx in b and sex == 1", ("AS29", "always")),
    rule("AQY", "pdx in b and has_proc", otherwise="ambiguous"),
)
# 1 AR11 -> AR11, 2 AR13 -> AR15 (2 cases), 3 AR15 -> AR15, 4 AS19 -> AS29, 5 AS19 -> 0000, 6 AS19 -> AQY, 7 invalid
CASES: dict[str, list[Any]] = {
    "dx": [["A00.0", "A02.0"], ["A00.0", "B00.0"], ["A00.0", "B00.0"], ["A00.0"], ["A01.0"], ["A01.0"], ["A01.0"], []],
    "proc": [[], [], [], [], [], [], ["01.0"], []],
    "sex": [1, 1, 2, 1, 1, 2, 2, 1],
    "age_years": [50] * 8,
    "department_id": ["X", "X", "Y", "Y", "X", "Y", "=cmd", None],
    "patient_name": ["王小明"] * 8,
}
WEIGHTS_A = {"AR11": "2.5", "AR13": "1.5", "AR15": 1, "AS19": "0.8"}
WEIGHTS_B = {"AR11": "2.6", "AR13": "1.4", "AR15": "1.1", "AS29": "0.9"}


@pytest.fixture(scope="module")
def found() -> Impact:
    return impact(CASES, OLD, NEW, weights_a=WEIGHTS_A, weights_b=WEIGHTS_B)


def flows(result: Impact) -> dict[tuple[str | None, str | None], dict[str, Any]]:
    return {(row["old"], row["new"]): row for row in result.flows.to_pylist()}


def test_movements_are_those_worked_by_hand(found: Impact) -> None:
    assert (found.rows, found.moved, found.moved_adrg, found.moved_mdc) == (8, 5, 3, 1)
    assert found.status == {
        ("grouped", "grouped"): 5,
        ("grouped", "ambiguous"): 1,
        ("grouped", "ungroupable"): 1,
        ("invalid", "invalid"): 1,
    }
    assert [found.newly(word) for word in ("ambiguous", "ungroupable", "grouped", "invalid")] == [1, 1, 0, 0]
    told = {pair: (row["kind"], row["cases"], row["example_rows"]) for pair, row in flows(found).items()}
    assert told == {
        ("AR13", "AR15"): ("drg", 2, [2, 3]),
        ("AS19", "AS29"): ("adrg", 1, [5]),
        ("AS19", "0000"): ("becomes_ungroupable", 1, [6]),
        ("AS19", "AQY"): ("becomes_ambiguous", 1, [7]),
        ("AR11", "AR11"): ("stays", 1, [1]),
        ("AR15", "AR15"): ("stays", 1, [4]),
        (None, None): ("stays", 1, [8]),
    }
    first = found.flows.to_pylist()[0]
    assert (first["old"], first["share_of_old"], first["old_name"]) == ("AR13", 1.0, "name of AR13")
    assert flows(found)["AS19", "AQY"]["share_of_old"] == pytest.approx(1 / 3)


def test_weights_are_those_worked_by_hand(found: Impact) -> None:
    """Before: 2.5 + 2 x 1.5 + 1 + 3 x 0.8 = 8.9. After: 2.6 + 2 x 1.1 + 1.1 + 0.9 = 6.8.

    Price: AR11 2.6 - 2.5, AR13 2 x (1.4 - 1.5), AR15 1.1 - 1 = 0. Mix: AR13 to AR15 2 x (1.1 - 1.4) = -0.6.
    AS19 is not in the new table: AS29 0.9 - 0.8; the other two lose 1.6.
    """
    weights = found.weights
    assert weights is not None
    assert (weights.before, weights.after, weights.change) == (Decimal("8.9"), Decimal("6.8"), Decimal("-2.1"))
    assert (weights.price, weights.mix) == (Decimal(0), Decimal("-0.6"))
    assert (weights.not_split, weights.only_before, weights.only_after) == (Decimal("0.1"), Decimal("-1.6"), Decimal(0))
    assert weights.not_comparable == Decimal("-1.5")
    assert (weights.cases_before, weights.cases_after, weights.lacking_before, weights.lacking_after) == (7, 5, 0, 0)
    assert (weights.cases_split, weights.cases_not_split, weights.cases_only_before) == (4, 1, 2)
    assert weights.cmi_before == pytest.approx(8.9 / 7)
    assert weights.cmi_after == pytest.approx(6.8 / 5)
    moved = flows(found)["AR13", "AR15"]
    assert (moved["weight_before"], moved["price"], moved["mix"]) == (Decimal(3), Decimal("-0.2"), Decimal("-0.6"))


def test_departments_are_those_worked_by_hand(found: Impact) -> None:
    rows = {row["department"]: row for row in found.departments.to_pylist()}
    assert list(rows) == ["X", "Y", "(none)", "=cmd"]
    assert [rows["Y"][name] for name in ("cases", "moved", "newly_ungroupable", "newly_ambiguous")] == [3, 2, 1, 0]
    assert rows["Y"]["weight_before"] == Decimal("3.3")
    assert rows["Y"]["weight_after"] == Decimal("2.2")
    assert rows["Y"]["cmi_after"] == pytest.approx(1.1)
    assert rows["=cmd"]["cmi_after"] is None
    assert rows["(none)"]["cmi_before"] is None
    assert rows["=cmd"]["newly_ambiguous"] == 1


def test_severity_is_counted_before_and_after(found: Impact) -> None:
    told = {(row["before"], row["after"]): row["cases"] for row in found.severity.to_pylist()}
    # NEW no longer asks for CC, but what counts as CC is told all the same.
    assert sum(told.values()) == 8
    old, new = (drgengine.group({k: CASES[k] for k in ("dx", "proc", "sex", "age_years")}, s) for s in (OLD, NEW))
    assert told == Counter(zip(old["severity"].to_pylist(), new["severity"].to_pylist(), strict=True))


def test_a_group_without_weight_is_told_and_never_zero() -> None:
    weights_a = {code: weight for code, weight in WEIGHTS_A.items() if code != "AR11"} | {"ZZ99": 1}
    result = impact(CASES, OLD, NEW, weights_a=weights_a, weights_b=WEIGHTS_B)
    weights = result.weights
    assert weights is not None
    assert (weights.lacking_before, weights.cases_before, weights.before) == (1, 6, Decimal("6.4"))
    assert (weights.only_after, weights.cases_only_after) == (Decimal("2.6"), 1)
    assert flows(result)["AR11", "AR11"]["old_weight"] is None
    said = " ".join(remark.text("en") for remark in result.remarks)
    assert "1 groups of old that occur have no weight" in said
    assert "AR11" in said
    assert "1 codes of the weights in given are no groups of old: ZZ99" in said
    assert result.reconciled


def test_the_same_scheme_moves_nothing_and_the_same_table_changes_nothing() -> None:
    result = impact(CASES, OLD, OLD, weights_a=WEIGHTS_A, weights_b=WEIGHTS_A)
    assert (result.moved, result.moved_adrg, result.moved_mdc) == (0, 0, 0)
    assert result.weights is not None
    assert not any((result.weights.change, result.weights.price, result.weights.mix))
    assert set(result.flows["kind"].to_pylist()) == {"stays"}


def test_a_fallback_group_is_ungroupable_and_has_no_weight() -> None:
    fallback = replace(rule("A00", "always", ("A000", "always")), kind="fallback")
    new = scheme("fallback", rule("AR1", "pdx in a", ("AR19", "always")), fallback)
    result = impact(CASES, OLD, new, weights_a=WEIGHTS_A, weights_b={"AR19": 1, "A000": 9})
    assert result.status["grouped", "ungroupable"] == 3
    assert result.weights is not None
    assert result.weights.after == 4
    assert {row["new"] for row in result.flows.to_pylist()} == {"AR19", "0000", None}


def test_without_weights_there_are_no_columns_of_weight() -> None:
    result = impact(CASES, OLD, NEW)
    assert result.weights is None
    for table in (result.flows, result.departments, result.groups):
        assert [name for name in table.column_names if "weight" in name or "cmi" in name or name == "price"] == []
    assert result.reconciled


def test_no_cases_and_no_department() -> None:
    empty = pa.table({"dx": pa.array([], pa.list_(pa.string())), "sex": pa.array([], pa.int8())})
    result = impact(empty, OLD, NEW, weights_a=WEIGHTS_A, weights_b=WEIGHTS_B)
    assert (result.rows, result.departments.num_rows, result.reconciled) == (0, 0, True)
    cases = {name: column for name, column in CASES.items() if name != "department_id"}
    result = impact(cases, OLD, NEW)
    assert result.department_column is None
    assert result.departments["department"].to_pylist() == ["(none)"]


CASE = st.tuples(
    st.lists(st.sampled_from(["A00.0", "A01.0", "A02.0", "B00.0", ""]), max_size=3),
    st.sampled_from([[], ["01.0"]]),
    st.sampled_from([1, 2, None]),
    st.sampled_from(["X", "Y", "", None]),
)
WEIGHT = st.one_of(st.none(), st.decimals(0, 100, places=6), st.floats(0, 10))
CODES = ("AR11", "AR13", "AR15", "AS19", "AS29")


@settings(max_examples=60)
@given(
    st.lists(CASE, max_size=25),
    st.dictionaries(st.sampled_from(CODES), WEIGHT),
    st.dictionaries(st.sampled_from(CODES), WEIGHT),
    st.integers(1, 9),
)
def test_sums_agree_whatever_the_answers(
    drawn: list[Any], weights_a: dict[str, Any], weights_b: dict[str, Any], batch_rows: int
) -> None:
    dx, proc, sex, department = (list(column) for column in zip(*drawn, strict=True)) if drawn else ([], [], [], [])
    kinds = (pa.list_(pa.string()), pa.list_(pa.string()), pa.int8(), pa.string())
    names = ("dx", "proc", "sex", "department_id")
    columns = {n: pa.array(c, k) for n, c, k in zip(names, (dx, proc, sex, department), kinds, strict=True)}
    table = pa.table(columns | {"age_years": pa.array([50] * len(drawn), pa.int32())})
    given_weights = [weights | {"ZZ99": 1} for weights in (weights_a, weights_b)]
    options: dict[str, Any] = {"weights_a": given_weights[0], "weights_b": given_weights[1]}
    result = impact(table, OLD, NEW, **options)
    assert [check for check in result.checks if not check.holds] == []
    assert result.rows == len(drawn)
    total = result.weights
    assert total is not None
    assert total.price + total.mix + total.not_comparable == total.after - total.before
    # The slow way: case by case with exact numbers.
    old, new = (drgengine.group(table, s) for s in (OLD, NEW))
    read = [read_weights(weights).weights for weights in given_weights]
    for answers, weights, side in ((old, read[0], total.before), (new, read[1], total.after)):
        codes = zip(answers["status"].to_pylist(), answers["drg"].to_pylist(), strict=True)
        assert Decimal(sum(weights.get(drg, 0) for status, drg in codes if status == "grouped")) / 10**6 == side
    same = impact(table, OLD, NEW, batch_rows=batch_rows, threads=2, **options)
    assert same.to_dict() == result.to_dict()


@pytest.mark.parametrize(("batch_rows", "threads"), [(997, 1), (4096, 3)])
def test_batches_and_threads_do_not_matter(batch_rows: int, threads: int) -> None:
    whole = impact(SAMPLE, "chs-drg-1.1", "chs-drg-2.0")
    parts = impact(SAMPLE, "chs-drg-1.1", "chs-drg-2.0", batch_rows=batch_rows, threads=threads)
    assert parts.to_dict() == whole.to_dict()
    assert whole.flows.equals(parts.flows)
    assert whole.reconciled


def test_long_counts_are_made_compact_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = impact(SAMPLE, "chs-drg-1.1", "chs-drg-2.0")
    monkeypatch.setattr("drgengine.grouper.pairs._COMPACT_AT", 10)
    assert impact(SAMPLE, "chs-drg-1.1", "chs-drg-2.0", batch_rows=1000).to_dict() == whole.to_dict()


def test_huge_weights_do_not_overflow() -> None:
    most = {"AR11": 999_999, "AR13": 999_999, "AR15": 999_999, "AS19": 999_999}
    cases = {name: column * 3 for name, column in CASES.items()}
    computed = impact(cases, OLD, OLD, weights_a=most, weights_b=most)
    assert computed.weights is not None
    assert computed.weights.before == 999_999 * 21
    assert exact(10**25) == Decimal(10**19)


# --- weights -----------------------------------------------------------------------------------------------------


def test_weights_are_read_from_csv_and_xlsx(tmp_path: Path) -> None:
    csv = tmp_path / "w.csv"
    csv.write_text("DRG编码,名称,权重\n AR11 ,甲,2.5\nAR13,乙,\nAR15,丙,0.1234567\n", encoding="gb18030")
    table = read_weights(csv)
    assert table == WeightTable("w.csv", {"AR11": 2_500_000, "AR15": 123_457}, ("AR13",), 1)
    xlsxwriter = pytest.importorskip("xlsxwriter")
    pytest.importorskip("python_calamine")
    with xlsxwriter.Workbook(str(tmp_path / "w.xlsx")) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate((("drg", "weight"), ("AR11", 2.5), ("AR15", 1))):
            sheet.write_row(row, 0, cells)
    assert read_weights(tmp_path / "w.xlsx").weights == {"AR11": 2_500_000, "AR15": 1_000_000}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("drg,weight\nAR11,1\nAR13,2\nAR11,3\n", ["row 3", "'AR11'", "twice", "row 1"]),
        ("drg,weight\nAR11,1\nAR13,high\n", ["row 2", "'high'", "AR13", "no number"]),
        ("drg,weight\nAR11,-1\n", ["row 1", "-1", "negative"]),
        ("drg,weight\nAR11,inf\n", ["row 1", "no number"]),
        ("drg,weight\nAR11,1000000000\n", ["row 1", "too large"]),
        ("drg,weight\nAR11,1\n,2\n", ["row 2", "has no code"]),
        ("drg,weight\nAR11,\n", ["no weight"]),
        ("group,number\nAR11,1\n", ["no column holds the codes", "group, number", "drg"]),
        ("drg,rate\nAR11,1\n", ["no column holds the weights", "权重"]),
        ("drg,权重,weight\nAR11,1,1\n", ["2 columns"]),
    ],
)
def test_a_wrong_table_of_weights_says_where(content: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputFileError) as caught:
        read_weights(path)
    assert [word for word in ["weights.csv", *words] if word not in str(caught.value)] == []


def test_weights_of_one_side_are_refused() -> None:
    with pytest.raises(DrgEngineError, match=r"weights_b: .*Give --weights-b too; the same file again"):
        impact(CASES, OLD, NEW, weights_a=WEIGHTS_A)
    with pytest.raises(DrgEngineError, match="weights_a"):
        impact(CASES, OLD, NEW, weights_b=WEIGHTS_B)
    with pytest.raises(InputFileError, match="holds no weights"):
        impact(CASES, OLD, NEW, weights_a=3, weights_b=3)


# --- departments and privacy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["patient_name", "姓名", "case_id", "patient_id", "病案号"])
def test_a_column_that_tells_persons_apart_is_refused(column: str) -> None:
    with pytest.raises(CaseTableError, match="tells single persons apart"):
        impact(CASES | {column: ["P"] * 8}, OLD, NEW, department=column)


def test_a_column_of_departments_is_found_by_any_name(tmp_path: Path) -> None:
    cases = {("病区" if name == "department_id" else name): column for name, column in CASES.items()}
    assert impact(cases, OLD, NEW, department="病区").department_column == "病区"
    mapped = impact(cases, OLD, NEW, columns={"病区": "department_id"})
    assert mapped.department_column == "病区"
    path = tmp_path / "cases.parquet"
    pq.write_table(pa.table(cases), path)
    assert impact(path, OLD, NEW, department="病区").departments.equals(mapped.departments)
    with pytest.raises(CaseTableError, match=r"no column 'ward'.*--department"):
        impact(path, OLD, NEW, department="ward")
    with pytest.raises(CaseTableError, match="holds lists"):
        impact(path, OLD, NEW, department="dx")


def test_too_many_departments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drgengine.grouper.pairs.MOST_DEPARTMENTS", 2)
    with pytest.raises(CaseTableError, match="more than 2 different values"):
        impact(CASES, OLD, NEW)


def test_headers_stand_in_the_error_when_there_is_no_diagnosis() -> None:
    with pytest.raises(CaseTableError, match="UNHEARD_OF"):
        impact({"UNHEARD_OF": ["A00.0"], "sex": [1]}, OLD, NEW)


# --- the command -------------------------------------------------------------------------------------------------

BOTH = ("--from", "chs-drg-1.1", "--to", "chs-drg-2.0", "--lang", "en")


def weight_file(path: Path, codes: list[str]) -> Path:
    path.write_text("drg,weight\n" + "".join(f"{code},1.5\n" for code in codes), encoding="utf-8")
    return path


def test_the_command_writes_all_files(run: Any, tmp_path: Path) -> None:
    weights = weight_file(tmp_path / "w.csv", ["FR11", "FR13", "FR15", "FM19"])
    out = tmp_path / "out"
    code, said, told = run("impact", SAMPLE, *BOTH, "--weights-a", weights, "--weights-b", weights, "-o", out, "--json")
    assert code == 1  # the sample has invalid records
    assert sorted(file.name for file in out.iterdir()) == [
        "departments.parquet", "flows.parquet", "impact.html", "impact.json", "impact.xlsx",
    ]  # fmt: skip
    content = json.loads(said)
    assert content == json.loads((out / "impact.json").read_text(encoding="utf-8"))
    assert content["reconciled"] is True
    assert len(content["movements"]) == 50
    for word in ("15,000", "other DRG", "all 14 checks agree", "have no weight", str(out / "impact.html")):
        assert word in told
    flows_written = pq.read_table(out / "flows.parquet")
    assert sum(flows_written["cases"].to_pylist()) == 15_000


def test_the_command_without_a_folder_prints_only(run: Any) -> None:
    code, said, told = run("impact", SAMPLE, "--from", "chs-drg-2.0", "--to", "chs-drg-2.0", "--lang", "zh")
    assert (code, said) == (1, "")
    assert "两个方案相同" in told
    assert "--weights-a" in told


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--weights-a", "{w}"), ["--weights-b", "same file"]),
        (("--weights-a", "{w}", "--weights-b", "nowhere.csv"), ["nowhere.csv", "no such file"]),
        (("--department", "ward"), ["'ward'"]),
        (("--department", "姓名"), ["single persons"]),
        (("--top", "0"), ["--top"]),
        (("-o", "{w}"), ["w.csv"]),
    ],
)
def test_errors_of_the_command(more: tuple[str, ...], words: list[str], run: Any, tmp_path: Path) -> None:
    weights = weight_file(tmp_path / "w.csv", ["FR11"])
    code, said, told = run("impact", SAMPLE, *BOTH, *(word.format(w=weights) for word in more))
    assert (code, said) == (2, "")
    assert [word for word in words if word not in told] == []


def test_outputs_stay_out_of_what_is_read(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    folder.mkdir()
    pq.write_table(pq.read_table(SAMPLE).slice(0, 50), folder / "one.parquet")
    code, _, told = run("impact", folder, *BOTH, "-o", folder / "out")
    assert code == 2
    assert "lies in the input folder" in told
    assert not (folder / "out").exists()
    code, _, told = run("impact", SAMPLE, "--from", "no-such", "--to", "chs-drg-2.0", "-o", tmp_path / "new")
    assert code == 2
    assert not (tmp_path / "new").exists()


def test_wrong_rows_of_a_weight_table_are_told_together(tmp_path: Path) -> None:
    table = tmp_path / "weights.csv"
    table.write_text("DRG编码,权重\nFR11,1.2\nFR11,1.3\nFR15,abc\nFR21,-1\n,2\n", encoding="utf-8")
    with pytest.raises(InputFileError) as caught:
        read_weights(table)
    message = str(caught.value)
    for words in ("row 2 below", "'FR11' stands there twice", "row 3: ", "'abc'", "row 4: ", "negative", "row 5: "):
        assert words in message
