"""What cases are worth: relative weights, payment, profit and loss (权重、支付、盈亏)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.cases.casecosts import CaseCosts
from drgengine.costing.cases.caserows import grouped_cases
from drgengine.costing.findings import finding
from drgengine.costing.model import CostModel, Finding
from drgengine.costing.value.margins import Margins, margins
from drgengine.costing.value.payment import RatePayment, rate_payment, weight_table
from drgengine.costing.value.weights import WeightComparison, compare_weights


@dataclass(frozen=True, slots=True, eq=False)
class CaseValue:
    """Weights, payment and margins of the discharged cases of a run.

    cases : pandas DataFrame of discharged cases, as in CaseCosts.totals
    weights : from cost and from charges side by side; None without a case that is grouped and charged
    payment : None where the model computes none; settled : cases whose payment was given by the table of discharges
    paid : float64 per case, the payment used in yuan, NaN where there is none
    weights_from : "model", the file of the weight table, or "" without weights of a payment
    """

    cases: Any
    weights: WeightComparison | None
    payment: RatePayment | None
    settled: int
    margins: Margins | None
    findings: tuple[Finding, ...]
    paid: npt.NDArray[np.float64]
    weights_from: str = ""

    @property
    def unpaid(self) -> int:
        """Discharged cases without payment."""
        return int(np.isnan(self.paid).sum())

    @property
    def payment_used(self) -> dict[str, Any] | None:
        """Where payments come from and how many cases each has, as plain values; None without any payment.

        weights_from, rate (yuan per weight), given (cases paid as the discharges state), computed, unpaid (cases).
        """
        if not np.isfinite(self.paid).any():
            return None
        computed = int(np.isfinite(self.paid).sum()) - self.settled
        rate = None if self.payment is None else float(self.payment.rate)
        counts = {"given": self.settled, "computed": computed, "unpaid": self.unpaid}
        return {"weights_from": self.weights_from, "rate": rate, **counts}

    @property
    def payment_weights(self) -> dict[str, float]:
        """Weight per DRG of the payment; empty without payment."""
        if self.payment is None:
            return {}
        known = np.isfinite(self.payment.weight)
        return dict(zip(self.cases["drg"][known], self.payment.weight[known].tolist(), strict=True))


def case_value(model: CostModel, costs: CaseCosts) -> CaseValue:
    """Weights, payment and margins of discharged cases; ambiguous and ungroupable ones have no weight of their own.

    A payment stated in the table of discharges (医保结算) is taken before weight x rate.
    """
    cases = costs.totals[costs.objects["kind"] == "discharged"].reset_index(drop=True)
    grouped = grouped_cases(cases)
    findings: list[Finding] = []
    weights = None
    charge = cases["total_charge"].to_numpy(float)
    usable = (charge > 0) & (cases["cost"].to_numpy(float) > 0) & np.array([drg is not None for drg in grouped], bool)
    if usable.any():
        weights = compare_weights(
            cases["cost"],
            charge,
            grouped,
            np.array(cases["adrg"], object),
            settings=model.settings.weights,
        )
    payment = _payment(model, grouped, charge, weights, findings)
    given = cases["payment"].to_numpy(float, na_value=np.nan)
    paid = np.where(np.isnan(given), np.nan if payment is None else payment.payment, given)
    computed = int(np.isfinite(paid).sum()) - int(np.isfinite(given).sum())
    if computed and np.isfinite(given).any():
        counts = {"given": int(np.isfinite(given).sum()), "computed": computed}
        findings.append(finding("note", "mixed_payment", phrase("payment"), **counts))
    made = None
    if np.isfinite(paid).any():
        made = margins(
            paid,
            cases["cost"],
            cases["variable_cost"],
            charge,
            drg=grouped,
            department=cases["department_id"],
            physician=cases["physician_id"],
            case_id=cases["case_id"],
            confidence=model.settings.weights.confidence,
        )
    settled, source = int(np.isfinite(given).sum()), "" if payment is None else _source(model)
    return CaseValue(cases, weights, payment, settled, made, tuple(findings), paid, source)


def _source(model: CostModel) -> str:
    """Where the weights of the payment come from."""
    return "model" if model.settings.payment.weights == "model" else str(model.settings.tables["weights"])


def _payment(
    model: CostModel,
    grouped: npt.NDArray[np.object_],
    charge: Any,
    weights: WeightComparison | None,
    findings: list[Finding],
) -> RatePayment | None:
    settings = model.settings.payment
    if settings.weights == "none" or (settings.weights == "model" and weights is None):
        return None
    if weights is not None and settings.weights == "model":
        told = finding("note", "model_weights", phrase("payment"))
        by_group, source = weights.charges.by_group, told.problem
        findings.append(told)
    else:
        source = model.settings.tables["weights"]
        by_group = weight_table(model.tables["weights"].to_dict("records"), source).weights
    payable = np.array([drg in by_group for drg in grouped], bool) & np.isfinite(charge)
    total = float(np.round(charge[payable].sum(), 2)) if settings.rate is None else None
    found = rate_payment(by_group, grouped, settings.rate, settings.coefficient, total=total, weights_from=source)
    if found.missing:
        groups_missing = listed((f"{drg} ({cases})" for drg, cases in found.missing), 20)
        findings.append(finding("warning", "no_weight", source, groups=groups_missing))
    return found
