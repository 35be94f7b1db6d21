"""Item weights worked out again from quantities and the items table, for another item method than that of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drgengine.costing.charges.chargetables import charge_tables
from drgengine.costing.model import CostModel, ItemMethod
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity


def item_weights(model: CostModel, activity: Activity, method: ItemMethod) -> npt.NDArray[np.float64]:
    """Weight of each row of activity.item, float64, as the charge lines would have been weighted.

    income : yuan charged; workload : quantity; time, tdabc : minutes x quantity; equivalent : equivalents x quantity

    Raises CostingError: an item that was used has no minutes or no equivalent (policy missing_equivalent).
    """
    settings = replace(model.settings, items=replace(model.settings.items, method=method))
    tables, item = charge_tables(replace(model, settings=settings)), activity.item
    strangers = len(activity.item_codes) - len(tables.item_codes)
    factors = np.concatenate([tables.item_factors, np.tile(tables.other_factors, (strangers, 1))])
    lacking = np.concatenate([tables.lacking, np.full(strangers, bool(tables.factor))])[item.item] & (item.qty != 0)
    if lacking.any() and model.settings.policies.missing_equivalent == "refuse":
        codes = sorted({activity.item_codes[n] for n in item.item[lacking]})
        raise CostingError(
            model.settings.tables.get("items", "items"),
            f"{len(codes)} items that were charged have no {tables.factor}: {', '.join(codes[:5])}",
            f'Fill the column {tables.factor}, or set policies.missing_equivalent = "price"',
        )
    return np.asarray(factors[item.item, 0] * item.qty + factors[item.item, 1] * item.amount, np.float64)
