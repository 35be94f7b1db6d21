"""What a rule can ask of a case: a small tree of AND, OR, NOT over atoms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

NUMBERS = (
    "age_years",
    "age_days",
    "birth_weight_g",
    "admission_weight_g",
    "los_days",
    "icu_hours",
    "ventilator_hours",
    "discharge_disposition",
)
"""Numeric facts of a case that a rule may compare; a comparison with a missing value is false."""

DIAGNOSIS_SCOPES = ("pdx", "sdx", "any_dx")
PROCEDURE_SCOPES = ("first_proc", "other_proc", "any_proc")
COMPARISONS = ("<", "<=", ">", ">=", "==")


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Constant:
    """`always` or `never`."""

    value: bool


@dataclass(frozen=True, slots=True)
class InList:
    """A code in a scope (pdx, sdx, any_dx, first_proc, other_proc, any_proc) stands in a named list."""

    scope: str
    list: str


@dataclass(frozen=True, slots=True)
class InCodes:
    """A code in a scope is one of a few codes written in the rule itself."""

    scope: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StartsWith:
    """A code in a scope starts with one of the texts, whether or not the edition knows the code."""

    scope: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many different codes of a scope stand in a named list, compared with a number."""

    scope: str
    list: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Has:
    """At least one code stands in the scope (sdx, any_proc, other_proc)."""

    scope: str


@dataclass(frozen=True, slots=True)
class Compare:
    """A numeric fact, `sex` or `trauma_sites` compared with a number."""

    name: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Known:
    """A numeric fact is present (age_days: 0 counts; weights: 0 does not)."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """A numeric fact is one of several values."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Department:
    """The department (科室) is the one named."""

    value: str


@dataclass(frozen=True, slots=True)
class Severity:
    """A secondary diagnosis counts as MCC or as CC after exclusions."""

    level: str


Condition = (
    All
    | AnyOf
    | Not
    | Constant
    | InList
    | InCodes
    | StartsWith
    | Count
    | Has
    | Compare
    | Known
    | OneOf
    | Department
    | Severity
)


def atoms(condition: Condition) -> Iterator[Condition]:
    """The leaves of a condition, from left to right."""
    if isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from atoms(part)
    elif isinstance(condition, Not):
        yield from atoms(condition.part)
    else:
        yield condition
