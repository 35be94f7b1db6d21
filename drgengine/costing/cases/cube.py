"""The case cost cube (病例成本立方体) as an Arrow table and as a Parquet file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from drgengine.formats import open_sink

if TYPE_CHECKING:
    from drgengine.costing.cases.casecosts import CaseCosts

TEXTS = ("case_id", "kind", "drg")
BATCH_OBJECTS = 20_000
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def cube_table(costs: CaseCosts) -> Any:
    """The whole cube: object, case_id, kind, centre_group, element, cost, variable_cost; see CaseCosts.cube."""
    row, element = np.nonzero((costs.cost != 0) | (costs.variable != 0))
    texts = {name: _encode(costs.objects[name]) for name in ("case_id", "kind")}
    thing = costs.row_object[row]
    return pa.table({"object": pa.array(thing), **_columns(costs, texts, row, element)})


def write_cube(costs: CaseCosts, path: str | os.PathLike[str]) -> int:
    """Write the cube to a file (.parquet, zstd; also .csv), whole or not at all; returns the number of rows.

    One row per object, centre group and element that is not nothing. Columns case_id, kind, drg (texts; null where the
    object is no case or the table does not say), centre_group, element, cost and variable_cost in yuan, whole fen. In
    the order of objects, centre groups, elements.

    Raises OutputFileError: the place cannot be written.
    """
    texts = {name: _encode(costs.objects[name]) for name in TEXTS}
    names = [*TEXTS, "centre_group", "element"]
    amounts = [pa.field("cost", pa.float64()), pa.field("variable_cost", pa.float64())]
    schema = pa.schema([*(pa.field(name, _DICTIONARY) for name in names), *amounts])
    shown = pa.schema([*(pa.field(name, pa.string()) for name in names), *amounts])
    written = 0
    with open_sink(path, schema, output_schema=shown) as sink:
        for batch in _batches(costs, texts):
            sink.write(pa.RecordBatch.from_arrays([batch[name] for name in schema.names], schema=schema))
            written += len(batch["cost"])
    return written


def _batches(costs: CaseCosts, texts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The columns of the rows of some objects at a time, so that the long form never stands in memory as a whole."""
    for first in range(0, len(costs.objects), BATCH_OBJECTS):
        start, stop = np.searchsorted(costs.row_object, [first, first + BATCH_OBJECTS])
        part = slice(int(start), int(stop))
        row, element = np.nonzero((costs.cost[part] != 0) | (costs.variable[part] != 0))
        yield _columns(costs, texts, row + int(start), element)


def _columns(
    costs: CaseCosts, texts: dict[str, Any], row: npt.NDArray[np.int64], element: npt.NDArray[np.int64]
) -> dict[str, Any]:
    thing = costs.row_object[row]
    columns: dict[str, Any] = {name: _take(values, thing) for name, values in texts.items()}
    group = costs.row_group[row].astype(np.int32)
    columns["centre_group"] = pa.DictionaryArray.from_arrays(
        pa.array(group), pa.array(costs.centre_groups, pa.string())
    )
    columns["element"] = pa.DictionaryArray.from_arrays(
        pa.array(element.astype(np.int32)), pa.array(costs.elements, pa.string())
    )
    columns["cost"] = pa.array(costs.cost[row, element] / 100)
    columns["variable_cost"] = pa.array(costs.variable[row, element] / 100)
    return columns


def _encode(values: Any) -> Any:
    """Texts of the objects as a dictionary array."""
    return pa.array(values.astype(object), pa.string(), from_pandas=True).dictionary_encode()


def _take(values: Any, thing: npt.NDArray[np.int32]) -> Any:
    """The text of each row: codes are looked up, the dictionary is shared."""
    codes = np.asarray(values.indices.fill_null(-1))[thing]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values.dictionary)
