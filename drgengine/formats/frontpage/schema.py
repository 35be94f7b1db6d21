"""The one table that front pages of every dialect and settlement lists become."""

from __future__ import annotations

import pyarrow as pa

from drgengine.cases import CASE_SCHEMA

_FURTHER = (
    ("source_row", pa.int64(), "导出文件中的行号"),
    ("record_no", pa.string(), "病案号"),
    ("visit_no", pa.string(), "住院次数"),
    ("admission_time", pa.timestamp("s"), "入院时间"),
    ("discharge_time", pa.timestamp("s"), "出院时间"),
    ("admission_department_id", pa.string(), "入院科别"),
    ("payment", pa.string(), "医疗付费方式"),
    ("dx_condition", pa.list_(pa.string()), "入院病情（与诊断编码并列）"),
    ("dx_source", pa.list_(pa.string()), "对照前诊断编码（与诊断编码并列）"),
    ("dx_status", pa.list_(pa.string()), "诊断编码状态（与诊断编码并列）"),
    ("proc_date", pa.list_(pa.timestamp("s")), "手术操作时间（与手术操作编码并列）"),
    ("proc_level", pa.list_(pa.string()), "手术级别（与手术操作编码并列）"),
    ("proc_source", pa.list_(pa.string()), "对照前手术操作编码（与手术操作编码并列）"),
    ("proc_status", pa.list_(pa.string()), "手术操作编码状态（与手术操作编码并列）"),
    ("pathology", pa.string(), "病理诊断编码"),
    ("external_cause", pa.string(), "损伤中毒外部原因编码"),
    ("self_paid", pa.float64(), "自付金额"),
    # Parts of a charge that is in the table already: never to be added to it.
    ("of_which_physical_therapy", pa.float64(), "其中：临床物理治疗费"),
    ("of_which_anaesthesia", pa.float64(), "其中：麻醉费"),
    ("of_which_operation", pa.float64(), "其中：手术费"),
    ("of_which_antibacterial", pa.float64(), "其中：抗菌药物费"),
)

OF_WHICH = {
    "of_which_physical_therapy": "charge_nonsurgical_treatment",
    "of_which_anaesthesia": "charge_surgical_treatment",
    "of_which_operation": "charge_surgical_treatment",
    "of_which_antibacterial": "charge_western_drug",
}
"""Column -> the charge it lies inside (其中项)."""

FRONT_PAGE_SCHEMA: pa.Schema = pa.schema(
    [*CASE_SCHEMA, *(pa.field(name, kind, metadata={"title": title}) for name, kind, title in _FURTHER)]
)
"""Columns of the case table, then what front pages hold beside it; a column that a dialect lacks is null.

source_row is the row of the export, from 1, as the issues number it. case_id is record and visit number joined by "-",
so that the second stay of a patient is another case.
"""
