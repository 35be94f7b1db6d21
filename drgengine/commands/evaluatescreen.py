"""What the evaluate commands show on the terminal."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

MOST_PER_GROUP = 5
MOST_LISTED = 10
LOW_GROUPING = 0.9


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of the evaluate commands."""
    path = Path(__file__).parent.parent / "data" / "evaluate_screen.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))[language]


class StepProgress:
    """A progress bar over the steps of an evaluation; nothing when standard error is no terminal."""

    def __init__(self, language: str, show: bool) -> None:
        console = Console(stderr=True)
        self._text = words(language)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not (show and console.is_terminal),
        )
        self._task: TaskID | None = None

    def update(self, done: int, steps: int, name: str) -> None:
        """Show the step that begins after `done` of `steps`."""
        shown = self._text.get(name, name)
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(shown, total=steps)
        self._bar.update(self._task, completed=done, total=steps, description=shown)

    def __enter__(self) -> StepProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._bar.stop()


def to_look_at(result: Any, language: str) -> list[str]:
    """What waits for a look, in sentences: no score, vetoes, vetoes not tested, inputs that differ from cases, cases of
    another period, weights that do not fit, impossible values."""
    text, league = words(language), result.league
    names = result.hospitals["name" if language == "zh" else "name_en"]
    found = [
        f"{names[unit]} {text['excluded'].format(reason=reason)}"
        for unit, reason in league[f"excluded_{language}"].items()
        if reason
    ]
    found += [f"{names[unit]} {text['vetoes']}: {veto}" for unit, veto in league[f"veto_{language}"].items() if veto]
    untested = result.details.get("untested_vetoes")
    if untested is not None and len(untested):
        catalogue = result.current.indicators.catalogue
        for row in untested.itertuples(index=False):
            one, reason = catalogue[row.indicator], row.reason_zh if language == "zh" else row.reason
            found.append(f"{names[row.unit]} {one.zh if language == 'zh' else one.en}: {reason}")
    differing = sum(len(table) for table in result.details.get("mismatches", {}).values())
    if differing:
        found.append(text["mismatches"].format(n=differing))
    at = 0 if language == "zh" else 1
    found += [check[at] for check in result.details.get("checks", ())]
    found += impossible_values(result, language)
    return found


def impossible_values(result: Any, language: str) -> list[str]:
    """Inputs below 0 and indicators outside their bounds, which are not scored."""
    text, indicators = words(language), result.current.indicators
    names = result.hospitals["name" if language == "zh" else "name_en"]
    known = {**indicators.catalogue.inputs, **indicators.catalogue.indicators}
    found = []
    for row in indicators.remarks.itertuples(index=False):
        if str(row.remark).startswith(("below 0", "outside ")) and row.name in known and row.unit in names.index:
            title = known[row.name].zh if language == "zh" else known[row.name].en
            found.append(text["impossible"].format(name=names[row.unit], what=title, value=f"{row.value:.6g}"))
    return found


def print_result(result: Any, output: str, language: str) -> None:
    """The best of each peer group, what to look at, and where the report is, on standard error."""
    text, console = words(language), Console(stderr=True, highlight=False)
    names = result.hospitals["name" if language == "zh" else "name_en"]
    groups = result.hospitals["peer_group" if language == "zh" else "peer_group_en"]
    for group, part in result.league.groupby(groups, sort=False):
        console.print(_group(str(group), part, names, text))
    look = to_look_at(result, language) + alert_lines(result, language) + _remarks(result, names, text)
    if look:
        console.print(text["attention"], style="bold yellow", markup=False)
        for line in look[:MOST_LISTED]:
            console.print(f"  {line}", markup=False, soft_wrap=True)
        if len(look) > MOST_LISTED:
            console.print("  " + text["more"].format(n=len(look) - MOST_LISTED), markup=False)
    for key, path in (("written", Path(output)), ("report", Path(output, "report.html"))):
        console.print(f"{text[key]}: {path}", markup=False, soft_wrap=True)


def alert_lines(result: Any, language: str) -> list[str]:
    """Coding and pair alerts in sentences; questions, so they leave the exit code alone."""
    names, text = result.hospitals["name" if language == "zh" else "name_en"], words(language)
    return [
        f"{names[row.hospital_id]} {text[key]}: {getattr(row, language)}"
        for key in ("coding_alerts", "pair_alerts")
        for row in result.details.get(key, pd.DataFrame()).itertuples(index=False)
    ]


def _group(group: str, part: pd.DataFrame, names: pd.Series, text: Mapping[str, str]) -> Table:
    scored = part[part["score"].notna()].sort_values(["rank", "score"], ascending=[True, False])
    title = text["league"].format(group=escape(group), ranked=len(scored), all=len(part))
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
    table.add_column(text["rank"], no_wrap=True)
    table.add_column(text["hospital"], overflow="fold")
    table.add_column(text["score"], no_wrap=True)
    table.add_column(text["class"], no_wrap=True)
    table.add_column(text["change"], justify="right", no_wrap=True)
    for unit, row in scored.head(MOST_PER_GROUP).iterrows():
        table.add_row(
            f"{row['rank']:.0f}{_between(row['rank_low'], row['rank_high'], '.0f')}",
            escape(str(names[unit])),
            f"{row['score']:.1f}{_between(row['score_low'], row['score_high'], '.1f')}",
            escape(row["class"] or text["none"]),
            f"{round(row['change'], 1) + 0.0:+.1f}" if row["change"] == row["change"] else "",
        )
    if len(scored) > MOST_PER_GROUP:
        table.caption = text["more"].format(n=len(scored) - MOST_PER_GROUP)
    return table


def _between(low: float, high: float, form: str) -> str:
    return f" ({low:{form}}–{high:{form}})" if low == low and high == high else ""


def _remarks(result: Any, names: pd.Series, text: Mapping[str, str]) -> list[str]:
    """Data to be checked, indicators left out, missed targets, contradictions, low grouping rates.

    They are shown, and do not change the exit code.
    """
    found = [remark[0 if text is words("zh") else 1] for remark in result.details.get("remarks", ())]
    left_out = result.details.get("left_out", {})
    if left_out:
        share = f"{result.details['left_out_share']:.1%}"
        found.append(text["left_out"].format(n=len(left_out), share=share))
    targets = result.targets
    if len(targets):
        missed = targets[targets["status"].isin(["missed", "trend wrong"])]
        hospital = missed["unit"].isin(result.hospitals.index)
        if len(missed):
            found.append(text["missed"].format(n=int(hospital.sum()), region=int((~hospital).sum())))
    if len(result.consistency):
        clashes = int((result.consistency["verdict"] == "contradiction").sum())
        if clashes:
            found.append(text["contradictions"].format(n=clashes))
    rates = result.current.quality["grouping_rate"]
    found += [
        text["low_grouping"].format(name=names[unit], rate=f"{rate:.1%}")
        for unit, rate in rates.items()
        if rate < LOW_GROUPING
    ]
    return found
