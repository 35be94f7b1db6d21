"""The error of a plan that cannot be used: all of its mistakes together."""

from __future__ import annotations

from collections.abc import Sequence

from drgengine.errors import DrgEngineError, EvaluationError

MOST_SHOWN = 20


class PlanError(EvaluationError):
    """A plan with mistakes; problems : all of them, each with place, problem and remedy."""

    problems: tuple[DrgEngineError, ...] = ()


def plan_error(place: str, problems: Sequence[DrgEngineError]) -> PlanError:
    """One error out of several; its text shows the first 20.

    >>> print(plan_error("plan.toml", [EvaluationError("key 'title'", "it is missing", "Add it")]))
    plan.toml: 1 problem. Mend what `drgengine evaluate check` lists:
      key 'title': it is missing. Add it.
    """
    shown = [f"  {one}" for one in problems[:MOST_SHOWN]]
    if len(problems) > MOST_SHOWN:
        shown.append(f"  and {len(problems) - MOST_SHOWN} more.")
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    error = PlanError(place, count, "\n".join(["Mend what `drgengine evaluate check` lists:", *shown]))
    error.problems = tuple(problems)
    return error
