"""What the charge lines say against the other tables: total charges of the cases, prices of the items, clinics."""

from __future__ import annotations

import numpy as np

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.charges.activity import Activity, PatientKind
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.model import CostModel, Finding

_SHOWN = 5
_SAME = 0.5
"""Yuan by which lines and total of a case may differ."""
_FAR = 100.0
"""Times by which amounts may differ before their unit is asked for."""
_TEN_THOUSAND = (2_000.0, 50_000.0)


def charges_against_tables(activity: Activity, model: CostModel, place: str) -> list[Finding]:
    """Findings where the sums of the charge lines do not fit the discharges, the items and the departments."""
    if not activity.lines:
        return []
    return [*_totals(activity, model), *_prices(activity, model, place), *_clinics(activity, model, place)]


def _totals(activity: Activity, model: CostModel) -> list[Finding]:
    """Charge lines of each case against its total charge (总费用)."""
    cases = model.tables.get("discharges")
    if cases is None or "total_charge" not in cases.columns:
        return []
    size, service, goods = activity.n_objects, activity.service, activity.goods
    charged = np.bincount(service.object, service.amount, size) + np.bincount(goods.object, goods.amount, size)
    lines = np.bincount(service.object, service.lines, size) + np.bincount(goods.object, goods.lines, size)
    charged, lines = charged[: activity.n_cases], lines[: activity.n_cases]
    stated = cases["total_charge"].to_numpy(dtype=np.float64, na_value=np.nan)
    place = model.settings.tables.get("discharges", table_word("discharges"))
    found = []
    both = (lines > 0) & ~np.isnan(stated)
    off = np.flatnonzero(both & (np.abs(charged - np.nan_to_num(stated)) > _SAME))
    if off.size:
        sums = float(charged[both].sum()), float(stated[both].sum())
        gap = float(np.abs(charged[off] - stated[off]).sum())
        found.append(
            finding(
                "warning",
                "charge_total.unit" if _far(*sums) else "charge_total.differs",
                place,
                gap,
                n=off.size,
                count=int(both.sum()),
                amount=gap,
                lines=sums[0],
                stated=sums[1],
                cases=listed(map(str, cases["case_id"].iloc[off[:_SHOWN]]), _SHOWN, off.size),
            )
        )
    bare = np.flatnonzero((lines == 0) & (np.nan_to_num(stated) != 0))
    if bare.size:
        total, named = float(stated[bare].sum()), map(str, cases["case_id"].iloc[bare[:_SHOWN]])
        values = {"n": bare.size, "amount": total, "cases": listed(named, _SHOWN, bare.size)}
        found.append(finding("warning", "charge_total.no_lines", place, total, **values))
    return found


def _prices(activity: Activity, model: CostModel, place: str) -> list[Finding]:
    """Mean charge of each item against its price (单价) in the table of items."""
    items = model.tables.get("items")
    if items is None or "price" not in items.columns:
        return []
    first = items[items["item_code"].notna()].drop_duplicates("item_code").set_index("item_code")["price"]
    price = first.reindex(activity.item_codes).to_numpy(dtype=np.float64, na_value=np.nan)
    size = len(activity.item_codes)
    parts = (activity.item, activity.goods_item)
    quantity = np.sum([np.bincount(part.item, part.qty, size) for part in parts], axis=0)
    amount = np.sum([np.bincount(part.item, part.amount, size) for part in parts], axis=0)
    usable = (quantity > 0) & (amount > 0) & (price > 0)
    mean = np.divide(amount, quantity, out=np.full(size, np.nan), where=usable)
    ratio = np.divide(mean, price, out=np.ones(size), where=usable)
    off = np.flatnonzero((ratio > _FAR) | (ratio < 1 / _FAR))
    if not off.size:
        return []
    off = off[np.argsort(-amount[off], kind="stable")]
    charged, priced = float(amount[off].sum()), float((quantity[off] * price[off]).sum())
    low, high = _TEN_THOUSAND
    shown = [
        phrase("item_prices", item=activity.item_codes[k], charged=float(mean[k]), price=float(price[k]))
        for k in off[:_SHOWN]
    ]
    return [
        finding(
            "warning",
            "price_times_quantity.unit"
            if low < max(charged / priced, priced / charged) < high
            else "price_times_quantity.differs",
            place,
            charged - priced,
            n=off.size,
            far=_FAR,
            items=listed(shown, _SHOWN, off.size),
            amount=charged,
            priced=priced,
        )
    ]


def _clinics(activity: Activity, model: CostModel, place: str) -> list[Finding]:
    """Outpatient departments with cost of which only inpatient lines were exported, or none."""
    departments, ledger = model.tables["departments"], model.tables.get("ledger")
    if ledger is None or "setting" not in departments.columns:
        return []
    chosen = departments["category"].eq("clinical") & departments["setting"].eq("outpatient")
    cost = ledger.groupby("dept_code")["amount"].sum()
    order = activity.order
    kind = order.patient_kind != int(PatientKind.INPATIENT)
    busy = {activity.departments[n] for n in np.union1d(order.order_dept[kind], order.exec_dept[kind])}
    idle = [code for code in departments["dept_code"][chosen] if cost.get(code, 0.0) > 0 and code not in busy]
    if not idle:
        return []
    total = float(cost[idle].sum())
    return [finding("warning", "no_volume.charges", place, total, n=len(idle), amount=total, departments=listed(idle))]


def _far(first: float, second: float) -> bool:
    """True where one is beyond all measure larger than the other."""
    low, high = sorted((abs(first), abs(second)))
    return low > 0 and high / low > _FAR
