"""Make the demonstration data again: python sample_cases/make_demo.py (same files every time)."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa

from drgengine.cases import CASE_SCHEMA
from drgengine.synth import generate, sample

FOLDER = Path(__file__).parent / "demo"
SEED = 2025
ROWS = 15_000
CSV_ROWS = 500


def main() -> None:
    """Write demo/discharges.parquet and demo/discharges_gb18030.csv."""
    print(generate(FOLDER / "discharges.parquet", rows=ROWS, seed=SEED).text())
    table, summary = sample(CSV_ROWS, seed=SEED)
    write_chinese_csv(table, FOLDER / "discharges_gb18030.csv")
    print(summary.text())


def write_chinese_csv(table: pa.Table, path: Path) -> None:
    """Write discharges as a hospital's own system exports them: GB18030, Chinese headers, numbered code columns."""
    columns: dict[str, list[object]] = {}
    for field in CASE_SCHEMA:
        values = table[field.name].to_pylist()
        if field.name in ("dx", "proc"):
            columns |= numbered([codes or [] for codes in values], {"dx": "诊断", "proc": "手术"}[field.name])
        else:
            columns[field.metadata[b"title"].decode().removesuffix("（假名）")] = values
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in zip(*columns.values(), strict=True))


def numbered(lists: list[list[str]], word: str) -> dict[str, list[object]]:
    """One column for the principal code and one for each other place."""
    places = max(map(len, lists))
    titles = [f"主要{word}编码", *(f"其他{word}编码{place}" for place in range(1, places))]
    return {
        title: [codes[place] if place < len(codes) else None for codes in lists] for place, title in enumerate(titles)
    }


if __name__ == "__main__":
    main()
