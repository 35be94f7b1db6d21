"""The evaluation plan (评价方案): one file that names the data, the methods and the settings of a yearly evaluation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.evaluation.plan.checkplan import check_plan as check_plan
    from drgengine.evaluation.plan.newplan import new_plan as new_plan
    from drgengine.evaluation.plan.newplan import plan_text as plan_text
    from drgengine.evaluation.plan.planerror import PlanError as PlanError
    from drgengine.evaluation.plan.planfile import load_plan as load_plan
    from drgengine.evaluation.plan.planpage import plan_page as plan_page
    from drgengine.evaluation.plan.settings import Plan as Plan

_HOME = {
    "Plan": "settings",
    "PlanError": "planerror",
    "check_plan": "checkplan",
    "load_plan": "planfile",
    "new_plan": "newplan",
    "plan_page": "planpage",
    "plan_text": "newplan",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
