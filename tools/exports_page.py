"""Write the tables of docs/exports.md anew from the data they state.

    python tools/exports_page.py

The prose of the page is written by hand; what stands between `<!-- name -->` and `<!-- end -->` comes from
`drgengine/data/profiles`, `cleaning.toml`, `issues.toml`, `FRONT_PAGE_SCHEMA` and `formats/limits.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from drgengine.formats import limits
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA, OF_WHICH
from drgengine.formats.profiles.profilefile import profile_names

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "exports.md"
_DATA = ROOT / "drgengine" / "data"
_BLOCK = re.compile(r"(?s)<!-- (\w+) -->\n.*?<!-- end -->")
_KINDS = {
    "text": "Cells (单元格)",
    "record": "Records (记录)",
    "code": "Codes (编码)",
    "edition": "Code editions (编码版本)",
    "date": "Dates (日期)",
    "age": "Ages (年龄)",
    "weight": "Weights (体重)",
    "domain": "Value domains (值域)",
    "charge": "Charges (费用)",
    "logic": "Contradictions (逻辑)",
}


def fill(page: str) -> str:
    """The page with every table between marks written anew; a mark that is not known is a KeyError."""
    return _BLOCK.sub(lambda found: f"<!-- {found[1]} -->\n\n{_BLOCKS[found[1]]()}\n\n<!-- end -->", page)


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((_DATA / name).read_text(encoding="utf-8"))


def _table(titles: str, rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {titles} |", f"|{' --- |' * (titles.count('|') + 1)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _dialects() -> str:
    rows = []
    for name in profile_names():
        own = _toml(f"profiles/{name}.toml")
        row = (f"`{name}`", own["title"], own["source"], own["dates"], _codes(_principal(own)), _days(own))
        rows.append(row)
    return _table("id | title | issued by | in use | principal diagnosis | age below one year in", rows)


def _principal(own: dict[str, Any]) -> list[str]:
    dx = own.get("dx", {})
    found: list[str] = dx["list"] if "list" in dx else dx["principal"]["code"]
    return found


def _days(own: dict[str, Any]) -> str:
    unit: str = own["age_days_unit"] if "age_days_unit" in own else _days(_toml(f"profiles/{own['extends']}.toml"))
    return {"unknown": "days or months"}.get(unit, unit)


def _rules(file: str, kind: str | None = None) -> str:
    rules = {name: rule for name, rule in _toml(file).items() if name != "version"}
    rows = []
    for name, rule in rules.items():
        if kind in (None, rule.get("kind")):
            counted = " (counted, not listed)" if rule.get("listed") is False else ""
            rows.append((f"`{name}`", rule["severity"], rule.get("of", "cell"), f"{rule['en']}{counted}"))
    return _table("rule | severity | one per | what happens; what to do", rows)


def _cleaning() -> str:
    return "\n\n".join(f"### {title}\n\n{_rules('cleaning.toml', kind)}" for kind, title in _KINDS.items())


def _settlement() -> str:
    tables = _toml("profiles/settlement.toml")["table"]
    rows = []
    for name, table in tables.items():
        columns = table.get("column") or tables[table["like"]]["column"]
        heads = [headers[0] for purpose, headers in columns.items()]
        shown = f"as `{table['like']}`" if "like" in table else _codes(heads)
        rows.append((name, _codes(table["names"]), shown))
    return _table("table | file names, without ending | columns read (first of the headers known)", rows)


def _charge_classes() -> str:
    classes = _toml("profiles/settlement.toml")["charge_class"]
    return _table("class | 医疗收费项目类别 | goes to", ((c["code"], c["words"][0], f"`{c['part']}`") for c in classes))


def _columns() -> str:
    rows = []
    for column in FRONT_PAGE_SCHEMA:
        title = (column.metadata or {}).get(b"title", b"").decode()
        kind = str(column.type).replace("item: ", "").replace("[day]", "")
        inside = f", inside `{OF_WHICH[column.name]}`" if column.name in OF_WHICH else ""
        rows.append((f"`{column.name}`", kind, title + inside))
    return _table("column | type | meaning", rows)


def _limits() -> str:
    gib, mib = limits.GIB, limits.MIB
    header = limits.TEXT_SAMPLE_BYTES // mib
    row = limits.TEXT_BLOCK_BYTES[1] // mib
    workbook = f"{limits.EXCEL_UNPACKED_BYTES // gib} GiB unpacked, {limits.EXCEL_PARTS:,} parts"
    sheet = f"{limits.EXCEL_MEMORY_BYTES // gib} GiB of memory and {limits.EXCEL_SECONDS // 60} minutes for one sheet"
    footer = f"{limits.PARQUET_FOOTER_BYTES // mib} MiB, {limits.PARQUET_COLUMNS:,} columns"
    rows = [
        ("header of delimited text", f"{header} MiB"),
        ("row of delimited text", f"{row} MiB"),
        ("rows that do not fit the header", f"{limits.RAGGED_ROWS:,}"),
        (".gz", f"{limits.GZIP_RATIO} times its size, from {limits.GZIP_RATIO_FROM_BYTES // gib} GiB unpacked on"),
        ("workbook", f"{workbook}; {sheet}"),
        ("footer of Parquet", f"{footer}, {limits.PARQUET_LEVELS} levels of nesting"),
        ("DBF", f"{limits.DBF_FIELDS:,} columns"),
    ]
    return _table("what | at most", rows)


_BLOCKS: dict[str, Callable[[], str]] = {
    "dialects": _dialects,
    "limits": _limits,
    "cleaning": _cleaning,
    "issues": lambda: _rules("issues.toml"),
    "settlement": _settlement,
    "charge_classes": _charge_classes,
    "columns": _columns,
}


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
