"""What the documents show is tried: the example tables, the commands, the links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import drgengine as de
from drgengine.cli import _COMMANDS
from drgengine.grouper.interchange import import_scheme

ROOT = Path(__file__).parent.parent
PAGES = [
    "README.md",
    "README.zh-CN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/scheme-tables.md",
    "docs/indicators.md",
    "docs/evaluation-plan.md",
    "docs/spark.md",
    "docs/recipes.md",
]


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
