"""Headline findings (主要发现): plain sentences computed from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.drawnshare import drawn_sentence
from drgengine.evaluation.report.efficiencytables import least_units
from drgengine.evaluation.report.funnelfigures import funnel_name, outside
from drgengine.evaluation.report.numbers import chance, finite, number, share, signed
from drgengine.evaluation.report.rankfigures import REAL
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.redflags import Flag
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_THIN = 5
_STABLE = 0.8
_WIDE = 0.5


@dataclass(frozen=True, slots=True)
class Findings:
    """The summary. figures : number and label   sentences : what was found   unsaid : what cannot be said"""

    scope: Markup
    figures: list[tuple[str, str]]
    sentences: list[Markup]
    unsaid: list[Markup]
    groups: Table


def findings(reading: Reading, flags: Mapping[Any, list[Flag]]) -> Findings:
    """Everything of the first page."""
    red = sum(flag.kind == "red" for found in flags.values() for flag in found)
    better, worse = changed(reading)
    words, cases = reading.words, reading.evaluation.league["cases"].sum()
    figures = [
        (number(len(reading.names)), str(words("summary.tile_hospitals"))),
        (number(round(cases)), str(words("summary.tile_cases"))),
        (number(_separable(reading)), str(words("summary.tile_separable", p=_least_class(reading)))),
        (
            f"{len(better)} / {len(worse)}" if _has_changes(reading) else "—",
            str(words("summary.tile_changed", p=share(REAL, 0))),
        ),
        (number(red), str(words("summary.tile_flags"))),
    ]
    sentences = [
        *_classes(reading),
        *_changes(reading, better, worse),
        drawn_sentence(reading),
        *_safety(reading),
        *_coding(reading),
        *_missed(reading),
        *_ranks(reading),
        *_flags(reading, flags),
        *_funnels(reading),
        *_progress(reading),
        *_frontier(reading),
    ]
    return Findings(_scope(reading), figures, sentences, _unsaid(reading), _groups(reading, flags))


def changed(reading: Reading) -> tuple[list[Any], list[Any]]:
    """Hospitals whose score has risen, and fallen, with a probability of at least 0.9."""
    risen = {key: finite(value) for key, value in reading.evaluation.league["p_improved"].items()}
    order = [key for keys in reading.groups.values() for key in keys]
    better = [key for key in order if risen[key] is not None and risen[key] >= REAL]  # type: ignore[operator]
    worse = [key for key in order if risen[key] is not None and risen[key] <= 1 - REAL]  # type: ignore[operator]
    return better, worse


def _has_changes(reading: Reading) -> bool:
    return bool(reading.evaluation.league["p_improved"].notna().any())


def _separable(reading: Reading) -> int:
    return int((reading.evaluation.league["class"].fillna("") != "").sum())


def _scope(reading: Reading) -> Markup:
    evaluation, words = reading.evaluation, reading.words
    period = evaluation.plan.periods[evaluation.plan.current]
    indicators = sum(len(one.leaves) for one in evaluation.tree.dimensions)
    parts = [
        words(
            "summary.scope",
            region=evaluation.plan.region_in(words.language),
            start=period.start.isoformat(),
            end=period.end.isoformat(),
            hospitals=words("summary.hospitals", n=len(reading.names)),
            groups=words("summary.peer_groups", n=len(reading.groups)),
            tree=words.text(evaluation.tree.zh, evaluation.tree.en),
            dimensions=len(evaluation.tree.dimensions),
            indicators=indicators,
        )
    ]
    excluded = [key for key, reason in evaluation.league["excluded"].items() if reason]
    if excluded:
        parts.append(words("summary.excluded", n=len(excluded), names=reading.links(excluded)))
    return Markup(" ").join(parts)


def _classes(reading: Reading) -> list[Markup]:
    """Who is probably ahead and behind in the peer group, each with its probability."""
    league, names, words = reading.evaluation.league, reading.evaluation.plan.classes.names, reading.words
    ranked = [key for group in reading.groups for key in reading.ranked(group) if len(reading.ranked(group)) > 1]
    if not ranked:
        return []
    parts = []
    for name, key in ((names[0], "summary.best"), (names[-1], "summary.worst")):
        there = [one for one in ranked if league.at[one, "class"] == league.at[one, "class_before_veto"] == name]
        text = words.listed([_in_group(reading, one) for one in there]) if there else words("summary.nobody")
        parts.append(words(key, names=text, name=name))
    open_ = sum(not league.at[one, "class"] for one in ranked)
    parts.append(words("summary.open", n=open_, count=len(ranked), p=_least_class(reading)))
    return [Markup("；" if words.language == "zh" else " ").join(parts)]


def _least_class(reading: Reading) -> str:
    return share(reading.evaluation.plan.classes.probability, 0)


def _in_group(reading: Reading, key: Any) -> Markup:
    group = reading.group_name(reading.league(key, "peer_group"))
    probability = chance(reading.league(key, "class_probability"))
    return reading.words("summary.in_group", name=reading.link(key), group=group, p=probability)


def _safety(reading: Reading) -> list[Markup]:
    """Deaths and readmissions above the outer limits, classes capped by a veto, and pairs that warn."""
    words, league, parts = reading.words, reading.evaluation.league, []
    for one in reading.evaluation.funnels.values():
        high = [key for key, flag in outside(one).items() if flag.startswith("above")]
        if _is_safety(one.id) and high:
            parts.append(words("summary.unsafe", name=funnel_name(reading, one), names=reading.links(high, 6)))
    capped = [key for key in league.index if reading.said(key, "veto")]
    if capped:
        parts.append(words("summary.capped", names=reading.links(capped)))
    pairs = reading.alerts("pair_alerts")
    if pairs is not None and len(pairs):
        parts.append(words("summary.pairs", names=reading.links(dict.fromkeys(pairs["hospital_id"]))))
    if not parts:
        return [words("summary.safe")] if reading.evaluation.funnels else []
    return [words("summary.safety", text=Markup(words("summary.join")).join(parts))]


def _is_safety(name: str) -> bool:
    return name == "smr" or "mortality" in name or name.startswith("readmission")


def _coding(reading: Reading) -> list[Markup]:
    """Rises of the CMI that come from coding, with the place of the hospital, as it may be about to be rewarded."""
    words, table = reading.words, reading.alerts("coding_alerts")
    if table is None or not len(table):
        return []
    parts = []
    for _, row in table.sort_values("within", ascending=False, kind="stable").iterrows():
        rank = finite(reading.league(row["hospital_id"], "rank"))
        key = "summary.coded_rank" if rank is not None else "summary.coded"
        values: dict[str, Any] = {"name": reading.link(row["hospital_id"]), "change": signed(row["cmi_change"], 3)}
        values |= {"within": signed(row["within"], 3), "before": number(row["depth_before"])}
        values |= {"after": number(row["depth_after"]), "rank": number(rank)}
        parts.append(words(key, **values))
    return [words("summary.coding", text=words.listed(parts, 4))]


def _ranks(reading: Reading) -> list[Markup]:
    league = reading.evaluation.league
    width = (league["rank_high"] - league["rank_low"] + 1).dropna()
    if not len(width):
        return []
    sizes = league.loc[width.index, "peer_group"].map({group: len(reading.ranked(group)) for group in reading.groups})
    wide = int(((width > _WIDE * sizes) & (sizes > 1)).sum())
    return [
        reading.words("summary.widths", median=number(width.median()), n=wide, count=len(width), level=reading.level)
    ]


def _changes(reading: Reading, better: list[Any], worse: list[Any]) -> list[Markup]:
    words = reading.words
    if not _has_changes(reading):
        return []
    least = share(REAL, 0)
    known = int(reading.evaluation.league["p_improved"].notna().sum())
    parts = [
        words("summary.better", n=len(better), names=reading.links(better), p=least)
        if better
        else words("summary.none_better", p=least),
        words("summary.worse", n=len(worse), names=reading.links(worse)) if worse else words("summary.none_worse"),
        words("summary.unclear", n=known - len(better) - len(worse)),
    ]
    return [Markup(words("summary.join")).join(parts) + words("summary.stop")]


def _flags(reading: Reading, flags: Mapping[Any, list[Flag]]) -> list[Markup]:
    words = reading.words
    counts = {key: sum(flag.kind == "red" for flag in found) for key, found in flags.items()}
    some = sorted((key for key, count in counts.items() if count), key=lambda key: (-counts[key], str(key)))
    if not some:
        return [words("summary.no_flags")]
    most = [key for key in some if counts[key] == counts[some[0]]]
    names = reading.links(most, 5)
    return [words("summary.flags", n=sum(counts.values()), count=len(some), most=counts[some[0]], names=names)]


def _funnels(reading: Reading) -> list[Markup]:
    words, parts = reading.words, []
    for one in reading.evaluation.funnels.values():
        sides = []
        for side in ("above", "below"):
            keys = [key for key, flag in outside(one).items() if flag.startswith(side)]
            if keys and not (side == "above" and _is_safety(one.id)):
                sides.append(words(f"summary.{side}", names=reading.links(keys, 6)))
        if sides:
            text = Markup(words("page.comma")).join(sides)
            parts.append(words("summary.funnel", name=funnel_name(reading, one), text=text))
    return [words("summary.funnels", text=Markup(words("summary.join")).join(parts))] if parts else []


def _missed(reading: Reading) -> list[Markup]:
    """Targets of policy lines met and missed, the missed ones by name."""
    words, table = reading.words, reading.evaluation.lines
    if not len(table):
        return []
    counts = table["status"].value_counts()
    good = int(sum(counts.get(name, 0) for name in ("met", "near", "trend right")))
    bad = table[table["status"].isin(["missed", "trend wrong", "behind"])].sort_values("status", kind="stable")
    told = [_line_name(reading, row) for _, row in bad.iterrows()]
    text = words("summary.lines_missed", names=words.listed(dict.fromkeys(told), 8)) if told else words("summary.stop")
    return [words("summary.lines", good=good, bad=len(bad), rest=len(table) - good - len(bad)) + text]


def _line_name(reading: Reading, row: pd.Series) -> Markup:
    texts = (row.get(name) if isinstance(row.get(name), str) else "" for name in ("indicator_zh", "indicator_en"))
    name = reading.words.text(*(str(text) for text in texts))
    return Markup('{} <a href="#line-{}">{}</a>').format(name, row["line"], row["line"])


def _progress(reading: Reading) -> list[Markup]:
    words, progress = reading.words, reading.evaluation.progress
    if not len(progress):
        return []
    counts = progress["colour"].value_counts()
    numbers = {name: int(counts.get(name, 0)) for name in ("green", "amber", "red")}
    return [words("summary.progress", rest=len(progress) - sum(numbers.values()), **numbers)]


def _frontier(reading: Reading) -> list[Markup]:
    table = reading.evaluation.frontier
    if table is None or not table["score"].notna().any() or _is_thin(reading):
        return []
    known = table["score"].dropna()
    efficient = int((known >= 1.0 - 1e-9).sum())
    median = share(table["corrected"].median()) if table["corrected"].notna().any() else "—"
    return [reading.words("summary.frontier", n=efficient, count=len(known), median=median)]


def _is_thin(reading: Reading) -> bool:
    """Whether the frontier has too few hospitals: as the evaluation says, or by its inputs and outputs."""
    table, said = reading.evaluation.frontier, reading.evaluation.details.get("frontier_thin")
    if table is None:
        return False
    return bool(said) or int(table["score"].notna().sum()) < least_units(reading)


def _thin_sentence(reading: Reading) -> Markup:
    setting, table = reading.evaluation.plan.frontier, reading.evaluation.frontier
    assert table is not None
    sizes = {"inputs": len(setting.inputs), "outputs": len(setting.outputs), "least": least_units(reading)}
    return reading.words("unsaid.thin_frontier", n=int(table["score"].notna().sum()), **sizes)


def _unsaid(reading: Reading) -> list[Markup]:
    """What the data do not allow to say."""
    evaluation, words = reading.evaluation, reading.words
    found = [words("unsaid.ranks")]
    thin = [f"{reading.group_name(group)} ({len(keys)})" for group, keys in reading.groups.items() if len(keys) < _THIN]
    if thin:
        found.append(words("unsaid.thin", groups=words.listed(thin, 12)))
    if evaluation.previous is None:
        found.append(words("unsaid.previous"))
    if evaluation.frontier is None:
        found.append(words("unsaid.frontier"))
    elif _is_thin(reading):
        found.append(_thin_sentence(reading))
    if evaluation.current.region is None:
        found.append(words("unsaid.region"))
    if evaluation.current.adjusted_mortality is None:
        found.append(words("unsaid.mortality"))
    values = evaluation.current.indicators.values
    leaves = [leaf.indicator for one in evaluation.tree.dimensions for leaf in one.leaves]
    lacking = [name for name in leaves if name not in values.columns or not values[name].notna().any()]
    if lacking:
        found.append(words("unsaid.indicators", names=words.listed([reading.indicator(name) for name in lacking], 10)))
    stays = evaluation.weight_sensitivity
    if len(stays) and len(stays.columns):
        shaky = int((stays.iloc[:, 0] < _STABLE).sum())
        if shaky:
            found.append(words("unsaid.weights", n=shaky, share=share(_STABLE, 0)))
    found.append(words("unsaid.mixes"))
    return found


def _groups(reading: Reading, flags: Mapping[Any, list[Flag]]) -> Table:
    """Peer groups: hospitals, ranked, classes, red flags."""
    words, league, names = reading.words, reading.evaluation.league, reading.evaluation.plan.classes.names
    columns = [
        Column(str(words("league.group")), text=True),
        Column(str(words("summary.tile_hospitals"))),
        Column(str(words("summary.ranked"))),
        *(Column(str(words("league.class_name", name=name))) for name in names),
        Column(str(words("league.not_separable"))),
        Column(str(words("summary.tile_flags"))),
    ]
    rows = []
    for group, keys in reading.groups.items():
        ranked = reading.ranked(group)
        classes = [str(league.at[key, "class"] or "") for key in ranked]
        red = sum(flag.kind == "red" for key in keys for flag in flags[key])
        counts = [len(keys), len(ranked), *(classes.count(name) for name in (*names, "")), red]
        rows.append([words_cell(reading.group_name(group)), *(Cell(number(count)) for count in counts)])
    return Table(columns, rows, words("summary.groups_caption"))
