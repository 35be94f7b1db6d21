"""The compiled form of a scheme: plain arrays that the kernel walks through.

A code is known to the kernel only by its signature: the number of a distinct pattern of list memberships,
severity, body region and flags. A condition is a chain of nodes, each a question with a place to go on yes and on no.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STATUSES = ("grouped", "ambiguous", "ungroupable", "invalid")
SEVERITIES = ("MCC", "CC", "none")
REASONS = (
    "sex_invalid",
    "age_missing",
    "age_days_missing",
    "newborn_weight_missing",
    "principal_diagnosis_missing",
    "principal_diagnosis_unknown",
    "principal_diagnosis_not_allowed",
    "principal_diagnosis_in_no_mdc",
    "mdc_condition_not_met",
    "no_rule_matched",
    "operation_outside_mdc",
    "fallback_group",
)
"""Reasons in the order of their numbers in the kernel."""

FIRST_NUMBERS = ("age_years", "age_days", "birth_weight_g")
"""Numeric facts that every scheme needs; the rest follow in the order in which a scheme asks for them."""

INVALID_LEAF, UNGROUPABLE_LEAF, FIRST_LEAF = 0, 1, 2
DAYS_OF_INFANT = 366
"""Age in days below which a record without years is that of an infant."""


class KernelTables(NamedTuple):
    """Arrays of one scheme. s: signatures, w: words of 64 bits, r: rules, n: nodes, l: leaves.

    dx_lists uint64 (s, w)      membership of a diagnosis signature in the lists that conditions name
    dx_severity int16 (s, 2)    numbers of the exclusion lists under which it counts as MCC and as CC, -1: it does not
    dx_cancels uint64 (s, w)    exclusion lists that it cancels as principal diagnosis
    dx_sites uint64 (s,)        body regions
    dx_flags uint8 (s,)         1 unknown to the edition, 2 barred as principal, 4 asked for in any position, 8 empty,
                                16 listed by the gate of an MDC
    proc_lists uint64 (s, w)    membership of a procedure signature; signature 0 is "no code"
    rules_by_pdx uint64 (s, w)  rules that the principal diagnosis leaves possible
    rules_by_single uint64 (s, w), rules_by_first uint64 (s, w)
                                rules that the first procedure leaves possible, without and with other procedures
    rules_by_patient uint64 (8, w)  ... by 4 * (sex - 1) + 2 * (age under one year) + (no diagnosis of the record is
                                asked for in any position)
    rule_entry int32 (r,)       first node of what is left to ask of a rule that is still possible (see possible.py)
    nodes int32 (n, 5)          question, argument, comparison, next node on yes, next node on no;
                                a negative place is an end: -1 no, -2 yes or leaf 0, -3 leaf 1, ...
    values float64 (n,)         number to compare with
    leaf_flags uint8 (l,)         1 the rule asks for severity, 2 ambiguous, 4 fall-back
    lowest_bit uint8 (256,)     place of the lowest bit of a byte
    options int64 (3,)          1: retry with each other procedure; bits of the checks that make a record invalid;
                                flags of principal diagnoses (as in dx_flags) that are refused
    """

    dx_lists: np.ndarray
    dx_severity: np.ndarray
    dx_cancels: np.ndarray
    dx_sites: np.ndarray
    dx_flags: np.ndarray
    proc_lists: np.ndarray
    rules_by_pdx: np.ndarray
    rules_by_single: np.ndarray
    rules_by_first: np.ndarray
    rules_by_patient: np.ndarray
    rule_entry: np.ndarray
    nodes: np.ndarray
    values: np.ndarray
    leaf_flags: np.ndarray
    lowest_bit: np.ndarray
    options: np.ndarray
