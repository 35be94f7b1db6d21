"""The manifest of an evaluation (运行清单): inputs, settings, software, outputs with their hashes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drgengine.costing.results.manifest import output_files
from drgengine.costing.results.manifest import write_manifest as write_content
from drgengine.evaluation.outputs.mainfigures import plain
from drgengine.evaluation.yearly.result import Evaluation

KIND = "drgengine evaluation"


def manifest_of(evaluation: Evaluation, folder: Path) -> dict[str, Any]:
    """What went in and what came out, as plain values; the same for every repetition."""
    plan = evaluation.plan
    period = plan.periods[plan.current]
    return {
        "kind": KIND,
        "run_id": evaluation.run_id,
        "title": plan.title,
        "region": plan.region,
        "period": {"id": period.id, "start": period.start.isoformat(), "end": period.end.isoformat()},
        "software": dict(evaluation.software),
        "seed": evaluation.seed,
        "draws": evaluation.draws,
        "settings": _value(plan, plan.path.parent),
        "inputs": [{"name": name, "sha256": digest} for name, digest in sorted(evaluation.hashes.items())],
        "outputs": [_with_hash(folder, entry) for entry in output_files(folder)],
    }


def write_manifest(evaluation: Evaluation, folder: Path) -> Path:
    """Write manifest.json; the last file of a run, since it names all the others.

    Call it again when files were added after write_outputs(): a folder with files that no manifest names is not
    replaced by the next run.
    """
    return write_content(folder, manifest_of(evaluation, folder))


def _with_hash(folder: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
    with (folder / entry["name"]).open("rb") as opened:
        return {**entry, "sha256": hashlib.file_digest(opened, "sha256").hexdigest()}


def _value(value: Any, folder: Path) -> Any:
    """A setting as JSON has it; paths relative to the folder of the plan, so that a copy of it gives the same bytes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _value(getattr(value, field.name), folder) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _value(inner, folder) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_value(inner, folder) for inner in value]
    if isinstance(value, Path):
        return _relative(value, folder)
    if isinstance(value, str) and Path(value).is_absolute():
        # A setting that is a name or a file, such as that of the regional plan, is kept as a text.
        return _relative(Path(value), folder) if folder in Path(value).parents else value
    if isinstance(value, dt.date):
        return value.isoformat()
    return plain(value)


def _relative(path: Path, folder: Path) -> str:
    inside = path.is_absolute() and folder in path.parents
    return (path.relative_to(folder) if inside else path).as_posix()
