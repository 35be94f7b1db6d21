"""`drgengine group`."""

from __future__ import annotations

import json
import sys

import click

from drgengine.commands.options import columns_option, language_option, read_columns, scheme_option


@click.command(short_help="Group a file of discharges.")
@click.argument("input_path", metavar="IN")
@click.option(
    "-o", "--output", "output_path", required=True, metavar="OUT", help="Output file, or folder when IN is a folder."
)
@scheme_option
@click.option("--threads", type=click.IntRange(1), help="Default: all cores.")
@columns_option
@click.option("--prefix", default="", help="Put before the names of the result columns.")
@click.option("--encoding", default="auto", show_default=True, help="Of a CSV file: auto, utf-8, gb18030, ...")
@click.option("--keep-personal", is_flag=True, help="Keep columns with names, ID numbers, addresses and phones.")
@click.option("--issues", metavar="FILE", help="Write every remark on a value to this .csv or .parquet file.")
@language_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def command(
    input_path: str,
    output_path: str,
    scheme: str,
    threads: int | None,
    columns: str | None,
    prefix: str,
    encoding: str,
    keep_personal: bool,
    issues: str | None,
    language: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Group the discharges in IN (.parquet, .csv, .csv.gz, .xlsx, or a folder of Parquet files).

    All rows and columns are kept in order; six columns are added: status, mdc, adrg, drg, severity, reason.
    Exit code 1 means that some records are invalid; they are in the output with their reason.

    \b
    Examples:
      drgengine group discharges.parquet -o grouped.parquet
      drgengine group 出院病案.csv -o grouped.csv --scheme chs-drg-1.1 --lang zh
    """
    from drgengine.commands.screen import RowProgress, print_summary, warm_up
    from drgengine.grouper.stream import group_file

    mapping = read_columns(columns)
    with RowProgress(language, show=not quiet) as progress:
        warm_up(scheme, language, quiet)
        summary = group_file(
            input_path,
            output_path,
            scheme,
            columns=mapping,
            prefix=prefix,
            threads=threads,
            encoding=encoding,
            keep_personal=keep_personal,
            issues=issues,
            language=language,
            progress=progress.update,
        )
    if not quiet:
        print_summary(summary, output_path, language)
    if as_json:
        json.dump(summary.as_dict(), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    return 1 if summary.rejected else 0
