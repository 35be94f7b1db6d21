"""One row of the compliance table, and what is known of an indicator in a scope (单行结果)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.compliance.wording import Said, joined, said
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.entries import Indicator


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Values of an indicator over the units of a scope.

    scope : hospital or region   values, previous : per unit, NaN = none   why : reason where no unit has a value
    """

    scope: str
    values: pd.Series
    previous: pd.Series
    why: Said
    from_evidence: bool

    @property
    def known(self) -> int:
        """Units with a value."""
        return int(self.values.notna().sum())

    @property
    def middle(self) -> float:
        """The median, which of a region is its value; NaN without one."""
        return float(self.values.median()) if self.known else float("nan")

    def remarks(self, units: int) -> list[Said]:
        """How `actual` is to be read."""
        found = []
        if self.scope == "hospital" and self.known:
            found.append(said("median", n=self.known))
            if units > self.known:
                found.append(said("without", n=units - self.known))
        return [*found, said("from_evidence")] if self.from_evidence else found


def held(one: Indicator, scope: str, found: Indicators | None, units: pd.Index | None = None) -> Held:
    """What is known of an indicator in one scope; `units` keeps to some of them."""
    nothing = pd.Series(dtype=np.float64)
    if found is None:
        return Held(scope, nothing, nothing, said("no_region"), False)
    if one.id not in found.values.columns:
        return Held(scope, nothing, nothing, said("not_computed"), False)
    values = found.values[one.id]
    previous = pd.Series(np.nan, index=values.index)
    if found.previous is not None and one.id in found.previous.columns:
        previous = found.previous[one.id]
    given = (found.origin[one.id] == "evidence").any() if one.id in found.origin.columns else False
    if units is not None:
        values, previous = values.reindex(units), previous.reindex(units)
    why = _why(one, found) if values.isna().all() else ("", "")
    return Held(scope, values, previous, why, bool(given))


def _why(one: Indicator, found: Indicators) -> Said:
    """The commonest reason for a missing value, in Chinese by the inputs that are missing."""
    rows = found.missing[found.missing["indicator"] == one.id]
    if not len(rows):
        return ("", "")
    reason = rows["reason"].value_counts().sort_index(kind="stable").idxmax()
    names = str(rows.loc[rows["reason"] == reason, "inputs"].iloc[0])
    known = [name.strip() for name in names.split(",") if name.strip() in found.catalogue.inputs]
    zh = "、".join(found.catalogue.inputs[name].zh for name in known)
    return (said("missing_inputs", names=zh)[0] if zh else str(reason), str(reason))


def beside(one: Indicator, found: Indicators) -> Said:
    """What an indicator must be read with."""
    if not one.beside:
        return ("", "")
    others = [found.catalogue[name] for name in one.beside]
    names = ("、".join(other.zh for other in others), ", ".join(other.en for other in others))
    return said("beside", names=names)


def row_of(head: dict[str, Any], remarks: list[Said], **values: Any) -> dict[str, Any]:
    """A row of the table: what all rows of a line and indicator share, and what this one adds."""
    zh, en = joined(remarks)
    return {**head, **values, "remark_zh": zh, "remark_en": en}
