"""An invented configuration workbook in the layout of the authority's file, of full size, clean or with its defects."""

from __future__ import annotations

from pathlib import Path
from random import Random

from drgengine.synth.workbookcontent import Cell, SheetContent, WorkbookContent, write_workbook
from drgengine.synth.workbookdefects import MISPRINT, plant
from drgengine.synth.workbookgroups import enlarge, groups_of
from drgengine.synth.workbooklists import invent_severity, size_sets
from drgengine.synth.workbookscheme import Invented, invent_base

BASE = "chs-drg-2.0"
HEADERS = {
    "MDC": ("MDC编码", "MDC名称", "MDC规则", "排序"),
    "ADRG": ("ADRG编码", "ADRG名称", "ADRG规则", "所属MDC编码", "MDC内排序"),
    "DRG": ("DRG", "DRG名称", "DRG规则", "所属ADRG编码", "所属MDC编码", "排序"),
    "集合": ("集合编号", "ICD编码", "ICD名称", "类型编号"),
    "CC": ("疾病编码", "疾病名称", "排除表", "类型"),
    "排除表": ("集合编号", "ICD编码", "ICD名称"),
}
"""Header texts of the clean workbook in the order of the official file."""


def full_size_workbook(
    path: str | Path | None,
    *,
    seed: int = 1,
    adrg: int = 492,
    drg: int = 825,
    members: int = 107_000,
    defects: bool = True,
    empty_first_column: bool = False,
) -> WorkbookContent:
    """Invent a scheme and write it as a workbook; returns what was written. No path, no file.

    seed : the same seed gives the same bytes, and the same scheme with and without defects
    adrg, drg : ADRGs and groups beside the ambiguous, fall-back and ungrouped ones (with 150 and 260 a small one)
    members : about so many rows of the sheet 集合
    defects : plant every known defect of the authority's file; a reader must find the same groups as without them
    empty_first_column : let the sheet ADRG begin with an empty column (only with defects)

    Raises OutputFileError; ValueError for numbers that cannot be reached.

    >>> book = full_size_workbook(None, adrg=150, drg=260, members=5_000, defects=False)
    >>> [sheet.name for sheet in book.sheets]
    ['MDC', 'ADRG', 'DRG', '集合', 'CC', '排除表']
    """
    rng = Random(seed)
    content = workbook_of(invent(rng, adrg=adrg, drg=drg, members=members))
    if defects:
        content = plant(content, rng, empty_first_column=empty_first_column)
    if path is not None:
        write_workbook(content, path)
    return content


def invent(rng: Random, *, adrg: int = 492, drg: int = 825, members: int = 107_000) -> Invented:
    """The scheme of a workbook before it is cast into sheets."""
    from drgengine.grouper.schemefile import load_scheme

    scheme = load_scheme(BASE)
    invented = invent_base(scheme)
    enlarge(invented, scheme.procedures.codes, rng, adrg, drg)
    invent_severity(invented, scheme, members)
    size_sets(invented, rng, members)
    return invented


def workbook_of(invented: Invented) -> WorkbookContent:
    """A scheme as the six sheets of a clean workbook, rows in the order in which they are tried."""
    mdcs: list[list[Cell]] = []
    adrgs: list[list[Cell]] = []
    drgs: list[list[Cell]] = []
    for place, mdc in enumerate(invented.mdcs, 1):
        mdcs.append([mdc.code, mdc.name, mdc.rule, place])
        for within, adrg in enumerate(mdc.adrgs, 1):
            adrgs.append([adrg.code, adrg.name, adrg.rule, mdc.code, within])
            drgs += [
                [code, name, rule, adrg.code, mdc.code, number]
                for number, (code, name, rule) in enumerate(groups_of(adrg), 1)
            ]
    mdcs.append(["0000", "", "", len(mdcs) + 1])
    adrgs.append(["000", "", "", "0000", 1])
    drgs.append(["0000", "", "", "000", "0000", 1])
    sets: list[list[Cell]] = [
        [name, code, _named(code, name[:2]), name[:2]] for name, codes in invented.sets.items() for code in codes
    ]
    severity: list[list[Cell]] = [
        [code, _named(code, "DI"), table, level] for code, (level, table) in invented.severity.items()
    ]
    excluded: list[list[Cell]] = [
        [name, code, _named(code, "DI")] for name, codes in invented.excluded.items() for code in codes
    ]
    rows = dict(zip(HEADERS, (mdcs, adrgs, drgs, sets, severity, excluded), strict=True))
    sheets = [SheetContent(name, header, rows[name]) for name, header in HEADERS.items()]
    sheets[0].above = [["分组方案配置信息（虚构）"]]
    return WorkbookContent(sheets)


def _named(code: str, kind: str) -> str:
    if code == MISPRINT[0]:
        return MISPRINT[1]
    return f"{'诊断' if kind == 'DI' else '手术操作'} {code}"
