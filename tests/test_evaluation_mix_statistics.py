"""Statistics per unit and group: exact sums, whatever the batches, the shards and the form of the table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError, InputFileError
from drgengine.evaluation.mix import load_statistics, statistics_of_table, unit_statistics
from drgengine.evaluation.mix.reference_tally import reference_tally

STATUS = ["grouped", "grouped", "grouped", "ambiguous", "ungroupable", "invalid"]
DRG = {"ambiguous": "FQY", "ungroupable": "0000", "invalid": None}


@st.composite
def discharges(draw: Any) -> list[dict[str, Any]]:
    rows = []
    for _ in range(draw(st.integers(1, 40))):
        status = draw(st.sampled_from(STATUS))
        drg = DRG[status] if status in DRG else draw(st.sampled_from(["FR21", "FR25", "FB19", "GB11"]))
        fen = draw(st.one_of(st.none(), st.integers(1, 3_000_000_000)))
        severity = draw(st.sampled_from([None, "none", "CC", "MCC"]))
        rows.append(
            {
                "hospital_id": draw(st.sampled_from(["H1", "H2", None])),
                "physician_id": draw(st.sampled_from(["P1", "P2", "P3"])),
                "status": status,
                "drg": drg,
                "severity": severity if status == "grouped" else None,
                "total_charge": None if fen is None else fen / 100,
                "cost": None if fen is None or fen % 3 == 0 else fen / 200,
                "los_days": draw(st.one_of(st.none(), st.integers(0, 400))),
                "discharge_disposition": draw(st.sampled_from([None, 1, 4, 5])),
                "dx": draw(st.sampled_from([None, ["I10"], ["I10", "E11", "J96"]])),
                "proc": draw(st.sampled_from([None, [], ["36.0"]])),
            }
        )
    return rows


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("hospital_id", "physician_id", "status", "drg", "severity")),
        ("total_charge", pa.float64()),
        ("cost", pa.float64()),
        ("los_days", pa.int32()),
        ("discharge_disposition", pa.int32()),
        ("dx", pa.list_(pa.string())),
        ("proc", pa.list_(pa.string())),
    ]
)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def by_hand(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, int]]:
    cases = []
    for row in rows:
        fen = None if row["total_charge"] is None else round(row["total_charge"] * 100)
        cost = None if row["cost"] is None else round(row["cost"] * 100)
        disposition = row["discharge_disposition"]
        cases.append(
            {
                "key": (row["hospital_id"], "included" if row["status"] == "grouped" else row["status"], row["drg"]),
                "charge_fen": fen,
                "cost_fen": cost if cost else None,
                "los": row["los_days"],
                "died": None if disposition is None else disposition == 5,
                "procedures": None if row["proc"] is None else len(row["proc"]),
                "diagnoses": None if row["dx"] is None else len(row["dx"]),
                "severity": row["severity"],
            }
        )
    return reference_tally(cases)


@pytest.mark.kernel
@given(rows=discharges(), max_rows=st.integers(1, 50))
def test_sums_equal_the_twin_and_do_not_depend_on_batches(rows: list[dict[str, Any]], max_rows: int) -> None:
    table = table_of(rows)
    found = unit_statistics(table)
    expected = by_hand(rows)
    assert found.cells.num_rows == len(expected)
    for cell in found.cells.to_pylist():
        hand = expected[cell["hospital_id"], cell["inclusion"], cell["drg"]]
        for amount in ("charge", "cost"):
            square = (cell.pop(f"{amount}_sq_high") << 32) + cell.pop(f"{amount}_sq_low")
            assert square == hand.get(f"{amount}_sq", 0)
        counts = {k: v for k, v in cell.items() if isinstance(v, int)}
        assert counts == {k: hand.get(k, 0) for k in counts}
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=max_rows))
    assert unit_statistics(reader).cells.equals(found.cells)


@pytest.mark.kernel
@given(rows=discharges(), cut=st.integers(0, 40))
def test_shards_merged_are_the_whole_and_levels_roll_up(rows: list[dict[str, Any]], cut: int) -> None:
    table = table_of(rows)
    levels = ["hospital_id", "physician_id"]
    parts = [unit_statistics(part, levels) for part in (table.slice(cut), table.slice(0, cut))]
    whole = unit_statistics(table, levels)
    assert parts[0].merge(parts[1]).cells.equals(whole.cells)
    assert whole.roll_up("hospital_id").cells.equals(unit_statistics(table).cells)
    assert whole.roll_up("mdc").cells.equals(unit_statistics(table, "mdc").cells)
    assert whole.roll_up([]).cases == len(rows)


def test_many_cells_make_the_table_grow() -> None:
    rng = np.random.default_rng(1)
    units = pa.array([f"P{number}" for number in rng.integers(0, 9000, 30_000)])
    drgs = pa.array(rng.choice(["FR21", "FR25", "GB11"], 30_000))
    table = pa.table({"physician_id": units, "drg": drgs, "total_charge": np.full(30_000, 12.5)})
    found = unit_statistics(table, "physician_id")
    counted = pd.DataFrame({"u": units.to_pandas(), "d": drgs.to_pandas()}).value_counts().sort_index()
    assert found.cells.num_rows == len(counted) > 8192
    assert found.cells["cases"].to_pylist() == counted.tolist()
    assert sum(found.cells["charge_fen"].to_pylist()) == 30_000 * 1250


def test_every_form_of_a_table_gives_the_same(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    table = pa.table(
        {
            "医疗机构代码": ["H1", "H1", "H2", None],
            "drg": ["FR21", "FQY", "0000", None],
            "住院总费用": [100.25, 7.0, 8.0, 9.0],
            "出院日期": [dt.date(2025, 1, 9), dt.date(2025, 2, 1), dt.date(2025, 3, 1), dt.date(2025, 12, 31)],
        }
    )
    found = unit_statistics(table)
    assert found.period == (dt.date(2025, 1, 9), dt.date(2025, 12, 31))
    pq.write_table(table, tmp_path / "cases.parquet", row_group_size=2)
    pyarrow.csv.write_csv(table, tmp_path / "cases.csv")
    (tmp_path / "folder").mkdir()
    for part in (0, 1):
        pq.write_table(table.slice(2 * part, 2), tmp_path / "folder" / f"{part}.parquet")
    forms = (tmp_path / "cases.parquet", tmp_path / "cases.csv", tmp_path / "folder", table.to_pandas())
    for form in (*forms, polars.from_arrow(table), table.to_reader()):
        assert unit_statistics(form).cells.equals(found.cells)


def test_saved_statistics_come_back(tmp_path: Path) -> None:
    table = pa.table({"hospital_id": ["H1", "H2"], "drg": ["FR21", "FR25"], "total_charge": [1.0, -2.0]})
    found = unit_statistics(table)
    assert found.unusable == {"total_charge: not above 0": 1}
    found.save(tmp_path / "s.parquet")
    back = load_statistics(tmp_path / "s.parquet")
    assert back.cells.equals(found.cells)
    assert (back.by, back.squares, back.period, back.unusable) == (found.by, found.squares, None, found.unusable)
    pq.write_table(table, tmp_path / "other.parquet")
    for name in ("other.parquet", "none.parquet"):
        with pytest.raises(InputFileError, match=name):
            load_statistics(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_aggregated_tables_give_the_same_statistics_as_cases() -> None:
    rng = np.random.default_rng(7)
    cases = pd.DataFrame(
        {
            "hospital_id": rng.choice(["H1", "H2"], 200),
            "drg": rng.choice(["FR21", "FR25", "GB11"], 200),
            "total_charge": rng.integers(1, 10_000, 200) / 100,
            "los_days": rng.integers(0, 30, 200),
            "discharge_disposition": rng.choice([1, 5], 200),
        }
    )
    found = unit_statistics(cases)
    again = statistics_of_table(found.table, period=found.period)
    assert again.cells.equals(found.cells)
    assert again.squares == found.squares


def test_texts_that_are_numbers_are_read_and_others_reported() -> None:
    table = pa.table({"hospital_id": [1, 1, 2], "drg": ["FR21"] * 3, "total_charge": ["1,234.50", "12元", "x"]})
    found = unit_statistics(table)
    assert found.table["charge_sum"].tolist() == [1246.5, 0.0]
    assert found.table["hospital_id"].tolist() == ["1", "2"]
    assert found.unusable == {"total_charge: number_unreadable": 1}


def test_long_stays_are_kept_apart() -> None:
    table = pa.table({"hospital_id": ["H"] * 3, "drg": ["FR21"] * 3, "los_days": [60, 61, None]})
    found = unit_statistics(table, max_stay_days=60)
    assert dict(zip(found.cells["inclusion"].to_pylist(), found.cells["cases"].to_pylist(), strict=True)) == {
        "included": 2,
        "long_stay": 1,
    }


GOOD = {"hospital_id": ["H"], "drg": ["FR21"]}


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ({"hospital_id": ["H"]}, {}, ["'drg'", "Group the cases"]),
        (GOOD, {"by": "hospital"}, ["'hospital'", "hospital_id"]),
        (GOOD, {"charge": "fee"}, ["'fee'"]),
        ({**GOOD, "status": ["done"]}, {}, ["'done'", "ungroupable"]),
        ({"hospital_id": [1.5], "drg": ["FR21"]}, {}, ["hospital_id", "1.5"]),
    ],
)
def test_errors_say_what_and_what_to_do(table: dict[str, Any], options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        unit_statistics(pa.table(table), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_errors_of_merging_and_aggregated_tables() -> None:
    first = unit_statistics(pa.table(GOOD))
    with pytest.raises(EvaluationError, match="roll_up"):
        first.merge(unit_statistics(pa.table(GOOD), "mdc"))
    with pytest.raises(EvaluationError, match="physician_id"):
        first.roll_up("physician_id")
    with pytest.raises(EvaluationError, match="no table of cases"):
        unit_statistics(3)
    frame = pd.DataFrame({"hospital_id": ["H", "H"], "drg": ["A", "B"], "cases": [1, -1]})
    with pytest.raises(EvaluationError, match=r"row 1, column cases"):
        statistics_of_table(frame)
