"""Red flags and warnings of a hospital (红旗与提示), each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.funnelfigures import funnel_name, outside
from drgengine.evaluation.report.numbers import DASH, finite, number, share, signed
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.targetwords import asked

# What looks good beside what must not get worse: the pair is read together (early discharge, dumping of patients).
PAIRS = (
    ("charge_index", "readmission_unplanned_31", "early"),
    ("charge_index_oe", "readmission_all_cause_30", "early"),
    ("time_index", "readmission_unplanned_31", "early"),
    ("time_index", "transfer_rate", "transfer"),
    ("mean_stay", "transfer_rate", "transfer"),
)
_LOW, _HIGH = 0.9, 1.2
_MIX_FLAGS = {"grouping_rate": 0.9, "charge_known": 0.9, "stay_known": 0.9, "disposition_known": 0.9}
_DRIFT, _DEPTH = 0.03, 1.1


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag. text : a sentence   source : of the rule

    kind : red (missed target, veto, outside 99.8 %), alert (a figure that misleads) or notice
    """

    kind: str
    text: Markup
    source: str


def flags_by_hospital(reading: Reading) -> Mapping[Any, list[Flag]]:
    """Hospital -> its flags, red ones first."""
    found: dict[Any, list[Flag]] = {key: [] for key in reading.evaluation.hospitals.index}
    for makers in (_vetoes, _targets, _funnels, _mortality, _coding, _pairs, _quality):
        for hospital, flag in makers(reading):
            if hospital in found:
                found[hospital].append(flag)
    return {key: sorted(flags, key=_order) for key, flags in found.items()}


def _order(flag: Flag) -> int:
    """Red ones first; an alert, which tells how to read the score, before other notices."""
    return ("red", "alert", "notice").index(flag.kind)


