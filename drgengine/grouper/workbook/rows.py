"""The six sheets of a workbook as rows of named fields, each cell still known by its address."""

from __future__ import annotations

from dataclasses import dataclass, field

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

    def place(self, row: SheetRow | int, field: str = "") -> str:
        """The address of a cell or a row, such as `sheet ADRG, cell C17`."""
        number = row if isinstance(row, int) else row.number
        return f"sheet {self.name}, " + (
            f"cell {self.columns[field]}{number}" if field in self.columns else f"row {number}"
        )


@dataclass(frozen=True, slots=True)
class Remark:
    """Something repaired, doubted or noticed while a workbook was read.

    level : repair (the file was read otherwise than it is written), warning, note
    kind : a short name such as `duplicate_member`; place : sheet and cell; text : what, and what was done
    """

    level: str
    kind: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.level}: {self.place}: {self.text} [{self.kind}]"


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook as read: path, fingerprint of the file, sheets by name, what was repaired while reading."""

    path: str
    sha256: str
    sheets: dict[str, Sheet]
    remarks: tuple[Remark, ...] = field(default=())
