"""What planting dirt needs: choosing, writing a dirty cell, keeping what was planted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from drgengine.cases.editions import load_edition
from drgengine.synth.exportlayout import Layout
from drgengine.synth.exportstay import Stay

Item = TypeVar("Item")


@dataclass
class Soil:
    """The layout dirt is planted for, and the draws."""

    layout: Layout
    rng: np.random.Generator

    def has(self, *keys: str) -> bool:
        """Whether the dialect has columns for all of the keys."""
        return self.layout.keys.issuperset(keys)

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[int(self.rng.integers(len(items)))]

    def put(self, stay: Stay, key: str, raw: str, rule: str, cleaned: object = None) -> bool:
        """Write a dirty cell and keep the rule it must provoke; cleaned: None where the value is lost or kept."""
        stay.cells[key] = raw
        stay.planted.append((key, rule, raw, None if cleaned is None else str(cleaned)))
        return True

    def fill(self, stay: Stay, key: str, raw: str) -> bool:
        """Write a filler into a cell."""
        stay.cells[key] = raw
        stay.fillers.append(key)
        return True

    @cached_property
    def codes(self) -> dict[str, frozenset[str]]:
        """The codes of the insurance edition, by kind of list."""
        return {"dx": load_edition("icd10-yb-2.0").known, "proc": load_edition("icd9cm3-yb-2.0").known}

    @cached_property
    def without_dot(self) -> dict[str, Counter[str]]:
        """How many codes read the same without their dots, by kind of list."""
        return {kind: Counter(code.replace(".", "") for code in known) for kind, known in self.codes.items()}

    @cached_property
    def beginnings(self) -> dict[str, frozenset[str]]:
        """Proper beginnings of codes that are no codes themselves, by kind of list."""
        return {
            kind: frozenset(code[:size] for code in known for size in range(3, len(code))) - known
            for kind, known in self.codes.items()
        }

    @cached_property
    def pairs(self) -> list[str]:
        """Dagger and asterisk in one code."""
        return sorted(code for code in self.codes["dx"] if "+" in code)


Planter = Callable[[Soil, Stay], bool]
"""Soils one stay, if it can befall it at all."""
