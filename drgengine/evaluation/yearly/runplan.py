"""`evaluation.run`: a plan in, a folder of tables, workbook, report and books out."""

from __future__ import annotations

import os
from dataclasses import replace

from drgengine.costing.results.outfolder import check_folder, result_folder
from drgengine.evaluation.plan.planfile import load_plan
from drgengine.evaluation.plan.settings import Language, Plan
from drgengine.evaluation.yearly.evaluateplan import STEPS, Progress, evaluate
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.evaluation.yearly.scratchfolder import ended_by_signals

REPORT = "report.html"
BOOKS = "books"


def run(
    plan: Plan | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    language: Language | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a plan and write the results (年度评价及报告).

    plan : path of plan.toml, or from load_plan()   out : result folder; it appears whole or not at all, and replaces
        results of an earlier run: tables, report.xlsx, report.html, books, decisions, manifest.json
    language : of report, workbook and the reasons in tables; default the plan's
    progress : see evaluate(); writing is one more step
    Raises PlanError, EvaluationError, InputFileError; OutputFileError where the results cannot be written.
    """
    from drgengine.evaluation.outputs import write_outputs
    from drgengine.evaluation.report import write_books, write_report

    check_folder(out)
    found = plan if isinstance(plan, Plan) else load_plan(plan)
    chosen = found.language if language is None else language
    found = replace(found, language=chosen)
    steps = len(STEPS) + 1

    def told(done: int, _: int, name: str) -> None:
        if progress is not None:
            progress(done, steps, name or "writing")

    evaluation = evaluate(found, progress=told)
    with ended_by_signals(), result_folder(out) as folder:
        write_report(evaluation, folder / REPORT, chosen)
        if evaluation.books:
            (folder / BOOKS).mkdir()
            write_books(evaluation, folder / BOOKS, chosen)
        write_outputs(evaluation, folder, chosen)
    if progress is not None:
        progress(steps, steps, "")
    return evaluation
