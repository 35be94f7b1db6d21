"""`drgengine synth`."""

from __future__ import annotations

from pathlib import Path

import click

from drgengine.commands.options import language_option, scheme_option
from drgengine.errors import OutputFileError


@click.command(short_help="Make synthetic discharges for trials and benchmarks.")
@click.argument("output", metavar="OUT")
@click.option("--rows", type=click.IntRange(1), default=100_000, show_default=True, help="Number of discharges.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same discharges.")
@click.option("--hospitals", type=click.IntRange(1), default=6, show_default=True)
@click.option("--departments", type=click.IntRange(1), default=12, show_default=True)
@click.option("--dirty", type=click.FloatRange(0, 0.5), default=0.02, show_default=True, help="Share of dirty records.")
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
    scheme: str,
    overwrite: bool,
    language: str,
    quiet: bool,
) -> int:
    """Write invented discharges to the Parquet file OUT: several hospitals, plausible codes, stays and charges.

    \b
    Example:
      drgengine synth trial.parquet --rows 1000000 --seed 7
    """
    from drgengine.commands.screen import RowProgress
    from drgengine.synth import generate

    if not output.lower().endswith(".parquet"):
        raise OutputFileError(output, "synthetic discharges are written as Parquet", "Give a name ending in .parquet")
    if Path(output).exists() and not overwrite:
        raise OutputFileError(output, "the file exists already", "Name another one, or allow --overwrite")
    with RowProgress(language, show=not quiet) as progress:
        summary = generate(
            output,
            rows=rows,
            seed=seed,
            hospitals=hospitals,
            departments=departments,
            dirty_share=dirty,
            scheme=scheme,
            progress=progress.update,
        )
    if not quiet:
        click.echo(summary.text(), err=True)
    return 0
