"""The main figures of an evaluation for other programs (主要结果 JSON)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.yearly.result import Evaluation

_LEAGUE = (
    *("name", "peer_group", "rank", "rank_low", "rank_high", "rank_worst", "class", "class_probability", "separable"),
    *("veto", "excluded", "score", "score_low", "score_high", "coverage", "previous_score", "previous_rank", "change"),
    *("p_improved", "cases", "total_weight", "cmi", "drg_count", "charge_index", "time_index"),
)


def main_figures(evaluation: Evaluation, books: dict[str, str] | None = None) -> dict[str, Any]:
    """Region, period, league, policy lines by status, decisions; a missing number is null.

    books : hospital -> path of its workbook
    """
    plan = evaluation.plan
    period = plan.periods[plan.current]
    league = evaluation.league.copy()
    if "name" in evaluation.hospitals.columns:
        league["name"] = evaluation.hospitals["name"].reindex(league.index)
    columns = [name for name in _LEAGUE if name in league.columns]
    return {
        "title": plan.title,
        "region": plan.region,
        "period": {"id": period.id, "start": period.start.isoformat(), "end": period.end.isoformat()},
        "previous": plan.previous,
        "base": evaluation.base_id,
        "run_id": evaluation.run_id,
        "seed": evaluation.seed,
        "draws": evaluation.draws,
        "tree": evaluation.tree.id,
        "league": [
            {"hospital_id": str(code), **{name: plain(row[name]) for name in columns}} for code, row in _rows(league)
        ],
        "dimensions": {
            str(code): {str(name): plain(row[name]) for name in evaluation.scores.dimensions.columns}
            for code, row in _rows(evaluation.scores.dimensions)
        },
        "lines": _counted(evaluation.lines),
        "decisions": [
            {name: plain(row[name]) for name in ("hospital_id", "kind", "capped_factor", "amount", "unit")}
            for row in evaluation.decisions.to_dict("records")
        ],
        "books": books or {},
    }


def plain(value: Any) -> Any:
    """A value JSON has: NaN and infinities are null.

    >>> plain(np.float64("nan")), plain(np.int64(3)), plain(np.True_), plain("A")
    (None, 3, True, 'A')
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)


def _rows(table: pd.DataFrame) -> list[tuple[Any, dict[str, Any]]]:
    return list(zip(table.index, table.to_dict("records"), strict=True))


def _counted(lines: pd.DataFrame) -> dict[str, int]:
    """Rows of the compliance table by status."""
    if "status" not in lines.columns:
        return {}
    return {str(name): int(count) for name, count in lines["status"].value_counts().sort_index().items()}
