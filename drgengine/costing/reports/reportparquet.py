"""A report table as Parquet (成本报表数据): English columns, Chinese titles in the metadata, no total rows.

Texts that are sentences stand in English under the name of their column, in Chinese in a column of their own.
"""

from __future__ import annotations

import datetime
import os
from typing import Any

import pandas as pd
import pyarrow as pa

from drgengine.costing.bilingual import in_language
from drgengine.costing.reports.reporttables import ReportTable
from drgengine.costing.reports.reportwords import TEXT_KINDS, Column, report_texts
from drgengine.formats import open_sink

_UNITS = {"amount": "yuan", "unit": "yuan per unit", "percent": "share of 1"}


def write_report(
    table: ReportTable, path: str | os.PathLike[str], *, period: tuple[datetime.date, datetime.date] | None = None
) -> int:
    """Write a report as .parquet (or .csv), whole or not at all; returns its rows.

    Titles of the columns stand in the field metadata (title_zh, title_en, kind, unit), that of the table, its source,
    scope and period in the metadata of the file.
    Raises OutputFileError: the place cannot be written.
    """
    arrow = as_arrow(table, period=period)
    with open_sink(path, arrow.schema, output_schema=arrow.schema) as sink:
        for batch in arrow.to_batches():
            sink.write(batch)
    return int(arrow.num_rows)


def as_arrow(table: ReportTable, *, period: tuple[datetime.date, datetime.date] | None = None) -> Any:
    """The report as a pyarrow Table with its titles as metadata; amounts are float64 yuan, whole fen."""
    fields, arrays = [], []
    for column in table.columns:
        values = _array(table.frame[column.name], column)
        notes = {"title_zh": column.zh, "title_en": column.en, "kind": column.kind}
        if column.kind in _UNITS:
            notes["unit"] = _UNITS[column.kind]
        fields.append(pa.field(column.name, values.type, metadata=notes))
        arrays.append(values)
        if column.both:
            ending = report_texts()["frame"]["in_chinese"]
            titles = {"title_zh": column.zh + ending["zh"], "title_en": column.en + ending["en"]}
            fields.append(pa.field(f"{column.name}_zh", pa.string(), metadata=notes | titles))
            arrays.append(pa.array([_utf8(in_language(text, "zh")) for text in table.frame[column.name]], pa.string()))
    form = table.form
    about = {
        "table": form.name,
        "title_zh": form.title["zh"],
        "title_en": form.title["en"],
        "source_zh": form.source["zh"],
        "source_en": form.source["en"],
    }
    if table.scope:
        about["scope"] = table.scope
    for number, remark in enumerate(table.remarks, 1):
        about |= {f"remark{number}_zh": remark["zh"], f"remark{number}_en": remark["en"]}
    if period:
        about["period"] = "/".join(day.isoformat() for day in period)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about))


def _array(values: Any, column: Column) -> Any:
    if column.kind not in TEXT_KINDS:
        kind = pa.int64() if pd.api.types.is_integer_dtype(values) else pa.float64()
        return pa.array(values.to_numpy(), kind, from_pandas=True)
    if pd.api.types.is_bool_dtype(values):
        return pa.array(values.to_numpy(bool), pa.bool_())
    return pa.array([None if value is None or pd.isna(value) else _utf8(str(value)) for value in values], pa.string())


def _utf8(text: str) -> str:
    """The text; half a surrogate pair, which no file can hold, becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
