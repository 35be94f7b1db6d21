"""The method annex (方法附录): periods, inclusion, weights, anchors, tree, agreement, sensitivity, calibration, run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number, share
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_FLOW = ("discharges", "included", "long_stay", "ambiguous", "ungroupable", "invalid")
_QUALITY = ("discharges", "grouping_rate", "invalid", "ungroupable", "ambiguous", "long_stay", "without_weight")
_SHARES = ("grouping_rate", "charge_known", "stay_known", "disposition_known", "input_coverage")


def settings_table(reading: Reading) -> Table:
    """What was set and what the run was: name and value."""
    evaluation, words, plan = reading.evaluation, reading.words, reading.evaluation.plan
    rows: list[tuple[str, Any]] = [("run_id", evaluation.run_id)]
    for key, one in plan.periods.items():
        mark = [words(f"method.is_{kind}") for kind in ("current", "previous", "base") if getattr(plan, kind) == key]
        text = Markup("{}: {} – {} ({})").format(key, one.start.isoformat(), one.end.isoformat(), words.listed(mark))
        rows.append(("period", text))
    tree, weights = evaluation.tree, evaluation.current.mix.weights
    year = "" if weights.year is None else f" ({weights.year})"
    mix = words.word("setting", plan.uncertainty.mix)
    rows += [
        ("tree", f"{words.text(tree.zh, tree.en)} · {tree.cited(words.language)}"),
        ("provenance", tree.provenance),
        ("case_mix_weights", _weights(reading, f"{weights.source}{year}", len(weights.weights))),
        ("scheme", plan.mix.scheme),
        ("combined", _scoring(reading)),
        ("draws", words("method.draws_text", n=evaluation.draws, mix=mix, seed=evaluation.seed)),
        ("level", reading.level),
        ("targets", ", ".join([*plan.targets.sets, *(path.name for path in plan.targets.files)])),
        ("privacy", words("method.privacy_text", n=plan.privacy.smallest_cell)),
        *(("software", f"{name} {version}") for name, version in sorted(evaluation.software.items())),
    ]
    columns = [Column(str(words("method.what")), text=True), Column(str(words("method.value")), text=True)]
    body = [[words_cell(words(f"method.{name}")), words_cell(value)] for name, value in rows]
    return Table(columns, body, words("method.settings"), css="pairs")


def _weights(reading: Reading, source: str, count: int) -> str:
    """Where the weights come from and of how many groups they are, once."""
    if re.search(rf"(?<!\d){count}(?!\d)", source):
        return source
    return f"{source}, {reading.words('method.groups', n=count)}"


def _scoring(reading: Reading) -> Markup:
    scores, words = reading.evaluation.plan.scores, reading.words
    parts = {name: words.word("setting", getattr(scores, name)) for name in ("how", "weights", "missing")}
    return words("method.combined_text", least=share(scores.minimum_coverage, 0), **parts)


def flow_table(reading: Reading) -> Table:
    """Discharges by what became of them, per period."""
    words = reading.words
    evaluation = reading.evaluation
    periods = [one for one in (evaluation.current, evaluation.previous) if one is not None]
    columns = [Column(str(words("method.step")), text=True), *(Column(one.id) for one in periods)]
    body = []
    for name in (*_FLOW, *(c for c in evaluation.current.mix.flow.columns if str(c).startswith("included_without_"))):
        if name in evaluation.current.mix.flow.columns:
            cells = [Cell(number(one.mix.flow[name].sum() if name in one.mix.flow else None)) for one in periods]
            body.append([words_cell(words.word("flow", str(name))), *cells])
    return Table(columns, body, words("method.flow_caption"), note=words("method.flow_note"))


def readmission_sentence(reading: Reading) -> Markup:
    """How stays became index stays."""
    found, words = reading.evaluation.current.readmissions, reading.words
    if found is None:
        return words("method.no_readmissions")
    parts = [f"{words.word('flow', name)} {number(count)}" for name, count in found.flow.items()]
    return words("method.readmissions", parts=words.listed(parts, 20), until=found.until.isoformat())


def quality_table(reading: Reading) -> Table | None:
    """Data quality of each hospital."""
    table, words = reading.evaluation.current.quality, reading.words
    names = [name for name in (*_QUALITY, *_SHARES[1:], "dx_per_case") if name in table.columns]
    if not len(table) or not names:
        return None
    columns = [Column(str(words("frontier.hospital")), text=True)]
    columns += [Column(str(words(f"quality.{name}"))) for name in names]
    body = []
    for key in table.index:
        cells = [
            Cell(share(v) if n in _SHARES else number(v), sort=finite(v)) for n, v in table.loc[key, names].items()
        ]
        body.append([Cell(reading.link(key), kind="t"), *cells])
    return Table(columns, body, words("method.quality_caption"), css="dense", sortable=True)


def tree_table(reading: Reading) -> Table:
    """Dimensions, indicators, weights, directions and sources."""
    words = reading.words
    columns = [
        Column(str(words(f"method.{name}")), text=name != "weight") for name in ("indicator", "weight", "direction")
    ]
    columns.append(Column(str(words("method.formula")), text=True))
    body: list[list[Cell]] = []
    for one in reading.evaluation.tree.dimensions:
        title = Markup("<b>{}</b>").format(words.text(one.zh, one.en))
        body.append([Cell(title, kind="t"), Cell(share(one.weight)), words_cell(" "), words_cell(" ")])
        for leaf in one.leaves:
            entry = reading.catalogue.indicators.get(leaf.indicator)
            formula = entry.formula.text if entry is not None and entry.formula is not None else ""
            source = entry.cited(words.language) if entry is not None else ""
            name = Cell(reading.indicator(leaf.indicator), below=source, kind="t")
            direction = words_cell(words.word("direction", leaf.direction))
            weight = Cell(share(one.weight * leaf.weight))
            body.append([name, weight, direction, Cell(formula or words("method.evidence"), kind="t code")])
    return Table(columns, body, words("method.tree_caption"))


def anchor_table(reading: Reading) -> Table | None:
    """Values that give the least and the full points."""
    table, words = reading.evaluation.scores.anchors, reading.words
    if not len(table):
        return None
    grouped = "peer_group" in table.columns and table["peer_group"].fillna("").astype(str).ne("").any()
    names = ("indicator", *(("peer_group",) if grouped else ()), "bad", "good", "source")
    columns = [Column(str(words(f"method.anchor_{name}")), text=name not in ("bad", "good")) for name in names]
    body = []
    for _, row in table.iterrows():
        unit = reading.unit(str(row["indicator"]))
        cells = {
            "indicator": words_cell(reading.indicator(str(row["indicator"]))),
            "peer_group": words_cell(reading.group_name(row.get("peer_group") or "")),
            "bad": Cell(number(row["bad"], unit)),
            "good": Cell(number(row["good"], unit)),
            "source": words_cell(reading.source(row)),
        }
        body.append([cells[name] for name in names])
    return Table(columns, body, words("method.anchors_caption"))


def agreement_table(reading: Reading) -> Table | None:
    """Rank correlation between methods."""
    table, words = reading.evaluation.agreement, reading.words
    if not len(table):
        return None
    names = [words.word("method_name", str(name)) for name in table.columns]
    columns = [Column(str(words("method.method")), text=True), *(Column(name) for name in names)]
    body = [
        [words_cell(words.word("method_name", str(key))), *(Cell(_two(value)) for value in table.loc[key])]
        for key in table.index
    ]
    return Table(columns, body, words("method.agreement_caption"))


def _two(value: Any) -> str:
    found = finite(value)
    return DASH if found is None else f"{found:.2f}"


def sensitivity_table(reading: Reading) -> Table | None:
    """Ranks by method, and how often class and rank stay when weights are drawn."""
    table, ranks, words = reading.evaluation.weight_sensitivity, reading.evaluation.method_ranks, reading.words
    if not len(table) and not len(ranks):
        return None
    columns = [Column(str(words("frontier.hospital")), text=True)]
    columns += [Column(words.word("sensitivity", str(name))) for name in table.columns]
    columns += [Column(words.word("method_name", str(name))) for name in ranks.columns]
    body = []
    for key in reading.evaluation.hospitals.index:
        stays = [Cell(_stay(table.at[key, name]) if key in table.index else DASH) for name in table.columns]
        places = [Cell(number(ranks.at[key, name]) if key in ranks.index else DASH) for name in ranks.columns]
        body.append([Cell(reading.link(key), kind="t"), *stays, *places])
    setting = reading.evaluation.plan.uncertainty
    caption = words("method.sensitivity_caption", n=setting.weight_draws, concentration=number(setting.concentration))
    return Table(columns, body, caption, css="dense")


def _stay(value: Any) -> str:
    return share(value, 0) if isinstance(value, (int, float)) else str(value)


def calibration_table(reading: Reading) -> Table | None:
    """Deaths observed and expected by decile of risk."""
    table, words = reading.evaluation.current.calibration, reading.words
    if table is None or not len(table):
        return None
    columns = [
        Column(str(words(f"method.calibration_{n}"))) for n in ("decile", "cases", "deaths", "expected", "ratio")
    ]
    body = []
    for at, (_, row) in enumerate(table.iterrows()):
        expected = finite(row["expected"])
        ratio = float(row["deaths"]) / expected if expected else None
        cells = [Cell(number(row["cases"])), Cell(number(row["deaths"])), Cell(number(expected)), Cell(_two(ratio))]
        body.append([Cell(str(at + 1)), *cells])
    return Table(columns, body, words("method.calibration_caption"))


def mortality_table(reading: Reading) -> Table | None:
    """Risk-adjusted mortality of each hospital."""
    table, words = reading.evaluation.current.adjusted_mortality, reading.words
    if table is None or not len(table):
        return None
    names = [name for name in ("cases", "deaths", "expected", "smr", "low", "high") if name in table.columns]
    columns = [Column(str(words("frontier.hospital")), text=True)]
    columns += [Column(str(words(f"method.mortality_{name}"))) for name in names]
    body = [
        [Cell(reading.link(key), kind="t"), *(Cell(number(table.at[key, name])) for name in names)]
        for key in table.index
        if key in reading.anchors
    ]
    return Table(columns, body, words("method.mortality_caption"), sortable=True, note=words("method.mortality_note"))


def hash_table(reading: Reading) -> Table | None:
    """Files and their SHA-256."""
    hashes: Mapping[str, str] = reading.evaluation.hashes
    words = reading.words
    if not hashes:
        return None
    columns = [Column(str(words("method.file")), text=True), Column("SHA-256", text=True)]
    body = [[words_cell(name), Cell(value, kind="t code")] for name, value in sorted(hashes.items())]
    return Table(columns, body, words("method.hashes_caption"))


def missing_table(reading: Reading) -> Table | None:
    """Indicators of the tree without a value, with the number of hospitals and the reason."""
    missing, words = reading.evaluation.current.indicators.missing, reading.words
    own = {leaf.indicator for one in reading.evaluation.tree.dimensions for leaf in one.leaves}
    rows: pd.DataFrame = missing[missing["indicator"].isin(own)]
    if not len(rows):
        return None
    columns = [Column(str(words("method.indicator")), text=True), Column(str(words("summary.tile_hospitals")))]
    columns.append(Column(str(words("method.reason")), text=True))
    body = [
        [words_cell(reading.indicator(str(name))), Cell(number(len(part))), words_cell(reading.reason(str(reason)))]
        for (name, reason), part in rows.groupby(["indicator", "reason"], sort=False)
    ]
    return Table(columns, body, words("method.missing_caption"))
