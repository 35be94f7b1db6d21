"""Plants the known defects of the authority's file into a clean workbook, none of which may change a group."""

from __future__ import annotations

from random import Random

from drgengine.synth.workbookcontent import Cell, SheetContent, WorkbookContent
from drgengine.synth.workbooklists import AMENDED, DUPLICATES

SHEET_ORDER = ("集合", "DRG", "MDC", "排除表", "ADRG", "CC")
NBSP, WIDE_BLANK, ZERO_WIDTH = "\u00a0", "\u3000", "\u200b"
MISPRINT = ("T92.506", "陈旧性肱二头肌腱损伤", "陈旧性肱二头肌建损伤")
_ORDER = {"MDC": 3, "ADRG": 4, "DRG": 5}
_HEADERS = {
    "ADRG": ("ADRG编码", f"ADRG{ZERO_WIDTH}名称", "ADRG规则", f"所属MDC编码{NBSP}", "排序"),
    "DRG": ("DRG编码", "DRG名称", "DRG规则", "所属ADRG编码", "所属MDC编码", "排序"),
    "集合": ("集合编号", "ICD编码", "ICD名称", "类型"),
    "CC": ("ICD编码", "ICD名称", f"排除表{WIDE_BLANK}", "类型编号"),
}


def plant(content: WorkbookContent, rng: Random, *, empty_first_column: bool = False) -> WorkbookContent:
    """The same scheme with every known defect; `planted` of the result says what and where.

    empty_first_column : whether the sheet ADRG begins with an empty column, as older files do
    """
    sheets = {
        sheet.name: SheetContent(sheet.name, _HEADERS.get(sheet.name, sheet.header), [list(row) for row in sheet.rows])
        for sheet in content.sheets
    }
    made = WorkbookContent([sheets[name] for name in SHEET_ORDER])
    for step in (_missing_rows, _duplicates, _sort_numbers, _rule_texts, _names, _codes, _rows):
        made.planted |= step(sheets, rng)
    sheets["MDC"].above = [["按病组（DRG）付费分组方案配置信息（虚构）"]]
    sheets["DRG"].above = [["DRG分组（虚构）"]]
    sheets["集合"].above = [["集合（虚构）"], []]
    sheets["ADRG"].shift = int(empty_first_column)
    made.planted["header_row"] = [f"{sheet.name} {sheet.header_row}" for sheet in made.sheets]
    return made


Sheets = dict[str, SheetContent]
Planted = dict[str, list[str]]


def _missing_rows(sheets: Sheets, rng: Random) -> Planted:
    gone = {(table, code) for table, codes in AMENDED.items() for code in codes}
    sheets["排除表"].rows = [row for row in sheets["排除表"].rows if (row[0], row[1]) not in gone]
    return {"missing_exclusion": [f"{table} {code}" for table, code in sorted(gone)]}


