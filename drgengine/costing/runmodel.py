"""`costing.run`: a model folder in, a folder of tables, a workbook, a reconciliation and a manifest out."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from drgengine.costing.allocation.comparemethods import MethodComparison
from drgengine.costing.charges.activity import Activity
from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.compute import Computation, Progress, allocation_comparison, compute_model
from drgengine.costing.intake.check import examine
from drgengine.costing.intake.modelfile import MODEL_FILE, table_files
from drgengine.costing.intake.read import load
from drgengine.costing.ledger.directcosts import direct_costs
from drgengine.costing.model import CostModel, Finding, Policies
from drgengine.costing.objects.reconcile import Reconciliation
from drgengine.costing.reports.reportwords import Language
from drgengine.costing.results.manifest import Hashing, manifest, output_files, read_manifest, write_manifest
from drgengine.costing.results.outfolder import check_folder, result_folder
from drgengine.costing.results.resultfiles import write_results
from drgengine.errors import CostingError

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True, eq=False)
class CostingResult:
    """What a run has found and where it stands.

    folder : result folder; manifest : content of its manifest.json
    computation : everything in memory, as arrays and pandas DataFrames
    """

    folder: Path
    computation: Computation
    manifest: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def reconciliation(self) -> Reconciliation:
        """Ledger = departments = each level = cost objects (成本核对)."""
        return self.computation.reconciliation


def run(
    model_folder: str | os.PathLike[str],
    out_folder: str | os.PathLike[str],
    *,
    language: Language = "zh",
    progress: Progress | None = None,
) -> CostingResult:
    """Compute a model folder (成本核算) and write its results.

    model_folder : with model.toml, see `new_model` for templates
    out_folder : result folder; it appears whole or not at all, and replaces results of an earlier run
    language : "zh" or "en", of the workbook and the text files; Parquet columns have English names and both titles
    progress : called with (charge lines read, charge lines in all or None)

    Raises CostingError: mistakes of the model, all of them together, and whatever no policy decides;
    OutputFileError where the results cannot be written.

    >>> import tempfile
    >>> from drgengine import costing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = costing.new_model(f"{folder}/model")
    ...     result = costing.run(f"{folder}/model", f"{folder}/results")
    ...     result.reconciliation.ok, result.reconciliation.largest
    (True, 0.0)
    """
    source = Path(model_folder)
    check_folder(out_folder)
    model, findings = read_checked(source)
    with result_folder(out_folder) as folder:
        hashing = Hashing(source, input_files(model))
        try:
            computation = compute_model(model, progress)
            found = merged(findings, computation.findings)
            before = read_manifest(Path(out_folder))
            write_results(folder, computation, found, language, None if before is None else before["settings"])
            content = manifest(
                model.settings, hashing.result(), found, output_files(folder), payment=computation.payment
            )
        finally:
            hashing.stop()
        content["model"] = str(source.resolve())
        write_manifest(folder, content)
    return CostingResult(Path(out_folder), computation, content, found)


def compare_model(model_folder: str | os.PathLike[str]) -> tuple[MethodComparison, str, dict[str, str]]:
    """The ledger of a model by every allocation method, the method of the model, and department code -> name."""
    model, _ = read_checked(Path(model_folder))
    activity: Activity = read_activity(model)
    table = model.tables["departments"]
    names = dict(zip(table["dept_code"].astype(str), table["dept_name"].astype(str), strict=True))
    return allocation_comparison(model, activity, direct_costs(model)), model.settings.allocation.method, names


def input_files(model: CostModel) -> list[Path]:
    """Every file of a model that a run reads."""
    files = [model.folder / MODEL_FILE]
    for name in model.settings.tables:
        files += [path for path, _ in table_files(model.settings, model.folder, name)]
    return files


def read_checked(folder: Path) -> tuple[CostModel, tuple[Finding, ...]]:
    """A model and the findings of its check. Raises ModelError with all its errors, those of reading included."""
    loaded = load(folder)
    findings = examine(loaded)
    refuse(folder, findings)
    return loaded.model(), findings


class ModelError(CostingError):
    """A model with errors; findings : all errors of its check."""

    findings: tuple[Finding, ...] = ()


def merged(checked: tuple[Finding, ...], computed: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Findings of the check and of the run, none twice; what a policy did is told by the run, if it tells it."""
    told = {one.rule for one in computed} & {field.name for field in fields(Policies)}
    return tuple(dict.fromkeys((*(one for one in checked if one.rule not in told), *computed)))


def refuse(folder: Path, findings: tuple[Finding, ...]) -> None:
    """ModelError with the errors among findings; its text shows the first 20."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    shown = [f"  {one.place}: {one.problem}. {one.remedy}" for one in errors[:MOST_SHOWN]]
    if len(errors) > MOST_SHOWN:
        shown.append(f"  and {len(errors) - MOST_SHOWN} more")
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    error = ModelError(
        str(folder), f"{count} in the model", "\n".join(["Mend what `drgengine cost check` lists:", *shown])
    )
    error.findings = tuple(errors)
    raise error
