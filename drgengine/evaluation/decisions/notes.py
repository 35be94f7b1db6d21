"""What is said beside the numbers of a decision (说明): missing quantities, rules applied, caps, pooling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from drgengine.evaluation.decisions.quantities import OWN
from drgengine.evaluation.indicators.formula import Bools, Failure, Floats

_SAID = {
    "excluded_neutral": ("未纳入排名，取中性值", "excluded from ranking: neutral value"),
    "excluded_none": ("未纳入排名，不给数值", "excluded from ranking: no number"),
    "not_separable_neutral": ("等级不可区分，取中性值", "class not separable: neutral value"),
    "not_separable_none": ("等级不可区分，不给数值", "class not separable: no number"),
    "not_separable_scored": ("等级不可区分，得分照用", "class not separable: the score stands"),
    "excluded_scored": ("未纳入排名，不给数值", "excluded from ranking: no number"),
    "capped": ("已按上下限截断", "cut to the cap"),
    "veto": ("一票否决，上限降低", "veto: lower cap"),
    "no_base": ("未指定基数，在[decisions.{kind}]中给出base", "no base is named: give base in [decisions.{kind}]"),
    "pooled": ("按总额控制乘以{scale}", "pooled under the total, times {scale}"),
    "pool_capped": ("上下限使总额无法完全平衡", "the caps leave the total unbalanced"),
    "scaled_to_total": ("金额按总额乘以{scale}", "amounts scaled to the total, times {scale}"),
    "missing": ("缺少{name}", "{name} is missing"),
}


class Notes:
    """Sentences per hospital, each once, in the order in which they were added."""

    def __init__(self, units: int) -> None:
        self._said: list[dict[str, str]] = [{} for _ in range(units)]

    def where(self, name: str, units: Bools, **values: object) -> None:
        """A sentence for the hospitals marked."""
        zh, en = (text.format(**values) for text in _SAID[name])
        self._add(zh, en, units)

    def failures(self, failures: Iterable[Failure]) -> None:
        """Why a formula has no value; that of `factor` and `base` was told when they were made."""
        for one in failures:
            if one.name in OWN:
                continue
            if one.name:
                zh = _SAID["missing"][0].format(name=one.name)
                self._add(zh, one.what, one.units)
            else:
                self._add(one.what, one.what, one.units)

    def pooling(self, scale: float, units: Bools) -> None:
        """The scale of the factors, or that the caps did not allow one."""
        if np.isnan(scale):
            self.where("pool_capped", units)
        else:
            self.where("pooled", units, scale=f"{scale:.6f}")

    def text(self, language: str) -> list[str]:
        """One text per hospital."""
        if language == "zh":
            return ["；".join(said.values()) for said in self._said]
        return ["; ".join(said) for said in self._said]

    def _add(self, zh: str, en: str, units: Bools) -> None:
        for at in np.flatnonzero(units).tolist():
            self._said[at].setdefault(en, zh)


def inputs_text(names: Sequence[str], values: Mapping[str, Floats], units: int) -> list[str]:
    """NAME=VALUE of every quantity, per hospital; a missing one as NAME=?."""
    nothing = np.full(units, np.nan)
    columns: list[Any] = [values.get(name, nothing) for name in names]
    return ["; ".join(f"{n}={number(c[at])}" for n, c in zip(names, columns, strict=True)) for at in range(units)]


def number(value: float) -> str:
    """A number for reading, without power of ten.

    >>> number(1234567.5), number(0.05), number(float("nan"))
    ('1234567.5', '0.05', '?')
    """
    if not np.isfinite(value):
        return "?"
    text = f"{value:.2f}" if abs(value) >= 1000 else f"{value:.6f}"
    return text.rstrip("0").rstrip(".")


def cap_text(low: Floats, high: Floats, pool: bool) -> list[str]:
    """The cap per hospital, 0.95..1.05; "" where there is none; and whether factors are pooled."""
    texts = []
    for least, most in zip(low, high, strict=True):
        ends = "" if np.isneginf(least) and np.isposinf(most) else f"{_end(least)}..{_end(most)}"
        texts.append("; ".join(part for part in (ends, "pooled" if pool else "") if part))
    return texts


def _end(value: float) -> str:
    return "" if np.isinf(value) else number(value)
