"""Payment by weight and rate (费率法), and published weight tables (权重表).

payment = weight of the group x rate x level coefficient; the rate is the predicted expenditure divided by the predicted
total weight, set per level of hospital where the city grades it (CHS-DRG payment, 国家医疗保障局, formula as recalled).
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.fen import share_out, to_fen
from drgengine.costing.intake.rownumbers import row_numbers
from drgengine.costing.intake.vocabulary import tables
from drgengine.costing.value.groupstats import Floats, number_array, number_groups
from drgengine.costing.value.paymentrules import as_cases
from drgengine.errors import CostingError

_NUMBER_CODE = re.compile(r"\d+\.\d*")


@dataclass(frozen=True, slots=True)
class WeightTable:
    """A published weight table (权重表): weight and name per group, in the order of the file."""

    source: str
    weights: dict[str, float]
    names: dict[str, str]


def read_weight_table(path: str | os.PathLike[str], columns: Mapping[str, str] | None = None) -> WeightTable:
    """Read a published weight table from CSV, Parquet or Excel; Chinese headers are known.

    columns : canonical name (drg, weight, name) -> header of the file, where the header is not known

    Raises InputFileError for a file that cannot be read; CostingError with the row for a code that is empty, a number
    or stands there twice, and a weight that is missing, no number or not above 0.
    """
    from drgengine.formats import open_source

    with open_source(path, keep_personal=True, dictionary_columns=()) as source:
        headers = find_headers(list(source.schema.names), columns or {}, str(path))
        rows = [row for batch in source.batches() for row in batch.select(list(headers.values())).to_pylist()]
    found = [{name: row[header] for name, header in headers.items()} for row in rows]
    return weight_table(found, str(path), row_numbers(Path(path), np.arange(len(rows))).tolist())


def weight_table(
    rows: Sequence[Mapping[str, Any]], source: str = "weights", numbers: Sequence[int] | None = None
) -> WeightTable:
    """A weight table out of rows with drg, weight and optionally name; errors as in read_weight_table.

    numbers : of the rows in their file, for messages; counted from 1 without

    >>> weight_table([{"drg": "FR21", "weight": "1.52"}]).weights
    {'FR21': 1.52}
    """
    weights: dict[str, float] = {}
    names: dict[str, str] = {}
    seen: dict[str, int] = {}
    for number, row in zip(numbers or range(1, len(rows) + 1), rows, strict=True):
        place = f"{source} row {number}"
        drg = _code(row.get("drg"), place)
        if drg in seen:
            problem = f"the group {drg} stands already in row {seen[drg]}"
            raise CostingError(place, problem, "Keep the row that is in force")
        seen[drg] = number
        weights[drg] = _weight(row.get("weight"), f"{place} ({drg})")
        name = row.get("name")
        names[drg] = "" if name is None or name != name else str(name).strip()
    if not weights:
        raise CostingError(source, "the weight table has no row", "Export it again")
    return WeightTable(source, weights, names)


def find_headers(headers: list[str], columns: Mapping[str, str], place: str) -> dict[str, str]:
    """Canonical name -> header; CostingError when drg or weight has no header or two."""
    for header in columns.values():
        if header not in headers:
            raise CostingError(place, f"there is no column {header!r}", f"It has {', '.join(headers)}")
    match = tables()["weights"].match([header for header in headers if header not in columns.values()])
    for name, first, second in match.twice:
        if name not in columns:
            shown = f"the columns {first} and {second} could both be {name!r}"
            raise CostingError(place, shown, f'Name one: columns={{"{name}": "{first}"}}')
    found = {**match.columns, **columns}
    for name in ("drg", "weight"):
        if name not in found:
            remedy = f'Name it: columns={{"{name}": ...}}; the table has {", ".join(headers)}'
            raise CostingError(place, f"no column holds {name!r}", remedy)
    return found


def _code(value: Any, place: str) -> str:
    if value is None or value != value or not str(value).strip():
        raise CostingError(place, "the group code is empty", "Fill it in or delete the row")
    code = unicodedata.normalize("NFKC", str(value)).strip()
    if not isinstance(value, str) or _NUMBER_CODE.fullmatch(code):
        remedy = "Store codes as text, with their zeros, as they are printed"
        raise CostingError(place, f"the group code {value} is a number", remedy)
    return code


def _weight(value: Any, place: str) -> float:
    try:
        weight = float(value)
    except (TypeError, ValueError):
        weight = math.nan
    if not 0 < weight < math.inf:
        raise CostingError(place, f"the weight {value!r} is no number above 0", "Correct it, or delete the row")
    return weight


@dataclass(frozen=True, slots=True, eq=False)
class RatePayment:
    """Payment per case by weight and rate (费率法支付).

    payment : float64[n], yuan in whole fen, NaN for a case whose group has no weight (never 0)
    weight : float64[n], NaN where missing; rate : yuan per weight; total : yuan, exact sum of the payments
    missing : (group, cases) without weight in the order of the codes; n_without_group : cases without group code
    n_default_coefficient : cases whose coefficient was missing and taken as 1
    weights_from : where the weights come from, for every output
    """

    payment: Floats
    weight: Floats
    rate: float
    total: float
    missing: tuple[tuple[str, int], ...]
    n_without_group: int
    n_default_coefficient: int
    weights_from: str = field(default="")

    @property
    def paid(self) -> npt.NDArray[np.bool_]:
        """bool[n], False for cases without payment."""
        return np.isfinite(self.payment)


def rate_payment(
    weights: Mapping[str, float],
    drg: Any,
    rate: float | None = None,
    coefficient: npt.ArrayLike = 1.0,
    *,
    total: float | None = None,
    weights_from: str = "",
) -> RatePayment:
    """Payment of every case = weight x rate x coefficient, in whole fen (费率法).

    weights : weight per group: WeightTable.weights or Weights.by_group
    drg : text[n]; null for a case without group
    rate : yuan per weight, > 0
    coefficient : level coefficient (等级系数), one or per case; a missing one counts as 1 and is counted
    total : in place of a rate the yuan that payments shall add up to, to the fen (rest to the largest remainders)

    Raises CostingError: neither or both of rate and total, one not above 0, coefficient not above 0, lengths, no case
    with a weight to spread a total over.

    >>> found = rate_payment({"FR21": 1.5}, ["FR21", "FR29", None], rate=10_000)
    >>> found.payment.tolist(), found.missing, found.n_without_group
    ([15000.0, nan, nan], (('FR29', 1),), 1)
    """
    given = rate if rate is not None else total
    if (rate is None) == (total is None) or given is None or not 0 < given < math.inf:
        shown = f"rate {rate} and total {total}"
        raise CostingError("payment", f"{shown} do not say the price of a weight", "Give one of them, above 0")
    number, groups = number_groups(drg, "drg")
    by_number = np.array([*(weights.get(group, math.nan) for group in groups), math.nan], np.float64)
    weight = by_number[number]
    factor, missing_factors = _coefficients(coefficient, number.size)
    valued = weight * factor
    payable = np.isfinite(valued)
    if rate is None:
        whole = int(to_fen(total))
        if not payable.any():
            raise CostingError("payment", "no case has a weight", "Check the weight table against the groups")
        fen = share_out(valued[payable], whole)
        price = whole / 100 / float(valued[payable].sum())
    else:
        fen, price = to_fen(valued[payable] * rate), float(rate)
    payment = np.full(number.size, np.nan)
    payment[payable] = fen / 100
    cases = np.bincount(number[number >= 0], minlength=len(groups))
    return RatePayment(
        payment=payment,
        weight=weight,
        rate=price,
        total=int(fen.sum()) / 100,
        missing=tuple((g, int(cases[i])) for i, g in enumerate(groups) if not np.isfinite(by_number[i])),
        n_without_group=int(np.count_nonzero(number < 0)),
        n_default_coefficient=missing_factors,
        weights_from=weights_from,
    )


def _coefficients(coefficient: Any, n: int) -> tuple[Floats, int]:
    values = pd.Series(coefficient).to_numpy(np.float64, na_value=np.nan) if np.ndim(coefficient) else coefficient
    factor = as_cases(values, n, "coefficient").astype(np.float64)
    absent = np.isnan(factor)
    factor = np.where(absent, 1.0, factor)
    wrong = ~((factor > 0) & np.isfinite(factor))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        problem = f"the coefficient {factor[first]:g} is not above 0"
        raise CostingError(f"case {first + 1}", problem, "Correct it; 1 changes nothing")
    return factor, int(np.count_nonzero(absent))


def predicted_rate(expenditure: float, weight: npt.ArrayLike) -> float:
    """Rate (费率) = predicted expenditure in yuan / predicted total weight.

    Raises CostingError when the weight is not above 0.

    >>> predicted_rate(9_000.0, [0.5, 1.0])
    6000.0
    """
    whole = float(np.nansum(number_array(weight, "weight")))
    if not whole > 0:
        raise CostingError("rate", f"the total weight is {whole:g}", "Check the weights and the groups of the cases")
    return expenditure / whole
