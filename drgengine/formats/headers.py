"""Which columns of a file are read (列投影): by header, before anything else of the file is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from drgengine.cases.columns import drop_personal
from drgengine.cases.shown import look_like_values, shown_name
from drgengine.errors import InputFileError

Columns = Callable[[list[str]], Sequence[str]]

_INVISIBLE = "\ufeff\u200b\0"


def clean_headers(cells: Sequence[str]) -> list[str]:
    """Headers without byte order mark and blanks around them; a nameless column is named by its place.

    >>> clean_headers(["\\ufeffdx ", "", "A48"])
    ['dx', 'column_2', 'A48']
    """
    return [cell.strip(_INVISIBLE).strip().strip(_INVISIBLE) or f"column_{n}" for n, cell in enumerate(cells, 1)]


def choose_columns(
    path: Path, headers: list[str] | pa.Schema, columns: Columns | None, keep_personal: bool
) -> tuple[list[int], tuple[str, ...]]:
    """Places of the columns to read, in the order of the file, and the personal columns left out.

    headers : all of them, as clean_headers gives them, or the schema of the file (for personal fields in structs)
    columns : None reads all; otherwise called with the headers, returns those wanted

    Raises InputFileError when a wanted column is there twice; ValueError when one is wanted that is not there.
    """
    schema = pa.schema([(name, pa.string()) for name in headers]) if isinstance(headers, list) else headers
    names = schema.names
    wanted = names if columns is None else list(columns(list(names)))
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        raise ValueError(f"columns wanted that the file does not have: {', '.join(map(shown_name, unknown))}")
    if isinstance(headers, list) or columns is not None:
        refuse_repeated(path, names, set(wanted))
    dropped = () if keep_personal else tuple(dict.fromkeys(drop_personal(schema)))
    taken = set(wanted).difference(dropped)
    return [place for place, name in enumerate(names) if name in taken], dropped


def refuse_repeated(path: Path, names: list[str], wanted: set[str] | None = None) -> None:
    """InputFileError when two columns have one (wanted) name; a first row that is a patient's is not quoted."""
    seen: set[str] = set()
    twice = None
    for name in names:
        if name in seen and (wanted is None or name in wanted):
            twice = name
            break
        seen.add(name)
    if twice is None:
        return
    found = [str(position) for position, name in enumerate(names, 1) if name == twice]
    places = " and ".join(found) if len(found) < 4 else f"{', '.join(found[:3])} and {len(found) - 3} more"
    if look_like_values(names):
        problem = f"columns {places} have the same name, and the names look like the values of a case"
        raise InputFileError(str(path), problem, "Put the column names in the first row")
    problem = f"columns {places} are both named {shown_name(twice)!r}"
    raise InputFileError(str(path), problem, "Give every column a name of its own")
