"""What the documents show is tried: the example tables, the commands, the links."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import drgengine as de
from drgengine.cli import _COMMANDS, main
from drgengine.formats.codemaps import load_code_map
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.formats.profiles.profilefile import profile_names
from drgengine.grouper.interchange import import_scheme

ROOT = Path(__file__).parent.parent
PAGES = [
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/scheme-tables.md",
    "docs/official-workbook.md",
    "docs/impact.md",
    "docs/scheme-diff.md",
    "docs/what-if.md",
    "docs/indicators.md",
    "docs/evaluation-plan.md",
    "docs/spark.md",
    "docs/recipes.md",
    "docs/exports.md",
]
EXPORTS = ROOT / "docs" / "exports.md"
Said = Callable[[str], str]


def test_the_example_tables_make_a_scheme(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scheme-tables.md").read_text(encoding="utf-8")
    block = page.partition("## A whole example")[2].split("```")[1]
    tables: dict[str, list[str]] = {}
    for line in block.strip("\n").splitlines():
        name, row = line[:17].strip(), line[17:]
        tables.setdefault(name or list(tables)[-1], []).append(row)
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, rows in tables.items():
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert import_scheme(folder, tmp_path / "scheme") == []
    cases = {"dx": [["I50.900", "J96.000"], ["I50.900"], ["I21.001"]], "proc": [[], [], ["36.0700x004"]]}
    grouped = de.group({**cases, "sex": [1, 2, 1], "age_years": [70, 70, 70]}, tmp_path / "scheme")
    assert grouped["drg"].to_pylist() == ["FR11", "FR15", "FM39"]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)\)", text)
    assert [t for t in targets if "://" not in t and not (ROOT / page).parent.joinpath(t).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_command_is_in_the_readme(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [name for name in _COMMANDS if f"drgengine {name}" not in text] == []


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the export that the README invents."""
    folder = tmp_path_factory.mktemp("export")
    words = _lines_of("README.md", "drgengine synth export.csv --as")[0].split()[1:]
    words[1] = str(folder / "export.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["drgengine", *words, "-q"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0
    return folder


@pytest.fixture
def said(exported: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Said:
    """Runs a line of a page in the folder of the export: what it printed, in lines, without blanks at their ends."""

    def call(line: str) -> str:
        monkeypatch.chdir(exported)
        monkeypatch.setenv("COLUMNS", "110")
        words = line.split()[1:]
        monkeypatch.setattr(sys, "argv", ["drgengine", *words, *([] if "--lang" in words else ["--lang", "en"])])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, 1)
        told = capfd.readouterr()
        return "\n".join(text.rstrip() for text in (told.out + told.err).splitlines())

    return call


def _lines_of(page: str, start: str) -> list[str]:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(start)]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_two_commands_lead_from_an_export_to_groups(page: str, said: Said, exported: Path) -> None:
    convert, group = (_lines_of(page, f"drgengine {name}")[0] for name in ("convert export.csv", "group cases.parquet"))
    shown = "".join(said(convert).split())
    text = (ROOT / page).read_text(encoding="utf-8")
    printed = text.partition(convert)[2].split("```")[2]
    assert [line for line in printed.splitlines() if line.strip(" .") and "".join(line.split()) not in shown] == []
    assert "2,917" in said(group)
    assert "2,917" in text.partition(convert)[2]
    assert pq.read_metadata(exported / "grouped.parquet").num_rows == 3_000
    for name in ("cases.parquet", "cases.superseded.parquet", "issues.csv", "quality.html"):
        assert f"`{name}`" in text
        assert (exported / name).is_file()


@pytest.mark.parametrize(("page", "words"), [("README.md", "the same {} columns"), ("README.zh-CN.md", "同样的 {} 列")])
def test_the_readme_counts_the_columns(page: str, words: str) -> None:
    assert words.format(len(FRONT_PAGE_SCHEMA)) in (ROOT / page).read_text(encoding="utf-8")


def test_the_tables_of_the_exports_page_are_those_of_the_data() -> None:
    place = ROOT / "tools" / "exports_page.py"
    spec = importlib.util.spec_from_file_location("exports_page", place)
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = EXPORTS.read_text(encoding="utf-8")
    assert page == tool.fill(page), "write the tables of docs/exports.md again: python tools/exports_page.py"
    assert set(re.findall(r"<!-- (\w+) -->", page)) == {*tool._BLOCKS, "end"}
    for name in profile_names():
        assert f"`{name}`" in page.partition("`--profile auto` counts")[2].partition("###")[0]
    for name in ("cleaning", "issues"):
        rules = tomllib.loads((ROOT / "drgengine" / "data" / f"{name}.toml").read_text(encoding="utf-8"))
        assert [rule for rule in rules if rule != "version" and f"| `{rule}` |" not in page] == []


def test_the_profile_of_the_exports_page_reads_a_renamed_export(said: Said, exported: Path) -> None:
    page = EXPORTS.read_text(encoding="utf-8")
    profile = page.partition("```toml\n")[2].partition("```")[0]
    (exported / "ours.toml").write_text(profile, encoding="utf-8")
    header, _, rows = (exported / "export.csv").read_text(encoding="gb18030").partition("\n")
    for known, own in (("A12C", "PATIENT_SEX"), ("A01", "YYDM"), ("C03C", "MAIN_DX")):
        assert own in profile
        assert header.split(",").count(known) == 1
        header = re.sub(rf"(^|,){known}(,|$)", rf"\1{own}\2", header)
    (exported / "renamed.csv").write_text(f"{header}\n{rows}", encoding="gb18030")
    assert "read as ours" in said(_lines_of("docs/exports.md", "drgengine convert renamed.csv")[0])
    cases = pq.read_table(exported / "cases.parquet", columns=["hospital_id", "sex", "dx"])
    assert cases["sex"].null_count < 10
    assert cases["hospital_id"].null_count < 10


def test_the_mapping_table_of_the_exports_page_is_read(tmp_path: Path) -> None:
    table = EXPORTS.read_text(encoding="utf-8").partition("```\n国临版编码")[2].partition("```")[0]
    (tmp_path / "map.csv").write_text(f"国临版编码{table}", encoding="utf-8")
    entries = load_code_map(tmp_path / "map.csv").entries
    assert list(entries.values()) == [("A06.400+K77.0*",), ("B01.901", "B01.902"), ("I10.x00",), ()]
