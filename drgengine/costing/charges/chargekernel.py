"""The kernels of the charge lines: codes and numbers of lines -> whole numbers by key, added up in tables.

A table is int64[rows, 4 or 5], a row per key: key, lines, fen, weight in millionths (orders: fen of goods), quantity
in millionths. A row with lines 0 is free. The tables of items and of orders are hash tables, their rows a power of two.
That of objects is made of pages, one per object and a small hash table each, so that what is charged to a case lies
together.
"""

from __future__ import annotations

import numpy as np
from numba import njit

COUNTS = (
    "lines", "fen", "reversal_lines", "reversal_fen", "broken_fen", "quantity_turned", "sign_conflict", "unmatched",
    "unmatched_fen", "nameless", "nameless_fen", "stated", "stated_fen", "outside", "outside_fen", "too_large",
)  # fmt: skip
"""Names of the counters of `key_kernel`, in order."""

FIRST_PAGE = 16
"""Rows of the first page of an object; each further one is twice as long."""


@njit(cache=True, nogil=True)
def place_kernel(key, mask):
    """Where the search for a key >= 0 begins; int64 arithmetic that cannot overflow."""
    return ((((key & 0xFFFFFFFF) * 1640531527) ^ ((key >> 32) * 1540483477)) >> 15) & mask


@njit(cache=True, nogil=True)
def rehash_kernel(old, new):
    """Move all rows to a larger empty hash table."""
    mask = new.shape[0] - 1
    for r in range(old.shape[0]):
        if old[r, 1] != 0:
            at = place_kernel(old[r, 0], mask)
            while new[at, 1] != 0:
                at = (at + 1) & mask
            for k in range(old.shape[1]):
                new[at, k] = old[r, k]


@njit(cache=True, nogil=True)
def add_kernel(table, used, keys, values, column, first, n):
    """Add the lines first..n-1 to a hash table; returns the first line not done, n unless it is two thirds full.

    keys int64[n]; values int64[n, 4]: fen, weight, quantity, fen of goods; column: which of these is the row's weight
    used int64[1]: keys of the table, brought up to date
    """
    block = 1024
    places = np.empty((block, 2), np.int64)
    mask = table.shape[0] - 1
    while first < n and 3 * (used[0] + block) <= 2 * table.shape[0]:
        last = min(first + block, n)
        # All rows are fetched before any is used, so that the memory answers many at once.
        for i in range(first, last):
            at = place_kernel(keys[i], mask)
            places[i - first, 0] = at
            places[i - first, 1] = table[at, 1]
        for i in range(first, last):
            at, key = places[i - first, 0], keys[i]
            while table[at, 1] != 0 and table[at, 0] != key:
                at = (at + 1) & mask
            if table[at, 1] == 0:
                table[at, 0] = key
                used[0] += 1
            table[at, 1] += 1
            table[at, 2] += values[i, 0]
            table[at, 3] += values[i, column]
            table[at, 4] += values[i, 2]
        first = last
    return first


