"""An Evaluation read in one language: names, units, reasons, order of hospitals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.indicators import Catalogue
from drgengine.evaluation.report.figures import cut_to
from drgengine.evaluation.report.numbers import DASH, finite, number
from drgengine.evaluation.report.tables import Cell
from drgengine.evaluation.report.words import Words
from drgengine.evaluation.yearly.result import Evaluation

_ASIDE = re.compile(r"\s*[(（][^()（）]*[)）]$")
_MISSING = re.compile(r"^(\w+) (is missing in the previous period|is missing|is 0|has no value)$")


@dataclass(frozen=True)
class Reading:
    """What the chapters ask an Evaluation."""

    evaluation: Evaluation
    words: Words

    @property
    def catalogue(self) -> Catalogue:
        """Names, units and sources of indicators and inputs."""
        return self.evaluation.current.indicators.catalogue

    @property
    def level(self) -> str:
        """Level of the intervals, e.g. 95%."""
        return f"{self.evaluation.plan.uncertainty.level:.0%}"

    @cached_property
    def names(self) -> Mapping[Any, str]:
        """Hospital -> its name."""
        table = self.evaluation.hospitals
        found = {}
        for hospital in table.index:
            zh, en = (_text(table.at[hospital, name]) if name in table else "" for name in ("name", "name_en"))
            found[hospital] = self.words.text(zh, en) or str(hospital)
        return found

    @cached_property
    def anchors(self) -> Mapping[Any, str]:
        """Hospital -> id of its page."""
        return {hospital: f"h{at + 1}" for at, hospital in enumerate(self.evaluation.hospitals.index)}

    @cached_property
    def labels(self) -> Mapping[Any, str]:
        """Hospital -> its name in figures and tables: without a parenthesis at the end where all stay different."""
        cut = {hospital: _ASIDE.sub("", name) or name for hospital, name in self.names.items()}
        counts = Counter(cut.values())
        return {hospital: name if counts[name] == 1 else self.names[hospital] for hospital, name in cut.items()}

    def short_name(self, hospital: Any, most: int = 30) -> str:
        """The name in a figure, cut where it is long; a Chinese character is as wide as two letters."""
        return cut_to(self.labels[hospital], most)

    @cached_property
    def group_names(self) -> Mapping[str, str]:
        """Peer group -> its name in the language."""
        table = self.evaluation.hospitals
        if self.words.language == "zh" or "peer_group_en" not in table.columns:
            return {}
        pairs = zip(table["peer_group"], table["peer_group_en"], strict=True)
        return {str(group): _text(name) or str(group) for group, name in pairs}

    def group_name(self, group: Any) -> str:
        """Name of a peer group in the language; the one of the plan where there is no other."""
        return self.group_names.get(str(group), str(group))

    def said(self, hospital: Any, column: str) -> str:
        """A text of the league table in the language: COLUMN_zh or COLUMN_en where they are there, else COLUMN."""
        other = self.league(hospital, f"{column}_{self.words.language}")
        return _text(other) or _text(self.league(hospital, column))

    def alerts(self, name: str) -> pd.DataFrame | None:
        """coding_alerts or pair_alerts of the evaluation, None where it has no such table."""
        table = self.evaluation.details.get(name)
        if not isinstance(table, pd.DataFrame):
            return None
        return table[table["hospital_id"].isin(list(self.names))] if len(table) else table

    def link(self, hospital: Any) -> Markup:
        """The short name, leading to the page of the hospital."""
        return Markup('<a href="#{}">{}</a>').format(self.anchors[hospital], self.labels[hospital])

    def links(self, hospitals: Any, most: int = 8) -> Markup:
        """Names in a sentence."""
        return self.words.listed([self.link(one) for one in hospitals], most)

    @cached_property
    def groups(self) -> Mapping[str, list[Any]]:
        """Peer group -> its hospitals, ranked ones first, in the order of rank, then those left out."""
        league = self.evaluation.league
        found: dict[str, list[Any]] = {}
        order = league.assign(_at=range(len(league))).sort_values(
            ["rank", "score", "_at"], ascending=[True, False, True]
        )
        for group in sorted({str(name) for name in league["peer_group"]}):
            found[group] = [one for one in order.index if str(league.at[one, "peer_group"]) == group]
        return found

    def ranked(self, group: str) -> list[Any]:
        """The hospitals of a group that have a rank."""
        rank = self.evaluation.league["rank"]
        return [one for one in self.groups[group] if finite(rank[one]) is not None]

    def indicator(self, name: str) -> str:
        """Name of an indicator in the language."""
        one = self.catalogue.indicators.get(name)
        return name if one is None else self.words.text(one.zh, one.en)

    def drawn_name(self, name: str) -> str:
        """Name of what a funnel or a shrunk value shows: the SMR is that of the risk model where there is one."""
        if name == "smr" and self.evaluation.current.adjusted_mortality is not None:
            return str(self.words("figure.smr_adjusted"))
        return self.indicator(name)

    def unit(self, name: str) -> str:
        """Unit of an indicator as the catalogue has it, "" where it has none."""
        one = self.catalogue.indicators.get(name)
        return "" if one is None else one.unit

    def unit_word(self, name: str) -> str:
        """Unit in the language."""
        unit = self.unit(name)
        return self.words.word("unit", unit) if unit else ""

    def input_name(self, name: str) -> str:
        """Name of an input in the language."""
        one = self.catalogue.inputs.get(name)
        return name if one is None else self.words.text(one.zh, one.en)

    def direction(self, name: str) -> str:
        """up, down, target or monitor; the tree decides before the catalogue."""
        given = self.directions.get(name)
        if given is not None:
            return given
        one = self.catalogue.indicators.get(name)
        return "monitor" if one is None else one.direction

    @cached_property
    def directions(self) -> Mapping[str, str]:
        """Indicator -> direction in the tree."""
        return {leaf.indicator: leaf.direction for one in self.evaluation.tree.dimensions for leaf in one.leaves}

    @cached_property
    def reasons(self) -> Mapping[tuple[Any, str], str]:
        """(hospital, indicator) -> why there is no value."""
        missing = self.evaluation.current.indicators.missing
        made: dict[str, str] = {}
        found = {}
        for unit, name, reason in zip(missing["unit"], missing["indicator"], missing["reason"], strict=True):
            if reason not in made:
                made[reason] = self.reason(str(reason))
            found[unit, name] = made[reason]
        return found

    def reason(self, text: str) -> str:
        """A reason of the engine in the language; a part of it that is not known stays as it is."""
        parts = []
        for part in text.split("; "):
            match = _MISSING.match(part)
            if match:
                parts.append(str(self.words(f"reason.{match[2].replace(' ', '_')}", name=self.input_name(match[1]))))
            else:
                parts.append(self.words.word("reasons", part))
        return ("；" if self.words.language == "zh" else "; ").join(Markup(part).unescape() for part in parts)

    def value(self, hospital: Any, name: str) -> Cell:
        """The current value of an indicator, or "—" with the reason."""
        table = self.evaluation.current.indicators.values
        value = table.at[hospital, name] if name in table.columns and hospital in table.index else None
        return self.shown(hospital, name, value)

    def shown(self, hospital: Any, name: str, value: Any) -> Cell:
        """A value in the unit of an indicator, or "—" with the reason."""
        text = number(value, self.unit(name))
        return Cell(text, self.reasons.get((hospital, name), "") if text == DASH else "", finite(value))

    def league(self, hospital: Any, column: str) -> Any:
        """A cell of the league table, None where the column is lacking."""
        table = self.evaluation.league
        return table.at[hospital, column] if column in table.columns else None

    @cached_property
    def contributions(self) -> Mapping[Any, pd.DataFrame]:
        """Hospital -> its rows of this year's contributions, by indicator."""
        return _by_hospital(self.evaluation.scores.contributions)

    @cached_property
    def earlier_contributions(self) -> Mapping[Any, pd.DataFrame]:
        """The same of last year, empty without a previous period."""
        before = self.evaluation.previous_scores
        return {} if before is None else _by_hospital(before.contributions)

    @cached_property
    def medians(self) -> pd.DataFrame:
        """Hospitals x indicators: the median of the peer group."""
        values = self.evaluation.current.indicators.values
        return values.groupby(self.evaluation.league["peer_group"].reindex(values.index)).transform("median")

    @cached_property
    def last_values(self) -> pd.DataFrame:
        """Hospitals x indicators of the previous period, NaN where there is none."""
        before, now = self.evaluation.previous, self.evaluation.current.indicators.values
        table = now * float("nan") if before is None else before.indicators.values
        return table.reindex(index=now.index, columns=now.columns)

    @cached_property
    def decisions(self) -> Mapping[Any, pd.DataFrame]:
        """Hospital -> its rows of decisions."""
        table = self.evaluation.decisions
        return dict(list(table.groupby("hospital_id", sort=False))) if len(table) else {}

    def source(self, row: pd.Series) -> str:
        """The source of a row that has `source_zh` and `source_en`, or `source` alone."""
        zh, en = (_text(row.get(name)) for name in ("source_zh", "source_en"))
        given = _text(row.get("source"))
        return self.words.text(zh, en) or self.sources.get(given, given)

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """Source of a target in either language -> in this one, as far as the policy lines cite it."""
        table = self.evaluation.lines
        if not {"source_zh", "source_en"} <= set(table.columns):
            return {}
        pairs = dict.fromkeys(zip(table["source_zh"], table["source_en"], strict=True))
        own = {(_text(zh), _text(en)) for zh, en in pairs}
        return {given: self.words.text(zh, en) for zh, en in sorted(own) for given in (zh, en) if given}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _by_hospital(table: pd.DataFrame) -> Mapping[Any, pd.DataFrame]:
    return {key: rows.set_index("indicator") for key, rows in table.groupby("hospital_id", sort=False)}
