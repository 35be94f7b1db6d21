"""A new plan to fill in (新建方案): plan.toml with a comment on every key, and templates of its tables."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from drgengine.errors import OutputFileError
from drgengine.evaluation.plan.keywords import FILE_KEY, SECTIONS, TableWords, key_words, table_words
from drgengine.evaluation.plan.planfile import PLAN_FILE

TEMPLATES = ("units", "inputs", "region", "evidence", "anchors", "weights", "statistics")
_WIDTH = 116


def plan_text() -> str:
    """A plan.toml with every key: those in use first, all others commented out with their defaults."""
    words = key_words()
    parts = [
        "# Evaluation plan (评价方案). Keys that are commented out show their defaults.",
        "# Run it with:  drgengine evaluate plan.toml -o results\n",
        _entries(
            "plan",
            _examples("plan"),
            {"language": "zh", "peer_columns": ["level", "type"], "catalogue": [], "books": True},
        ),
        f"\n# ---- {words['period']['en']} {words['period']['zh']}",
        "[period.2025]",
        _entries(
            "period",
            {
                **_examples("period"),
                "statistics": table_words()["statistics"].file,
                "inputs": table_words()["inputs"].file,
                "region": table_words()["region"].file,
            },
            {"cases": ["cases_2025_*.parquet"], "evidence": table_words()["evidence"].file, "costs": ["costs_2025"]},
        ),
    ]
    for name, (_, kind) in SECTIONS.items():
        defaults = {entry.name: getattr(kind(), entry.name) for entry in fields(kind)}
        parts += [
            f"\n# ---- {words[name]['en']} {words[name]['zh']}",
            f"[{name}]",
            _entries(name, _examples(name), defaults),
        ]
        if name == "scores":
            parts.append(_VETO)
    parts += [_DECISIONS]
    return "\n".join(parts) + "\n"


_VETO = """# [[scores.veto]]
# indicator = "low_risk_mortality"
# condition = ">"
# limit = "low_risk_mortality_high_998"
# cap = "B"
# source = \"\""""
_DECISIONS = """
# ---- Decisions 结果应用; kinds and keys: drgengine/data/evaluation/decisions.toml
# [decisions.budget]
# low = 0.95
# high = 1.05"""


def _examples(section: str) -> dict[str, Any]:
    entries = key_words()[section]["key"]
    skipped = ("previous",)
    return {key: one["example"] for key, one in entries.items() if "example" in one and key not in skipped}


def _entries(section: str, live: dict[str, Any], others: dict[str, Any]) -> str:
    """Lines of a section: comment and key; keys of `live` are set, others commented out."""
    lines = []
    for key, entry in key_words()[section]["key"].items():
        lines += [f"# {line}" for line in _wrapped(entry["text"])]
        name = FILE_KEY.get(key, key)
        if key in live:
            lines += [f"# {line}" for line in _wrapped(entry["example_note"])] if "example_note" in entry else []
            lines.append(f"{name} = {toml_value(live[key])}")
        elif key not in FILE_KEY:
            default = others.get(key)
            shown = toml_value(default) if default not in (None, MISSING) else '""'
            lines.append(f"# {name} = {shown}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, _WIDTH) or [""]


def toml_value(value: Any) -> str:
    """A value as TOML writes it.

    >>> toml_value((0.25, 0.5)), toml_value("甲"), toml_value(True)
    ('[0.25, 0.5]', '"甲"', 'true')
    """
    import datetime
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    return repr(value)


def new_plan(folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write plan.toml and templates of its tables to a new or empty folder; the example rows form a plan that runs.

    Tables are CSV, UTF-8 with byte order mark, so that Excel shows Chinese. Returns the files written.
    Raises OutputFileError when the folder holds files.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputFileError(str(target), "it exists and is not empty", "Name a new folder")
    try:
        target.mkdir(parents=True, exist_ok=True)
        written = [_write(target / PLAN_FILE, plan_text())]
        for name in TEMPLATES:
            words = table_words()[name]
            rows = _EXAMPLES.get(name, 1)
            written.append(_write(target / words.file, "\ufeff" + _csv(words, rows)))
    except OSError as error:
        raise OutputFileError(str(target), error.strerror or str(error), "Check the path and its rights") from error
    return tuple(written)


_EXAMPLES = {"units": 3, "inputs": 3, "statistics": 3}


def _csv(words: TableWords, rows: int) -> str:
    """Header and example rows; further rows are other hospitals with somewhat larger numbers."""
    columns = [one for one in words.columns if one.example or one.required]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([one.name for one in columns])
    for row in range(rows):
        writer.writerow([_changed(one.name, one.example, row) for one in columns])
    return out.getvalue()


def _changed(name: str, example: str, row: int) -> str:
    if name == "hospital_id":
        return f"H{row + 1:02d}"
    if not row or name in ("drg", "level", "type"):
        return example
    try:
        number = float(example)
    except ValueError:
        return f"{example}{row + 1}" if name.startswith("name") else example
    return f"{number * (1 + 0.13 * row):.10g}" if "." in example else str(round(number * (1 + 0.13 * row)))


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
