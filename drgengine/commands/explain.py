"""`drgengine explain`."""

from __future__ import annotations

from typing import Any

import click

from drgengine.commands.caserecord import (
    case_options,
    record_from_file,
    record_from_json,
    record_from_options,
)
from drgengine.commands.options import columns_option, language_option, read_columns, scheme_option


@click.command(short_help="Explain how one case is grouped.")
@click.argument("case", required=False, metavar="[CASE]")
@case_options()
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
        record = record_from_file(path, case_id, row, mapping)
    elif case is not None:
        record = record_from_json(case)
    else:
        record = record_from_options(given)
    loaded = load_scheme(scheme)
    known = dict(loaded.code_names)
    for file in names:
        known |= read_names(file)
    explanation = explain(record, loaded, language=language, names=known, columns=mapping)
    click.echo(explanation.to_json() if as_json else str(explanation), nl=as_json)
    return 1 if explanation.decision.status == "invalid" else 0
