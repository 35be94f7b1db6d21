"""docs/evaluation-plan.md, written from the settings and their words."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from drgengine.evaluation.plan.keywords import FILE_KEY, KINDS, key_words, table_words
from drgengine.evaluation.plan.newplan import toml_value
from drgengine.evaluation.plan.sectionvalues import hints

_HEAD = """# Evaluation plan (评价方案)

Written from `drgengine/data/evaluation/plan_keys.toml` and `plan_tables.toml`; change these and not this page, then run
`python -c "from drgengine.evaluation.plan import plan_page; print(plan_page(), end='')"`.

A plan is one file, `plan.toml`, that names the data, the methods and the settings of a yearly evaluation.

```
drgengine evaluate new my-plan          # plan.toml and templates of its tables
drgengine evaluate check my-plan        # everything that is wrong, before anything is computed
drgengine evaluate my-plan -o results   # tables, report.xlsx, report.html, books, manifest.json
```

```python
from drgengine import evaluation as ev

result = ev.evaluate("my-plan/plan.toml")  # everything the report shows, as tables
ev.run("my-plan/plan.toml", "results")
```

Paths are relative to the plan; patterns such as `cases_*.parquet` are expanded and sorted. Unknown keys and names are
refused with the nearest one that is known. Both periods are scored under the same DRG weights, anchors and indicator
weights.

A hospital that has discharges and is not in the table of hospitals is an error that names it; a hospital without
discharges stays in league, scores, contributions, indicators, quality, decisions and frontier, without what discharges
give, and has no row in case mix, inclusion flow, readmissions and CMI drift. Discharges outside `start` and `end` are
left out, counted and listed; a discharge (hospital_id and case_id) that stands there twice is an error. Statistics
instead of cases give no readmission and no adjusted mortality, and the method annex says so. Nor can repeats be seen in
them: a discharge that stood in two shards of `group_shards` is counted twice. A shard that cannot be read stops that
run; what is finished stays, nothing is merged, and the next call goes on there."""


def plan_page() -> str:
    """The text of docs/evaluation-plan.md."""
    parts = [_HEAD]
    for section, words in key_words().items():
        title = f"## {words['en']} ({words['zh']})"
        shown = "" if section in ("plan", "period") else f"\n\nSection `[{section}]`."
        parts.append(f"{title}{shown}\n\n{_keys(section, words)}")
    parts.append(_DECISIONS)
    parts.append(_tables())
    return "\n\n".join(parts) + "\n"


_DECISIONS = """## Decisions (结果应用)

`[decisions.KIND]` replaces keys of a shipped kind, or describes a kind of your own; kinds, keys, formulas and their
sources stand in `drgengine/data/evaluation/decisions.toml`."""


def _keys(section: str, words: dict[str, Any]) -> str:
    kind = KINDS[section]
    defaults = {entry.name: _default(entry) for entry in fields(kind)}
    rows = ["| key | kind | default | meaning |", "| --- | --- | --- | --- |"]
    for key, entry in words["key"].items():
        low, high = entry.get("low"), entry.get("high")
        limits = "" if low is None else f" From {low:g} to {high:g}."
        shown = _kind(hints(kind)[key])
        cell = f"{entry['text']}{limits}".replace("|", "\\|")
        rows.append(f"| `{FILE_KEY.get(key, key)}` | {shown} | {defaults[key]} | {cell} |")
    return "\n".join(rows)


def _default(entry: Any) -> str:
    if entry.default is MISSING:
        return "" if entry.default_factory is MISSING else "none"
    if entry.default is None or entry.default == ():
        return "none"
    return f"`{toml_value(entry.default)}`"


def _kind(kind: Any) -> str:
    text = str(kind).replace("typing.", "").replace("pathlib.", "")
    names = {
        "<class 'str'>": "text",
        "<class 'int'>": "whole number",
        "<class 'float'>": "number",
        "<class 'bool'>": "true or false",
        "<class 'Path'>": "file",
        "<class 'datetime.date'>": "date",
        "Path | None": "file",
        "str | None": "text",
        "int | None": "whole number",
        "float | None": "number",
        "tuple[str, ...]": "list of texts",
        "tuple[int, ...]": "list of whole numbers",
        "tuple[float, ...]": "list of numbers",
        "tuple[float, float]": "two numbers",
        "tuple[Path, ...]": "files",
    }
    text = text.replace("_local.Path", "Path")
    if text.startswith("Literal["):
        return text.removeprefix("Literal[").removesuffix("]").replace("'", "`")
    if "Veto" in text:
        return "tables"
    return names[text]


def _tables() -> str:
    parts = [
        "## Tables (数据表)",
        "CSV (UTF-8 or GB18030), XLSX or Parquet; headers in English or Chinese, in any order. An empty cell is not "
        "known, never 0.",
    ]
    for one in table_words().values():
        rows = ["| column | also | needed |", "| --- | --- | --- |"]
        for column in one.columns:
            also = ", ".join(column.headers)
            rows.append(f"| `{column.name}` | {also} | {'yes' if column.required else ''} |")
        parts.append(f"### {one.en} ({one.zh})\n\n{chr(10).join(rows)}" + (f"\n\n{one.rest}" if one.rest else ""))
    return "\n\n".join(parts)
