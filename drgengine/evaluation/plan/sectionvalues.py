"""One section of plan.toml as its dataclass of settings: kinds, choices, limits, files."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from drgengine.errors import DrgEngineError
from drgengine.evaluation.plan.keywords import limits
from drgengine.formats.source import check_input
from drgengine.tomltable import Table

GLOB_SIGNS = "*?["


@cache
def hints(kind: type) -> dict[str, Any]:
    """Field -> type."""
    return get_type_hints(kind)


def section(table: Table, name: str, kind: type, folder: Path, skip: Sequence[str] = ()) -> Any:
    """The settings of a section; a wrong value is reported and leaves the default. `skip` : fields read elsewhere."""
    empty = kind()
    values: dict[str, Any] = {}
    for entry in fields(kind):
        if entry.name not in skip:
            default = getattr(empty, entry.name)
            values[entry.name] = value(table, name, entry.name, hints(kind)[entry.name], default, folder)
    return replace(empty, **values)


def value(table: Table, name: str, key: str, kind: Any, default: Any, folder: Path) -> Any:
    """The value of one key."""
    if get_origin(kind) is UnionType or str(get_origin(kind)) == "typing.Union":
        kind = next(part for part in get_args(kind) if part is not type(None))
        if key not in table.values:
            table.taken.append(key)
            return default
    if get_origin(kind) is Literal:
        return _choice(table, key, get_args(kind), default)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if inner is Path:
            return paths(table, key, folder)
        return _list(table, name, key, inner, default, len(get_args(kind)) if Ellipsis not in get_args(kind) else None)
    if kind is Path:
        found = paths(table, key, folder, several=False)
        return found[0] if found else default
    return _in_limits(table, name, key, table.take(key, kind, default), default)


def _choice(table: Table, key: str, choices: tuple[str, ...], default: str) -> str:
    found = table.take(key, str, default)
    if found in choices:
        return found
    near = get_close_matches(str(found), choices, n=1)
    hint = f"Did you mean {near[0]!r}? Known: " if near else "Use one of "
    table.report(table.at(key), f"{found!r} is unknown", hint + ", ".join(choices))
    return default


def _in_limits(table: Table, name: str, key: str, found: Any, default: Any) -> Any:
    if isinstance(found, str):
        if not found.strip():
            table.report(table.at(key), "the text is empty", "Write it, or remove the key")
            return default
        return found
    if isinstance(found, bool) or not isinstance(found, int | float):
        return found
    low, high = limits(name, key)
    if low <= found <= high:
        return found
    table.report(table.at(key), f"{found!r} is outside {low:g} to {high:g}", f"Write {low:g} to {high:g}")
    return default


def _list(table: Table, name: str, key: str, kind: Any, default: Any, length: int | None) -> Any:
    given = table.take(key, list, list(default))
    wanted = {str: "texts", int: "whole numbers", float: "numbers"}[kind]
    found = []
    for one in given:
        whole = kind is float and isinstance(one, int)
        if isinstance(one, bool) or not (isinstance(one, kind) or whole):
            table.report(table.at(key), f"{one!r} stands among {wanted}", f"Write a list of {wanted}")
            return default
        low, high = limits(name, key)
        if kind is not str and not low <= one <= high:
            table.report(table.at(key), f"{one!r} is outside {low:g} to {high:g}", f"Write {low:g} to {high:g}")
            return default
        found.append(kind(one))
    if length is not None and len(found) != length:
        table.report(table.at(key), f"it has {len(found)} entries", f"Write {length}")
        return default
    twice = next((one for one in found if found.count(one) > 1), None) if kind is str else None
    if twice is not None:
        table.report(table.at(key), f"{twice!r} stands there more than once", "Name each once")
        return default
    return tuple(found)


def paths(table: Table, key: str, folder: Path, several: bool = True, folders: bool = False) -> tuple[Path, ...]:
    """The files of a key as absolute paths, patterns expanded and sorted; what is not there is reported.

    several : a list or one text; folders : folders are allowed
    """
    table.taken.append(key)
    if key not in table.values:
        return ()
    given = table.values[key]
    names = given if isinstance(given, list) and several else [given]
    found: list[Path] = []
    for name in names:
        if not isinstance(name, str) or not name.strip():
            table.report(table.at(key), f"{name!r} is no file name", 'Write a text such as "hospitals.csv"')
            continue
        for path in _expanded(table, key, name, folder):
            if folders and path.is_dir():
                found.append(path)
                continue
            try:
                found.append(check_input(path))
            except DrgEngineError as error:
                table.report(table.at(key), f"{name!r}: {error.problem}", error.remedy)
    twice = next((path for path in found if found.count(path) > 1), None)
    if twice is not None:
        table.report(table.at(key), f"{twice.name!r} is named more than once", "Name each file once")
    return tuple(dict.fromkeys(found))


def _expanded(table: Table, key: str, name: str, folder: Path) -> list[Path]:
    if not any(sign in name for sign in GLOB_SIGNS) or (folder / name).exists():
        return [(folder / name).resolve()]
    matches = sorted(Path(match).resolve() for match in glob.glob(str(folder / name)))  # noqa: PTH207 absolute patterns
    if not matches:
        table.report(table.at(key), f"no file fits the pattern {name!r}", f"Check the pattern and {str(folder)!r}")
    return matches
