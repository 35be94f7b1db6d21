"""Scores of two years over the indicators that both have (可比得分), so that their difference is a change."""

from __future__ import annotations

import pandas as pd

from drgengine.evaluation.indicators import Catalogue

Note = tuple[str, str]


def in_both(now: pd.DataFrame, before: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values of both periods, hospitals x indicators, where a hospital has the indicator in both; else NaN in both.

    >>> now = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    >>> before = pd.DataFrame({"a": [1.5, float("nan")], "b": [3.5, 4.5]})
    >>> [table["a"].to_list() for table in in_both(now, before)]
    [[1.0, nan], [1.5, nan]]
    """
    earlier = before.reindex(index=now.index, columns=now.columns)
    both = now.notna() & earlier.notna()
    return now.where(both), earlier.where(both)


def comparable_notes(now: tuple[str, ...], common: tuple[str, ...], catalogue: Catalogue) -> list[Note]:
    """What the annex says: change is over common indicators, and which ones are not."""
    without = [name for name in now if name not in common]
    zh, en = (("、".join(catalogue[n].zh for n in without) or "无"), (", ".join(catalogue[n].en for n in without)))
    return [
        (
            "较上期变化、改善概率和上期名次用可比得分：两期均有数值的指标，同一标准值，权重在其中重新归一；逐院逐指标取交集。"
            f"本期得分中未计入可比得分的指标：{zh}（如增幅类，上期缺更早一年）。",
            "Change, probability of improvement and previous rank compare scores over the indicators that a hospital "
            "has in both periods, with the same anchors and weights renewed within them. In the score but not in the "
            f"comparison: {en or 'none'} (growths, for instance, of which the previous period has no year before).",
        )
    ]
