"""A configuration workbook small enough to read, with the rules that the published examples quote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drgengine.grouper.workbook.rows import FIELDS, Remark, Sheet, SheetRow, Workbook

Content = dict[str, list[tuple[Any, ...]]]
HEADERS = {
    "MDC": ("MDC编码", "MDC名称", "MDC规则", "排序"),
    "ADRG": ("ADRG编码", "ADRG名称", "ADRG规则", "所属MDC编码", "MDC内排序"),
    "DRG": ("DRG", "DRG名称", "DRG规则", "所属ADRG编码", "所属MDC编码", "排序"),
    "集合": ("集合编号", "ICD编码", "ICD名称", "类型编号"),
    "CC": ("疾病编码", "疾病名称", "排除表", "类型"),
    "排除表": ("集合编号", "ICD编码", "ICD名称"),
}
TRAUMA = " or ".join(
    f"((ZYZD in DI_Z0{i}) and (QTZD in {{{', '.join(f'DI_Z0{j}' for j in range(1, 4) if j != i)}}}))"
    for i in range(1, 4)
)
NEWBORN = (
    "((NL=0) and (XSRTL>=29) and (XSRTL<366) and (ZYZD in DI_PV1) and (ZYSS not in OP_ALL)) or ((NL=0) and (XSRTL<29))"
)
_MDC = [
    ("A", ""), ("P", NEWBORN), ("Z", TRAUMA), ("B", "ZYZD in DI_B00"), ("C", "ZYZD in DI_C00"),
    ("F", "ZYZD in DI_F00"), ("G", "ZYZD in DI_G00"), ("I", "ZYZD in DI_I00"), ("L", "ZYZD in DI_L00"),
    ("M", "ZYZD in DI_M00 and XB = 1"), ("N", "ZYZD in DI_N00 and XB=2"), ("O", "ZYZD in DI_O00 AND XB=2"),
    ("W", "ZYZD in DI_W00"), ("Y", "ZYZD in DI_Y00"),
]  # fmt: skip
_BURNS = "(QTZD in DI2_WB2 or (ZYZD in DI_WB2 and QTZD in DI1_WB2)) and ZYSS in OP_WB2"
_ADRG = {  # MDC: ADRG, rule, then DRG, rule in their order
    "A": [("AA1", "ZYSS in OP_AA1", ("AA19", "")),
          ("AC1", "ZYSS in OP1_AC1 and {ZYSS, QTSS} in OP2_AC1", ("AC19", "")),
          ("AH2", "ZYSS in OP1_AH2 and {ZYSS, QTSS} in OP2_AH2", ("AH29", ""))],
    "P": [("PS1", "XSRTZ<1000 and ZYSS not in OP_ALL", ("PS19", "")),
          ("PS2", "XSRTZ>=1000 and XSRTZ<1500 and ZYSS not in OP_ALL", ("PS29", "")),
          ("PS5", "XSRTZ>=2500 and ZYSS not in OP_ALL", ("PS51", "QTZD in MCC"), ("PS55", "")),
          ("PV1", "XSRTL>=29 and ZYZD in DI_PV1 and ZYSS not in OP_ALL", ("PV11", "QTZD in MCC"), ("PV15", "")),
          ("PQY", "ZYSS in OP_ALL and XSRTL<29", ("PQY", "")), ("P00", "", ("P000", ""))],
    "Z": [("ZB1", "ZYSS in OP_BB2", ("ZB19", "")),
          ("ZZ1", "1", ("ZZ11", "QTZD in MCC"), ("ZZ15", "")), ("ZQY", "ZYSS in OP_ALL", ("ZQY", ""))],
    "B": [("BB2", "ZYSS in OP_BB2", ("BB21", "QTZD in MCC"), ("BB23", "QTZD in CC"), ("BB25", "")),
          ("BD1", "ZYSS in OP_BD1", ("BD13", "QTZD in {MCC, CC}"), ("BD15", "")),
          ("BT1", "ZYZD in DI_BT1 and ZYSS not in OP_ALL", ("BT11", "QTZD in MCC"), ("BT13", "QTZD in CC"),
           ("BT15", "")),
          ("BT3", "ZYZD in DI_BT3 and ZYSS not in OP_ALL", ("BT33", "QTZD in {MCC, CC}"), ("BT3C", "NL<=6"),
           ("BT35", "")),
          ("BV1", "ZYZD in DI_BV1 and ZYSS not in OP_ALL", ("BV1E", "QTZD in MCC and NL>=70"),
           ("BV1F", "QTZD in CC and NL>=70"), ("BV1G", "NL>=70"), ("BV11", "QTZD in MCC"), ("BV13", "QTZD in CC"),
           ("BV15", "")),
          ("BY1", "ZYZD in DI_BY1 and ZYSS not in OP_ALL", ("BY11", "QTZD in MCC"), ("BY1G", "NL>=70"),
           ("BY15", "")),
          ("BQY", "ZYSS in OP_ALL", ("BQY", "")), ("B00", "", ("B000", ""))],
    "C": [("CV1", "ZYZD in DI_C00 and ZYSS not in OP_ALL", ("CV1H", "NL>=70"), ("CV19", ""))],
    "F": [("FU1", "ZYZD in DI_F00 and ZYSS not in OP_ALL", ("FU11", "QTZD in MCC"), ("FU1G", "NL>=70"),
           ("FU15", ""))],
    "G": [("GB1", "ZYSS in OP1_GB1 and {ZYSS, QTSS} in OP2_GB1", ("GB19", "")),
          ("GB4", "ZYSS in OP_GB4", ("GB40", "{ZYSS, QTSS} in OP_ARB"), ("GB49", "")),
          ("GU2", "ZYZD in DI_GU2 and ZYSS not in OP_ALL", ("GU21", "QTZD in MCC"), ("GU25", "")),
          ("GQY", "ZYSS in OP_ALL", ("GQY", ""))],
    "I": [("IC2", "length(OP_IC2 ∩ {ZYSS, QTSS})>=2 and ZYSS in OP_IC2", ("IC29", "")),
          ("IC3", "ZYSS in OP_IC2", ("IC30", "{ZYSS, QTSS} in OP_ARB"), ("IC39", ""))],
    "L": [("LA2", "ZYSS in OP_LA2", ("LA20", "{ZYSS, QTSS} in OP_ARB"), ("LA23", "QTZD in CC"), ("LA25", "")),
          ("LJ1", "ZYSS in OP_LJ1", ("LJ1F", "QTZD in {MCC, CC} and NL>=70"), ("LJ15", ""))],
    "M": [("MB1", "ZYSS in OP_MB1", ("MB10", "{ZYSS, QTSS} in OP_ARB"), ("MB19", ""))],
    "N": [("NC1", "ZYSS in OP1_NC1 and {ZYSS, QTSS} in OP2_NC1", ("NC10", "{ZYSS, QTSS} in OP_ARB"), ("NC19", ""))],
    "O": [("OB1", "ZYSS in OP_OB2 and {ZYSS, QTSS} in OP2_OB1", ("OB11", "ZYZD in DI_OBD or QTZD in MCC"),
           ("OB15", "")),
          ("OB2", "ZYSS in OP_OB2", ("OB21", "ZYZD in DI_OBD or QTZD in MCC"), ("OB25", ""))],
    "W": [("WB2", _BURNS, ("WB29", ""))],
    "Y": [("YR1", "ZYZD in DI_Y00", ("YR19", ""))],
}  # fmt: skip
SETS = {
    "DI_B00": "D33.404 I61.003 J10.801+G94.8* A52.106+H48.0* G40.300x007 G40.200 S02.300 I67.900",
    "DI_BT1": "J10.801+G94.8*", "DI_BT3": "A52.106+H48.0*", "DI_BV1": "G40.300x007 G40.200", "DI_BY1": "S02.300",
    "DI_C00": "H25.900", "DI_F00": "I45.901", "DI_G00": "K26.401 K35.900", "DI_GU2": "K26.401", "DI_I00": "M16.900",
    "DI_L00": "N36.804", "DI_M00": "S38.000", "DI_N00": "D26.701", "DI_O00": "O32.802 O36.302 O80.000",
    "DI_OBD": "O32.802", "DI_PV1": "P81.902", "DI_W00": "T20.300x009 T21.300", "DI_WB2": "T21.300",
    "DI1_WB2": "T31.200", "DI2_WB2": "T31.100", "DI_Y00": "B24.x00",
    "DI_Z01": "S17.000x001 S17.900", "DI_Z02": "S21.100x002", "DI_Z03": "S31.000",
    "OP_AA1": "33.6x00", "OP1_AC1": "52.8000", "OP2_AC1": "55.6100", "OP1_AH2": "96.7201", "OP2_AH2": "39.9500x007",
    "OP_BB2": "38.4000", "OP_BD1": "80.5101", "OP1_GB1": "48.6901", "OP2_GB1": "68.4901", "OP_GB4": "48.4901",
    "OP_IC2": "81.5100 81.5400 81.8000", "OP_LA2": "55.5100", "OP_LJ1": "55.9206", "OP_MB1": "40.2900x028",
    "OP1_NC1": "67.4x07", "OP2_NC1": "65.2505", "OP_OB2": "74.1x02", "OP2_OB1": "68.3902", "OP_WB2": "84.0102",
    "OP_ARB": "17.4100 17.4200 17.4300 17.4400 17.4500",
    "OP_ALL": "33.6x00 52.8000 55.6100 38.4000 80.5101 48.6901 68.4901 48.4901 81.5100 81.5400 81.8000 55.5100 55.9206 "
              "40.2900x028 67.4x07 65.2505 74.1x02 68.3902 84.0102 43.3x00x003 77.8300x007 30.0903",
}  # fmt: skip
SEVERITY = [("A19.000x012", "EX_1", "MCC"), ("B05.801", "EX_2", "CC"), ("J96.000", "", "MCC")]
TABLES = {"EX_1": "G40.200 A19.000x011", "EX_2": "G40.200 B05.900", "EX_3": "I10.x00"}
EDITION = """
[identity]
id = "small"
title = { zh = "小方案", en = "small scheme" }
authority = { zh = "测试", en = "a test" }
version = "1"
[options]
checks = ["sex_invalid", "principal_diagnosis_missing"]
refused_principals = ["unknown", "not_allowed"]
day_age_of_infants_only = true
[sets]
operations = "OP_ALL"
for_grouping = ["OP_ARB"]
[repairs]
operation_test_before_ambiguous = true
[[amendment]]
table = "EX_3"
codes = ["P22.100", "I10.x00"]
source = "table 3"
[[amendment]]
table = "EX_99"
codes = ["P24.100"]
source = "table 99"
[[name]]
code = "S38.000"
written = "外生殖器挤压伤建"
name = "外生殖器挤压伤"
"""


def content() -> Content:
    """Sheet -> rows in the order of FIELDS; changed by tests as they like."""
    sheets: Content = {name: [] for name in FIELDS}
    for at, (mdc, rule) in enumerate(_MDC, 1):
        sheets["MDC"].append((f"MDC{mdc}", f"大类{mdc}", rule, str(at)))
        for place, (adrg, when, *groups) in enumerate(_ADRG[mdc], 1):
            sheets["ADRG"].append((adrg, f"{adrg}名称", when, f"MDC{mdc}", f"{place}.0"))
            for number, (drg, text) in enumerate(groups, 1):
                sheets["DRG"].append((drg, f"{drg}名称", text, adrg, f"MDC{mdc}", str(number)))
    sheets["MDC"].append(("0000", "", "", "27"))
    sheets["ADRG"].append(("000", "", "", "0000", "1"))
    sheets["DRG"].append(("0000", "", "", "000", "0000", "1"))
    for name, codes in SETS.items():
        sheets["集合"] += [(name, code, f"{code}的名称", name[:2]) for code in codes.split()]
    sheets["CC"] = [(code, f"{code}的名称", table, level) for code, table, level in SEVERITY]
    for name, codes in TABLES.items():
        sheets["排除表"] += [(name, code, f"{code}的名称") for code in codes.split()]
    return sheets


def as_workbook(sheets: Content, remarks: tuple[Remark, ...] = ()) -> Workbook:
    """The rows as they look after reading, without a file."""
    made = {}
    for name, rows in sheets.items():
        fields = FIELDS[name]
        columns = {field: "ABCDEF"[at] for at, field in enumerate(fields)}
        read = [SheetRow(at, dict(zip(fields, map(str, row), strict=True))) for at, row in enumerate(rows, 2)]
        made[name] = Sheet(name, 1, columns, tuple(read))
    return Workbook("small.xlsx", "ab" * 32, made, remarks)


def write_xlsx(sheets: Content, path: Path) -> Path:
    """The rows as a real file."""
    from openpyxl import Workbook as Book

    book = Book()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        if name == "MDC":
            sheet.append(["MDC配置信息"])
        sheet.append(HEADERS[name])
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def edition_file(folder: Path, more: str = "") -> Path:
    """The edition file that belongs to the small workbook."""
    path = folder / "small-edition.toml"
    path.write_text(EDITION + more, encoding="utf-8")
    return path


def replaced(rows: list[tuple[Any, ...]], code: str, **cells: Any) -> list[tuple[Any, ...]]:
    """Rows with cells of one row replaced: the row whose first cell is the code; keys are places such as `c2`."""
    found = []
    for row in rows:
        cellsof = list(row)
        if row[0] == code:
            for key, value in cells.items():
                cellsof[int(key[1:])] = value
        found.append(tuple(cellsof))
    assert any(row[0] == code for row in rows)
    return found
