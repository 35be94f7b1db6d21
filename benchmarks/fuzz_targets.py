"""What the fuzzing run hands its inputs to, and what must hold of every answer (变异测试目标).

An input of a file target is one changed file. A record target is handed tables of many records, each record drawn
anew; there the records are counted. A target returns whether the input was accepted; DrgEngineError means refused
politely, any other exception is a failure, and so is Broken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fuzz_mutate as mutations
import fuzz_seeds as seeds
import pyarrow as pa
from fuzz_checks import Broken, check_evidence, check_evidence_of_list, same_tables
from fuzz_records import RECORD_MAKERS

from drgengine.errors import DrgEngineError


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one input.

    accepted : False for a polite refusal; told : what must be the same when the input comes again
    """

    accepted: bool
    told: Any = None


@dataclass(frozen=True, slots=True)
class Target:
    """One place that takes inputs.

    make : draws the input; a file is (name, bytes) or several of them, records are a table
    read : (input, folder) -> told; raises for everything else
    counted : records in an input, 1 for files; per_block : inputs a worker takes at once
    share : of the whole run, in inputs; seconds : longest time of one input
    """

    name: str
    make: Callable[[random.Random], Any]
    read: Callable[[Any, Path], Any]
    inputs: int
    per_block: int
    counted: int = 1
    seconds: float = 20.0


def run(target: Target, given: Any, folder: Path) -> Answer:
    """Hand over one input. Raises Broken, or whatever else escapes."""
    try:
        return Answer(True, target.read(given, folder))
    except DrgEngineError as error:
        text = str(error)
        if len(text.splitlines()) != 1:
            raise Broken(f"a message of several lines: {text!r}") from error
        if len(text) > 2_000 + len(str(folder)):
            raise Broken(f"a message of {len(text)} characters") from error
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Broken(f"a message that cannot be printed: {text!r}") from error
        return Answer(False, text)


# ------------------------------------------------------------------ raw files


def _pick(rng: random.Random, of: Sequence[seeds.Seed]) -> seeds.Seed:
    return of[rng.randrange(len(of))]


def make_text(rng: random.Random) -> tuple[str, bytes]:
    """A changed CSV, TSV or packed CSV."""
    seed = _pick(rng, seeds.text_seeds())
    change = mutations.mutate_gzip if seed.name.endswith(".gz") else mutations.mutate_text_file
    return seed.name, change(rng, seed.data, seed.encoding)


def make_parquet(rng: random.Random) -> tuple[str, bytes]:
    """A changed Parquet file."""
    seed = _pick(rng, seeds.parquet_seeds())
    return seed.name, mutations.mutate_parquet(rng, seed.data)


def make_dbf(rng: random.Random) -> tuple[str, bytes]:
    """A changed DBF file."""
    seed = _pick(rng, seeds.dbf_seeds())
    return seed.name, mutations.mutate_dbf(rng, seed.data)


def make_book(rng: random.Random) -> tuple[str, bytes]:
    """A changed workbook, now and then under the ending of another kind of workbook."""
    seed = _pick(rng, seeds.book_seeds())
    stem = seed.name.partition(".")[0]
    name = seed.name if rng.random() < 0.9 else stem + rng.choice((".xls", ".xlsx", ".ods", ".xlsb"))
    return name, mutations.mutate_zip(rng, seed.data)


def make_page(rng: random.Random) -> tuple[str, bytes]:
    """A changed front page export."""
    seed = _pick(rng, seeds.page_seeds())
    if seed.name.endswith(".dbf"):
        return seed.name, mutations.mutate_dbf(rng, seed.data)
    if seed.name.endswith(".parquet"):
        return seed.name, mutations.mutate_parquet(rng, seed.data)
    return seed.name, mutations.mutate_text_file(rng, seed.data, seed.encoding)


def make_map(rng: random.Random) -> tuple[str, bytes]:
    """A changed mapping table."""
    seed = _pick(rng, seeds.map_seeds())
    return seed.name, mutations.mutate_text_file(rng, seed.data, seed.encoding)


