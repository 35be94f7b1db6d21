"""Reading and checking a profile file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from drgengine.cases.vocabulary import fold
from drgengine.errors import InputFileError
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.tomltable import Table, read_toml

FOLDER = Path(__file__).parent.parent.parent / "data" / "profiles"
PRIVATE = ("id_number", "birth")
"""Columns that are read to work something out and never leave."""

_LISTED = ("dx", "dx_condition", "dx_source", "dx_status", "proc", "proc_date", "proc_level")
_WORKED_OUT = (*_LISTED, "proc_source", "proc_status", "case_id", "admission_date", "discharge_date")
_HOURS = ("admission_hour", "discharge_hour")
SCALARS = (*PRIVATE, *_HOURS, *(name for name in FRONT_PAGE_SCHEMA.names if name not in _WORKED_OUT))
_PARTS = {"dx": ("code", "name", "condition", "added"), "proc": ("code", "name", "date", "level")}
_UNITS = ("days", "months", "unknown")
_DOMAINS = ("sex", "disposition", "admission_condition", "admission_route", "payment", "yes_no_plan")
_FIRST_PROFILES = ("hqms", "n041", "n042", "hn041", "hqms_p", "opendrg")
_MOST_PARENTS = 8

DaysUnit = Literal["days", "months", "unknown"]
Target = tuple[str, int]
"""What a header feeds: ("sex", 0) or, in a list of slots, ("dx.code", place)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The headers of one profile file, folded.

    plain : header -> target; numbered : (pattern with the number, key, number that stands for place 0)
    shared : True for the Chinese names that all dialects share
    """

    plain: dict[str, Target]
    numbered: tuple[tuple[re.Pattern[str], str, int], ...]
    shared: bool = False

    def target(self, form: str) -> Target | None:
        """What a folded header feeds by this file."""
        found = self.plain.get(form)
        if found is not None:
            return found
        for pattern, key, zero in self.numbered:
            match = pattern.fullmatch(form)
            if match and int(match[1]) >= zero:
                return key, int(match[1]) - zero
        return None


@dataclass(frozen=True, slots=True)
class Profile:
    """One dialect (首页方言).

    name, title, source, dates : what it is, who issued it, and when it is in use
    layers : own headers first, then those of the profiles it extends; a nearer layer wins
    age_days_unit : "days", "months" or "unknown", of the age below one year
    separators : of code lists in one cell
    domains : canonical column -> value domain
    names_stand_for : a file that has Chinese headers only is read as this profile
    """

    name: str
    title: str
    source: str
    dates: str
    layers: tuple[Layer, ...]
    age_days_unit: DaysUnit = "unknown"
    separators: str = "auto"
    domains: dict[str, str] = field(default_factory=dict)
    names_stand_for: bool = False


def profile_names() -> tuple[str, ...]:
    """The packaged profiles.

    >>> profile_names()
    ('hqms', 'n041', 'n042', 'hn041', 'hqms_p', 'opendrg')
    """
    return _FIRST_PROFILES


def load_profile(profile: str | os.PathLike[str]) -> Profile:
    """A packaged profile by name, or one of your own by the path of its .toml file (自定义方言).

    An own file may say extends = "hqms" and then needs only what differs; its headers win over those it extends.
    Raises InputFileError naming file and key: unknown canonical column, one header for two columns, a value out of
    its choices, profiles that extend each other.

    >>> load_profile("hqms").age_days_unit, load_profile("n042").layers[0].target("zyzdjbbm2")
    ('days', ('dx.code', 2))
    """
    name = os.fspath(profile)
    if name in _FIRST_PROFILES:
        return _packaged(name)
    if not name.endswith(".toml"):
        known = ", ".join(_FIRST_PROFILES)
        raise InputFileError(
            f"profile {name!r}", "there is no such profile", f"Use auto, {known}, or the path of a .toml file"
        )
    return _read(Path(name), 0)


@cache
def _packaged(name: str) -> Profile:
    return _read(FOLDER / f"{name}.toml", 0)


def _read(path: Path, depth: int) -> Profile:
    content = read_toml(path, InputFileError, "Check the name of the profile file")
    table = Table(str(path), content, InputFileError)
    parent = _parent(table, path, depth)
    replaced = table.take("instead_of_parent", list, [])
    inherited = parent.layers if parent else ()
    layers = tuple(_without(layer, replaced) for layer in inherited)
    shared = table.take("shared", bool, False)
    own, separators = _layer(path, table, "", shared, parent.separators if parent else "auto")
    names = Table(f"{path}, table [names]", table.take("names", dict, {}), InputFileError)
    own_names, _ = _layer(path, names, "names.", True, separators)
    names.done()
    found = Profile(
        name=path.stem,
        title=table.take("title", str, path.stem),
        source=table.take("source", str, ""),
        dates=table.take("dates", str, ""),
        layers=(own, *((own_names,) if own_names.plain or own_names.numbered else ()), *layers),
        age_days_unit=_unit(table, parent),
        separators=separators,
        domains={**_inherited_domains(path, parent), **_domains(path, table.take("domains", dict, {}))},
        names_stand_for=table.take("names_stand_for", bool, False),
    )
    table.done()
    if not shared and not any(layer.plain or layer.numbered for layer in found.layers):
        raise InputFileError(str(path), "the profile names no header", "Add a table [columns]")
    return found


def _layer(path: Path, table: Table, at: str, shared: bool, separators: str) -> tuple[Layer, str]:
    """The headers of a file, or of its Chinese ones (at "names."), and the separators."""
    headers = _Headers(path, at)
    for key, value in table.take("columns", dict, {}).items():
        headers.scalar(key, value)
    for key, value in table.take("added", dict, {}).items():
        headers.added(key, value)
    for kind in ("dx", "proc"):
        place = f"{path}, table [{at}{kind}]"
        separators = headers.codes(kind, Table(place, table.take(kind, dict, {}), InputFileError), separators)
    headers.icu(Table(f"{path}, table [{at}icu]", table.take("icu", dict, {}), InputFileError))
    return Layer(headers.plain, tuple(headers.numbered), shared), separators


def _unit(table: Table, parent: Profile | None) -> DaysUnit:
    stated = table.choice("age_days_unit", _UNITS, parent.age_days_unit if parent else "unknown")
    return cast(DaysUnit, stated)


def _inherited_domains(path: Path, parent: Profile | None) -> dict[str, str]:
    if parent is not None:
        return parent.domains
    return {} if path == FOLDER / "names.toml" else _packaged("names").domains


def _parent(table: Table, path: Path, depth: int) -> Profile | None:
    name = table.take("extends", str, "")
    if not name:
        return None
    if depth >= _MOST_PARENTS:
        raise InputFileError(f"{path}, key 'extends'", "the profiles extend each other", "Let one of them stand alone")
    if name in (*_FIRST_PROFILES, "names"):
        return _packaged(name)
    if not name.endswith(".toml"):
        known = ", ".join(_FIRST_PROFILES)
        raise InputFileError(f"{path}, key 'extends'", f"there is no profile {name!r}", f"Use one of: {known}")
    return _read(path.parent / name, depth + 1)


def _without(layer: Layer, replaced: list[Any]) -> Layer:
    """The layer without the lists that the nearer profile defines anew."""
    if not replaced or layer.shared:
        return layer
    starts = tuple(f"{kind}." for kind in replaced)
    return replace(
        layer,
        plain={form: target for form, target in layer.plain.items() if not target[0].startswith(starts)},
        numbered=tuple(entry for entry in layer.numbered if not entry[1].startswith(starts)),
    )


def _domains(path: Path, stated: dict[str, Any]) -> dict[str, str]:
    for column, domain in stated.items():
        place = f"{path}, table [domains], key {column!r}"
        if column not in SCALARS and column != "dx_condition":
            raise InputFileError(place, "not a column with a value domain", "Name a canonical column such as sex")
        if domain not in _DOMAINS:
            raise InputFileError(place, f"{domain!r} is no value domain", f"Use one of: {', '.join(_DOMAINS)}")
    return stated


class _Headers:
    """Collects the headers of one file; a header given twice is refused."""

    def __init__(self, path: Path, at: str = "") -> None:
        self.path, self._at = path, at
        self.plain: dict[str, Target] = {}
        self.numbered: list[tuple[re.Pattern[str], str, int]] = []
        self._taken: dict[str, str] = {}

    def scalar(self, key: str, aliases: object) -> None:
        place = f"{self.path}, table [{self._at}columns], key {key!r}"
        if key not in SCALARS:
            raise InputFileError(place, "not a canonical column", _nearest(key, SCALARS))
        for alias in self._texts(place, aliases):
            self._plain(place, alias, (key, 0))

    def added(self, key: str, aliases: object) -> None:
        place = f"{self.path}, table [{self._at}added], key {key!r}"
        if not key.startswith("charge_") or key not in SCALARS:
            charges = [name for name in SCALARS if name.startswith("charge_")]
            raise InputFileError(place, "not a canonical charge", _nearest(key, charges))
        for number, alias in enumerate(self._texts(place, aliases)):
            self._plain(place, alias, (f"added.{key}", number))

    def codes(self, kind: str, table: Table, separators: str) -> str:
        for alias in self._texts(table.at("list"), table.take("list", list, [])):
            self._plain(table.at("list"), alias, (f"{kind}.list", 0))
        stated = table.take("separators", str, separators)
        for part in ("principal", "other"):
            place = f"{self.path}, table [{self._at}{kind}.{part}]"
            slots = Table(place, table.take(part, dict, {}), InputFileError)
            zero = slots.take("from", int, 1) - 1
            for name in _PARTS[kind]:
                aliases = self._texts(slots.at(name), slots.take(name, list, []))
                if part == "principal":
                    for alias in aliases:
                        self._plain(slots.at(name), alias, (f"{kind}.{name}", 0))
                else:
                    self._others(slots.at(name), aliases, f"{kind}.{name}", zero)
            slots.done()
        table.done()
        return stated

    def icu(self, table: Table) -> None:
        for name in ("in", "out"):
            self._others(table.at(name), self._texts(table.at(name), table.take(name, list, [])), f"icu.{name}", 0)
        table.done()

    def _others(self, place: str, aliases: list[str], key: str, zero: int) -> None:
        order = 0
        for alias in aliases:
            if "#" in alias:
                self._numbered(place, alias, key, zero)
            else:
                order += 1
                self._plain(place, alias, (key, order))

    def _plain(self, place: str, alias: str, target: Target) -> None:
        form = fold(alias)
        self._take(place, form, alias)
        self.plain[form] = target

    def _numbered(self, place: str, alias: str, key: str, zero: int) -> None:
        form = fold(alias)
        if form.count("#") != 1:
            raise InputFileError(place, f"{alias!r} has more than one #", "Write # once, where the number stands")
        self._take(place, form, alias)
        before, after = form.split("#")
        self.numbered.append((re.compile(re.escape(before) + r"0*(\d{1,3})" + re.escape(after)), key, zero))

    def _take(self, place: str, form: str, alias: str) -> None:
        if form in self._taken:
            problem = f"the header {alias!r} stands already at {self._taken[form]}"
            raise InputFileError(place, problem, "Let every header feed one column")
        self._taken[form] = place.removeprefix(f"{self.path}, ")

    @staticmethod
    def _texts(place: str, aliases: object) -> list[str]:
        if not isinstance(aliases, list) or not all(isinstance(alias, str) and fold(alias) for alias in aliases):
            raise InputFileError(place, f"{aliases!r} is no list of headers", 'Write a list such as ["A48", "病案号"]')
        return aliases


def _nearest(key: str, known: tuple[str, ...] | list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}"
