"""The six sheets of a workbook as rows of named fields, each cell still known by its address."""

from __future__ import annotations

from dataclasses import dataclass, field

from drgengine.grouper.workbook.sentences import Both, Sentence, said

SHEETS = ("MDC", "ADRG", "DRG", "集合", "CC", "排除表")
FIELDS = {
    "MDC": ("code", "name", "rule", "order"),
    "ADRG": ("code", "name", "rule", "mdc", "order"),
    "DRG": ("code", "name", "rule", "adrg", "mdc", "order"),
    "集合": ("set", "code", "name", "kind"),
    "CC": ("code", "name", "exclusion", "level"),
    "排除表": ("set", "code", "name"),
}
"""Sheet -> its fields; `order` is 排序, `set` 集合编号, `kind` DI or OP, `level` MCC or CC, `exclusion` EX_n."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row that is not wholly empty.

    number : row in the sheet, from 1; cells : field -> text, cleaned (see sheets.clean), "" where nothing stands
    """

    number: int
    cells: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.cells[field]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: where its header stands, which column holds which field, and its rows in order."""

    name: str
    header_row: int
    columns: dict[str, str]  # field -> column letter, "A", "B", ...; an optional field that is not there is absent
    rows: tuple[SheetRow, ...]

    def place(self, row: SheetRow | int, field: str = "", code: str = "") -> Sentence:
        """The address of a cell or a row, such as `sheet ADRG, cell C17 (BB2)`; code : of the row, may be ""."""
        number = str(row if isinstance(row, int) else row.number)
        if field not in self.columns:
            return said("at_row", sheet=self.name, row=number)
        cell = self.columns[field] + number
        return said("at_cell_of", sheet=self.name, cell=cell, code=code) if code else at_cell(self.name, cell)


def at_cell(sheet: str, cell: str) -> Sentence:
    """The place of a cell.

    >>> str(at_cell("ADRG", "C17")), at_cell("ADRG", "C17").told("zh")
    ('sheet ADRG, cell C17', '工作表 ADRG 单元格 C17')
    """
    return said("at_cell", sheet=sheet, cell=cell)


def at_sheet(*sheets: str) -> Sentence:
    """The place of whole sheets.

    >>> str(at_sheet("CC")), str(at_sheet("CC", "排除表")), at_sheet("CC", "排除表").told("zh")
    ('sheet CC', 'sheets CC, 排除表', '工作表 CC、排除表')
    """
    names = Both("、".join(sheets), ", ".join(sheets))
    return said("at_sheet" if len(sheets) == 1 else "at_sheets", sheet=names)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something repaired, doubted or noticed while a workbook was read.

    level : repair (the file was read otherwise than it is written), warning, note
    kind : a short name such as `duplicate_member`; place : sheet and cell; text : what, and what was done. `told("zh")`
    of place and text is the Chinese, `str` of them the English
    """

    level: str
    kind: str
    place: Sentence
    text: Sentence

    def __str__(self) -> str:
        return f"{self.level}: {self.place}: {self.text} [{self.kind}]"


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook as read: path, fingerprint of the file, sheets by name, what was repaired while reading."""

    path: str
    sha256: str
    sheets: dict[str, Sheet]
    remarks: tuple[Remark, ...] = field(default=())
