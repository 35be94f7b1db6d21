"""Why records are ungroupable, worked out after the kernel for the few that are."""

from __future__ import annotations

from typing import Any

import numpy as np

from drgengine.grouper.compile import BARRED, LISTED, UNKNOWN, Compiled
from drgengine.grouper.kernel import group_kernel
from drgengine.grouper.tables import REASONS, UNGROUPABLE_LEAF


def reason_ungroupable(made: Compiled, arguments: tuple[Any, ...]) -> None:
    """Write the reasons of ungroupable records into the last of the arguments of group_kernel.

    In this order: the principal diagnosis is unknown, is barred, stands in the list of no MDC; no MDC that lists it
    opens its gate; a gate opens and yet no rule holds.
    """
    _, _, dx_offsets, dx_index, dx_signature, *_, leaf, _, reason = arguments
    rows = np.flatnonzero((leaf == UNGROUPABLE_LEAF) & (reason < 0))
    if rows.size == 0:
        return
    opened, severity, unused = np.zeros_like(leaf), np.empty(leaf.size, np.int8), np.empty(leaf.size, np.int8)
    rows.flags.writeable = False
    group_kernel(made.gate_tables, rows, *arguments[2:-3], opened, severity, unused)  # type: ignore[call-arg]
    flags = made.tables.dx_flags[dx_signature[dx_index[dx_offsets[rows]]]]
    reason[rows] = np.select(
        [flags & UNKNOWN != 0, flags & BARRED != 0, flags & LISTED == 0, opened[rows] == UNGROUPABLE_LEAF],
        [
            REASONS.index("principal_diagnosis_unknown"),
            REASONS.index("principal_diagnosis_not_allowed"),
            REASONS.index("principal_diagnosis_in_no_mdc"),
            REASONS.index("mdc_condition_not_met"),
        ],
        REASONS.index("no_rule_matched"),
    )
