"""One case on the command line: its facts as options, as JSON, or as a row of a file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from drgengine.errors import CaseTableError, InputFileError

F = TypeVar("F", bound=Callable[..., Any])


def case_options(department: str = "--department") -> Callable[[F], F]:
    """The options that describe one case. department : name of the option for its department."""
    options = (
        click.option("--dx", help="Diagnoses, principal first, separated by commas."),
        click.option("--proc", help="Procedures, principal first, separated by commas."),
        click.option("--sex", help="1 male, 2 female."),
        click.option("--age", "age_years", help="Age in years."),
        click.option("--age-days", help="Age in days, under one year."),
        click.option("--weight", "birth_weight_g", help="Birth weight in grams."),
        click.option("--admission-weight", "admission_weight_g", help="Weight at admission in grams."),
        click.option("--stay", "los_days", help="Length of stay in days."),
        click.option("--disposition", "discharge_disposition", help="Discharge disposition (5 = died)."),
        click.option("--icu-hours", help="Hours in intensive care."),
        click.option(department, "department_id", help="Department."),
        click.option("--file", "path", metavar="FILE", help="Take the case from a file of discharges ..."),
        click.option("--case-id", help="... by its case_id,"),
        click.option("--row", type=click.IntRange(1), help="... or by its row number, from 1."),
    )

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def record_from_options(given: dict[str, str]) -> dict[str, Any]:
    """A record of the facts given as options; codes are separated by commas or blanks."""
    record: dict[str, Any] = {}
    for name, value in given.items():
        codes = re.split(r"\s*[,;|、；，]\s*|\s+", value.strip()) if name in ("dx", "proc") else []
        record[name] = codes or value
    record.setdefault("dx", [])
    return record


def record_from_json(text: str) -> dict[str, Any]:
    """A record from a JSON object, a file that holds one, or - for standard input. Raises InputFileError."""
    place = "CASE"
    if text == "-":
        place, text = "standard input", sys.stdin.read()
    elif not text.lstrip().startswith(("{", "[")):
        place = text
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputFileError(place, f"cannot be read ({error})", "Give a JSON object or a file with one") from None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputFileError(place, f"no JSON ({error})", 'Write {"dx": ["I10.x00x002"], "sex": 1, ...}') from None
    if not isinstance(record, dict):
        raise InputFileError(place, "no JSON object", 'Write {"dx": ["I10.x00x002"], "sex": 1, ...}')
    return record


def record_from_file(path: str, case_id: str | None, row: int | None, columns: dict[str, str] | None) -> Any:
    """The one record of a file (a record batch of one row) with that case_id or row number.

    Raises CaseTableError where there is none, InputFileError where the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from drgengine.cases import resolve_columns
    from drgengine.formats import open_source

    if (case_id is None) == (row is None):
        raise click.UsageError("With --file, give either --case-id or --row.")
    with open_source(path) as source:
        found = resolve_columns(source.output_schema, columns, path)
        column = found.scalars.get("case_id")
        if case_id is not None and column is None:
            raise CaseTableError(path, "no column holds a case_id", "Use --row, or name the column with --columns")
        first = 1
        for batch in source.batches():
            at = -1
            if row is not None:
                at = row - first if first <= row < first + batch.num_rows else -1
            else:
                ids = pc.utf8_trim_whitespace(batch.column(column).cast(pa.string()))
                at = pc.index(ids, case_id.strip() if case_id else "").as_py()
            if at >= 0:
                return batch.slice(at, 1)
            first += batch.num_rows
    what = f"case_id {case_id!r}" if case_id is not None else f"row {row}"
    raise CaseTableError(path, f"there is no {what} among {first - 1:,} rows", "Check the number")
