"""`drgengine impact`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from drgengine.commands.options import columns_option, language_option, read_columns


@click.command(short_help="Say what a new scheme changes: cases that move, severity, weight, by department.")
@click.argument("cases")
@click.option("--from", "old", required=True, metavar="A", help="Scheme of today: a name, folder or workbook (.xlsx).")
@click.option("--to", "new", required=True, metavar="B", help="Scheme to come: a name, folder or workbook (.xlsx).")
@click.option(
    "--weights-a", metavar="W.csv", help="Weights of the groups of A: columns DRG编码 and 权重 (drg, weight)."
)
@click.option("--weights-b", metavar="W.csv", help="Weights of the groups of B; the same file if they stay.")
@click.option(
    "--department", default="department_id", metavar="COLUMN", help="Column to count by; default: that of departments."
)
@columns_option
@click.option("-o", "--output", metavar="FOLDER", help="Write page, workbook and tables to this folder.")
@language_option
@click.option("--top", type=click.IntRange(1), default=50, show_default=True, help="Movements on page and in JSON.")
@click.option("--encoding", default="auto", show_default=True, help="Of a CSV file: auto, utf-8, gb18030, ...")
@click.option("--threads", type=click.IntRange(1), help="Default: all cores.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def command(
    cases: str,
    old: str,
    new: str,
    weights_a: str | None,
    weights_b: str | None,
    department: str,
    columns: str | None,
    output: str | None,
    language: str,
    top: int,
    encoding: str,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Group CASES under two schemes and say what changes: flows between groups, severity, weight, departments.

    With -o the folder gets impact.html, impact.xlsx, flows.parquet, departments.parquet and impact.json. Exit code 1
    means that some records are invalid under one of the schemes.

    For the change of total weight and CMI add --weights-a OLD.csv --weights-b NEW.csv.

    \b
    Examples:
      drgengine impact discharges.parquet --from chs-drg-1.1 --to chs-drg-2.0 -o impact
      drgengine impact 出院病案.csv --from chs-drg-2.0 --to my-city-2026 --lang zh
    """
    from drgengine.commands import pandasgate
    from drgengine.commands.screen import RowProgress, warm_up
    from drgengine.impact.compute import impact
    from drgengine.impact.outputs import output_paths, write_impact
    from drgengine.impact.words import words

    inputs = {"CASES": cases, "--weights-a": weights_a, "--weights-b": weights_b, "--columns": columns}
    if output is not None:
        output_paths(output, inputs)
    mapping = read_columns(columns)
    with RowProgress(language, show=not quiet, name=words(language)["progress"]) as progress:
        for scheme in (old, new):
            warm_up(scheme, language, quiet)
        found = impact(
            cases, old, new,
            weights_a=weights_a, weights_b=weights_b, department=department, columns=mapping,
            threads=threads, encoding=encoding, progress=progress.update,
        )  # fmt: skip
    paths: dict[str, Path] = {}
    if output is not None:
        pandasgate.reopen()  # page and workbook share their tables with the evaluation
        paths = write_impact(found, output, language=language, top=top)
    if not quiet:
        from drgengine.commands.impactscreen import print_impact

        print_impact(found, paths, language, top)
    if as_json:
        json.dump(found.to_dict(top), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    return 1 if found.invalid else 0
