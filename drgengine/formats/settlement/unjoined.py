"""Taking apart what only stood side by side: without a sequence, neighbouring rows say nothing about each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from drgengine.formats.cleaning import CleanedCodes

_RULE = "code_dagger_joined"


def unjoined(codes: CleanedCodes) -> CleanedCodes:
    """The codes with every asterisk code (星号编码) that came from a row of its own as a code of its own again."""
    joins = [issue for issue in codes.issues if issue.rule == _RULE]
    if not joins:
        return codes
    texts: list[str | None] = codes.codes.flatten().to_pylist()
    slots: list[int] = codes.slots.flatten().to_pylist()
    offsets = codes.codes.offsets.to_numpy()
    more = np.zeros(len(codes.codes), np.int64)
    behind: dict[int, tuple[str, int]] = {}
    for issue in joins:
        for row, joined in zip((issue.rows - 1).tolist(), issue.cleaned or [], strict=True):
            at = _place(texts, slots, range(int(offsets[row]), int(offsets[row + 1])), joined)
            if at is not None:
                first, _, asterisk = joined.rpartition("+")
                texts[at], behind[at] = first, (asterisk, slots[at] + 1)
                more[row] += 1
    cuts = np.array(sorted(behind), np.int64) + 1
    flat = np.insert(np.array(texts, object), cuts, [behind[place][0] for place in sorted(behind)])
    places = np.insert(np.array(slots, np.int16), cuts, [behind[place][1] for place in sorted(behind)])
    starts = pa.array(offsets - offsets[0] + np.r_[0, np.cumsum(more)], pa.int32())
    return replace(
        codes,
        codes=pa.ListArray.from_arrays(starts, pa.array(flat, pa.string())),
        slots=pa.ListArray.from_arrays(starts, pa.array(places, pa.int16())),
        issues=[issue for issue in codes.issues if issue.rule != _RULE],
    )


def _place(texts: list[str | None], slots: list[int], row: range, joined: str) -> int | None:
    """Where in a row the joined code stands: behind it the slot of the asterisk code is gone."""
    for at in row:
        last = at + 1 == row.stop
        if texts[at] == joined and (last or slots[at + 1] > slots[at] + 1):
            return at
    return None
