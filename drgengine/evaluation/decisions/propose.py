"""Proposals for budget, appraisal, wages, subsidy and posts (结果应用建议) out of the league table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.decisions.notes import Notes, cap_text, inputs_text
from drgengine.evaluation.decisions.pooling import pooled
from drgengine.evaluation.decisions.quantities import OWN, Quantities
from drgengine.evaluation.decisions.rulefile import Quantity, Rule, read_rules
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.formula import Bools, Floats, Formula, evaluate

COLUMNS = (
    *("hospital_id", "kind", "zh", "en", "basis", "factor", "capped_factor", "amount", "unit", "formula", "cap"),
    *("note", "note_zh", "source_en", "source_zh"),
)


def decide(
    league: pd.DataFrame,
    mix: pd.DataFrame,
    indicators: Indicators,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Factor and amount of every decision and hospital (结果应用建议表), one row per pair; proposals, not orders.

    league : of an Evaluation, indexed by hospital_id; needs peer_group, score, and takes separable, excluded, veto
    mix : CaseMix.table by hospital   indicators : of the hospitals, for inputs such as beds
    settings : `[decisions]` of the plan, see data/evaluation/decisions.toml and read_rules()

    factor : what the formula gives   capped_factor : after the rule for uncertain hospitals, the cap, the cap of a veto
    and pooling   amount : in `unit`   basis : the quantities and their values, NAME=VALUE   formula, cap : as applied
    note, note_zh : missing quantities (then the number is NaN), the rule for uncertain hospitals, cap, pooling. A
    hospital that is excluded or whose class is not separable gets the neutral factor, no number, or the number of its
    score, as the rule says.
    With a total the amounts sum to it over the hospitals that have one.

    Raises EvaluationError: a setting that cannot be read, a name in a formula that nothing gives.

    >>> from drgengine.evaluation.indicators import compute_indicators
    >>> units = pd.Index(["H1", "H2"], name="hospital_id")
    >>> league = pd.DataFrame({"peer_group": "3", "score": [90.0, 70.0], "separable": True}, index=units)
    >>> mix = pd.DataFrame({"total_weight": [10.0, 10.0]}, index=units)
    >>> beds = compute_indicators(pd.DataFrame({"beds": [10.0, 20.0]}, index=units))
    >>> found = decide(league, mix, beds, {"budget": {"base": "beds * 1000", "unit": "yuan"}})
    >>> found.loc[found.kind == "budget", ["factor", "capped_factor", "amount"]].values.tolist()
    [[1.025, 1.025, 10250.0], [0.975, 0.975, 19500.0]]
    """
    quantities = Quantities(league, mix, indicators)
    parts = [_decision(rule, league, quantities) for rule in read_rules(settings)]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    return table[list(COLUMNS)]


def _decision(rule: Rule, league: pd.DataFrame, quantities: Quantities) -> pd.DataFrame:
    units, notes = len(league), Notes(len(league))
    values = quantities.of(rule)

    def value(formula: Quantity, default: float) -> Floats:
        if not isinstance(formula, Formula):
            return np.full(units, default if formula is None else formula)
        found, failures = evaluate(formula, values, quantities.before, units)
        notes.failures(failures)
        return found

    factor = value(rule.formula, np.nan)
    fixed, capped = _uncertain(rule, league, factor, lambda: value(rule.neutral, np.nan), notes)
    low, high = value(rule.low, -np.inf), value(rule.high, np.inf)
    high = _veto(rule, league, high, lambda: value(rule.veto_high, np.inf), notes)
    within = np.where(fixed, capped, np.clip(capped, low, high))
    notes.where("capped", ~fixed & np.isfinite(capped) & (within != capped))
    base = value(rule.base, np.nan)
    if rule.total == rule.total:
        base = rule.total * base / np.nansum(base)
    if rule.pool:
        within, scale = pooled(within, base, low, high, fixed)
        notes.pooling(scale, np.isfinite(within) & np.isfinite(base))
    values |= {"factor": within, "base": base}
    if rule.base is None and "base" in rule.amount.names:
        notes.where("no_base", np.ones(units, np.bool_), kind=rule.kind)
        amount = np.full(units, np.nan)
    else:
        amount = value(rule.amount, np.nan)
    if rule.total == rule.total:
        amount = _to_total(amount, rule.total, notes)
    return _table(rule, league.index, values, factor, within, amount, low, high, notes)


def _uncertain(rule: Rule, league: pd.DataFrame, factor: Floats, neutral: Any, notes: Notes) -> tuple[Bools, Floats]:
    """Hospitals whose factor is set by the rule for uncertain ones, and the factors after it."""
    nothing = pd.Series("", index=league.index)
    excluded = (league.get("excluded", nothing).fillna("").astype(str) != "").to_numpy()
    scored = league["score"].notna().to_numpy()
    separable = league.get("separable", nothing == "").fillna(False).astype(bool).to_numpy()
    if rule.uncertain == "keep":
        return np.zeros(len(league), np.bool_), factor
    if rule.uncertain == "scored":
        out = excluded | ~scored
        notes.where("excluded_scored", out)
        notes.where("not_separable_scored", ~out & ~separable)
        return out, np.where(out, np.nan, factor)
    unsure = excluded | ~scored | ~separable
    why = np.where(excluded | ~scored, "excluded", "not_separable")
    value = neutral() if rule.uncertain == "neutral" else np.full(len(league), np.nan)
    for reason in ("excluded", "not_separable"):
        notes.where(f"{reason}_{rule.uncertain}", unsure & (why == reason))
    return unsure, np.where(unsure, value, factor)


def _veto(rule: Rule, league: pd.DataFrame, high: Floats, cap: Any, notes: Notes) -> Floats:
    if rule.veto_high is None or "veto" not in league.columns:
        return high
    struck = (league["veto"].fillna("").astype(str) != "").to_numpy()
    lower = np.where(struck, np.minimum(high, cap()), high)
    notes.where("veto", struck & (lower < high))
    return lower


def _to_total(amount: Floats, total: float, notes: Notes) -> Floats:
    """Amounts that sum to the total, whatever the caps and the formula of the amount left over."""
    found = float(np.nansum(amount))
    if not found > 0:
        return amount
    scale = total / found
    if abs(scale - 1.0) > 1e-9:
        notes.where("scaled_to_total", np.isfinite(amount), scale=f"{scale:.6f}")
    return amount * scale


def _table(
    rule: Rule,
    units: pd.Index,
    values: Mapping[str, Floats],
    factor: Floats,
    within: Floats,
    amount: Floats,
    low: Floats,
    high: Floats,
    notes: Notes,
) -> pd.DataFrame:
    names = dict.fromkeys(name for formula in rule.formulas for name in formula.names if name not in OWN)
    shown = [*names, *(["base"] if rule.base is not None else [])]
    same = rule.amount.text == "factor"
    formula = rule.formula.text if same else f"factor = {rule.formula.text}; amount = {rule.amount.text}"
    return pd.DataFrame(
        {
            "hospital_id": units.to_numpy(),
            "kind": rule.kind,
            "zh": rule.zh,
            "en": rule.en,
            "basis": inputs_text(shown, values, len(units)),
            "factor": factor,
            "capped_factor": within,
            "amount": amount,
            "unit": rule.unit,
            "formula": formula,
            "cap": cap_text(low, high, rule.pool),
            "note": notes.text("en"),
            "note_zh": notes.text("zh"),
            "source_en": rule.cited("en"),
            "source_zh": rule.cited("zh"),
        }
    )
