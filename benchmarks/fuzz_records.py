"""Tables whose every cell is hostile, for the front page reader, the cleaners and the grouping (记录级变异)."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import fuzz_mutate as mutations
import fuzz_seeds as seeds
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fuzz_checks import Broken, check_evidence
from fuzz_columns import hostile_column, hostile_texts, numpy_of, raw_strings

from drgengine.formats import cleaning

PAGE_ROWS, GROUP_ROWS, VALUE_ROWS = 2_000, 4_000, 5_000
_GARBLED = ("\ufffd", "锟斤拷", "Â", "Ã")


# ------------------------------------------------------------------ front pages


def make_pages(rng: random.Random) -> tuple[str, pa.Table]:
    """Front pages of one dialect, every cell drawn; a row number and a note that must come back as they are."""
    dialect = rng.choice(seeds.DIALECTS)
    header, *rows = seeds.page_texts()[dialect]
    typed = rng.random() < 0.3
    bad = () if rng.random() < 0.02 else _GARBLED
    table: dict[str, Any] = {"ROW_TAG": [f"r{number}" for number in range(PAGE_ROWS)]}
    for at, name in enumerate(header):
        honest = [row[at] for row in rows]
        if typed and rng.random() < 0.5:
            table[name] = hostile_column(rng, PAGE_ROWS, honest, bad)
        else:
            table[name] = pa.array(hostile_texts(rng, PAGE_ROWS, honest, 60, bad))
    table["NOTE"] = hostile_texts(rng, PAGE_ROWS, [], 60, bad)
    return ("pages.parquet" if typed or rng.random() < 0.4 else "pages.csv"), pa.table(table)


def write_records(given: tuple[str, pa.Table], folder: Path) -> tuple[Path, pa.Table]:
    """The table as a file; text loses its zero bytes, which no text file may hold."""
    path, table = folder / given[0], given[1]
    if path.suffix == ".parquet":
        pq.write_table(table, path)
        return path, table
    columns = [[(text or "").replace("\0", "") for text in column.to_pylist()] for column in table.columns]
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([table.column_names, *zip(*columns, strict=True)])
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return path, pa.table(dict(zip(table.column_names, columns, strict=True)))


def read_pages(given: tuple[str, pa.Table], folder: Path) -> Any:
    """read_front_page: every record comes back, in order, with the columns that were to be kept as they were."""
    from drgengine.formats import read_front_page

    path, table = write_records(given, folder)
    edition = ("insurance", "clinical")[table.num_columns % 2]
    pages = read_front_page(path, code_edition=edition, keep=("ROW_TAG", "NOTE"))
    check_evidence(pages)
    for name in ("ROW_TAG", "NOTE"):
        if pages.table[name].to_pylist() != table[name].to_pylist():
            raise Broken(f"{name} did not come back as it was")
    pages.table.validate(full=True)
    return pages.table, pages.issues


# ------------------------------------------------------------------ cleaners


def _dates(values: pa.Array, other: pa.Array, first: int) -> list[Any]:
    return [cleaning.clean_dates(values, "c", first, hours=other, hours_column="h")]


def _ages(values: pa.Array, other: pa.Array, first: int, unit: str) -> list[Any]:
    birth = cleaning.clean_dates(other, "b", first).values
    admitted = cleaning.clean_dates(values, "a", first).values
    names = {"years_column": "y", "days_column": "d", "birth_column": "b"}
    alone = cleaning.clean_ages(values, other, None, None, first, **names)
    return [*cleaning.clean_ages(values, other, birth, admitted, first, **names, days_unit=unit), *alone]


def _charges(values: pa.Array, other: pa.Array, first: int) -> list[Any]:
    one, two = (cleaning.clean_charges(given, "c", first) for given in (values, other))
    parts = {"charge_surgical_treatment": two.values}
    found = cleaning.check_charges(one.values, "t", parts, {"of_which_operation": (one.values, "o")}, first)
    return [one, two, cleaning.Cleaned(one.values, found)]


@cache
def _known(kind: str) -> frozenset[str]:
    from drgengine.cases.editions import load_edition

    return load_edition({"dx": "icd10-yb-2.0", "proc": "icd9cm3-yb-2.0"}[kind]).known


def _codes(values: pa.Array, other: pa.Array, first: int, kind: str, plus: str) -> list[Any]:
    from drgengine.formats.codemaps import apply_codes

    slots = [
        cleaning.CodeSlot(0, "p", values, names=other),
        cleaning.CodeSlot(2, "q", other, added=values, added_column="a"),
    ]
    done = cleaning.clean_codes(slots, kind, first, known=_known(kind), plus=plus)
    listed = cleaning.clean_code_list(values, "l", kind, first, known=_known(kind), plus=plus)
    mapped = apply_codes(done, None, frozenset({"I10.X00"}), kind, {0: "p", 2: "q"}, first, known=_known(kind))
    return [done, listed, cleaning.Cleaned(mapped.codes, mapped.issues)]


def _single(clean: Callable[..., Any], values: pa.Array, other: pa.Array, first: int) -> list[Any]:
    return [clean(values, "c", first), clean(other, "d", first)]


CLEANERS: dict[str, Callable[[pa.Array, pa.Array, int], list[Any]]] = {
    "dates": _dates,
    "charges": _charges,
    **{f"ages in {unit}": partial(_ages, unit=unit) for unit in ("days", "months", "unknown")},
    **{f"{kind} codes, + {plus}": partial(_codes, kind=kind, plus=plus) for kind in ("dx",
    "proc") for plus in ("auto", "join", "separate")},
    **{f"domain {name}": partial(_single, partial(cleaning.clean_domain, domain=name))
       for name in ("sex", "disposition", "admission_condition", "admission_route", "payment", "yes_no_plan")},
    "weights": partial(_single, cleaning.clean_weights),
    "identifiers": partial(_single, cleaning.clean_identifier),
    "departments": partial(_single, cleaning.clean_department),
    "hours": partial(_single, cleaning.clean_hours),
    "stay days": partial(_single, cleaning.clean_stay_days),
}  # fmt: skip
_AS_TEXT = ("codes", "identifiers", "departments")


def make_values(rng: random.Random) -> tuple[str, pa.Array, pa.Array, int]:
    """Two hostile columns for one of the cleaners, half of them text."""
    name = rng.choice(sorted(CLEANERS))
    half = VALUE_ROWS // 2
    if rng.random() < 0.5 or "codes" in name:
        columns = [pa.array(hostile_texts(rng, half, [], 600)) for _ in range(2)]
    else:
        columns = [hostile_column(rng, half, []) for _ in range(2)]
    return name, columns[0], columns[1], rng.choice((1, 1, 131_073))


def read_values(given: tuple[str, pa.Array, pa.Array, int], folder: Path) -> Any:
    """One cleaner: as many values out as in, evidence inside the batch, and the same from two batches."""
    name, values, other, first = given
    clean = CLEANERS[name]
    whole = [check_cleaned(found, len(values), first) for found in clean(values, other, first)]
    cut = len(values) // 3
    if first == 1:
        for at, (begin, size) in enumerate(((0, cut), (cut, len(values) - cut))):
            part = [
                check_cleaned(found, size, 1 + begin)
                for found in clean(values.slice(begin, size), other.slice(begin, size), 1 + begin)
            ]
            for one, two in zip(whole, part, strict=True):
                if repr(one[0][begin : begin + size]) != repr(two[0]):
                    raise Broken(f"{name}: other values in part {at + 1} of the column")
    return whole


def check_cleaned(found: Any, size: int, first: int) -> tuple[list[Any], list[Any]]:
    """Values and issues of what a cleaner gave, checked."""
    values = getattr(found, "codes", None)
    values = found.values if values is None else values
    values.validate(full=True)
    if len(values) != size:
        raise Broken(f"{size} values in, {len(values)} out")
    told = []
    for issue in found.issues:
        rows = issue.rows
        if rows.size and (rows.min() < first or rows.max() >= first + size or (np.diff(rows) < 0).any()):
            raise Broken(
                f"{issue.rule}: rows {rows.min()} to {rows.max()} of {first} to {first + size - 1}, or out of order"
            )
        for beside in (issue.values, issue.cleaned, issue.hints):
            if beside is not None and len(beside) != rows.size:
                raise Broken(f"{issue.rule}: {len(beside)} values for {rows.size} rows")
        told.append((issue.column, issue.rule, rows.tolist(), issue.values, issue.cleaned, issue.hints))
    return values.to_pylist(), told


# ------------------------------------------------------------------ long texts


def make_long(rng: random.Random) -> str:
    """One text of runs."""
    return mutations.long_text(rng)


def read_long(text: str, folder: Path) -> Any:
    """Everything that looks at one text by patterns; a pattern that takes quadratic time runs into the time limit."""
    from drgengine.cases import resolve_columns
    from drgengine.cases.shown import look_like_values, shown_name
    from drgengine.errors import CaseTableError
    from drgengine.formats.profiles.headers import header_forms

    values = pa.array([text, text[:-1], "I10.x00"])
    told = [check_cleaned(found, 3, 1) for clean in CLEANERS.values() for found in clean(values, values, 1)]
    told += [header_forms(text), shown_name(text), look_like_values([text])]
    path = folder / "long.csv"
    path.write_text(
        '"' + text.replace('"', "").replace("\0", "")[:60_000] + '",BAH,JBDM,XB\n1,2,I10.x00,1\n', encoding="utf-8"
    )
    told += [_grouped(values), _opened(path), _listed(path, folder)]
    try:
        resolve_columns(pa.schema([("dx", pa.string()), (text, pa.string())]), None, "cases")
    except CaseTableError as error:
        told.append(str(error)[:100])
    return [repr(part)[:200] for part in told]


def _opened(path: Path) -> Any:
    from drgengine.errors import DrgEngineError
    from drgengine.formats import read_front_page

    try:
        return read_front_page(path, "n041", code_edition="insurance").table.num_rows
    except DrgEngineError as error:
        return error.problem


def _listed(path: Path, folder: Path) -> Any:
    from drgengine.errors import DrgEngineError
    from drgengine.formats import read_settlement

    inside = folder / "list"
    inside.mkdir(exist_ok=True)
    header = path.read_text(encoding="utf-8").split("\n")[0].rpartition('",')[0] + '",setl_id'
    (inside / "setlinfo.csv").write_text(f"{header}\n1,S1\n", encoding="utf-8")
    (inside / "diseinfo.csv").write_text("setl_id,diag_code,maindiag_flag\nS1,I10.x00,1\n", encoding="utf-8")
    try:
        return read_settlement(inside).table.num_rows
    except DrgEngineError as error:
        return error.problem


def _grouped(values: pa.Array) -> Any:
    import drgengine

    table = dict.fromkeys(
        ("dx", "proc", "sex", "age_years", "age_days", "stay_days", "birth_weight_g", "disposition"), values
    )
    return drgengine.group({**table, "department_id": values})["status"].to_pylist()


# ------------------------------------------------------------------ grouping


_CODES = (
    "I21.001",
    "I10.x00",
    "A18.808+I32.0*",
    "E11.900",
    "Z51.101",
    "O80.000",
    "P07.000",
    "51.2300",
    "36.0601",
    "74.1x00",
)
_SCALARS = ("sex", "age_years", "age_days", "birth_weight_g", "admission_weight_g", "stay_days", "disposition",
"ventilator_hours",
            "department_id", "admission_date", "discharge_date", "charge_total", "icu_hours")  # fmt: skip


def _lists(rng: random.Random, count: int) -> pa.Array:
    texts = [rng.choice(_CODES) if rng.random() < 0.6 else mutations.hostile_text(rng) for _ in range(400)]
    at = numpy_of(rng)
    sizes = at.integers(0, 6, count)
    if rng.random() < 0.1:
        sizes[rng.randrange(count)] = 10_000
    flat = [None if x == 3 else texts[x] for x in at.integers(0, len(texts), int(sizes.sum())).tolist()]
    offsets = np.cumsum(np.concatenate([[0], sizes])).astype(np.int32)
    items = pa.array(flat, rng.choice((pa.string(), pa.string(), pa.large_string())))
    if rng.random() < 0.2:
        items = items.dictionary_encode()
    if rng.random() < 0.1:
        pool = [rng.choice((b"\xff", b"I10\xed\xa0\x80", b"I10.x00", b"\xc3(")) for _ in range(50)]
        items = raw_strings(
            [pool[x] for x in at.integers(0, 50, len(flat)).tolist()], rng.choice((pa.string(), pa.binary()))
        )
    nulls = pa.array(at.random(count) < 0.05) if rng.random() < 0.5 else None
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=nulls)


def make_group(rng: random.Random) -> pa.Table:
    """Cases with lists, delimited text or numbered columns of codes, and one to three hostile columns of any type."""
    table: dict[str, Any] = {"row": pa.array(range(GROUP_ROWS))}
    form = rng.random()
    for name in ("dx", "proc"):
        if form < 0.5:
            table[name] = _lists(rng, GROUP_ROWS)
        elif form < 0.75:
            table[name] = pa.array(
                ["|".join(hostile_texts(rng, 2, list(_CODES), 4)) for _ in range(60)] * (GROUP_ROWS // 60)
                + [None] * (GROUP_ROWS % 60)
            )
        else:
            for number in range(3):
                table[f"{name}{number + 1}"] = pa.array(hostile_texts(rng, GROUP_ROWS, list(_CODES), 100))
    for name in rng.sample(_SCALARS, rng.randint(1, 3)):
        table[name] = hostile_column(rng, GROUP_ROWS, ["1", "2", "63", "2019-01-02"])
    return pa.table(table)


def read_group(table: pa.Table, folder: Path) -> Any:
    """group: every case comes back with its number and a status, whatever stands in it."""
    import drgengine

    issues = drgengine.IssueLog()
    done = drgengine.group(table, issues=issues, threads=1 + table.num_columns % 2)
    if not done["row"].equals(table["row"]) or done.column_names[: table.num_columns] != table.column_names:
        raise Broken("the cases did not come back as they were")
    if done["status"].null_count:
        raise Broken("a case without status")
    if any(not 1 <= row <= table.num_rows for shown in issues.examples.values() for row, _ in shown):
        raise Broken("an issue of a row that is not there")
    issues.to_table("zh")
    return done.select(["status", "mdc", "adrg", "drg", "severity", "reason"]), sorted(issues.counts.items())


RECORD_MAKERS: tuple[dict[str, Any], ...] = (
    {"name": "front page record", "make": make_pages, "read": read_pages, "inputs": 300, "per_block": 5,
    "counted": PAGE_ROWS, "seconds": 120.0},
    {"name": "grouping record", "make": make_group, "read": read_group, "inputs": 250, "per_block": 5,
    "counted": GROUP_ROWS, "seconds": 60.0},
    {"name": "cleaned value", "make": make_values, "read": read_values, "inputs": 1_000, "per_block": 20,
    "counted": VALUE_ROWS, "seconds": 60.0},
    {"name": "long text", "make": make_long, "read": read_long, "inputs": 300, "per_block": 20, "seconds": 15.0},
)  # fmt: skip
