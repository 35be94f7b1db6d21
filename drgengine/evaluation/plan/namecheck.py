"""Names in a plan against what is shipped and the user's own files: tree, indicators, inputs, targets, methods."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from drgengine.errors import DrgEngineError
from drgengine.evaluation.indicators import (
    Catalogue,
    Target,
    TargetSet,
    Tree,
    load_catalogue,
    load_targets,
    load_trees,
    target_names,
)
from drgengine.evaluation.plan.settings import Plan
from drgengine.tomltable import Table

CROSS_CHECKS = ("topsis", "vikor", "rsr", "geometric", "pca")
FUNNEL_LIMITS = ("low_95", "high_95", "low_998", "high_998")
FUNNELS = ("smr", "low_risk_mortality", "readmission_unplanned_31", "charge_index", "time_index")
"""Indicators that get a funnel; a veto may name their limits, e.g. low_risk_mortality_high_998."""


def plan_catalogue(plan: Plan) -> Catalogue:
    """The shipped catalogue and the user's own files."""
    return load_catalogue(*plan.catalogue)


def plan_tree(plan: Plan, catalogue: Catalogue | None = None) -> Tree:
    """The tree of a plan; one of tree_file goes before a shipped one of the same name."""
    trees = dict(load_trees())
    if plan.scores.tree_file is not None:
        trees |= load_trees(plan.scores.tree_file, plan_catalogue(plan) if catalogue is None else catalogue)
    return trees[plan.scores.tree]


def plan_targets(plan: Plan, catalogue: Catalogue | None = None) -> tuple[TargetSet, ...]:
    """All target sets that values are checked against: sets, then files."""
    catalogue = plan_catalogue(plan) if catalogue is None else catalogue
    return tuple(load_targets(name, catalogue) for name in [*plan.targets.sets, *map(str, plan.targets.files)])


def regional_plan(plan: Plan, catalogue: Catalogue | None = None) -> TargetSet | None:
    """The regional plan with base and target years, if the plan names one."""
    if plan.targets.plan is None:
        return None
    return load_targets(plan.targets.plan, plan_catalogue(plan) if catalogue is None else catalogue)


def target_list(sets: Iterable[TargetSet]) -> tuple[Target, ...]:
    """The targets of several sets."""
    return tuple(target for one in sets for target in one)


def check_names(plan: Plan, head: Table) -> None:
    """Report every name of the plan that means nothing."""
    catalogue = _tried(head, "catalogue", lambda: plan_catalogue(plan))
    if catalogue is None:
        return
    _tree(plan, head, catalogue)
    _frontier(plan, head, catalogue)
    _targets(plan, head, catalogue)
    _decisions(plan, head)
    _known(head, "scores", "cross_checks", plan.scores.cross_checks, CROSS_CHECKS, "method")
    _scheme(plan, head)
    for at, rule in enumerate(plan.scores.vetoes, start=1):
        place = f"{head.place} [scores] veto {at}"
        _one(head, place, str(rule.indicator), catalogue.indicators, "indicator")
        if isinstance(rule.limit, str):
            _one(head, place, rule.limit, limit_names(catalogue), "limit")
        _one(head, place, rule.cap, plan.classes.names, "class")


def limit_names(catalogue: Catalogue) -> tuple[str, ...]:
    """What the limit of a veto may be called: an indicator, or a limit of a funnel."""
    funnels = [f"{name}_{limit}" for name in FUNNELS for limit in FUNNEL_LIMITS]
    return (*catalogue.indicators, *funnels)


def _tree(plan: Plan, head: Table, catalogue: Catalogue) -> None:
    trees = dict(load_trees())
    if plan.scores.tree_file is not None:
        trees |= _tried(head, "tree_file", lambda: load_trees(plan.scores.tree_file, catalogue), "scores") or {}
    _known(head, "scores", "tree", [plan.scores.tree], trees, "tree")


def _frontier(plan: Plan, head: Table, catalogue: Catalogue) -> None:
    for key in ("inputs", "outputs"):
        names = getattr(plan.frontier, key)
        _known(head, "frontier", key, names, catalogue.inputs, "input")
        if not names:
            head.report(f"{head.place} [frontier], key {key!r}", "the list is empty", "Name at least one input")
    both = set(plan.frontier.inputs) & set(plan.frontier.outputs)
    if both:
        problem = f"{sorted(both)[0]!r} is input and output"
        head.report(f"{head.place} [frontier]", problem, "Name it on one side only")


def _targets(plan: Plan, head: Table, catalogue: Catalogue) -> None:
    _known(head, "targets", "sets", plan.targets.sets, target_names(), "target set")
    for path in plan.targets.files:
        _tried(head, "files", lambda path=path: load_targets(path, catalogue), "targets")  # type: ignore[misc]
    named = plan.targets.plan
    if named is None:
        return
    if named.endswith(".toml"):
        if Path(named).is_file():
            _tried(head, "plan", lambda: load_targets(named, catalogue), "targets")
    else:
        _known(head, "targets", "plan", [named], target_names(), "target set")


def _decisions(plan: Plan, head: Table) -> None:
    from drgengine.evaluation.decisions import read_rules

    for kind, settings in plan.decisions.items():
        _tried(head, kind, lambda kind=kind, settings=settings: read_rules({kind: settings}), "decisions")  # type: ignore[misc]


def _scheme(plan: Plan, head: Table) -> None:
    if any(one.cases for one in plan.periods.values()):
        from drgengine.grouper.schemefile import load_scheme

        _tried(head, "scheme", lambda: load_scheme(plan.mix.scheme), "case_mix")


def _tried(head: Table, key: str, load: Callable[[], Any], section: str = "") -> Any:
    place = f"{head.place} [{section}], key {key!r}" if section else head.at(key)
    try:
        return load()
    except DrgEngineError as error:
        head.report(place, f"{error.place}: {error.problem}", error.remedy)
        return None


def _known(head: Table, section: str, key: str, names: Iterable[str], known: Collection[str], what: str) -> None:
    for name in names:
        _one(head, f"{head.place} [{section}], key {key!r}", name, known, what)


def _one(head: Table, place: str, name: str, known: Collection[str], what: str) -> None:
    if name in known:
        return
    near = get_close_matches(name, known, n=1)
    few = ", ".join(list(known)[:12]) + (" ..." if len(known) > 12 else "")
    head.report(place, f"no {what} is called {name!r}", f"Did you mean {near[0]!r}" if near else f"Known: {few}")
