"""`drgengine explain`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import click

from drgengine.commands.options import columns_option, language_option, read_columns, scheme_option
from drgengine.errors import CaseTableError, InputFileError


@click.command(short_help="Explain how one case is grouped.")
@click.argument("case", required=False, metavar="[CASE]")
@click.option("--dx", help="Diagnoses, principal first, separated by commas.")
@click.option("--proc", help="Procedures, principal first, separated by commas.")
@click.option("--sex", help="1 male, 2 female.")
@click.option("--age", "age_years", help="Age in years.")
@click.option("--age-days", help="Age in days, under one year.")
@click.option("--weight", "birth_weight_g", help="Birth weight in grams.")
@click.option("--stay", "los_days", help="Length of stay in days.")
@click.option("--disposition", "discharge_disposition", help="Discharge disposition (5 = died).")
@click.option("--icu-hours", help="Hours in intensive care.")
@click.option("--department", "department_id", help="Department.")
@click.option("--file", "path", metavar="FILE", help="Take the case from a file of discharges ...")
@click.option("--case-id", help="... by its case_id,")
@click.option("--row", type=click.IntRange(1), help="... or by its row number, from 1.")
@scheme_option
@columns_option
@click.option("--names", multiple=True, metavar="CSV", help="Names of codes: a CSV with the columns code,name.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
def command(
    case: str | None,
    path: str | None,
    case_id: str | None,
    row: int | None,
    scheme: str,
    columns: str | None,
    names: tuple[str, ...],
    language: str,
    as_json: bool,
    **facts: str | None,
) -> int:
    """Explain how one case is grouped: checks, every MDC and rule looked at, severity, answer.

    CASE is a JSON object with the columns of the case table, a file that holds one, or - for standard input.
    Instead, give the facts as options, or take the case from a file with --file and --case-id or --row.

    \b
    Examples:
      drgengine explain --dx I21.001,J96.000 --proc 36.0700x004 --sex 1 --age 63 --lang zh
      drgengine explain --file discharges.parquet --case-id 000017 --json
    """
    from drgengine.grouper.explain import explain
    from drgengine.grouper.schemefile import load_scheme, read_names

    given = {name: value for name, value in facts.items() if value is not None}
    if path is None and (case_id is not None or row is not None):
        raise click.UsageError("--case-id and --row go with --file.")
    if sum((bool(given), case is not None, path is not None)) != 1:
        raise click.UsageError("Give the case once: as options (--dx ...), as JSON, or with --file.")
    mapping = read_columns(columns)
    record: Any
    if path is not None:
        record = _from_file(path, case_id, row, mapping)
    elif case is not None:
        record = _from_json(case)
    else:
        record = _from_options(given)
    loaded = load_scheme(scheme)
    known = dict(loaded.code_names)
    for file in names:
        known |= read_names(file)
    explanation = explain(record, loaded, language=language, names=known, columns=mapping)
    click.echo(explanation.to_json() if as_json else str(explanation), nl=as_json)
    return 1 if explanation.decision.status == "invalid" else 0


def _from_options(given: dict[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, value in given.items():
        codes = re.split(r"\s*[,;|、；，]\s*|\s+", value.strip()) if name in ("dx", "proc") else []
        record[name] = codes or value
    record.setdefault("dx", [])
    return record


def _from_json(text: str) -> dict[str, Any]:
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


def _from_file(path: str, case_id: str | None, row: int | None, columns: dict[str, str] | None) -> Any:
    """The one record of a file (a record batch of one row) with that case_id or row number."""
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
