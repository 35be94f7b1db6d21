"""`drgengine demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from drgengine.commands.options import DEFAULT_SCHEME, language_option
from drgengine.errors import OutputFileError

SAMPLE = Path("sample_cases", "demo", "discharges.parquet")
HOSPITAL = Path("sample_cases", "hospital")
REGION = Path("sample_cases", "region")
ROWS, SEED = 15_000, 2025
OLDER_SCHEME = "chs-drg-1.1"


@click.command(short_help="Group, cost and evaluate small synthetic data and show the results.")
@click.option("-o", "--output", default="demo_output", show_default=True, metavar="FOLDER", help="Where to write.")
@language_option
def command(output: str, language: str) -> int:
    """Group synthetic discharges, explain a case, compare schemes, cost a hospital and evaluate a region.

    \b
    Example:
      drgengine demo
    """
    import pyarrow.parquet as pq

    from drgengine.commands.screen import print_summary, warm_up, words
    from drgengine.grouper.explain import explain
    from drgengine.grouper.stream import group_file

    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFileError(output, f"cannot be made ({error.strerror})", "Name another folder with -o") from None
    text = words(language)
    cases = SAMPLE
    if not cases.exists():
        from drgengine.synth import generate

        cases = folder / "discharges.parquet"
        generate(cases, rows=ROWS, seed=SEED)
    click.echo(text["demo_cases"].format(path=cases), err=True)
    warm_up(DEFAULT_SCHEME, language, quiet=False)
    grouped = folder / "grouped.parquet"
    summary = group_file(cases, grouped, DEFAULT_SCHEME, issues=folder / "issues.csv", language=language)
    print_summary(summary, str(grouped), language)
    record = next(row for row in pq.read_table(grouped).to_pylist() if row["severity"] == "MCC" and row["proc"])
    path = folder / "explained.txt"
    explanation = explain({key: value for key, value in record.items() if value is not None}, language=language)
    path.write_text(str(explanation), encoding="utf-8")
    click.echo(f"\n{text['demo_case'].format(case=record['case_id'])}\n", err=True)
    click.echo(str(explanation), nl=False)
    click.echo("", err=True)
    click.echo(text["demo_done"].format(grouped=grouped, issues=folder / "issues.csv", explained=path), err=True)
    _impact(folder, cases, language)
    _cost(folder, grouped, language)
    _evaluate(folder, language)
    return 0


def _impact(folder: Path, cases: Path, language: str) -> None:
    """What the newer scheme changes for the same cases; the page shows where they go."""
    from drgengine.impact import impact, write_impact
    from drgengine.impact.words import words

    text = words(language)
    found = impact(cases, OLDER_SCHEME, DEFAULT_SCHEME)
    page = write_impact(found, folder / "impact", language=language)["page"]
    click.echo("\n" + text["demo"].format(a=found.a.id, b=found.b.id), err=True)
    counts = {name: getattr(found, name) for name in ("moved", "renumbered", "moved_adrg", "moved_mdc")}
    counts |= {f"newly_{status}": found.newly(status) for status in ("ambiguous", "ungroupable", "grouped")}
    for name, n in counts.items():
        click.echo(f"  {text[name]}: {n:,}", err=True)
    click.echo("  " + text["page"].format(path=page), err=True)


def _cost(folder: Path, grouped: Path, language: str) -> None:
    """Cost the sample hospital, or one made from the grouped cases where the sample is not at hand."""
    from drgengine.commands.costscreen import print_result
    from drgengine.commands.screen import words
    from drgengine.costing import run

    model = HOSPITAL
    if not model.exists():
        from drgengine.synth import hospital_model

        model = folder / "hospital"
        hospital_model(model, grouped, seed=SEED)
    click.echo(words(language)["demo_cost"].format(model=model), err=True)
    print_result(run(model, folder / "costs", language="zh" if language == "zh" else "en"), language)


def _evaluate(folder: Path, language: str) -> None:
    """Evaluate the sample region, or one made anew where the sample is not at hand; its last line names the report."""
    from drgengine.commands.evaluatescreen import StepProgress, print_result
    from drgengine.commands.screen import words
    from drgengine.evaluation.yearly import run

    plan = REGION
    if not plan.exists():
        from drgengine.synth import region_sample

        plan = folder / "region"
        region_sample(plan)
    click.echo(words(language)["demo_evaluate"].format(plan=plan), err=True)
    out = folder / "evaluation"
    chosen: Literal["zh", "en"] = "zh" if language == "zh" else "en"
    with StepProgress(chosen, show=True) as progress:
        result = run(plan, out, language=chosen, progress=progress.update)
    print_result(result, str(out), chosen)
