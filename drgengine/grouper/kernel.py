"""The kernels: signatures of codes in, leaves out. Plain arrays only; see tables.py for what they hold."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def severity_kernel(dx_severity, dx_cancels, dx, n_dx):
    """Bit 1: an MCC counts, bit 2: a CC counts, over the secondary diagnoses dx[1:n_dx] (signatures)."""
    found = 0
    for k in range(1, n_dx):
        for level in range(2):
            exclusion = dx_severity[dx[k], level]
            if exclusion >= 0:
                word = dx_cancels[dx[0], exclusion >> 6]
                if (word >> np.uint64(exclusion & 63)) & np.uint64(1) == 0:
                    found |= 1 << level
    return found


@njit(cache=True, nogil=True)
def check_kernel(dx_flags, dx, n_dx, sex, years, days, weight, checks):
    """The number of the first check that a record fails, -1 when it is valid; checks: bits of those that count."""
    if sex != 1 and sex != 2:
        return 0
    if np.isnan(years) and checks & 2 != 0:
        return 1
    if years < 1.0:
        if np.isnan(days) and checks & 4 != 0:
            return 2
        if days <= 28.0 and (np.isnan(weight) or weight == 0.0) and checks & 8 != 0:
            return 3
    if n_dx == 0 or dx_flags[dx[0]] & 8:
        return 4
    return -1


@njit(cache=True, nogil=True)
def longest_kernel(offsets):
    """Length of the longest list, at least 1."""
    longest = 1
    for r in range(offsets.size - 1):
        longest = max(longest, offsets[r + 1] - offsets[r])
    return longest


@njit(cache=True, nogil=True)
def group_kernel(
    tables, rows, dx_offsets, dx_index, dx_signature, proc_offsets, proc_index, proc_signature,
    sex, numbers, department, leaf, severity, reason,
):  # fmt: skip
    """Group records of one batch: for each the leaf of the first rule that gives an answer.

    rows int64: the records to look at; results of others are left alone
    dx_offsets int32 (n+1,), dx_index uint32 (m,): codes of record r are dx_index[dx_offsets[r]:dx_offsets[r+1]],
        numbers of the batch's own distinct codes; dx_signature uint32: signature of each distinct code
    proc_*: the same for procedures
    sex int8 (n,), numbers float64 (k, n) with NaN = missing, department int32 (n,)
    leaf int16 (n,), severity int8 (n,), reason int8 (n,): results; -1 stands for null; a record that no rule takes
        gets leaf 1 and no reason, one that ends in a fall-back group leaf 1 and its reason

    All in one function, with every table in a variable of its own: calls inside the loop would cost more than
    the work (each hands over or counts references to a dozen arrays).
    """
    nodes, values, rule_entry, lowest_bit = tables.nodes, tables.values, tables.rule_entry, tables.lowest_bit
    dx_lists, dx_flags, dx_sites = tables.dx_lists, tables.dx_flags, tables.dx_sites
    dx_severity, dx_cancels, proc_lists = tables.dx_severity, tables.dx_cancels, tables.proc_lists
    by_pdx, by_patient, leaf_flags = tables.rules_by_pdx, tables.rules_by_patient, tables.leaf_flags
    by_single, by_first = tables.rules_by_single, tables.rules_by_first
    retry, checks, refused = tables.options[0] == 1, tables.options[1], tables.options[2]
    one, byte = np.uint64(1), np.uint64(255)
    low_half, low_quarter = np.uint64(0xFFFFFFFF), np.uint64(0xFFFF)
    dx = np.empty(longest_kernel(dx_offsets), np.uint32)
    proc = np.empty(longest_kernel(proc_offsets), np.uint32)
    for r in rows:
        n_dx = dx_offsets[r + 1] - dx_offsets[r]
        n_proc = proc_offsets[r + 1] - proc_offsets[r]
        flags = 0
        for k in range(n_dx):
            dx[k] = dx_signature[dx_index[dx_offsets[r] + k]]
            flags |= dx_flags[dx[k]]
        for k in range(n_proc):
            proc[k] = proc_signature[proc_index[proc_offsets[r] + k]]
        severity[r] = -1
        reason[r] = check_kernel(dx_flags, dx, n_dx, sex[r], numbers[0, r], numbers[1, r], numbers[2, r], checks)
        if reason[r] >= 0:
            leaf[r] = 0
            continue
        if dx_flags[dx[0]] & refused != 0:
            leaf[r] = 1
            continue
        principal = dx[0]
        patient = 4 * (sex[r] - 1) + (2 if numbers[0, r] < 1.0 else 0) + (0 if flags & 4 else 1)
        bits = -1
        answer = -1
        # The record as it is; then, where the scheme says so, each other procedure alone.
        for attempt in range(max(n_proc, 1) if retry else 1):
            low = attempt
            high = n_proc if attempt == 0 else attempt + 1
            first = proc[low] if high > low else np.uint32(0)
            if attempt > 0 and first == 0:
                continue
            for word in range(by_patient.shape[1]):
                possible = by_pdx[principal, word] & by_patient[patient, word]
                possible &= by_first[first, word] if high - low > 1 else by_single[first, word]
                while possible != 0 and answer < 0:
                    place = 64 * word
                    rest = possible
                    if rest & low_half == 0:
                        rest >>= np.uint64(32)
                        place += 32
                    if rest & low_quarter == 0:
                        rest >>= np.uint64(16)
                        place += 16
                    if rest & byte == 0:
                        rest >>= np.uint64(8)
                        place += 8
                    node = rule_entry[place + np.int64(lowest_bit[np.int64(rest & byte)])]
                    possible &= possible - one
                    while node >= 0:
                        question, argument = nodes[node, 0], nodes[node, 1]
                        holds = False
                        if question <= 2:  # 0 principal, 1 any, 2 secondary diagnosis in list
                            at, bit = argument >> 6, np.uint64(argument & 63)
                            for k in range(1 if question == 2 else 0, 1 if question == 0 else n_dx):
                                if (dx_lists[dx[k], at] >> bit) & one != 0:
                                    holds = True
                                    break
                        elif question <= 5:  # 3 first, 4 any, 5 other procedure in list
                            at, bit = argument >> 6, np.uint64(argument & 63)
                            end = min(low + 1, high) if question == 3 else high
                            for k in range(low + 1 if question == 5 else low, end):
                                if (proc_lists[proc[k], at] >> bit) & one != 0:
                                    holds = True
                                    break
                        elif question == 15 or question == 16:  # 15 MCC, 16 CC
                            if bits < 0:
                                bits = severity_kernel(dx_severity, dx_cancels, dx, n_dx)
                            holds = bits & (1 if question == 15 else 2) != 0
                        elif question == 6:  # a secondary diagnosis is recorded
                            for k in range(1, n_dx):
                                holds = holds or dx_flags[dx[k]] & 8 == 0
                        elif question <= 8:  # 7 a procedure, 8 another procedure is recorded
                            for k in range(low + question - 7, high):
                                holds = holds or proc[k] != 0
                        elif question <= 11 or question >= 17:  # 9 number, 10 sex, 11 body regions, 17-22 codes
                            have = np.float64(sex[r])
                            if question == 9:
                                have = numbers[argument, r]
                            elif question == 11:
                                sites = np.uint64(0)
                                for k in range(n_dx):
                                    sites |= dx_sites[dx[k]]
                                have = np.float64(0.0)
                                while sites != 0:
                                    sites &= sites - one
                                    have += 1.0
                            elif question >= 20:  # different codes in list: 20 first, 21 any, 22 other procedures
                                at, bit = argument >> 6, np.uint64(argument & 63)
                                have = np.float64(0.0)
                                start = low + 1 if question == 22 else low
                                base = proc_offsets[r]
                                for k in range(start, min(low + 1, high) if question == 20 else high):
                                    if (proc_lists[proc[k], at] >> bit) & one != 0:
                                        have += 1.0
                                        for j in range(start, k):
                                            if proc_index[base + j] == proc_index[base + k]:
                                                have -= 1.0
                                                break
                            elif (
                                question >= 17
                            ):  # different codes in list: 17 principal, 18 any, 19 secondary diagnoses
                                at, bit = argument >> 6, np.uint64(argument & 63)
                                have = np.float64(0.0)
                                start = 1 if question == 19 else 0
                                base = dx_offsets[r]
                                for k in range(start, 1 if question == 17 else n_dx):
                                    if (dx_lists[dx[k], at] >> bit) & one != 0:
                                        have += 1.0
                                        for j in range(start, k):
                                            if dx_index[base + j] == dx_index[base + k]:
                                                have -= 1.0
                                                break
                            compare, value = nodes[node, 2], values[node]
                            if compare == 0:
                                holds = have < value
                            elif compare == 1:
                                holds = have <= value
                            elif compare == 2:
                                holds = have > value
                            elif compare == 3:
                                holds = have >= value
                            else:
                                holds = have == value
                        elif question <= 13:  # 12 number known, 13 known and not 0
                            have = numbers[argument, r]
                            holds = not np.isnan(have) and (question == 12 or have != 0.0)
                        else:  # 14 department
                            holds = department[r] == argument
                        node = nodes[node, 3] if holds else nodes[node, 4]
                    answer = -2 - node
                if answer >= 0:
                    break
            if answer >= 0:
                break
        leaf[r] = 2 + answer if answer >= 0 else 1
        if answer >= 0 and leaf_flags[answer] & 4:
            leaf[r] = 1
            reason[r] = 11
        elif answer >= 0:
            if leaf_flags[answer] & 2:
                reason[r] = 10
            if leaf_flags[answer] & 1:
                if bits < 0:
                    bits = severity_kernel(dx_severity, dx_cancels, dx, n_dx)
                severity[r] = 0 if bits & 1 else (1 if bits & 2 else 2)
