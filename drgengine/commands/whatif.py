"""`drgengine whatif`."""

from __future__ import annotations

from typing import Any

import click

from drgengine.commands.caserecord import case_options, record_from_file, record_from_options
from drgengine.commands.options import columns_option, language_option, read_columns, scheme_option
from drgengine.errors import DrgEngineError


@click.command(short_help="Try other principal diagnoses; find audit clues.")
@click.argument("cases", required=False, metavar="[CASES]")
@case_options("--ward")
@click.option("-o", "--output", metavar="OUT.parquet", help="CASES: write the clues of every case to this file.")
@click.option("--alternatives", metavar="OUT.parquet", help="CASES: write all arrangements of every case to this file.")
@click.option("--xlsx", metavar="REPORT.xlsx", help="CASES: write counts, meanings and first cases to this workbook.")
@click.option("--department", metavar="COL", help="CASES: the column to count by; default: the department.")
@click.option("--threads", type=click.IntRange(1), help="CASES: default all cores.")
@click.option("--encoding", default="auto", show_default=True, help="CASES: of a CSV file: auto, utf-8, gb18030, ...")
@scheme_option
@columns_option
@click.option("--names", multiple=True, metavar="CSV", help="Names of codes: a CSV with the columns code,name.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="CASES: no progress bar and no counts.")
def command(
    cases: str | None,
    path: str | None,
    case_id: str | None,
    row: int | None,
    scheme: str,
    columns: str | None,
    names: tuple[str, ...],
    language: str,
    as_json: bool,
    output: str | None,
    alternatives: str | None,
    xlsx: str | None,
    department: str | None,
    threads: int | None,
    encoding: str,
    quiet: bool,
    **facts: str | None,
) -> int:
    """Group a record with every diagnosis as principal and every procedure as first; find audit clues.

    One case (--dx ... or --file): all arrangements in the order of the record, sorted by nothing else, for checking
    the principal diagnosis against the selection rules of the front page. No code is added or left out.

    CASES is a file of discharges: cases whose group rests on one code, with an operation outside their MDC, or with a
    severity that did not count. These are questions to the coder, in both directions. Exit code 1: some are invalid.

    \b
    Examples:
      drgengine whatif --dx I10.x00x002,I63.900 --proc 36.0700x004 --sex 1 --age 63 --lang zh
      drgengine whatif --file discharges.parquet --row 17 --json
      drgengine whatif discharges.parquet -o clues.parquet --xlsx clues.xlsx
    """
    given = {name: value for name, value in facts.items() if value is not None}
    if path is None and (case_id is not None or row is not None):
        raise click.UsageError("--case-id and --row go with --file.")
    if sum((bool(given), cases is not None, path is not None)) != 1:
        raise click.UsageError("Give one case (--dx ... or --file FILE --row N), or a file of cases.")
    batch = {"output": output, "alternatives": alternatives, "xlsx": xlsx}
    if cases is None and (department is not None or any(batch.values())):
        raise click.UsageError("-o, --alternatives, --xlsx and --department go with a file of cases.")
    mapping = read_columns(columns)
    if cases is not None:
        options = {"columns": mapping, "threads": threads, "encoding": encoding}
        return _many(cases, scheme, batch, options, department, language, as_json, quiet)
    record = record_from_options(given) if path is None else record_from_file(path, case_id, row, mapping)
    return _one(record, scheme, mapping, names, language, as_json)


def _one(
    record: Any, scheme: str, columns: dict[str, str] | None, names: tuple[str, ...], language: str, as_json: bool
) -> int:
    from drgengine.grouper.schemefile import load_scheme, read_names
    from drgengine.whatif.onecase import alternatives

    loaded = load_scheme(scheme)
    known = dict(loaded.code_names)
    for file in names:
        known |= read_names(file)
    found = alternatives(record, loaded, language=language, names=known, columns=columns)
    click.echo(found.to_json() if as_json else str(found), nl=as_json)
    return 1 if found.recorded.status == "invalid" else 0


def _many(
    cases: str,
    scheme: str,
    outputs: dict[str, str | None],
    options: dict[str, Any],
    department: str | None,
    language: str,
    as_json: bool,
    quiet: bool,
) -> int:
    import json

    from drgengine.commands.screen import RowProgress, warm_up
    from drgengine.commands.whatifscreen import print_clues
    from drgengine.formats.sink import keep_apart
    from drgengine.whatif.alternativetable import alternatives_file
    from drgengine.whatif.audit import audit_file
    from drgengine.whatif.cluebook import write_clue_book
    from drgengine.whatif.definitions import words

    keep_apart(outputs, {"CASES": cases})
    if outputs["xlsx"] and not outputs["xlsx"].lower().endswith(".xlsx"):
        raise DrgEngineError("--xlsx", "the report is a workbook", "Give it the ending .xlsx")
    text = words(language)
    warm_up(scheme, language, quiet)
    with RowProgress(language, show=not quiet, name=text["sheet_clues"]) as progress:
        counts = audit_file(
            cases, outputs["output"], scheme, department=department, progress=progress.update, **options
        )
    if outputs["alternatives"]:
        with RowProgress(language, show=not quiet, name=text["progress"]) as progress:
            alternatives_file(cases, outputs["alternatives"], scheme, progress=progress.update, **options)
    if outputs["xlsx"]:
        write_clue_book(counts, outputs["xlsx"], language)
    if not quiet:
        print_clues(counts, language)
        for written in filter(None, outputs.values()):
            click.echo(text["written"].format(path=written), err=True)
    if as_json:
        click.echo(json.dumps(counts.to_dict(), ensure_ascii=False, indent=2))
    return 1 if counts.invalid else 0
