"""Writing the files of an invented cost model: Chinese headers, CSV with a byte order mark, charge lines in Parquet."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.synth.chargelines import NOBODY, Lines
from drgengine.synth.hospitalcases import HospitalCases
from drgengine.synth.hospitaldepartments import Departments
from drgengine.synth.hospitalitems import FEE_CLASSES, Items
from drgengine.synth.hospitalsupport import Rows
from drgengine.synth.settings import data

CHARGES, DISCHARGES, MODEL = "charges.parquet", "discharges.parquet", "model.toml"
_KINDS = ("住院", "门急诊", "体检")
_ENDINGS = {"csv": ".csv", "parquet": ".parquet"}


def file_name(table: str, form: str) -> str:
    """File of a table."""
    return str(data("hospital_tables")["table"][table]["file"]) + _ENDINGS[form]


def write_table(folder: Path, table: str, rows: Rows, form: str) -> None:
    """One small table; canonical words become those of the files, None a blank cell."""
    facts = data("hospital_tables")
    headers, words = facts["table"][table]["headers"], facts["words"]
    cells = [[_cell(value, words) for value in row] for row in rows]
    path = folder / file_name(table, form)
    if form == "parquet":
        columns = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)] if cells else []
        arrays = columns or [pa.array([], pa.string()) for _ in headers]
        pq.write_table(pa.table(dict(zip(headers, arrays, strict=True))), path, compression="zstd")
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headers)
        writer.writerows(cells)


def _cell(value: object, words: dict[str, str]) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return "是" if value else "否"
    if isinstance(value, str):
        return words.get(value, value)
    if isinstance(value, float | np.floating):
        return f"{float(value):.2f}".removesuffix(".00")
    return str(value)


def discharge_table(cases: HospitalCases) -> pa.Table:
    """The table discharges: no discharge date, group or diagnosis for those still in hospital."""
    gone = cases.discharged >= 0
    titles = {
        "dx": "主要诊断编码",
        "adrg": "ADRG编码",
        "drg": "DRG编码",
        "status": "入组状态",
        "physician_id": "医师编码",
    }
    columns: dict[str, Any] = {
        "住院号": cases.texts["case_id"],
        "入院日期": _dates(cases.admitted),
        "出院日期": _dates(np.where(gone, cases.discharged, 0), ~gone),
        "出院科室": cases.texts["department_id"].dictionary_encode(),
        "住院天数": pa.array(cases.days, pa.int32()),
        **{title: cases.texts[name].dictionary_encode() for name, title in titles.items() if name in cases.texts},
        "总费用": pa.array(cases.fen.sum(axis=1) / 100),
    }
    return pa.table(columns)


def _dates(days: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    return pa.array(days.astype(np.int32), pa.int32(), mask=missing).view(pa.date32())


class ChargeFile:
    """Writes charge lines block by block as row groups; codes are dictionaries."""

    def __init__(self, path: Path, cases: HospitalCases, departments: Departments, items: Items) -> None:
        self.cases = cases.texts["case_id"]
        self.departments = pa.array(departments.codes, pa.string())
        self.items = items
        self.codes = pa.array(items.codes, pa.string())
        self.schema = pa.schema(
            {
                "住院号": _coded(pa.int32()),
                "患者类型": _coded(pa.int8()),
                "开单科室": _coded(pa.int16()),
                "执行科室": _coded(pa.int16()),
                "项目编码": _coded(pa.int16()),
                "费用类别": _coded(pa.int8()),
                "数量": pa.float64(),
                "单价": pa.float64(),
                "金额": pa.float64(),
                "收费日期": pa.date32(),
                "冲销标志": pa.bool_(),
            }
        )
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd", compression_level=_LEVEL)

    def write(self, lines: Lines) -> None:
        """One row group."""
        there = lines.case != NOBODY
        rows, index = np.unique(lines.case[there], return_inverse=True)
        places = np.zeros(lines.case.size, dtype=np.int32)
        places[there] = index
        case = pa.DictionaryArray.from_arrays(
            pa.array(places, mask=~there), self.cases.take(pa.array(rows.astype(np.int64)))
        )
        arrays = [
            case,
            _words(lines.kind.astype(np.int8), pa.array(_KINDS)),
            _words(lines.order.astype(np.int16), self.departments),
            _words(lines.exec.astype(np.int16), self.departments),
            _words(lines.item.astype(np.int16), self.codes),
            _words(self.items.part[lines.item].astype(np.int8), pa.array(FEE_CLASSES)),
            pa.array(lines.qty),
            pa.array(lines.price),
            pa.array(lines.fen / 100),
            _dates(lines.day),
            pa.array(lines.reversal),
        ]
        self.writer.write_table(
            pa.Table.from_arrays(arrays, schema=self.schema), row_group_size=max(len(lines.case), 1)
        )

    def close(self) -> None:
        """Finish the file."""
        self.writer.close()


_LEVEL = 9


def _coded(index: Any) -> Any:
    return pa.dictionary(index, pa.string())


def _words(places: np.ndarray, texts: Any) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(places), texts)


def model_text(name: str, hospital: str, year: int, ledger_fen: int, form: str, tables: Iterable[str]) -> str:
    """model.toml."""
    files = {table: file_name(table, form) for table in tables}
    files |= {"charges": CHARGES, "discharges": DISCHARGES}
    start, end = dt.date(year, 1, 1), dt.date(year, 12, 31)
    listed = "\n".join(f'{table} = "{file}"' for table, file in files.items())
    return f"""\
# Invented hospital, made by drgengine.synth.hospitalmodel. The figures are tied to no hospital.
# 虚构医院，由 drgengine.synth.hospitalmodel 生成，数据与任何医院无关。

[model]
name = "{name}"
hospital = "{hospital}"
ledger_total = {ledger_fen // 100}.{ledger_fen % 100:02d}

[period]
start = {start}
end = {end}

[tables]
{listed}

[allocation]
method = "three-level"
basis = {{ administration = "staff", auxiliary = "income", technology = "orders_income" }}

[items]
method = "income"

[cases]
methods = ["bottom-up", "top-down", "cost-to-revenue"]
main = "bottom-up"
scope = "medical_full"

# There is no official table of weights: those of this run stand in, and every output says so.
# 没有官方权重表：用本次运行按收费算得的权重代替，各输出均已注明。
[payment]
weights = "model"
"""
