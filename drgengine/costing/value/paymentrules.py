"""Rules of payment as data: outlier bands, incomplete stays, their formulas (支付规则).

No threshold and no formula stands in the code; the packaged rows name their source, a city's own file replaces them.
"""

from __future__ import annotations

import ast
import functools
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.value.groupstats import Floats
from drgengine.errors import CostingError
from drgengine.tomltable import read_toml

VARIABLES = ("benchmark", "coefficient", "ratio", "low", "high", "cost")
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_CALLS: dict[str, Callable[[Any, Any], Any]] = {"min": np.minimum, "max": np.maximum}
_PACKAGED = Path(__file__).parents[2] / "data" / "payment_rules.toml"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula over arrays: numbers, + - *, min(a, b), max(a, b) and the names in VARIABLES.

    >>> Formula("min(benchmark * ratio, benchmark)").value({"benchmark": np.array([80.0]), "ratio": np.array([1.5])})
    array([80.])
    """

    text: str
    place: str = "formula"

    def __post_init__(self) -> None:
        for name in _names(self._tree(), self):
            if name not in VARIABLES:
                self._refuse(f"{name!r} is not known", f"Known are {', '.join(VARIABLES)}")

    def value(self, variables: Mapping[str, Floats]) -> Floats:
        """The formula's value, elementwise; raises CostingError for a variable that is not given."""
        return np.asarray(self._evaluate(self._tree(), variables), np.float64)

    def needs(self, name: str) -> bool:
        """True when the formula reads this variable."""
        return name in set(_names(self._tree(), self))

    def _tree(self) -> ast.expr:
        try:
            return ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError):
            self._refuse("it cannot be read", 'Write it like "benchmark * (ratio - high + 1)"')
            raise AssertionError from None

    def _evaluate(self, node: ast.expr, variables: Mapping[str, Floats]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name not in variables:
                    self._refuse(f"{name!r} is needed and not given", f"Give {name}")
                return variables[name]
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self._evaluate(left, variables), self._evaluate(right, variables))
            case ast.Call(func=ast.Name(id=name), args=[one, other]):
                return _CALLS[name](self._evaluate(one, variables), self._evaluate(other, variables))
        raise AssertionError(ast.dump(node))

    def _refuse(self, problem: str, remedy: str) -> None:
        raise CostingError(self.place, f"formula {self.text!r}: {problem}", remedy)