@njit(cache=True, nogil=True)
def add_object_kernel(table, pages, free, things, keys, values, first, n):
    """Add the lines first..n-1 to the pages of their objects; returns the first line not done, n unless room is short.

    table int64[rows, 4]; pages int64[objects, 3]: first row, rows (a power of two, 0 = no page yet), keys of the page
    free int64[64]: [0] the first row never used, [k] the first of the chained free pages of 2**k rows, -1 none
    things int64[n] objects, keys int64[n], values as in `add_kernel`
    """
    block = 1024
    places = np.empty((block, 2), np.int64)
    while first < n:
        last = min(first + block, n)
        for i in range(first, last):
            thing = things[i]
            at = pages[thing, 0] + place_kernel(keys[i], pages[thing, 1] - 1) if pages[thing, 1] != 0 else 0
            places[i - first, 0] = table[at, 1]  # fetched before any is used, as above
        for i in range(first, last):
            thing, key = things[i], keys[i]
            start, rows = pages[thing, 0], pages[thing, 1]
            if 4 * pages[thing, 2] >= 3 * rows:
                wanted = max(2 * rows, FIRST_PAGE)
                size = 0
                while (1 << size) < wanted:
                    size += 1
                fresh = free[size]
                if fresh >= 0:
                    free[size] = table[fresh, 0] - 1
                    table[fresh, 0] = 0
                elif free[0] + wanted > table.shape[0]:
                    return i
                else:
                    fresh = free[0]
                    free[0] += wanted
                for row in range(start, start + rows):
                    if table[row, 1] != 0:
                        at = place_kernel(table[row, 0], wanted - 1)
                        while table[fresh + at, 1] != 0:
                            at = (at + 1) & (wanted - 1)
                        for k in range(4):
                            table[fresh + at, k] = table[row, k]
                            table[row, k] = 0
                if rows != 0:
                    table[start, 0] = free[size - 1] + 1
                    free[size - 1] = start
                start, rows = fresh, wanted
                pages[thing, 0], pages[thing, 1] = start, rows
            at = place_kernel(key, rows - 1)
            while table[start + at, 1] != 0 and table[start + at, 0] != key:
                at = (at + 1) & (rows - 1)
            at += start
            if table[at, 1] == 0:
                table[at, 0] = key
                pages[thing, 2] += 1
            table[at, 1] += 1
            table[at, 2] += values[i, 0]
            table[at, 3] += values[i, 1]
        first = last
    return n


@njit(cache=True, nogil=True)
def order_kernel(keys):
    """Positions int64[n] that sort keys int64[n] >= 0, equal ones in their order (radix sort, 11 bits a pass)."""
    n = keys.size
    highest = keys.max() if n > 0 else np.int64(0)
    key, spare_key = keys.copy(), np.empty(n, np.int64)
    order, spare = np.arange(n), np.empty(n, np.int64)
    starts = np.empty(2049, np.int64)
    shift = 0
    while shift < 63 and highest >> shift != 0:
        starts[:] = 0
        for i in range(n):
            starts[((key[i] >> shift) & 2047) + 1] += 1
        for digit in range(2048):
            starts[digit + 1] += starts[digit]
        for i in range(n):
            digit = (key[i] >> shift) & 2047
            spare_key[starts[digit]] = key[i]
            spare[starts[digit]] = order[i]
            starts[digit] += 1
        key, spare_key = spare_key, key
        order, spare = spare, order
        shift += 11
    return order


