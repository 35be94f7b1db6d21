"""Exports of every dialect, written by the generator, against what reading them gives.

The generator knows the national formats and the rules of cleaning, and nothing of the readers.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import drgengine
import drgengine.formats
from drgengine.errors import InputFileError
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.synth import sample
from drgengine.synth.export import ExportTruth, export
from drgengine.synth.exportdirt import dirt_kinds
from drgengine.synth.exportstay import fits_sex

HIDDEN = "…"  # stands for a birth date
EACH = 3  # records soiled with each kind of dirt
# Made at reading, so that no export holds them.
MADE = {"source_row", "patient_id", "dx_source", "dx_status", "proc_source", "proc_status"}
GROUP_COLUMNS = ("status", "mdc", "adrg", "drg", "severity")


@pytest.fixture(scope="session")
def discharges() -> pa.Table:
    """Clean cases with more infants than a year has, as many kinds of dirt befall only them."""
    drawn, _ = sample(2000, seed=3, dirty_share=0)
    infants = drawn.filter(pc.is_valid(drawn["age_days"]))
    cases = pa.concat_tables([infants.slice(0, 50), drawn.slice(0, 330)])
    # An export leaves procedures of the other sex out, which may change the group.
    return cases.filter([all(fits_sex(code, row["sex"]) for code in row["proc"] or []) for row in cases.to_pylist()])


@pytest.fixture(scope="session")
def few(discharges: pa.Table) -> pa.Table:
    return discharges.slice(20, 120)


def _plain(value: Any) -> Any:
    """What is left when nothing is told apart from the empty text, the empty list and zero hours."""
    if isinstance(value, list):
        return [_plain(item) for item in value] or None
    if isinstance(value, float):
        return round(value, 6)
    return None if value == "" else value


def differences(got: pa.Table, truth: ExportTruth, leave: Iterable[str] = ()) -> list[tuple[int, str, Any, Any]]:
    """(row of the file, column, expected, found) of every cell that came out otherwise, superseded records aside."""
    assert got.num_rows == truth.rows
    rows = truth.case_rows.tolist()
    got = got.take(truth.case_rows - 1)
    found = []
    for name in FRONT_PAGE_SCHEMA.names:
        if name in MADE or name in leave:
            continue
        pairs = zip(rows, truth.cases[name].to_pylist(), got[name].to_pylist(), strict=True)
        found += [
            (row, name, expected, value)
            for row, expected, value in pairs
            if _plain(expected) != _plain(value)
            and (row, name) not in truth.unsure
            and not (name == "icu_hours" and not expected and not value)
        ]
    return found


def unmatched(issues: pa.Table, truth: ExportTruth) -> tuple[list[Any], list[Any]]:
    """Planted (row, column, rule) that were not reported, and reported ones that were not planted."""
    reported = Counter(zip(*(issues[name].to_pylist() for name in ("row", "column", "rule")), strict=True))
    planted = Counter(zip(*(truth.planted[name].to_pylist() for name in ("row", "column", "rule")), strict=True))
    missing = []
    for (row, column, rule), count in planted.items():
        # A rule for a whole row has no column of its own.
        keys = [(row, column, rule)] if column else [key for key in reported if (key[0], key[2]) == (row, rule)]
        for _ in range(count):
            key = next((key for key in keys if reported[key]), None)
            if key is None:
                missing.append((row, column, rule))
            else:
                reported[key] -= 1
    return missing, sorted(key for key, count in reported.items() if count)


def _same(cleaned: str | None, expected: str | None) -> bool:
    if expected is None or cleaned is None:
        return expected is None  # what is kept or lost may be told in words or not at all
    if cleaned == HIDDEN:
        return True
    try:
        return abs(float(cleaned) - float(expected)) < 1e-6
    except ValueError:
        pass
    try:
        return datetime.datetime.fromisoformat(cleaned) == datetime.datetime.fromisoformat(expected)
    except ValueError:
        return sorted(cleaned.replace(";", " ").replace("|", " ").replace(",", " ").split()) == sorted(expected.split())


def cleaned_otherwise(issues: pa.Table, truth: ExportTruth) -> list[Any]:
    # A rule for values that do not fit one another may tell what was read in place of the cell's text.
    told = {(line["row"], line["column"], line["rule"]): (line["raw"], line["cleaned"]) for line in issues.to_pylist()}
    found = []
    for line in truth.planted.to_pylist():
        key = (line["row"], line["column"], line["rule"])
        if key in told:
            raw, cleaned = told[key]
            same_raw = line["raw"].startswith(raw) or _same(raw, line["raw"])
            if not (same_raw and _same(cleaned, line["cleaned"])):
                found.append((line, told[key]))
    return found


def read(path: Path, dialect: str, **more: Any) -> Any:
    return drgengine.read_front_page(path, dialect, code_edition="insurance", **more)


def texts_of(table: pa.Table) -> set[str]:
    """All texts of a table, also inside lists."""
    found: set[str] = set()
    for column in table.columns:
        for value in column.to_pylist():
            values = value if isinstance(value, list) else [value]
            found.update(str(item) for item in values if item is not None)
    return found


# ---------------------------------------------------------------- dirt
@pytest.fixture(scope="session", params=["hqms", "n041", "hn041"])
def dirty(
    request: pytest.FixtureRequest, discharges: pa.Table, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ExportTruth, Any]:
    """A GB18030 export with every kind of dirt, and what reading it gave."""
    dialect = request.param
    path = tmp_path_factory.mktemp(dialect) / f"{dialect}.csv"
    counts = dict.fromkeys(dirt_kinds(dialect), EACH)
    truth = export(discharges, path, dialect=dialect, encoding="gb18030", dirt=counts, shuffled=True, seed=8)
    return truth, read(path, "auto", days_unit="days")


def test_every_kind_of_dirt_comes_out_with_its_count(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    reported = Counter(pages.issues["rule"].to_pylist())
    planted = {rule: count for rule, count in truth.counts.items() if rule != "filler"}
    assert dict(sorted(reported.items())) == planted


def test_every_dirty_cell_is_reported_and_no_other(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    assert unmatched(pages.issues, truth) == ([], [])


def test_the_report_says_what_became_of_a_cell(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    assert cleaned_otherwise(pages.issues, truth) == []


def test_the_values_are_those_of_the_stays(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    assert differences(pages.table, truth) == []


def test_records_that_came_again_are_set_aside(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    assert pages.superseded.num_rows == EACH
    found = sorted(zip(*(column.to_pylist() for column in pages.superseded.columns[:2]), strict=True))
    assert found == sorted(zip(*(column.to_pylist() for column in truth.superseded.columns), strict=True))


def test_no_person_comes_out(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    assert len(truth.personal) > 1000
    for table in (pages.table, pages.issues, pages.superseded):
        assert not texts_of(table) & truth.personal


def test_fillers_are_counted(dirty: tuple[ExportTruth, Any]) -> None:
    truth, _ = dirty
    source = drgengine.formats.open_front_page(truth.path, "auto", code_edition="insurance", days_unit="days")
    with source:
        for _ in source.batches():
            pass
    assert source.counted["filler"] == sum(truth.fillers.values())


def test_converting_gives_what_reading_gives(dirty: tuple[ExportTruth, Any], tmp_path: Path) -> None:
    truth, pages = dirty
    target, told = tmp_path / "cases.parquet", tmp_path / "issues.parquet"
    summary = drgengine.formats.convert_file(
        truth.path, target, profile="auto", code_edition="insurance", days_unit="days", issues=told
    )
    # Parquet has no seconds, so its times are milliseconds.
    assert pq.read_table(target).cast(FRONT_PAGE_SCHEMA).equals(pages.table.take(truth.case_rows - 1))
    assert pq.read_table(told).equals(pages.issues)
    assert summary.rows_read == summary.rows_written + summary.rows_superseded == truth.rows
    aside = pq.read_table(tmp_path / "cases.superseded.parquet")
    assert aside.num_rows == EACH
    assert not (texts_of(aside) | {str(summary)}) & truth.personal


def test_the_size_of_batches_does_not_matter(dirty: tuple[ExportTruth, Any]) -> None:
    truth, pages = dirty
    again = read(truth.path, "auto", days_unit="days", batch_rows=37)
    assert again.table.equals(pages.table)
    assert again.issues.equals(pages.issues)


def test_a_pseudonym_stands_for_a_person(few: pa.Table, tmp_path: Path) -> None:
    twice = pa.concat_tables([few.slice(0, 30), few.slice(0, 30)])
    truth = export(twice, tmp_path / "page.csv", dialect="n041")
    made = (
        read(truth.path, "n041", days_unit="days", salt="an invented salt, the first").table["patient_id"].to_pylist()
    )
    other = (
        read(truth.path, "n041", days_unit="days", salt="an invented salt, the second").table["patient_id"].to_pylist()
    )
    assert made[:30] == made[30:]
    assert len(set(made)) == len(set(few.slice(0, 30)["patient_id"].to_pylist()))
    assert not set(made) & (set(other) | set(truth.personal))


def test_months_and_separators_when_the_reader_is_told(discharges: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "n041.csv"
    older = discharges.filter(pc.fill_null(pc.greater(discharges["age_days"], 11), True)).slice(0, 150)
    truth = export(older, path, dialect="n041", dirt={"code_plus_separator": EACH, "age_days_in_months": EACH})
    pages = read(path, "n041", plus="separate")
    assert unmatched(pages.issues, truth) == ([], [])
    assert differences(pages.table, truth) == []


# ---------------------------------------------------------------- clean files
FILES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hqms, byte order mark, semicolon": ("hqms", "csv", {"encoding": "utf-8-sig", "delimiter": ";"}),
    "hqms, Chinese headers": ("hqms", "csv", {"encoding": "gb18030", "header": "name"}),
    "hqms, 中文(CODE), shuffled, tab": ("hqms", "txt", {"header": "both", "delimiter": "\t", "shuffled": True}),
    "hqms, capital X": ("hqms", "csv", {"header": "upper"}),
    "hqms, workbook": ("hqms", "xlsx", {"header": "both_wide"}),
    "hqms, parquet": ("hqms", "parquet", {}),
    "n041, semicolon": ("n041", "csv", {"encoding": "gb18030", "delimiter": ";"}),
    "n041, workbook": ("n041", "xlsx", {"header": "both"}),
    "n041, dBase": ("n041", "dbf", {}),
    "n042, shuffled": ("n042", "csv", {"shuffled": True}),
    "n042, parquet": ("n042", "parquet", {}),
    "hn041": ("hn041", "csv", {"encoding": "gb18030"}),
    "hqms_p, dBase": ("hqms_p", "dbf", {}),
    "hqms_p": ("hqms_p", "csv", {"encoding": "gb18030", "delimiter": "\t"}),
    "opendrg": ("opendrg", "csv", {}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_clean_export_is_read_without_a_word(name: str, few: pa.Table, tmp_path: Path) -> None:
    dialect, ending, how = FILES[name]
    truth = export(few, tmp_path / f"page.{ending}", dialect=dialect, **how)
    pages = read(truth.path, "auto", days_unit="days")
    assert pages.profile.startswith(dialect) if isinstance(pages.profile, str) else pages.profile.name == dialect
    assert unmatched(pages.issues, truth) == ([], [])
    # No standard gives the Chinese names of the columns of intensive care.
    assert differences(pages.table, truth, leave=["icu_hours"] if how.get("header") == "name" else []) == []
    assert not texts_of(pages.table) & truth.personal


def _groups(table: Any) -> list[tuple[Any, ...]]:
    grouped = drgengine.group(table, scheme="chs-drg-2.0")
    return list(zip(*(grouped[name].to_pylist() for name in GROUP_COLUMNS), strict=True))


@pytest.mark.parametrize("dialect", ["hqms", "n041", "hn041", "settlement"])
def test_an_export_groups_as_the_cases_it_was_made_of(dialect: str, discharges: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / ("tables" if dialect == "settlement" else "page.csv")
    truth = export(discharges, path, dialect=dialect, seed=5)
    pages = drgengine.read_settlement(path) if dialect == "settlement" else read(path, dialect, days_unit="days")
    expected = _groups(discharges)
    assert _groups(truth.cases) == expected
    assert _groups(pages.table) == expected
    assert sum(status == "grouped" for status, *_ in expected) > 200


def test_settlement_tables_hold_the_cases_of_the_front_page(few: pa.Table, tmp_path: Path) -> None:
    truth = export(few, tmp_path / "tables", dialect="settlement", encoding="gb18030")
    pages = drgengine.read_settlement(truth.path)
    charges = [name for name in FRONT_PAGE_SCHEMA.names if "charge" in name or name.startswith("of_which")]
    other = ["case_id", "visit_no", "payment", "self_paid", "pathology", "external_cause", "proc_level"]
    ordered = pages.table
    for kind, *beside in (("dx", "dx_condition"), ("proc", "proc_date")):
        assert [set(codes) for codes in ordered[kind].to_pylist()] == [
            set(codes) for codes in truth.cases[kind].to_pylist()
        ]
        assert [codes[:1] for codes in ordered[kind].to_pylist()] == [
            codes[:1] for codes in truth.cases[kind].to_pylist()
        ]
        other += [kind, *beside]
    assert differences(ordered, truth, leave=[*charges, *other]) == []
    assert not texts_of(ordered) & truth.personal


# ---------------------------------------------------------------- whole files that cannot be trusted
@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("虚构名称", "锟斤拷"),
        lambda text: text.replace("虚构名称", "虚构名称".encode().decode("latin-1")),
    ],
)
def test_text_read_in_the_wrong_encoding_stops(damage: Callable[[str], str], few: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "hqms.csv"
    export(few.slice(0, 20), path, dialect="hqms")
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    with pytest.raises(InputFileError, match="encod"):
        read(path, "hqms")
