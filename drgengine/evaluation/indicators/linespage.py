"""Lines of the reform documents (政策条目) and the page docs/indicators.md that says how each is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.indicators.documents import AGAIN, DATA
from drgengine.evaluation.indicators.entries import Indicator
from drgengine.evaluation.indicators.treefile import load_trees
from drgengine.tomltable import Table, read_toml

STATUS = ("computed", "evidence", "engine", "out of scope")
NATIONAL = (*(f"T{number}" for number in range(1, 56)), "T32+", *(f"S{number}" for number in range(1, 29)))


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """A line of the reform documents (政策条目).

    status : computed (by `indicators`), evidence (a value with source and date), engine (a function or setting, no
        number of its own), out of scope   how : what a reader has to know, or the reason
    """

    id: str
    zh: str
    en: str
    status: str
    how: str
    indicators: tuple[str, ...]


@cache
def policy_lines() -> tuple[PolicyLine, ...]:
    """All lines (A hospital output, B regional capacity, C others) with the indicators of the catalogue for them.

    >>> [(line.id, line.status, line.indicators) for line in policy_lines()][6]
    ('A07', 'computed', ('bed_occupancy',))
    """
    path, catalogue = DATA / "policy_lines.toml", load_catalogue()
    found = []
    for name, values in read_toml(path, EvaluationError, AGAIN).items():
        table = Table(f"{path.name} {name}", values, EvaluationError)
        zh, en = table.take("zh", str), table.take("en", str)
        status, how = table.choice("status", STATUS), table.take("how", str, "")
        table.done()
        found.append(PolicyLine(name, zh, en, status, how, tuple(one.id for one in catalogue.of_line(name))))
    return tuple(found)


def indicators_page() -> str:
    """The text of docs/indicators.md."""
    catalogue, lines = load_catalogue(), policy_lines()
    parts = [
        _HEAD,
        _lines_table("Lines A: hospital output, cost and price", [line for line in lines if line.id[0] == "A"]),
        _lines_table("Lines B: regional capacity (Dehui 2020 to 2025)", [line for line in lines if line.id[0] == "B"]),
        _lines_table("Lines C: other numbers", [line for line in lines if line.id[0] == "C"]),
        _national_table(catalogue),
        _trees_table(),
        _catalogue_table(catalogue),
    ]
    return "\n\n".join(parts) + "\n"


_HEAD = """# Indicators (指标目录)

Written from `drgengine/data/evaluation`; change the data and not this page, then run
`python -c "from drgengine.evaluation.indicators import indicators_page; print(indicators_page(), end='')"`.

An indicator is a formula over named inputs, or an evidence slot (佐证项): a value with source and date. A missing input
or a denominator of 0 gives no value and a reason, never 0.

```python
from drgengine.evaluation.indicators import check_targets, compute_indicators, load_targets

found = compute_indicators(inputs, previous=last_year, evidence=evidence)  # units x inputs
found.values, found.missing  # numbers; why one is lacking
check_targets(found, load_targets("putuo"))
```

Indicators and inputs of your own go into a TOML file of the same form, read by `load_catalogue("own.toml")`; targets
into one for `load_targets("own.toml")`. Formulas: `+ - * / ( )`, numbers, inputs, `growth(x)`, `previous(x)`,
`min(x, y)`, `max(x, y)`. Numbers and directions of the national appraisal follow the manuals of 2025, formulas are the
usual ones: check them against the official text before certifying."""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(title: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(header)
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in (names, ["---"] * len(names), *rows)]
    return f"## {title}\n\n" + "\n".join(lines)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _lines_table(title: str, lines: list[PolicyLine]) -> str:
    rows = [[one.id, f"{one.en} {one.zh}", one.status, _answer(one)] for one in lines]
    return _table(title, ("line", "what it asks", "status", "answered by"), rows)


def _answer(line: PolicyLine) -> str:
    return ". ".join(part for part in (_codes(line.indicators), line.how) if part)


def _national_table(catalogue: Catalogue) -> str:
    rows = [
        [number, one.zh, f"`{one.id}`", "evidence" if one.evidence else "computed", _direction(one)]
        for number in NATIONAL
        for one in catalogue.of_line(number)
    ]
    title = "National appraisal: tertiary (T) and secondary (S) hospitals"
    return _table(title, ("number", "name", "indicator", "status", "direction"), rows)


def _direction(one: Indicator) -> str:
    return {"up": "↑", "down": "↓", "target": "target", "monitor": "monitored"}[one.direction]


def _trees_table() -> str:
    rows = [
        [f"`{tree.id}`", f"{dimension.en} {dimension.zh}", _codes(leaf.indicator for leaf in dimension.leaves)]
        for tree in load_trees().values()
        for dimension in tree.dimensions
    ]
    return _table("Trees of dimensions (评价维度)", ("tree", "dimension", "indicators"), rows)


def _catalogue_table(catalogue: Catalogue) -> str:
    rows = [
        [
            f"`{one.id}`",
            f"{one.en} {one.zh}",
            f"`{one.formula.text}`" if one.formula else "evidence",
            one.unit,
            _direction(one),
            one.cited(),
        ]
        for one in catalogue.indicators.values()
    ]
    return _table("All indicators", ("id", "name", "formula", "unit", "direction", "source"), rows)
