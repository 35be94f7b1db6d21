"""`drgengine synth`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from drgengine.commands.options import language_option, scheme_option
from drgengine.errors import DrgEngineError, OutputFileError

DIALECTS = ("hqms", "n041", "n042", "hn041", "hqms_p", "opendrg", "settlement")
_MOST_EXPORTED = 50_000  # they are held in memory
_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";"}


@click.command(short_help="Make synthetic discharges for trials and benchmarks.")
@click.argument("output", metavar="OUT")
@click.option("--rows", type=click.IntRange(1), default=100_000, show_default=True, help="Number of discharges.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same discharges.")
@click.option("--hospitals", type=click.IntRange(1), default=6, show_default=True)
@click.option("--departments", type=click.IntRange(1), default=12, show_default=True)
@click.option("--dirty", type=click.FloatRange(0, 0.5), default=0.02, show_default=True, help="Share of dirty records.")
@click.option(
    "--as",
    "dialect",
    type=click.Choice([*DIALECTS, "workbook"]),
    help="Write a hospital's export in this dialect: .csv, .xlsx, .dbf or .parquet, or a folder of settlement tables; "
    "or `workbook`: an invented configuration workbook (.xlsx) in the layout of the authority's file.",
)
@click.option(
    "--encoding",
    type=click.Choice(["utf-8", "utf-8-sig", "gb18030"]),
    default="utf-8",
    show_default=True,
    help="Of delimited text, with --as.",
)
@click.option(
    "--delimiter", type=click.Choice(list(_DELIMITERS)), default="comma", show_default=True, help="With --as."
)
@click.option(
    "--header",
    type=click.Choice(["code", "name", "both"]),
    default="code",
    show_default=True,
    help="Titles of the columns, with --as: code, Chinese name, or both as in 性别(A12C).",
)
@click.option("--truth", help="File for what --as planted: row, column, rule, raw, cleaned (.csv or .parquet).")
@scheme_option
@click.option("--overwrite", is_flag=True, help="Replace OUT if it is there.")
@language_option
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def command(
    output: str,
    rows: int,
    seed: int,
    hospitals: int,
    departments: int,
    dirty: float,
    dialect: str | None,
    encoding: str,
    delimiter: str,
    header: str,
    truth: str | None,
    scheme: str,
    overwrite: bool,
    language: str,
    quiet: bool,
) -> int:
    """Write invented discharges to the Parquet file OUT: several hospitals, plausible codes, stays and charges.

    With --as, OUT is what a hospital would export, with dirt planted in its cells (opendrg and settlement are clean);
    at most 50,000 records.

    With --as workbook, OUT is no table of discharges but an invented scheme of full size as a configuration workbook,
    with the defects such files have. With --scheme as well, it is that scheme, and an edition file lies beside it.

    \b
    Examples:
      drgengine synth trial.parquet --rows 1000000 --seed 7
      drgengine synth trial.csv --as hqms --encoding gb18030 --rows 1000 --truth planted.csv
      drgengine synth official.xlsx --as workbook --seed 7
    """
    if Path(output).exists() and not overwrite:
        raise OutputFileError(output, "the file exists already", "Name another one, or allow --overwrite")
    if dialect == "workbook":
        if truth is not None:
            raise DrgEngineError("option --truth", "a workbook has no cells of records", "Leave --truth away")
        given = click.get_current_context().get_parameter_source("scheme")
        summary = _workbook(output, seed, scheme if given is click.core.ParameterSource.COMMANDLINE else None)
    elif dialect is not None:
        drawn = {"rows": rows, "seed": seed, "hospitals": hospitals, "departments": departments, "scheme": scheme}
        summary = _export(output, drawn, dialect, dirty, encoding, _DELIMITERS[delimiter], header, truth)
    elif truth is not None:
        raise DrgEngineError("option --truth", "nothing is planted without --as", "Name a dialect with --as")
    else:
        summary = _generate(output, rows, seed, hospitals, departments, dirty, scheme, language, quiet)
    if not quiet:
        click.echo(summary, err=True)
    return 0


def _generate(
    output: str,
    rows: int,
    seed: int,
    hospitals: int,
    departments: int,
    dirty: float,
    scheme: str,
    language: str,
    quiet: bool,
) -> str:
    from drgengine.commands.screen import RowProgress
    from drgengine.synth import generate

    if not output.lower().endswith(".parquet"):
        problem = "synthetic discharges are written as Parquet"
        raise OutputFileError(output, problem, "Give a name ending in .parquet, or a dialect with --as")
    with RowProgress(language, show=not quiet) as progress:
        return generate(
            output,
            rows=rows,
            seed=seed,
            hospitals=hospitals,
            departments=departments,
            dirty_share=dirty,
            scheme=scheme,
            progress=progress.update,
        ).text()


def _export(
    output: str,
    drawn: dict[str, Any],
    dialect: str,
    dirty: float,
    encoding: str,
    delimiter: str,
    header: str,
    truth: str | None,
) -> str:
    from drgengine.formats import open_sink
    from drgengine.synth import sample
    from drgengine.synth.export import export

    if drawn["rows"] > _MOST_EXPORTED:
        problem = f"{drawn['rows']:,} records are too many for one export"
        raise DrgEngineError("option --rows", problem, f"Give at most {_MOST_EXPORTED:,}, or leave --as away")
    cases, _ = sample(**drawn, dirty_share=0)
    planted = dirty if dialect not in ("opendrg", "settlement") else None
    made = export(
        cases,
        output,
        dialect=dialect,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        seed=drawn["seed"],
        dirt=planted,
    )
    if truth is not None:
        with open_sink(truth, made.planted.schema) as sink:
            for batch in made.planted.to_batches():
                sink.write(batch)
    return made.text()


def _workbook(output: str, seed: int, scheme: str | None) -> str:
    if not output.lower().endswith(".xlsx"):
        raise OutputFileError(output, "a configuration workbook is an .xlsx file", "Give a name ending in .xlsx")
    if scheme is not None:
        from drgengine.grouper.schemefile import load_scheme
        from drgengine.synth.schemeworkbook import scheme_as_workbook

        edition = str(Path(output).with_suffix(".toml"))
        scheme_as_workbook(load_scheme(scheme), output, edition_path=edition)
        return f"{output}: the scheme {scheme} as a configuration workbook; {edition}: its edition file"
    from drgengine.synth.workbook import full_size_workbook

    content = full_size_workbook(output, seed=seed)
    rows = ", ".join(
        f"{sheet.name} {sum(any(str(cell or '').strip() for cell in row) for row in sheet.rows):,}"
        for sheet in content.sheets
    )
    return (
        f"{output}: an INVENTED scheme in the layout of the official configuration workbook, with its known defects "
        f"planted (rows: {rows}). It is not the authority's file and must not be used for payment."
    )
