"""`drgengine cost ...`."""

from __future__ import annotations

from typing import Literal

import click

from drgengine.commands.options import language_option


class _ModelOrCommand(click.Group):
    """`drgengine cost MODEL` runs a model; `drgengine cost new|check|...` are commands of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ModelOrCommand, short_help="Cost departments, items, cases and DRGs from a model folder.")
def command() -> None:
    """Hospital cost accounting (医院成本核算) from a model folder: ledger to departments, items, cases and DRGs.

    `cost new` writes a folder of templates to fill in, `cost check` says what is wrong in it, `cost MODEL` computes it.

    \b
    Examples:
      drgengine cost new first-model
      drgengine cost check my-model
      drgengine cost my-model -o results
    """


@command.command("run", short_help="Compute a model: drgengine cost MODEL -o OUT.")
@click.argument("model")
@click.option("-o", "--output", required=True, metavar="OUT", help="Result folder; replaced as a whole.")
@language_option
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def run_model(model: str, output: str, language: Literal["zh", "en"], quiet: bool) -> int:
    """Compute the model folder MODEL and write tables, workbook, reconciliation and manifest to OUT.

    Exit code 1 means that warnings wait for a decision; they stand in the exceptions table.

    \b
    Example:
      drgengine cost sample_cases/hospital -o cost_results
    """
    from drgengine.commands.costscreen import print_findings, print_result, words
    from drgengine.commands.screen import RowProgress
    from drgengine.costing import run
    from drgengine.costing.runmodel import ModelError

    try:
        with RowProgress(language, show=not quiet) as progress:
            result = run(model, output, language=language, progress=progress.update)
    except ModelError as error:
        click.echo(f"error: {error.place}: {words(language)['refused'].format(n=len(error.findings))}", err=True)
        print_findings(error.findings, language, err=True)
        return 2
    if not quiet:
        print_result(result, language)
    return 1 if any(finding.severity == "warning" for finding in result.findings) else 0


@command.command("new", short_help="Write a new model folder with templates.")
@click.argument("folder")
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx"]), default="csv", show_default=True, help="Of tables."
)
@click.option("--empty", is_flag=True, help="Headers only, without the example rows.")
def new(folder: str, form: str, empty: bool) -> int:
    """Write model.toml and one template per table to FOLDER; the example rows form a small model that runs.

    \b
    Example:
      drgengine cost new first-model --format xlsx
    """
    from drgengine.costing import new_model

    for path in new_model(folder, form="xlsx" if form == "xlsx" else "csv", example=not empty):
        click.echo(str(path))
    return 0


@command.command("check", short_help="Say everything that is wrong in a model.")
@click.argument("model")
@language_option
def check(model: str, language: str) -> int:
    """Say everything that is wrong or odd in a model folder, before anything is computed.

    Exit code 2 when there are errors, 1 when there are only warnings.

    \b
    Example:
      drgengine cost check my-model
    """
    from drgengine.commands.costscreen import print_findings
    from drgengine.costing import check_model

    findings = check_model(model)
    print_findings(findings, language)
    severities = {finding.severity for finding in findings}
    return 2 if "error" in severities else 1 if "warning" in severities else 0


@command.command("compare", short_help="The same costs by every allocation method.")
@click.argument("model")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write all departments to this .csv or .parquet file.",
)
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Departments to show.")
@language_option
def compare(model: str, output: str | None, top: int, language: str) -> int:
    """Allocate the same costs by all methods and show the departments that differ most.

    \b
    Example:
      drgengine cost compare my-model --top 5
    """
    from drgengine.commands.costscreen import print_comparison, write_table
    from drgengine.costing.runmodel import compare_model

    comparison, base, names = compare_model(model)
    print_comparison(comparison, base, names, top, language)
    if output is not None:
        write_table(comparison.totals.rename_axis("dept_code").reset_index(), output)
    return 0


@command.command("trace", short_help="From a case's cost back to ledger lines and driver shares.")
@click.argument("results")
@click.option("--case", "case_id", required=True, help="Case number (病案号).")
@click.option("--centre", help="Only this cost centre group (成本中心组).")
@click.option("--element", help="Only this cost item, e.g. personnel, drugs, depreciation.")
@click.option("-o", "--output", metavar="FILE", help="Write every ledger line of it to this .csv or .parquet file.")
@click.option("--top", type=click.IntRange(1), default=15, show_default=True, help="Lines to show.")
@language_option
def trace(
    results: str, case_id: str, centre: str | None, element: str | None, output: str | None, top: int, language: str
) -> int:
    """Explain a cost of one case: pool, the case's share of it, the departments it came from, and the ledger lines.

    \b
    Example:
      drgengine cost trace cost_results --case 000000000012 --element personnel
    """
    from drgengine.commands.costscreen import print_trace, write_table
    from drgengine.costing.results.trace import trace_case

    traced = trace_case(results, case_id, centre=centre, element=element)
    print_trace(traced, top, language)
    if output is not None:
        write_table(traced.ledger, output)
    return 0
