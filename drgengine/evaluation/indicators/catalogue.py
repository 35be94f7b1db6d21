"""The catalogue of indicators (指标目录): read from data files, the shipped ones and those of a user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.documents import AGAIN, DATA
from drgengine.evaluation.indicators.entries import UNITS_OF, Indicator, Input, read_indicator, read_input
from drgengine.tomltable import Table, read_toml

SHIPPED = ("inputs.toml", "indicators_hospital.toml", "indicators_casemix.toml", "indicators_region.toml")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Indicators by id and inputs by name (指标目录).

    >>> catalogue = load_catalogue()
    >>> catalogue["bed_occupancy"].zh, catalogue["bed_occupancy"].formula.text
    ('床位使用率', 'bed_days / open_bed_days * 100')
    """

    indicators: Mapping[str, Indicator]
    inputs: Mapping[str, Input]

    def __getitem__(self, name: str) -> Indicator:
        """The indicator of an id. Raises EvaluationError with the nearest id."""
        if name not in self.indicators:
            near = get_close_matches(str(name), self.indicators, n=1)
            remedy = f"Did you mean {near[0]}?" if near else "Take an id of the catalogue, or add it in a file of yours"
            raise EvaluationError("catalogue", f"no indicator is called {name!r}", remedy)
        return self.indicators[name]

    def select(self, ids: Iterable[str] | None = None) -> tuple[Indicator, ...]:
        """The indicators of some ids, each once; None = all."""
        return tuple(self[name] for name in dict.fromkeys(self.indicators if ids is None else ids))

    def ids(self, of: str | None = None) -> tuple[str, ...]:
        """Ids of the indicators that describe hospital, department, physician or region; None = all.

        >>> "beds_per_1000" in load_catalogue().ids("hospital"), "cmi" in load_catalogue().ids("department")
        (False, True)
        """
        return tuple(one.id for one in self.indicators.values() if of is None or one.of in (of, "any"))

    def of_line(self, line: str) -> tuple[Indicator, ...]:
        """The indicators that answer a policy line (A01) or a number of the national appraisal (T3)."""
        return tuple(one for one in self.indicators.values() if line in one.lines or line in one.national)

    def tables_of(self, name: str) -> tuple[str, ...]:
        """The tables that an indicator needs; none for an evidence slot."""
        formula = self[name].formula
        return tuple(dict.fromkeys(self.inputs[n].table for n in formula.names)) if formula else ()

    def table(self, language: str = "en") -> pd.DataFrame:
        """One row per indicator: name, formula, unit, direction, inputs, tables, evidence, lines, source."""
        rows = [
            {
                "id": one.id,
                "name": one.zh if language == "zh" else one.en,
                "formula": one.formula.text if one.formula else "",
                "unit": one.unit,
                "direction": one.direction,
                "of": one.of,
                "inputs": ", ".join(one.formula.names) if one.formula else "",
                "tables": ", ".join(self.tables_of(one.id)),
                "evidence": one.evidence,
                "lines": ", ".join(one.lines),
                "national": ", ".join(one.national),
                "source": one.cited(language),
                "note": one.note,
            }
            for one in self.indicators.values()
        ]
        return pd.DataFrame(rows).set_index("id")


def load_catalogue(*files: str | Path) -> Catalogue:
    """The shipped catalogue, and after it the indicators and inputs of some files (指标目录及自定义指标).

    files : TOML with tables [input.NAME] and [indicator.ID], as in data/evaluation/indicators_hospital.toml; they may
        use shipped inputs, and may not take a name that exists
    Raises EvaluationError with file, key, value and remedy.
    """
    return _load(tuple(Path(file) for file in files)) if files else _shipped()


@cache
def _shipped() -> Catalogue:
    return _load(())


def _load(files: tuple[Path, ...]) -> Catalogue:
    inputs: dict[str, Input] = {}
    indicators: dict[str, Indicator] = {}
    for path in (*(DATA / name for name in SHIPPED), *files):
        _read(path, inputs, indicators)
    for one in indicators.values():
        for other in one.beside:
            if other not in indicators:
                problem = f"indicator {one.id!r} is to be shown beside {other!r}, which is not in the catalogue"
                raise EvaluationError("catalogue", problem, "Name an id of the catalogue")
    return Catalogue(indicators, inputs)


def _read(path: Path, inputs: dict[str, Input], indicators: dict[str, Indicator]) -> None:
    remedy = AGAIN if path.parent == DATA else "Check the path"
    table = Table(path.name, read_toml(path, EvaluationError, remedy), EvaluationError)
    of = table.choice("of", UNITS_OF, "hospital")
    new_inputs, new_indicators = table.take("input", dict, {}), table.take("indicator", dict, {})
    table.done()
    for kind, new, known in (("input", new_inputs, inputs), ("indicator", new_indicators, indicators)):
        twice = next((name for name in new if name in known), None)
        if twice is not None:
            raise EvaluationError(f"{path.name} [{kind}.{twice}]", "the name exists already", "Take another name")
    for name, values in new_inputs.items():
        inputs[name] = read_input(name, values, path.name)
    for name, values in new_indicators.items():
        indicators[name] = read_indicator(name, values, path.name, inputs, of)
