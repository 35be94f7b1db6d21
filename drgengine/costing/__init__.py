"""Hospital cost accounting (医院成本核算): ledger -> allocation -> cost objects -> cases -> weights and margins.

>>> import pandas as pd
>>> from drgengine import costing
>>> costs = pd.DataFrame({"personnel": [100.0, 300.0, 500.0]}, index=["院办", "内科病区", "外科病区"])
>>> staff = pd.DataFrame({"内科病区": [20], "外科病区": [30]}, index=["院办"])
>>> costing.allocate(costs, staff, method="direct").full["personnel"].to_dict()
{'内科病区': 340.0, '外科病区': 560.0}
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Allocation": "allocation.result",
    "CostingResult": "runmodel",
    "allocate": "allocation.allocate",
    "check_model": "intake.check",
    "compare_methods": "allocation.comparemethods",
    "new_model": "intake.template",
    "read_model": "intake.read",
    "relative_weights": "value.weights",
    "run": "runmodel",
}

__all__ = [
    "Allocation",
    "CostingResult",
    "allocate",
    "check_model",
    "compare_methods",
    "new_model",
    "read_model",
    "relative_weights",
    "run",
]

if TYPE_CHECKING:
    from drgengine.costing.allocation.allocate import allocate
    from drgengine.costing.allocation.comparemethods import compare_methods
    from drgengine.costing.allocation.result import Allocation
    from drgengine.costing.intake.check import check_model
    from drgengine.costing.intake.read import read_model
    from drgengine.costing.intake.template import new_model
    from drgengine.costing.runmodel import CostingResult, run
    from drgengine.costing.value.weights import relative_weights


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"drgengine.costing.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
