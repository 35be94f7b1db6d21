"""Page, workbook and tables of an impact: self-contained, escaped, numeric, without names, complete."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.impact import Impact, impact, write_impact
from drgengine.impact.words import settings

SAMPLE = Path(__file__).resolve().parent.parent / "sample_cases" / "demo" / "discharges.parquet"
EVIL = '=cmd|"/c calc"!A1</script><script>alert(1)</script>'
SECRET = "王小明秘密"


def cases(departments: int) -> pa.Table:
    """Some of the sample with departments of awkward names and a column of names."""
    table = pq.read_table(SAMPLE, columns=["dx", "proc", "sex", "age_years"]).slice(0, 400)
    names = [EVIL, "@SUM(A1)", *(f"D{at:03}" for at in range(departments))]
    wards = [names[at % len(names)] for at in range(table.num_rows)]
    return table.append_column("department_id", pa.array(wards)).append_column("姓名", pa.array([SECRET] * len(wards)))


@pytest.fixture(scope="module")
def found() -> Impact:
    once = impact(cases(40), "chs-drg-1.1", "chs-drg-2.0")
    codes = [row["code"] for row in once.groups.to_pylist() if row["status"] == "grouped"]
    old, new = ({code: 0.5 + at % 7 / 10 for at, code in enumerate(codes)} for _ in range(2))
    return impact(cases(40), "chs-drg-1.1", "chs-drg-2.0", weights_a=old, weights_b=new)


@pytest.fixture(scope="module", params=["zh", "en"])
def written(request: pytest.FixtureRequest, found: Impact, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp(f"impact-{request.param}")
    return request.param, write_impact(found, folder, language=request.param)


def test_the_page_needs_no_network_and_escapes_names(written: Any) -> None:
    language, paths = written
    page = paths["page"].read_text(encoding="utf-8")
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)  # plotly names addresses it does not load
    assert re.findall(r"""(?:src|href|action)\s*=\s*["']?\s*(?:https?:)?//""", own) == []
    assert "http://" not in own
    assert "https://" not in own
    assert "default-src 'none'" in page
    assert "alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page
    assert SECRET not in page


def test_the_page_has_no_empty_section_and_few_nodes(written: Any, found: Impact) -> None:
    language, paths = written
    page = paths["page"].read_text(encoding="utf-8")
    words = settings()[language]
    for name in ("chapter_flow", "chapter_weights", "chapter_departments", "chapter_severity", "chapter_status"):
        assert words[name] in page
    assert words["departments_note"].format(shown=30, all=42) in page
    assert page.count('data-for="flow-') == 2
    for part in re.findall(r'data-for="flow-\w+">(.*?)</script>', page, flags=re.DOTALL):
        trace = json.loads(part)["data"][0]
        assert len(trace["node"]["label"]) <= 52
        assert len(trace["link"]["source"]) == len(trace["link"]["color"]) == len(trace["link"]["value"])
    assert sum(n for n in _values(page, "flow-mdc")) == found.moved


def _values(page: str, name: str) -> list[int]:
    part = re.findall(rf'data-for="{name}">(.*?)</script>', page, flags=re.DOTALL)[0]
    values: list[int] = json.loads(part)["data"][0]["link"]["value"]
    return values


def test_a_page_where_nothing_moves_and_without_weights(tmp_path: Path) -> None:
    same = impact(cases(1), "chs-drg-2.0", "chs-drg-2.0")
    page = write_impact(same, tmp_path, language="en")["page"].read_text(encoding="utf-8")
    assert settings()["en"]["nothing_moves"] in page
    assert "--weights-a OLD" in page
    assert "CMI before" not in page


def test_the_workbook_has_live_numbers_and_no_formula(written: Any, found: Impact) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    language, paths = written
    words = settings()[language]
    book = openpyxl.load_workbook(paths["workbook"])
    names = ["overview", "top", "flows", "departments", "severity", "groups", "notes"]
    assert book.sheetnames == [words[f"sheet_{name}"] for name in names]
    for sheet in book:
        for row in sheet.iter_rows():
            assert [cell.coordinate for cell in row if cell.data_type == "f"] == []
            assert [cell.value for cell in row if isinstance(cell.value, str) and SECRET in cell.value] == []
    rows = _body(book[words["sheet_departments"]], words["department"])
    assert len(rows) == 42
    assert {EVIL, "@SUM(A1)"} <= {row[words["department"]] for row in rows}
    assert sum(row[words["cases"]] for row in rows) == 400
    assert all(isinstance(row[words["weight_before"]], int | float) for row in rows)
    every = _body(book[words["sheet_flows"]], words["kind"])
    assert sum(row[words["cases"]] for row in every) == 400
    assert len(every) == found.flows.num_rows
    assert len(_body(book[words["sheet_top"]], words["kind"])) == 50


def _body(sheet: Any, first: str) -> list[dict[str, Any]]:
    rows = list(sheet.iter_rows(values_only=True))
    at = next(place for place, row in enumerate(rows) if row[0] == first and row[1])
    return [dict(zip(rows[at], row, strict=True)) for row in rows[at + 1 :] if row[0] is not None]


def test_the_tables_hold_everything_and_no_names(written: Any, found: Impact) -> None:
    _, paths = written
    departments = pq.read_table(paths["departments"])
    assert departments.num_rows == 42
    assert pq.read_table(paths["flows"]).num_rows == found.flows.num_rows
    for path in paths.values():
        assert SECRET.encode() not in path.read_bytes()


def test_a_language_and_a_place_that_cannot_be(found: Impact, tmp_path: Path) -> None:
    with pytest.raises(DrgEngineError, match="'fr' is not known"):
        write_impact(found, tmp_path, language="fr")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFileError):
        write_impact(found, tmp_path / "file")


def test_both_languages_have_the_same_words() -> None:
    words = settings()
    assert list(words["zh"]) == list(words["en"])
    for key in words["zh"]:
        assert set(re.findall(r"{(\w+)}", words["zh"][key])) == set(re.findall(r"{(\w+)}", words["en"][key])), key