def _names(node: ast.expr, formula: Formula) -> Iterable[str]:
    """Names a formula reads; CostingError for anything but the small language of Formula."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return
        case ast.Name(id=name):
            yield name
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            yield from _names(left, formula)
            yield from _names(right, formula)
        case ast.Call(func=ast.Name(id=name), args=[one, other], keywords=[]) if name in _CALLS:
            yield from _names(one, formula)
            yield from _names(other, formula)
        case _:
            formula._refuse(
                f"{ast.unparse(node)!r} is not allowed", "Use numbers, + - *, min(a, b), max(a, b) and names"
            )


@dataclass(frozen=True, slots=True)
class OutlierBand:
    """One row of a table of outlier bands (高低倍率规则).

    low, high : a case is low when its ratio < low and high when its ratio > high
    low_formula, high_formula : points (or yuan) of such a case; any other gets benchmark x coefficient
    min_points, max_points : the row holds for min_points < benchmark <= max_points
    hospital_level : "" for every level
    cap_share : greatest share of a hospital's cases that counts as high, None without limit
    recalled : True when the row was written from memory of its source
    """

    low: float
    high: float
    low_formula: str
    high_formula: str
    min_points: float = 0.0
    max_points: float = float("inf")
    hospital_level: str = ""
    cap_share: float | None = None
    recalled: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.low < self.high):
            raise CostingError(
                "outlier band", f"low {self.low} and high {self.high} are no range", "Give 0 <= low < high"
            )
        if not (0 <= self.min_points < self.max_points):
            shown = f"min_points {self.min_points} and max_points {self.max_points}"
            raise CostingError("outlier band", f"{shown} are no range", "Give 0 <= min_points < max_points")
        if self.cap_share is not None and not (0 <= self.cap_share <= 1):
            raise CostingError("outlier band", f"cap_share {self.cap_share} is no share", "Give 0 .. 1")
        Formula(self.low_formula, "outlier band")
        Formula(self.high_formula, "outlier band")


@dataclass(frozen=True, slots=True)
class IncompleteStay:
    """Points of a stay that was not complete (不完整住院): a formula with its source."""

    name: str
    points: str
    recalled: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        Formula(self.points, f"incomplete_stay {self.name}")


@dataclass(frozen=True, slots=True)
class PaymentRules:
    """A file of rules: outlier bands by the name of their set, incomplete stays by name, what orders
    severity (last character of a group code -> rank, 0 the most severe)."""

    path: str
    outlier_bands: dict[str, tuple[OutlierBand, ...]]
    incomplete_stays: dict[str, IncompleteStay]
    severity: dict[str, int] = field(default_factory=dict)


def read_payment_rules(path: str | os.PathLike[str] | None = None) -> PaymentRules:
    """Rules of a TOML file (支付规则表); None reads the packaged rows. Raises CostingError: file, table and value.

    >>> rules = read_payment_rules()
    >>> rules.outlier_bands["dip"][0].high, rules.incomplete_stays["jinhua-2017"].points
    (2.0, 'min(benchmark * ratio, benchmark)')
    """
    return _packaged() if path is None else _parse(Path(path), str(path))


@functools.cache
def _packaged() -> PaymentRules:
    return _parse(_PACKAGED, _PACKAGED.name)


def _parse(file: Path, path: str) -> PaymentRules:
    data = read_toml(file, CostingError, "Name a TOML file with payment rules")
    bands: dict[str, tuple[OutlierBand, ...]] = {}
    for position, row in enumerate(data.get("outlier_band", [])):
        entries = dict(row)
        name = str(entries.pop("set", ""))
        bands[name] = (*bands.get(name, ()), _row(OutlierBand, entries, f"{path}: outlier_band[{position}]"))
    for name, rows in bands.items():
        refuse_overlap(rows, f"{path}: outlier_band set {name!r}")
    stays = [
        _row(IncompleteStay, row, f"{path}: incomplete_stay[{i}]")
        for i, row in enumerate(data.get("incomplete_stay", []))
    ]
    return PaymentRules(
        path=path,
        outlier_bands=bands,
        incomplete_stays={stay.name: stay for stay in stays},
        severity=dict(data.get("severity", {}).get("last_character", {})),
    )


def _row(kind: Any, row: Mapping[str, Any], place: str) -> Any:
    known = {entry.name for entry in fields(kind)}
    unknown = sorted(set(row) - known)
    if unknown:
        raise CostingError(place, f"{unknown[0]!r} is not known", f"Known are {', '.join(sorted(known))}")
    try:
        return kind(**row)
    except TypeError as error:
        raise CostingError(
            place, f"the row is not complete or a value has the wrong type ({error})", "Complete it"
        ) from None
    except CostingError as error:
        raise CostingError(place, error.problem, error.remedy) from None


def refuse_overlap(bands: tuple[OutlierBand, ...], place: str) -> None:
    """CostingError when two rows could hold for one case."""
    for position, one in enumerate(bands):
        for other in bands[position + 1 :]:
            same_level = (
                not one.hospital_level or not other.hospital_level or one.hospital_level == other.hospital_level
            )
            if same_level and max(one.min_points, other.min_points) < min(one.max_points, other.max_points):
                shown = f"{one.min_points} .. {one.max_points} and {other.min_points} .. {other.max_points}"
                raise CostingError(place, f"the rows for points {shown} overlap", "Let one end where the other begins")


def severity_ranks(groups: Iterable[str], rules: PaymentRules | None = None) -> dict[str, int]:
    """Rank of every group whose code says its severity, 0 the most severe; others are left out.

    >>> severity_ranks(["FR21", "FR23", "FR25", "GB29"])
    {'FR21': 0, 'FR23': 1, 'FR25': 2}
    """
    ranks = (rules or _packaged()).severity
    return {drg: ranks[drg[-1]] for drg in groups if drg and drg[-1] in ranks}


def as_cases(values: Any, n: int, name: str) -> npt.NDArray[Any]:
    """One value per case out of one value for all or n values; CostingError for another length."""
    found = np.asarray(values)
    if found.ndim == 0:
        return np.broadcast_to(found, n)
    if found.shape != (n,):
        raise CostingError(name, f"{found.size} values for {n} cases", "Give one for all or one per case")
    return found