def make_settlement(rng: random.Random) -> list[tuple[str, bytes]]:
    """A settlement list with one or two of its tables changed, now and then one gone."""
    tables = dict(seeds.settlement_seed())
    for name in rng.sample(sorted(tables), rng.randint(1, 2)):
        if rng.random() < 0.05:
            del tables[name]
        else:
            tables[name] = mutations.mutate_text_file(rng, tables[name], "utf-8")
    return list(tables.items())


def _placed(given: tuple[str, bytes], folder: Path) -> Path:
    path = folder / given[0]
    path.write_bytes(given[1])
    return path


def _all_rows(path: Path, batch_rows: int) -> tuple[Any, pa.Table]:
    from drgengine.formats import open_source

    with open_source(path, ragged="keep", batch_rows=batch_rows) as source:
        batches = list(source.batches())
        for batch in batches:
            if batch.schema != source.schema:
                raise Broken("a batch has another schema than its source")
            if batch.num_rows > batch_rows:
                raise Broken(f"a batch of {batch.num_rows} rows where {batch_rows} are most")
        table = pa.Table.from_batches(batches, source.schema)
        if source.num_rows is not None and source.num_rows != table.num_rows:
            raise Broken(f"{source.num_rows} rows told, {table.num_rows} read")
        for row, _ in source.ragged:
            if not 1 <= row <= table.num_rows:
                raise Broken(f"the ragged row {row} of {table.num_rows}")
        return (source.ragged, source.dropped, source.remarks), table


def read_raw(given: tuple[str, bytes], folder: Path) -> Any:
    """open_source, whole; now and then again in batches of two rows, which must give the same rows."""
    path = _placed(given, folder)
    told, table = _all_rows(path, 131_072)
    if len(given[1]) % 16 == 0:
        told_anew, anew = _all_rows(path, 2)
        if told_anew != told or not same_tables(anew, table):
            raise Broken("other rows in batches of two")
    return told, table


def read_parts(given: tuple[str, bytes], folder: Path) -> Any:
    """The check of a workbook's archive that comes before a process is started for it."""
    from drgengine.formats.excelzip import check_parts

    check_parts(_placed(given, folder))
    return None


def read_map(given: tuple[str, bytes], folder: Path) -> Any:
    """load_code_map."""
    from drgengine.formats.codemaps import load_code_map

    table = load_code_map(_placed(given, folder), kind="dx")
    return sorted(table.entries.items())


def read_page(given: tuple[str, bytes], folder: Path) -> Any:
    """read_front_page: a row for every row of the file, evidence inside the file."""
    from drgengine.formats import open_source

    path = _placed(given, folder)
    pages = _pages(path, len(given[1]))
    with open_source(path, ragged="keep") as source:
        rows = sum(batch.num_rows for batch in source.batches())
    if pages.table.num_rows != rows:
        raise Broken(f"{rows} rows in, {pages.table.num_rows} out")
    return pages.table, pages.issues


def _pages(path: Path, way: int, **options: Any) -> Any:
    from drgengine.formats import read_front_page

    edition = ("insurance", "clinical")[way % 2]
    pages = read_front_page(path, code_edition=edition, **options)
    check_evidence(pages)
    return pages


def read_list(given: list[tuple[str, bytes]], folder: Path) -> Any:
    """read_settlement."""
    from drgengine.formats import read_settlement

    for path in folder.iterdir():
        path.unlink()
    for table in given:
        _placed(table, folder)
    pages = read_settlement(folder)
    check_evidence_of_list(pages)
    return pages.table, pages.issues


FILES = (
    Target("text", make_text, read_raw, 110_000, 500),
    Target("parquet", make_parquet, read_raw, 100_000, 500),
    Target("dbf", make_dbf, read_raw, 100_000, 500),
    Target("workbook", make_book, read_raw, 3_000, 50, seconds=30),
    Target("workbook archive", make_book, read_parts, 30_000, 500),
    Target("mapping table", make_map, read_map, 40_000, 500),
    Target("front page file", make_page, read_page, 20_000, 100, seconds=30),
    Target("settlement list", make_settlement, read_list, 4_000, 50, seconds=30),
)
RECORDS = tuple(Target(**maker) for maker in RECORD_MAKERS)
TARGETS = (*RECORDS, *FILES)
