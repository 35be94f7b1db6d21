"""How much of the score the draws move (抽样所及的权重): what the intervals leave out, in one sentence."""

from __future__ import annotations

from markupsafe import Markup

from drgengine.evaluation.report.numbers import finite, share
from drgengine.evaluation.report.reading import Reading


def drawn_sentence(reading: Reading) -> Markup:
    """That only indicators from discharges are drawn, with their share of the weight where it is known."""
    found = drawn_share(reading)
    if found is None:
        return reading.words("summary.drawn_some")
    return reading.words("summary.drawn", share=share(found, 0))


def drawn_share(reading: Reading) -> float | None:
    """Mean share of the drawn indicators in the weight of the hospitals that have a score; None where not known."""
    drawn, table = reading.evaluation.details.get("drawn_indicators"), reading.evaluation.scores.contributions
    if drawn is None or not len(table):
        return None
    scored = reading.evaluation.league.index[reading.evaluation.league["score"].notna()]
    mine = table[table["hospital_id"].isin(scored)]
    whole = mine.groupby("hospital_id")["weight"].sum()
    part = mine[mine["indicator"].isin(list(drawn))].groupby("hospital_id")["weight"].sum()
    return finite((part.reindex(whole.index, fill_value=0.0) / whole.where(whole > 0)).mean())
