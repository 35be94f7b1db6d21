"""A new cost model folder (新建成本核算模型): model.toml with every key explained, and one template per table."""

from __future__ import annotations

import csv
import datetime
import json
import shutil
import tempfile
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drgengine.costing.intake.modelfile import MODEL_FILE
from drgengine.costing.intake.vocabulary import Column, TableWords, accepted, kind_titles, tables
from drgengine.errors import CostingError, OutputFileError

Form = Literal["csv", "xlsx"]
EXPLANATION = "说明"
_DATA = Path(__file__).parents[2] / "data"
_EXPLAINED = [
    "表 table",
    "文件 file",
    "表头 header",
    "列 column",
    "类型 type",
    "单位 unit",
    "必填 required",
    "可用词 accepted words",
    "说明 note",
]
_WIDTH = 16
_CREATED = datetime.datetime(2024, 1, 1)


def new_model(folder: str | Path, *, form: Form = "csv", example: bool = True) -> list[Path]:
    """Write a folder to fill in, and return its files; it appears whole or not at all.

    form : "csv" (UTF-8 with a byte order mark, as spreadsheet programs want it, explanations in 说明.csv) or "xlsx"
        (explanations on the second sheet)
    example : rows of an invented hospital that can be run as they stand; False writes headers only, and names only the
        tables every model needs

    Raises CostingError for an unknown form, OutputFileError where the folder holds something or cannot be written.
    """
    if form not in ("csv", "xlsx"):
        raise CostingError("form", f"{form!r} is unknown", "Use csv or xlsx")
    target = Path(folder)
    try:
        if target.is_dir() and any(target.iterdir()):
            raise OutputFileError(str(target), "the folder is not empty", "Name a new or an empty folder")
        if target.exists() and not target.is_dir():
            raise OutputFileError(str(target), "there is a file of this name", "Name a new or an empty folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        whole = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        names = _write(whole, target.name, form, example)
        whole.chmod(0o755)
        if target.is_dir():
            target.rmdir()
        whole.replace(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        shutil.rmtree(whole, ignore_errors=True)
    return [target / name for name in names]


def _cannot_write(target: Path, error: OSError) -> OutputFileError:
    return OutputFileError(str(target), f"cannot be written ({error.strerror})", "Choose another folder")


def _write(folder: Path, name: str, form: Form, example: bool) -> list[str]:
    names = [MODEL_FILE]
    (folder / MODEL_FILE).write_text(_model_text(name, form, example), encoding="utf-8")
    for words in tables().values():
        file = f"{words.name}.{form}"
        columns, rows = _rows(words, example)
        if form == "csv":
            _write_csv(folder / file, [[column.title for column in columns], *rows])
        else:
            _write_xlsx(folder / file, words, columns, rows)
        names.append(file)
    if form == "csv":
        lines = [line for words in tables().values() for line in _explanations(words, form)]
        _write_csv(folder / f"{EXPLANATION}.csv", [_EXPLAINED, *lines])
        names.append(f"{EXPLANATION}.csv")
    return names


@cache
def _examples() -> dict[str, Any]:
    return tomllib.loads((_DATA / "costing_example.toml").read_text(encoding="utf-8"))


def _model_text(name: str, form: Form, example: bool) -> str:
    text = (_DATA / "costing_model.toml").read_text(encoding="utf-8")
    total = sum(row[_examples()["ledger"]["columns"].index("amount")] for row in _examples()["ledger"]["rows"])
    lines = []
    for words in tables().values():
        active = example or words.required
        told = f'{"" if active else "# "}{words.name} = "{words.name}.{form}"'
        lines.append(f"{told:<28} # {words.title}: {words.purpose}")
    stated = f"ledger_total = {total:.2f}" if example else "# ledger_total = 1000000.00"
    quoted = json.dumps(name, ensure_ascii=False)[1:-1]
    return text.replace("@NAME@", quoted).replace("@TABLES@", "\n".join(lines)).replace("@LEDGER_TOTAL@", stated)


def _rows(words: TableWords, example: bool) -> tuple[list[Column], list[list[Any]]]:
    """Columns of the template, and its rows with Chinese words."""
    columns = [column for column in words.columns.values() if not column.hint]
    if not example:
        return columns, []
    given = _examples()[words.name]
    rows = []
    for row in given["rows"]:
        cells = dict(zip(given["columns"], row, strict=True))
        rows.append([_shown(column, cells.get(column.name, "")) for column in columns])
    return columns, rows


def _shown(column: Column, value: Any) -> Any:
    if column.kind in ("choice", "basis", "indicator") and value:
        return accepted(column.words or column.kind)[value][0]
    return value


def _explanations(words: TableWords, form: Form) -> list[list[str]]:
    file = f"{words.name}.{form}"
    lines = []
    for column in words.columns.values():
        if column.hint:
            continue
        known = accepted(column.words or column.kind) if column.kind in ("choice", "bool", "basis", "indicator") else {}
        shown = "; ".join(f"{others[0]} {choice}" for choice, others in known.items())
        default = f"default 默认: {_default(column)}" if column.default is not None else ""
        note = " ".join(part for part in (column.note, default) if part)
        required = "是 yes" if column.required else "否 no"
        kind = kind_titles()[column.kind]
        unit = "see amount_unit 见 amount_unit" if column.in_amount_unit else column.unit
        table = f"{words.title} {words.name}"
        lines.append([table, file, column.title, column.name, kind, unit, required, shown, note])
    return lines


def _default(column: Column) -> str:
    if isinstance(column.default, bool):
        return "是" if column.default else "否"
    return accepted(column.words)[column.default][0] if column.words else f"{column.default:g}"


def _write_csv(path: Path, rows: list[list[Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def _write_xlsx(path: Path, words: TableWords, columns: list[Column], rows: list[list[Any]]) -> None:
    try:
        import xlsxwriter
    except ImportError:
        raise CostingError(
            "form",
            "writing Excel needs the package XlsxWriter, which is not installed",
            'Install it with: pip install XlsxWriter, or write form = "csv"',
        ) from None
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": _CREATED})
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7"})
        needed = book.add_format({"bold": True, "bg_color": "#FCE4D6"})
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(words.title)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, _WIDTH, None if column.kind in ("number", "share") else text)
            sheet.write_string(0, at, column.title, needed if column.required else head)
            for number, row in enumerate(rows, 1):
                if isinstance(row[at], str):
                    sheet.write_string(number, at, row[at], text)
                else:
                    sheet.write_number(number, at, row[at])
        told = book.add_worksheet(EXPLANATION)
        told.set_column(0, len(_EXPLAINED) - 1, _WIDTH + 8)
        for number, line in enumerate([_EXPLAINED, *_explanations(words, "xlsx")]):
            told.write_row(number, 0, line, head if number == 0 else None)
