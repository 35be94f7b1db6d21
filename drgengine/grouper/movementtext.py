"""Which cases moved between two schemes, as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgengine.grouper.conditionwords import diff_words

if TYPE_CHECKING:
    from drgengine.grouper.movement import CaseMovement


def movement_lines(movement: CaseMovement, limit: int | None = 20, language: str = "en") -> list[str]:
    """Totals, changes of status, then the largest flows, at most `limit` of them.

    language : en or zh
    """
    words = diff_words(language)
    counted = {"rows": f"{movement.rows:,}", "moved": f"{movement.moved:,}"}
    share = words["bracket"].format(text=f"{movement.moved / movement.rows:.1%}") if movement.rows else ""
    levels = words["cases_levels"].format(mdc=f"{movement.moved_mdc:,}", adrg=f"{movement.moved_adrg:,}")
    text = [words["cases_title"].format(a=movement.a, b=movement.b, share=share, **counted), f"  {levels}"]
    for (old, new), n in movement.status.items():
        if old != new:
            text.append(f"  {words[old]}{words['arrow']}{words[new]}{words['colon']}{n:,}")
    moving = [flow for flow in movement.flows if flow.old != flow.new]
    shown = moving if limit is None else moving[:limit]
    for flow in shown:
        rows = words["comma"].join(map(str, flow.example_rows))
        old, new = flow.old or words["invalid"], flow.new or words["invalid"]
        text.append(words["cases_flow"].format(old=old, new=new, n=f"{flow.n:,}", rows=rows))
    if len(moving) > len(shown):
        text.append(words["cases_more"].format(n=f"{len(moving) - len(shown):,}"))
    return text
