"""The golden sets: packaged schemes and imported tables group every record as expected; the reference agrees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import drgengine
from drgengine.grouper.interchange import import_scheme
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme

SETS = ("chs_drg_20", "chs_drg_11", "chs_drg_10", "beijing_2022", "zhejiang_2022", "foshan_2022", "changzhou_2022")
PACKAGED = {
    "chs_drg_20": "chs-drg-2.0",
    "chs_drg_11": "chs-drg-1.1",
    "chs_drg_10": "chs-drg-1.0",
    "beijing_2022": "beijing-2022",
}
FIRST_RECORDS = 1_500
STATUS = {"SUCCESS": "grouped", "QY": "ambiguous", "FAIL": "ungroupable", "CHECK_FAILED": "invalid"}
NUMBERS = ("age_years", "age_days", "birth_weight_g", "los_days", "discharge_disposition", "icu_hours")
Answer = tuple[str, str | None, str | None, str | None]
Imported = Callable[[str], Path]


@pytest.fixture(scope="session")
def imported(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    """The scheme folder made from the interchange tables of a set, imported once."""
    folder = tmp_path_factory.mktemp("imported")

    def scheme_folder(name: str) -> Path:
        if not (folder / name).exists():
            import_scheme(shared / "reference" / "schemes" / name, folder / name)
        return folder / name

    return scheme_folder


def golden(shared: Path, name: str) -> pa.Table:
    return pq.read_table(shared / "golden" / f"{name}_dev.parquet")


def expected(table: pa.Table) -> list[Answer]:
    """(status, mdc, adrg, drg) in the words of the result columns; see the golden sets' description."""
    answers: list[Answer] = []
    for row in table.select(["exp_status", "exp_mdc", "exp_adrg", "exp_drg"]).to_pylist():
        status = STATUS[row["exp_status"]]
        mdc = row["exp_mdc"].removeprefix("MDC") if row["exp_mdc"] else None
        if status == "grouped":
            answers.append((status, mdc, row["exp_adrg"], row["exp_drg"]))
        elif status == "ambiguous":
            assert row["exp_adrg"] == "QY"
            answers.append((status, mdc, row["exp_drg"], row["exp_drg"]))
        elif status == "ungroupable":
            assert (row["exp_adrg"], row["exp_drg"]) == ("00", "0000")
            answers.append((status, None, None, "0000"))
        else:
            answers.append((status, None, None, None))
    return answers


def as_cases(table: pa.Table) -> list[Case]:
    there = [name for name in NUMBERS if name in table.schema.names]
    return [
        Case(
            dx=tuple(code or "" for code in row["dx"] or ()),
            proc=tuple(code or "" for code in row["proc"] or ()),
            sex=int(row["sex"]) if row["sex"] in ("1", "2") else 0,
            numbers={name: float(row[name]) for name in there if row[name] not in (None, "")},
            department=row.get("dept") or "",
        )
        for row in table.to_pylist()
    ]


def disagreements(table: pa.Table, found: list[Answer]) -> list[tuple[str, Answer, Answer]]:
    """The first few (case_id, expected, found)."""
    rows = zip(table["case_id"].to_pylist(), expected(table), found, strict=True)
    return [(case, wanted, got) for case, wanted, got in rows if wanted != got][:5]


def grouped(table: pa.Table, scheme: str | Path | Scheme) -> list[Answer]:
    columns = {"dept": "department_id"} if "dept" in table.schema.names else None
    inputs = table.drop_columns([name for name in table.schema.names if name.startswith("exp_")])
    result = drgengine.group(inputs, scheme=scheme, columns=columns)
    assert result.num_rows == table.num_rows
    assert result["case_id"].equals(table["case_id"])
    return list(zip(*(result[name].to_pylist() for name in ("status", "mdc", "adrg", "drg")), strict=True))


@pytest.mark.parametrize("name", PACKAGED)
def test_the_packaged_scheme_agrees_on_every_record(name: str, shared: Path) -> None:
    table = golden(shared, name)
    assert disagreements(table, grouped(table, PACKAGED[name])) == []


@pytest.mark.parametrize("name", SETS)
def test_the_imported_scheme_agrees_on_every_record(name: str, shared: Path, imported: Imported) -> None:
    table = golden(shared, name)
    assert disagreements(table, grouped(table, imported(name))) == []


@pytest.mark.parametrize("name", SETS)
def test_the_reference_agrees_on_the_first_records(name: str, shared: Path, imported: Imported) -> None:
    table = golden(shared, name).slice(0, FIRST_RECORDS)
    scheme = load_scheme(imported(name))
    found = [decide(scheme, case) for case in as_cases(table)]
    assert disagreements(table, [(d.status, d.mdc, d.adrg, d.drg) for d in found]) == []


@pytest.mark.parametrize("name", SETS)
def test_kernel_and_reference_agree_on_severity_and_reason(name: str, shared: Path, imported: Imported) -> None:
    table = golden(shared, name).slice(FIRST_RECORDS, 500)
    columns = {"dept": "department_id"} if "dept" in table.schema.names else None
    result = drgengine.group(table, scheme=imported(name), columns=columns).select(["severity", "reason"]).to_pylist()
    scheme = load_scheme(imported(name))
    found = [decide(scheme, case) for case in as_cases(table)]
    assert [{"severity": d.severity, "reason": d.reason} for d in found] == result


@pytest.mark.parametrize("name", SETS)
def test_the_golden_set_is_worth_its_name(name: str, shared: Path) -> None:
    """Every status that the scheme knows occurs, and so do many groups."""
    answers = expected(golden(shared, name))
    without_ambiguous = name in ("chs_drg_10", "chs_drg_11", "beijing_2022", "foshan_2022", "zhejiang_2022")
    assert {answer[0] for answer in answers} == set(STATUS.values()) - ({"ambiguous"} if without_ambiguous else set())
    assert len({answer[3] for answer in answers}) > 500


def test_rows_do_not_depend_on_threads_or_neighbours(shared: Path) -> None:
    table = golden(shared, "chs_drg_20")
    whole = drgengine.group(table, scheme="chs-drg-2.0")
    assert drgengine.group(table, scheme="chs-drg-2.0", threads=3).equals(whole)
    backwards = table.take(list(range(table.num_rows))[::-1])
    again = drgengine.group(backwards, scheme="chs-drg-2.0").select(
        ["status", "mdc", "adrg", "drg", "severity", "reason"]
    )
    assert again.to_pylist()[::-1] == whole.select(again.schema.names).to_pylist()
