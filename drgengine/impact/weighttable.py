"""Weights of groups from a table (权重表), kept as whole millionths so that sums are exact."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from drgengine.cases.shown import shown_names
from drgengine.errors import InputFileError
from drgengine.formats import open_source
from drgengine.impact.words import settings

DECIMALS = 6
SCALE = 10**DECIMALS
_UNIT = Decimal(1).scaleb(-DECIMALS)
_MOST = Decimal(1_000_000)
_NOISE = Decimal("1e-9")
_GIVEN = "given"
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Weights of groups.

    source : name of the file, or "given"; weights : code -> weight in millionths
    empty : codes without a weight in the table; rounded : weights that had more than six decimals
    """

    source: str
    weights: Mapping[str, int]
    empty: tuple[str, ...] = ()
    rounded: int = 0


def read_weights(given: Any) -> WeightTable:
    """Read the weights of groups.

    given : path of a table (.csv, .xlsx, .parquet) with the columns DRG编码 (or drg) and 权重 (or weight), further
        ones ignored; or a mapping code -> weight; or anything with `.weights`, such as evaluation's GroupWeights
    An empty weight is none. Weights are kept to six decimals.
    Raises InputFileError with the row (counted from the one below the headers): a code twice, a weight without code,
    a weight that is no number from 0; no such column.

    >>> read_weights({"FR11": 2.5, "FR13": "1.25"}).weights
    {'FR11': 2500000, 'FR13': 1250000}
    """
    if isinstance(given, WeightTable):
        return given
    if isinstance(given, str | os.PathLike):
        return _collected(Path(given).name, str(given), _rows(Path(given)))
    mapping = given if isinstance(given, Mapping) else getattr(given, "weights", None)
    if not isinstance(mapping, Mapping):
        problem = f"a {type(given).__name__} holds no weights"
        raise InputFileError("weights", problem, "Give a file, or a mapping from DRG code to weight")
    cells = ((at, str(code), _text(weight)) for at, (code, weight) in enumerate(mapping.items(), 1))
    return _collected(_GIVEN, "weights", cells)


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Row from 1, code and weight as texts."""
    with open_source(path, keep_personal=True, dictionary_columns=(), header="auto") as source:
        columns = _columns(path, source.schema.names)
        row = 1
        for batch in source.batches():
            cells = [batch.column(name).to_pylist() for name in columns]
            for code, weight in zip(*cells, strict=True):
                yield row, _text(code), _text(weight)
                row += 1


def _columns(path: Path, names: list[str]) -> tuple[str, str]:
    found = []
    for purpose, said in (("code", "DRG编码 (or drg)"), ("weight", "权重 (or weight)")):
        known = settings()["weight_headers"][purpose]
        fitting = [name for name in names if _folded(name) in known]
        if len(fitting) != 1:
            which = f"{len(fitting)} columns ({shown_names(fitting)}) hold" if fitting else "no column holds"
            problem = f"{which} the {'codes' if purpose == 'code' else 'weights'} among {shown_names(names)}"
            raise InputFileError(str(path), problem, f"Name one column {said}")
        found.append(fitting[0])
    return found[0], found[1]


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).replace("_", "").casefold()


def _text(cell: Any) -> str:
    text = "" if cell is None or cell != cell else str(cell)
    return unicodedata.normalize("NFKC", text).strip()


def _collected(source: str, place: str, rows: Iterator[tuple[int, str, str]]) -> WeightTable:
    """The table; what is wrong in its rows is told together."""
    weights: dict[str, int] = {}
    seen: dict[str, int] = {}
    empty: list[str] = []
    wrong: list[tuple[int, str, str]] = []
    rounded = 0
    for row, code, cell in rows:
        if not code and not cell:
            continue
        problem, remedy = _fault(code, cell, seen)
        if problem:
            wrong.append((row, problem, remedy))
            continue
        seen[code] = row
        if not cell:
            empty.append(code)
            continue
        exact = Decimal(cell)
        kept = exact.quantize(_UNIT, ROUND_HALF_EVEN)
        rounded += abs(kept - exact) > _NOISE
        weights[code] = int(kept * SCALE)
    if wrong:
        _refuse(place, wrong)
    if not weights:
        raise InputFileError(place, "there is no weight in the table", "Export the table again")
    return WeightTable(source, weights, tuple(empty), rounded)


def _fault(code: str, cell: str, seen: Mapping[str, int]) -> tuple[str, str]:
    """(problem, remedy) of a row, ("", "") when nothing is wrong with it."""
    if not code:
        return f"the weight {cell!r} has no code", "Fill in the code, or delete the row"
    if code in seen:
        return f"the code {code!r} stands there twice, first in row {seen[code]}", "Keep one of the two rows"
    if not cell:
        return "", ""
    try:
        number = Decimal(cell)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        problem = f"the weight {cell!r} of {code!r} is no number"
        return problem, "Write a number such as 1.25, without unit or comma"
    if number < 0 or number > _MOST:
        problem = f"the weight {cell} of {code!r} is {'negative' if number < 0 else 'too large'}"
        return problem, "Correct it, or delete the row"
    return "", ""


def _refuse(place: str, wrong: list[tuple[int, str, str]]) -> NoReturn:
    """Raise InputFileError for rows that are wrong: the first of them, and those that follow in short."""
    row, problem, remedy = wrong[0]
    others = [f"row {at}: {text}" for at, text, _ in wrong[1:_MOST_TOLD]]
    more = len(wrong) - 1 - len(others)
    told = "; ".join([problem, *others, *([f"{more} more rows"] if more else [])])
    raise InputFileError(f"{place}, row {row} below the headers", told, remedy)
