"""Pools of drugs and separately charged materials (药品、单独收费卫生材料): they follow the patient at cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drgengine.costing.bilingual import phrase, word
from drgengine.costing.cases.pools import Claims, Pools, make_claims
from drgengine.costing.cases.scopecosts import GOODS_LABELS, ScopedCosts
from drgengine.costing.findings import finding
from drgengine.costing.model import CostModel, Finding

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity

TOLERANCE = 0.05
"""Largest departure of ledger cost from claimed purchase cost that is not listed."""


def goods_pools(model: CostModel, activity: Activity, costs: ScopedCosts) -> tuple[Pools, Claims, tuple[Finding, ...]]:
    """Ledger cost of goods, shared by the purchase cost of what each case was given.

    With cases.goods_scope = "hospital" there is one pool per class over all departments; with "department" one per
    class and department, claimed by the ordering department (开单科室). Since drugs and materials are sold without
    mark-up (零加成), ledger cost / purchase cost should be about 1 where all is recorded: a departure beyond 5 % is
    listed.
    """
    goods = activity.goods
    whole = model.settings.cases.goods_scope == "hospital"
    count = 1 if whole else len(costs.departments)
    classes = range(len(GOODS_LABELS))
    by_class = [costs.only(number) for number in classes]
    fen = np.concatenate([table.sum(axis=0, keepdims=True) if whole else table for table in by_class])
    pool = goods.goods_class.astype(np.int64) * count + (0 if whole else goods.order_dept)
    claims, findings = make_claims(pool, goods.object, goods.cost, place=phrase("charges_of_goods"), in_yuan=True)
    codes = ("",) if whole else costs.departments
    groups = _centre_groups(model, costs.departments)
    pools = Pools(
        tuple(f"{label} {code}".strip() for label in GOODS_LABELS for code in codes),
        tuple(label if whole else groups[code] for label in GOODS_LABELS for code in codes),
        tuple(code for _ in GOODS_LABELS for code in codes),
        costs.columns,
        fen,
    )
    claimed = claims.sums(fen.shape[0]).reshape(len(GOODS_LABELS), count).sum(axis=1)
    ledger = fen.sum(axis=1).reshape(len(GOODS_LABELS), count).sum(axis=1) / 100
    return pools, claims, findings + tuple(_factors(ledger.tolist(), claimed.tolist()))


def _centre_groups(model: CostModel, codes: tuple[str, ...]) -> dict[str, str]:
    table = model.tables["departments"].drop_duplicates("dept_code").set_index("dept_code")
    return {code: str(table["centre_group"][code]) for code in codes}


def _factors(ledger: list[float], claimed: list[float]) -> list[Finding]:
    findings = []
    for label, cost, sold in zip(GOODS_LABELS, ledger, claimed, strict=True):
        if sold <= 0:
            continue
        factor = cost / sold
        off = abs(factor - 1) > TOLERANCE
        findings.append(
            finding(
                "warning" if off else "note",
                "goods_factor.off" if off else "goods_factor.near",
                word(label),
                cost - sold,
                cost=cost,
                sold=sold,
                factor=factor,
            )
        )
    return findings
