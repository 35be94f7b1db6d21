"""The next stay as one would look it up by hand: all stays of all patients, no sorting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def reference_next_stays(stays: Sequence[Mapping[str, Any]], longest: int) -> list[int | None]:
    """Gap in days to the earliest later stay that counts, None without one within `longest` days or for no index stay.

    A stay has patient, admission, discharge (days), opens, counts.

    >>> first = {"patient": "P", "admission": 1, "discharge": 3, "opens": True, "counts": True}
    >>> reference_next_stays([first, {**first, "admission": 9, "discharge": 9}], 7)
    [6, None]
    """
    gaps: list[int | None] = []
    for stay in stays:
        found = [
            other["admission"] - stay["discharge"]
            for other in stays
            if other["patient"] == stay["patient"]
            and other["counts"]
            and (other["admission"], other["discharge"]) != (stay["admission"], stay["discharge"])
            and 0 <= other["admission"] - stay["discharge"] <= longest
            and other["admission"] >= stay["admission"]
        ]
        gaps.append(min(found, default=None) if stay["opens"] else None)
    return gaps
