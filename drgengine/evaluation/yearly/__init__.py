"""The yearly evaluation (年度评价): from a plan to everything the report and the tables show."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.evaluation.yearly.evaluateplan import evaluate as evaluate
    from drgengine.evaluation.yearly.result import Evaluation as Evaluation
    from drgengine.evaluation.yearly.runplan import run as run

_HOME = {"Evaluation": "result", "evaluate": "evaluateplan", "run": "runplan"}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
