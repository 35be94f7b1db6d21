"""The tally as one would do it by hand: a dictionary of plain Python numbers, case by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def reference_tally(cases: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], dict[str, int]]:
    """Sums per key; a case has `key` and perhaps charge_fen, cost_fen, los, died, procedures, diagnoses, severity.

    None stands for not known; severity None for not asked. Squares are whole Python numbers.

    >>> reference_tally([{"key": ("H1", "FR25"), "charge_fen": 300, "died": False}])[("H1", "FR25")]["charge_sq"]
    90000
    """
    cells: dict[tuple[Any, ...], dict[str, int]] = {}
    for case in cases:
        cell = cells.setdefault(case["key"], {})

        def add(name: str, amount: int, cell: dict[str, int] = cell) -> None:
            cell[name] = cell.get(name, 0) + amount

        add("cases", 1)
        for name in ("charge", "cost"):
            fen = case.get(f"{name}_fen")
            if fen is not None:
                add(f"{name}_known", 1)
                add(f"{name}_fen", fen)
                add(f"{name}_sq", fen * fen)
        if case.get("los") is not None:
            add("los_known", 1)
            add("los_days", case["los"])
            add("los_sq", case["los"] ** 2)
        if case.get("died") is not None:
            add("disposition_known", 1)
            add("deaths", int(case["died"]))
        if case.get("procedures") is not None:
            add("procedure_known", 1)
            add("with_procedure", int(case["procedures"] > 0))
        if case.get("diagnoses") is not None:
            add("dx_known", 1)
            add("dx_count", case["diagnoses"])
        if case.get("severity") is not None:
            add("severity_asked", 1)
            add("cc", int(case["severity"] == "CC"))
            add("mcc", int(case["severity"] == "MCC"))
    return cells