def _duplicates(sheets: Sheets, rng: Random) -> Planted:
    """Rows that stand twice; in 集合 they replace nothing, so that rows and codes differ in number."""
    planted = {}
    for name, count in (("集合", DUPLICATES), ("CC", 14), ("排除表", 9)):
        rows = sheets[name].rows
        places = sorted(rng.sample(range(len(rows)), min(count, len(rows), len(rows) // 10 + 1)), reverse=True)
        for at in places:
            rows.insert(at + rng.choice((1, 2, 3)), list(rows[at]))
        planted[f"duplicate {name}"] = [f"{rows[at][0]} {rows[at][1]}" for at in places]
    return planted


def _sort_numbers(sheets: Sheets, rng: Random) -> Planted:
    """The fall-back row O00 before OT1 and OZ1, ZZ1 before ZQY, equal numbers, numbers as texts, rows out of order."""
    rows = {row[0]: row for row in sheets["ADRG"].rows}
    planted: Planted = {"fallback_in_the_middle": [], "always_before_ambiguous": [], "equal_order": []}
    if {"O00", "OT1", "OZ1"} <= set(rows):
        place = int(str(rows["OT1"][4]))
        for row in sheets["ADRG"].rows:
            if row[3] == "MDCO" and int(str(row[4])) >= place:
                row[4] = int(str(row[4])) + 1
        rows["O00"][4] = place
        planted["fallback_in_the_middle"] = ["O00"]
    if {"ZZ1", "ZQY"} <= set(rows):
        rows["ZZ1"][4], rows["ZQY"][4] = sorted(int(str(rows[code][4])) for code in ("ZZ1", "ZQY"))
        planted["always_before_ambiguous"] = ["ZZ1"]
    equal = [(one, two) for one, two in zip(sheets["DRG"].rows, sheets["DRG"].rows[1:], strict=False)]
    equal = [(one, two) for one, two in equal if one[3] == two[3] and one[5] == 1 and two[2]][:3]
    for one, two in equal:
        two[5] = one[5]
        planted["equal_order"].append(f"{one[0]} {two[0]}")
    kept = [row for row in sheets["ADRG"].rows if row[3] != "MDCK"]
    sheets["ADRG"].rows = kept + [row for row in reversed(sheets["ADRG"].rows) if row[3] == "MDCK"]
    for name, column in _ORDER.items():
        for number, row in enumerate(sheets[name].rows):
            value = row[column]
            row[column] = (value, value, f"{value}.0", f"{value}", f" {value}{NBSP}")[number % 5]
    return planted


def _rule_texts(sheets: Sheets, rng: Random) -> Planted:
    """Blanks of every kind, literal escapes, line continuations, letter case; the rules mean the same."""
    for row in sheets["MDC"].rows:
        if row[0] == "MDCZ":
            row[2] = str(row[2]).replace(" or ", " or \\\n")
        row[2] = _odd_blanks(str(row[2]), 1)
    for number, row in enumerate(sheets["ADRG"].rows):
        row[2] = _odd_blanks(str(row[2]), number)
    for number, row in enumerate(sheets["DRG"].rows):
        text = str(row[2])
        if " or " in text:
            text = text.replace(" or ", " OR ")
        row[2] = _odd_blanks(text, number) if text else (None, "", " ", WIDE_BLANK)[number % 4]
    return {"rule_text": ["MDC", "ADRG", "DRG"]}


def _odd_blanks(text: str, number: int) -> str:
    blank = (" ", NBSP, WIDE_BLANK, "\t", "\n", "_x000D_", f" {ZERO_WIDTH}", "_X000d_\n", "  ")[number % 9]
    first, _, rest = text.partition(" ")
    if rest:
        text = f"{first}{blank}{rest}"
    if number % 7 == 0:
        text = text.replace(" and ", " AND ").replace(" in ", " In ").replace(">=", " >= ")
    if number % 11 == 0:
        text = text.replace("{MCC, CC}", "{ mcc,CC }").replace("{ZYSS, QTSS}", "{ZYSS,QTSS}")
    return text + (NBSP if number % 13 == 0 and text else "")


def _names(sheets: Sheets, rng: Random) -> Planted:
    planted: Planted = {"name": []}
    for number, row in enumerate(sheets["ADRG"].rows):
        if row[0] == "RN4" or number % 40 == 7:
            row[1] = f"{row[1]}_x000D_\n"
            planted["name"].append(str(row[0]))
    for number, row in enumerate(sheets["DRG"].rows):
        if number % 50 == 3:
            row[1] = f"{WIDE_BLANK}{row[1]}_x0009_"
    for name in ("集合", "CC", "排除表"):
        for row in sheets[name].rows:
            column = 2 if name != "CC" else 1
            if row[0 if name == "CC" else 1] == MISPRINT[0]:
                row[column] = MISPRINT[2]
    return planted


def _codes(sheets: Sheets, rng: Random) -> Planted:
    """Codes, sets and kinds with blanks around them and in another letter case."""
    for number, row in enumerate(sheets["集合"].rows):
        if number % 997 == 0:
            row[1] = f"{NBSP}{row[1]}{ZERO_WIDTH}"
        elif number % 1009 == 0:
            row[0], row[3] = str(row[0]).lower(), str(row[3]).lower()
        elif number % 1013 == 0:
            row[1] = f"{row[1]}_x000D_"
        elif number % 503 == 0:
            row[1] = str(row[1]).replace("x", "X")
    for number, row in enumerate(sheets["CC"].rows):
        if number % 499 == 0:
            row[2], row[3] = f"{WIDE_BLANK}{str(row[2]).lower()}", f"{str(row[3]).lower()} "
    for number, row in enumerate(sheets["排除表"].rows):
        if number % 1511 == 0:
            row[0], row[1] = f"{row[0]}\t", f"{row[1]}{NBSP}"
    return {"code": ["集合", "CC", "排除表"]}


def _rows(sheets: Sheets, rng: Random) -> Planted:
    """Empty rows and rows that end before the header does."""
    planted: Planted = {"empty_row": [], "short_row": []}
    for name, sheet in sheets.items():
        if name in ("集合", "排除表"):
            for row in sheet.rows[5::700]:
                if name == "排除表":
                    del row[2:]
                    planted["short_row"].append(f"{name} {row[0]} {row[1]}")
        blanks: list[list[Cell]] = [[], [None, " "], [f"{NBSP}"]]
        for number, blank in enumerate(blanks):
            sheet.rows.insert(len(sheet.rows) * (number + 1) // 4, blank)
            planted["empty_row"].append(name)
    return planted
