"""Reading the user's mapping tables and grey lists from CSV or XLSX."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from drgengine.cases.codes import mend_code
from drgengine.cases.shown import shown_names
from drgengine.errors import InputFileError
from drgengine.formats.cleaning.codecell import CellOptions, is_filler, split_marks
from drgengine.formats.cleaning.codeshape import Kind, looks_like_code
from drgengine.formats.codemaps.maptable import CodeMap, code_key, edition_data
from drgengine.formats.source import open_source

_IGNORED = re.compile(r"[\s()\[\]（）【】_]+")
_KINDS = {"dx": "diagnosis", "proc": "procedure"}
_NAME_THEM = "Name the two columns 国临版编码 and 医保版编码 (or source and target)"


def load_code_map(path: str | os.PathLike[str], *, kind: Kind = "dx") -> CodeMap:
    """Read a mapping table (编码对照表): one column of source codes, one of target codes, further ones ignored.

    path : CSV (UTF-8 or GB18030), XLSX or another table that open_source reads; headers such as 国临版编码,
        国临版2.0编码, 源编码, source -> 医保版编码, 医保版2.0编码, 目标编码, target
    kind : "dx" diagnoses, "proc" procedures

    A row without target says that the code has none. A source in several rows, or several targets in one cell, give
    several targets in the order of the file; an exact repetition counts once.

    Raises InputFileError: unreadable file, no or two columns for one side, a cell that is no code of the kind, a
    target without source, no entry at all.
    """
    entries: dict[str, tuple[str, ...]] = {}
    sources: set[str] = set()
    options = CellOptions(kind, frozenset())
    for row, (source_column, source), (target_column, target) in _pairs(path):
        code = _one(source)
        targets = [] if _says_none(target) else [_one(part) for part in split_marks(target, options)]
        targets = [found for found in targets if found]
        if not code and not targets:
            continue
        place = f"{path}, row {row}"
        if not code:
            raise InputFileError(
                place, f"the target {target!r} has no source code", f"Fill the column {source_column!r}, or delete it"
            )
        for column, value in ((source_column, code), *((target_column, found) for found in targets)):
            if not looks_like_code(value, kind):
                problem = f"{value!r} in the column {column!r} is no {_KINDS[kind]} code"
                raise InputFileError(place, problem, "Correct the cell, or give the table of the other kind")
        sources.add(code)
        key = code_key(code)
        entries[key] = tuple(dict.fromkeys((*entries.get(key, ()), *targets)))
    if not entries:
        raise InputFileError(str(path), "the mapping table holds no code", "Export the table again")
    return CodeMap(str(path), kind, entries, frozenset(sources))


def load_grey_codes(path: str | os.PathLike[str]) -> frozenset[str]:
    """Read a list of grey codes (灰码): a table with a code column, or a file with one column, with or without header.

    Raises InputFileError: unreadable file, no code column, a cell that is no code.
    """
    with open_source(path, keep_personal=True) as source:
        names = source.schema.names
        column = names[0] if len(names) == 1 else _grey_column(Path(path), names)
        cells = [cell for batch in source.batches() for cell in batch.column(column).cast("string").to_pylist()]
    if len(names) == 1 and _is_any_code(_one(column)):
        cells.insert(0, column)
    found: set[str] = set()
    for row, cell in enumerate(cells, 1):
        code = _one(cell or "")
        if code and not _is_any_code(code):
            raise InputFileError(f"{path}, row {row}", f"{code!r} is no code", "Correct the cell, or delete the row")
        found.add(code)
    found.discard("")
    if not found:
        raise InputFileError(str(path), "the list of grey codes holds no code", "Export the list again")
    return frozenset(found)


def _is_any_code(text: str) -> bool:
    return looks_like_code(text, "dx") or looks_like_code(text, "proc")


def _pairs(path: str | os.PathLike[str]) -> Iterator[tuple[int, tuple[str, str], tuple[str, str]]]:
    """Row number from 1, (source header, cell) and (target header, cell)."""
    with open_source(path, keep_personal=True, columns=lambda names: list(_sides(Path(path), names))) as table:
        source, target = _sides(Path(path), table.schema.names)
        first = 1
        for batch in table.batches():
            columns = [batch.column(name).cast("string").to_pylist() for name in (source, target)]
            for row, (before, after) in enumerate(zip(*columns, strict=True), first):
                yield row, (source, before or ""), (target, after or "")
            first += batch.num_rows


def _sides(path: Path, names: list[str]) -> tuple[str, str]:
    """The headers of the source and of the target column."""
    found = []
    for side in ("source", "target"):
        fitting = [name for name in names if _fits(name, side)]
        if len(fitting) != 1:
            which = f"{len(fitting)} columns ({shown_names(fitting)}) hold" if fitting else "no column holds"
            shown = shown_names(names[:6])
            raise InputFileError(str(path), f"{which} the {side} codes among the columns {shown}", _NAME_THEM)
        found.append(fitting[0])
    return found[0], found[1]


def _fits(name: str, side: str) -> bool:
    data = edition_data()
    plain = _folded(name)
    if plain in data["headers"][side]:
        return True
    words = data["header_words"]
    if any(word in plain for word in words["not"]):
        return False
    return any(word in plain for word in words[side]) and any(word in plain for word in words["code"])


def _grey_column(path: Path, names: list[str]) -> str:
    known = edition_data()["headers"]["grey"]
    fitting = [name for name in names if _folded(name) in known] or [name for name in names if _fits(name, "target")]
    if len(fitting) != 1:
        which = "several columns hold" if fitting else "no column holds"
        problem = f"{which} codes among {shown_names(names[:6])}"
        raise InputFileError(str(path), problem, "Name the column 灰码, or give a file with one column")
    return fitting[0]


def _folded(name: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()


def _one(cell: str) -> str:
    """A cell mended; "" for a filler."""
    text = mend_code(cell)[0]
    return "" if is_filler(text) else text


def _says_none(cell: str) -> bool:
    return _folded(cell) in {_folded(word) for word in edition_data()["no_target"]["words"]}