@njit(cache=True, nogil=True)
def key_kernel(
    first, last, sizes, case_at, case_map, kind_at, kind_map, order_at, order_map, exec_at, exec_map, item_at, item_map,
    qty, amount, flagged, has_visit, day, dept_unit, item_factors, item_goods, item_unit, other_factors,
    keys, values, counts, sums, tally,
):  # fmt: skip
    """Keys and values of the lines first..last-1 of a batch; returns how many lines have them, m.

    sizes int64: cases, departments, service units, items, suspense department (-1: none), first and last day
    *_at int32[n], *_map int32: number of the code of line i is map[at[i]]; -1 blank, -2-k the unknown code number k;
        kinds are 0 inpatient, 1 outpatient, 2 non-patient
    qty, amount float64[n], NaN = missing; flagged, has_visit uint8[n]; day int32[n] or [0], -2**31 = missing
    dept_unit int32[departments]; item_factors float64[items, 2]: weight = [0] * qty + [1] * yuan; item_goods int8: 0
        none, 1 drug, 2 material; item_unit int32: -1 = that of the department; other_factors float64[2]: the factors
        of unknown items
    keys int64[4, >=m]: object, and keys of object table, items, orders; values int64[>=m, 4]: fen, weight, quantity,
        fen if the line is goods
    counts int64: see COUNTS; sums float64[3]: absolute fen, weight, quantity; tally int64[codes, 2]: lines and fen of
        each unknown code

    Lines that lack a department, an item or a number are passed over; the caller refuses them.
    """
    n_cases, n_depts, n_units, n_items = sizes[0], sizes[1], sizes[2], sizes[3]
    suspense, first_day, last_day = sizes[4], sizes[5], sizes[6]
    slots = n_units + 2
    m = 0
    total_fen = np.int64(0)
    total_weight, total_volume, total_absolute = 0.0, 0.0, 0.0
    for i in range(first, last):
        performer = np.int64(exec_map[exec_at[i]])
        item = np.int64(item_map[item_at[i]])
        a, q = amount[i], qty[i]
        if performer == -1 or item == -1 or np.isnan(a) or np.isnan(q):
            continue
        kind = kind_map[kind_at[i]]
        case = np.int64(case_map[case_at[i]])
        orderer = np.int64(order_map[order_at[i]])
        # Beyond these, float64 and int64 no longer hold every whole number.
        if not (abs(a) < 4e13 and abs(q) < 4e9):
            counts[15] += 1
            continue
        back = flagged[i] != 0 or a < 0.0 or (a == 0.0 and q < 0.0)
        if back:
            if q > 0.0:
                q = -q
                if flagged[i] == 0:
                    counts[5] += 1
            a = -abs(a)
        elif q < 0.0:
            counts[6] += 1
        whole = np.rint(a * 100.0)
        if abs(a * 100.0 - whole) > 1e-3:
            counts[4] += 1
        fen = np.int64(whole)
        total_fen += fen
        if back:
            counts[2] += 1
            counts[3] += fen
        if day.size != 0 and day[i] != -2147483648 and (day[i] < first_day or day[i] > last_day):
            counts[13] += 1
            counts[14] += fen

        if kind <= -2:
            tally[-2 - kind, 0] += 1
            tally[-2 - kind, 1] += fen
            kind = -1
        if case >= 0 and kind <= 0:
            thing = case
            patient = 0
        elif kind == 1 or (kind == -1 and case == -1 and has_visit[i] != 0):
            thing = n_cases
            patient = 1
        elif kind == 2:
            thing = n_cases + 1
            patient = 2
        else:
            thing = n_cases + 2
            patient = 0 if case != -1 or kind == 0 else 2
            counts[7] += 1
            counts[8] += fen
            if case == -1:
                counts[9] += 1
                counts[10] += fen
            else:
                tally[-2 - case, 0] += 1
                tally[-2 - case, 1] += fen
        if case >= 0 and kind > 0:
            counts[11] += 1
            counts[12] += fen

        if performer <= -2:
            tally[-2 - performer, 0] += 1
            tally[-2 - performer, 1] += fen
            performer = suspense
        if orderer == -1:
            orderer = performer
        elif orderer <= -2:
            tally[-2 - orderer, 0] += 1
            tally[-2 - orderer, 1] += fen
            orderer = suspense
        if item <= -2:
            tally[-2 - item, 0] += 1
            tally[-2 - item, 1] += fen
            item = n_items - 2 - item
            qty_factor, amount_factor, goods, unit = other_factors[0], other_factors[1], 0, -1
        else:
            qty_factor, amount_factor = item_factors[item, 0], item_factors[item, 1]
            goods, unit = item_goods[item], item_unit[item]
        if performer < 0 or orderer < 0:
            continue
        # Rounded line by line to millionths, so that sums are those of whole numbers and have no order.
        weight = np.rint((qty_factor * q + amount_factor * (fen / 100.0)) * 1e6)
        volume = np.rint(q * 1e6)
        if not abs(weight) < 9e15:
            counts[15] += 1
            continue
        total_absolute += abs(whole)
        total_weight += abs(weight)
        total_volume += abs(volume)
        keys[0, m] = thing
        if goods != 0:
            keys[1, m] = (thing * n_depts + orderer) * slots + n_units + goods - 1
            values[m, 3] = fen
        else:
            keys[1, m] = (thing * n_depts + performer) * slots + (dept_unit[performer] if unit < 0 else unit)
            values[m, 3] = 0
        keys[2, m] = (performer << 32) + item
        keys[3, m] = (orderer * n_depts + performer) * 3 + patient
        values[m, 0] = fen
        values[m, 1] = np.int64(weight)
        values[m, 2] = np.int64(volume)
        m += 1
    counts[0] += last - first
    counts[1] += total_fen
    sums[0] += total_absolute
    sums[1] += total_weight
    sums[2] += total_volume
    return m
