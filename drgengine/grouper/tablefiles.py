"""Interchange tables as they lie on disk: CSV files with line numbers, and meta.json."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from drgengine.errors import SchemeError

Row = dict[str, str]
LINE = "#"
"""Key under which a row keeps the number of its line in the file."""
_COLUMNS = {
    "mdc.csv": ("mdc", "order", "condition"),
    "mdc_dx.csv": ("mdc", "code"),
    "adrg.csv": ("rule", "adrg", "mdc", "order", "kind", "condition", "on_no_drg"),
    "adrg_codes.csv": ("rule", "role", "code"),
    "drg.csv": ("drg", "rule", "order", "condition"),
    "mcc.csv": ("code", "exclusion_list"),
    "cc.csv": ("code", "exclusion_list"),
    "exclusion.csv": ("principal_dx", "exclusion_list"),
    "operations.csv": ("code",),
}
_OPTIONAL = {"not_operation.csv": ("code",), "not_for_grouping.csv": ("code",), "dx_not_principal.csv": ("code",)}
OPTIONS = ("checks", "refused_principals", "day_age_of_infants_only")
"""Keys of meta.json that go into scheme.toml as they are."""
_NOTES = "anomalies.csv"


def read_tables(source: Path) -> dict[str, list[Row]]:
    """Table name -> rows. Raises SchemeError naming table and line."""
    if not source.is_dir():
        raise SchemeError(str(source), "there is no such folder of tables", "Name the folder that holds mdc.csv")
    tables = {name: _read_csv(source / name, columns) for name, columns in _COLUMNS.items()}
    for name, columns in _OPTIONAL.items():
        tables[name] = _read_csv(source / name, columns) if (source / name).exists() else []
    try:
        tables[_NOTES] = _read_csv(source / _NOTES, ("kind", "detail")) if (source / _NOTES).exists() else []
    except SchemeError as error:  # notes decide nothing
        tables[_NOTES] = [{"kind": "notes_not_read", "detail": str(error)}]
    return tables


def _read_csv(path: Path, columns: tuple[str, ...]) -> list[Row]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SchemeError(str(path), "the table is missing", f"Add it with the columns {', '.join(columns)}") from None
    except UnicodeDecodeError as error:
        raise SchemeError(str(path), f"not UTF-8 (byte {error.start})", "Save the table as UTF-8") from None
    except OSError as error:
        raise SchemeError(str(path), f"cannot be read ({error.strerror})", "Check the path and its rights") from None
    csv.field_size_limit(1 << 30)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise SchemeError(f"{path} line {reader.line_num}", f"no CSV ({error})", "Mend the quotes there") from None
    head = [name.strip().lower() for name in lines[0][1]] if lines else []
    missing = [column for column in columns if column not in head]
    if missing:
        raise SchemeError(
            str(path),
            f"columns {head} lack {', '.join(missing)}",
            f"Name the columns {', '.join(columns)}",
        )
    rows = []
    for number, cells in lines[1:]:
        if len(cells) < len(head) or any(cell.strip() for cell in cells[len(head) :]):
            raise SchemeError(f"{path} line {number}", "more or fewer cells than columns", "Mend the row")
        rows.append({**dict(zip(head, cells, strict=False)), LINE: str(number)})
    return rows


def read_meta(source: Path) -> dict[str, Any]:
    """The content of meta.json, nothing when it is not there. Raises SchemeError."""
    path = source / "meta.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SchemeError(str(path), f"not readable as JSON ({error})", "Mend the file") from None
    if not isinstance(meta, dict):
        raise SchemeError(str(path), "expected an object", 'Write {"scheme": "NAME"}')
    return meta


def retry_option(meta: dict[str, Any], source: Path) -> bool:
    """Whether a record that nothing takes is tried again with each other procedure. Raises SchemeError."""
    value = meta.get("retry_each_other_procedure")
    if value is None:
        return False
    if not isinstance(value, bool):
        raise SchemeError(
            f"{source / 'meta.json'}, key 'retry_each_other_procedure'",
            f"{value!r} is no truth value",
            "Write true or false",
        )
    return value
