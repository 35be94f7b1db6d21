"""The data quality report: counts, ranking of problems, page and terminal."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from drgengine.cases.issues import BatchIssue
from drgengine.commands.qualityscreen import print_quality
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.grouper.schemefile import load_scheme
from drgengine.quality import QualityCollector, QualityReport, page_html, write_page
from drgengine.quality.page import percent
from drgengine.quality.problems import Tally, extra_losses, rank_problems
from drgengine.quality.words import settings

DAY = dt.date(2025, 3, 1)
GOOD = {
    "hospital_id": "H1", "record_no": "1", "visit_no": "1", "department_id": "03.01", "sex": 1, "age_years": 63,
    "admission_date": DAY, "discharge_date": DAY + dt.timedelta(days=4), "discharge_disposition": 1,
    "dx": ["I21.001"], "proc": [], "total_charge": 100.25,
}  # fmt: skip


def rows(*changes: dict[str, object]) -> pa.RecordBatch:
    table = pa.Table.from_pylist([GOOD | change for change in changes], FRONT_PAGE_SCHEMA)
    return table.combine_chunks().to_batches()[0]


CASES = rows(
    {},
    {"record_no": "2", "department_id": "<b>04</b>"},
    {"record_no": "1", "visit_no": "2", "admission_date": DAY + dt.timedelta(days=14),
     "discharge_date": DAY + dt.timedelta(days=60)},
    {"record_no": "3", "age_years": None, "total_charge": None},
    {"record_no": "4", "dx": ["", "I10.x00x002"]},
    {"record_no": "5", "sex": 2, "discharge_date": DAY + dt.timedelta(days=70)},
)  # fmt: skip
ISSUES = [
    BatchIssue("A14", "age_differs", np.array([1, 4]), ["60", "-"], ["63", ""]),
    BatchIssue("C03C", "principal_missing", np.array([5]), [""]),
    BatchIssue("D01", "charge_sum_differs", np.array([1, 2, 3]), ["1", "2", "3"]),
    BatchIssue("D01", "charge_currency", np.array([1, 1]), ["￥1", "￥2"], ["1", "2"]),
]


def report(*cuts: int) -> QualityReport:
    collector = QualityCollector(load_scheme("chs-drg-2.0"))
    for start, end in zip((0, *cuts), (*cuts, CASES.num_rows), strict=True):
        inside = [
            BatchIssue(issue.column, issue.rule, issue.rows[at], list(np.array(issue.values)[at]))
            for issue in ISSUES
            if (at := (issue.rows > start) & (issue.rows <= end)).any()
        ]
        collector.add(CASES.slice(start, end - start), inside, start + 1)
    return collector.report(
        source="export.csv", profile="hqms", code_edition="clinical", superseded=1, counted={"filler": 7}
    )


@pytest.fixture(scope="module")
def made() -> QualityReport:
    return report()


def test_every_row_has_one_status(made: QualityReport) -> None:
    assert dict(made.status) == {"grouped": 4, "ambiguous": 0, "ungroupable": 0, "invalid": 2}
    assert made.balances
    assert made.rows == 6


def test_batches_do_not_matter(made: QualityReport) -> None:
    assert report(1, 4) == made
    assert report(2, 3, 5) == made


def test_columns_are_counted(made: QualityReport) -> None:
    filled = {row.column: row.filled for row in made.completeness}
    assert (filled["record_no"], filled["age_years"], filled["dx"], filled["proc"]) == (6, 5, 5, 0)
    assert made.charges == 501.25
    assert made.domains["sex"] == {"1": 5, "2": 1}
    assert made.period == (DAY + dt.timedelta(days=4), DAY + dt.timedelta(days=70))


def test_rules_count_cells_and_rows(made: QualityReport) -> None:
    rules = {rule.rule: (rule.cells, rule.rows, rule.not_grouped, rule.kind) for rule in made.rules}
    assert rules["charge_currency"] == (2, 1, 0, "charge")
    assert rules["age_differs"] == (2, 2, 1, "age")
    assert made.counted == {"filler": 7}


def test_the_stay_that_follows_is_a_readmission(made: QualityReport) -> None:
    """Record 1 is back after ten days; stays without a whole month behind them are in no rate."""
    assert made.readmitted.readmitted == 1
    assert made.readmitted.stays == 4


def test_departments_worst_first(made: QualityReport) -> None:
    first, second = made.departments
    assert (first.department, first.cases, first.grouped, first.invalid) == ("03.01", 5, 3, 2)
    assert first.reason == "age_missing"
    assert (second.department, second.cases, second.grouped) == ("<b>04</b>", 1, 1)


def test_the_same_fact_is_one_problem(made: QualityReport) -> None:
    names = [problem.id for problem in made.problems]
    assert "principal_missing" in names
    assert "principal_diagnosis_missing" not in names
    assert "age_missing" in names
    assert "charge_currency" not in names  # nothing is lost by it
    assert made.problems[0].damage == max(problem.damage for problem in made.problems)


def test_a_harmless_rule_on_many_rows_is_not_blamed_for_the_usual_losses() -> None:
    spread = Tally(cells=100, rows=100, not_grouped=5)
    guilty = Tally(cells=10, rows=10, not_grouped=9)
    found = rank_problems({"charge_sum_differs": spread, "code_short": guilty}, {}, rows=1000, not_grouped=50)
    extra = {problem.id: problem.extra for problem in found}
    assert extra["charge_sum_differs"] == 0
    assert extra["code_short"] == pytest.approx(9 - 10 * 41 / 990)
    assert extra_losses(0, 0, 0, 0) == 0


def test_no_more_than_twenty_problems() -> None:
    reasons = {f"r{n:02}": Tally(cells=n, rows=n, not_grouped=n) for n in range(1, 31)}
    found = rank_problems({}, reasons, rows=1000, not_grouped=465)
    assert [problem.id for problem in found] == [f"r{n:02}" for n in range(30, 10, -1)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_whole_and_escaped(made: QualityReport, language: str, tmp_path: Path) -> None:
    text = write_page(made, tmp_path / "quality.html", language).read_text(encoding="utf-8")
    assert "&lt;b&gt;04&lt;/b&gt;" in text
    assert "<b>04</b>" not in text
    assert not re.search(r"https?://|<script|src=|url\(", text)
    assert "principal_missing" in text
    assert "{{" not in text
    assert page_html(made, language) == text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_terminal_says_the_same(made: QualityReport, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_quality(made, language)
    shown = capsys.readouterr().err
    assert "principal_missing" in shown
    assert "66.7 %" in shown


def test_an_empty_export_has_a_report(tmp_path: Path) -> None:
    collector = QualityCollector(load_scheme("chs-drg-2.0"))
    collector.add(CASES.slice(0, 0), [], 1)
    empty = collector.report(source="e.csv", profile="n041", code_edition="insurance")
    assert (empty.rows, empty.balances, empty.problems) == (0, True, ())
    assert write_page(empty, tmp_path / "e.html", "en").is_file()


def test_counts_that_do_not_balance_are_said(made: QualityReport) -> None:
    from dataclasses import replace

    wrong = replace(made, status={**made.status, "grouped": 3})
    assert not wrong.balances
    assert "DOES NOT BALANCE" in page_html(wrong, "en")


def test_json_can_be_written(made: QualityReport) -> None:
    content = json.loads(json.dumps(made.as_dict()))
    assert content["rows"] == 6
    assert content["balances"] is True


def test_words_are_there_in_both_languages() -> None:
    assert settings()["words"]["en"].keys() == settings()["words"]["zh"].keys()


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [percent(*pair) for pair in ((9_999, 10_000), (1, 10_000), (0, 5), (5, 5))] == [
        "99.9 %", "< 0.1 %", "0.0 %", "100.0 %",
    ]  # fmt: skip
