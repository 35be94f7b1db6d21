"""The draw of the chain as plain Python over dicts: what chainkernel.py has to agree with."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

NAN = float("nan")
NOTHING_LEFT = 1e-9  # counts left when a hospital is taken out of its own benchmark


def drawn_sum(
    total: float, known: float, square_cv: float, ratio: float, normals: list[float], row: list[float]
) -> float:
    """A log-normal number with mean total * ratio and coefficient of variation sqrt(square_cv / cases).

    normals, row : standard normal numbers and the row of the correlation's lower factor that mixes them
    """
    cases = known * ratio
    if cases <= 0:
        return 0.0
    square = math.log(1 + square_cv / cases)
    mixed = sum(part * number for part, number in zip(row, normals, strict=True))
    return total * ratio * math.exp(math.sqrt(square) * mixed - square / 2)


def group_weights(cells: list[dict[str, Any]]) -> dict[str, float]:
    """Mean charge of the group / mean of all cases of groups with a charge."""
    charge: dict[str, float] = defaultdict(float)
    known: dict[str, float] = defaultdict(float)
    cases: dict[str, float] = defaultdict(float)
    for cell in cells:
        charge[cell["drg"]] += cell["sum"]["charge"]
        known[cell["drg"]] += cell["known"]["charge"]
        cases[cell["drg"]] += cell["n"]
    means = {drg: charge[drg] / known[drg] for drg in known if known[drg] > 0}
    worth = sum(cases[drg] * means[drg] for drg in means)
    if worth <= 0:
        return {}
    mean = worth / sum(cases[drg] for drg in means)
    return {drg: value / mean for drg, value in means.items()}


def expected(
    cells: list[dict[str, Any]], amount: str, drg: str, adrg: str, shrinkage: float, without: str | None = None
) -> tuple[float, float]:
    """Mean of the group over all units (but one), and that mean mixed with the mean of the ADRG; NaN unless above 0."""
    own = [cell for cell in cells if cell["unit"] != without]
    group = [cell for cell in own if cell["drg"] == drg]
    family = [cell for cell in own if cell["adrg"] == adrg]
    known, total = (sum(cell[what][amount] for cell in group) for what in ("known", "sum"))
    plain = total / known if known > NOTHING_LEFT else NAN
    if shrinkage <= 0:
        return (plain, plain) if plain > 0 else (NAN, NAN)
    family_known, family_total = (sum(cell[what][amount] for cell in family) for what in ("known", "sum"))
    mean = family_total / family_known if family_known > NOTHING_LEFT else NAN
    shrunk = ((total if known > NOTHING_LEFT else 0.0) + shrinkage * mean) / (known + shrinkage)
    return plain if plain > 0 else NAN, shrunk if shrunk > 0 else NAN


def unit_columns(
    cells: list[dict[str, Any]],
    unit: str,
    weights: dict[str, float],
    amounts: list[str],
    shrinkage: float,
    leave_one_out: bool,
    high_weight: float,
) -> dict[str, float]:
    """All indices of one unit; a cell has unit, drg, adrg, kind, n and, per amount, known and sum."""
    mine = [cell for cell in cells if cell["unit"] == unit]
    heard = [(cell["n"], weights[cell["drg"]], cell["kind"]) for cell in mine if cell["drg"] in weights]
    cases = sum(n for n, _, _ in heard)
    found = {"cases_weighted": cases, "total_weight": sum(n * w for n, w, _ in heard)}
    found["cmi"] = found["total_weight"] / cases if cases > 0 else NAN
    found["high_weight_share"] = sum(n for n, w, _ in heard if w >= high_weight) / cases if cases > 0 else NAN
    for kind in ("surgical", "procedure", "medical"):
        some = [(n, w) for n, w, its in heard if its == kind]
        n = sum(n for n, _ in some)
        found[f"cmi_{kind}"] = sum(n * w for n, w in some) / n if n > 0 else NAN
    for amount in amounts:
        known = [cell for cell in mine if cell["known"][amount] > 0]
        n = sum(cell["known"][amount] for cell in known)
        found[f"mean_{amount}"] = sum(cell["sum"][amount] for cell in known) / n if n > 0 else NAN
        without = unit if leave_one_out else None
        hopes = [expected(cells, amount, cell["drg"], cell["adrg"], shrinkage, without) for cell in known]
        parts = [(cell["known"][amount], cell["sum"][amount]) for cell in known]
        plain = [(n, s, e) for (n, s), (e, _) in zip(parts, hopes, strict=True) if not math.isnan(e)]
        shrunk = [(n, s, e) for (n, s), (_, e) in zip(parts, hopes, strict=True) if not math.isnan(e)]
        found[f"index_{amount}"] = _mean_of_ratios(plain)
        hoped = sum(n * e for n, _, e in plain)
        found[f"index_{amount}_oe"] = sum(s for _, s, _ in plain) / hoped if hoped > 0 else NAN
        found[f"index_{amount}_shrunk"] = _mean_of_ratios(shrunk)
    return found


def _mean_of_ratios(parts: list[tuple[float, float, float]]) -> float:
    cases = sum(n for n, _, _ in parts)
    return sum(s / e for _, s, e in parts) / cases if cases > 0 else NAN
