"""Trees of dimensions (评价维度): tree -> dimension -> weighted indicators, as the documents name the dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.indicators.documents import AGAIN, DATA, check_source, cite
from drgengine.tomltable import Table, read_toml

DEFAULT = "putuo"


@dataclass(frozen=True, slots=True)
class Leaf:
    """An indicator in a dimension. weight : share of the dimension; direction : up or down"""

    indicator: str
    weight: float
    direction: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension (维度). weight : share of the tree, shares sum to 1"""

    id: str
    zh: str
    en: str
    weight: float
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of dimensions (评价体系).

    source : document that names the dimensions   provenance, provenance_zh : where the weights and the choice of
        indicators are from
    """

    id: str
    zh: str
    en: str
    source: tuple[str, ...]
    provenance: str
    dimensions: tuple[Dimension, ...]
    provenance_zh: str = ""

    def cited(self, language: str = "en") -> str:
        """The source in words."""
        return cite(self.source, language)

    def table(self) -> pd.DataFrame:
        """One row per indicator: dimension, weight (share of the whole, summing to 1), direction as +1 or -1.

        >>> load_tree().table()["weight"].sum().round(12)
        np.float64(1.0)
        """
        rows = [
            [leaf.indicator, dimension.id, dimension.weight * leaf.weight, 1 if leaf.direction == "up" else -1]
            for dimension in self.dimensions
            for leaf in dimension.leaves
        ]
        return pd.DataFrame(rows, columns=["indicator", "dimension", "weight", "direction"]).set_index("indicator")


def load_trees(file: str | Path | None = None, catalogue: Catalogue | None = None) -> Mapping[str, Tree]:
    """The shipped trees by id (评价体系), or those of a TOML file of the same form.

    Weights are relative and divided by their sum. Raises EvaluationError with file, key, value and remedy.

    >>> [dimension.zh for dimension in load_trees()["putuo"].dimensions]
    ['服务效率', '工作负荷', '技术水平', '费用控制', '资源配置', '患者结构']
    """
    if file is None and catalogue is None:
        return _shipped()
    path = DATA / "trees.toml" if file is None else Path(file)
    return _read(path, load_catalogue() if catalogue is None else catalogue)


def load_tree(name: str = DEFAULT) -> Tree:
    """A shipped tree, by default the six dimensions of the Putuo document."""
    trees = load_trees()
    if name not in trees:
        raise EvaluationError("tree", f"no tree is called {name!r}", f"Take {', '.join(trees)}")
    return trees[name]


@cache
def _shipped() -> Mapping[str, Tree]:
    return _read(DATA / "trees.toml", load_catalogue())


def _read(path: Path, catalogue: Catalogue) -> Mapping[str, Tree]:
    remedy = AGAIN if path.parent == DATA else "Check the path"
    found = {}
    for name, values in read_toml(path, EvaluationError, remedy).items():
        table = Table(f"{path.name} [{name}]", values, EvaluationError)
        zh, en = table.take("zh", str), table.take("en", str)
        source = check_source(table.take("source", list), table.at("source"))
        provenance = table.take("provenance", str)
        provenance_zh = table.take("provenance_zh", str, provenance)
        entries = table.take("dimension", list)
        table.done()
        dimensions = _dimensions(entries, table, catalogue)
        found[name] = Tree(name, zh, en, source, provenance, dimensions, provenance_zh)
    return found


def _dimensions(entries: list[object], table: Table, catalogue: Catalogue) -> tuple[Dimension, ...]:
    raw: list[Dimension] = []
    seen: dict[str, str] = {}
    for at, values in enumerate(entries, start=1):
        inner = Table(f"{table.place} dimension {at}", values, EvaluationError)
        name, zh, en = (inner.take(key, str) for key in ("id", "zh", "en"))
        weight = _weight(inner.take("weight", float, 1.0), inner.at("weight"))
        listed = inner.take("indicators", list)
        inner.done()
        leaves = [
            _leaf(Table(f"{inner.place} indicator {n}", leaf, EvaluationError), catalogue)
            for n, leaf in enumerate(listed, start=1)
        ]
        for leaf in leaves:
            if leaf.indicator in seen:
                problem = f"indicator {leaf.indicator!r} stands also in {seen[leaf.indicator]!r}"
                raise EvaluationError(inner.place, problem, "An indicator counts once in a tree")
            seen[leaf.indicator] = name
        if not leaves:
            raise EvaluationError(inner.place, f"dimension {name!r} has no indicator", "Give it at least one")
        total = sum(leaf.weight for leaf in leaves)
        scaled = tuple(Leaf(leaf.indicator, leaf.weight / total, leaf.direction) for leaf in leaves)
        raw.append(Dimension(name, zh, en, weight, scaled))
    if not raw or len({one.id for one in raw}) != len(raw):
        raise EvaluationError(table.place, "no dimension, or one id twice", "Give each dimension an id of its own")
    whole = sum(one.weight for one in raw)
    return tuple(Dimension(one.id, one.zh, one.en, one.weight / whole, one.leaves) for one in raw)


def _leaf(table: Table, catalogue: Catalogue) -> Leaf:
    indicator = catalogue[table.take("id", str)]
    weight = _weight(table.take("weight", float, 1.0), table.at("weight"))
    own = indicator.direction if indicator.direction in ("up", "down") else None
    if own is None and "direction" not in table.values:
        problem = f"indicator {indicator.id!r} is {indicator.direction}, which gives no score"
        raise EvaluationError(table.place, problem, 'Say direction = "up" or "down" in this tree')
    direction = table.choice("direction", ("up", "down"), own or "up")
    table.done()
    return Leaf(indicator.id, weight, direction)


def _weight(value: float, place: str) -> float:
    if not 0.0 < value < float("inf"):
        raise EvaluationError(place, f"weight {value!r} is not above 0", "Give a relative weight such as 1 or 2.5")
    return value
