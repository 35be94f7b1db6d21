"""A cost model (成本核算模型): period, tables, methods and policies, as read and checked."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from drgengine.costing.bilingual import in_language

Category = Literal["administration", "auxiliary", "technology", "clinical"]
CATEGORIES: tuple[Category, ...] = ("administration", "auxiliary", "technology", "clinical")
"""行政后勤, 医疗辅助, 医疗技术, 临床服务: in the order in which the three-level allocation closes them."""

Scope = Literal["medical_business", "medical", "medical_full", "hospital_full"]
SCOPES: tuple[Scope, ...] = ("medical_business", "medical", "medical_full", "hospital_full")
"""医疗业务成本, 医疗成本, 医疗全成本, 医院全成本: four nested totals."""

AllocationMethod = Literal["direct", "step-down", "three-level", "reciprocal", "double"]
CaseMethod = Literal["bottom-up", "top-down", "cost-to-revenue"]
ItemMethod = Literal["income", "workload", "time", "equivalent", "tdabc"]
Severity = Literal["error", "warning", "note"]


class FindingText(NamedTuple):
    """The texts of a finding in one language."""

    place: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed in a model or during a run (例外事项); `costing.findings.finding` makes it from its facts.

    severity : "error" stops the run, "warning" needs a decision of the accountant, "note" is for the record
    rule : short name of the check or of the policy that was used, e.g. "zero_driver"
    place : file and row, key or department
    problem, remedy : with the value; what to do
    amount : yuan concerned, None where no amount is
    place, problem and remedy are English and know their Chinese (costing.bilingual); `text` gives either.
    """

    severity: Severity
    rule: str
    place: str
    problem: str
    remedy: str
    amount: float | None = None

    def text(self, language: str) -> FindingText:
        """Place, problem and remedy in "zh" or "en"; a text made in one language only is the same in both."""
        return FindingText(*(in_language(text, language) for text in (self.place, self.problem, self.remedy)))


@dataclass(frozen=True, slots=True)
class AllocationSettings:
    """`[allocation]`: how costs of service departments reach the final ones (分摊方法).

    order : department codes, the first to be closed first; empty: the order of the department table by category
    basis : driver per category of the giving department; the column `basis` of the department table comes first
    """

    method: AllocationMethod = "three-level"
    order: tuple[str, ...] = ()
    basis: dict[str, str] = field(
        default_factory=lambda: {"administration": "staff", "auxiliary": "income", "technology": "orders"}
    )


@dataclass(frozen=True, slots=True)
class ItemSettings:
    """`[items]`: service item cost (医疗服务项目成本).

    effective_minutes : practical capacity of one full-time person in the period, for "tdabc" (有效劳动时间)
    """

    method: ItemMethod = "income"
    effective_minutes: float = 99_600.0


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """`[cases]`: case, disease and DRG cost (病例、病种、DRG 成本)."""

    methods: tuple[CaseMethod, ...] = ("bottom-up", "top-down", "cost-to-revenue")
    main: CaseMethod = "bottom-up"
    scope: Scope = "medical_full"
    top_down_key: Literal["bed_days", "hours"] = "bed_days"
    goods_scope: Literal["hospital", "department"] = "hospital"
    disease_characters: int = 3
    mixed_variable_share: float = 0.5


@dataclass(frozen=True, slots=True)
class WeightSettings:
    """`[weights]`: relative weights (权重) from cost and from charges.

    trim : outlier rule (裁剪); multiplier: of the interquartile range, or of the group mean; percentiles: kept range
    shrink_cases : k of (n m + k m0) / (n + k), the weight of the ADRG in a group of n cases; 0 = no shrinking
    """

    trim: Literal["none", "iqr", "iqr-log", "multiple", "percentile"] = "iqr-log"
    multiplier: float = 1.5
    low_multiple: float = 0.3
    high_multiple: float = 3.0
    low_percentile: float = 1.0
    high_percentile: float = 99.0
    iterate: bool = False
    quantile: str = "linear"
    shrink_cases: float = 0.0
    enforce_severity: bool = False
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """`[payment]`: payment = weight x rate x coefficient (费率法).

    weights : "table" takes the table `weights` of the model; "model" takes the weights this run computes from charges
    (labelled so in every output); "none" computes no payment
    rate : yuan per weight; None with weights = "model": the rate at which payments add up to the charges
    """

    weights: Literal["none", "table", "model"] = "none"
    rate: float | None = None
    coefficient: float = 1.0


@dataclass(frozen=True, slots=True)
class Policies:
    """`[policies]`: what to do where the data leave a choice. Everything is refused unless stated otherwise.

    Every use of a policy is listed among the exceptions.
    """

    negative_cost: Literal["refuse", "allocate", "carry", "parent"] = "refuse"
    zero_driver: Literal["refuse", "fallback"] = "refuse"
    fallback: tuple[str, ...] = ("income", "staff")
    missing_driver: Literal["refuse", "zero"] = "refuse"
    negative_driver: Literal["refuse"] = "refuse"
    share_sum: Literal["refuse", "normalise"] = "refuse"
    self_use: Literal["drop", "keep"] = "drop"
    unknown_department: Literal["refuse", "suspense"] = "refuse"
    suspense_department: str = ""
    setting_split: Literal["refuse", "income"] = "refuse"
    idle_pool: Literal["refuse", "unassigned"] = "refuse"
    unknown_item: Literal["refuse", "service"] = "refuse"
    unmatched_case: Literal["refuse", "list"] = "refuse"
    missing_equivalent: Literal["refuse", "price"] = "refuse"
    duplicate_case: Literal["refuse", "first"] = "refuse"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `model.toml` says."""

    name: str
    hospital: str
    start: datetime.date
    end: datetime.date
    tables: dict[str, str]
    amount_unit: Literal["yuan", "ten_thousand_yuan"] = "yuan"
    ledger_total: float | None = None
    allocation: AllocationSettings = AllocationSettings()
    items: ItemSettings = ItemSettings()
    cases: CaseSettings = CaseSettings()
    weights: WeightSettings = WeightSettings()
    payment: PaymentSettings = PaymentSettings()
    policies: Policies = Policies()


@dataclass(frozen=True, slots=True)
class CostModel:
    """A model folder as read: settings and its small tables; charge lines stay in their file and are streamed.

    tables : canonical table name -> pandas DataFrame with canonical columns (see data/costing_tables.toml); every
        column the vocabulary knows is present, filled with its default or null; a table not named is absent
    charges : path of the charge lines (收费明细), None without
    findings : what was mended or noticed while reading
    """

    folder: Path
    settings: Settings
    tables: dict[str, Any]
    charges: Path | None
    findings: tuple[Finding, ...] = ()


def with_method(model: CostModel, method: AllocationMethod) -> CostModel:
    """The same model with another allocation method."""
    allocation = replace(model.settings.allocation, method=method)
    return replace(model, settings=replace(model.settings, allocation=allocation))