def _targets(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    table = reading.evaluation.targets
    if not len(table):
        return
    missed = table[table["status"].isin(["missed", "trend wrong"])]
    for (hospital, name), found in missed.groupby(["unit", "indicator"], sort=False):
        rows = sorted((row for _, row in found.iterrows()), key=_laxity)
        first, unit = rows[0], reading.unit(str(name))
        text = reading.words(
            "flag.trend" if _is_trend(first) else "flag.missed",
            name=reading.indicator(str(name)),
            actual=number(first["actual"], unit),
            previous=number(first["previous"], unit),
            target=_asked(reading, first),
        )
        asks = dict.fromkeys(_asked(reading, row) for row in rows[1:])
        others = [one for one in asks if one != _asked(reading, first)]
        if others:
            text += reading.words("flag.also", list=reading.words.listed(others))
        yield hospital, Flag("red" if _is_red(first) else "notice", text, _line(reading, first))


def _laxity(row: pd.Series) -> tuple[bool, bool, float, bool]:
    """Sorts what is red and numeric first, then the target missed by most; "about 20" is laxer than "at most 20"."""
    actual, target = finite(row["actual"]), finite(row["target"])
    by = 0.0 if _is_trend(row) or actual is None or target is None else abs(actual - target)
    return not _is_red(row), _is_trend(row), -by, row["strictness"] == "soft"


def _is_trend(row: pd.Series) -> bool:
    return bool(row["status"] == "trend wrong")


def _is_red(row: pd.Series) -> bool:
    return bool(row["fails"]) or row["status"] == "missed"


def _asked(reading: Reading, row: pd.Series) -> str:
    value = DASH if _is_trend(row) else number(row["target"], reading.unit(str(row["indicator"])))
    return asked(reading, str(row["word"]), value, _way(row))


def _way(row: pd.Series) -> str:
    """Direction of a trend."""
    return {"at_most": "falling", "at_least": "rising"}.get(str(row["direction"]), str(row["direction"]))


def _line(reading: Reading, row: pd.Series) -> str:
    source = reading.source(row)
    return f"{row['line']} {source}".strip() if isinstance(row.get("line"), str) else source


def _vetoes(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    rules = {str(rule.indicator): rule.source for rule in reading.evaluation.plan.scores.vetoes}
    for hospital in reading.evaluation.league.index:
        text = reading.said(hospital, "veto")
        if text:
            source = next((source for name, source in rules.items() if name in text), "")
            yield hospital, Flag("red", reading.words("flag.veto", text=text), source)


def _funnels(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    for one in reading.evaluation.funnels.values():
        good = "below" if reading.direction(one.id) != "up" else "above"
        for hospital, flag in outside(one).items():
            if flag.startswith(good) or (one.id == "smr" and hospital in _above_expected(reading)):
                continue
            value = number(one.points.at[hospital, "value"], one.unit)
            text = reading.words("flag.funnel", name=funnel_name(reading, one), value=value)
            yield hospital, Flag("red", text, str(reading.words("flag.funnel_source")))


def _mortality(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    """Mortality above expectation, one flag with the funnel of the same ratio."""
    funnel = reading.evaluation.funnels.get("smr")
    far = {} if funnel is None else outside(funnel)
    for hospital, row in _above_expected(reading).items():
        interval = f"{number(row['low'])}–{number(row['high'])}"
        key = "flag.mortality_both" if far.get(hospital, "").startswith("above") else "flag.mortality"
        text = reading.words(key, value=number(row["smr"]), interval=interval, level=reading.level)
        yield hospital, Flag("red", text, str(reading.words("flag.mortality_source")))


def _above_expected(reading: Reading) -> dict[Any, pd.Series]:
    """Hospitals whose adjusted ratio of deaths has an interval above 1."""
    table = reading.evaluation.current.adjusted_mortality
    if table is None or not {"smr", "low", "high"} <= set(table.columns):
        return {}
    return {key: row for key, row in table.iterrows() if (finite(row["low"]) or 0.0) > 1.0}


def _alerts(reading: Reading, table: pd.DataFrame, source: str) -> Iterator[tuple[Any, Flag]]:
    for _, row in table.iterrows():
        text = Markup.escape(reading.words.text(str(row["zh"]), str(row["en"])))
        yield row["hospital_id"], Flag("alert", text, str(reading.words(source)))


def _coding(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    """CMI that rises by coding: as the evaluation found it, or by the rule of this module."""
    table = reading.alerts("coding_alerts")
    yield from _drift(reading) if table is None else _alerts(reading, table, "flag.coding_source")


def _pairs(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    table = reading.alerts("pair_alerts")
    yield from _low_and_high(reading) if table is None else _alerts(reading, table, "flag.pair_source")


def _low_and_high(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    values, medians = reading.evaluation.current.indicators.values, reading.medians
    warned = set()
    for first, second, kind in PAIRS:
        if first not in values.columns or second not in values.columns:
            continue
        for hospital in values.index:
            low, high = finite(values.at[hospital, first]), finite(values.at[hospital, second])
            typical, peers = finite(medians.at[hospital, first]), finite(medians.at[hospital, second])
            if low is None or high is None or not typical or not peers or (hospital, first, kind) in warned:
                continue
            if low < _LOW * typical and high > _HIGH * peers:
                warned.add((hospital, first, kind))
                text = reading.words(
                    f"flag.pair_{kind}",
                    first=reading.indicator(first),
                    low=number(low, reading.unit(first)),
                    typical=number(typical, reading.unit(first)),
                    second=reading.indicator(second),
                    high=number(high, reading.unit(second)),
                    peers=number(peers, reading.unit(second)),
                )
                yield hospital, Flag("alert", text, str(reading.words("flag.pair_source")))


def _drift(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    """A rise of severity within ADRGs beside more diagnoses per case."""
    drift = reading.evaluation.drift
    if drift is None:
        return
    table = drift.table
    for hospital in table.index:
        within = finite(table.at[hospital, "within"])
        depths = [finite(table.at[hospital, f"coding_depth_{when}"]) for when in ("previous", "current")]
        if within is None or within < _DRIFT or None in depths or not depths[0] or depths[1] < _DEPTH * depths[0]:  # type: ignore[operator]
            continue
        text = reading.words("flag.drift", within=signed(within, 3), before=number(depths[0]), now=number(depths[1]))
        yield hospital, Flag("alert", text, str(reading.words("flag.pair_source")))


def _quality(reading: Reading) -> Iterator[tuple[Any, Flag]]:
    table = reading.evaluation.current.quality
    for name, least in _MIX_FLAGS.items():
        for hospital, value in table[name].items() if name in table.columns else ():
            found = finite(value)
            if found is not None and found < least:
                what = reading.words(f"quality.{name}")
                text = reading.words("flag.quality", name=what, value=share(found), least=share(least, 0))
                yield hospital, Flag("notice", text, str(reading.words("flag.quality_source")))
