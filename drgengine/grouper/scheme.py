"""A DRG scheme as objects: the MDCs in order, their rules, the groups each rule splits into, and the code lists."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from drgengine.cases.editions import Edition
from drgengine.grouper.codelists import CodeList, ListFamily
from drgengine.grouper.conditions import Condition

KINDS = ("surgical", "non_or_procedure", "medical", "ambiguous", "fallback")
OPERATIONS, NOT_OPERATIONS, NOT_PRINCIPAL = "operations", "not_operations", "not_principal"
NOT_FOR_GROUPING = "not_for_grouping"
SHARED = (OPERATIONS, NOT_OPERATIONS, NOT_PRINCIPAL, NOT_FOR_GROUPING)
"""Lists of the whole scheme with a meaning of their own."""
CHECKS = (
    "sex_invalid",
    "age_missing",
    "age_days_missing",
    "newborn_weight_missing",
    "principal_diagnosis_missing",
)
"""What a record must pass unless the scheme asks for less, in the order in which it is looked at."""
REFUSALS = ("unknown", "not_allowed")
"""Principal diagnoses that a scheme may refuse whatever its rules say."""


@dataclass(frozen=True, slots=True)
class Group:
    """One DRG of a rule (细分组) and the condition that leads to it."""

    drg: str
    name: str
    when: Condition


@dataclass(frozen=True, slots=True)
class Rule:
    """One way into an ADRG (核心疾病诊断相关组).

    id : the ADRG code, or another name where an ADRG has several rules (NA1_1, NA1_2)
    kind : surgical, non_or_procedure, medical, ambiguous, or fallback (兜底组: what ends there is ungroupable)
    otherwise : what happens when no group holds: `next` (the next rule is tried), `ambiguous` (the rule's own
        code is the answer, status ambiguous) or an ADRG code (that code is the answer, status grouped)
    """

    id: str
    adrg: str
    name: str
    kind: str
    when: Condition
    groups: tuple[Group, ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class Mdc:
    """A major diagnostic category (主要诊断大类): its gate and its rules in order."""

    code: str
    name: str
    gate: Condition
    rules: tuple[Rule, ...]
    name_en: str = ""

    def named(self, language: str) -> str:
        """The name in English where asked for and known, else the scheme's own."""
        return self.name_en if language == "en" and self.name_en else self.name


@dataclass(frozen=True, slots=True)
class Identity:
    """What a scheme is and who answers for it."""

    id: str
    title: Mapping[str, str]
    authority: Mapping[str, str]
    version: str
    published: str
    effective_from: datetime.date | None
    effective_to: datetime.date | None
    note: str


@dataclass(frozen=True, slots=True)
class Oddity:
    """A known peculiarity of a published scheme, kept as it is."""

    kind: str
    detail: str


@dataclass(frozen=True, eq=False)
class Scheme:
    """A whole scheme. Lists are named; `lists[name]` answers `code in list` for codes of the scheme's edition.

    checks : the checks that make a record invalid, some of CHECKS in their order
    refused_principals : some of REFUSALS; such a record is ungroupable, whatever the rules say
    day_age_of_infants_only : age_days counts only where age_years is 0 or missing, and days without years are
        the days of an infant
    """

    identity: Identity
    mdcs: tuple[Mdc, ...]
    diagnoses: Edition
    procedures: Edition
    diagnosis_patterns: Mapping[str, tuple[str, ...]]
    procedure_patterns: Mapping[str, tuple[str, ...]]
    retry_each_other_procedure: bool
    ungroupable: str
    oddities: tuple[Oddity, ...]
    digest: str
    source: str = ""
    checks: tuple[str, ...] = CHECKS
    refused_principals: tuple[str, ...] = ()
    day_age_of_infants_only: bool = False
    site_names: Mapping[str, str] = field(default_factory=dict, repr=False)
    code_names: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        return self.identity.id

    @property
    def rules(self) -> Iterator[tuple[Mdc, Rule]]:
        """Every rule with its MDC, in the order in which rules are tried."""
        return ((mdc, rule) for mdc in self.mdcs for rule in mdc.rules)

    @cached_property
    def lists(self) -> dict[str, CodeList]:
        """Name -> list, diagnoses and procedures together (names are unique over both)."""
        made = {n: CodeList(n, p, self.diagnoses.known) for n, p in self.diagnosis_patterns.items()}
        made |= {n: CodeList(n, p, self.procedures.known) for n, p in self.procedure_patterns.items()}
        return made

    def family(self, prefix: str) -> ListFamily:
        """The diagnosis lists whose name starts with `prefix.`, under the rest of their names (sites, exclusions)."""
        cut = len(prefix) + 1
        chosen = {n[cut:]: p for n, p in self.diagnosis_patterns.items() if n.startswith(prefix + ".")}
        return ListFamily(chosen, self.diagnoses.known)

    @cached_property
    def mcc(self) -> ListFamily:
        """Exclusion list number -> diagnoses that count as MCC (严重并发症或合并症)."""
        return self.family("mcc")

    @cached_property
    def cc(self) -> ListFamily:
        """Exclusion list number -> diagnoses that count as CC (一般并发症或合并症)."""
        return self.family("cc")

    @cached_property
    def excluded(self) -> ListFamily:
        """Exclusion list number -> principal diagnoses that cancel the MCC and CC of the same number (排除表)."""
        return self.family("excluded")

    @cached_property
    def sites(self) -> ListFamily:
        """Body region -> injuries of that region (multiple trauma)."""
        return self.family("site")
