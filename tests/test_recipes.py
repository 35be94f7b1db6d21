"""The recipes for DuckDB and Polars, taken from their page and run: the answer is that of de.group."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import drgengine as de
from drgengine.grouper.group import RESULT_COLUMNS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "recipes.md"


def blocks(heading: str) -> list[str]:
    """The Python blocks under a heading of the second level."""
    part = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    text = next(text for text in part if text.startswith(heading))
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)


def run(codes: list[str], names: dict[str, Any]) -> dict[str, Any]:
    for code in codes:
        exec(compile(code, str(PAGE), "exec"), names)
    return names


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return run(blocks("# Recipes"), {})


def answers(table: Any) -> list[tuple[Any, ...]]:
    columns = [table[name].to_pylist() for name in ("case_id", *RESULT_COLUMNS)]
    return list(zip(*columns, strict=True))


def test_duckdb(names: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb", reason="DuckDB is not installed (extra: dev)")
    codes = blocks("DuckDB")
    assert len(codes) == 2
    run(codes, names)
    alone = answers(de.group(pq.read_table("cases.parquet")))
    assert answers(pq.read_table("grouped.parquet")) == alone
    kept = names["con"].sql(f"SELECT case_id, {', '.join(RESULT_COLUMNS)} FROM grouped").fetchall()
    assert 0 < len(kept) < len(alone)
    assert set(kept) <= set(alone)
    assert "drg" in capfd.readouterr().out
    names["con"].close()


def test_polars(names: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("polars", reason="Polars is not installed (extra: polars)")
    codes = blocks("Polars")
    assert len(codes) == 2
    run(codes, names)
    alone = answers(de.group(pq.read_table("cases.parquet")))
    assert answers(pq.read_table("grouped_lazily.parquet")) == alone
    assert "grouped" in capfd.readouterr().out
