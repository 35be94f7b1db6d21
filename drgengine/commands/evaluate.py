"""`drgengine evaluate ...`."""

from __future__ import annotations

from typing import Literal

import click

from drgengine.commands.options import default_language


class _PlanOrCommand(click.Group):
    """`drgengine evaluate PLAN` runs a plan; `drgengine evaluate new|check ...` are commands of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


_language = click.option(
    "--language", "--lang", type=click.Choice(["zh", "en"]), help="Language of report and screen; default: the plan's."
)


@click.group(cls=_PlanOrCommand, short_help="Evaluate hospitals by a plan: scores, ranks with intervals, report.")
def command() -> None:
    """Yearly evaluation of hospitals (医疗服务产出评价): indicators, scores, ranks with intervals, policy targets.

    `evaluate new` writes a commented plan and templates of its tables, `evaluate check` says what is wrong in a plan,
    `evaluate PLAN` computes it.

    \b
    Examples:
      drgengine evaluate new first-plan
      drgengine evaluate check my-plan
      drgengine evaluate my-plan -o results
    """


@command.command("run", short_help="Evaluate a plan: drgengine evaluate PLAN -o OUT.")
@click.argument("plan")
@click.option("-o", "--output", required=True, metavar="OUT", help="Result folder; replaced as a whole.")
@_language
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
def run_plan(plan: str, output: str, language: Literal["zh", "en"] | None, quiet: bool) -> int:
    """Evaluate PLAN (plan.toml or its folder) and write tables, workbook, report, books and manifest to OUT.

    Exit code 1 means that something waits for a look: a hospital without a score, a veto, a veto that could not be
    tested, given inputs that differ from the cases, discharges of another period, a table of weights that does not fit,
    or impossible values.

    \b
    Example:
      drgengine evaluate sample_cases/region -o evaluation_results
    """
    from drgengine.commands.evaluatescreen import StepProgress, print_result, to_look_at
    from drgengine.evaluation.plan import load_plan
    from drgengine.evaluation.yearly import run

    read = load_plan(plan)
    chosen = language or read.language
    with StepProgress(chosen, show=not quiet) as progress:
        result = run(read, output, language=chosen, progress=progress.update)
    if not quiet:
        print_result(result, output, chosen)
    return 1 if to_look_at(result, chosen) else 0


@command.command("new", short_help="Write a new plan with templates.")
@click.argument("folder")
def new(folder: str) -> int:
    """Write plan.toml and one template per table to FOLDER; the example rows form a plan that runs.

    \b
    Example:
      drgengine evaluate new first-plan
    """
    from drgengine.evaluation.plan import new_plan

    for path in new_plan(folder):
        click.echo(str(path))
    return 0


@command.command("check", short_help="Say everything that is wrong in a plan.")
@click.argument("plan")
@_language
def check(plan: str, language: str | None) -> int:
    """Say everything that is wrong in a plan and its small tables, before anything is computed.

    Exit code 2 when there is anything.

    \b
    Example:
      drgengine evaluate check my-plan
    """
    from drgengine.commands.evaluatescreen import words
    from drgengine.evaluation.plan import check_plan

    text = words(language or default_language())
    problems = check_plan(plan)
    for problem in problems:
        click.echo(str(problem))
    click.echo(text["problems"].format(n=len(problems)) if problems else text["fine"], err=True)
    return 2 if problems else 0
